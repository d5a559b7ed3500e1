"""Drawing one descent over a surface, or several that are raced."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Heat, Lines, Panel, Surface, Table, Tone
from pellucid.core.figure.words import amount, number
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings, configured_limits, judge
from pellucid.core.theme import PLACES
from pellucid.windows.loss.result import NEAR, Descent

Values = NDArray[Any]

_VERBS = {
    "LOS015": "leaves the picture",
    "LOS016": "goes round in circles",
    "LOS017": "oscillates",
    "LOS018": "zig-zags",
    "LOS019": "is stuck near the saddle",
    "LOS020": "is not there yet",
    "LOS021": "reaches",
}
_TITLES = {
    "bowl": "a bowl",
    "ravine": "a ravine",
    "saddle": "a saddle",
    "non-convex": "two valleys",
    "himmelblau": "Himmelblau's function",
}
_DIVERGES = "diverges"  # where the learning rate is above a limit; others only go far
_ON_TOP = "is stuck near the top"
_TOO_SLOW = "is too slow"
_ASLEEP = 1e-12  # what is left of the loss, as a share of the largest, below which a logarithmic axis ends
_LOG_RANGE = 100.0
_CROSS, _SHARE = 0.012, 0.62  # half a cross beside the width of the picture; the height of the picture beside its width
_CAVEAT = (
    "Momentum is an average of gradients here; torch adds them up and takes the same path with the learning rate in "
    "the table. RMSProp moves no coordinate further than the learning rate in a step. Two parameters only: with "
    "millions, saddles are common and poor minima rare."
)


@drawing(Descent)
def descent(result: Descent) -> Figure:
    """Draw the path on the surface and from above, the loss over the steps, and the figures."""
    return race([result])


def race(descents: Sequence[Descent]) -> Figure:
    """Draw several descents over one surface.

    Args:
        descents: At least one, all over the surface of the first.

    Returns:
        The surface with a path each, the same from above, the loss over the steps, a table, and the verdict on each in
        words.
    """
    limits = configured_limits()
    judged = [judge([one], limits=limits) for one in descents]
    first = descents[0]
    words = [verdict(one, findings) for one, findings in zip(descents, judged, strict=True)]
    level = max((_level(findings) for findings in judged), key=lambda one: one.rank)
    paths = [_shown(one) for one in descents]
    left = [one.optimizer for one in descents if one.left is not None]
    back = [one.optimizer for one in descents if one.left is None and one.outside.any()]
    return Figure(
        title=f"Descent over {_TITLES.get(first.surface, first.surface)}",
        panels=(_ground(descents, paths, level), _above(descents, paths), _losses(descents), _figures(descents)),
        columns=2,
        verdict=" ".join(words),
        level=level,
        caveat=_CAVEAT
        + (f" The path of {_listed(left)} is cut off at the edge of the picture." if left else "")
        + (f" Where the path of {_listed(back)} is outside the picture, it is drawn along the edge." if back else ""),
        alt=" ".join(
            [f"The surface {first.formula} with {amount(len(descents), 'path')} from {_start(first)}.", *words]
        ),
    )


def verdict(result: Descent, findings: Findings) -> str:
    """Say in a sentence what a descent does, and which minimum it reaches.

    Args:
        result: The descent.
        findings: What the rules said of it.

    Returns:
        Such as "SGD oscillates: the learning rate 0.35 is above 1/λ = 0.2 ...; it reaches the minimum (0, 0) in 17
        steps."
    """
    name = result.optimizer[0].upper() + result.optimizer[1:]
    spoken = [one for one in findings if one.level in (Level.ALARM, Level.WARN, Level.LOOK)]
    course = next((one for one in spoken if one.code != "LOS021"), None)
    end = next((one for one in findings.every if one.code == "LOS021"), None)
    ends = end is not None and result.ending == "arrived"
    if course is None:
        if end is None or not ends:
            return f"{name} has taken {amount(result.steps, 'step')}: too few to judge."
        return f"{name} reaches {end.message}."
    also = f"; it reaches {end.message}" if end is not None and ends else ""
    return f"{name} {_verb(result, course)}: {course.message}{also}."


def _verb(result: Descent, finding: Finding) -> str:
    if finding.code == "LOS020" and finding.level is Level.WARN:
        return _TOO_SLOW
    if finding.code == "LOS015" and finding.limit is not None and finding.level is Level.ALARM:
        return _DIVERGES
    if result.saddle is not None and result.saddle.kind == "maximum" and finding.code == "LOS019":
        return _ON_TOP
    return _VERBS.get(finding.code, finding.title.lower())


def _level(findings: Findings) -> Level:
    """Return the worst level, a look included: a higher minimum is worth one."""
    return max((one.level for one in findings.every), key=lambda one: one.rank, default=Level.NOT_MEASURED)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _start(result: Descent) -> str:
    return _place(*result.path[0]) if len(result.path) else "nowhere"


def _place(x: float, y: float) -> str:
    return f"({number(round(float(x), 3))}, {number(round(float(y), 3))})"


def _shown(result: Descent) -> Values:
    """Return the path up to where it leaves the picture for good, the last point on the edge, [point, 3]."""
    until = len(result.path) if result.left is None else result.left + 1
    low, high = (result.x[0], result.y[0]), (result.x[-1], result.y[-1])
    known = result.path[:until]
    known = known[np.isfinite(known).all(axis=1)]
    flat = np.clip(known, low, high)
    # A point that was moved to the edge lies as high as the surface is there.
    moved = (flat != known).any(axis=1)
    rows = np.searchsorted(result.y, flat[:, 1]).clip(max=len(result.y) - 1)
    columns = np.searchsorted(result.x, flat[:, 0]).clip(max=len(result.x) - 1)
    heights = np.where(moved, result.heights[rows, columns], result.losses[: len(known)])
    return np.column_stack([flat, heights]).astype(np.float32)


def _ground(descents: Sequence[Descent], paths: Sequence[Values], level: Level) -> Panel:
    first = descents[0]
    surface = Surface(
        x=first.x,
        y=first.y,
        z=first.heights,
        paths=tuple(paths),
        names=tuple(one.optimizer for one in descents),
        label="loss",
    )
    return Panel(title=first.formula, marks=(surface,), x=Axis(label="x"), y=Axis(label="y"), level=level, wide=True)


def _tone(place: int) -> Tone:
    return PLACES[place] if place < len(PLACES) else "faint"


def _edges(places: Values) -> Values:
    half = (places[1] - places[0]) / 2
    return np.append(places - half, places[-1] + half)


def _above(descents: Sequence[Descent], paths: Sequence[Values]) -> Panel:
    first = descents[0]
    marks = (
        Heat(values=first.heights, x=_edges(first.x), y=_edges(first.y), label="loss", origin="lower"),
        *(
            Lines(x=path[:, 0], y=path[:, 1], label=one.optimizer, tone=_tone(place), dots=len(path) <= 40)
            for place, (one, path) in enumerate(zip(descents, paths, strict=True))
        ),
        *(_cross(first, one.x, one.y) for one in first.minima),
        *(Lines(x=path[:1, 0], y=path[:1, 1], tone="sparse") for path in paths[:1]),
    )
    x, y = ((float(one[0]), float(one[-1])) for one in (first.x, first.y))
    return Panel(
        title="From above",
        marks=marks,
        x=Axis(label="x", limits=x),
        y=Axis(label="y", limits=y),
        note=f"× {'minimum' if len(first.minima) == 1 else 'minima'} at "
        f"{'; '.join(_place(one.x, one.y) for one in first.minima)}, ● start at {_start(first)}",
    )


def _cross(ground: Descent, x: float, y: float) -> Lines:
    """An upright cross would lie on the paths, which come along the axes: a slanted one, about as wide as high."""
    across = _CROSS * float(ground.x[-1] - ground.x[0])
    up = _CROSS * float(ground.y[-1] - ground.y[0]) / _SHARE
    return Lines(
        x=x + across * np.array([-1.0, 1.0, np.nan, -1.0, 1.0]),
        y=y + up * np.array([-1.0, 1.0, np.nan, 1.0, -1.0]),
        tone="sparse",
    )


def _losses(descents: Sequence[Descent]) -> Panel:
    first = descents[0]
    lowest = first.minima[0].value
    top = 10 * float(first.heights.max() - lowest)
    above = [_seen(one.losses - lowest, top) for one in descents]
    known = np.concatenate(above)
    known = known[np.isfinite(known)]
    largest = float(known.max(initial=0.0))
    floor = _ASLEEP * (largest or 1.0)
    log = largest > 0 and largest > _LOG_RANGE * max(float(known.min(initial=largest)), floor)
    marks = tuple(
        Lines(x=np.arange(len(one)), y=np.maximum(one, floor) if log else one, label=walk.optimizer, tone=_tone(place))
        for place, (walk, one) in enumerate(zip(descents, above, strict=True))
    )
    return Panel(
        title="Loss per step",
        marks=marks,
        x=Axis(label="step"),
        y=Axis(label="loss above the lowest minimum", scale="log" if log else "linear"),
    )


def _seen(values: Values, top: float) -> Values:
    """Return the values up to the first that is far above the picture."""
    beyond = np.flatnonzero(~(values <= top))
    return np.maximum(values[: beyond[0]] if beyond.size else values, 0.0)


def _figures(descents: Sequence[Descent]) -> Panel:
    columns = ("optimizer", "lr in torch", f"steps to {100 * NEAR:.0f} %", "flips x / y", "mean turn", "end")
    return Panel(
        title="In figures", marks=(Table(columns=columns, rows=tuple(_row(one) for one in descents)),), wide=True
    )


def _row(result: Descent) -> tuple[str, ...]:
    torch_rate = number(result.torch_learning_rate)
    if not len(result.path):
        return (result.optimizer, torch_rate, "never", "–", "–", "–")
    last = _place(*result.path[np.isfinite(result.path).all(axis=1)][-1])
    ends = {
        "arrived": f"minimum {_place(result.goal.x, result.goal.y)}",
        "left": f"left at step {result.left}",
        "circles": f"circles, {last}",
        "saddle": f"{'saddle' if result.saddle is None else result.saddle.kind}, {last}",
    }
    return (
        result.optimizer,
        torch_rate,
        "never" if result.arrived is None else str(result.arrived),
        f"{result.flips[0]} / {result.flips[1]}",
        "–" if np.isnan(result.turn) else f"{result.turn:.0f}°",
        ends.get(result.ending, f"on its way, {last}"),
    )
