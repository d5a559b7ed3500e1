"""Marks with axes: bars, curves, matrices and points in a frame with a light grid."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import UInt8

from pellucid.core.figure.marks import Array, Axis, Bars, Cloud, Heat, Lines, Panel
from pellucid.core.figure.scales import (
    Frame,
    Span,
    frame_of,
    project,
    thin,
    ticks,
)
from pellucid.core.figure.static.heat import draw_heat
from pellucid.core.figure.static.sheet import (
    LABEL,
    SMALL,
    Box,
    Sheet,
    clip,
    matplotlib,
    shortened,
    width_of,
)
from pellucid.core.figure.words import number, plain
from pellucid.core.theme import GROUPS

Ticks = list[tuple[float, str]]
DASHES: dict[str, Any] = {"solid": "-", "dashed": (0, (4, 2.5)), "dotted": (0, (1, 1.6))}
_VECTOR_POINTS = 300
_TILTED = 10.5  # between the feet of two names at a slant, points: their letters must not touch


@dataclass(frozen=True, kw_only=True)
class Rulers:
    """What stands along the two axes of a frame.

    Attributes:
        frame: The ends of the axes.
        x: Ticks along the horizontal axis.
        y: Ticks along the vertical axis.
        left: Room for the labels of the vertical axis, points.
        tilted: The names along the horizontal axis are written at a slant.
    """

    frame: Frame
    x: Ticks
    y: Ticks
    left: float
    tilted: bool = False

    @property
    def below(self) -> float:
        """Room for the labels of the horizontal axis, points."""
        if not self.tilted:
            return 12.0
        return 10 + 0.72 * max(width_of(shortened(label, SMALL, 80), SMALL) for _, label in self.x)


def rulers_of(panel: Panel, width: float, height: float) -> Rulers:
    """Choose the ticks of a frame of about this size, so that their labels do not meet."""
    frame = frame_of(panel)
    if _is_map(panel):
        frame = _even(frame, width, height)
    y = ticks(panel.y, frame.y, max(2, int(height / (10 if panel.y.categories else 26))))
    left = 6 + max((width_of(clip(label, SMALL, 110), SMALL) for _, label in y), default=0.0)
    room = width - left
    for most in range(max(2, int(room / _TILTED)), 1, -1):
        if panel.x.categories or most <= max(2, room / 44):
            x = ticks(panel.x, frame.x, most)
            if _are_apart(x, frame.x, room, left):
                return Rulers(frame=frame, x=x, y=y, left=left)
            if panel.x.categories and (len(x) - 1) * _TILTED <= room:
                return Rulers(frame=frame, x=x, y=y, left=left, tilted=True)
    return Rulers(frame=frame, x=ticks(panel.x, frame.x, 2), y=y, left=left)


def _are_apart(x: Ticks, span: Span, room: float, left: float) -> bool:
    """Whether no label along the horizontal axis comes near the next."""
    ends = [_extent(place, label, span, (0.0, room, left)) for place, label in x if label]
    return all(before[1] + 7 <= after[0] for before, after in pairwise(ends))


def _extent(place: float, label: str, span: Span, frame: tuple[float, float, float]) -> tuple[float, float]:
    """Where a label begins and ends that is centred below its tick and may stand out of the frame a little.

    Args:
        place: Its tick.
        label: Its words.
        span: Ends of the axis.
        frame: Left side and width of the frame, and the room at the left of it, points.
    """
    start, width, margin = frame
    half = width_of(label, SMALL) / 2
    middle = start + width * (place - span[0]) / (span[1] - span[0])
    middle = min(max(middle, start - min(margin, 10) + half), start + width + 10 - half)
    return middle - half, middle + half


def _is_map(panel: Panel) -> bool:
    """Points of which only the distances mean something get the same scale in both directions."""
    clouds = [mark for mark in panel.marks if isinstance(mark, Cloud)]
    linear = panel.x.scale == panel.y.scale == "linear" and panel.x.limits is None and panel.y.limits is None
    return bool(clouds) and len(clouds) == len(panel.marks) and linear and panel.x.unit == panel.y.unit


def _even(frame: Frame, width: float, height: float) -> Frame:
    wide, high = frame.x[1] - frame.x[0], frame.y[1] - frame.y[0]
    unit = max(wide / width, high / height)
    x, y = (unit * width - wide) / 2, (unit * height - high) / 2
    return Frame(x=(frame.x[0] - x, frame.x[1] + x), y=(frame.y[0] - y, frame.y[1] + y), empty=frame.empty)


def draw_frame(sheet: Sheet, panel: Panel, box: Box, rulers: Rulers) -> None:
    """Draw the marks of a panel that share axes."""
    frame = rulers.frame
    y = (frame.y[1], frame.y[0]) if frame.flipped else frame.y
    if frame.empty:
        middle = (box.left + box.width / 2, box.top + box.height / 2)
        sheet.text(*middle, "nothing to show", LABEL, colour=sheet.theme.muted, align="center")
        return
    axes = sheet.frame(box, frame.x, y)
    heats = any(isinstance(mark, Heat) for mark in panel.marks)
    _grid(sheet, axes, rulers, plain_ground=heats, zero=not panel.x.categories)
    for mark in panel.marks:
        if isinstance(mark, Heat):
            draw_heat(axes, mark, panel, frame)
        elif isinstance(mark, Bars):
            _bars(sheet, axes, mark, panel, box)
        elif isinstance(mark, Lines):
            _line(sheet, axes, mark, panel, (frame, box.width))
        elif isinstance(mark, Cloud) and _is_flat(mark):
            x, y_places = project(panel.x, mark.points[:, 0]), project(panel.y, mark.points[:, 1])
            scatter(axes, mark, x, y_places)
    _labels(sheet, box, rulers, y)


def _is_flat(mark: Cloud) -> bool:
    return np.ndim(mark.points) == 2 and np.shape(mark.points)[1] == 2


def _grid(sheet: Sheet, axes: Any, rulers: Rulers, *, plain_ground: bool, zero: bool) -> None:
    """Hairlines behind the marks, one of them upright at 0; none behind a matrix, which fills its frame."""
    if plain_ground:
        return
    frame = rulers.frame
    level = [[(frame.x[0], place), (frame.x[1], place)] for place, _ in rulers.y]
    upright = [[(place, frame.y[0]), (place, frame.y[1])] for place, label in rulers.x if zero and label == "0"]
    collection = matplotlib("collections").LineCollection
    axes.add_collection(
        collection([*level, *upright], colors=sheet.theme.faint, linewidths=0.7, zorder=0), autolim=False
    )
    floor = [[(frame.x[0], frame.y[0]), (frame.x[1], frame.y[0])]]
    axes.add_collection(
        collection(floor, colors=sheet.theme.muted, linewidths=0.8, zorder=5, clip_on=False), autolim=False
    )


def _labels(sheet: Sheet, box: Box, rulers: Rulers, y: tuple[float, float]) -> None:
    muted, frame = sheet.theme.muted, rulers.frame
    for place, label in rulers.y:
        height = box.top + box.height * (1 - (place - y[0]) / (y[1] - y[0]))
        sheet.text(box.left - 4, height + 2.7, clip(label, SMALL, 110), SMALL, colour=muted, align="right")
    for place, label in rulers.x:
        if rulers.tilted:
            left = box.left + box.width * (place - frame.x[0]) / (frame.x[1] - frame.x[0])
            room = 1.4 * (left - box.left + rulers.left)  # the first ones begin at the edge of the picture
            _tilted(sheet, left + 2.5, box.top + box.height + 7, shortened(label, SMALL, min(room, 80)))
            continue
        ends = _extent(place, label, frame.x, (box.left, box.width, rulers.left))
        sheet.text(sum(ends) / 2, box.top + box.height + 10.5, label, SMALL, colour=muted, align="center")


def _tilted(sheet: Sheet, left: float, top: float, label: str) -> None:
    sheet.text(left, top, label, SMALL, colour=sheet.theme.muted, align="right")
    sheet.figure.texts[-1].set(rotation=45, rotation_mode="anchor")


def _bars(sheet: Sheet, axes: Any, mark: Bars, panel: Panel, box: Box) -> None:
    """One outline for a whole histogram; hairline gaps where the bars are wide enough to be told apart."""
    edges = project(panel.x, mark.edges)
    foot = np.zeros(np.shape(mark.heights)) if mark.base is None else np.asarray(mark.base, dtype=np.float64)
    low, high = axes.get_ylim()
    floor = min(low, high)
    top = np.nan_to_num(project(panel.y, foot + np.asarray(mark.heights, dtype=np.float64)), nan=floor)
    foot = np.nan_to_num(project(panel.y, foot), nan=floor)
    shown = np.flatnonzero((top != foot) & np.isfinite(edges[1:]) & np.isfinite(edges[:-1]))
    if not len(shown):
        return
    span = abs(axes.get_xlim()[1] - axes.get_xlim()[0])
    widths = (edges[1:] - edges[:-1]) / span * box.width
    named = bool(panel.x.categories)
    gap = np.where(widths.min() > 5, 0.14 * widths if named else 0.5, 0.0) / box.width * span / 2
    corners = np.empty((len(shown), 5, 2))
    corners[:, (0, 1, 4), 0] = (edges[:-1] + gap)[shown, None]
    corners[:, (2, 3), 0] = (edges[1:] - gap)[shown, None]
    corners[:, (0, 3, 4), 1] = foot[shown, None]
    corners[:, (1, 2), 1] = top[shown, None]
    vertices, codes = _joined(corners, joined=bool(np.all(gap == 0)))
    path = matplotlib("path").Path(vertices, codes)
    patch = matplotlib("patches").PathPatch(
        path, facecolor=sheet.tone(mark.tone), edgecolor="none", linewidth=0, zorder=2
    )
    axes.add_patch(patch)
    _cut_bars(sheet, axes, mark, (edges, top), max(low, high))


def _joined(corners: Array, *, joined: bool) -> tuple[Array, Array]:
    """The outline of touching bars is one polygon, without the seams that anti-aliasing shows between rectangles."""
    touching = joined and len(corners) > 1 and bool(np.allclose(corners[1:, 0, 0], corners[:-1, 2, 0]))
    if not touching:
        codes = np.tile(np.array([1, 2, 2, 2, 79], dtype=np.uint8), len(corners))
        return corners.reshape(-1, 2), codes
    level = bool(np.all(corners[:, 0, 1] == corners[0, 0, 1]))
    below = np.stack([corners[-1, 3], corners[0, 0]]) if level else corners[::-1][:, (3, 0)].reshape(-1, 2)
    outline = np.concatenate([corners[:, (1, 2)].reshape(-1, 2), below])
    outline = np.concatenate([outline, outline[:1]])
    return outline, np.array([1, *[2] * (len(outline) - 2), 79], dtype=np.uint8)


def _cut_bars(sheet: Sheet, axes: Any, mark: Bars, places: tuple[Array, Array], ceiling: float) -> None:
    """The value of the tallest bar that the limits of the axis cut off."""
    edges, top = places
    span = axes.get_ylim()
    cut = np.flatnonzero(top > ceiling + 1e-6 * abs(span[1] - span[0]))
    if not len(cut):
        return
    tallest = cut[np.argmax(top[cut])]
    value = float(np.asarray(mark.heights)[tallest] + (0 if mark.base is None else np.asarray(mark.base)[tallest]))
    words = matplotlib("text").Annotation
    axes.add_artist(
        words(
            f"↑ {number(value)}",
            (float(edges[tallest + 1]), ceiling),
            xytext=(3, -8),
            textcoords="offset points",
            color=sheet.theme.muted,
            fontsize=SMALL.size,
            annotation_clip=False,
            parse_math=False,
        )
    )


def _line(sheet: Sheet, axes: Any, mark: Lines, panel: Panel, size: tuple[Frame, float]) -> None:
    frame, width = size
    colour = sheet.tone(mark.tone)
    x, y = project(panel.x, mark.x), project(panel.y, mark.y)
    kept = thin(x, y, frame.x, max(int(width * 1.5), 50))
    if mark.low is not None:
        high = mark.y if mark.fill or mark.high is None else mark.high
        sides = [project(panel.y, np.asarray(one)[kept]) for one in (mark.low, high)]
        if mark.fill:  # the paper first, so that a ridge hides what is behind it
            axes.fill_between(x[kept], *sides, facecolor=sheet.theme.paper, linewidth=0, zorder=3)
        opacity = 0.38 if mark.fill else 0.18
        axes.fill_between(x[kept], *sides, facecolor=colour, alpha=opacity, linewidth=0, zorder=3)
        _lone_bands(axes, x[kept], sides, colour)
    # A long noisy curve is drawn finer, or it becomes a blot.
    weight = 1.0 if mark.fill else 1.5 if len(x) < width else 0.9
    ends: dict[str, Any] = {"solid_capstyle": "round", "solid_joinstyle": "round", "zorder": 3}
    if any(isinstance(one, Heat) for one in panel.marks):  # a rim, or a path drowns in some of the colours
        axes.plot(x[kept], y[kept], color=sheet.theme.paper, linewidth=weight + 1.8, **ends)
    axes.plot(x[kept], y[kept], color=colour, linewidth=weight, linestyle=DASHES[mark.style], **ends)
    few = mark.dots and len(x) <= 400
    alone = np.isfinite(y) & ~_neighbours(np.isfinite(y))
    dots = np.flatnonzero(np.isfinite(y)) if few else np.flatnonzero(alone)[:400]
    if len(dots):
        look: dict[str, Any] = {"markersize": 4.2, "markeredgecolor": sheet.theme.paper, "markeredgewidth": 0.6}
        axes.plot(x[dots], y[dots], linestyle="none", marker="o", color=colour, clip_on=False, zorder=4, **look)


def _lone_bands(axes: Any, x: Array, sides: list[Array], colour: str) -> None:
    """The band of a point that is joined to no other is a bar: an area of no width would be invisible."""
    seen = np.isfinite(sides[0]) & np.isfinite(sides[1])
    alone = np.flatnonzero(seen & ~_neighbours(seen))
    if len(alone):
        axes.vlines(
            x[alone], sides[0][alone], sides[1][alone], color=colour, alpha=0.3, linewidth=5, clip_on=False, zorder=3
        )


def _neighbours(seen: Array) -> Array:
    """Whether a point is joined to the one before or after it; one that is not would be invisible as a line."""
    before, after = np.append(False, seen[:-1]), np.append(seen[1:], False)
    return before | after


def scatter(axes: Any, mark: Cloud, x: Array, y: Array) -> None:
    """Draw points; many are stored as an image. Fewer points are larger, and many let each other shine through."""
    count = max(len(x), 1)
    groups = np.zeros(count, dtype=int) if mark.group is None else np.asarray(mark.group).astype(int)
    colours = point_colours(groups[: len(x)])
    size = float(np.clip(1100 / count**0.62, 1.2, 22))
    opacity = float(np.clip(40 / count**0.5, 0.25, 0.9))
    look: dict[str, Any] = {"s": size, "linewidths": 0, "alpha": opacity, "zorder": 3}
    axes.scatter(x, y, c=colours / 255, rasterized=count > _VECTOR_POINTS, **look)


def point_colours(groups: Array) -> UInt8[np.ndarray, "point 3"]:
    """Return the colour of each point; groups beyond the tenth begin the colours anew."""
    colours = np.array([[int(one[start : start + 2], 16) for start in (1, 3, 5)] for one in GROUPS], dtype=np.uint8)
    return colours[groups % len(GROUPS)]


def height_of(panel: Panel, width: float, usual: float) -> float:
    """Return the height of a frame of this width: that of a matrix keeps its cells about square."""
    heats = [mark for mark in panel.marks if isinstance(mark, Heat) and np.size(mark.values)]
    if any(isinstance(mark, Cloud) for mark in panel.marks):
        return min(0.8 * width, max(usual, 300))
    if not heats:
        ridges = sum(isinstance(mark, Lines) and mark.fill for mark in panel.marks)
        return max(usual, min(20.0 * ridges, 420))
    if square := square_of(panel):
        return min(width * square, 380.0)
    rows, columns = np.shape(heats[0].values)
    own_edges = heats[0].under is None and (heats[0].x is not None or heats[0].y is not None)
    share = 0.62 if own_edges or not 0.2 < rows / columns < 5 else rows / columns
    return float(np.clip(width * share, 60 if math.isfinite(usual) else usual, 380))


def square_of(panel: Panel) -> float:
    """Return height over width of the picture in a frame, whose pixels must be square; 0 for anything else.

    A matrix over a picture is one, and so is a matrix whose axes have no names but row and column: nothing else than
    pixels lies along them.
    """
    heats = [mark for mark in panel.marks if isinstance(mark, Heat) and np.size(mark.values)]
    if not heats:
        return 0.0
    first = heats[0]
    under = None if first.under is None or not first.under.size else first.under
    named = {panel.x.label, panel.y.label} - {"", "row", "column"} or panel.x.categories or panel.y.categories
    if under is None and (named or first.x is not None or first.y is not None or first.origin != "upper"):
        return 0.0
    rows, columns = np.shape(first.values if under is None else under)[:2]
    return rows / columns if 0.2 < rows / columns < 5 else 0.0


def axis_words(axis: Axis) -> str:
    """Return the title of an axis as it is written beside it."""
    return f"{plain(axis.label)}, {plain(axis.unit)}".strip(", ") if axis.unit else plain(axis.label)
