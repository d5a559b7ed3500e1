"""Cubic splines: smooth curves and surfaces through values on a grid."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def spline_matrix(nodes: Array, places: Array) -> Array:
    """Return the matrix that takes values at nodes to the values of the cubic spline through them.

    The spline is that without a knot at the second node and the last but one ("not a knot"), so that it follows
    polynomials up to the third power exactly; through three nodes it is a parabola, through two a line.

    Args:
        nodes: Rising, [n], 2 or more.
        places: Where the spline is wanted, [m].

    Returns:
        [m, n].

    Cost:
        n^3 operations.

    Source:
        de Boor 1978, "A practical guide to splines", chapter IV.
    """
    count = len(nodes)
    if count < 4:
        powers = np.arange(count)
        return (places[:, None] ** powers) @ np.linalg.inv(nodes[:, None] ** powers)
    bends = _bends(nodes)
    left = np.clip(np.searchsorted(nodes, places, side="right") - 1, 0, count - 2)
    width = np.diff(nodes)[left]
    b = (places - nodes[left]) / width
    a, rows = 1 - b, np.arange(len(places))
    straight = np.zeros((len(places), count))
    straight[rows, left], straight[rows, left + 1] = a, b
    scale = (width**2 / 6)[:, None]
    return straight + scale * ((a**3 - a)[:, None] * bends[left] + (b**3 - b)[:, None] * bends[left + 1])


def _bends(nodes: Array) -> Array:
    """Return the matrix from values to second derivatives at the nodes, [n, n]."""
    count, widths = len(nodes), np.diff(nodes)
    system, given = np.zeros((count, count)), np.zeros((count, count))
    for k in range(1, count - 1):
        before, after = widths[k - 1], widths[k]
        system[k, k - 1 : k + 2] = before / 6, (before + after) / 3, after / 6
        given[k, k - 1 : k + 2] = 1 / before, -1 / before - 1 / after, 1 / after
    # Without a knot the third derivative goes on as it is: the second one lies on a line over three nodes.
    for row, k in ((0, 1), (count - 1, count - 2)):
        before, after = widths[k - 1], widths[k]
        system[row, k - 1 : k + 2] = after, -(before + after), before
    return np.linalg.solve(system, given)


def refined(values: Array, nodes: tuple[Array, Array], places: tuple[Array, Array], *, logarithmic: bool) -> Array:
    """Return the values of a smooth surface on a finer grid.

    Args:
        values: On the coarse grid, finite, [row, column]; above 0 where `logarithmic`.
        nodes: Coordinates of its rows and of its columns.
        places: Coordinates of the rows and columns that are wanted.
        logarithmic: Whether the spline goes through the logarithms, as losses grow by factors.

    Returns:
        [row, column].
    """
    rows, columns = (spline_matrix(of, to) for of, to in zip(nodes, places, strict=True))
    through = np.log(values) if logarithmic else values
    smooth = rows @ through @ columns.T
    return np.exp(smooth) if logarithmic else smooth


def line_matrix(nodes: Array, places: Array) -> Array:
    """Return the matrix that takes values at nodes to those of the straight lines between them.

    Args:
        nodes: Rising, [n], 2 or more.
        places: Where values are wanted, [m]; beyond the nodes the outer lines go on.

    Returns:
        [m, n].
    """
    left = np.clip(np.searchsorted(nodes, places, side="right") - 1, 0, len(nodes) - 2)
    share = (places - nodes[left]) / np.diff(nodes)[left]
    matrix, rows = np.zeros((len(places), len(nodes))), np.arange(len(places))
    matrix[rows, left], matrix[rows, left + 1] = 1 - share, share
    return matrix


def bilinear(values: Array, axes: tuple[Array, Array], places: tuple[Array, Array]) -> Array:
    """Return the heights of a surface at single points, straight between its nodes.

    Args:
        values: At the nodes, [row, column].
        axes: Coordinates of its rows and of its columns, rising.
        places: Those of the points, [point] each.

    Returns:
        [point].
    """
    rows, columns = (line_matrix(of, to) for of, to in zip(axes, places, strict=True))
    return np.einsum("pr,rc,pc->p", rows, values, columns)
