"""Pictures of activations. Importing this registers them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Event, Figure, Lines, Mark, Panel
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.maths.onset import unit_windows
from pellucid.methods.series_panels import (
    Chosen,
    choose,
    depth_axis,
    heat_over_time,
    histogram_panel,
    layers_over_time,
    note_of,
    ridges_over_time,
)
from pellucid.windows.activations.result import ActivationHistograms

Array = NDArray[Any]
_ENOUGH = 512
"""Samples on which a unit must be zero before the pictures call it dead."""
_CAVEAT = (
    "A spike at zero is sparsity unless the same units are zero for every sample; few samples make living units look "
    "dead."
)


@drawing(ActivationHistograms)
def histograms(result: ActivationHistograms) -> Figure:
    """Draw one histogram a tensor, on linear axes, zeros split into those of dead and of living units."""
    return _histograms(result, symlog=False)


@drawing(ActivationHistograms)
def histograms_symlog(result: ActivationHistograms) -> Figure:
    """Draw the same on axes that are logarithmic on both sides of zero."""
    return _histograms(result, symlog=True)


def _histograms(result: ActivationHistograms, *, symlog: bool) -> Figure:
    findings = result.findings
    chosen = choose(result.series.names, findings, among=range(len(result.series.names)))
    panels = tuple(_histogram(result, chosen, place, symlog=symlog) for place in chosen.places)
    spikes = [sum(result.spike(place, _recent(result, place))) for place in result.rectified]
    known = [one for one in spikes if not np.isnan(one)]
    spike = (
        f" Of the rectified layers, the largest spike at zero holds {100 * max(known):.0f} % of the values."
        if known
        else ""
    )
    axes = "symmetric-logarithmic" if symlog else "linear"
    return _figure(
        "Activations, layer by layer" + (" (logarithmic)" if symlog else ""),
        panels,
        findings,
        caveat=_join(chosen.left_out, _CAVEAT),
        alt=f"{len(panels)} histograms of layer outputs in execution order, on {axes} axes.{spike} {findings.headline}",
        columns=4,
    )


def _histogram(result: ActivationHistograms, chosen: Chosen, place: int, *, symlog: bool) -> Panel:
    series, steps = result.series, _recent(result, place)
    name = series.names[place]
    histogram = series.select([name]).over_steps(steps)[0]
    note, zeros = note_of(series, place, histogram, steps), None
    if histogram.total and place in result.rectified:
        zeros = result.spike(place, steps)
        note += f", {100 * sum(zeros):.0f} % zeros"
        seen, active, _ = series.unit_counts(place, steps)
        if len(seen) and seen[0] >= _ENOUGH:
            note += f", {100 * float((active == 0).mean()):.0f} % dead"
        else:
            # Too few samples to call a unit dead: all zeros are drawn as those of living units.
            zeros = (0.0, sum(zeros))
            note += f", dead unknown below {_ENOUGH} samples"
    role = {"pre-activation": " (pre-activation)", "activation": f" ({result.activations[place]})"}
    return histogram_panel(
        histogram,
        title=name + role.get(result.roles[place], ""),
        unit="activation",
        note=note,
        level=chosen.level(name),
        symlog=symlog,
        zeros=zeros,
    )


def _recent(result: ActivationHistograms, place: int) -> slice:
    """Return the last sound steps that hold enough samples, or all sound steps when they hold too few."""
    windows = unit_windows(result.series, place, samples=_ENOUGH, stop=result.sound)
    if len(windows.last):
        return slice(int(windows.first[-1]), int(windows.last[-1]) + 1)
    has_units = bool(result.series.unit_counts(place).shape[1])
    return slice(0 if has_units else max(result.sound - 1, 0), result.sound)


@drawing(ActivationHistograms)
def depth_profile(result: ActivationHistograms) -> Figure:
    """Draw mean, standard deviation and root mean square over the depth, one panel a role."""
    findings = result.findings
    kinds = (
        ("pre-activation", "What activation functions are given"),
        ("activation", "What they return"),
        ("output", "Other outputs"),
    )
    panels = tuple(
        _profile(result, [place for place, one in enumerate(result.roles) if one == role], title)
        for role, title in kinds
        if role in result.roles
    )
    return _figure(
        "Activation scale over depth",
        panels,
        findings,
        caveat="The latest sound step. Branches are laid end to end in execution order.",
        alt=f"Mean, standard deviation and root mean square of {len(result.roles)} layer outputs, in execution order. "
        f"{findings.headline}",
        columns=max(len(panels), 1),
    )


def _profile(result: ActivationHistograms, places: list[int], title: str) -> Panel:
    series, last = result.series, result.sound - 1
    names = [series.names[place] for place in places]
    rows = {"std": series.std, "rms": series.rms, "mean": series.mean}
    nothing = np.full(len(places), np.nan)
    values = {name: row[last, places] if last >= 0 else nothing for name, row in rows.items()}
    known = values["rms"][np.isfinite(values["rms"]) & (values["rms"] > 0)]
    # Over less than two decades a plain axis reads more easily.
    wide = len(known) > 1 and known.max() > 100 * known.min()
    y = Axis(
        label="activation",
        scale="symlog" if wide else "linear",
        threshold=float(known.min()) if wide else 1.0,
    )
    marks: tuple[Mark, ...] = (
        Lines(x=np.arange(len(places)), y=values["std"], label="standard deviation", dots=True),
        Lines(x=np.arange(len(places)), y=values["rms"], label="root mean square", tone="second", style="dashed"),
        Lines(x=np.arange(len(places)), y=values["mean"], label="mean", tone="third", style="dotted", dots=True),
    )
    return Panel(title=title, marks=marks, x=depth_axis(names), y=y)


@drawing(ActivationHistograms)
def over_time(result: ActivationHistograms) -> Figure:
    """Draw the histograms over time as colour: one column a step, brighter where more values lie."""
    findings = result.findings
    chosen = choose(result.series.names, findings, among=_functions(result))
    series = result.series.select([result.series.names[place] for place in chosen.places])
    panels = tuple(
        heat_over_time(series, place, title=name, unit="activation", level=chosen.level(name))
        for place, name in enumerate(series.names)
    )
    return _figure(
        "Activations over time",
        panels,
        findings,
        caveat=_join(chosen.left_out, "Colour is log(1 + values); steps without finite values are blank."),
        alt=f"{len(panels)} maps of activation values by training step over {len(series.steps)} watched steps. "
        f"A healthy layer keeps its colours; a dying one closes up into a line at zero. {findings.headline}",
        columns=4,
    )


@drawing(ActivationHistograms)
def ridges(result: ActivationHistograms) -> Figure:
    """Draw the histograms over time as ridges, the first step at the bottom."""
    findings = result.findings
    chosen = choose(result.series.names, findings, among=_functions(result), most=8)
    series = result.series.select([result.series.names[place] for place in chosen.places])
    panels = tuple(
        ridges_over_time(series, place, title=name, unit="activation", level=chosen.level(name))
        for place, name in enumerate(series.names)
    )
    return _figure(
        "Activations over time, as ridges",
        panels,
        findings,
        caveat=_join(chosen.left_out, "Heights are square roots, each ridge on its own scale."),
        alt=f"{len(panels)} stacks of histograms, the first watched step at the bottom. {findings.headline}",
        columns=4,
    )


def _functions(result: ActivationHistograms) -> tuple[int, ...]:
    """Return what activation functions return and are given; everything where there are none."""
    chosen = tuple(place for place, role in enumerate(result.roles) if role != "output")
    return chosen or tuple(range(len(result.roles)))


@drawing(ActivationHistograms)
def dead_over_time(result: ActivationHistograms) -> Figure:
    """Draw the share of dead units of every rectified layer over time."""
    findings = result.findings
    chosen = choose(result.series.names, findings, among=result.rectified)
    shares = np.full((len(result.series.steps), len(chosen.places)), np.nan)
    for column, place in enumerate(chosen.places):
        windows = unit_windows(result.series, place, samples=_ENOUGH, stop=result.sound)
        if windows.active.shape[1]:
            shares[windows.last, column] = (windows.active == 0).mean(axis=1)
    limits = (
        Event(at=0.25, text="warning from 25 %", level=Level.WARN, axis="y"),
        Event(at=0.5, text="alarm from 50 %", level=Level.ALARM, axis="y"),
    )
    names = [result.series.names[place] for place in chosen.places]
    panel = layers_over_time(
        shares,
        steps=result.series.steps,
        names=names,
        title=f"Units that are 0 on each of the last {_ENOUGH} samples or more",
        axis=Axis(label="share of dead units", limits=(0.0, 1.0)),
        events=limits,
    )
    known = shares[np.isfinite(shares)]
    highest = f"The highest share is {100 * known.max():.0f} %." if len(known) else "There are too few samples to tell."
    return _figure(
        "Dead units over time",
        (panel,),
        findings,
        caveat=_join(chosen.left_out, f"Blank until {_ENOUGH} samples were seen, and after the first NaN."),
        alt=f"Share of dead units of {len(names)} rectified layers over {len(shares)} watched steps. {highest}",
        columns=1,
    )


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
