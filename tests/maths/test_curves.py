"""Smoothing, surprise and entropy against their slow twins, and what must hold for any curve."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.maths.curves import entropy, evenly, expected_entropy, finite_prefix, smooth, surprise
from tests.reference.curves import entropy_of, entropy_of_random_batches, smoothed, surprises

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(NUMBERS, st.floats(0, 0.99))
def test_smoothing_is_the_corrected_exponential_mean(values: list[float], memory: float) -> None:
    """It agrees with the sum over all values before."""
    np.testing.assert_allclose(
        smooth(np.array(values), memory), smoothed(values, memory), rtol=1e-9, atol=1e-9 * max(map(abs, values))
    )


@given(st.floats(-1e6, 1e6), st.integers(1, 50))
def test_smoothing_leaves_a_constant_alone(value: float, points: int) -> None:
    """The first points are not pulled to 0."""
    np.testing.assert_allclose(smooth(np.full(points, value), 0.98), value, rtol=1e-12)


def test_smoothing_passes_over_what_is_not_finite() -> None:
    """The curve is NaN there, and goes on as if the value had not been."""
    gap = smooth(np.array([1.0, math.nan, 3.0, math.inf, 5.0]), 0.5)
    assert np.isnan(gap).tolist() == [False, True, False, True, False]
    np.testing.assert_allclose(gap[[0, 2, 4]], smooth(np.array([1.0, 3.0, 5.0]), 0.5))


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.integers(1, 12))
def test_surprise_is_a_robust_z(values: list[float], window: int) -> None:
    """It agrees with sorting every window."""
    found = surprise(np.array(values), window=window, floor=0.1)
    np.testing.assert_allclose(found, surprises(values, window, 0.1), rtol=1e-9, atol=1e-9)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any))
def test_entropy(counts: list[int]) -> None:
    """It agrees with its definition, is 0 for one class and at most the logarithm of their number."""
    found = entropy(np.array(counts))
    assert found == pytest.approx(entropy_of(counts), abs=1e-12)
    assert 0 <= found <= math.log(len(counts)) + 1e-12


def test_entropy_of_nothing_is_not_measured() -> None:
    """No labels, no entropy."""
    assert math.isnan(entropy(np.zeros(0)))
    assert math.isnan(expected_entropy(np.zeros(3), 4))


@pytest.mark.parametrize("counts", [[1, 1, 1], [5, 3, 0, 2], [97, 1, 2], [4]])
@pytest.mark.parametrize("samples", [1, 2, 5])
def test_entropy_of_random_batches(counts: list[int], samples: int) -> None:
    """It agrees with going through every batch there can be."""
    found = expected_entropy(np.array(counts), samples)
    assert found == pytest.approx(entropy_of_random_batches(counts, samples), abs=1e-12)


def test_entropy_of_random_batches_has_no_seam() -> None:
    """The exact sum and the approximation for large batches meet within a thousandth."""
    counts = np.array([50, 30, 15, 5])
    assert expected_entropy(counts, 256) == pytest.approx(expected_entropy(counts, 257), abs=1e-3)


def test_finite_prefix() -> None:
    """It counts up to the first value that is not finite."""
    assert finite_prefix(np.array([1.0, 2.0, math.inf, 3.0])) == 2
    assert finite_prefix(np.array([1.0, 2.0])) == 2
    assert finite_prefix(np.zeros(0)) == 0


@given(st.integers(1, 500), st.integers(2, 50))
def test_evenly_keeps_both_ends(count: int, most: int) -> None:
    """At most so many, rising, the first and the last among them."""
    kept = evenly(count, most)
    assert len(kept) == min(count, most) or len(kept) <= most
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert (np.diff(kept) > 0).all()
