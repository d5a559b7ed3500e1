"""Analogies against slow twins and known answers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.maths import analogies
from tests.reference import analogies as reference


def words(count: int, wide: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return words and vectors of random lengths."""
    source = np.random.default_rng(seed)
    return {f"w{place}": source.normal(size=wide) * source.uniform(0.1, 9) for place in range(count)}


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_lengths_are_right_where_squares_are_not(scale: float) -> None:
    """Tiny and huge rows have their length, and a row of zeros stays one."""
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [1.0, 0.0]]) * scale
    np.testing.assert_allclose(analogies.lengths(rows), np.array([5, 0, 1]) * scale)
    np.testing.assert_allclose(analogies.unit(rows), [[0.6, 0.8], [0, 0], [1, 0]])
    assert math.isnan(analogies.lengths(np.array([[np.nan, 1.0]]))[0])


@pytest.mark.parametrize("method", analogies.METHODS)
@pytest.mark.parametrize("cells", [1, 40, 10_000])
def test_the_best_words_are_those_of_the_formula(method: str, cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever parts the vocabulary is read, order and scores are those of one word at a time."""
    monkeypatch.setattr(analogies, "_CELLS", cells)
    vectors, asked = words(30, 7), ("w3", "w5", "w8")
    rows = np.stack(list(vectors.values()))
    named = analogies.unit(np.stack([vectors[one] for one in asked]))
    queries = np.array([[0, 1, 2]])
    sizes = np.array([1.0, 1.0, 1.0, np.linalg.norm(named[1] - named[0] + named[2])])
    scan = analogies.scanned(
        rows, np.ones(30, bool), named, lambda one: analogies.scores(one, sizes, queries, method), wide=1
    )
    places, scores = analogies.best(scan, 30)
    expected = reference.ordered(vectors, asked, method)
    assert [f"w{one}" for one in places[:, 0]] == expected
    np.testing.assert_allclose(scores[:, 0], [reference.score(vectors, asked, one, method) for one in expected])


def test_equal_words_keep_their_order_and_useless_ones_are_none() -> None:
    """Of words alike the first is named first; one without a direction is never named."""
    rows = np.array([[1.0, 0], [np.nan, 0], [2.0, 0], [0, 0], [0, 1.0]], dtype=np.float32)
    usable = np.array([True, False, True, False, True])
    scan = list(analogies.scanned(rows, usable, np.array([[1.0, 0.0]]), lambda one: one, wide=1))
    places, scores = analogies.best(scan, 5)
    assert places[:, 0].tolist() == [0, 2, 4, -1, -1]
    assert scores[:3, 0].tolist() == [1.0, 1.0, 0.0]
    assert analogies.above(scan, np.array([0.5])).tolist() == [2]
    assert analogies.above(scan, np.array([1.0 - 1e-12])).tolist() == [0]


@given(st.integers(3, 5), st.integers(1, 5), st.integers(0, 10_000))
def test_agreement_and_chance_are_those_of_one_pair_at_a_time(pairs: int, wide: int, seed: int) -> None:
    """The mean cosine, its interval, and the share of all orders that agree as well."""
    source = np.random.default_rng(seed)
    first, second = source.normal(size=(2, pairs, wide))
    offsets = list(second - first)
    mean, low, high = analogies.agreement(analogies.alikeness(second - first))
    pseudo, error = reference.jackknife(offsets)
    assert mean == pytest.approx(reference.mean_cosine(offsets), abs=1e-12)
    assert mean == pytest.approx(pseudo, abs=1e-9)
    student = {3: 4.303, 4: 3.182, 5: 2.776}[pairs]
    assert low == pytest.approx(max(mean - student * error, -1), rel=5e-3, abs=5e-3)
    assert high == pytest.approx(min(mean + student * error, 1), rel=5e-3, abs=5e-3)
    orders = analogies.shuffled(first, second, draws=720, seed=0)
    assert len(orders) == math.factorial(pairs)
    assert analogies.chance(mean, orders, pairs) == pytest.approx(reference.chance(first, second))


def test_too_few_pairs_say_nothing() -> None:
    """One pair agrees with none; of two there is a mean without an interval."""
    one = np.array([[1.0, 0.0]])
    assert all(math.isnan(value) for value in analogies.agreement(analogies.alikeness(one)))
    assert analogies.shuffled(one, 2 * one, draws=100, seed=0).size == 0
    assert math.isnan(analogies.chance(math.nan, np.zeros(0), 1))
    two = np.array([[1.0, 0.0], [1.0, 1.0]])
    mean, low, high = analogies.agreement(analogies.alikeness(two))
    assert mean == pytest.approx(math.sqrt(0.5))
    assert math.isnan(low)
    assert math.isnan(high)


def test_drawn_orders_count_the_true_one() -> None:
    """A p value of drawn orders is never 0, and the same seed draws the same."""
    source = np.random.default_rng(0)
    first = source.normal(size=(12, 8))
    second = first + source.normal(size=8) * 3
    orders = analogies.shuffled(first, second, draws=200, seed=3)
    assert orders.shape == (200,)
    np.testing.assert_array_equal(orders, analogies.shuffled(first, second, draws=200, seed=3))
    assert (orders != analogies.shuffled(first, second, draws=200, seed=4)).any()
    assert analogies.chance(1.0, orders, 12) == pytest.approx(1 / 201)


def test_chance_is_even_where_partners_mean_nothing() -> None:
    """Of random pairs p values below a share come up as often as that share."""
    source = np.random.default_rng(5)
    found = []
    for _ in range(400):
        first, second = source.normal(size=(2, 4, 20))
        orders = analogies.shuffled(first, second, draws=24, seed=0)
        found.append(analogies.chance(analogies.agreement(analogies.alikeness(second - first))[0], orders, 4))
    for share in (1 / 24, 0.25, 0.5):
        assert np.mean(np.array(found) <= share + 1e-9) == pytest.approx(share, abs=0.06)


def test_a_plane_keeps_what_lies_on_one() -> None:
    """Points of a plane in many dimensions keep all distances, whatever the order of their signs."""
    source = np.random.default_rng(2)
    flat = source.normal(size=(9, 2)) * [3.0, 1.0]
    directions = np.linalg.qr(source.normal(size=(20, 2)))[0]
    points, shares = analogies.flattened(flat @ directions.T + 5)
    for one, other in itertools.combinations(range(9), 2):
        assert np.linalg.norm(points[one] - points[other]) == pytest.approx(np.linalg.norm(flat[one] - flat[other]))
    assert shares.sum() == pytest.approx(1)
    assert (points[np.abs(points).argmax(axis=0), [0, 1]] > 0).all()
    again, _ = analogies.flattened(-(flat @ directions.T))
    assert again.shape == (9, 2)
    assert analogies.flattened(np.ones((3, 4)))[1].tolist() == [0, 0]
    assert analogies.flattened(np.zeros((0, 4)))[0].shape == (0, 2)
    assert analogies.flattened(np.array([[1.0], [3.0]]))[0][:, 1].tolist() == [0, 0]
