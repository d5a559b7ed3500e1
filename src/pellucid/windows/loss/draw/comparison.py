"""Drawing several runs side by side."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Lines, Panel, Parallel, Table
from pellucid.core.figure.words import amount, number
from pellucid.maths.curves import smooth
from pellucid.windows.loss.result.comparison import MEASURES, Comparison

Values = NDArray[Any]
_TONES: tuple[Literal["accent", "second", "third", "fourth", "fifth"], ...] = (
    "accent",
    "second",
    "third",
    "fourth",
    "fifth",
)
_LABELS = {
    "val_loss": "Held-out loss",
    "loss": "Training loss",
    "val_accuracy": "Held-out accuracy",
    "accuracy": "Training accuracy",
}
_FEW_POINTS, _MOST_MEMORY, _FAR = 40, 0.98, 30.0
_MOST_AXES = 6


@drawing(Comparison)
def comparison(result: Comparison) -> Figure:
    """Draw each scalar of all runs, the best five in colours, what they were set to, and where they ended."""
    shown = [name for name in _LABELS if any(len(result.curve(run, name).finite()) for run in result.runs)]
    panels = [_scalar(result, name) for name in shown]
    if result.differing and result.measure:
        panels.append(_settings(result))
    grey = len(result.runs) - len(_TONES)
    more = f" The best {len(_TONES)} runs have colours, {grey} more are grey." if grey > 0 else ""
    return Figure(
        title=f"{amount(len(result.runs), 'run')} side by side",
        panels=(*panels, _ends(result)),
        columns=2,
        caveat=f"Curves are running averages. One run of each says little: another seed moves its end, too.{more}",
        alt=f"{amount(len(shown), 'scalar')} of {amount(len(result.runs), 'run')}.",
    )


def _scalar(result: Comparison, name: str) -> Panel:
    marks = list[Lines]()
    values = list[Values]()
    order = result.order
    for run in reversed(order):  # the best is drawn last, on top
        found = result.curve(run, name).finite()
        if not len(found):
            continue
        place = order.index(run)
        drawn = smooth(found.values, min(max(1 - _FEW_POINTS / len(found), 0.0), _MOST_MEMORY))
        values.append(drawn)
        tone = _TONES[place] if place < len(_TONES) else "faint"
        label = run if place < len(_TONES) else ""
        marks.append(Lines(x=found.steps, y=drawn, label=label, tone=tone, dots=len(found) <= _FEW_POINTS))
    every = np.concatenate(values)
    far = 0 < _FAR * float(every.min()) < float(every.max()) and not MEASURES[name]
    return Panel(
        title=_LABELS[name],
        marks=tuple(marks),
        x=Axis(label="step"),
        y=Axis(label="share right" if MEASURES[name] else "loss", scale="log" if far else "linear"),
    )


def _settings(result: Comparison) -> Panel:
    names, ends = result.differing[:_MOST_AXES], [result.end(run, result.measure)[0] for run in result.runs]
    columns = [[result.settings[run].get(name, np.nan) for run in result.runs] for name in names]
    axes = [
        Axis(label=name, scale="log" if _is_far(column) else "linear")
        for name, column in zip(names, columns, strict=True)
    ]
    end = f"{_LABELS[result.measure].lower()} at the end"
    mark = Parallel(
        axes=(*axes, Axis(label=end, scale="log" if _is_far(ends) else "linear")),
        rows=np.array([*columns, ends]).T,
        names=tuple(result.runs),
        value=np.array(ends),
        label=end,
    )
    return Panel(title="Settings and how they ended", marks=(mark,), wide=True)


def _is_far(values: list[float]) -> bool:
    known = [one for one in values if np.isfinite(one)]
    return bool(known) and 0 < _FAR * min(known) < max(known)


def _ends(result: Comparison) -> Panel:
    names = [name for name in _LABELS if any(len(result.curve(run, name).finite()) for run in result.runs)]
    rows = tuple(
        (
            run,
            *(_end(result, run, name) for name in names),
            f"{max((int(one.steps[-1]) for one in result.runs[run].curves.values() if len(one)), default=0):,}",
            result.verdicts[run],
        )
        for run in result.order
    )
    columns = ("run", *(_LABELS[name].lower() for name in names), "last step", "verdict")
    return Panel(title="Where they ended, the best first", marks=(Table(columns=columns, rows=rows),), wide=True)


def _end(result: Comparison, run: str, name: str) -> str:
    value, error = result.end(run, name)
    if not np.isfinite(value):
        return "none"
    return number(value) if not np.isfinite(error) or not error else f"{number(value)} ± {number(error)}"
