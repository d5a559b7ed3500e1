"""Parallel coordinates on a sheet: upright axes with ticks of their own, one line a row."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.core.figure.marks import Array, Axis, Parallel
from pellucid.core.figure.scales import project, span_of, ticks
from pellucid.core.figure.static.frame import axis_words
from pellucid.core.figure.static.key import line_colours
from pellucid.core.figure.static.sheet import LABEL, SMALL, Box, Sheet, clip, matplotlib, shortened, width_of
from pellucid.core.figure.words import plain

_HEAD, _LEAST, _MOST_LINES = 13.0, 62.0, 2000
_VECTOR_LINES = 300  # more are stored as an image
_SIDE = 34.0
_NAMED, _NAME_ROOM, _LINE = 8, 300.0, 10.0  # so many lines have their names at their ends, where there is so much room


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
    bands, sides = _bands(mark, box.width), _sides(mark, box.width)
    tall = box.height / len(bands)
    colours = _colours(sheet, mark, len(rows))
    for place, band in enumerate(bands):
        named = place == len(bands) - 1 and _has_names(mark, box.width)
        inner = Box(box.left + sides[0], box.top + place * tall + _HEAD, box.width - sum(sides), tall - _HEAD - 14)
        _band(sheet, (mark, band), _Row(box=inner, count=len(band), sides=sides, named=named), colours)
        if named:
            _names(sheet, mark, (inner, sides[1]), colours)


def _bands(mark: Parallel, width: float) -> list[range]:
    """The axes of each row of axes."""
    most = max(2, int((width - sum(_sides(mark, width))) / _LEAST) + 1)
    count = len(mark.axes)
    starts = range(0, max(count - 1, 1), most - 1)
    return [range(start, min(start + most, count)) for start in starts]


def _has_names(mark: Parallel, width: float) -> bool:
    return 0 < len(mark.names) <= _NAMED and width >= _NAME_ROOM


def _sides(mark: Parallel, width: float) -> tuple[float, float]:
    """Room for the names on the first axis, and for those of the lines."""
    categories = mark.axes[0].categories if mark.axes else ()
    left, right = (
        min(max([_SIDE, *(width_of(plain(one), SMALL) + 12 for one in names)]), 0.28 * width)
        for names in (categories, mark.names)
    )
    return left, right if _has_names(mark, width) else _SIDE


def _names(sheet: Sheet, mark: Parallel, given: tuple[Box, float], colours: list[str]) -> None:
    """The names of the lines at their ends on the last axis, one below the other."""
    box, room = given
    values = np.asarray(mark.rows, dtype=np.float64)[:, -1]
    low, high = span_of(mark.axes[-1], values)
    ends = box.top + box.height * (1 - (project(mark.axes[-1], values) - low) / (high - low))
    order = [row for row in np.argsort(ends, kind="stable") if np.isfinite(ends[row]) and row < len(mark.names)]
    places, above = list[float](), -np.inf
    for row in order:
        above = max(float(ends[row]), above + _LINE)
        places.append(above)
    below = box.top + box.height + _LINE
    left = box.left + box.width
    for row, place in zip(reversed(order), reversed(places), strict=True):
        below = min(place, below - _LINE)
        sheet.line((left + 1.5, float(ends[row])), (left + 7, below), colours[row], linewidth=1.4)
        sheet.text(left + 9, below + 2.7, shortened(mark.names[row], SMALL, room - 9), SMALL, colour=sheet.theme.muted)


def _colours(sheet: Sheet, mark: Parallel, count: int) -> list[str]:
    """One colour a line: by value, faint where it is missing."""
    if mark.value is None:
        return [sheet.tone("accent")] * count
    values: Array = np.asarray(mark.value, dtype=np.float64)
    shades = line_colours(sheet, values)
    seen = np.isfinite(values)
    return [shades[row] if seen[row] else sheet.tone("faint") for row in range(count)]


def _band(sheet: Sheet, given: tuple[Parallel, range], row: "_Row", colours: list[str]) -> None:
    (mark, band), box = given, row.box
    rows = np.asarray(mark.rows, dtype=np.float64)[:_MOST_LINES, band.start : band.stop]
    axes = sheet.frame(box, (0, max(len(band) - 1, 1)), (0, 1))
    shares = np.empty(rows.shape)
    for place, index in enumerate(band):
        axis = mark.axes[index]
        low, high = span_of(axis, np.asarray(mark.rows, dtype=np.float64)[:, index])
        shares[:, place] = (project(axis, rows[:, place]) - low) / (high - low)
        axes.plot([place, place], [0, 1], color=sheet.theme.muted, linewidth=0.8, zorder=5, clip_on=False)
        _ruler(sheet, axis, (low, high), _Spot(row, place))
    opacity = float(np.clip(12 / max(len(rows), 1) ** 0.5, 0.3, 0.95))
    if len(band) == 1:  # nothing to join: short dashes across the axis
        places, shares = np.array([-0.01, 0.01]), np.repeat(shares, 2, axis=1)
    else:
        places = np.arange(len(band), dtype=np.float64)
    lines = np.stack(np.broadcast_arrays(places, shares), axis=-1)
    look: dict[str, Any] = {"colors": colours[: len(lines)], "linewidths": 1.4, "alpha": opacity}
    collection = matplotlib("collections").LineCollection(lines, zorder=3, **look)
    collection.set_rasterized(len(lines) > _VECTOR_LINES)
    axes.add_collection(collection, autolim=False)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """Axes that stand side by side.

    Attributes:
        box: What they span.
        count: How many.
        sides: Room at the left and at the right of the box.
        named: The names of the lines stand at the right.
    """

    box: Box
    count: int
    sides: tuple[float, float]
    named: bool


class _Spot:
    """Where one of several axes stands in a box."""

    def __init__(self, row: _Row, place: int) -> None:
        self.box = box = row.box
        self.room = box.width / max(row.count - 1, 1)
        self.left = box.left + self.room * place if row.count > 1 else box.left
        end = row.count > 1 and place == row.count - 1
        self.last = end and not row.named
        self.inner = place > 0 and not self.last
        self.side = row.sides[1 if end else 0]
        # What stands out at a side moves inwards, where the title of the next axis is.
        self.title = self.room - 6 if 0 < place < row.count - 1 else min(self.room - 6, self.room / 2 + self.side)
        self.reach = (box.left - row.sides[0], box.left + box.width + row.sides[1])


def _ruler(sheet: Sheet, axis: Axis, span: tuple[float, float], spot: _Spot) -> None:
    """The title above an axis, and its ticks beside it: at the left, but at the right of the last."""
    box, muted = spot.box, sheet.theme.muted
    words = clip(axis_words(axis), SMALL, spot.title)
    half = width_of(words, SMALL) / 2
    left = min(max(spot.left, spot.reach[0] + half), spot.reach[1] - half)
    sheet.text(left, box.top - 6, words, SMALL, colour=sheet.theme.ink, align="center")
    for place, label in ticks(axis, span, max(2, int(box.height / 26))):
        height = box.top + box.height * (1 - (place - span[0]) / (span[1] - span[0]))
        sheet.line((spot.left - 2, height), (spot.left + 2, height), muted, linewidth=0.8)
        text = shortened(label, SMALL, min(spot.room / 2, 60) if spot.inner else spot.side - 6)
        width = width_of(text, SMALL)
        if spot.inner:  # paper below it, since lines pass there
            sheet.box(Box(spot.left - 5 - width, height - 4, width + 2, 8), sheet.theme.paper, alpha=0.9)
        left, side = (spot.left + 4, "left") if spot.last else (spot.left - 4, "right")
        sheet.text(left, height + 2.7, text, SMALL, colour=muted, align=side)
