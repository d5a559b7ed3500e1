"""Tests of neighbours on maps against a slow twin, scikit-learn and scipy."""

import numpy as np
import pytest
import torch
from scipy.spatial import procrustes
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

import pellucid.maths.neighbours
from pellucid.maths.neighbours import alignment, nearest, neighbours_kept
from tests.reference import neighbours as twin


def drawn(rows: int, units: int, seed: int = 0) -> torch.Tensor:
    """Return rows without two distances that are the same."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, units)))


@pytest.mark.parametrize(("rows", "count"), [(5, 2), (12, 1), (40, 10)])
def test_trust_continuity_and_share_are_those_of_the_twin(rows: int, count: int) -> None:
    """Row by row, for a map that has a little to do with the rows."""
    fact = drawn(rows, 6)
    points = fact[:, :2] + 0.3 * drawn(rows, 2, seed=1)
    found = neighbours_kept(fact, points, count)
    np.testing.assert_allclose(found.trust, twin.trust(fact.numpy(), points.numpy(), count), atol=1e-12)
    np.testing.assert_allclose(found.continuity, twin.trust(points.numpy(), fact.numpy(), count), atol=1e-12)
    np.testing.assert_allclose(found.share, twin.share(fact.numpy(), points.numpy(), count), atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
@pytest.mark.parametrize("chunk", [1 << 22, 700])
def test_the_mean_is_that_of_scikit_learn(scale: float, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last digits, also far from 0, in parts, and with the roles exchanged."""
    monkeypatch.setattr(pellucid.maths.neighbours, "_CHUNK", chunk)
    fact = drawn(300, 20)
    points = fact[:, :2] + 0.5 * drawn(300, 2, seed=1)
    found = neighbours_kept(scale * (fact + 3), points, 10)
    assert float(found.trust.mean()) == pytest.approx(
        trustworthiness(scale * (fact + 3), points, n_neighbors=10), abs=1e-12
    )
    assert float(found.continuity.mean()) == pytest.approx(trustworthiness(points, fact, n_neighbors=10), abs=1e-12)


def test_a_true_map_is_perfect_and_one_by_chance_is_half() -> None:
    """Rows of two units are their own map; of points that were dealt anew half the sum remains."""
    fact = drawn(400, 2)
    same = neighbours_kept(fact, 5 - 2 * fact, 10)
    assert [float(one.min()) for one in same] == [1.0, 1.0, 1.0]
    dealt = neighbours_kept(fact, fact[torch.from_numpy(np.random.default_rng(1).permutation(400))], 10)
    assert float(dealt.trust.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(dealt.share.mean()) == pytest.approx(10 / 399, abs=0.01)


def test_copies_do_not_count_against_a_map() -> None:
    """Rows that stand there ten times, up to rounding: whichever of them the map puts first."""
    fact = drawn(30, 5).repeat(10, 1) * (1 + 1e-15 * drawn(300, 1, seed=3))
    points = drawn(30, 2, seed=1).repeat(10, 1) + 1e-3 * drawn(300, 2, seed=2)
    assert float(neighbours_kept(fact, points, 4).trust.min()) == 1.0


def test_the_nearest_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers and distances, in parts."""
    monkeypatch.setattr(pellucid.maths.neighbours, "_CHUNK", 1000)
    rows, others = drawn(200, 7), drawn(50, 7, seed=1)
    far, where = NearestNeighbors(n_neighbors=5).fit(rows).kneighbors(others)
    found, lengths = nearest(rows, others, 5)
    np.testing.assert_array_equal(found, where)
    np.testing.assert_allclose(lengths, far)


@pytest.mark.parametrize("axes", [2, 3])
def test_the_disparity_is_that_of_scipy(axes: int) -> None:
    """And the points lie where scipy's do, in the frame of those that they are laid on."""
    one, other = drawn(50, axes), drawn(50, axes, seed=1)
    other[:, 0] += 2 * one[:, 0]
    found = alignment(other, one)
    first, second, disparity = procrustes(one.numpy(), other.numpy())
    assert found.disparity == pytest.approx(disparity, abs=1e-12)
    middle, size = one.mean(0), (one - one.mean(0)).norm()
    np.testing.assert_allclose((found.laid(other) - middle) / size, second, atol=1e-12)
    np.testing.assert_allclose((one - middle) / size, first, atol=1e-12)


def test_turned_mirrored_and_scaled_points_come_back() -> None:
    """To where they were, also for rows that the way was not made from."""
    points = drawn(40, 2)
    turn = torch.tensor([[0.6, 0.8], [0.8, -0.6]], dtype=torch.float64)
    found = alignment(7 * points[:20] @ turn + 3, points[:20])
    assert found.disparity == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(found.laid(7 * points @ turn + 3), points, atol=1e-12)


def test_points_without_an_extent_go_to_the_middle() -> None:
    """There is no shape to keep."""
    points = drawn(10, 2)
    found = alignment(torch.ones(10, 2), points)
    assert found.disparity == 1.0
    np.testing.assert_allclose(found.laid(torch.ones(10, 2)), points.mean(0).expand(10, 2))


def test_a_row_that_is_far_off_does_not_hide_the_others() -> None:
    """Their distances are told apart as well as without it."""
    fact, points = drawn(100, 6), drawn(100, 2, seed=1)
    alone = neighbours_kept(fact, points, 10)
    far = neighbours_kept(torch.cat([fact, torch.full((1, 6), 1e12)]), torch.cat([points, points[:1] + 50]), 10)
    np.testing.assert_allclose(far.share[:100], alone.share, atol=0.11)
    assert float(far.share[:100].mean()) == pytest.approx(float(alone.share.mean()), abs=0.01)
