"""Marks without axes of their own: tiles, 3-D points, surface, tokens, table."""

from typing import Any

import numpy as np

from pellucid.core.figure import view
from pellucid.core.figure.marks import Array, Axis, Cloud, Mark, Panel, Parallel, Surface, Table, Tiles, Tokens
from pellucid.core.figure.scales import axis_title, pool
from pellucid.core.figure.static.frame import scatter
from pellucid.core.figure.static.key import path_colours, tint, tint_colour
from pellucid.core.figure.static.parallel import draw_parallel, parallel_height
from pellucid.core.figure.static.sheet import (
    CELL,
    LABEL,
    SMALL,
    TOKEN,
    Box,
    Sheet,
    clip,
    font,
    matplotlib,
    show_pixels,
    width_of,
)
from pellucid.core.figure.text.blocks import is_numeric
from pellucid.core.figure.words import amount, number, plain
from pellucid.core.theme import colour_limits, paint

MOST_TILES, MOST_TOKENS, MOST_ROWS = 256, 600, 60
_LINE, _ROW, _GAP = 17.0, 15.5, 5.0
_LEAST_TILE, _TILE_STEP, _LARGEST_TILE = 34.0, 12.0, 110.0
_MESH = 81  # finer meshes cannot be told apart in a panel


def block_height(mark: Mark, width: float, usual: float) -> float:
    """Return the height that a mark takes at this width, points."""
    if isinstance(mark, Tiles):
        return _tiling(mark, width)[2]
    if isinstance(mark, Tokens):
        rows = _token_rows(mark, width)
        return (rows[-1][0] + 1) * _LINE + (14 if len(mark.text) > MOST_TOKENS else 0) if rows else 14.0
    if isinstance(mark, Table):
        return (min(len(mark.rows), MOST_ROWS) + 1) * _ROW + 6 + (14 if len(mark.rows) > MOST_ROWS else 0)
    if isinstance(mark, Parallel):
        return parallel_height(mark, width, usual)
    return float(np.clip(0.74 * width, usual, 380))


def draw_block(sheet: Sheet, mark: Mark, panel: Panel, box: Box) -> None:
    """Draw a mark into a box of the height that `block_height` gave."""
    if isinstance(mark, Tiles):
        _tiles(sheet, mark, box)
    elif isinstance(mark, Tokens):
        _tokens(sheet, mark, box)
    elif isinstance(mark, Table):
        _table(sheet, mark, box)
    elif isinstance(mark, Parallel):
        draw_parallel(sheet, mark, box)
    elif isinstance(mark, Surface):
        _surface(sheet, mark, panel, box)
    elif isinstance(mark, Cloud):
        _cloud(sheet, mark, panel, box)


def _tiling(mark: Tiles, width: float) -> tuple[int, float, float]:
    """Tiles a row, width of a tile, height of all."""
    count = min(len(mark.images), MOST_TILES)
    if not count or not np.size(mark.images):
        return 1, 10.0, 14.0
    shape = np.shape(mark.images)[2] / np.shape(mark.images)[1]
    head = 10.0 if mark.titles else 0.0
    # A tile is as wide as its title, in steps, so that tiles that belong together stand alike.
    needed = max((width_of(plain(one), SMALL) + 2 - _LEAST_TILE for one in mark.titles[:count]), default=0.0)
    least = _LEAST_TILE + min(max(np.ceil(needed / _TILE_STEP), 0), 4) * _TILE_STEP
    across = max(1, min(count, int((width + _GAP) / (least + _GAP)), round((count * 2 / shape) ** 0.5)))
    across = max(across, min(count, int((width + _GAP) / (_LARGEST_TILE + _GAP))))  # no second row before one is full
    wide = min((width - (across - 1) * _GAP) / across, _LARGEST_TILE)
    rows = -(-count // across)
    more = 14.0 if len(mark.images) > count else 0.0
    return across, wide, rows * (wide / shape + _GAP + head) + more


def _tiles(sheet: Sheet, mark: Tiles, box: Box) -> None:
    """All tiles stand in one frame: a frame for each would be slow."""
    count = min(len(mark.images), MOST_TILES)
    if not count or not np.size(mark.images):
        sheet.text(box.left, box.top + 10, "nothing to show", LABEL, colour=sheet.theme.muted)
        return
    across, wide, _ = _tiling(mark, box.width)
    tall = wide * np.shape(mark.images)[1] / np.shape(mark.images)[2]
    head = 10.0 if mark.titles else 0.0
    shared = colour_limits(mark.images, signed=mark.signed)
    axes = sheet.frame(box, (0, box.width), (box.height, 0))
    for place in range(count):
        down, right = divmod(place, across)
        left, top = right * (wide + _GAP), down * (tall + _GAP + head)
        if place < len(mark.titles):
            sheet.text(
                box.left + left,
                box.top + top + 7.5,
                clip(mark.titles[place], SMALL, wide),
                SMALL,
                colour=sheet.theme.muted,
            )
        top += head
        show_pixels(axes, _tile_pixels(mark, place, shared), (left, left + wide, top + tall, top))
        _border(sheet, Box(box.left + left, box.top + top, wide, tall))
    if len(mark.images) > count:
        words = f"{count} of {amount(len(mark.images), 'tile')} shown"
        sheet.text(box.left, box.top + box.height - 3, words, SMALL, colour=sheet.theme.muted)


def _border(sheet: Sheet, box: Box) -> None:
    """Draw the border of a tile: a white one could not be told from the page."""
    (left, top), (right, bottom) = (box.left, box.top), (box.left + box.width, box.top + box.height)
    for start, end in (((left, top), (right, top)), ((left, bottom), (right, bottom))):
        sheet.line(start, end, sheet.theme.faint)
    for start, end in (((left, top), (left, bottom)), ((right, top), (right, bottom))):
        sheet.line(start, end, sheet.theme.faint)


def _tile_pixels(mark: Tiles, place: int, shared: tuple[float, float]) -> Array:
    image = np.asarray(mark.images[place], dtype=np.float64)
    if image.ndim == 3:
        colours = np.clip(np.nan_to_num(image) * 255 + 0.5, 0, 255).astype(np.uint8)
        return np.concatenate([colours, np.full((*image.shape[:2], 1), 255, dtype=np.uint8)], axis=-1)
    own = shared if mark.shared_scale else colour_limits(image, signed=mark.signed)
    return paint(pool(image, 224, 224), signed=mark.signed, limits=own)


def _token_rows(mark: Tokens, width: float) -> list[tuple[int, float, str]]:
    """Line, distance from the left, and text of each token."""
    placed = list[tuple[int, float, str]]()
    line, left = 0, 0.0
    for text in mark.text[:MOST_TOKENS]:
        words = clip(text.replace("\n", "⏎").strip() or "␣", TOKEN, width - 8)
        needed = width_of(words, TOKEN) + 8
        if left and left + needed > width:
            line, left = line + 1, 0.0
        placed.append((line, left, words))
        left += needed + 2
    return placed


def _tokens(sheet: Sheet, mark: Tokens, box: Box) -> None:
    low, high = colour_limits(mark.values, signed=mark.signed)
    values = np.asarray(mark.values, dtype=np.float64)
    for place, (line, left, words) in enumerate(_token_rows(mark, box.width)):
        top = box.top + line * _LINE
        value = float(values[place]) if place < len(values) else float("nan")
        if np.isfinite(value):
            share = value / high if mark.signed else (value - low) / (high - low)
            back = Box(box.left + left, top + 1, width_of(words, TOKEN) + 8, _LINE - 2.5)
            sheet.box(back, tint_colour(sheet, share, signed=mark.signed), alpha=tint(share))
        sheet.text(box.left + left + 4, top + 11.5, words, TOKEN)
    if len(mark.text) > MOST_TOKENS:
        words = f"{MOST_TOKENS} of {amount(len(mark.text), 'token')} shown"
        sheet.text(box.left, box.top + box.height - 3, words, SMALL, colour=sheet.theme.muted)


def _table(sheet: Sheet, mark: Table, box: Box) -> None:
    rows = [tuple(plain(one) for one in row) for row in mark.rows[:MOST_ROWS]]
    widths = _column_widths(mark.columns, rows, box.width)
    right = [is_numeric([row[place] for row in rows if place < len(row)]) for place in range(len(widths))]
    bold = type(CELL)(size=CELL.size, bold=True)
    for down, row in enumerate([mark.columns, *rows]):
        base = box.top + down * _ROW + 10.5
        left = box.left
        for text, width, numeric in zip(row, widths, right, strict=False):
            kind, colour = (bold, sheet.theme.muted) if down == 0 else (CELL, sheet.theme.ink)
            words = clip(text, kind, width)
            sheet.text(
                left + (width if numeric else 0), base, words, kind, colour=colour, align="right" if numeric else "left"
            )
            left += width + 14
        across = (box.left, min(box.left + sum(widths) + 14 * (len(widths) - 1), box.left + box.width))
        colour, weight = (sheet.theme.muted, 0.8) if down == 0 else (sheet.theme.faint, 0.6)
        sheet.line((across[0], base + 4.2), (across[1], base + 4.2), colour, linewidth=weight)
    if len(mark.rows) > len(rows):
        words = f"{len(rows)} of {amount(len(mark.rows), 'row')} shown"
        sheet.text(box.left, box.top + box.height - 3, words, SMALL, colour=sheet.theme.muted)


def _column_widths(columns: tuple[str, ...], rows: list[tuple[str, ...]], room: float) -> list[float]:
    bold = type(CELL)(size=CELL.size, bold=True)
    widths = [
        max([width_of(plain(name), bold), *(width_of(row[place], CELL) for row in rows if place < len(row))]) * 1.04 + 1
        for place, name in enumerate(columns)
    ]
    free = room - 14 * (len(widths) - 1)
    while sum(widths) > free and max(widths) > 20:
        widths[widths.index(max(widths))] *= 0.92
    return widths


def _space(sheet: Sheet, box: Box) -> Any:
    """Axes in which the cube is seen whole and undistorted."""
    half = 1.62
    wide = half * box.width / box.height
    return sheet.frame(box, (-max(wide, half), max(wide, half)), (-half, half * (1 if wide >= half else half / wide)))


def _cage(sheet: Sheet, axes: Any, panel: Panel, bounds: tuple[Array, Array], height: str) -> None:
    """The floor, the two walls behind, and the ends and titles of the axes."""
    corners = {
        "floor": [(-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1), (-1, -1, -1)],
        "back": [(-1, 1, -1), (-1, 1, 1), (1, 1, 1), (1, 1, -1)],
        "side": [(1, 1, 1), (1, -1, 1), (1, -1, -1)],
    }
    for outline in corners.values():
        flat = view.seen(np.array(outline, dtype=np.float64))
        axes.plot(flat[:, 0], flat[:, 1], color=sheet.theme.faint, linewidth=0.8, zorder=0)
    low, high = bounds
    third = panel.y if not height else Axis(label=height)
    places = (((0, -1.2, -1), panel.x, 0), ((-1.2, 0, -1), panel.y, 1), ((-1.06, 1.06, 0), third, 2))
    for place, axis, index in places:
        where = np.array(place, dtype=np.float64)
        step = np.eye(3)[index] * 0.86
        ends = [(where - step, number(float(low[index]))), (where + step, number(float(high[index])))]
        title = axis_title(axis) if index < 2 else ""
        align = ("left", "right", "right")[index]
        for spot, words in [*ends, (where, title)]:
            flat = view.seen(spot)
            look: dict[str, Any] = {"color": sheet.theme.muted, "fontproperties": font(SMALL), "parse_math": False}
            axes.text(flat[0], flat[1], plain(words), ha=align, va="center", **look)


def _cloud(sheet: Sheet, mark: Cloud, panel: Panel, box: Box) -> None:
    points = np.asarray(mark.points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        sheet.text(box.left, box.top + 10, "nothing to show", LABEL, colour=sheet.theme.muted)
        return
    bounds = view.bounds(points)
    axes = _space(sheet, box)
    _cage(sheet, axes, panel, bounds, "")
    flat = view.seen(view.cube(points, *bounds))
    near = np.argsort(np.nan_to_num(flat[:, 2]))
    groups = None if mark.group is None else np.asarray(mark.group)[near]
    scatter(axes, Cloud(points=points[near], group=groups, names=mark.names), flat[near, 0], flat[near, 1])


def _surface(sheet: Sheet, mark: Surface, panel: Panel, box: Box) -> None:
    """Shaded patches from far to near, stored as an image; the path and the cage stay lines."""
    heights = np.asarray(mark.z, dtype=np.float64)
    if min(heights.shape, default=0) < 2 or not np.isfinite(heights).any():
        sheet.text(box.left, box.top + 10, "nothing to show", LABEL, colour=sheet.theme.muted)
        return
    rows, columns = (np.linspace(0, count - 1, min(count, _MESH)).round().astype(int) for count in heights.shape)
    x, y = np.meshgrid(np.asarray(mark.x, dtype=np.float64)[columns], np.asarray(mark.y, dtype=np.float64)[rows])
    mesh = np.stack([x, y, heights[np.ix_(rows, columns)]], axis=-1)
    low, high = view.bounds(mesh)
    axes = _space(sheet, box)
    _cage(sheet, axes, panel, (low, high), mark.label)
    cube = view.cube(mesh, low, high)
    cube[..., 2] *= 0.9
    flat = view.seen(cube)
    corners = np.stack([flat[:-1, :-1], flat[:-1, 1:], flat[1:, 1:], flat[1:, :-1]], axis=2).reshape(-1, 4, 3)
    colours = _lit(cube, mesh[..., 2], colour_limits(heights, signed=False))
    whole = np.isfinite(corners).all(axis=(1, 2))
    order = np.flatnonzero(whole)[np.argsort(corners[whole, :, 2].mean(axis=1))]
    patches = matplotlib("collections").PolyCollection(
        corners[order, :, :2], facecolors=colours[order], edgecolors=colours[order], linewidths=0.3, zorder=2
    )
    patches.set_rasterized(True)
    axes.add_collection(patches, autolim=False)
    for path, colour in zip(mark.paths, path_colours(sheet, len(mark.paths)), strict=True):
        if len(path):
            _path(axes, path, (low, high), colour)


def _lit(cube: Array, heights: Array, limits: tuple[float, float]) -> Array:
    """Colour by height, made brighter or darker by how a patch faces the light."""
    level = (heights[:-1, :-1] + heights[1:, 1:] + heights[:-1, 1:] + heights[1:, :-1]) / 4
    along, up = cube[:-1, 1:] - cube[:-1, :-1], cube[1:, :-1] - cube[:-1, :-1]
    normal = np.cross(along, up)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    light = np.array([-0.45, -0.35, 0.82])
    bright = 0.62 + 0.45 * np.clip(normal @ light, 0, 1)
    colours = paint(level, signed=False, limits=limits)[..., :3] / 255
    return np.clip(colours * bright[..., None], 0, 1).reshape(-1, 3)


def _path(axes: Any, path: Array, bounds: tuple[Array, Array], colour: str) -> None:
    """The way of an optimiser: a line in a light casing, seen on every colour of the surface."""
    cube = view.cube(path, *bounds)
    cube[..., 2] *= 0.9
    flat = view.seen(cube + np.array([0, 0, 0.015]))
    for ink, weight in (("#ffffff", 3.4), (colour, 1.7)):
        axes.plot(flat[:, 0], flat[:, 1], color=ink, linewidth=weight, solid_joinstyle="round", zorder=4)
    ends: dict[str, Any] = {"markeredgecolor": "#ffffff", "markeredgewidth": 1.0, "color": colour, "zorder": 5}
    axes.plot(flat[:1, 0], flat[:1, 1], marker="o", markersize=5, **ends)
    axes.plot(flat[-1:, 0], flat[-1:, 1], marker="*", markersize=10, **ends)
