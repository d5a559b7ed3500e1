"""Pictures of activations. Importing this registers them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Bars, Event, Figure, Lines, Mark, Panel
from pellucid.core.finding import Level
from pellucid.maths.onset import unit_windows
from pellucid.methods import series_figures
from pellucid.methods.depth import depth_of, models_of
from pellucid.methods.series_figures import Tensors, assembled
from pellucid.methods.series_panels import Chosen, histogram_panel, layers_over_time, note_of
from pellucid.windows.activations.result import ActivationHistograms

Array = NDArray[Any]
_ENOUGH = 512
"""Samples on which a unit must be zero before the pictures call it dead."""
_CAVEAT = (
    "A tall bar at zero is no fault while each sample switches off other units (zeros of living units); a unit that is "
    "zero on every sample is dead. With few samples, living units can look dead."
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
    spikes = [sum(result.spike(place, _recent(result, place))) for place in result.rectified]
    known = [one for one in spikes if not np.isnan(one)]
    spike = (
        f" (of the rectified layers, the largest spike at zero holds {100 * max(known):.0f} % of the values)"
        if known
        else ""
    )
    return series_figures.histograms(
        _tensors(result),
        partial(_histogram, result, symlog=symlog),
        title="Activations, layer by layer",
        caveat=(_CAVEAT,),
        alt=f"layer outputs in the order in which they ran{spike}",
        symlog=symlog,
    )


def _tensors(result: ActivationHistograms, among: Sequence[int] | None = None) -> Tensors:
    return Tensors.of(result.series, result.findings, result.provenance, unit="activation", among=among)


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


def layers(result: ActivationHistograms, places: Sequence[int]) -> tuple[Panel, ...]:
    """Draw the histograms of some tensors, with the mean and one standard deviation on either side marked.

    The bars end at the lowest and the highest value: those of a tanh do not reach beyond 1.

    Args:
        result: What was measured.
        places: Places of the tensors.

    Returns:
        A panel each, as `histograms` draws them.
    """
    chosen = _tensors(result, places).chosen()
    return tuple(_marked(result, _histogram(result, chosen, place, symlog=False), place) for place in places)


def _marked(result: ActivationHistograms, panel: Panel, place: int) -> Panel:
    steps = _recent(result, place)
    count, total, squares = result.series.sums[steps, place][:, [0, 5, 6]].sum(axis=0)
    if not count:
        return panel
    mean = float(total / count)
    std = float(np.sqrt(max(squares / count - mean**2, 0.0)))
    places = [(mean - std, "− std"), (mean, "mean"), (mean + std, "+ std")]
    if place in result.rectified and mean < std:
        del places[0]  # no value is below 0: it would stand in the bar of the zeros
    marks = tuple(Event(at=at, text=text, level=Level.OK) for at, text in places)
    highest, lowest = result.series.extremes[steps, place].max(axis=0) * (1, -1)
    bars, *others = panel.marks
    ended = _ended(bars, float(lowest), float(highest)) if isinstance(bars, Bars) else bars
    return replace(panel, marks=(ended, *others, *marks))


def _ended(bars: Bars, lowest: float, highest: float) -> Bars:
    """Let bars end at the extreme values: the buckets that the values were counted in reach up to 12 % further."""
    width = bars.edges[1] - bars.edges[0]
    inner = bars.edges[(bars.edges > lowest + width / 2) & (bars.edges < highest - width / 2)]
    if not np.isfinite([lowest, highest]).all() or highest - lowest < 2 * width or not len(inner):
        return bars
    edges = np.concatenate([[lowest], inner, [highest]])
    middles = (bars.edges[:-1] + bars.edges[1:]) / 2
    home = np.clip(np.searchsorted(inner, middles), 0, len(inner))
    return replace(bars, edges=edges, heights=np.bincount(home, weights=bars.heights, minlength=len(inner) + 1))


def _recent(result: ActivationHistograms, place: int) -> slice:
    """Return the last sound steps that hold enough samples, or all sound steps when they hold too few."""
    windows = unit_windows(result.series, place, samples=_ENOUGH, stop=result.sound)
    if len(windows.last):
        return slice(int(windows.first[-1]), int(windows.last[-1]) + 1)
    has_units = bool(result.series.unit_counts(place).shape[1])
    return slice(0 if has_units else max(result.sound - 1, 0), result.sound)


@drawing(ActivationHistograms)
def depth_profile(result: ActivationHistograms) -> Figure:
    """Draw mean, standard deviation and root mean square over the depth, one panel a role, models apart."""
    findings = result.findings
    models = models_of(result.series.names, result.provenance)
    kinds = (
        ("pre-activation", "What activation functions are given"),
        ("activation", "What they return"),
        ("output", "Other outputs"),
    )
    panels = [
        _profile(result, models, [place for place, one in enumerate(result.roles) if one == role], title)
        for role, title in kinds
        if role in result.roles
    ]
    several = [model for model in dict.fromkeys(models) if model]
    return assembled(
        "Activation scale over depth",
        panels,
        findings,
        caveat=(
            "Root mean square: the typical size of a value. Standard deviation: their spread around the mean.",
            "Taken at the latest step before anything became NaN or infinite.",
            "Layers stand in the order in which they ran, branches one after the other.",
        ),
        alt=(
            f"Mean, standard deviation and root mean square of {len(result.roles)} layer outputs, in their order.",
            f"The models stand apart: {', '.join(several)}." if several else "",
            findings.headline,
        ),
        columns=max(len(panels), 1),
    )


def _profile(result: ActivationHistograms, models: Sequence[str], places: list[int], title: str) -> Panel:
    series, last = result.series, result.sound - 1
    depth = depth_of(series.names, models, places)
    order = list(depth.order)
    rows = {"std": series.std, "rms": series.rms, "mean": series.mean}
    nothing = np.full(len(order), np.nan)
    values = {name: depth.spread(row[last, order] if last >= 0 else nothing) for name, row in rows.items()}
    known = values["rms"][np.isfinite(values["rms"]) & (values["rms"] > 0)]
    # Over less than two decades a plain axis reads more easily.
    wide = len(known) > 1 and known.max() > 100 * known.min()
    y = Axis(
        label="activation",
        scale="symlog" if wide else "linear",
        threshold=float(known.min()) if wide else 1.0,
    )
    across = depth.across
    marks: tuple[Mark, ...] = (
        Lines(x=across, y=values["std"], label="standard deviation", dots=True),
        Lines(x=across, y=values["rms"], label="root mean square", tone="second", style="dashed"),
        Lines(x=across, y=values["mean"], label="mean", tone="third", style="dotted", dots=True),
        *depth.names,
    )
    return Panel(title=title, marks=marks, x=depth.axis, y=y)


@drawing(ActivationHistograms, over_time=True)
def over_time(result: ActivationHistograms) -> Figure:
    """Draw the histograms over time as colour: one column a step, brighter where more values lie."""
    return series_figures.over_time(
        _tensors(result, _functions(result)),
        title="Activations over time",
        alt="A healthy layer keeps its colours; a dying one closes up into a line at zero.",
    )


@drawing(ActivationHistograms, over_time=True)
def ridges(result: ActivationHistograms) -> Figure:
    """Draw the histograms over time as ridges, the first step at the bottom."""
    return series_figures.ridges(_tensors(result, _functions(result)), title="Activations over time, as ridges")


def _functions(result: ActivationHistograms) -> tuple[int, ...]:
    """Return what activation functions return and are given; everything where there are none."""
    chosen = tuple(place for place, role in enumerate(result.roles) if role != "output")
    return chosen or tuple(range(len(result.roles)))


@drawing(ActivationHistograms, over_time=True)
def dead_over_time(result: ActivationHistograms) -> Figure:
    """Draw the share of dead units of every rectified layer over time."""
    tensors = _tensors(result, result.rectified)
    chosen = tensors.chosen()
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
    nothing = "" if names else "no layer has an activation function such as ReLU, which gives exactly 0"
    return assembled(
        "Dead units over time",
        (replace(panel, note=nothing),),
        tensors.findings,
        caveat=(
            chosen.left_out,
            f"Blank until {_ENOUGH} samples were seen, and from the first NaN (a value that is no number) on.",
        ),
        alt=(f"Share of dead units of {len(names)} rectified layers over {len(shares)} watched steps.", highest),
        columns=1,
    )
