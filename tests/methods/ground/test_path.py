"""Tests of the plane of a path: against scikit-learn, planted coordinates, and the spectrum of a random walk."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from pellucid.methods.ground.directions import cosine, lengths
from pellucid.methods.ground.path import directions_of, principal, walk_shares
from pellucid.methods.ground.trajectory import Way
from pellucid.probe.filters import filters_of


def flat(state: dict[str, Tensor]) -> np.ndarray:
    """Return weight and bias as one vector."""
    return torch.cat([state["weight"].reshape(-1), state["bias"]]).double().numpy()


def test_components_are_those_of_scikit_learn() -> None:
    """Of the snapshots and the weights as they are now, centred: shares, directions and coordinates."""
    torch.manual_seed(0)
    model = nn.Linear(30, 20).double()
    states = [nn.Linear(30, 20).double().state_dict() for _ in range(12)]
    way = Way(states, filters_of(model))
    found = principal(way)
    points = np.stack([flat(one) for one in [*states, dict(model.state_dict())]])
    expected = PCA(svd_solver="full").fit(points)
    np.testing.assert_allclose(found.shares[:12], expected.explained_variance_ratio_[:12], atol=1e-12)
    pair = directions_of(way, found)
    for axis, direction in enumerate(pair):
        vector = torch.cat([one.reshape(-1) for one in direction]).numpy()
        assert abs(vector @ expected.components_[axis]) == pytest.approx(1.0, abs=1e-10)
        np.testing.assert_allclose(found.coordinates[:, axis], (points[:-1] - points[-1]) @ vector, atol=1e-10)
    assert cosine(*pair) == pytest.approx(0.0, abs=1e-10)
    distances = np.linalg.norm(points[:-1] - points[-1], axis=1)
    np.testing.assert_allclose(found.distances, distances)
    off = np.sqrt(distances**2 - (found.coordinates**2).sum(1)) / distances
    np.testing.assert_allclose(found.off_plane, off, atol=1e-10)


def test_planted_coordinates_are_recovered() -> None:
    """Points of a plane through the weights, in float32: distances between them to 1e-5, and nothing off the plane."""
    torch.manual_seed(1)
    model = nn.Linear(40, 40)
    here = {name: one.detach().clone() for name, one in model.named_parameters()}
    first, second = torch.randn(2, 40, 40)
    first, second = first / first.norm(), second - (second * first).sum() / first.norm() ** 2 * first
    second = second / second.norm()
    planted = np.random.default_rng(0).normal(size=(9, 2))
    states = [{**here, "weight": here["weight"] + float(a) * first + float(b) * second} for a, b in planted]
    found = principal(Way(states, filters_of(model)))
    apart = np.linalg.norm(planted[:, None] - planted[None], axis=-1)
    again = np.linalg.norm(found.coordinates[:, None] - found.coordinates[None], axis=-1)
    np.testing.assert_allclose(again, apart, atol=1e-5)
    np.testing.assert_allclose(found.distances, np.linalg.norm(planted, axis=1), atol=1e-5)
    assert found.off_plane.max() < 1e-3
    assert found.shares[:2].sum() == pytest.approx(1.0, abs=1e-6)


def test_a_straight_path_has_one_component() -> None:
    """The second direction is 0 and not noise."""
    model = nn.Linear(8, 8).double()
    here = {name: one.detach().clone() for name, one in model.named_parameters()}
    along = torch.randn(8, 8, dtype=torch.float64)
    states = [{**here, "weight": here["weight"] + step * along} for step in (4.0, 3.0, 2.0, 1.0)]
    way = Way(states, filters_of(model))
    found = principal(way)
    assert found.shares[0] == pytest.approx(1.0)
    first, second = directions_of(way, found)
    assert lengths(first) == pytest.approx(1.0)
    assert lengths(second) == 0


@pytest.mark.parametrize("count", [5, 10, 41])
def test_walks_have_the_spectrum_of_the_formula(count: int) -> None:
    """The mean over random walks in many dimensions; with many points two components hold 76 %."""
    generator = np.random.default_rng(count)
    shares = []
    for _ in range(20):
        walk = np.cumsum(generator.normal(size=(count, 4000)), axis=0)
        values = np.linalg.svd(walk - walk.mean(0), compute_uv=False)[: count - 1] ** 2
        shares.append(values / values.sum())
    np.testing.assert_allclose(np.mean(shares, axis=0), walk_shares(count), atol=0.01)
    assert walk_shares(4000)[:2].sum() == pytest.approx(6 / np.pi**2 * 1.25, abs=1e-3)
