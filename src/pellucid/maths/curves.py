"""What is computed of scalars over training: smoothing, robust outliers, entropy of labels."""

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Values = NDArray[Any]

MEDIAN_TO_DEVIATION = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def finite_prefix(values: Values) -> int:
    """Count the values before the first that is NaN or infinite.

    Args:
        values: [point].

    Returns:
        A count, 0 to the number of points; the number of points when all are finite.
    """
    bad = np.flatnonzero(~np.isfinite(values))
    return int(bad[0]) if bad.size else len(values)


def smooth(values: Values, memory: float) -> Values:
    """Smooth exponentially, free of the pull to 0 that a start at 0 would give.

    The running mean is m_t = b m_(t-1) + (1 - b) v_t with m_0 = 0, and what is returned is m_t / (1 - b^t),
    the correction of Adam. Values that are not finite are passed over: the curve is NaN there, and goes on
    after them as if they had not been.

    Args:
        values: [point].
        memory: b, 0 (no smoothing) to below 1; about 1 / (1 - b) points are averaged.

    Returns:
        [point]; the first finite value is returned as it is.

    Source:
        Kingma and Ba 2015, Adam, algorithm 1 and section 3.
    """
    smoothed = np.full(len(values), np.nan)
    mean, weight = 0.0, 0.0
    for index, value in enumerate(values.tolist()):
        if math.isfinite(value):
            mean = memory * mean + (1 - memory) * value
            weight = memory * weight + (1 - memory)  # this is 1 - b^t, without the power
            smoothed[index] = mean / weight
    return smoothed


def surprise(values: Values, *, window: int, floor: float) -> Values:
    """Measure how far each value stands above the ones before it, in robust standard deviations.

    The middle is the median of the `window` values before, the deviation 1.4826 times their median absolute
    deviation, so that a spike among them does not hide the next one.

    Args:
        values: [point], finite.
        window: Values before each, 1 or more.
        floor: Smallest deviation that is believed; keeps a flat stretch from making noise look like a spike.

    Returns:
        [point]; NaN for the first `window` points.
    """
    result = np.full(len(values), np.nan)
    if len(values) <= window:
        return result
    before = sliding_window_view(values, window)[:-1]
    middle = np.median(before, axis=1)
    deviation = MEDIAN_TO_DEVIATION * np.median(np.abs(before - middle[:, None]), axis=1)
    result[window:] = (values[window:] - middle) / np.maximum(deviation, floor)
    return result


def entropy(counts: Values) -> float:
    """Return the entropy of how often each class occurs.

    Args:
        counts: [class], 0 or more; need not sum to 1.

    Returns:
        Nats, 0 (one class) to the logarithm of the number of classes; NaN when nothing was counted.
    """
    total = float(np.sum(counts))
    if total <= 0:
        return math.nan
    shares = np.asarray(counts, dtype=np.float64)[np.asarray(counts) > 0] / total
    return abs(float(np.sum(shares * np.log(shares))))


def expected_entropy(counts: Values, samples: int) -> float:
    """Return the mean entropy of the labels in a batch that is drawn at random.

    A small batch holds few classes even when it is well shuffled: 4 samples of 10 equal classes have 1.2 nats
    where the data have 2.3.

    Args:
        counts: How often each class occurs in the data, [class].
        samples: Size of the batch, 1 or more.

    Returns:
        Nats, 0 for a batch of one, to the entropy of the data for a large batch; NaN when nothing was counted.

    Source:
        Sum over classes of the mean of -(k/n) ln(k/n) with k binomial; for more than 256 samples the entropy
        less (classes - 1) / (2 n), Miller 1955.
    """
    whole = entropy(counts)
    if math.isnan(whole) or samples > _EXACT_SAMPLES:
        present = int(np.sum(np.asarray(counts) > 0))
        return max(whole - (present - 1) / (2 * samples), 0.0) if not math.isnan(whole) else whole
    shares = np.asarray(counts, dtype=np.float64) / float(np.sum(counts))
    each, how_many = np.unique(shares[shares > 0], return_counts=True)
    k = np.arange(1, samples + 1)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(k))])
    ways = factorials[samples] - factorials[k] - factorials[samples - k]
    inside = np.minimum(each, 1 - 1e-300)[:, None]
    rest = np.log1p(-inside, where=inside < 1, out=np.full_like(inside, -np.inf))
    with np.errstate(invalid="ignore"):
        lost = np.where(k == samples, 0.0, (samples - k) * rest)
    chance = np.exp(ways + k * np.log(inside) + lost)
    part = -(k / samples) * np.log(k / samples)
    return float(np.sum((chance @ part) * how_many))


_EXACT_SAMPLES = 256


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """Choose at most `most` of `count` places, evenly spread, the first and the last among them.

    Args:
        count: Places there are.
        most: Places to keep, 2 or more.

    Returns:
        Rising places, [at most `most`].
    """
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.int64))
