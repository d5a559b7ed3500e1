"""Separation: how far groups of vectors lie apart, beside how far their members do."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]

_ROWS = 512
"""Rows whose distances to all others are held at one time."""
_FLAT = 1e-6
"""Directions between the means are none below this share of the longest."""


@dataclass(frozen=True, kw_only=True)
class Collapse:
    """How far classes have collapsed to a simplex, as those of a classifier do when it is trained to the end.

    Attributes:
        within: Scatter within classes as seen between them, NC1; 0 where each class is one point.
        equinorm: Coefficient of variation of the distances of class means from their middle, NC2; 0 on a simplex.
        equiangular: Mean distance of the cosines between class means from those of a simplex, NC2; 0 on a simplex.
        self_dual: Distance between the class means and the weights of the head, both scaled to length 1, NC3; 0 where
            they are alike, root 2 where they are unrelated; NaN where there is no head.
        disagreement: Share of examples that the model puts into another class than the nearest mean, NC4; NaN where
            what it says is not known.
    """

    within: float
    equinorm: float
    equiangular: float
    self_dual: float
    disagreement: float


def means_of(values: Values, groups: Values) -> Values:
    """Return the mean of each group, [group, unit].

    Args:
        values: [example, unit].
        groups: Of each example, 0 to groups - 1, each of which has one or more, [example].
    """
    order, ends = _grouped(groups)
    return np.stack([values[rows].mean(axis=0, dtype=np.float64) for rows in np.split(order, ends[:-1])])


def scatter_ratio(values: Values, groups: Values) -> float:
    """Return the scatter within groups over that between them: tr S_W / tr S_B.

    Args:
        values: [example, unit], finite.
        groups: See `means_of`.

    Returns:
        0 where each group is one point; infinite where the groups have one mean; NaN where all examples are alike. It
        does not change when all values are shifted or scaled.
    """
    return float(scatter_ratios(values, groups, np.ones((1, len(groups))))[0])


def scatter_ratios(values: Values, groups: Values, weights: Values) -> Values:
    """Return the scatter within groups over that between them, with examples counted as often as they weigh.

    Args:
        values: [example, unit], finite.
        groups: See `means_of`.
        weights: How often each example counts, [draw, example]; of no group none at all.

    Returns:
        [draw]; see `scatter_ratio`.

    Cost:
        A product of weights and values.
    """
    centred = values - values.mean(axis=0, dtype=np.float64)
    squares = np.einsum("ij,ij->i", centred, centred)
    order, ends = _grouped(groups)
    draws, units = len(weights), centred.shape[1]
    total, within, spread = (np.zeros(draws) for _ in range(3))
    middle = np.zeros((draws, units))
    for rows in np.split(order, ends[:-1]):
        heavy = weights[:, rows].astype(np.float64)
        count = heavy.sum(axis=1)
        sums = heavy @ centred[rows]
        apart = np.einsum("ij,ij->i", sums, sums) / count
        within += np.maximum(heavy @ squares[rows] - apart, 0.0)
        spread += apart
        middle += sums
        total += count
    between = np.maximum(spread - np.einsum("ij,ij->i", middle, middle) / total, 0.0)
    # Of values that are all alike rounding leaves a little, and a ratio of that would be noise.
    nothing = len(groups) * (np.finfo(np.float64).eps * float(np.abs(values).max(initial=0))) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(within <= nothing, 0.0, within) / np.where(between <= nothing, 0.0, between)
    return np.asarray(found)


def resampled(groups: Values, draws: int, seed: int) -> Values:
    """Return how often each example counts when those of each group are drawn anew with replacement.

    Args:
        groups: See `means_of`.
        draws: How often.
        seed: Of the draws.

    Returns:
        [draw, example]; of each group as many as there are.

    Source:
        Efron 1979 (bootstrap), within strata.
    """
    generator = np.random.default_rng(seed)
    order, ends = _grouped(groups)
    weights = np.zeros((draws, len(groups)), dtype=np.uint16)
    for rows in np.split(order, ends[:-1]):
        count = len(rows)
        weights[:, rows] = generator.multinomial(count, np.full(count, 1 / count), size=draws)
    return weights


def silhouettes(values: Values, groups: Values) -> Values:
    """Return the silhouette of each example: how much nearer its own group is than the next, by Euclidean distances.

    Args:
        values: [example, unit], finite.
        groups: See `means_of`; two groups or more.

    Returns:
        -1 (amid another group) to 1 (far from all others), [example]; 0 where it is alone in its group.

    Cost:
        A distance for each pair of examples.

    Source:
        Rousseeuw 1987.
    """
    centred = values - values.mean(axis=0, dtype=np.float64)
    squares = np.einsum("ij,ij->i", centred, centred)
    counts = np.bincount(groups)
    members = (groups[:, None] == np.arange(len(counts))).astype(np.float64)
    found = np.zeros(len(groups))
    for begin in range(0, len(groups), _ROWS):
        rows = slice(begin, begin + _ROWS)
        apart = squares[rows, None] + squares - 2 * centred[rows] @ centred.T
        sums = np.sqrt(np.maximum(apart, 0.0)) @ members
        own, place = groups[rows], np.arange(len(sums))
        inside = sums[place, own] / np.maximum(counts[own] - 1, 1)
        means = sums / counts
        means[place, own] = np.inf
        outside = means.min(axis=1)
        longest = np.maximum(inside, outside)
        with np.errstate(invalid="ignore"):
            found[rows] = np.where((counts[own] > 1) & (longest > 0), (outside - inside) / longest, 0.0)
    return found


def stratified(groups: Values, most: int, seed: int) -> Values:
    """Return rows that stand for all: of each group its share, and two at the least.

    Args:
        groups: See `means_of`.
        most: Rows in all, about.
        seed: Of the choice.

    Returns:
        Numbers of rows in their order; all of them where there are no more than `most`.
    """
    if len(groups) <= most:
        return np.arange(len(groups))
    generator = np.random.default_rng(seed)
    order, ends = _grouped(groups)
    chosen = [
        generator.choice(rows, min(len(rows), max(2, round(len(rows) * most / len(groups)))), replace=False)
        for rows in np.split(order, ends[:-1])
    ]
    return np.sort(np.concatenate(chosen))


def distances(first: Values, second: Values) -> Values:
    """Return the Euclidean distance of each row to each of others, [first, second]."""
    middle = second.mean(axis=0, dtype=np.float64)
    first, second = first - middle, second - middle
    squares = np.einsum("ij,ij->i", first, first)[:, None] + np.einsum("ij,ij->i", second, second)
    return np.sqrt(np.maximum(squares - 2 * first @ second.T, 0.0))


def collapse(values: Values, groups: Values, *, head: Values | None = None, said: Values | None = None) -> Collapse:
    """Measure how far classes have collapsed.

    Args:
        values: [example, unit], finite.
        groups: See `means_of`; two or more.
        head: Weights of the head, one row a group, [group, unit].
        said: Group that the model puts each example into, [example]; -1 for one that is none of these.

    Returns:
        Five numbers.

    Source:
        Papyan, Han and Donoho 2020, "Prevalence of neural collapse during the terminal phase of deep learning
        training".
    """
    means = means_of(values, groups)
    count, middle = len(means), means.mean(axis=0)
    apart = means - middle
    lengths = np.linalg.norm(apart, axis=1)
    known = lengths.min() > 0
    unit = apart / np.where(lengths > 0, lengths, 1.0)[:, None]
    cosines = (unit @ unit.T)[~np.eye(count, dtype=bool)]
    length = float(np.linalg.norm(apart))
    dual = float("nan")
    if head is not None and length > 0 and np.isfinite(head).all() and float(np.linalg.norm(head)) > 0:
        dual = float(np.linalg.norm(apart / length - head / np.linalg.norm(head)))
    return Collapse(
        within=_within(values, groups, means),
        equinorm=float(lengths.std() / lengths.mean()) if length > 0 else float("nan"),
        equiangular=float(np.abs(cosines + 1 / (count - 1)).mean()) if known else float("nan"),
        self_dual=dual,
        disagreement=float("nan") if said is None else float((nearest(values, means) != said).mean()),
    )


def nearest(values: Values, means: Values) -> Values:
    """Return the number of the mean that is nearest to each example, [example]."""
    found = [distances(values[begin : begin + _ROWS], means).argmin(axis=1) for begin in range(0, len(values), _ROWS)]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _within(values: Values, groups: Values, means: Values) -> float:
    """Return tr(S_W S_B^+) / groups, S_B^+ being taken in the few directions in which the means lie."""
    counts = np.bincount(groups)
    middle = (counts / counts.sum()) @ means
    _, sizes, directions = np.linalg.svd(
        np.sqrt(counts / counts.sum())[:, None] * (means - middle), full_matrices=False
    )
    kept = sizes > _FLAT * sizes.max(initial=0.0)
    if not kept.any():
        return float("nan")
    seen = (values - means[groups]) @ (directions[kept] / sizes[kept, None]).T
    return float(np.square(seen).sum() / len(values) / len(means))


def _grouped(groups: Values) -> tuple[Values, Values]:
    """Return the rows, group by group, and where each group ends."""
    return np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))
