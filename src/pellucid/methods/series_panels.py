"""Panels that several windows draw of a series of tensors: histograms, histograms over time, curves of layers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure import Axis, Bars, Event, Heat, Lines, Mark, Panel, Tone
from pellucid.core.figure.words import number
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.maths.histogram import Histogram
from pellucid.maths.onset import most_telling
from pellucid.maths.series import TensorSeries
from pellucid.methods.depth import fair_shares

Array = NDArray[Any]
MOST_PANELS = 16
MOST_LINES = 5
_TONES: tuple[Tone, ...] = ("accent", "second", "third", "fourth", "faint")
_BINS = 40
_FEWEST_BINS = 8
_ROWS = 40
_RIDGES = 12


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The layers that a picture shows.

    Attributes:
        places: Their places in the result, ascending.
        levels: Level of the worst finding on each of all layers, by name; ok where there is none.
        left_out: A sentence that says how many are left out; "" when all are shown.
    """

    places: tuple[int, ...]
    levels: Mapping[str, Level]
    left_out: str

    def level(self, name: str) -> Level:
        """Return the level of the worst finding on one layer."""
        return self.levels.get(name, Level.OK)


def choose(
    names: Sequence[str],
    findings: Findings,
    *,
    among: Sequence[int],
    models: Sequence[str] = (),
    most: int = MOST_PANELS,
) -> Chosen:
    """Choose the layers to show, of each model as many: those with findings first, then others evenly spread.

    Args:
        names: Names of all layers.
        findings: What the rules said.
        among: Places to choose from.
        models: The model of each layer; () where all are of one.
        most: How many at the most, 2 or more.

    Returns:
        The choice.
    """
    levels: dict[str, Level] = {}
    for one in findings.every:
        if one.where and one.level is not Level.NOT_MEASURED:
            levels[one.where] = max(levels.get(one.where, Level.OK), one.level, key=lambda level: level.rank)
    accused = {place for place in among if levels.get(names[place], Level.OK).rank > Level.LOOK.rank}
    groups: dict[str, list[int]] = {}
    for place in among:
        groups.setdefault(models[place] if models else "", []).append(place)
    places = tuple(sorted(_fairly(list(groups.values()), accused, most)))
    missing = len(among) - len(places)
    left_out = (
        f"{len(places)} of {len(among)} tensors are shown, those with findings first; {missing} are left out."
        if missing
        else ""
    )
    return Chosen(places=places, levels=levels, left_out=left_out)


def _fairly(groups: Sequence[Sequence[int]], accused: Collection[int], most: int) -> Iterator[int]:
    """Give the places to show, of each group its fair share."""
    at_fault = [[place for place, one in enumerate(group) if one in accused] for group in groups]
    shares = fair_shares([len(one) for one in groups], [len(one) for one in at_fault], most)
    for group, faulty, share in zip(groups, at_fault, shares, strict=True):
        if share:
            yield from (group[one] for one in most_telling(len(group), faulty, most=share))


def histogram_panel(
    histogram: Histogram,
    *,
    title: str,
    unit: str,
    note: str = "",
    level: Level = Level.OK,
    symlog: bool = False,
    zeros: tuple[float, float] | None = None,
) -> Panel:
    """Draw one histogram.

    Args:
        histogram: What to draw.
        title: Name of the tensor.
        unit: What the values are, for the axis.
        note: A line of figures.
        level: Colours the title.
        symlog: Logarithmic on both sides of zero; else linear.
        zeros: (dead, sparse) shares of the values that are exactly zero, drawn as a bar of their own left of zero;
            None to leave them in the histogram.

    Returns:
        A panel with the share of the values in each bar.
    """
    total, bins = max(histogram.total, 1), _bins(histogram.total)
    linear = _linear_part(histogram) if symlog else 1.0
    edges = _symlog_edges(histogram, linear, bins) if symlog else histogram.edges_linear(bins)
    shares = histogram.rebin(edges) / total
    marks: list[Mark] = []
    if zeros is not None:
        dead, sparse = zeros
        home = min(max(int(np.searchsorted(edges, 0.0, side="right")) - 1, 0), len(shares) - 1)
        shares[home] = max(shares[home] - dead - sparse, 0.0)
        # Where all values are zeros nothing stands beside them: they are drawn where they are.
        alone = not bool((histogram.representatives() != 0).any())
        beside = np.array([-1.0, 1.0]) / 12 if alone else _beside(edges, linear, symlog=symlog)
        marks += [
            Bars(edges=beside, heights=np.array([dead]), label="zeros of dead units", tone="dead"),
            Bars(
                edges=beside,
                heights=np.array([sparse]),
                base=np.array([dead]),
                label="zeros of living units",
                tone="sparse",
            ),
        ]
    marks.insert(0, Bars(edges=edges, heights=shares, label="other values" if zeros is not None else ""))
    axis = Axis(label=unit, scale="symlog" if symlog else "linear", threshold=linear)
    return Panel(
        title=title, marks=tuple(marks), x=axis, y=Axis(label="share of values", unit=""), note=note, level=level
    )


def _bins(values: int) -> int:
    """Return how many bars show so many values: forty bars of ten values would be a comb.

    Rice's rule, twice the cube root, and half as many again, for weights and gradients have sharp peaks.
    """
    return int(np.clip(np.ceil(3 * np.cbrt(values)), _FEWEST_BINS, _BINS))


def _linear_part(histogram: Histogram) -> float:
    """Return the magnitude that 5 % of the values that are not zero stay below: a log axis ends there."""
    magnitude = np.abs(histogram.representatives())
    heights = np.where(magnitude > 0, histogram.heights(), 0)
    order = np.argsort(magnitude)
    within = np.cumsum(heights[order])
    if not len(within) or within[-1] == 0:
        return 1.0
    return float(magnitude[order][np.searchsorted(within, 0.05 * within[-1])])


def _symlog_edges(histogram: Histogram, linear: float, bins: int) -> Array:
    ends = histogram.edges_linear(1)
    left, right = np.arcsinh(ends / linear)
    edges = linear * np.sinh(np.linspace(left, right, bins + 1))
    edges[[0, -1]] = ends  # the round trip may lose the last digit
    return edges


def _beside(edges: Array, linear: float, *, symlog: bool) -> Array:
    """Return the sides of a bar left of all others, a twelfth as wide as the picture."""
    low, high = edges[0], edges[-1]
    if not symlog:
        return np.array([low - (high - low) / 12, low])
    left, right = np.arcsinh(low / linear), np.arcsinh(high / linear)
    return np.array([linear * np.sinh(left - (right - left) / 12), low])


def latest(sound: int) -> slice:
    """Return the last of the first `sound` steps as a slice; the first step where none is sound."""
    return slice(max(sound - 1, 0), max(sound, 1))


def note_of(series: TensorSeries, place: int, histogram: Histogram, steps: slice) -> str:
    """Return "mean 0.41, std 0.60" of one tensor over some steps; says so when nothing is finite."""
    sums = series.sums[steps, place].sum(axis=0)
    if sums[0] == 0:
        return "no finite value"
    mean = float(sums[5] / sums[0])
    std = float(np.sqrt(max(sums[6] / sums[0] - mean**2, 0.0)))
    broken = histogram.not_finite
    return f"mean {number(mean)}, std {number(std)}" + (f", {broken:,} not finite" if broken else "")


def step_edges(steps: Array) -> Array:
    """Return the sides of one column for each step: half way between neighbours."""
    if not len(steps):
        return np.array([0.0])
    middle = (steps[1:] + steps[:-1]) / 2
    first = steps[0] - (middle[0] - steps[0] if len(middle) else 0.5)
    last = steps[-1] + (steps[-1] - middle[-1] if len(middle) else 0.5)
    # np.diff of the middles is positive wherever the steps rise.
    return np.concatenate([[first], middle, [last]]).astype(np.float64)


def _value_edges(histogram: Histogram, rows: int = _ROWS) -> Array:
    low, high = (histogram.quantile(share) if histogram.total else 0.0 for share in (0.001, 0.999))
    if not high > low:
        low, high = low - max(abs(low), 1.0) * 0.5, high + max(abs(high), 1.0) * 0.5
    return np.linspace(low, high, rows + 1)


def heat_over_time(series: TensorSeries, place: int, *, title: str, unit: str, level: Level = Level.OK) -> Panel:
    """Draw the histograms of one tensor as columns of colour, one column a step.

    Args:
        series: Steps in rising order.
        place: Place of the tensor.
        title: Name of the tensor.
        unit: What the values are.
        level: Colours the title.

    Returns:
        A panel with log10(1 + count) by step and value, from the 0.1st to the 99.9th percentile over all steps.

    Source:
        S. Gugger, J. Howard, fastai, "the colourful dimension", 2019.
    """
    edges = _value_edges(series.select([series.names[place]]).over_steps()[0])
    columns = [_counted(series.histogram(step, place), edges) for step in range(len(series.steps))]
    values = np.log10(1 + np.stack(columns, axis=1)) if columns else np.zeros((_ROWS, 0))
    heat = Heat(values=values, x=step_edges(series.steps), y=edges, label="values, power of 10", origin="lower")
    return Panel(title=title, marks=(heat,), x=Axis(label="training step"), y=Axis(label=unit), level=level)


def _counted(histogram: Histogram, edges: Array) -> Array:
    # A step without a finite value leaves its column blank.
    return histogram.rebin(edges) if histogram.total else np.full(len(edges) - 1, np.nan)


def _ridge_edges(histogram: Histogram, rows: int) -> Array:
    """The range of the values, and one bin more at each side, so that no ridge is cut off."""
    inner = _value_edges(histogram, rows)
    width = inner[1] - inner[0]
    return np.concatenate([[inner[0] - width], inner, [inner[-1] + width]])


def ridges_over_time(series: TensorSeries, place: int, *, title: str, unit: str, level: Level = Level.OK) -> Panel:
    """Draw up to 12 histograms of one tensor one above the other, the first step at the bottom.

    Args:
        series: Steps in rising order.
        place: Place of the tensor.
        title: Name of the tensor.
        unit: What the values are.
        level: Colours the title.

    Returns:
        A panel with one filled curve a step, each scaled to its own height.
    """
    whole = series.select([series.names[place]]).over_steps()[0]
    edges = _ridge_edges(whole, _bins(whole.total // max(len(series.steps), 1)))
    # Ends at 0, so that a ridge is closed at both sides.
    x = np.concatenate([edges[:1], (edges[1:] + edges[:-1]) / 2, edges[-1:]])
    kept = np.unique(np.linspace(0, max(len(series.steps) - 1, 0), _RIDGES).round().astype(int))
    kept = kept[: len(series.steps)]
    marks: list[Mark] = []
    for height, step in reversed(list(enumerate(kept.tolist()))):
        counts = np.pad(np.nan_to_num(_counted(series.histogram(step, place), edges)), 1)
        # The spike at zero would flatten everything else, so heights are shown as square roots.
        shape = np.sqrt(counts / max(counts.max(), 1.0)) * 1.6
        floor = np.full(len(x), float(height))
        tone: Tone = "accent" if height == len(kept) - 1 else "faint"
        marks.append(Lines(x=x, y=height + shape, low=floor, fill=True, tone=tone))
    places = Axis(label="training step", categories=tuple(str(int(series.steps[step])) for step in kept))
    return Panel(title=title, marks=tuple(marks), x=Axis(label=unit), y=places, level=level)


def layers_over_time(
    values: Array,
    *,
    steps: Array,
    names: Sequence[str],
    title: str,
    axis: Axis,
    events: tuple[Event, ...] = (),
    signed: bool = False,
) -> Panel:
    """Draw one figure of several layers over time: as curves when they are few, else as rows of colour.

    Args:
        values: [step, layer]; NaN where it was not measured.
        steps: Training steps, [step].
        names: Name of each layer.
        title: What is shown.
        axis: The axis of the values.
        events: Limits on the axis of values.
        signed: Whether 0 is the middle, for colours.

    Returns:
        A panel with at most `MOST_LINES` curves, or with one row of colour a layer, the first at the top.
    """
    if len(names) <= MOST_LINES:
        curves = tuple(
            Lines(x=steps, y=values[:, place], label=name, tone=_TONES[place], dots=len(steps) < 30)
            for place, name in enumerate(names)
        )
        return Panel(title=title, marks=(*curves, *events), x=Axis(label="training step"), y=axis)
    shown = np.log10(np.where(values > 0, values, np.nan)) if axis.scale == "log" else values
    label = f"{axis.label}, as a power of 10" if axis.scale == "log" else axis.label
    heat = Heat(values=shown.T, x=step_edges(steps), signed=signed, label=label)
    rows = Axis(label="layer, first at the top", categories=tuple(names))
    return Panel(title=title, marks=(heat,), x=Axis(label="training step"), y=rows)
