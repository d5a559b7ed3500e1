"""Drawing the curves of a run with what was found at its step, and evaluations of one batch over training."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Bars, Event, Figure, Lines, Mark, Panel, Table, Tone
from pellucid.core.figure.words import number, percent
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.maths.curves import entropy, smooth
from pellucid.methods.series_figures import assembled
from pellucid.windows.loss.result import Curve, LossCurves, SanityCheck

Values = NDArray[Any]

_LOG_RANGE = 30.0
_FEW_POINTS = 40
_MOST_MEMORY = 0.98
_MOST_FURTHER = 8
_KNOWN = ("loss", "val_loss", "accuracy", "val_accuracy", "lr", "target_entropy")
_CAVEAT = (
    "Faint lines are the values as they came; bold lines are their running average, which lags a little behind. "
    "A training loss is taken before its step, over one batch, in train mode (dropout on); a held-out loss after the "
    "step, in eval mode (dropout off)."
)
_NATS = (
    "Losses are in nats: 0 is certain and right, 0.69 is no better than a fair coin. The level line is the loss of a "
    "model that knows only how frequent each class is."
)


@drawing(LossCurves)
def training(result: LossCurves) -> Figure:
    """Draw loss, accuracy and learning rate over the steps, with findings at their step.

    Args:
        result: The curves of a run.

    Returns:
        A figure with a panel for each kind of curve that was recorded.
    """
    findings = result.findings
    panels = [_loss_panel(result, findings)]
    panels += [panel for panel in (_accuracy_panel(result), _rate_panel(result)) if panel is not None]
    further = _further(result)
    if further:  # these are small, so that many fit; an empty panel for a loss that has another name would not help
        panels = [replace(panel, wide=True) for panel in panels if panel.marks]
    panels += [_scalar_panel(name, result.curve(name)) for name in further[:_MOST_FURTHER]]
    loss = result.curve("loss").finite()
    course = f"The training loss goes from {loss.values[0]:.3g} to {loss.values[-1]:.3g}" if len(loss) else "No loss"
    left_out = len(further) - _MOST_FURTHER
    return assembled(
        "Training",
        panels,
        findings,
        caveat=(
            _CAVEAT,
            _NATS if entropy(result.label_counts) > 0 else "",
            f"Of {len(further)} further scalars {_MOST_FURTHER} are shown, those that change first; {left_out} are not."
            if left_out > 0
            else "",
        ),
        alt=(
            f"{course} over {len(loss)} points.",
            f"Further scalars: {', '.join(further[:_MOST_FURTHER])}." if further else "",
            f"{findings.headline}.",
        ),
        columns=2 if further else 1,
    )


def _further(result: LossCurves) -> list[str]:
    """Names of the scalars that no other panel shows, those that change first."""
    names = [name for name in result.curves if name not in _KNOWN or _is_no_share(result, name)]

    def is_flat(name: str) -> bool:
        values = result.curve(name).finite().values
        return not len(values) or float(np.ptp(values)) == 0

    return sorted(names, key=is_flat)


def _is_no_share(result: LossCurves, name: str) -> bool:
    """Whether an accuracy is not a share of 1, such as a percentage: it has no place on an axis from 0 to 1."""
    return name in ("accuracy", "val_accuracy") and len(result.curve(name)) > 0 and not len(result.shares(name))


def _scalar_panel(name: str, curve: Curve) -> Panel:
    """One scalar whose meaning is not known, raw and smoothed, on an axis of its own."""
    found = curve.finite()
    broken = len(curve) - len(found)
    parts = [f"from {number(found.values[0])} to {number(found.values[-1])}" if len(found) else "no finite value"]
    parts += [f"{broken:,} not finite"] if broken and len(found) else []
    scale = _scale([found.values] if len(found) else [])
    return Panel(
        title=name,
        marks=tuple(_curve_marks(curve, "", "accent", scale=scale)),
        x=Axis(label="step"),
        y=Axis(label="value", scale=scale),
        note=", ".join(parts),
    )


def _loss_panel(result: LossCurves, findings: Findings) -> Panel:
    curves: list[tuple[str, Curve, Tone]] = [
        ("training", result.curve("loss"), "accent"),
        ("validation", result.curve("val_loss"), "second"),
    ]
    if result.check is not None:
        curves.append(("check batch", Curve(steps=result.check.steps, values=result.check.loss_eval), "third"))
    prior = entropy(result.label_counts)
    shown = [curve.finite().values for _, curve, _ in curves if len(curve.finite())]
    scale = _scale(shown)
    marks = [mark for label, curve, tone in curves for mark in _curve_marks(curve, label, tone, scale=scale)]
    if prior > 0 and shown and 0.2 * prior < max(float(one.max()) for one in shown):
        marks.append(Event(at=prior, text="class frequencies only", level=Level.OK, axis="y"))
    marks += _events(findings.every)
    return Panel(
        title="Loss",
        marks=tuple(marks),
        x=Axis(label="step"),
        y=Axis(label="loss", unit="nats" if prior > 0 else "", scale=scale),
        note=_note(result),
        level=findings.level,
    )


def _note(result: LossCurves) -> str:
    parts: list[str] = []
    for label, name in (("training", "loss"), ("validation", "val_loss")):
        curve = result.curve(name).finite()
        if len(curve):
            place = int(np.argmin(curve.values))
            parts.append(
                f"{label} {curve.values[-1]:.4g}, lowest {curve.values[place]:.4g} at step {curve.steps[place]}"
            )
    return "; ".join(parts)


def _scale(shown: Sequence[Values]) -> Any:
    """Logarithmic when all values are positive and their smoothed range asks for it."""
    if not shown or min(float(one.min()) for one in shown) <= 0:
        return "linear"
    smoothed = np.concatenate([smooth(one, _memory(len(one))) for one in shown])
    return "log" if smoothed.max() > _LOG_RANGE * smoothed.min() else "linear"


def _memory(points: int) -> float:
    return min(max(1 - _FEW_POINTS / max(points, 1), 0.0), _MOST_MEMORY)


def _curve_marks(curve: Curve, label: str, tone: Tone, *, scale: str = "linear") -> list[Mark]:
    """Few points as they are, with dots; many as a faint raw line under a bold smoothed one.

    Train mode is dashed: without dropout and batch norm it lies on top of eval mode.
    """
    if not len(curve.finite()):
        return []
    if len(curve) <= 2 * _FEW_POINTS:
        found = curve.finite()
        dashed = label == "train mode"
        dots = len(found) <= _FEW_POINTS and not dashed
        style = "dashed" if dashed else "solid"
        return [Lines(x=found.steps, y=found.values, label=label, tone=tone, dots=dots, style=style)]
    values = np.where(np.isfinite(curve.values), curve.values, np.nan)
    raw = Lines(x=curve.steps, y=values, tone="faint")
    memory = _memory(len(values))
    smoothed = np.exp(smooth(np.log(values), memory)) if scale == "log" else smooth(values, memory)
    return [raw, Lines(x=curve.steps, y=smoothed, label=label, tone=tone)]


def _events(findings: Iterable[Finding]) -> list[Mark]:
    """Findings at the step where they began, the first of a kind."""
    found: dict[str, Event] = {}
    for one in findings:
        onset = one.step if one.step is not None else one.evidence.get("onset")
        if one.level in (Level.WARN, Level.ALARM) and isinstance(onset, int) and one.code not in found:
            found[one.code] = Event(at=float(onset), text=one.title.lower(), level=one.level)
    return list(found.values())


def _accuracy_panel(result: LossCurves) -> Panel | None:
    curves: list[tuple[str, Curve, Tone]] = [
        ("training", result.shares("accuracy"), "accent"),
        ("validation", result.shares("val_accuracy"), "second"),
    ]
    if result.check is not None:
        curves.append(("check batch", Curve(steps=result.check.steps, values=result.check.accuracy_eval), "third"))
    marks = [mark for label, curve, tone in curves for mark in _curve_marks(curve, label, tone)]
    if not marks:
        return None
    total = int(np.sum(result.label_counts))
    if total:
        chance = float(np.max(result.label_counts) / total)
        marks.append(Event(at=chance, text="most frequent class", level=Level.OK, axis="y"))
    return Panel(
        title="Accuracy", marks=tuple(marks), x=Axis(label="step"), y=Axis(label="share right", limits=(0.0, 1.0))
    )


def _rate_panel(result: LossCurves) -> Panel | None:
    rate = result.curve("lr").finite()
    if len(rate) < 2 or float(np.ptp(rate.values)) == 0:
        return None
    positive = rate.values[rate.values > 0]
    wide = positive.size == len(rate) and float(positive.max()) > _LOG_RANGE * float(positive.min())
    return Panel(
        title="Learning rate",
        marks=(Lines(x=rate.steps, y=rate.values, tone="fourth"),),
        x=Axis(label="step"),
        y=Axis(label="learning rate", scale="log" if wide else "linear"),
    )


@drawing(SanityCheck)
def evaluations(result: SanityCheck) -> Figure:
    """Draw what the model makes of one batch: losses, accuracies, predictions, spread over the samples.

    Args:
        result: One evaluation, or those of a run.

    Returns:
        A figure; curves over the steps for a run, bars and a table for a finished model.
    """
    findings = result.findings
    panels = [_three_losses(result, findings), _two_accuracies(result), _predictions(result), _spread(result)]
    sure = f"An accuracy on {result.samples:,} samples is uncertain by about {_uncertainty(result.samples)}."
    return assembled(
        f"Evaluations on a batch of {result.samples:,}",
        [panel for panel in panels if panel is not None],
        findings,
        caveat=(
            sure if np.isfinite(result.accuracy_eval).any() else "",
            "One batch that is not trained on. In train mode, dropout switches off the same units in each evaluation.",
            _NATS if entropy(result.label_counts) > 0 and len(result.steps) > 1 else "",
        ),
        alt=(_in_words(result), f"{findings.headline}."),
        columns=2,
    )


def _uncertainty(samples: int) -> str:
    """Two standard deviations of a share near one half, where they are largest."""
    return f"{100 / math.sqrt(max(samples, 1)):.2g} percentage points"


def _in_words(result: SanityCheck) -> str:
    if not len(result.steps):
        return "No evaluation."
    return (
        f"Loss {result.loss_eval[-1]:.3g} in eval mode, {result.loss_train[-1]:.3g} in train mode, "
        f"{result.loss_zeroed[-1]:.3g} with zeroed inputs."
    )


def _three_losses(result: SanityCheck, findings: Findings) -> Panel:
    named: list[tuple[str, Values, Tone]] = [
        ("eval mode", result.loss_eval, "accent"),
        ("train mode", result.loss_train, "second"),
        ("inputs set to 0", result.loss_zeroed, "third"),
    ]
    title = f"Loss: {result.loss_name.replace('_', ' ')}"
    if len(result.steps) == 1:
        rows = tuple((label, f"{values[0]:.4g}") for label, values, _ in named if math.isfinite(values[0]))
        accuracies = (("accuracy, eval mode", result.accuracy_eval), ("accuracy, train mode", result.accuracy_train))
        rows += tuple((label, percent(values[0], 1)) for label, values in accuracies if math.isfinite(values[0]))
        rows += (("outputs", f"{number(result.output_low[0])} to {number(result.output_high[0])}"),)
        if math.isfinite(result.input_std):
            rows += (
                (
                    "inputs",
                    f"{number(result.input_low)} to {number(result.input_high)}, std {number(result.input_std)}",
                ),
            )
        return Panel(title=title, marks=(Table(columns=("", "value"), rows=rows),), level=findings.level)
    curves: list[tuple[str, Curve, Tone]] = [
        (label, Curve(steps=result.steps, values=values), tone) for label, values, tone in named
    ]
    marks = [mark for label, curve, tone in curves for mark in _curve_marks(curve, label, tone)]
    prior = entropy(result.label_counts)
    if prior > 0:
        marks.append(Event(at=prior, text="class frequencies only", level=Level.OK, axis="y"))
    shown = [curve.finite().values for _, curve, _ in curves if len(curve.finite())]
    axis = Axis(label="loss", unit="nats" if prior > 0 else "", scale=_scale(shown))
    return Panel(title=title, marks=tuple(marks), x=Axis(label="step"), y=axis, level=findings.level)


def _two_accuracies(result: SanityCheck) -> Panel | None:
    named: tuple[tuple[str, Values, Tone], ...] = (
        ("eval mode", result.accuracy_eval, "accent"),
        ("train mode", result.accuracy_train, "second"),
    )
    marks = [
        mark
        for label, values, tone in named
        for mark in _curve_marks(Curve(steps=result.steps, values=values), label, tone)
    ]
    if len(result.steps) == 1 or not marks:
        return None
    marks.append(Event(at=result.largest_share, text="most frequent class", level=Level.OK, axis="y"))
    return Panel(
        title="Accuracy", marks=tuple(marks), x=Axis(label="step"), y=Axis(label="share right", limits=(0.0, 1.0))
    )


def _predictions(result: SanityCheck) -> Panel | None:
    counts = result.predictions[-1] if len(result.predictions) else np.zeros(0)
    classes = max(len(counts), len(result.label_counts))
    if not len(counts) or not result.labels:
        return None
    edges = np.arange(classes + 1) - 0.5
    targets = np.pad(result.label_counts, (0, classes - len(result.label_counts)))
    named = np.pad(counts, (0, classes - len(counts)))
    names = tuple(str(one) for one in range(classes)) if classes <= 20 else ()
    # Dots without a line between them: classes have no order.
    apart = np.stack([targets.astype(np.float64), np.full(classes, np.nan)], axis=1).ravel()
    marks: tuple[Mark, ...] = (
        Bars(edges=edges, heights=named, label="predictions", tone="accent"),
        Lines(x=np.arange(2 * classes) / 2, y=apart, label="targets", tone="second", dots=True),
    )
    share = float(named.max() / max(named.sum(), 1))
    return Panel(
        title="Predictions",
        marks=marks,
        x=Axis(label="class", categories=names),
        y=Axis(label="samples"),
        note=f"most named: class {int(named.argmax())}, {percent(share)} of the predictions at step {result.steps[-1]}",
    )


def _spread(result: SanityCheck) -> Panel | None:
    last = result.spread[-1] if len(result.spread) else np.zeros(0)
    if not np.isfinite(last).any():
        return None
    heights = np.nan_to_num(last)
    return Panel(
        title="Difference between samples",
        marks=(Bars(edges=np.arange(len(last) + 1) - 0.5, heights=heights, tone="accent"),),
        x=Axis(label="layer", categories=result.layers),
        y=Axis(label="share that differs", limits=(0.0, 1.0)),
        note="0: the layer gives the same for every sample; 1: nothing is common to all",
    )
