"""Tests of splines against scipy's and against polynomials."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from pellucid.maths.spline import bilinear, refined, spline_matrix


@pytest.mark.parametrize("nodes", [4, 5, 9, 17])
def test_the_spline_is_that_of_scipy(nodes: int) -> None:
    """On uneven nodes, within them and a little outside."""
    generator = np.random.default_rng(nodes)
    at, values = np.sort(generator.uniform(-1, 1, nodes)), generator.normal(size=nodes)
    places = np.linspace(at[0] - 0.05, at[-1] + 0.05, 101)
    expected = CubicSpline(at, values, bc_type="not-a-knot")(places)
    np.testing.assert_allclose(spline_matrix(at, places) @ values, expected, atol=1e-9)


@pytest.mark.parametrize("nodes", [2, 3, 4, 8])
def test_polynomials_are_followed(nodes: int) -> None:
    """A cubic through four nodes or more, a parabola through three, a line through two."""
    at, places = np.linspace(-1, 2, nodes), np.linspace(-1, 2, 31)
    powers = np.arange(min(nodes, 4))
    expected = (places[:, None] ** powers) @ np.ones(len(powers))
    np.testing.assert_allclose(spline_matrix(at, places) @ (at[:, None] ** powers) @ np.ones(len(powers)), expected)


def test_a_surface_goes_through_its_nodes_and_follows_factors() -> None:
    """Values at the nodes stay; exp of a polynomial is followed exactly through logarithms."""
    rows, columns, fine = np.linspace(-1, 1, 5), np.linspace(-2, 2, 9), np.linspace(-1, 1, 17)
    truth = np.exp(1 + rows[:, None] ** 2 - columns[None] * rows[:, None])
    expected = np.exp(1 + fine[:, None] ** 2 - columns[None] * fine[:, None])
    np.testing.assert_allclose(refined(truth, (rows, columns), (fine, columns), logarithmic=True), expected)
    np.testing.assert_allclose(refined(truth, (rows, columns), (rows, columns), logarithmic=False), truth)


def test_points_lie_on_straight_lines_between_nodes() -> None:
    """Nodes have their own height, planes are followed everywhere, and beyond the nodes too."""
    rows, columns = np.array([-1.0, 0.0, 2.0]), np.array([0.0, 1.0])
    values = 3 + 2 * rows[:, None] - columns[None]
    at_rows, at_columns = np.array([-1.0, 0.5, 2.0, 3.0]), np.array([1.0, 0.25, 0.0, -1.0])
    found = bilinear(values, (rows, columns), (at_rows, at_columns))
    np.testing.assert_allclose(found, 3 + 2 * at_rows - at_columns)
    bumpy = np.array([[0.0, 1.0], [5.0, 2.0]])
    middle = bilinear(bumpy, (np.array([0.0, 1.0]), np.array([0.0, 1.0])), (np.array([0.5]), np.array([0.5])))
    np.testing.assert_allclose(middle, 2.0)
