"""Drawing the loss along single lines."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Lines, Panel, Table
from pellucid.core.figure.words import amount, number, percent
from pellucid.windows.loss.result.lines import Interpolation, LineSearch

Values = NDArray[Any]
_FAR = 30.0
"""Losses that differ by more than this factor are drawn on a scale of logarithms."""
_ERRORS = 1.96
_ABOVE = 2


@drawing(Interpolation)
def interpolation(result: Interpolation) -> Figure:
    """Draw the loss between two models, the share of wrong predictions, and the figures."""
    panels = [_between(result, result.losses, result.rise_errors, "loss")]
    if np.isfinite(result.wrong).any():
        panels.append(_between(result, result.wrong, result.wrong_errors, "share of wrong predictions"))
    norm = "Statistics of batch norm were measured anew at each point. " if result.statistics == "recalibrated" else ""
    buffers = f"Buffers are those of the first model all the way: {', '.join(result.buffers[:3])}. "
    return Figure(
        title="Loss between two models",
        panels=(*panels, _figures_between(result)),
        columns=2,
        caveat=f"{norm}{buffers if result.buffers else ''}One straight line: where it rises, a bent way may still lead "
        "around.",
        alt=f"The loss at {amount(int(np.isfinite(result.losses).sum()), 'point')} between two models, "
        f"{number(float(result.losses[0])) if len(result.losses) else 'none'} at the first.",
    )


def _between(result: Interpolation, values: Values, errors: Values, what: str) -> Panel:
    known = np.isfinite(values)
    low, high = _band(values, errors, known)
    marks = [Lines(x=result.places[known], y=values[known], low=low, high=high, tone="accent", label=what)]
    if known.any() and known[[0, -1]].all():
        marks.append(Lines(x=result.places[[0, -1]], y=values[[0, -1]], tone="faint", label="line between both ends"))
    return Panel(
        title=f"{what[0].upper()}{what[1:]}",
        marks=tuple(marks),
        x=Axis(label="share of the way from the first to the second", limits=(0.0, 1.0)),
        y=Axis(label=what, scale="log" if _is_far(values) else "linear"),
    )


def _band(values: Values, errors: Values, known: Values) -> tuple[Values | None, Values | None]:
    """Return both sides of a band of two standard errors; none where they are not known."""
    if not np.isfinite(errors[known]).all():
        return None, None
    return (values - _ERRORS * errors)[known], (values + _ERRORS * errors)[known]


def _is_far(values: Values) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size and 0 < _FAR * known.min() < known.max())


def _figures_between(result: Interpolation) -> Panel:
    rows = [("barrier of the loss", number(result.barrier))]
    if np.isfinite(result.wrong_rises).any():
        rows.append(("barrier of wrong predictions", percent(max(float(np.nanmax(result.wrong_rises)), 0.0), 1)))
    if result.top is not None:
        rows.append(("standard error of the loss there", number(float(result.rise_errors[result.top]))))
    rows += [
        ("length of the way, of the weights", percent(result.distance)),
        ("cosine between the weights", number(result.cosine)),
        ("loss", result.loss_name),
        ("examples", f"{result.samples:,}"),
    ]
    return Panel(title="In figures", marks=(Table(columns=("what", "how much"), rows=tuple(rows)),))


@drawing(LineSearch)
def line_search(result: LineSearch) -> Figure:
    """Draw the loss by step length, the parabola that its first two derivatives promise, and the figures."""
    kind = "gradient" if result.optimizer == "SGD" else "gradient as Adam scales it"
    return Figure(
        title=f"Loss along the negative {kind}",
        panels=(_along(result), _figures_along(result)) if len(result.steps) > 1 else (_figures_along(result),),
        columns=2,
        caveat="One step on all of the data, without momentum and weight decay: the best of a single moment is not the "
        "best learning rate of a training.",
        alt=f"The loss after steps of {amount(max(len(result.steps) - 1, 0), 'length')}, the lowest with the learning "
        f"rate {number(result.best)}.",
    )


def _along(result: LineSearch) -> Panel:
    known = np.isfinite(result.losses) & (result.steps > 0) & (result.losses <= _highest(result))
    steps, losses = result.steps[known], result.losses[known]
    parabola = result.before - result.slope * steps + result.bend * steps**2 / 2
    fine = _near(parabola, losses, result.before)
    ends = steps[[0, -1]] if len(steps) else np.zeros(2)
    marks = [
        Lines(x=ends, y=np.full(2, result.before), tone="faint", label="before the step"),
        Lines(x=steps, y=losses, tone="accent", label="after the step"),
    ]
    if fine.any():
        marks.append(Lines(x=steps[fine], y=parabola[fine], tone="sparse", label="parabola", style="dashed"))
    if result.place is not None:
        marks.append(_point(result.best, float(result.losses[result.place]), "fifth", "best"))
    if np.isfinite(result.after):
        marks.append(_point(result.learning_rate, result.after, "third", "the optimizer's"))
    return Panel(
        title="By step length",
        marks=tuple(marks),
        x=Axis(label="learning rate", scale="log"),
        y=Axis(label="loss", scale="log" if _is_far(losses) else "linear"),
        wide=True,
    )


def _highest(result: LineSearch) -> float:
    """Return the highest loss that is drawn: what lies far above would leave nothing to see of the valley."""
    if result.place is None:
        return float("inf")
    deep = result.before - float(result.losses[result.place])
    return max(result.before + _ABOVE * deep, float(np.nan_to_num(result.after, nan=-np.inf, posinf=-np.inf)))


def _near(parabola: Values, losses: Values, before: float) -> Values:
    """Say where the parabola lies within what is drawn of the loss."""
    if not len(losses):
        return np.zeros(0, dtype=bool)
    low, high = min(float(losses.min()), before), max(float(losses.max()), before)
    return np.asarray((parabola >= low) & (parabola <= high))


def _point(x: float, y: float, tone: Literal["third", "fifth"], label: str) -> Lines:
    return Lines(x=np.array([x]), y=np.array([y]), tone=tone, dots=True, label=label)


def _figures_along(result: LineSearch) -> Panel:
    rows = [
        ("loss before the step", number(result.before)),
        ("best learning rate", number(result.best)),
        ("that of the parabola", number(result.predicted)),
    ]
    if np.isfinite(result.learning_rate):
        rows += [
            ("that of the optimizer", number(result.learning_rate)),
            ("as a share of the best", percent(result.share) if np.isfinite(result.share) else "unknown"),
            ("loss after its step", number(result.after)),
        ]
    rows += [
        ("slope along the step", number(-result.slope)),
        ("curvature along the step", number(result.bend)),
        ("loss", result.loss_name),
        ("examples", f"{result.samples:,}"),
    ]
    return Panel(title="In figures", marks=(Table(columns=("what", "how much"), rows=tuple(rows)),))
