"""Slow twins of the streaming statistics: one Python number at a time, in float64."""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class SlowStatistics:
    """What `reduce` should find: the sums of SUMS in order, (max, -min), and values per bucket."""

    sums: list[float]
    extremes: tuple[float, float]
    counts: dict[int, int]


def slow_statistics(values: np.ndarray, mantissa_bits: int) -> SlowStatistics:
    """Measure float32 values, taken one at a time from the words of the definition."""
    narrow = values.astype(np.float32).ravel()
    numbers = [float(value) for value in narrow]
    finite = [number for number in numbers if math.isfinite(number)]
    return SlowStatistics(
        sums=[
            len(finite),
            sum(number == 0 for number in numbers),
            sum(math.isnan(number) for number in numbers),
            numbers.count(math.inf),
            numbers.count(-math.inf),
            math.fsum(finite),
            math.fsum(number * number for number in finite),
            math.fsum(abs(number) for number in finite),
        ],
        extremes=(max(finite, default=-math.inf), -min(finite, default=math.inf)),
        counts=dict(Counter(slow_bucket(int(bits), mantissa_bits) for bits in narrow.view(np.uint32))),
    )


def slow_bucket(bits: int, mantissa_bits: int) -> int:
    """Return the bucket of a float32 number, from its sign, exponent and mantissa as IEEE 754 names them."""
    sign, exponent, mantissa = bits >> 31, bits >> 23 & 0xFF, bits & 0x7FFFFF
    place = exponent * 2**mantissa_bits + mantissa * 2**mantissa_bits // 2**23
    return place if sign else 256 * 2**mantissa_bits + place


def slow_quantile(values: np.ndarray, share: float) -> float:
    """Return the value of rank ceil(share x n) by sorting: the inverse of the distribution function."""
    ordered = sorted(float(value) for value in values.ravel() if math.isfinite(value))
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


def slow_units(values: np.ndarray, *, low: float, high: float) -> np.ndarray:
    """Count seen, active and saturated samples of values laid out as [sample, unit, position]."""
    rows = np.zeros((3, values.shape[1]), dtype=np.int64)
    for sample in values:
        for unit, positions in enumerate(sample):
            numbers = [float(number) for number in positions]
            rows[0, unit] += 1
            rows[1, unit] += any(number != 0 for number in numbers)
            rows[2, unit] += all(number <= low or number >= high for number in numbers)
    return rows
