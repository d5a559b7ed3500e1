"""Pictures of gradients and updates. Importing this registers them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Event, Figure, Lines, Mark, Panel
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.maths.reduce import SUMS
from pellucid.methods.series_panels import (
    MOST_LINES,
    choose,
    depth_axis,
    histogram_panel,
    layers_over_time,
    note_of,
)
from pellucid.windows.gradients.result import GradientFlow

Array = NDArray[Any]
HEALTHY = (7e-4, 4e-2)
"""Update over weight, median of a run, of the matrices of 212 healthy small networks: all lay between."""


@drawing(GradientFlow)
def depth_profile(result: GradientFlow) -> Figure:
    """Draw the gradient per weight of every weight matrix over the depth, on a logarithmic axis."""
    findings = result.findings
    places = list(result.matrices)
    rms = result.gradient_rms[: result.sound][:, places]
    rms = np.where(rms > 0, rms, np.nan)
    middle, low, high = (_over_steps(rms, share) for share in (0.5, 0.0, 1.0))
    place = np.arange(len(places))
    marks: tuple[Mark, ...] = (
        Lines(x=place, y=middle, low=low, high=high, label="median over the steps, and range", dots=True),
    )
    silent = int(np.isnan(middle).sum())
    panel = Panel(
        title=f"{len(places)} weight matrices, the first layer at the left",
        marks=marks,
        x=depth_axis([result.names[one] for one in places]),
        y=Axis(label="gradient, RMS per weight", scale="log"),
        note=f"{silent} without any gradient" if silent else "",
        level=_worst(findings, "GRD001", "GRD002"),
    )
    known = middle[np.isfinite(middle)]
    ratio = f"The first has {known[0] / known[-1]:.2g} times the gradient of the last." if len(known) else ""
    return _figure(
        "Gradient over depth",
        (panel,),
        findings,
        caveat="Registration order stands for depth. Rows without any gradient (words that are not in the batch, units "
        "that are off) are left out of the RMS.",
        alt=f"Gradient per weight of {len(places)} weight matrices by depth over {len(rms)} watched steps. {ratio}",
        columns=1,
    )


def _over_steps(values: Array, share: float) -> Array:
    known = [column[np.isfinite(column)] for column in values.T]
    return np.array([np.quantile(one, share) if len(one) else np.nan for one in known])


@drawing(GradientFlow)
def update_ratio(result: GradientFlow) -> Figure:
    """Draw update over weight of every weight matrix over time, with the healthy band."""
    findings, watched = result.findings, result.sound
    chosen = choose(result.names, findings, among=result.matrices, most=MOST_LINES)
    ratio = result.ratio[:watched]
    ratio = np.where(ratio > 0, ratio, np.nan)
    steps, x = result.steps[:watched], Axis(label="training step")
    everything = ratio[:, list(result.matrices)]
    ends = steps[[0, -1]] if watched else np.zeros(2)
    band = Lines(
        x=ends,
        y=np.full(2, HEALTHY[1]),
        low=np.full(2, HEALTHY[0]),
        high=np.full(2, HEALTHY[1]),
        label="healthy: 0.0007 to 0.04",
        tone="ok",
        style="dotted",
    )
    curves = layers_over_time(
        ratio[:, list(chosen.places)],
        steps=steps,
        names=[result.names[place] for place in chosen.places],
        title="Update over weight",
        axis=Axis(label="RMS of update / RMS of weight", scale="log"),
        events=(Event(at=0.1, text="too large from 0.1", level=Level.ALARM, axis="y"),),
    )
    known = everything[np.isfinite(everything)]
    note = f"median of {len(result.matrices)} matrices {np.median(known):.2g}" if len(known) else "no step was watched"
    panel = Panel(
        title=curves.title,
        marks=(band, *curves.marks),
        x=x,
        y=curves.y,
        note=note,
        level=_worst(findings, "GRD003", "GRD004"),
    )
    return _figure(
        "Update over weight",
        (panel,),
        findings,
        caveat=_join(
            chosen.left_out,
            "Biases and norm parameters are left out. A weight below PyTorch's usual first size counts as that size.",
        ),
        alt=f"Ratio of update to weight of {len(chosen.places)} weight matrices over {watched} watched steps; {note}.",
        columns=1,
    )


@drawing(GradientFlow)
def norm_over_time(result: GradientFlow) -> Figure:
    """Draw the norm of the whole gradient over time."""
    findings, norm = result.findings, result.norm[: result.sound]
    norm = np.where(norm > 0, norm, np.nan)
    steps = result.steps[: result.sound]
    events: list[Mark] = [
        Event(at=float(one.step), text=one.title, level=one.level)
        for one in findings.every
        if one.step is not None and one.code in {"GRD002", "GRD006"} and one.level.rank > Level.LOOK.rank
    ]
    known = norm[np.isfinite(norm)]
    span = f"from {known.min():.2g} to {known.max():.2g}" if len(known) else "nowhere measured"
    panel = Panel(
        title="All gradients together",
        marks=(Lines(x=steps, y=norm, dots=len(steps) < 30), *events),
        x=Axis(label="training step"),
        y=Axis(label="Euclidean norm of the gradient", scale="log"),
        note=f"{span}, {len(known)} steps",
        level=_worst(findings, "GRD002", "GRD006"),
    )
    return _figure(
        "Gradient norm over time",
        (panel,),
        findings,
        caveat="Watched steps only: a jump between two of them is not seen.",
        alt=f"Norm of the whole gradient over {len(steps)} watched steps, {span}.",
        columns=1,
    )


@drawing(GradientFlow)
def histograms(result: GradientFlow) -> Figure:
    """Draw one histogram of the gradient a parameter, logarithmic on both sides of zero."""
    return _histograms(result, symlog=True)


@drawing(GradientFlow)
def histograms_linear(result: GradientFlow) -> Figure:
    """Draw the same on linear axes."""
    return _histograms(result, symlog=False)


def _histograms(result: GradientFlow, *, symlog: bool) -> Figure:
    findings, series = result.findings, result.gradients
    present = [place for place in range(len(series.names)) if not result.missing[:, place].all()]
    chosen = choose(series.names, findings, among=present)
    steps = slice(max(result.sound - 1, 0), max(result.sound, 1))
    panels: list[Panel] = []
    for place in chosen.places:
        name = series.names[place]
        histogram = series.select([name]).over_steps(steps)[0]
        zeros = int(series.sums[steps, place, SUMS.index("zeros")].sum())
        note = note_of(series, place, histogram, steps)
        note += f", {100 * zeros / max(histogram.total, 1):.0f} % exactly 0" if zeros else ""
        panels.append(
            histogram_panel(histogram, title=name, unit="gradient", note=note, level=chosen.level(name), symlog=symlog)
        )
    absent = len(series.names) - len(present)
    return _figure(
        "Gradients, parameter by parameter" + ("" if symlog else " (linear)"),
        tuple(panels),
        findings,
        caveat=_join(
            chosen.left_out,
            f"{absent} parameters without a gradient are left out." if absent else "",
            "One batch: the gradient of another is another.",
        ),
        alt=f"{len(panels)} histograms of gradients in registration order, on "
        f"{'symmetric-logarithmic' if symlog else 'linear'} axes. {findings.headline}",
        columns=4,
    )


def _worst(findings: Findings, *codes: str) -> Level:
    levels = (one.level for one in findings.every if one.code in codes and one.level is not Level.NOT_MEASURED)
    return max(levels, key=lambda level: level.rank, default=Level.OK)


def _figure(
    title: str, panels: tuple[Panel, ...], findings: Findings, *, caveat: str, alt: str, columns: int
) -> Figure:
    return Figure(
        title=title,
        panels=panels,
        columns=max(min(columns, len(panels)), 1),
        verdict=findings.headline,
        level=findings.level,
        caveat=caveat,
        alt=alt,
    )


def _join(*sentences: str) -> str:
    return " ".join(one for one in sentences if one)
