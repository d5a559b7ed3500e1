"""Analogies: which words lie where the offset of one pair leads from a third word, and whether offsets agree."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.maths.ranks import interval

Values = NDArray[Any]
Scan = Iterable[tuple[int, Values]]

METHODS = ("add", "mul")
_EPSILON = 1e-3
"""Keeps the division of "mul" from one by 0; that of Levy and Goldberg."""
_SAME = 1e-9
"""Scores that lie nearer are equal: a product of matrices is rounded differently in parts of another size, and "mul"
divides by it."""
_MOST_WHOLE = 8
"""Pairs of which every order may be taken: 40,320."""
_CELLS = 1 << 21
"""Numbers of a part of the vocabulary that is in work at a time, 16 MiB."""


def lengths(rows: Values) -> Values:
    """Return the Euclidean length of each row.

    Args:
        rows: [row, dimension].

    Returns:
        [row], float64; right also where squares would overflow, NaN for a row with NaN.
    """
    wide = np.abs(np.asarray(rows, dtype=np.float64))
    largest = wide.max(axis=1, initial=0.0)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    return scale * np.sqrt(((wide / scale[:, None]) ** 2).sum(axis=1))


def unit(rows: Values) -> Values:
    """Return rows scaled to the length 1.

    Args:
        rows: [row, dimension], finite.

    Returns:
        The same shape, float64; a row of zeros stays as it is.
    """
    wide = np.asarray(rows, dtype=np.float64)
    largest = np.abs(wide).max(axis=1, initial=0.0)[:, None]
    wide = wide / np.where(largest > 0, largest, 1.0)
    length = np.sqrt((wide**2).sum(axis=1))[:, None]
    return wide / np.where(length > 0, length, 1.0)


def scanned(rows: Values, usable: Values, named: Values, score: Callable[[Values], Values], wide: int) -> Scan:
    """Go through a vocabulary part by part, and score every word of it.

    Args:
        rows: The vocabulary, [word, dimension], of any type of real numbers; read in parts, and not changed.
        usable: Which of them have a direction, [word]; the others score minus infinity.
        named: [named word, dimension], float64.
        score: From the products of words of length 1 with the named ones, [word, named word], to [word, column].
        wide: How many columns it makes.

    Returns:
        Number of the first word of each part, and its scores, [word, column].
    """
    size = max(1, _CELLS // max(rows.shape[1], len(named), wide, 1))

    def parts() -> Iterator[tuple[int, Values]]:
        for start in range(0, len(rows), size):
            good = usable[start : start + size]
            found = np.full((len(good), wide), -np.inf)
            found[good] = score(unit(rows[start : start + size][good]) @ named.T)
            yield start, found

    return parts()


def best(scan: Scan, most: int) -> tuple[Values, Values]:
    """Return the words that score highest.

    Args:
        scan: See `scanned`.
        most: How many a column at the most.

    Returns:
        Numbers of words and their scores, [place, column] each, the highest first and of equal ones the first word;
        -1 and minus infinity where there are no more.
    """
    places, highest = np.zeros((0, 1), dtype=np.int64), np.zeros((0, 1))
    for start, found in scan:
        own = np.broadcast_to(np.arange(start, start + len(found))[:, None], found.shape)
        places = np.concatenate([np.broadcast_to(places, (len(places), found.shape[1])), own])
        highest = np.concatenate([np.broadcast_to(highest, (len(highest), found.shape[1])), found])
        order = np.argsort(-highest, axis=0, kind="stable")[:most]
        places, highest = (np.take_along_axis(one, order, axis=0) for one in (places, highest))
    return np.where(np.isneginf(highest), -1, places), highest


def above(scan: Scan, limits: Values) -> Values:
    """Return how many words score higher than a limit.

    Args:
        scan: See `scanned`.
        limits: [column].

    Returns:
        [column]; words that score the same up to rounding do not count.
    """
    counts = np.zeros(len(limits), dtype=np.int64)
    for _, found in scan:
        counts += is_above(found, limits).sum(axis=0)
    return counts


def is_above(found: Values, limits: Values) -> Values:
    """Say which scores are higher than a limit by more than rounding, [word, column]."""
    return found > limits + _SAME * np.maximum(1.0, np.abs(limits))


def scores(products: Values, sizes: Values, queries: Values, method: str) -> Values:
    """Score words as the answer to "a is to b as c is to ?".

    Args:
        products: Of words of length 1 with the named ones, [word, named word].
        sizes: Lengths that the cosines of "mul" divide by, [named word], and behind them the length of b - a + c for
            each query, [query].
        queries: Numbers of a, b and c among the named, [query, 3].
        method: "add", the cosine with b - a + c, or "mul", the product of the nearness to b and to c over that to a.

    Returns:
        [word, query]: "add" -1 to 1; "mul" 0 to 1,000, about 1 where a word is as near to a as to the others.

    Source:
        Mikolov et al. 2013, "Linguistic regularities in continuous space word representations"; Levy and Goldberg
        2014, "Linguistic regularities in sparse and explicit word representations" (3CosAdd, 3CosMul).
    """
    a, b, c = queries.T
    if method == "add":
        found = sizes[products.shape[1] :]
        return (products[:, b] - products[:, a] + products[:, c]) / np.where(found > 0, found, 1.0)
    near = (1 + products / sizes[: products.shape[1]]) / 2
    return near[:, b] * near[:, c] / (near[:, a] + _EPSILON)


def alikeness(offsets: Values) -> Values:
    """Return the cosine of every offset with every other.

    Args:
        offsets: [pair, dimension].

    Returns:
        [pair, pair]; 0 for an offset of zeros.
    """
    directions = unit(offsets)
    return np.clip(directions @ directions.T, -1.0, 1.0)


def agreement(alike: Values) -> tuple[float, float, float]:
    """Return the mean cosine of two different offsets, with its 95 % interval over pairs.

    Args:
        alike: [pair, pair].

    Returns:
        Mean, lower and upper end; NaN for fewer than 2 pairs, and for the ends of fewer than 3. The ends are those of
        the jackknife: leaving one pair out at a time shows how much hangs on each.
    """
    count = len(alike)
    if count < 2:
        return math.nan, math.nan, math.nan
    sums = (alike.sum() - np.trace(alike)) / 2
    own = alike.sum(axis=1) - np.diagonal(alike)
    mean = float(sums / (count * (count - 1) / 2))
    if count < 3:
        return mean, math.nan, math.nan
    without = (sums - own) / ((count - 1) * (count - 2) / 2)
    _, low, high = interval(count * mean - (count - 1) * without)
    return mean, max(low, -1.0), min(high, 1.0)


def shuffled(first: Values, second: Values, draws: int, seed: int) -> Values:
    """Return the mean cosine of offsets when every first word is given the partner of another.

    Args:
        first: [pair, dimension].
        second: [pair, dimension].
        draws: How many orders are drawn; where there are no more than that, each is taken once.
        seed: Of the orders.

    Returns:
        [order]; empty for fewer than 2 pairs. Every order at once includes the true one.
    """
    count = len(first)
    if count < 2:
        return np.zeros(0)
    if count <= _MOST_WHOLE and math.factorial(count) <= draws:
        orders: Iterable[Any] = (list(one) for one in itertools.permutations(range(count)))
    else:
        source = np.random.default_rng(seed)
        orders = (source.permutation(count) for _ in range(draws))
    return np.array([_mean_cosine(second[order] - first) for order in orders])


def _mean_cosine(offsets: Values) -> float:
    """Return what `agreement` does, from one sum: the square of a sum holds every product of two."""
    directions = unit(offsets)
    total, count = directions.sum(axis=0), len(directions)
    return float((total @ total - (directions**2).sum()) / (count * (count - 1)))


def as_high(mean: float, others: Values) -> int:
    """Return in how many orders shuffled partners agree as well as the true ones, whose mean cosine is given."""
    return int((others >= mean - _SAME).sum())


def is_whole(others: Values, pairs: int) -> bool:
    """Say whether every order of so many pairs was taken, the true one among them, and none was drawn."""
    return pairs <= _MOST_WHOLE and len(others) == math.factorial(pairs)


def chance(mean: float, others: Values, pairs: int) -> float:
    """Return how often shuffled partners agree as well: the p value of a permutation test.

    Args:
        mean: The mean cosine with the true partners.
        others: Of shuffled ones, as `shuffled` returns them.
        pairs: How many pairs there are.

    Returns:
        Above 0, to 1; NaN where nothing was shuffled.
    """
    if not len(others):
        return math.nan
    true = 0 if is_whole(others, pairs) else 1  # drawn orders need not hold it, and it counts
    return (true + as_high(mean, others)) / (true + len(others))


def flattened(points: Values) -> tuple[Values, Values]:
    """Return points on the plane that shows most of their differences.

    Args:
        points: [point, dimension], finite.

    Returns:
        Places, [point, 2], and the share of the differences along each axis, [2]. Of the two directions of an axis the
        one is taken in which the farthest point is on the right or the upper side.
    """
    flat, shares = np.zeros((len(points), 2)), np.zeros(2)
    if not points.size:
        return flat, shares
    centred = points - points.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    kept = min(2, len(sizes))
    flat[:, :kept] = left[:, :kept] * sizes[:kept]
    farthest = flat[np.abs(flat).argmax(axis=0), [0, 1]]
    total = float((sizes**2).sum())
    shares[:kept] = sizes[:kept] ** 2 / total if total else 0.0
    return flat * np.where(farthest < 0, -1.0, 1.0), shares
