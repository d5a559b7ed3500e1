"""Marks with axes, drawn with characters: bars, curves, points, events."""

from string import ascii_lowercase

import numpy as np

from pellucid.core.figure.marks import Array, Bars, Cloud, Event, Lines, Panel
from pellucid.core.figure.scales import Frame, Span, axis_title, frame_of, project, thin, value_at
from pellucid.core.figure.text.canvas import Canvas
from pellucid.core.figure.words import cells, fit, number, pad, plain, wrap
from pellucid.core.finding import Level
from pellucid.core.theme import LEVEL_SYMBOLS

GLYPHS = "█▒░▓"
NOTHING = "(nothing to show)"


def frame_text(panel: Panel, width: int, height: int) -> list[str]:
    """Draw the bars, curves, points and events of a panel.

    Args:
        panel: The panel; other marks are left out.
        width: Columns.
        height: Rows of the frame, without axes and legend.

    Returns:
        Lines, none wider than `width`.
    """
    bars = [mark for mark in panel.marks if isinstance(mark, Bars)]
    frame = frame_of(panel)
    if frame.empty:
        return [NOTHING]
    others = any(isinstance(mark, Lines | Cloud) for mark in panel.marks)
    if bars and panel.x.categories and not others and panel.y.scale == "linear":
        return [*_named_bars(panel, bars, width), *_events_below(panel, width)]
    top, bottom = (number(value_at(panel.y, end)) for end in reversed(frame.y))
    if panel.y.categories:
        top, bottom = panel.y.categories[-1], panel.y.categories[0]
    margin = min(max(cells(top), cells(bottom)), width // 4)
    canvas = Canvas(width - margin - 1, height)
    legend = _draw(canvas, panel, frame)
    rows = [pad("", margin) + "│" + row for row in canvas.lines()]
    rows[0] = pad(top, margin, right=True) + "┤" + rows[0][margin + 1 :]
    rows[-1] = pad(bottom, margin, right=True) + "┤" + rows[-1][margin + 1 :]
    below = [pad("", margin + 1) + line for line in _x_axis(panel, frame, canvas.width)]
    above = [fit(axis_title(panel.y), width)] if axis_title(panel.y) else []
    floor = pad("", margin) + "└" + "─" * canvas.width
    return [*above, *rows, floor, *below, *legend_lines(legend, width), *_events_below(panel, width)]


def legend_lines(legend: list[str], width: int) -> list[str]:
    """Lay the entries of a legend side by side, as many a line as fit."""
    lines = list[str]()
    for entry in legend:
        text = fit(entry, width)
        if lines and cells(lines[-1]) + 3 + cells(text) <= width:
            lines[-1] += "   " + text
        else:
            lines.append(text)
    return lines


def _share(places: Array, span: Span) -> Array:
    return np.asarray((places - span[0]) / (span[1] - span[0]))


def _draw(canvas: Canvas, panel: Panel, frame: Frame) -> list[str]:
    """Draw every mark, back to front; the entries of the legend come back."""
    legend = list[str]()
    bars = [mark for mark in panel.marks if isinstance(mark, Bars)]
    lines = [mark for mark in panel.marks if isinstance(mark, Lines)]
    for event in (mark for mark in panel.marks if isinstance(mark, Event)):
        _event(canvas, event, panel, frame)
    for index, mark in enumerate(bars):
        glyph = GLYPHS[index % len(GLYPHS)]
        _bars(canvas, mark, panel, frame, "" if len(bars) == 1 else glyph)
        if mark.label:
            legend.append(f"{glyph} {mark.label}")
    for index, mark in enumerate(lines):
        letter = ascii_lowercase[index % 26] if len(lines) > 1 and mark.label else ""
        _line(canvas, mark, panel, frame, letter)
        if mark.label:
            legend.append(f"{letter or '⠤'} {mark.label}")
    for mark in panel.marks:
        if isinstance(mark, Cloud):
            x = _share(project(panel.x, mark.points[:, 0]), frame.x)
            y = _share(project(panel.y, mark.points[:, 1]), frame.y)
            legend += draw_cloud(canvas, mark, x, y)
    return legend


def _bars(canvas: Canvas, mark: Bars, panel: Panel, frame: Frame, glyph: str) -> None:
    """Every column shows the highest bar in it, so that a spike one bucket wide is not lost."""
    foot = np.zeros(np.shape(mark.heights)) if mark.base is None else np.asarray(mark.base, dtype=np.float64)
    top = foot + np.asarray(mark.heights, dtype=np.float64)
    edges = _share(project(panel.x, mark.edges), frame.x) * canvas.width
    foot, top = (_share(project(panel.y, one), frame.y) for one in (foot, top))
    foot = np.where(np.isnan(foot), 0.0, foot)  # a foot at 0 on a log axis is the floor
    for column in range(canvas.width):
        here = np.flatnonzero((edges[1:] > column) & (edges[:-1] < column + 1) & np.isfinite(top))
        if len(here):
            tallest = here[np.argmax(np.abs(top[here] - foot[here]))]
            canvas.bar(column, float(foot[tallest]), float(top[tallest]), glyph)
            if top[tallest] > 1 + 1e-9:
                canvas.put(0, column, "↑")  # taller than the limits of the axis


def _line(canvas: Canvas, mark: Lines, panel: Panel, frame: Frame, letter: str) -> None:
    x = _share(project(panel.x, mark.x), frame.x)
    y = _share(project(panel.y, mark.y), frame.y)
    if mark.low is not None:
        high = mark.y if mark.fill or mark.high is None else mark.high
        low, high = (_share(project(panel.y, one), frame.y) for one in (mark.low, high))
        _band(canvas, x, low, high)
    kept = thin(x, y, (0.0, 1.0), 2 * canvas.width)
    canvas.curve(x[kept], y[kept])
    seen = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not len(seen) or not letter:
        return
    column, row = canvas.column(float(x[seen[-1]])), canvas.row(float(y[seen[-1]]))
    if column is None or row is None:
        return
    taken = set(ascii_lowercase)
    free = next((place for place in _nearest(row, canvas.height) if canvas.rows[place][column] not in taken), row)
    canvas.put(free, column, letter)
    canvas.dots[4 * free : 4 * free + 4, 2 * column : 2 * column + 2] = False


def _nearest(row: int, height: int) -> list[int]:
    return sorted(range(height), key=lambda other: abs(other - row))


def _band(canvas: Canvas, x: Array, low: Array, high: Array) -> None:
    order = np.argsort(x)
    seen = order[np.isfinite(x[order])]
    if not len(seen):
        return
    middles = (np.arange(canvas.width) + 0.5) / canvas.width
    lows, highs = (np.interp(middles, x[seen], one[seen], left=np.nan, right=np.nan) for one in (low, high))
    for column in np.flatnonzero(np.isfinite(lows) & np.isfinite(highs)).tolist():
        bottom, top = canvas.row(float(lows[column].clip(0, 1))), canvas.row(float(highs[column].clip(0, 1)))
        for row in range(top or 0, (canvas.height - 1 if bottom is None else bottom) + 1):
            canvas.put(row, column, "░")


def _event(canvas: Canvas, event: Event, panel: Panel, frame: Frame) -> None:
    axis, span = (panel.x, frame.x) if event.axis == "x" else (panel.y, frame.y)
    share = float(_share(project(axis, event.at), span))
    if event.axis == "x" and (column := canvas.column(share)) is not None:
        for row in range(canvas.height):
            canvas.put(row, column, "┊")
    if event.axis == "y" and (row := canvas.row(share)) is not None:
        for column in range(canvas.width):
            canvas.put(row, column, "╌")


def _events_below(panel: Panel, width: int) -> list[str]:
    lines = list[str]()
    for mark in panel.marks:
        if isinstance(mark, Event):
            axis, sign = (panel.x, "┊") if mark.axis == "x" else (panel.y, "╌")
            # Between two named places a number would mean nothing.
            place = "" if axis.categories else f"{number(mark.at)} {plain(axis.unit)}".strip()
            symbol = "" if mark.level is Level.OK else LEVEL_SYMBOLS[mark.level]
            words = " ".join(part for part in (sign, place, symbol, mark.text) if part)
            lines += wrap(words, width, indent="    ")
    return lines


def draw_cloud(canvas: Canvas, mark: Cloud, x: Array, y: Array) -> list[str]:
    """Draw points: dots for one group, the letter of the most frequent group in each place for several."""
    if mark.group is None or np.unique(mark.group).size < 2:
        canvas.point(x, y)
        return [f"⠿ {mark.names[0]}"] if mark.names else []
    groups = np.asarray(mark.group).astype(int)
    inside = np.flatnonzero((x >= 0) & (x <= 1) & (y >= 0) & (y <= 1))
    column = np.minimum(x[inside] * canvas.width, canvas.width - 1).astype(int)
    row = canvas.height - 1 - np.minimum(y[inside] * canvas.height, canvas.height - 1).astype(int)
    names = sorted({int(one) for one in groups[inside]})
    counts = np.zeros((len(names), canvas.height, canvas.width), dtype=int)
    np.add.at(counts, (np.searchsorted(names, groups[inside]), row, column), 1)
    for down, across in np.argwhere(counts.sum(axis=0)).tolist():
        canvas.put(down, across, _letter(names[int(counts[:, down, across].argmax())]))
        canvas.dots[4 * down : 4 * down + 4, 2 * across : 2 * across + 2] = False  # those of a line would hide it
    return [f"{_letter(one)} {mark.names[one] if 0 <= one < len(mark.names) else one}" for one in names]


def _letter(group: int) -> str:
    letters = ascii_lowercase + ascii_lowercase.upper()
    return letters[group % len(letters)]


def _x_axis(panel: Panel, frame: Frame, width: int) -> list[str]:
    """One line: the two ends, 0 where it lies between, and the title where it fits; else the title below."""
    ends = [(0.0, number(value_at(panel.x, frame.x[0]))), (1.0, number(value_at(panel.x, frame.x[1])))]
    if panel.x.categories:
        ends = [(0.0, panel.x.categories[0]), (1.0, panel.x.categories[-1])]
    elif frame.x[0] < 0 < frame.x[1] and panel.x.scale != "log":
        ends.insert(1, (float(_share(np.zeros(()), frame.x)), "0"))
    title = axis_title(panel.x)
    line = [" "] * width
    for share, label in ends:
        text = fit(label, width // 3)
        start = round(share * (width - cells(text)))
        if all(one == " " for one in line[max(start - 1, 0) : start + cells(text) + 1]):
            line[start : start + cells(text)] = [*text, *([""] * (cells(text) - len(text)))][: cells(text)]
    gap_start, gap = _widest_gap(line)
    if not title:
        return ["".join(line).rstrip()]
    if cells(title) + 4 <= gap:
        middle = gap_start + (gap - cells(title)) // 2
        line[middle : middle + cells(title)] = [title]
        return ["".join(line).rstrip()]
    return ["".join(line).rstrip(), " " * max(0, (width - cells(title)) // 2) + fit(title, width)]


def _widest_gap(line: list[str]) -> tuple[int, int]:
    best, start = (0, 0), None
    for place, one in enumerate([*line, "|"]):
        if one == " ":
            start = place if start is None else start
        elif start is not None:
            best, start = max(best, (start, place - start), key=lambda gap: gap[1]), None
    return best


def _named_bars(panel: Panel, bars: list[Bars], width: int) -> list[str]:
    """Bars of named places lie on their side: a name is easier read than tilted."""
    several = len(bars) > 1
    entries = list[tuple[str, float, str, str]]()
    for place, name in enumerate(panel.x.categories):
        for index, mark in enumerate(bars):
            edges = np.asarray(mark.edges, dtype=np.float64)
            middle = (edges[1:] + edges[:-1]) / 2
            here = np.flatnonzero(np.abs(middle - place) <= 0.5)
            if len(here):
                value = float(mark.heights[here[0]])
                entries.append((name if index == 0 else "", value, GLYPHS[index % 4], number(value)))
    if not entries:
        return [NOTHING]
    name_width = min(max(cells(plain(one[0])) for one in entries), width // 3)
    value_width = max(cells(one[3]) for one in entries)
    room = width - name_width - value_width - 2
    finite = [one[1] for one in entries if np.isfinite(one[1])]
    ends = (min(0.0, *finite, 0.0), max(0.0, *finite, 0.0))
    lines = [fit(axis_title(panel.y), width)] if axis_title(panel.y) else []
    for name, value, glyph, label in entries:
        bar = _lying_bar(value, ends, glyph, room, fine=not several)
        lines.append(pad(name, name_width, right=True) + " " + bar + " " + pad(label, value_width, right=True))
    legend = [f"{GLYPHS[index % 4]} {mark.label}" for index, mark in enumerate(bars) if mark.label]
    return [*lines, *legend_lines(legend, width)]


def _lying_bar(value: float, ends: Span, glyph: str, room: int, *, fine: bool) -> str:
    """Draw one bar, to the left of a line where it is below 0; the line stands only where some are."""
    left = round(-ends[0] / (ends[1] - ends[0]) * (room - 1)) if ends[0] < 0 else 0
    right = room - left - 1 if ends[0] < 0 else room
    full = right / ends[1] if ends[1] > 0 else left / -ends[0] if ends[0] < 0 else 0.0
    size = abs(value) * full if np.isfinite(value) else 0.0
    whole = glyph * min(int(size), left if value < 0 else right)
    part = " ▏▎▍▌▋▊▉"[int(size % 1 * 8)].strip() if fine and value >= 0 and len(whole) < right else ""
    if ends[0] >= 0:
        return pad(whole + part, right)
    below, above = (whole, "") if value < 0 else ("", whole + part)
    return pad(below, left, right=True) + "│" + pad(above, right)
