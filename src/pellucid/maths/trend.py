"""Trends: how fast noisy values rise or fall, robustly, and whether they do at all."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
_NORMAL = 1.959964
_FEWEST = 8


def theil_sen(x: Values, y: Values) -> tuple[float, float, float]:
    """Return the median of the slopes between all pairs of points, with its 95 % interval.

    Args:
        x: Rising, [point].
        y: Finite, [point].

    Returns:
        (slope, low, high); NaN each with fewer than 2 points, an endless interval with fewer than 8.

    Cost:
        A slope for each pair of points.

    Source:
        Theil 1950; Sen 1968, "Estimates of the regression coefficient based on Kendall's tau".
    """
    count = len(x)
    if count < 2:
        return math.nan, math.nan, math.nan
    first, second = np.triu_indices(count, 1)
    slopes = np.sort((y[second] - y[first]) / (x[second] - x[first]))
    slope = float(np.median(slopes))
    if count < _FEWEST:
        return slope, -math.inf, math.inf
    reach = _NORMAL * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(round((len(slopes) - reach) / 2) - 1, 0)
    high = min(round((len(slopes) + reach) / 2), len(slopes) - 1)
    return slope, float(slopes[low]), float(slopes[high])


def blocks(values: Values, most: int) -> Values:
    """Return means of blocks of neighbours, as equal in size as can be, so that noise from point to point averages out.

    Args:
        values: [point], at least one.
        most: Blocks at the most.

    Returns:
        [block].
    """
    return np.array([float(part.mean()) for part in np.array_split(values, min(most, len(values)))])
