"""Ranks, correlations and intervals against slow twins and known answers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.maths.ranks import average_ranks, beyond, interval, is_constant, spearman
from tests.reference import faithfulness as reference

ROWS = st.lists(st.integers(-3, 3), min_size=3, max_size=9).filter(lambda row: len(set(row)) > 1)


@given(ROWS)
def test_ranks_of_ties_are_averaged(row: list[int]) -> None:
    """As counting what is smaller, and half of what is equal, gives them."""
    assert average_ranks(np.array([row]))[0].tolist() == reference.ranks(row)


@given(ROWS, st.integers(0, 100))
def test_spearman_is_the_correlation_of_ranks(row: list[int], seed: int) -> None:
    """Also with ties; it is 1 with itself and -1 with its opposite."""
    other = np.random.default_rng(seed).permutation(row)
    first = np.array([row], dtype=float)
    assert spearman(first, other[None].astype(float))[0] == pytest.approx(reference.spearman(row, other.tolist()))
    assert spearman(first, first)[0] == pytest.approx(1)
    assert spearman(first, -first)[0] == pytest.approx(-1)


@pytest.mark.parametrize(
    "row", [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, np.nan, 2.0], [1.0, np.inf, 2.0], [5, 5 + 1e-7, 5]]
)
def test_what_has_no_order_is_like_nothing(row: list[float]) -> None:
    """Constant up to rounding, or not finite: NaN, and no warning."""
    other = np.array([[1.0, 2.0, 3.0]])
    assert math.isnan(spearman(np.array([row]), other)[0])
    assert math.isnan(spearman(other, np.array([row]))[0])


def test_rows_of_no_value_are_constant() -> None:
    """And so without an order."""
    assert is_constant(np.zeros((2, 0))).tolist() == [True, True]
    assert np.isnan(spearman(np.zeros((2, 0)), np.zeros((2, 0)))).all()


def test_beyond_is_the_correlation_of_what_a_third_leaves() -> None:
    """As residuals of ranks on ranks give it."""
    source = np.random.default_rng(0)
    third = source.normal(size=40)
    first, second = third + source.normal(size=40), third + source.normal(size=40)
    rows = [one[None] for one in (first, second, third)]
    found = beyond(spearman(rows[0], rows[1]), spearman(rows[0], rows[2]), spearman(rows[1], rows[2]))
    assert found[0] == pytest.approx(reference.beyond(first.tolist(), second.tolist(), third.tolist()))
    assert abs(found[0]) < spearman(rows[0], rows[1])[0]


def test_what_is_the_third_itself_stays_as_alike_as_it_is() -> None:
    """Nothing is left to correlate; a third without an order explains nothing."""
    assert beyond(np.array([1.0]), np.array([1.0]), np.array([1.0])).tolist() == [1.0]
    assert beyond(np.array([0.4]), np.array([np.nan]), np.array([np.nan])).tolist() == [0.4]
    assert np.isnan(beyond(np.array([np.nan]), np.array([0.1]), np.array([0.1]))).all()


@pytest.mark.parametrize(
    ("count", "student"), [(2, 12.706), (3, 4.303), (4, 3.182), (6, 2.571), (11, 2.228), (31, 2.042), (1001, 1.962)]
)
def test_intervals_are_those_of_student(count: int, student: float) -> None:
    """The half width is the point of the table times the standard error."""
    values = np.arange(count, dtype=float)
    mean, low, high = interval(np.append(values, np.nan))
    assert mean == pytest.approx(values.mean())
    assert (high - low) / 2 == pytest.approx(student * values.std(ddof=1) / math.sqrt(count), rel=5e-3)


def test_too_few_values_have_no_interval() -> None:
    """One has a mean only, none has nothing."""
    assert interval(np.array([2.0, np.nan]))[0] == 2
    assert all(math.isnan(one) for one in interval(np.array([2.0]))[1:])
    assert all(math.isnan(one) for one in interval(np.array([np.nan])))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_not_constant(value: float) -> None:
    """Whatever else it holds; and its neighbour is judged as ever."""
    rows = np.array([[value, 1.0], [value, value], [2.0, 2.0]])
    assert is_constant(rows).tolist() == [False, False, True]
