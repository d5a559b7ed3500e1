"""Surfaces against autograd, and their critical points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.maths.surfaces import SURFACES, Terrain
from tests.reference.descents import derivatives

NAMES = tuple(SURFACES)
PLACES = st.floats(-5, 5)


@pytest.mark.parametrize("name", NAMES)
@given(x=PLACES, y=PLACES)
def test_value_gradient_and_hessian_are_those_of_autograd(name: str, x: float, y: float) -> None:
    """In closed form, in float64."""
    terrain, point = SURFACES[name], np.array([x, y])
    value, gradient, hessian = derivatives(name, x, y)
    np.testing.assert_allclose(terrain.value(point), value, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(terrain.gradient(point), gradient, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(terrain.hessian(point), hessian, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_many_points_are_one_by_one_the_same(name: str) -> None:
    """Vectorised over any shape, plain numbers included."""
    terrain = SURFACES[name]
    points = np.random.default_rng(0).uniform(-4, 4, (3, 5, 2))
    for place in np.ndindex(3, 5):
        x, y = (float(one) for one in points[place])
        assert terrain.value(points)[place] == pytest.approx(terrain.height(x, y), rel=1e-13)
        assert tuple(terrain.gradient(points)[place]) == pytest.approx(terrain.slope(x, y), rel=1e-13)
        across, mixed, along = terrain.bend(x, y)
        assert terrain.hessian(points)[place].tolist() == [[across, mixed], [mixed, along]]


@pytest.mark.parametrize("name", NAMES)
def test_curvatures_are_the_eigenvalues(name: str) -> None:
    """The lower first, as eigvalsh gives them."""
    terrain = SURFACES[name]
    points = np.random.default_rng(1).uniform(-4, 4, (40, 2))
    np.testing.assert_allclose(
        terrain.curvatures(points), np.linalg.eigvalsh(terrain.hessian(points)), rtol=1e-12, atol=1e-12
    )


def _found(terrain: Terrain) -> list[np.ndarray]:
    """Every place within the picture at which Newton's method comes to rest, from a grid of starts."""
    found: list[np.ndarray] = []
    for x in np.linspace(*terrain.x, 11):
        for y in np.linspace(*terrain.y, 11):
            point = np.array([x, y])
            for _ in range(40):
                point = point - np.linalg.pinv(terrain.hessian(point)) @ terrain.gradient(point)
            inside = (np.abs(point) <= 6).all()
            at_rest = inside and np.abs(terrain.gradient(point)).max() < 1e-12
            if at_rest and all(np.hypot(*(point - one)) > 1e-6 for one in found):
                found.append(point)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_critical_points_are_all_there(name: str) -> None:
    """Each has no gradient, the height and the kind that it says, the lowest is first, and there is no other."""
    terrain = SURFACES[name]
    for one in terrain.critical:
        point = np.array([one.x, one.y])
        assert np.abs(terrain.gradient(point)).max() < 1e-13
        assert terrain.value(point) == pytest.approx(one.value, abs=1e-13)
        low, high = terrain.curvatures(point)
        assert one.kind == ("minimum" if low > 0 else "maximum" if high < 0 else "saddle")
    heights = [one.value for one in terrain.critical]
    assert heights == sorted(heights)
    assert len(_found(terrain)) == len(terrain.critical)


def test_critical_points_of_the_facts() -> None:
    """To the digits in which they were written down."""
    places = {name: [(one.x, one.y) for one in SURFACES[name].minima] for name in NAMES}
    assert np.round(places["saddle"], 3).tolist() == [[0, -2.828], [0, 2.828]]
    assert np.round(places["non-convex"], 5).tolist() == [[-2.07116, 0], [1.9203, 0]]
    assert np.round(places["himmelblau"], 4).tolist() == [
        [3, 2],
        [-2.8051, 3.1313],
        [-3.7793, -3.2832],
        [3.5844, -1.8481],
    ]
    (ridge,) = [one for one in SURFACES["non-convex"].critical if one.kind == "saddle"]
    assert (round(ridge.x, 5), round(ridge.value, 5)) == (0.15086, 1.01128)
    assert [round(one.value, 5) for one in SURFACES["non-convex"].minima] == [-0.30543, 0.29415]


@pytest.mark.parametrize("name", NAMES)
def test_the_grid_is_the_surface_over_the_picture(name: str) -> None:
    """float32, rows along y, and the start and every critical point within it."""
    terrain = SURFACES[name]
    x, y, heights = terrain.grid(11)
    assert heights.dtype == x.dtype == y.dtype == np.float32
    assert heights.shape == (11, 11)
    assert (x[0], x[-1], y[0], y[-1]) == (*terrain.x, *terrain.y)
    assert heights[3, 7] == pytest.approx(terrain.height(float(x[7]), float(y[3])), rel=1e-5)
    for px, py in (terrain.start, *((one.x, one.y) for one in terrain.critical)):
        assert terrain.x[0] <= px <= terrain.x[1]
        assert terrain.y[0] <= py <= terrain.y[1]
