"""Pictures of weights. Importing this registers them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Panel
from pellucid.methods import series_figures
from pellucid.methods.series_figures import Tensors, assembled
from pellucid.methods.series_panels import Chosen, histogram_panel, latest, layers_over_time, note_of
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
    twins = bool((result.twins[latest(result.sound)] > 0).any())
    return series_figures.histograms(
        _tensors(result),
        partial(_histogram, result, symlog=symlog),
        title="Weights, parameter by parameter",
        caveat=(
            "A histogram shows sizes, not what the weights do.",
            "Making one layer larger and the next smaller changes both and leaves the function as it was.",
            "Twin rows are units whose weights point the same way: they compute the same." if twins else "",
        ),
        alt="parameters in the order in which the model holds them",
        symlog=symlog,
    )


def _tensors(result: WeightHistograms, among: Sequence[int] | None = None) -> Tensors:
    return Tensors.of(result.series, result.findings, result.provenance, unit="weight", among=among)


def _histogram(result: WeightHistograms, chosen: Chosen, place: int, *, symlog: bool) -> Panel:
    series, steps = result.series, latest(result.sound)
    name, shape = series.names[place], result.shapes[place]
    histogram = series.select([name]).over_steps(steps)[0]
    note = f"{' × '.join(str(one) for one in shape) or 'scalar'}: {note_of(series, place, histogram, steps)}"
    twins = result.twins[steps, place]
    if len(twins) and twins[-1] > 0:
        note += f", {100 * twins[-1]:.0f} % twin rows"
    return histogram_panel(histogram, title=name, unit="weight", note=note, level=chosen.level(name), symlog=symlog)


@drawing(WeightHistograms, over_time=True)
def norms_over_time(result: WeightHistograms) -> Figure:
    """Draw the size of every parameter over time, and how it changed since the first step."""
    series, tensors = result.series, _tensors(result, result.matrices or None)
    chosen = tensors.chosen()
    names = [series.names[place] for place in chosen.places]
    rms = series.rms[:, list(chosen.places)]
    rms[result.sound :] = np.nan
    first = rms[:1] if len(rms) else rms
    change = np.log2(np.divide(rms, first, out=np.full_like(rms, np.nan), where=(first > 0) & (rms > 0)))
    panels = (
        layers_over_time(
            rms, steps=series.steps, names=names, title="Size", axis=Axis(label="typical size of a weight", scale="log")
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
    return assembled(
        "Weight sizes over time",
        panels,
        tensors.findings,
        caveat=(
            chosen.left_out,
            "Typical: the root mean square of all weights of a matrix.",
            "One doubling is twice as large as at the first step, minus one half as large.",
            "Matrices only; what began at zero has no change to show.",
        ),
        alt=(f"Typical size of the weights of {len(names)} matrices over {len(rms)} watched steps.", most),
        columns=2,
    )


@drawing(WeightHistograms, over_time=True)
def over_time(result: WeightHistograms) -> Figure:
    """Draw the histograms over time as colour: one column a step, brighter where more values lie."""
    return series_figures.over_time(_tensors(result), title="Weights over time")


@drawing(WeightHistograms, over_time=True)
def ridges(result: WeightHistograms) -> Figure:
    """Draw the histograms over time as ridges, the first step at the bottom."""
    return series_figures.ridges(_tensors(result), title="Weights over time, as ridges")
