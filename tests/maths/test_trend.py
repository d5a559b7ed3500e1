"""Tests of trends against scipy and on noise."""

import math

import numpy as np
import pytest
from scipy.stats import theilslopes

from pellucid.maths.trend import blocks, theil_sen


@pytest.mark.parametrize("count", [8, 20, 57])
def test_slope_and_interval_are_those_of_scipy(count: int) -> None:
    """Median of all slopes, and the interval of Sen."""
    generator = np.random.default_rng(count)
    x = np.sort(generator.uniform(0, 10, count))
    y = 0.3 * x + generator.standard_t(2, count)
    expected = theilslopes(y, x, alpha=0.95)
    assert theil_sen(x, y) == pytest.approx((expected.slope, expected.low_slope, expected.high_slope))


def test_outliers_do_not_tilt_it() -> None:
    """A tenth of wild points leaves the slope as it is."""
    x = np.arange(50.0)
    y = 2 * x
    y[::10] += 1e6
    assert theil_sen(x, y)[0] == pytest.approx(2.0, rel=0.05)


def test_noise_has_no_trend_and_few_points_no_interval() -> None:
    """The interval covers 0 in 95 of 100 cases; of fewer than 8 points it is endless."""
    generator = np.random.default_rng(0)
    x = np.arange(30.0)
    covered = 0
    for _ in range(200):
        _, low, high = theil_sen(x, generator.normal(size=30))
        covered += low <= 0 <= high
    assert 180 <= covered <= 199
    assert theil_sen(np.arange(4.0), np.array([0.0, 1.0, 2.0, 3.0])) == (1.0, -math.inf, math.inf)
    assert all(math.isnan(one) for one in theil_sen(np.zeros(1), np.zeros(1)))


def test_blocks_are_means_of_neighbours() -> None:
    """Seven points in three blocks are 3, 2 and 2."""
    np.testing.assert_allclose(blocks(np.arange(7.0), 3), [1.0, 3.5, 5.5])
    np.testing.assert_allclose(blocks(np.arange(2.0), 9), [0.0, 1.0])
