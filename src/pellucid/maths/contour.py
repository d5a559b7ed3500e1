"""Contours: lines of equal height on a grid."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Which sides of a cell a line goes through, by which of its corners are above the level: 1, 2, 4, 8 for the corners
# (row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column). Sides: 0 between the first two, and on.
_SIDES: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),),
    2: ((0, 1),),
    3: ((3, 1),),
    4: ((1, 2),),
    5: ((3, 2), (0, 1)),
    6: ((0, 2),),
    7: ((3, 2),),
    8: ((2, 3),),
    9: ((2, 0),),
    10: ((3, 0), (1, 2)),
    11: ((2, 1),),
    12: ((1, 3),),
    13: ((1, 0),),
    14: ((0, 3),),
}
_OTHER_WAY = {5: 10, 10: 5}  # of a saddle whose middle is below the level


def contour(x: Array, y: Array, heights: Array, level: float) -> Array:
    """Return the line on which a surface has one height, in pieces of two points.

    Heights are taken to be linear along the sides of a cell. Where two opposite corners are above the level and the
    others below, the mean of the four decides which are joined.

    Args:
        x: Of the columns, rising, [column].
        y: Of the rows, rising, [row].
        heights: [row, column]; cells with a corner that is not finite are left out.
        level: The height.

    Returns:
        [point, 2], x and y; after every two points one of NaN, where the pen is lifted.

    Cost:
        Some microseconds a cell that the line goes through.

    Source:
        Lorensen and Cline 1987, in two dimensions ("marching squares").
    """
    corners = np.stack([heights[:-1, :-1], heights[:-1, 1:], heights[1:, 1:], heights[1:, :-1]])
    above = corners > level
    kind = (above * np.array([1, 2, 4, 8])[:, None, None]).sum(axis=0)
    kind[~np.isfinite(corners).all(axis=0)] = 0
    low = corners.mean(axis=0) <= level
    pieces: list[Array] = []
    for case, pairs in _SIDES.items():
        rows, columns = np.nonzero((kind == case) & ~(low & (case in _OTHER_WAY)))
        if case in _OTHER_WAY:
            turned = np.nonzero((kind == _OTHER_WAY[case]) & low)
            rows, columns = np.append(rows, turned[0]), np.append(columns, turned[1])
        for sides in pairs:
            ends = [_crossing((x, y, heights), level, (rows, columns), side) for side in sides]
            pieces.append(np.stack([*ends, np.full_like(ends[0], np.nan)], axis=1).reshape(-1, 2))
    return np.concatenate(pieces)


def _crossing(ground: tuple[Array, Array, Array], level: float, cells: tuple[Array, Array], side: int) -> Array:
    """Return where the line goes through one side of some cells, [cell, 2]."""
    (x, y, heights), (rows, columns) = ground, cells
    begin = ((0, 0), (0, 1), (1, 1), (1, 0))[side]
    end = ((0, 1), (1, 1), (1, 0), (0, 0))[side]
    here, there = ((rows + one[0], columns + one[1]) for one in (begin, end))
    low, high = heights[here], heights[there]
    share = (level - low) / (high - low)
    across = x[here[1]] + share * (x[there[1]] - x[here[1]])
    up = y[here[0]] + share * (y[there[0]] - y[here[0]])
    return np.column_stack([across, up])
