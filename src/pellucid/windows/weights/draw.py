"""Pictures of weights. Importing this registers them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Panel
from pellucid.core.judge import Findings
from pellucid.methods.series_panels import (
    Chosen,
    choose,
    heat_over_time,
    histogram_panel,
    layers_over_time,
    note_of,
    ridges_over_time,
)
from pellucid.windows.weights.result import WeightHistograms

Array = NDArray[Any]


@drawing(WeightHistograms)
def histograms(result: WeightHistograms) -> Figure:
    """Draw one histogram a parameter, on linear axes, at the latest sound step."""
    return _histograms(result, symlog=False)


@drawing(WeightHistograms)
def histograms_symlog(result: WeightHistograms) -> Figure:
    """Draw the same on axes that are logarithmic on both sides of zero."""
    return _histograms(result, symlog=True)


def _histograms(result: WeightHistograms, *, symlog: bool) -> Figure:
    findings, series = result.findings, result.series
    chosen = choose(series.names, findings, among=range(len(series.names)))
    steps = slice(max(result.sound - 1, 0), max(result.sound, 1))
    panels = tuple(_histogram(result, chosen, place, steps, symlog=symlog) for place in chosen.places)
    return _figure(
        "Weights, parameter by parameter" + (" (logarithmic)" if symlog else ""),
        panels,
        findings,
        caveat=_join(
            chosen.left_out,
            "A histogram shows sizes, not what the weights do: scaling two layers in "
            "opposite ways changes both and leaves the function as it was.",
        ),
        alt=f"{len(panels)} histograms of parameters in registration order, on "
        f"{'symmetric-logarithmic' if symlog else 'linear'} axes. {findings.headline}",
    )


def _histogram(result: WeightHistograms, chosen: Chosen, place: int, steps: slice, *, symlog: bool) -> Panel:
    series = result.series
    name, shape = series.names[place], result.shapes[place]
    histogram = series.select([name]).over_steps(steps)[0]
    note = f"{' × '.join(str(one) for one in shape) or 'scalar'}: {note_of(series, place, histogram, steps)}"
    twins = result.twins[steps, place]
    if len(twins) and twins[-1] > 0:
        note += f", {100 * twins[-1]:.0f} % twin rows"
    return histogram_panel(histogram, title=name, unit="weight", note=note, level=chosen.level(name), symlog=symlog)


@drawing(WeightHistograms)
def norms_over_time(result: WeightHistograms) -> Figure:
    """Draw the size of every parameter over time, and how it changed since the first step."""
    findings, series = result.findings, result.series
    chosen = choose(series.names, findings, among=result.matrices or range(len(series.names)))
    names = [series.names[place] for place in chosen.places]
    rms = series.rms[:, list(chosen.places)]
    rms[result.sound :] = np.nan
    first = rms[:1] if len(rms) else rms
    change = np.log2(np.divide(rms, first, out=np.full_like(rms, np.nan), where=(first > 0) & (rms > 0)))
    panels = (
        layers_over_time(
            rms, steps=series.steps, names=names, title="Size", axis=Axis(label="RMS of the weights", scale="log")
        ),
        layers_over_time(
            change,
            steps=series.steps,
            names=names,
            title="Change since the first watched step",
            axis=Axis(label="doublings since the first step"),
            signed=True,
        ),
    )
    known = change[-1][np.isfinite(change[-1])] if len(change) else np.zeros(0)
    most = f"The largest change is a factor of {2 ** float(np.abs(known).max()):.2g}." if len(known) else ""
    return _figure(
        "Weight sizes over time",
        panels,
        findings,
        caveat=_join(chosen.left_out, "Matrices only; parameters that began at zero have no change to show."),
        alt=f"Root mean square of {len(names)} weight matrices over {len(rms)} watched steps. {most}",
        columns=2,
    )


@drawing(WeightHistograms)
def over_time(result: WeightHistograms) -> Figure:
    """Draw the histograms over time as colour: one column a step, brighter where more values lie."""
    findings = result.findings
    chosen = choose(result.series.names, findings, among=range(len(result.series.names)))
    series = result.series.select([result.series.names[place] for place in chosen.places])
    panels = tuple(
        heat_over_time(series, place, title=name, unit="weight", level=chosen.level(name))
        for place, name in enumerate(series.names)
    )
    return _figure(
        "Weights over time",
        panels,
        findings,
        caveat=_join(chosen.left_out, "Colour is log(1 + values); steps without finite values are blank."),
        alt=f"{len(panels)} maps of weight values by training step over {len(series.steps)} watched steps.",
    )


@drawing(WeightHistograms)
def ridges(result: WeightHistograms) -> Figure:
    """Draw the histograms over time as ridges, the first step at the bottom."""
    findings = result.findings
    chosen = choose(result.series.names, findings, among=range(len(result.series.names)), most=8)
    series = result.series.select([result.series.names[place] for place in chosen.places])
    panels = tuple(
        ridges_over_time(series, place, title=name, unit="weight", level=chosen.level(name))
        for place, name in enumerate(series.names)
    )
    return _figure(
        "Weights over time, as ridges",
        panels,
        findings,
        caveat=_join(chosen.left_out, "Heights are square roots, each ridge on its own scale."),
        alt=f"{len(panels)} stacks of histograms, the first watched step at the bottom.",
    )


def _figure(
    title: str, panels: tuple[Panel, ...], findings: Findings, *, caveat: str, alt: str, columns: int = 4
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
