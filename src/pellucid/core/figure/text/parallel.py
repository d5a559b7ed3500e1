"""Parallel coordinates with characters: upright axes, lines of dots across them, the extreme rows by name."""

from string import ascii_uppercase

import numpy as np

from pellucid.core.figure.marks import Array, Axis, Parallel
from pellucid.core.figure.scales import axis_title, project, span_of, value_at
from pellucid.core.figure.text.canvas import Canvas
from pellucid.core.figure.text.frame import NOTHING, legend_lines
from pellucid.core.figure.words import amount, number, plain, wrap

_MOST_LINES = 400  # more would fill every dot


def parallel_text(mark: Parallel, width: int, *, height: int) -> list[str]:
    """Draw rows as lines across upright axes.

    Args:
        mark: What to draw.
        width: Columns.
        height: Rows of the axes, without the key.

    Returns:
        The letters of the axes, the picture, what each axis runs from and to, and the rows of lowest and highest value.
    """
    rows = np.asarray(mark.rows, dtype=np.float64)
    if not mark.axes or not len(rows):
        return [NOTHING]
    canvas = Canvas(width, height)
    spans = [span_of(axis, rows[:, place]) for place, axis in enumerate(mark.axes)]
    x = (np.arange(len(mark.axes)) * (width - 1) / max(len(mark.axes) - 1, 1) + 0.5) / width
    shares = [
        (project(axis, rows[:, place]) - low) / (high - low)
        for place, (axis, (low, high)) in enumerate(zip(mark.axes, spans, strict=True))
    ]
    for column in (canvas.column(float(one)) or 0 for one in x):
        for row in range(height):
            canvas.put(row, column, "│")
    for line in np.stack(shares, axis=1)[:_MOST_LINES]:
        canvas.curve(x, line)
    head = [" "] * width
    for place, one in enumerate(x):
        head[canvas.column(float(one)) or 0] = _letter(place)
    key = [f"{_letter(place)} {_words(axis, spans[place])}" for place, axis in enumerate(mark.axes)]
    more = [f"{_MOST_LINES} of {amount(len(rows), 'row')} shown"] if len(rows) > _MOST_LINES else []
    drawn = ["".join(head), *canvas.lines()]
    return [*(line.rstrip() for line in drawn), *legend_lines([*key, *more], width), *_extremes(mark, width)]


def _letter(place: int) -> str:
    return ascii_uppercase[place % 26]


def _words(axis: Axis, span: tuple[float, float]) -> str:
    """The title of an axis with its two ends: "learning rate 0.001 – 0.1 (log)"."""
    if axis.categories:
        return f"{axis_title(axis)}: {', '.join(plain(one) for one in axis.categories)}"
    low, high = (number(value_at(axis, end)) for end in span)
    return f"{axis_title(axis)}: {low} – {high}" + ("" if axis.scale == "linear" else f" ({axis.scale})")


def _extremes(mark: Parallel, width: int) -> list[str]:
    """The rows of the lowest and of the highest value, which the colour tells on a page."""
    if mark.value is None:
        return []
    values: Array = np.asarray(mark.value, dtype=np.float64)
    seen = np.flatnonzero(np.isfinite(values))
    if not len(seen):
        return []
    ends = {"lowest": seen[np.argmin(values[seen])], "highest": seen[np.argmax(values[seen])]}
    found = [f"{word} {number(float(values[row]))} ({_name(mark, int(row))})" for word, row in ends.items()]
    return wrap(f"{mark.label}: {', '.join(found)}".lstrip(": "), width, indent="  ")


def _name(mark: Parallel, row: int) -> str:
    return mark.names[row] if row < len(mark.names) else f"row {row}"
