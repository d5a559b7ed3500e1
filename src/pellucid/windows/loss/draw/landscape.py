"""Drawing the loss around the weights: as a surface, from above with lines of equal loss, and along single lines."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Heat, Lines, Panel, Surface, Table
from pellucid.core.figure.words import amount, number, percent
from pellucid.maths.contour import contour
from pellucid.maths.spline import bilinear
from pellucid.windows.loss.result.landscape import Landscape

Values = NDArray[Any]

_LEVELS = 10
_FAR = 30.0
"""Losses that differ by more than this factor are drawn as logarithms."""
_STATISTICS = {
    "none": "There is no batch norm.",
    "held": "Batch norm uses the statistics that the model holds: measured anew at each point, the ground is flatter.",
    "recalibrated": "The statistics of batch norm were measured anew at each point.",
}
_AXES = {
    "random": ("along random direction 1", "along random direction 2"),
    "hessian": ("along the steepest curvature", "along the second"),
    "path": ("along component 1 of the path", "along component 2"),
    "given": ("along direction 1", "along direction 2"),
}
_TITLES = {"path": "along the path of a training"}
_UNITS = {
    "random": "A distance of 1 moves each filter by its own length.",
    "path": "A distance of 1 is as far as the first snapshot is from the weights. Snapshots lie off the plane: their "
    "own losses are in the figures.",
}


@drawing(Landscape)
def landscape(result: Landscape) -> Figure:
    """Draw the plane as a surface and from above, the loss along further directions, and the figures."""
    panels = [_surface(result), _above(result)] if np.isfinite(result.losses).any() else []
    if result.lines.size:
        panels.append(_lines(result))
    filled = "" if result.measured.all() or result.stopped else _filled(result)
    assumed = (
        f"Which axis of {', '.join(result.assumed[:3])}{' …' if len(result.assumed) > 3 else ''} numbers the units is "
        "assumed."
        if result.assumed
        else ""
    )
    caveat = "Two directions of very many: one plane says little about how sharp the ground is. " + _UNITS.get(
        result.directions, ""
    )
    return Figure(
        title=f"Loss around the weights, {_TITLES.get(result.directions, result.directions + ' directions')}",
        panels=(*panels, _figures(result)),
        columns=2,
        caveat=" ".join(one.strip() for one in (caveat, _STATISTICS[result.statistics], filled, assumed) if one),
        alt=f"The loss on a plane of {amount(len(result.rows), 'row')} and {amount(len(result.columns), 'column')} "
        f"around the weights, {number(result.middle)} in the middle.",
    )


def _filled(result: Landscape) -> str:
    return (
        f"{result.measured.sum():,} of {amount(result.measured.size, 'point')} were measured; a smooth surface stands "
        f"for the others, and misses those that it had not seen by {percent(result.error, 1)} at the most."
    )


def _heights(result: Landscape) -> tuple[Values, str]:
    """Return what is drawn, and what it is called."""
    values = np.where(np.isfinite(result.losses), result.losses, np.nan)
    low, high = np.nanmin(values), np.nanmax(values)
    return (np.log10(values), "log10 of the loss") if 0 < _FAR * low < high else (values, "loss")


def _surface(result: Landscape) -> Panel:
    heights, label = _heights(result)
    here = np.array([[0.0, 0.0, heights[result.home]]], dtype=np.float32)
    ways = [(here, "the weights")] if np.isfinite(here).all() else []
    if len(result.path) and np.isfinite(heights).all():
        on = np.vstack([result.path, np.zeros((1, 2))])
        lifted = bilinear(heights, (result.rows, result.columns), (on[:, 1], on[:, 0]))
        ways.append((np.column_stack([on, lifted]).astype(np.float32), "the path"))
    x, y = _AXES[result.directions]
    return Panel(
        title="Surface",
        marks=(
            Surface(
                x=result.columns,
                y=result.rows,
                z=heights,
                paths=tuple(way for way, _ in ways),
                names=tuple(name for _, name in ways),
                label=label,
            ),
        ),
        x=Axis(label=x),
        y=Axis(label=y),
        wide=True,
    )


def _above(result: Landscape) -> Panel:
    heights, label = _heights(result)
    x, y = _AXES[result.directions]
    levels = (
        np.linspace(np.nanmin(heights), np.nanmax(heights), _LEVELS + 1)[1:-1]
        if np.ptp(heights[np.isfinite(heights)])
        else []
    )
    lines = [contour(result.columns, result.rows, heights, float(level)) for level in levels]
    drawn = np.concatenate(lines) if lines else np.zeros((0, 2))
    marks: list[Heat | Lines] = [
        Heat(values=heights, x=_edges(result.columns), y=_edges(result.rows), label=label, origin="lower")
    ]
    if len(drawn):
        marks.append(Lines(x=drawn[:, 0], y=drawn[:, 1], tone="sparse"))
    if len(result.path):
        on = np.vstack([result.path, np.zeros((1, 2))])
        marks.append(Lines(x=on[:, 0], y=on[:, 1], tone="faint"))
        marks.append(Lines(x=on[:-1, 0], y=on[:-1, 1], tone="third", dots=True, label="snapshots"))
    marks.append(Lines(x=np.zeros(1), y=np.zeros(1), tone="accent", dots=True, label="the weights"))
    if result.lowest is not None:
        row, column = result.lowest
        marks.append(Lines(x=result.columns[[column]], y=result.rows[[row]], tone="fifth", dots=True, label="lowest"))
    limits = (float(result.columns[0]), float(result.columns[-1])), (float(result.rows[0]), float(result.rows[-1]))
    step = f"lines every {number(float(levels[1] - levels[0]))}" if len(levels) > 1 else ""
    return Panel(
        title="From above",
        marks=tuple(marks),
        x=Axis(label=x, limits=limits[0]),
        y=Axis(label=y, limits=limits[1]),
        note=step,
    )


def _edges(places: Values) -> Values:
    half = (places[1] - places[0]) / 2
    return np.append(places - half, places[-1] + half)


def _lines(result: Landscape) -> Panel:
    known = result.lines[np.isfinite(result.lines)]
    far = bool(known.size and 0 < _FAR * known.min() < known.max())
    marks = tuple(
        Lines(x=result.places, y=one, tone="faint" if place else "accent", label="" if place else "one direction each")
        for place, one in enumerate(result.lines)
    )
    return Panel(
        title=f"Along {amount(len(result.lines), 'further direction')}",
        marks=marks,
        x=Axis(label="distance"),
        y=Axis(label="loss", scale="log" if far else "linear"),
    )


def _figures(result: Landscape) -> Panel:
    rows = [("loss at the weights", number(result.middle))]
    if result.lowest is not None:
        row, column = result.lowest
        where = f"({number(float(result.columns[column]))}, {number(float(result.rows[row]))})"
        rows.append(("lowest on the plane", f"{number(float(result.losses[row, column]))} at {where}"))
    if len(result.path):
        rows += _path_rows(result)
    rises = result.spread[np.isfinite(result.spread)]
    if len(rises):
        low, high = float(rises.min()), float(rises.max())
        rows.append(("rise at the ends of further directions", f"{number(low)} to {number(high)}"))
    if np.isfinite(result.bent_down):
        rows.append(("cells that bend down", percent(result.bent_down)))
    rows += [
        ("loss", result.loss_name),
        ("examples", f"{result.samples:,}"),
        ("points measured", f"{int(result.measured.sum()):,} of {result.measured.size:,}"),
    ]
    return Panel(title="In figures", marks=(Table(columns=("what", "how much"), rows=tuple(rows)),))


def _path_rows(result: Landscape) -> list[tuple[str, str]]:
    """Return what the surface says of both ends of the path, and what the loss is there."""
    on = bilinear(result.losses, (result.rows, result.columns), (result.path[:, 1], result.path[:, 0]))
    shown = {
        place: (float(result.path_losses[place]), float(on[place]), float(result.off_plane[place]))
        for place in (0, len(on) // 2)
    }
    return [
        (
            f"step {int(result.path_steps[place]):,}: loss, on the surface, off the plane",
            f"{number(loss)}, {number(surface)}, {percent(off)}",
        )
        for place, (loss, surface, off) in shown.items()
    ]
