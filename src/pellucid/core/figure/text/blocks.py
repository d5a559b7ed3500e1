"""Marks without axes of their own, drawn with characters: heat, tiles, surface, 3-D points, tokens, table."""

import math
from dataclasses import replace
from string import ascii_lowercase

import numpy as np

from pellucid.core.figure import view
from pellucid.core.figure.marks import (
    Array,
    Axis,
    Cloud,
    Event,
    Heat,
    Lines,
    Panel,
    Surface,
    Table,
    Tiles,
    Tokens,
)
from pellucid.core.figure.scales import axis_title, cell_edges, pool
from pellucid.core.figure.text.canvas import EIGHTHS, Canvas
from pellucid.core.figure.text.frame import NOTHING, draw_cloud, legend_lines
from pellucid.core.figure.words import amount, cells, fit, number, pad, plain, wrap
from pellucid.core.theme import LEVEL_SYMBOLS, colour_limits

MAGNITUDE = " ░▒▓█"
BELOW = " ·:-="
MOST_ROWS = 40
_GREY = np.array([0.2126, 0.7152, 0.0722])


def shade(values: Array, *, signed: bool, limits: tuple[float, float]) -> list[str]:
    """Return one string a row, one character a value; below 0 other characters than above; NaN is "?"."""
    low, high = limits
    rows = list[str]()
    for row in np.asarray(values, dtype=np.float64):
        inside = np.clip(row, low, high)
        # Halved first, so that the span of the largest values does not overflow.
        share = inside / high if signed else (inside / 2 - low / 2) / (high / 2 - low / 2)
        level = np.clip(np.ceil(np.abs(np.nan_to_num(share)) * 4 - 0.25), 0, 4).astype(int)
        glyphs = [(BELOW if one < 0 else MAGNITUDE)[step] for one, step in zip(share, level, strict=True)]
        rows.append("".join("?" if math.isnan(one) else glyph for one, glyph in zip(row, glyphs, strict=True)))
    return rows


def shade_key(limits: tuple[float, float], *, signed: bool, label: str, width: int) -> list[str]:
    """Return the meaning of the shades."""
    low, high = (number(one) for one in limits)
    ramp = f"{low} {BELOW[:0:-1]} 0 {MAGNITUDE[1:]} {high}" if signed else f"{low} [{MAGNITUDE}] {high}"
    return wrap(f"{plain(label)}: {ramp}" if label else ramp, width)


def heat_text(mark: Heat, panel: Panel, width: int, *, most_rows: int) -> list[str]:
    """Draw a matrix in shades, with the ends of its axes and the path of a curve over it."""
    mark = _uncovered(mark)
    values = np.asarray(mark.values, dtype=np.float64)
    if not values.size:
        return [NOTHING]
    rows, columns = values.shape
    names = panel.y.categories if len(panel.y.categories) >= rows > 0 and rows <= most_rows else ()
    ends = [_end(panel.y, mark.y, rows, side) for side in (0, -1)]
    margin = min(max(cells(plain(one)) for one in [*panel.y.categories, *ends]), width // 3)
    room = width - margin - 1
    small = pool(values, most_rows, room)
    limits = colour_limits(values, signed=mark.signed)
    repeat = max(1, min(room // small.shape[1], 8 if small.shape[1] < 8 else 2))
    lines = [[one for one in row for _ in range(repeat)] for row in shade(small, signed=mark.signed, limits=limits)]
    _overlay(lines, mark, panel)
    labels = list(names) or _row_labels(mark, panel, len(lines), ends)
    if mark.origin == "lower":
        lines, labels = lines[::-1], labels[::-1]
    drawn = [pad(label, margin, right=True) + "│" + "".join(line) for label, line in zip(labels, lines, strict=False)]
    across = [pad("", margin + 1) + one for one in _columns_line(mark, panel, columns, len(lines[0]), room)]
    above = [fit(axis_title(panel.y), width)] if axis_title(panel.y) else []
    key = shade_key(limits, signed=mark.signed, label=mark.label, width=width)
    below = [fit("over a picture", width)] if mark.under is not None and mark.opacity else []
    return [*above, *drawn, *across, *key, *below, *_notes(panel, width)]


def _uncovered(mark: Heat) -> Heat:
    """Return the brightness of the picture under a matrix that holds no value: there is nothing else to see."""
    empty = np.size(mark.values) and np.isnan(np.asarray(mark.values, dtype=np.float64)).all()
    if mark.under is None or not np.size(mark.under) or not empty:
        return mark
    picture = np.asarray(mark.under, dtype=np.float64)
    shades = picture @ _GREY if picture.ndim == 3 else picture
    edges = (cell_edges(mark.y, np.shape(mark.values)[0]), cell_edges(mark.x, np.shape(mark.values)[1]))
    y, x = (np.linspace(one[0], one[-1], count + 1) for one, count in zip(edges, shades.shape, strict=True))
    return replace(mark, values=shades, y=y, x=x, signed=False, label=mark.label or "brightness", under=None)


def _row_labels(mark: Heat, panel: Panel, drawn: int, ends: list[str]) -> list[str]:
    """Name the rows: names that stand for several rows each beside the middle one, or the two ends alone."""
    names = panel.y.categories
    edges = cell_edges(mark.y, np.shape(mark.values)[0]).astype(np.float64)
    middles = (np.arange(len(names)) - edges[0]) / (edges[-1] - edges[0]) * drawn
    places = [int(one) for one in middles if 0 <= one < drawn]
    if not places or len(set(places)) < len(names):
        return [ends[0], *[""] * (drawn - 2), ends[1]][:drawn]
    named = dict(zip(places, names, strict=True))
    return [named.get(one, "") for one in range(drawn)]


def _end(axis: Axis, edges: Array | None, count: int, side: int) -> str:
    place = (0 if side == 0 else count - 1) if edges is None else float(edges[side])
    if axis.categories:
        return axis.categories[0 if side == 0 else min(count, len(axis.categories)) - 1]
    return number(place)


def _columns_line(mark: Heat, panel: Panel, columns: int, drawn: int, room: int) -> list[str]:
    first, last = (_end(panel.x, mark.x, columns, side) for side in (0, -1))
    title = axis_title(panel.x)
    text = f"{plain(first)} – {plain(last)}" if columns > 1 else plain(first)
    if cells(plain(first)) + cells(plain(last)) + 1 < drawn:
        text = plain(first) + " " * (drawn - cells(plain(first)) - cells(plain(last))) + plain(last)
    return [fit(text, room), *([fit(title, room)] if title else [])]


def _overlay(lines: list[list[str]], mark: Heat, panel: Panel) -> None:
    """Curves on a heat, such as an optimiser's path on a landscape, are letters over the shades."""
    rows, columns = np.shape(mark.values)
    across = cell_edges(mark.x, columns).astype(np.float64)
    up = cell_edges(mark.y, rows).astype(np.float64)
    for curve, letter in _lettered(panel):
        for x, y in zip(np.asarray(curve.x).tolist(), np.asarray(curve.y).tolist(), strict=True):
            column = (x - across[0]) / (across[-1] - across[0]) * len(lines[0])
            row = (y - up[0]) / (up[-1] - up[0]) * len(lines)
            if 0 <= column < len(lines[0]) and 0 <= row < len(lines):
                lines[int(row)][int(column)] = letter


def _lettered(panel: Panel) -> list[tuple[Lines, str]]:
    """The curves on a heat and the letter that draws each: "o" where there is one."""
    curves = [one for one in panel.marks if isinstance(one, Lines)]
    return [(one, "o" if len(curves) == 1 else ascii_lowercase[place % 26]) for place, one in enumerate(curves)]


def _notes(panel: Panel, width: int) -> list[str]:
    lines = legend_lines([f"{letter} {curve.label}" for curve, letter in _lettered(panel) if curve.label], width)
    for mark in panel.marks:
        if isinstance(mark, Event):
            where = plain((panel.x if mark.axis == "x" else panel.y).label) or mark.axis
            lines += wrap(f"{LEVEL_SYMBOLS[mark.level]} {where} {number(mark.at)}: {mark.text}", width, indent="  ")
    return lines


def tiles_text(mark: Tiles, width: int) -> list[str]:
    """Draw small images in shades, as many a row as fit, at most 24; colour images by their brightness."""
    images = np.asarray(mark.images, dtype=np.float64)
    if not images.size:
        return [NOTHING]
    if images.ndim == 4:
        images = images @ _GREY
    shown = images[:24]
    limits = colour_limits(images, signed=mark.signed)
    across = min(max(1, (width + 2) // 14), len(shown))
    room = min((width + 2) // across - 2, 24)
    lines = list[str]()
    for start in range(0, len(shown), across):
        blocks = list[list[str]]()
        for index in range(start, min(start + across, len(shown))):
            small = pool(shown[index], max(1, room // 2), max(1, room // 2))
            own = limits if mark.shared_scale else colour_limits(shown[index], signed=mark.signed)
            repeat = 2 if 2 * small.shape[1] <= room else 1
            rows = ["".join(one * repeat for one in row) for row in shade(small, signed=mark.signed, limits=own)]
            title = [mark.titles[index]] if index < len(mark.titles) else []
            blocks.append([fit(one, room) for one in [*title, *rows]])
        lines += beside(blocks, room, gap=2)
    if len(images) > len(shown):
        lines.append(fit(f"{len(shown)} of {amount(len(images), 'tile')} shown", width))
    key = shade_key(limits, signed=mark.signed, label=mark.label, width=width)
    return lines + (key if mark.shared_scale else wrap(f"{mark.label}: each tile on its own scale".lstrip(": "), width))


def beside(blocks: list[list[str]], width: int, *, gap: int) -> list[str]:
    """Put blocks of lines side by side, each `width` columns wide."""
    height = max(len(block) for block in blocks)
    filled = [block + [""] * (height - len(block)) for block in blocks]
    return [(" " * gap).join(pad(one, width) for one in row).rstrip() for row in zip(*filled, strict=True)]


def surface_text(mark: Surface, panel: Panel, width: int) -> list[str]:
    """Draw a surface as seen from above: shades for the height, letters for the paths."""
    names = mark.names or ("path",)
    paths = [
        Lines(x=path[:, 0], y=path[:, 1], label=names[place] if place < len(names) else "")
        for place, path in enumerate(mark.paths)
        if len(path)
    ]
    heat = Heat(values=mark.z, x=_edges(mark.x), y=_edges(mark.y), label=mark.label, origin="lower")
    flat = Panel(marks=(heat, *paths), x=panel.x, y=panel.y)
    return heat_text(heat, flat, width, most_rows=20)


def _edges(places: Array) -> Array | None:
    middle = np.asarray(places, dtype=np.float64)
    if len(middle) < 2:
        return None
    inner = (middle[1:] + middle[:-1]) / 2
    return np.concatenate([[2 * middle[0] - inner[0]], inner, [2 * middle[-1] - inner[-1]]])


def cloud_text(mark: Cloud, panel: Panel, width: int, *, height: int) -> list[str]:
    """Draw points in three dimensions as the fixed view shows them."""
    points = np.asarray(mark.points, dtype=np.float64)
    flat = view.seen(view.cube(points, *view.bounds(points))) / 3.6 + 0.5
    canvas = Canvas(width, height)
    legend = draw_cloud(canvas, mark, flat[:, 0], flat[:, 1])
    low, high = view.bounds(points)
    titles = (axis_title(panel.x) or "first", axis_title(panel.y) or "second", "third")
    ends = [f"{title} {number(low[axis])} – {number(high[axis])}" for axis, title in enumerate(titles)]
    return [*(row.rstrip() for row in canvas.lines()), *legend_lines([*ends, *legend], width)]


def tokens_text(mark: Tokens, width: int) -> list[str]:
    """Write the tokens in a row, each followed by a bar for its value; a minus sign stands before it below 0."""
    if not mark.text:
        return [NOTHING]
    values = np.asarray(mark.values, dtype=np.float64)
    low, high = colour_limits(values, signed=mark.signed)
    pieces = list[str]()
    for text, value in zip(mark.text[:400], values[:400].tolist(), strict=False):
        inside = min(max(value, low), high)
        share = abs(inside) / high if mark.signed else (inside / 2 - low / 2) / (high / 2 - low / 2)
        bar = "?" if math.isnan(value) else EIGHTHS[min(max(round(share * 8), 1), 8)]
        name = fit(text.replace("\n", "⏎").strip() or "␣", max(1, width - 3))
        pieces.append(name + ("−" if mark.signed and value < 0 else "") + bar)
    lines = wrap(" ".join(piece.replace(" ", "·") for piece in pieces), width)
    if len(mark.text) > 400:
        lines.append(fit(f"400 of {amount(len(mark.text), 'token')} shown", width))
    ramp = f"−{number(high)} −█▁ 0 ▁█ {number(high)}" if mark.signed else f"{number(low)} ▁▂▃▄▅▆▇█ {number(high)}"
    return lines + wrap(f"{mark.label}: {ramp}" if mark.label else ramp, width)


def table_text(mark: Table, width: int) -> list[str]:
    """Align the columns, numbers to the right; the widest columns give way when the table is too wide."""
    if not mark.columns:
        return [NOTHING]
    shown = mark.rows[: 2 * MOST_ROWS]
    grid = [[plain(one) for one in row] for row in (mark.columns, *shown)]
    widths = [max(cells(row[index]) for row in grid if index < len(row)) for index in range(len(mark.columns))]
    while sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    right = [is_numeric([row[index] for row in grid[1:] if index < len(row)]) for index in range(len(widths))]
    lines = [_row(row, widths, right) for row in grid]
    lines.insert(1, "─" * cells(_ruler(widths)))
    if len(mark.rows) > len(shown):
        lines.append(f"{len(shown)} of {amount(len(mark.rows), 'row')} shown")
    return [fit(line, width) for line in lines]


def _row(row: list[str], widths: list[int], right: list[bool]) -> str:
    parts = [pad(text, width, right=side) for text, width, side in zip(row, widths, right, strict=False)]
    return "  ".join(parts).rstrip()


def _ruler(widths: list[int]) -> str:
    return "  ".join(" " * one for one in widths)


def is_numeric(texts: list[str]) -> bool:
    """Whether a column holds numbers: every text that is not empty begins like one."""
    filled = [one for one in texts if one.strip("–- ")]
    return bool(filled) and all(one.lstrip("+-−~<>≤≥ ")[:1].isdigit() or one in ("NaN", "∞", "−∞") for one in filled)
