"""Ranks: orders of values with their ties treated fairly, how alike two orders are, and means with their intervals."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]

SAME = 1e-6
"""Values that lie within this share of the largest are one value: float32 tells no more of a sum."""
_UNDEFINED = 1e-9


def is_constant(values: Values) -> Values:
    """Say which rows hold one value only, up to rounding.

    Args:
        values: [row, value].

    Returns:
        [row]; False for a row with a value that is not finite.
    """
    if not values.size:
        return np.ones(len(values), dtype=bool)
    finite = np.asarray(np.isfinite(values).all(axis=1))
    known = np.where(finite[:, None], values, 0.0)
    return finite & np.asarray(known.max(axis=1) - known.min(axis=1) <= SAME * np.abs(known).max(axis=1))


def average_ranks(values: Values) -> Values:
    """Return the rank of every value in its row; values that are equal share the mean of their ranks.

    Args:
        values: [row, value], finite.

    Returns:
        [row, value], 0 for the smallest.
    """
    ranks = np.empty(values.shape, dtype=np.float64)
    for row, ranked in zip(values, ranks, strict=True):
        order = np.argsort(row, kind="stable")
        new = np.flatnonzero(np.diff(row[order], prepend=np.nan) != 0)
        ends = np.append(new[1:], len(row))
        ranked[order] = np.repeat((new + ends - 1) / 2, ends - new)
    return ranks


def spearman(first: Values, second: Values) -> Values:
    """Return how alike the orders of two rows are.

    Args:
        first: [row, value].
        second: [row, value].

    Returns:
        [row], -1 (reversed) to 1 (the same order); NaN where a row is constant or not finite: it has no order.
    """
    found = np.full(len(first), np.nan)
    good = _ordered(first) & _ordered(second)
    one, other = (_centred(average_ranks(rows[good])) for rows in (first, second))
    sizes = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    found[good] = np.clip((one * other).sum(axis=1) / np.maximum(sizes, np.finfo(float).tiny), -1, 1)
    return found


def beyond(alike: Values, first: Values, second: Values) -> Values:
    """Return how alike two orders are beyond what a third explains: the partial correlation.

    Args:
        alike: Correlation of the two.
        first: Correlation of the first with the third; NaN where the third has no order, and explains nothing.
        second: Correlation of the second with the third.

    Returns:
        The same shape, -1 to 1. Two that are both the order of the third are as alike as they are.

    Source:
        Kendall 1942, "Partial rank correlation"; for Spearman's coefficient the formula is that of Pearson's.
    """
    first, second = np.nan_to_num(first), np.nan_to_num(second)
    left = (1 - first**2) * (1 - second**2)
    part = (alike - first * second) / np.sqrt(np.maximum(left, _UNDEFINED))
    return np.where(left < _UNDEFINED, alike, np.clip(part, -1, 1))


def interval(values: Values) -> tuple[float, float, float]:
    """Return the mean with its 95 % confidence interval.

    Args:
        values: [value]; those that are not finite are left out.

    Returns:
        Mean, lower and upper end, by Student's distribution; NaN for what too few values cannot tell.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return math.nan, math.nan, math.nan
    mean = float(finite.mean())
    if len(finite) == 1:
        return mean, math.nan, math.nan
    half = _student(len(finite) - 1) * float(finite.std(ddof=1)) / math.sqrt(len(finite))
    return mean, mean - half, mean + half


def _student(freedom: int) -> float:
    """Return the 97.5 % point of Student's distribution: exact for 1 and 2, within 0.5 % from 3 on."""
    if freedom <= 2:
        return 12.706 if freedom == 1 else 4.303
    z, n = 1.959964, float(freedom)
    terms = (
        (z**3 + z) / (4 * n),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3),
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4),
    )
    return z + sum(terms)


def _ordered(rows: Values) -> Values:
    return np.asarray(np.isfinite(rows).all(axis=1)) & ~is_constant(rows)


def _centred(rows: Values) -> Values:
    return rows - rows.mean(axis=1, keepdims=True) if rows.size else rows
