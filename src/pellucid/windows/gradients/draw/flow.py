"""Pictures of gradients and updates. Importing this registers them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Event, Figure, Lines, Mark, Panel
from pellucid.core.figure.words import amount, number
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.maths.reduce import SUMS
from pellucid.methods import series_figures
from pellucid.methods.depth import Depth, depth_of, models_of
from pellucid.methods.series_figures import Tensors, assembled
from pellucid.methods.series_panels import (
    MOST_LINES,
    Chosen,
    histogram_panel,
    latest,
    layers_over_time,
    note_of,
)
from pellucid.windows.gradients.result import GradientFlow

Array = NDArray[Any]
ZERO = "gradient of 0, or none: at the bottom"
FROZEN = "frozen, gets no gradient: at the bottom"
TOO_LARGE, BEGINNING, FEWEST = 0.1, 0.1, 3
"""What GRD003 holds against the median of a run, the share of the steps that it leaves out, and what it needs."""
_OUTSIDE = (
    "Single steps may lie outside the band: healthy networks began with up to 0.13, and a learning rate that falls "
    "takes the curve below it."
)
HEALTHY = (7e-4, 4e-2)
"""Update over weight, median of a run, of the matrices of 212 healthy small networks: all lay between."""


@dataclass(frozen=True, kw_only=True)
class _Profile:
    """The gradient per weight of every matrix over the depth, frozen ones included.

    Attributes:
        depth: Where the matrices stand.
        low: Smallest over the steps, [layer]; NaN for a matrix without any gradient.
        middle: Median, [layer].
        high: Largest, [layer].
        frozen: Whether the matrix asks for no gradient, [layer].
    """

    depth: Depth
    low: Array
    middle: Array
    high: Array
    frozen: Array

    @classmethod
    def of(cls, result: GradientFlow) -> "_Profile":
        # Frozen matrices keep their place in the depth: without them their neighbours would seem to be adjacent.
        places = replace(result, trainable=(True,) * len(result.names)).matrices
        layers = [name.removesuffix(".weight") for name in result.names]
        depth = depth_of(layers, models_of(result.names, result.provenance), places)
        order = list(depth.order)
        frozen = ~np.array(result.trainable, dtype=bool)[order]
        rms = result.gradient_rms[: result.sound][:, order]
        rms = np.where((rms > 0) & ~frozen, rms, np.nan)
        low, middle, high = (_over_steps(rms, share) for share in (0.0, 0.5, 1.0))
        return cls(depth=depth, low=low, middle=middle, high=high, frozen=frozen)

    @property
    def silent(self) -> Array:
        """Whether a matrix asks for a gradient and never got one, or only zeros, [layer]."""
        return np.isnan(self.middle) & ~self.frozen

    @property
    def axis(self) -> Axis:
        """The axis of the gradient: its lower end is the place of what has none."""
        label = "typical gradient of one weight"
        known = np.concatenate([self.low[np.isfinite(self.low)], self.high[np.isfinite(self.high)]])
        if not len(known):
            return Axis(label=label, limits=(0.0, 1.0))
        if not (self.silent | self.frozen).any():
            return Axis(label=label, scale="log")
        return Axis(label=label, scale="log", limits=(float(known.min()) / 3, float(known.max()) * 2))

    def marks(self) -> list[Mark]:
        """The gradient, and at the bottom what has none."""
        depth = self.depth
        x, (low, middle, high) = depth.across, (depth.spread(one) for one in (self.low, self.middle, self.high))
        floor = self.axis.limits[0] if self.axis.limits else 0.0
        found: list[Mark] = [
            Lines(x=x, y=middle, low=low, high=high, label="median over the steps, and range", dots=True)
        ]
        if self.frozen.any():
            y = depth.spread(np.where(self.frozen, floor, np.nan))
            found.append(Lines(x=x, y=y, label=FROZEN, tone="faint", style="dotted", dots=True))
        if self.silent.any():
            y = depth.spread(np.where(self.silent, floor, np.nan))
            found.append(Lines(x=x, y=y, label=ZERO, tone="warn", style="dotted", dots=True))
        return [*found, *depth.names]

    def in_words(self) -> list[str]:
        """One sentence a model: how the gradient of its first matrix compares with that of its last."""
        said: list[str] = []
        for model, part in self.depth.models.items():
            known = self.middle[part][np.isfinite(self.middle[part])]
            if len(known) > 1:
                within = f"In {model} the" if model else "The"
                said.append(f"{within} first has {known[0] / known[-1]:.2g} times the gradient of the last.")
        return said


@drawing(GradientFlow)
def depth_profile(result: GradientFlow) -> Figure:
    """Draw the gradient per weight of every weight matrix over the depth, on a logarithmic axis, models apart."""
    findings, profile = result.findings, _Profile.of(result)
    count, frozen, silent = len(profile.frozen), int(profile.frozen.sum()), int(profile.silent.sum())
    notes = [f"{frozen} frozen" if frozen else "", f"{silent} with a gradient of 0, or none" if silent else ""]
    matrices = amount(count, "weight matrix", "weight matrices")
    panel = Panel(
        title=f"{matrices}, the first layer at the left",
        marks=tuple(profile.marks()),
        x=profile.depth.axis,
        y=profile.axis,
        note=", ".join(one for one in notes if one),
        level=_worst(findings, "GRD001", "GRD002", "GRD007"),
    )
    return assembled(
        "Gradient over depth",
        (panel,),
        findings,
        caveat=(
            "Typical: the root mean square over the weights of a matrix.",
            "Rows that got no gradient (words that are not in the batch, units that are off) do not count.",
            "Layers stand in the order in which the model holds them.",
            "Frozen layers and layers whose gradient is 0 or missing are dots at the lower end of the axis, whatever "
            "number stands there."
            if frozen or silent
            else "",
        ),
        alt=(
            f"Typical gradient of a weight in {matrices} by depth, over {result.sound} watched steps.",
            f"Frozen: {frozen}." if frozen else "",
            *profile.in_words(),
        ),
        columns=1,
    )


def _over_steps(values: Array, share: float) -> Array:
    known = [column[np.isfinite(column)] for column in values.T]
    return np.array([np.quantile(one, share) if len(one) else np.nan for one in known])


@drawing(GradientFlow)
def update_ratio(result: GradientFlow) -> Figure:
    """Draw update over weight of every weight matrix over time, with the healthy band."""
    tensors, watched = _tensors(result, result.matrices), result.sound
    findings, chosen = tensors.findings, tensors.chosen(MOST_LINES)
    ratio = np.where(result.ratio[:watched] > 0, result.ratio[:watched], np.nan)
    steps, note = result.steps[:watched], _medians_in_words(result)
    curves = layers_over_time(
        ratio[:, list(chosen.places)],
        steps=steps,
        names=[result.names[place] for place in chosen.places],
        title="Update over weight",
        axis=Axis(label="size of an update / size of the weight", scale="log"),
    )
    panel = Panel(
        title=curves.title,
        marks=(*_limits(result), *curves.marks),
        x=Axis(label="training step"),
        y=curves.y,
        note=note,
        level=_worst(findings, "GRD003", "GRD004", "GRD007"),
    )
    return assembled(
        "Update over weight",
        (panel,),
        findings,
        caveat=(
            chosen.left_out,
            "How far one step moves a weight matrix, as a share of its size (root mean squares): 0.01 is a hundredth.",
            "Judged is the median of each curve over the steps that the limits span, and not each step.",
            _OUTSIDE,
            "Steps with an update of 0 have no place on this axis.",
            "Biases, norm parameters and frozen layers are left out.",
            "A matrix that is smaller than PyTorch would make a new one counts as that large.",
        ),
        alt=(
            f"Ratio of update to weight of {len(chosen.places)} weight matrices over {watched} watched steps; {note}.",
        ),
        columns=1,
    )


def _judged_steps(result: GradientFlow) -> Array:
    """Return the places of the steps whose median is judged; none where they are too few."""
    places = np.arange(result.beginning(BEGINNING), result.sound)
    return places if result.stepped and len(places) >= FEWEST else places[:0]


def _limits(result: GradientFlow) -> tuple[Lines, ...]:
    """Draw what is healthy and what is too large over the steps that are judged, and nowhere else."""
    judged = _judged_steps(result)
    if not len(judged):
        return ()
    x, (low, high) = result.steps[judged[[0, -1]]], (np.full(2, one) for one in HEALTHY)
    healthy = f"healthy medians: {HEALTHY[0]:g} to {HEALTHY[1]:g}"
    return (
        Lines(x=x, y=high, low=low, high=high, label=healthy, tone="ok", style="dotted"),
        Lines(
            x=x,
            y=np.full(2, TOO_LARGE),
            label=f"a median above {TOO_LARGE:g} is too large",
            tone="alarm",
            style="dashed",
        ),
    )


def _medians_in_words(result: GradientFlow) -> str:
    """Say where the medians lie that are judged; or that nothing moved, or that nothing was seen to."""
    ratio = result.ratio[: result.sound][:, list(result.matrices)]
    if not np.isfinite(ratio).any():
        return "no step of an optimiser was watched"
    matrices, steps = amount(len(result.matrices), "matrix", "matrices"), amount(result.sound, "watched step")
    still = int((np.nan_to_num(ratio) == 0).all(axis=0).sum())
    if not (ratio > 0).any():
        return f"every update of {matrices} was 0 at {steps}"
    judged, resting = _judged_steps(result), f"; {still} never changed" if still else ""
    if not len(judged):
        return f"{steps}: too few to judge{resting}"
    middle = _over_steps(np.where(ratio > 0, ratio, np.nan)[judged], 0.5)
    known = middle[np.isfinite(middle)]
    if not len(known):
        return f"no update from step {result.steps[judged[0]]:,} on{resting}"
    span = f"medians of {matrices} from step {result.steps[judged[0]]:,} on: {number(known.min())}"
    return span + (f" to {number(known.max())}" if len(known) > 1 else "") + resting


@drawing(GradientFlow, over_time=True)
def norm_over_time(result: GradientFlow) -> Figure:
    """Draw the norm of the whole gradient over time."""
    findings, norm = result.findings, result.norm[: result.sound]
    steps = result.steps[: result.sound]
    events: list[Mark] = [
        Event(at=float(one.step), text=one.title, level=one.level)
        for one in findings.every
        if one.step is not None and one.code in {"GRD002", "GRD006"} and one.level.rank > Level.LOOK.rank
    ]
    known = norm[np.isfinite(norm)]
    # Within a decade a plain axis has more round figures to read.
    moving = known[known > 0]
    wide = len(moving) > 1 and moving.max() > 10 * moving.min()
    span = f"from {known.min():.2g} to {known.max():.2g}" if len(known) else "nowhere measured"
    if len(known) and not len(moving):
        span = "0 throughout"
    panel = Panel(
        title="All gradients together",
        marks=(Lines(x=steps, y=norm, dots=len(steps) < 30), *events),
        x=Axis(label="training step"),
        y=Axis(
            label="length of the gradient",
            scale="log" if wide else "linear",
            limits=None if len(moving) or not len(known) else (0.0, 1.0),
        ),
        note=f"{span}, {len(known)} steps",
        level=_worst(findings, "GRD002", "GRD006", "GRD007"),
    )
    return assembled(
        "Gradient norm over time",
        (panel,),
        findings,
        caveat=(
            "The norm is the length of the list of all gradients: the root of the sum of their squares.",
            "Watched steps only: a jump between two of them is not seen.",
        ),
        alt=(f"Norm of the whole gradient over {len(steps)} watched steps, {span}.",),
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
    present = [place for place in range(len(result.names)) if not result.missing[:, place].all()]
    absent = len(result.names) - len(present)
    return series_figures.histograms(
        _tensors(result, present),
        partial(_histogram, result, symlog=symlog),
        title="Gradients, parameter by parameter",
        caveat=(
            f"{amount(absent, 'parameter')} without a gradient (frozen, or not used) "
            f"{'is' if absent == 1 else 'are'} left out."
            if absent
            else "",
            "The gradients are those of a single batch; another batch has others.",
        ),
        alt="gradients, parameters in the order in which the model holds them",
        symlog=symlog,
    )


def _tensors(result: GradientFlow, among: Sequence[int]) -> Tensors:
    return Tensors.of(result.gradients, result.findings, result.provenance, unit="gradient", among=among)


def _histogram(result: GradientFlow, chosen: Chosen, place: int, *, symlog: bool) -> Panel:
    series, steps = result.gradients, latest(result.sound)
    name = series.names[place]
    histogram = series.select([name]).over_steps(steps)[0]
    zeros = int(series.sums[steps, place, SUMS.index("zeros")].sum())
    note = note_of(series, place, histogram, steps)
    note += f", {100 * zeros / max(histogram.total, 1):.0f} % exactly 0" if zeros else ""
    return histogram_panel(histogram, title=name, unit="gradient", note=note, level=chosen.level(name), symlog=symlog)


def _worst(findings: Findings, *codes: str) -> Level:
    levels = (one.level for one in findings.every if one.code in codes and one.level is not Level.NOT_MEASURED)
    return max(levels, key=lambda level: level.rank, default=Level.OK)
