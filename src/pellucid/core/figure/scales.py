"""Where values sit on an axis: projection, extent, ticks, and thinning to what can be seen."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from pellucid.core.figure.marks import Array, Axis, Bars, Cloud, Event, Heat, Lines, Mark, Panel
from pellucid.core.figure.words import number, plain

Span = tuple[float, float]
_LARGEST = 1e300  # beyond it the width of a span would overflow


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The window of a panel, in projected places.

    Attributes:
        x: Left and right end.
        y: Lower and upper end.
        flipped: The y axis runs downwards (row 0 of a matrix on top).
        empty: No mark has anything to show.
    """

    x: Span
    y: Span
    flipped: bool = False
    empty: bool = False


def project(axis: Axis, values: Array | float) -> Float64[np.ndarray, "*any"]:
    """Return where values sit along an axis.

    Args:
        axis: The axis, linear, log or symlog.
        values: Values, any shape.

    Returns:
        The value itself; its decimal logarithm (NaN for what is not positive); or, for symlog, value / threshold
        within the threshold and 1 + log10(|value| / threshold) with the sign beyond. Infinite values are NaN.
    """
    whole = np.asarray(values, dtype=np.float64)
    whole = np.where(np.isfinite(whole), np.clip(whole, -_LARGEST, _LARGEST), np.nan)
    if axis.scale == "log":
        return np.asarray(np.log10(np.where(whole > 0, whole, np.nan)))
    if axis.scale == "symlog":
        share = np.asarray(whole / axis.threshold)
        beyond = np.maximum(np.abs(share), 1)
        return np.asarray(np.where(np.abs(share) <= 1, share, np.sign(share) * (1 + np.log10(beyond))))
    return whole


def value_at(axis: Axis, place: float) -> float:
    """Return the value that sits at a projected place; the opposite of `project`."""
    if axis.scale == "log":
        return 10.0 ** min(max(place, -300.0), 300.0)
    if axis.scale == "symlog":
        return axis.threshold * (place if abs(place) <= 1 else math.copysign(10.0 ** min(abs(place) - 1, 300.0), place))
    return place


def cell_edges(edges: Array | None, count: int) -> Array:
    """Return the edges of the columns or rows of a heat; without edges, cell i is centred on place i."""
    return np.arange(count + 1) - 0.5 if edges is None else np.asarray(edges)


def frame_of(panel: Panel) -> Frame:
    """Return the window that shows every mark of a panel, or the limits of its axes where they are given."""
    horizontal, vertical = list[Array](), list[Array]()
    for mark in panel.marks:
        for across, up in _places(mark, panel):
            horizontal.append(across.ravel())
            vertical.append(up.ravel())
    heats = [mark for mark in panel.marks if isinstance(mark, Heat)]
    exact = bool(heats) or any(isinstance(mark, Bars) for mark in panel.marks)
    x = _span(panel.x, horizontal, margin=0.0 if exact or _only_lines(panel) else 0.05)
    y = _span(panel.y, [*vertical, *_level_lines(panel)], margin=0.0 if heats else 0.05)
    seen = any(np.isfinite(one).any() for one in horizontal) and any(np.isfinite(one).any() for one in vertical)
    return Frame(x=x, y=y, flipped=any(one.origin == "upper" for one in heats), empty=not seen)


def _only_lines(panel: Panel) -> bool:
    return not any(isinstance(mark, Cloud) for mark in panel.marks)


def _level_lines(panel: Panel) -> list[Array]:
    limits = [mark.at for mark in panel.marks if isinstance(mark, Event) and mark.axis == "y"]
    return [project(panel.y, np.array(limits))] if limits else []


def _places(mark: Mark, panel: Panel) -> list[tuple[Array, Array]]:
    """Where a mark reaches, in projected places."""
    if isinstance(mark, Bars):
        foot = np.zeros(np.shape(mark.heights)) if mark.base is None else np.asarray(mark.base, dtype=np.float64)
        top = foot + np.asarray(mark.heights, dtype=np.float64)
        both = np.concatenate([foot, top])
        return [(project(panel.x, mark.edges), project(panel.y, both))] if top.size else []
    if isinstance(mark, Lines):
        ups = [one for one in (mark.y, mark.low, mark.high) if one is not None]
        seen = np.isfinite(np.asarray(mark.y, dtype=np.float64))
        return [(project(panel.x, np.asarray(mark.x)[seen]), project(panel.y, np.asarray(up))) for up in ups]
    if isinstance(mark, Heat):
        rows, columns = np.shape(mark.values)
        across, up = cell_edges(mark.x, columns), cell_edges(mark.y, rows)
        return [(project(panel.x, across), project(panel.y, up))] if rows and columns else []
    if isinstance(mark, Cloud) and np.ndim(mark.points) == 2 and np.shape(mark.points)[1] == 2:
        return [(project(panel.x, mark.points[:, 0]), project(panel.y, mark.points[:, 1]))]
    return []


def _span(axis: Axis, places: list[Array], *, margin: float) -> Span:
    if axis.limits is not None:
        low, high = (float(one) for one in project(axis, np.array(axis.limits)))
        if math.isfinite(low) and math.isfinite(high) and low != high:
            return low, high
    whole = np.concatenate([np.zeros(0), *places])
    finite = whole[np.isfinite(whole)]
    if finite.size == 0:
        return (0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        half = 0.5 if axis.scale != "linear" else 0.5 * (abs(low) or 1.0)
        return low - half, high + half
    room = margin * (high - low)
    # A quantity that is never negative gets no room below 0.
    return (0.0 if 0 <= low < room and axis.scale == "linear" else low - room), high + room


def span_of(axis: Axis, values: Array) -> Span:
    """Return the two ends of an axis that stands alone, in projected places: its limits, its names, or the values."""
    if axis.categories and axis.limits is None:
        last = len(axis.categories) - 1
        return (0.0, float(last)) if last else (-0.5, 0.5)
    return _span(axis, [project(axis, values).ravel()], margin=0.0)


def ticks(axis: Axis, span: Span, most: int) -> list[tuple[float, str]]:
    """Return round places along an axis with their labels.

    Args:
        axis: The axis.
        span: The two ends, in projected places.
        most: How many ticks there is room for.

    Returns:
        (projected place, label) from low to high, at most `most`.
    """
    low, high = min(span), max(span)
    if axis.categories:
        shown = range(max(math.ceil(low), 0), min(math.floor(high), len(axis.categories) - 1) + 1)
        kept = shown[:: max(1, math.ceil(len(shown) / max(most, 1)))]
        return [(float(place), plain(axis.categories[place])) for place in kept]
    if axis.scale == "linear":
        return _linear_ticks(low, high, most)
    values = _decades(axis, low, high, most)
    return [(float(project(axis, value)), number(value)) for value in values]


def _linear_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    step = round_step((high - low) / max(most, 1))
    places = _multiples(step, low, high)
    for _ in range(2 if high > low else 0):
        if len(places) < 2:  # a single tick tells no scale
            step = round_step(step / 2.5)
            places = _multiples(step, low, high)
    places = places[: most + 1]
    biggest = max((abs(one) for one in places), default=0.0)
    return [(one, tick_label(one, step, biggest)) for one in places]


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is at least `least`."""
    if not least > 0 or not math.isfinite(least):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= least * (1 - 1e-9)), 10 * power)


def tick_label(value: float, step: float, biggest: float) -> str:
    """Return the label of one tick, with as many decimals as its neighbours need."""
    if abs(value) < step / 1e6:
        return "0"
    if biggest >= 1e10 or biggest < 1e-3:
        return number(value)
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if biggest >= size:
            unit = 1e3 if letter == "k" else size
            return _signed(value / unit, step / unit) + letter
    return _signed(value, step)


def _signed(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{decimals}f}".replace("-", "−")


def _decades(axis: Axis, low: float, high: float, most: int) -> list[float]:
    """Powers of ten inside a log or symlog span, thinned."""
    if axis.scale == "log":
        exponents = list(range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1))
        if len(exponents) < 2:
            fine = [
                factor * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for factor in (1, 2, 5)
            ]
            return [one for one in fine if low - 1e-9 <= math.log10(one) <= high + 1e-9][:most]
        return [10.0**power for power in exponents[:: max(1, math.ceil(len(exponents) / most))]]
    start = max(math.ceil(math.log10(axis.threshold) - 1e-9), -300)
    farthest = max(abs(low), abs(high))
    reach = math.floor(math.log10(axis.threshold) + farthest - 1 + 1e-9) if farthest > 1 else start - 1
    reach = min(reach, 300)
    sides = (low < 0) + (high > 0)
    room = max(1, (most - 1) // max(sides, 1))
    # Counted from the far end, so that the largest power is always named.
    kept = list(range(reach, start - 1, -max(1, math.ceil((reach - start + 1) / room))))
    values = [-(10.0**power) for power in kept] + [0.0] + [10.0**power for power in reversed(kept)]
    if reach < start:
        values = [-axis.threshold, 0.0, axis.threshold]
    return [one for one in values if low - 1e-9 <= float(project(axis, one)) <= high + 1e-9]


def axis_title(axis: Axis) -> str:
    """Return the label of an axis with its unit: "step", "time (s)", "(nats)", or ""."""
    unit = f"({plain(axis.unit)})" if axis.unit else ""
    return f"{plain(axis.label)} {unit}".strip()


def thin(x: Array, y: Array, span: Span, columns: int) -> Int64[np.ndarray, " kept"]:
    """Choose the points of a curve that can be seen: first, lowest, highest and last of each column of pixels.

    Args:
        x: [point], projected.
        y: [point], projected; NaN breaks the curve.
        span: Left and right end of the frame.
        columns: Columns of pixels.

    Returns:
        Indices in order; all of them when there are few. A curve that runs back and forth is not thinned.
    """
    everything = np.arange(len(x))
    if len(x) <= 4 * columns or not np.all(np.diff(x) >= 0):
        return everything
    column = np.clip((x - span[0]) / (span[1] - span[0]) * columns, -1, columns).astype(np.int64)
    finite = np.flatnonzero(np.isfinite(y))
    by_height = finite[np.lexsort((y[finite], column[finite]))]
    starts = np.flatnonzero(np.diff(column[by_height], prepend=-2))
    ends = np.append(starts[1:], len(by_height)) - 1 if len(starts) else starts
    in_order = np.flatnonzero(np.diff(column, prepend=-2))
    last = np.append(in_order[1:], len(x)) - 1
    return np.unique(np.concatenate([by_height[starts], by_height[ends], in_order, last]))


def pool(values: Array, rows: int, columns: int) -> Float64[np.ndarray, "row column"]:
    """Shrink a matrix to at most `rows` by `columns`; each block shows its value of largest magnitude.

    Args:
        values: [row, column]; NaN is skipped where the block holds anything else.
        rows: Most rows.
        columns: Most columns.

    Returns:
        The matrix, or a smaller one. Peaks stay visible; an average would hide them.
    """
    whole = np.asarray(values, dtype=np.float64)
    for axis, most in ((0, rows), (1, columns)):
        count = whole.shape[axis]
        if count > most > 0:
            starts = np.linspace(0, count, most, endpoint=False).astype(np.int64)
            high, low = np.fmax.reduceat(whole, starts, axis=axis), np.fmin.reduceat(whole, starts, axis=axis)
            whole = np.where(np.abs(low) > np.abs(high), low, high)
    return whole


def is_coarser(mark: Heat) -> bool:
    """Say whether a matrix has fewer cells than the picture under it has pixels, so that it is smoothed."""
    if mark.under is None:
        return False
    cells, pixels = np.shape(mark.values), np.shape(mark.under)[:2]
    return cells != pixels and cells[0] <= pixels[0] and cells[1] <= pixels[1]


def smoothed(values: Array, rows: int, columns: int) -> Float64[np.ndarray, "row column"]:
    """Return a coarse matrix on a finer grid, straight between the middles of its cells and level beyond them.

    Args:
        values: [row, column], at least one cell; what borders on NaN becomes NaN.
        rows: Rows of the finer grid.
        columns: Columns of the finer grid.

    Returns:
        The matrix, as `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)` makes it.
    """
    whole = np.asarray(values, dtype=np.float64)
    for axis, count in ((0, rows), (1, columns)):
        cells = whole.shape[axis]
        at = np.clip((np.arange(count) + 0.5) * cells / count - 0.5, 0, cells - 1)
        low = np.floor(at).astype(np.int64)
        share = np.expand_dims(at - low, 1 - axis)
        near, far = (np.take(whole, np.minimum(low + one, cells - 1), axis=axis) for one in (0, 1))
        with np.errstate(invalid="ignore"):  # nothing lies between a number and infinity
            whole = near * (1 - share) + far * share
    return whole


def shrunk(picture: Array, most: int) -> Float64[np.ndarray, "row column *colours"]:
    """Return a picture with at most `most` rows and columns; each block shows its mean."""
    whole = np.asarray(picture, dtype=np.float64)
    for axis in (0, 1):
        count = whole.shape[axis]
        if count > most:
            starts = np.linspace(0, count, most, endpoint=False).astype(np.int64)
            sizes = np.diff(starts, append=count).reshape([-1 if one == axis else 1 for one in range(whole.ndim)])
            whole = np.add.reduceat(whole, starts, axis=axis) / sizes
    return whole
