"""Tests of lines of equal height."""

import numpy as np
import pytest

from pellucid.maths.contour import contour


def test_the_contour_of_a_slope_is_a_straight_line() -> None:
    """On heights that are linear every point is exact, and the pieces add up to the length of the line."""
    x, y = np.linspace(-1, 1, 9), np.linspace(0, 3, 7)
    line = contour(x, y, x[None] + y[:, None], 0.77)
    points = line[np.isfinite(line).all(axis=1)]
    np.testing.assert_allclose(points.sum(axis=1), 0.77, atol=1e-12)
    pieces = line.reshape(-1, 3, 2)
    assert np.hypot(*(pieces[:, 1] - pieces[:, 0]).T).sum() == pytest.approx(np.hypot(1.77, 1.77))


def test_the_contour_of_a_bowl_is_a_closed_circle() -> None:
    """Points lie on the circle to the square of a cell's size, and every point belongs to two pieces."""
    x = np.linspace(-1, 1, 41)
    line = contour(x, x, x[None] ** 2 + x[:, None] ** 2, 0.51)
    points = line[np.isfinite(line).all(axis=1)]
    np.testing.assert_allclose(np.hypot(*points.T), 0.51**0.5, atol=1e-3)
    _, counts = np.unique(points.round(9), axis=0, return_counts=True)
    assert (counts == 2).all()


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("level", [0.4, 0.6])
def test_a_saddle_is_divided_by_the_mean_of_its_corners(turn: int, level: float) -> None:
    """Above the mean the two high corners stand alone, below it the two low ones."""
    heights = np.rot90(np.array([[1.0, 0.0], [0.0, 1.0]]), turn)
    pieces = contour(np.array([0.0, 1.0]), np.array([0.0, 1.0]), heights, level).reshape(-1, 3, 2)[:, :2]
    assert len(pieces) == 2
    cut_off = {tuple(np.where(one[:, axis].mean() > 0.5, 1, 0).item() for axis in (1, 0)) for one in pieces}
    alone = 1.0 if level > 0.5 else 0.0
    assert {heights[corner] for corner in cut_off} == {alone}


def test_cells_that_are_not_finite_and_levels_that_are_not_met_have_no_line() -> None:
    """NaN leaves out the cells round it only."""
    x, heights = np.arange(4.0), np.add.outer(np.arange(4.0), np.arange(4.0))
    assert not len(contour(x, x, heights, 9.0))
    whole = len(contour(x, x, heights, 2.5))
    heights[0, 3] = np.nan
    assert 0 < len(contour(x, x, heights, 2.5)) < whole
