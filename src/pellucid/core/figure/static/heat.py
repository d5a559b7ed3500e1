"""A matrix in a frame: one picture of coloured cells, alone or as a veil over another picture."""

from typing import Any

import numpy as np

from pellucid.core.figure.marks import Array, Heat, Panel
from pellucid.core.figure.scales import Frame, cell_edges, is_coarser, pool, project, shrunk, smoothed
from pellucid.core.figure.static.sheet import show_pixels
from pellucid.core.theme import colour_limits, paint, veil

_CELLS = 480  # more rows or columns than this cannot be told apart in a panel


def draw_heat(axes: Any, mark: Heat, panel: Panel, frame: Frame) -> None:
    """Draw a matrix as one picture in a frame, or as a veil over the picture that it belongs to."""
    values = np.asarray(mark.values, dtype=np.float64)
    if not values.size:
        return
    limits = colour_limits(values, signed=mark.signed)
    if mark.under is not None and mark.under.size:
        _over(axes, mark, limits, frame)
        return
    rows, columns = values.shape
    # The half of the first cell that lies below 0 has no place on a log axis: it ends at the frame.
    across = np.nan_to_num(project(panel.x, cell_edges(mark.x, columns)), nan=frame.x[0])
    up = np.nan_to_num(project(panel.y, cell_edges(mark.y, rows)), nan=frame.y[0])
    pixels = _even_cells(_even_cells(values, across, axis=1), up, axis=0)
    pixels = paint(pool(pixels, _CELLS, _CELLS), signed=mark.signed, limits=limits)
    if not frame.flipped:
        pixels = pixels[::-1]
    lowest, highest = (up[-1], up[0]) if frame.flipped else (up[0], up[-1])
    show_pixels(axes, pixels, (float(across[0]), float(across[-1]), float(lowest), float(highest)))


def _over(axes: Any, mark: Heat, limits: tuple[float, float], frame: Frame) -> None:
    """Draw a picture, and the matrix as a veil over it; both end at the outer edges of the matrix."""
    picture = shrunk(np.asarray(mark.under), _CELLS)
    colours = np.broadcast_to(picture if picture.ndim == 3 else picture[..., None], (*picture.shape[:2], 3))
    values = np.asarray(mark.values, dtype=np.float64)
    if is_coarser(mark):
        values = smoothed(values, *picture.shape[:2])
    over = veil(pool(values, _CELLS, _CELLS), signed=mark.signed, limits=limits)
    over[..., 3] = (over[..., 3] * mark.opacity + 0.5).astype(np.uint8)
    rows, columns = np.shape(mark.values)
    left, right = map(float, cell_edges(mark.x, columns)[[0, -1]])
    first, last = map(float, cell_edges(mark.y, rows)[[0, -1]])
    for pixels in ((colours * 255 + 0.5).clip(0, 255).astype(np.uint8), over):
        if frame.flipped:
            show_pixels(axes, pixels, (left, right, last, first))
        else:
            show_pixels(axes, pixels[::-1], (left, right, first, last))


def _even_cells(values: Array, edges: Array, *, axis: int) -> Array:
    """Repeat rows or columns of unequal extent so that equal pixels show them."""
    steps = np.diff(edges)
    if len(steps) < 2 or np.allclose(steps, steps[0], rtol=1e-3) or not np.isfinite(edges).all():
        return values
    middles = np.linspace(edges[0], edges[-1], _CELLS + 1)
    middles = (middles[1:] + middles[:-1]) / 2
    rising = edges if edges[-1] > edges[0] else -edges
    chosen = np.searchsorted(rising, middles if edges[-1] > edges[0] else -middles, side="right") - 1
    return np.take(values, np.clip(chosen, 0, len(steps) - 1), axis=axis)
