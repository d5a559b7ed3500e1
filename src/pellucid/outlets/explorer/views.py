"""Views of runs: the curves of one, those of several on top of each other, their settings beside how they ended."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, cast

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure import Axis, Event, Figure, Lines, Mark, Panel, Parallel, Tone
from pellucid.core.figure.words import amount, number, plain
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.core.view import Choice, view
from pellucid.outlets.explorer.live import FIRST, LiveRun
from pellucid.windows.loss.result import Curve

MOST_CURVES = 12  # in one panel: four colours, three kinds of line
_MOST_PANELS = 12
_MOST_SETTINGS = 9  # with an axis
_MOST_POINTS = 20_000
_LOG_RANGE = 30.0
_LONGEST_NAME = 40
_NO_CAUSE = "That two things go together does not say that one causes the other: change one setting at a time."
_NO_SETTINGS = ("about", "label_counts")
_TONES: tuple[Tone, ...] = ("accent", "second", "third", "fourth")
_STYLES: tuple[Any, ...] = ("solid", "dashed", "dotted")
_TOGETHER = {"val_loss": "loss", "val_accuracy": "accuracy"}
_TITLES = {"loss": "Loss", "accuracy": "Accuracy", "lr": "Learning rate"}
_LABELS = {"loss": "training", "val_loss": "validation", "accuracy": "training", "val_accuracy": "validation"}

Values = NDArray[Any]


@view(title="Curves")
def curves(run: LiveRun) -> Figure:
    """Every scalar of a run, as it comes.

    The values are those that were recorded; set the smoothing beside the picture to see through their noise.
    """
    found = run.curves()
    panels = _panels(found)
    findings = run.known_findings()
    if findings is not None and panels and panels[0].title == _TITLES["loss"]:
        first = panels[0]
        panels[0] = replace(first, marks=(*first.marks, *_onsets(findings)))
    hidden = max(len(panels) - _MOST_PANELS, 0) + run.unread
    loss = found.get("loss")
    steps = f"{amount(run.state().last + 1, 'step')} so far"
    course = f"The last loss is {number(loss.values[-1])}." if loss is not None and len(loss) else "No loss yet."
    # Of a run that is written the verdict may be of some seconds ago: then only what is wrong is said.
    silent = findings is None or (run.state().status == "running" and not findings.problems)
    return Figure(
        title="Curves",
        panels=tuple(panels[:_MOST_PANELS]),
        columns=1 if len(panels) == 1 else 2,
        verdict="" if findings is None or silent else findings.headline,
        level=Level.OK if findings is None or silent else findings.level,
        caveat=f"{amount(hidden, 'further scalar is', 'further scalars are')} not shown." if hidden else "",
        alt=f"{amount(len(found), 'scalar')} over the steps, {steps}. {course}",
    )


def _panels(found: Mapping[str, Curve]) -> list[Panel]:
    order = sorted(found, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    groups: dict[str, list[str]] = {}
    for name in order:
        groups.setdefault(_TOGETHER.get(name, name), []).append(name)
    return [_panel(group, {name: found[name] for name in names}) for group, names in groups.items()]


def _panel(group: str, found: Mapping[str, Curve]) -> Panel:
    several = len(found) > 1
    marks = [
        _line(curve, label=_LABELS.get(name, plain(name)) if several else "", tone=_TONES[place % 4], style="solid")
        for place, (name, curve) in enumerate(found.items())
    ]
    note = "; ".join(_last(_LABELS.get(name, "") if several else "", curve) for name, curve in found.items())
    return Panel(
        title=_TITLES.get(group, plain(group)),
        marks=tuple(marks),
        x=Axis(label="step"),
        y=Axis(label=_label(group), scale=_scale([curve.values for curve in found.values()])),
        note=note,
        wide=group == "loss",
    )


def _label(name: str) -> str:
    return {"accuracy": "share right", "lr": "learning rate"}.get(name, plain(name).replace("_", " "))


def _last(label: str, curve: Curve) -> str:
    return f"{label} {number(curve.values[-1])} at step {curve.steps[-1]:,}".strip()


def _line(curve: Curve, *, label: str, tone: Tone, style: Any) -> Lines:
    """A curve; of a long one every second, fourth, eighth ... point, so that what is shown stays while it grows."""
    apart = 2 ** max(0, math.ceil(math.log2(max(len(curve), 1) / _MOST_POINTS)))
    steps, values = curve.steps[::apart], curve.values[::apart]
    finite = np.isfinite(values)
    shown = values if finite.all() else np.where(finite, values, np.nan)
    return Lines(x=steps, y=shown, label=label, tone=tone, style=style)


def _scale(shown: Sequence[Values]) -> Any:
    """Logarithmic when all values are above 0 and reach far."""
    whole = np.concatenate([np.asarray(one)[np.isfinite(one)] for one in shown]) if shown else np.zeros(0)
    if not len(whole) or whole.min() <= 0:
        return "linear"
    some = np.sort(whole[:: max(1, len(whole) // 256)])  # a single spike decides nothing
    edge = len(some) // 50
    return "log" if some[-1 - edge] > _LOG_RANGE * some[edge] else "linear"


def _onsets(findings: Findings) -> list[Mark]:
    """Warnings and alarms at the step where they began, the first of a kind."""
    found: dict[str, Event] = {}
    for one in findings.every:
        if one.level in (Level.WARN, Level.ALARM) and one.step is not None and one.code not in found:
            found[one.code] = Event(at=float(one.step), text=one.title.lower(), level=one.level)
    return list(found.values())


# ------------------------------------------------------------------------------------------------- several runs


def _scalars_of(chosen: Mapping[str, Any]) -> list[str]:
    """Names of the scalars of some runs, those first that a reader asks for first."""
    counts: dict[str, int] = {}
    for run in cast("Sequence[LiveRun]", chosen["runs"]):
        for name in run.curves():
            counts[name] = counts.get(name, 0) + 1
    order = sorted(counts, key=lambda one: (FIRST.index(one) if one in FIRST else len(FIRST), -counts[one], one))
    return order or ["loss"]


@view(title="Curves on top of each other")
def overlaid(runs: Sequence[LiveRun], scalar: Annotated[str, Choice(_scalars_of)] = "loss") -> Figure:
    """One scalar of several runs.

    Args:
        runs: Refreshed, in the order of the colours.
        scalar: What to compare.
    """
    shown = [(run, curve) for run in runs if (curve := run.curves().get(scalar)) is not None and len(curve)]
    drawn = shown[:MOST_CURVES]
    names = _names_of(runs)
    marks = [
        _line(curve, label=names[run], tone=_TONES[place % 4], style=_STYLES[place // 4])
        for place, (run, curve) in enumerate(drawn)
    ]
    ends = {names[run]: float(curve.values[-1]) for run, curve in shown if math.isfinite(curve.values[-1])}
    left_out = f"The first {MOST_CURVES} of {len(shown)} runs are drawn: more lines cannot be told apart."
    axis = Axis(label=_label(scalar), scale=_scale([curve.values for _, curve in drawn]))
    return Figure(
        title=f"{_TITLES.get(scalar, plain(scalar))} of {amount(len(shown), 'run')}",
        panels=(Panel(note=_ranking(scalar, ends), marks=tuple(marks), x=Axis(label="step"), y=axis, wide=True),),
        caveat=left_out if len(shown) > len(drawn) else "",
        alt=f"{_label(scalar)} over the steps. {_ranking(scalar, ends)}",
    )


def _names_of(runs: Sequence[LiveRun]) -> dict[LiveRun, str]:
    """Names that tell runs apart and fit into a key: with the folder where two bear the same, long ones cut."""
    names = [run.name for run in runs]
    whole = {
        run: run.name if names.count(run.name) == 1 else f"{plain(run.path.parent.name)}/{run.name}" for run in runs
    }
    half = _LONGEST_NAME // 2
    # What tells runs apart stands as often at the end of their names as at the beginning.
    short = {
        run: name if len(name) <= _LONGEST_NAME else f"{name[:half]}…{name[-half:]}" for run, name in whole.items()
    }
    return short if len(set(short.values())) == len(set(whole.values())) else whole


def _ranking(scalar: str, ends: Mapping[str, float]) -> str:
    if not ends:
        return f"No run has a finite {_label(scalar)} yet."
    low, high = min(ends, key=lambda one: ends[one]), max(ends, key=lambda one: ends[one])
    if ends[low] == ends[high]:
        return f"{low if len(ends) == 1 else 'Every run'} is at {number(ends[low])}."
    return f"Lowest at the end: {low} with {number(ends[low])}; highest: {high} with {number(ends[high])}."


@view(title="Settings and how they ended")
def parallel(runs: Sequence[LiveRun], colour: Annotated[str, Choice(_scalars_of)] = "loss") -> Figure:
    """What the runs were set to and where each of them ended, one line a run.

    Only settings that differ between the runs have an axis. A setting that decides the outcome shows as a fan of
    colours in order; one that does not matter as a tangle.

    Args:
        runs: Refreshed.
        colour: The scalar whose last value colours the lines.
    """
    ends = {name: np.array([_end(run, name) for run in runs]) for name in _scalars_of({"runs": runs})}
    axes, columns, hidden = _setting_axes(runs)
    settings = len(axes) + hidden
    outcomes = [name for name in ("loss", "val_loss", "accuracy", "val_accuracy") if name in ends]
    for name in dict.fromkeys([*outcomes, colour]):
        if name in ends and np.isfinite(ends[name]).any():
            axes.append(Axis(label=_end_label(name), scale=_scale([ends[name]])))
            columns.append(ends[name])
    rows = np.stack(columns, axis=1) if columns else np.zeros((len(runs), 0))
    mark = Parallel(
        axes=tuple(axes),
        rows=rows,
        names=tuple(_names_of(runs).values()),
        value=ends.get(colour),
        label=_end_label(colour),
    )
    words = f"{amount(settings, 'setting differs', 'settings differ')} between {amount(len(runs), 'run')}"
    return Figure(
        title="Settings and how they ended",
        panels=(Panel(note=words, marks=(mark,), wide=True),) if axes else (),
        caveat=f"{_NO_CAUSE} {_no_axis(hidden)}".strip(),
        alt=f"{words}. {amount(len(runs), 'line')} across {amount(len(axes), 'axis', 'axes')}: "
        f"{', '.join(one.label for one in axes)}.",
    )


def _end_label(name: str) -> str:
    """What the last value of a scalar is called beside those of others: "last training loss"."""
    group = _TOGETHER.get(name, name)
    return f"last {_LABELS[name]} {group}" if name in _LABELS else f"last {_label(name)}"


def _no_axis(hidden: int) -> str:
    return "" if not hidden else f"There is room for {_MOST_SETTINGS} settings, {hidden} more have no axis."


def _end(run: LiveRun, name: str) -> float:
    curve = run.curves().get(name)
    value = float(curve.values[-1]) if curve is not None and len(curve) else math.nan
    return value if math.isfinite(value) else math.nan


def _setting_axes(runs: Sequence[LiveRun]) -> tuple[list[Axis], list[Values], int]:
    """One axis for each setting that differs between the runs, and how many find no room."""
    settings = [_settings(run) for run in runs]
    axes: list[Axis] = []
    columns: list[Values] = []
    hidden = 0
    for name in dict.fromkeys(name for one in settings for name in one):
        values = [one.get(name) for one in settings]
        if len({repr(one) for one in values}) < 2:
            continue
        if len(axes) == _MOST_SETTINGS:
            hidden += 1
            continue
        label = plain(name).replace("_", " ")
        if all(one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in values):
            column = np.array([math.nan if one is None else float(one) for one in values])
            axes.append(Axis(label=label, scale=_scale([column])))
        else:
            names = list(dict.fromkeys(_named(one) for one in values if one is not None))
            column = np.array([math.nan if one is None else float(names.index(_named(one))) for one in values])
            axes.append(Axis(label=label, categories=telling(names)))
        columns.append(column)
    return axes, columns, hidden


def _named(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else plain(str(value))


def telling(names: Sequence[str]) -> tuple[str, ...]:
    """Of "Sequential, 8,970 parameters" and "Sequential, 13,706 parameters" the part that tells them apart.

    Args:
        names: No two alike.

    Returns:
        As many, no two alike unless they are long: at most 60 letters of each.
    """
    parts = list(zip(*(name.split(", ") for name in names), strict=False))
    same_length = len({name.count(", ") for name in names}) == 1
    apart = next((part for part in parts if len(set(part)) == len(names)), None) if same_length else None
    return tuple(one[:60] for one in (apart or names))


def _settings(run: LiveRun) -> dict[str, Any]:
    """The facts of a run that are one finite number or a text, those inside others by "outer.inner"."""
    flat: dict[str, Any] = {}
    for name, value in run.facts().items():
        if name in _NO_SETTINGS:
            continue
        inner = cast("Mapping[str, Any]", value) if isinstance(value, dict) else {"": value}
        for deep, one in inner.items():
            usable = isinstance(one, str | bool | int) or (isinstance(one, float) and math.isfinite(one))
            if usable and (not isinstance(one, int) or abs(one) < 2**53):
                flat[f"{name}.{deep}".rstrip(".")] = one
    rate = run.curves().get("lr")
    if "lr" not in flat and rate is not None and len(rate) and math.isfinite(rate.values[0]):
        flat["lr"] = float(rate.values[0])
    return flat
