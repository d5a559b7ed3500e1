"""Parallel coordinates on a sheet: upright axes with ticks of their own, one line a row."""

from typing import Any

import numpy as np

from pellucid.core.figure.marks import Array, Axis, Parallel
from pellucid.core.figure.scales import project, span_of, ticks
from pellucid.core.figure.static.frame import axis_words
from pellucid.core.figure.static.sheet import LABEL, SMALL, Box, Sheet, clip, matplotlib, width_of
from pellucid.core.theme import colour_limits, paint

_HEAD, _LEAST, _MOST_LINES = 13.0, 62.0, 2000
_VECTOR_LINES = 300  # more are stored as an image
_SIDE = 34.0


def parallel_height(mark: Parallel, width: float, usual: float) -> float:
    """Return the height of the mark; axes that find no room side by side stand in further rows."""
    if not mark.axes or not np.size(mark.rows):
        return 14.0
    return len(_bands(mark, width)) * (max(usual, 150.0) + _HEAD + 14)


def draw_parallel(sheet: Sheet, mark: Parallel, box: Box) -> None:
    """Draw the axes in as many rows as they need; neighbouring rows share an axis, so that no step is lost."""
    rows = np.asarray(mark.rows, dtype=np.float64)
    if not mark.axes or not rows.size:
        sheet.text(box.left, box.top + 10, "nothing to show", LABEL, colour=sheet.theme.muted)
        return
    bands = _bands(mark, box.width)
    tall = box.height / len(bands)
    colours = _colours(sheet, mark, len(rows))
    for place, band in enumerate(bands):
        inner = Box(box.left + _SIDE, box.top + place * tall + _HEAD, box.width - 2 * _SIDE, tall - _HEAD - 14)
        _band(sheet, (mark, band), inner, colours)


def _bands(mark: Parallel, width: float) -> list[range]:
    """The axes of each row of axes."""
    most = max(2, int((width - 2 * _SIDE) / _LEAST) + 1)
    count = len(mark.axes)
    starts = range(0, max(count - 1, 1), most - 1)
    return [range(start, min(start + most, count)) for start in starts]


def _colours(sheet: Sheet, mark: Parallel, count: int) -> list[Any]:
    """One colour a line: by value, faint where it is missing."""
    if mark.value is None:
        return [sheet.tone("accent")] * count
    values: Array = np.asarray(mark.value, dtype=np.float64)
    shades = paint(values, signed=False, limits=colour_limits(values, signed=False)) / 255
    seen = np.isfinite(values)
    return [tuple(shades[row]) if seen[row] else sheet.tone("faint") for row in range(count)]


def _band(sheet: Sheet, given: tuple[Parallel, range], box: Box, colours: list[Any]) -> None:
    mark, band = given
    rows = np.asarray(mark.rows, dtype=np.float64)[:_MOST_LINES, band.start : band.stop]
    axes = sheet.frame(box, (0, max(len(band) - 1, 1)), (0, 1))
    shares = np.empty(rows.shape)
    for place, index in enumerate(band):
        axis = mark.axes[index]
        low, high = span_of(axis, np.asarray(mark.rows, dtype=np.float64)[:, index])
        shares[:, place] = (project(axis, rows[:, place]) - low) / (high - low)
        axes.plot([place, place], [0, 1], color=sheet.theme.muted, linewidth=0.8, zorder=5, clip_on=False)
        _ruler(sheet, axis, (low, high), _Spot(box, place, len(band)))
    opacity = float(np.clip(12 / max(len(rows), 1) ** 0.5, 0.3, 0.95))
    if len(band) == 1:  # nothing to join: short dashes across the axis
        places, shares = np.array([-0.01, 0.01]), np.repeat(shares, 2, axis=1)
    else:
        places = np.arange(len(band), dtype=np.float64)
    lines = np.stack(np.broadcast_arrays(places, shares), axis=-1)
    # A rim, or the two ends of the map would drown in light or dark paper.
    rim = {"colors": sheet.theme.muted, "linewidths": 1.9, "alpha": opacity / 2}
    for look in (rim, {"colors": colours[: len(lines)], "linewidths": 1.2, "alpha": opacity}):
        collection = matplotlib("collections").LineCollection(lines, zorder=3, **look)
        collection.set_rasterized(len(lines) > _VECTOR_LINES)
        axes.add_collection(collection, autolim=False)


class _Spot:
    """Where one of several axes stands in a box."""

    def __init__(self, box: Box, place: int, count: int) -> None:
        self.box = box
        self.left = box.left + (box.width * place / (count - 1) if count > 1 else 0.0)
        self.room = box.width / (count - 1) if count > 1 else box.width
        self.last = count > 1 and place == count - 1
        self.inner = 0 < place < count - 1


def _ruler(sheet: Sheet, axis: Axis, span: tuple[float, float], spot: _Spot) -> None:
    """The title above an axis, and its ticks beside it: at the left, but at the right of the last."""
    box, muted = spot.box, sheet.theme.muted
    words = clip(axis_words(axis), SMALL, spot.room - 6)
    half = width_of(words, SMALL) / 2
    left = min(max(spot.left, box.left - _SIDE + half), box.left + box.width + _SIDE - half)
    sheet.text(left, box.top - 6, words, SMALL, colour=sheet.theme.ink, align="center")
    for place, label in ticks(axis, span, max(2, int(box.height / 26))):
        height = box.top + box.height * (1 - (place - span[0]) / (span[1] - span[0]))
        sheet.line((spot.left - 2, height), (spot.left + 2, height), muted, linewidth=0.8)
        text = clip(label, SMALL, min(spot.room / 2, 60) if spot.inner else _SIDE - 6)
        width = width_of(text, SMALL)
        left = spot.left + 4 if spot.last else spot.left - 4 - width
        if spot.inner:  # paper below it, since lines pass there
            sheet.box(Box(left - 1, height - 4, width + 2, 8), sheet.theme.paper, alpha=0.7)
        sheet.text(left, height + 2.7, text, SMALL, colour=muted)
