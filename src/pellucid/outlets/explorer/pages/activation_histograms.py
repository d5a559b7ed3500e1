"""The page on activation histograms: one network in five conditions, with seven activation functions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import torch

from pellucid.core.figure import Axis, Event, Figure, Lines, Panel, Tone
from pellucid.core.figure.words import number
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.core.view import Range, view
from pellucid.gallery.conditions import BOUNDED, HIDDEN, conditioned, pictures
from pellucid.windows import activations
from pellucid.windows.activations import ActivationHistograms

ActivationName = Literal["relu", "leaky relu", "gelu", "silu", "elu", "tanh", "sigmoid"]
ConditionName = Literal["healthy", "dying", "saturated", "exploding", "vanishing"]

_SHOWN = {"relu": "ReLU", "leaky relu": "Leaky ReLU", "gelu": "GELU", "silu": "SiLU", "elu": "ELU"}
_DYING: Mapping[str, str] = {
    "relu": "{name} dies here: {dead} of the units are 0 for every digit, get no gradient, and cannot come back.",
    "leaky relu": "{name} does not die: pushed far below 0, a unit still passes on a hundredth of what it gets, and "
    "of the gradient.",
    "gelu": "{name} has no dead half on paper, but this far below 0 nothing is left of it: {zeros} of the values are 0 "
    "to the last digit, and so is the slope there. Such units are as good as dead.",
    "silu": "{name} has no dead half, but pushed this far below 0 a unit puts out about −0.003 with a slope of "
    "−0.002: it is as good as dead.",
    "elu": "{name} has no dead half: pushed this far below 0, a unit sticks at −1 with a slope of 0.0003. It "
    "saturates, and is as good as dead.",
    "tanh": "{name} has no dead half: pushed this far below 0, a unit sticks at −1, where it saturates.",
    "sigmoid": "{name} has no dead half: pushed this far below 0, a unit sticks close to 0, where it saturates.",
}
_SATURATED: Mapping[str, str] = {
    "relu": "{name} cannot saturate: it has no flat top, and its large values pass on as they are. Its flat half is "
    "the one at 0, and units that stay there are dying.",
    "leaky relu": "{name} cannot saturate: it has no flat end, and large values pass on as they are.",
    "gelu": "{name} cannot saturate: it has no flat top. Far below 0 it is flat, but each digit sends other units "
    "there.",
    "silu": "{name} cannot saturate: it has no flat top. Far below 0 it is flat, but each digit sends other units "
    "there.",
    "elu": "{name} is flat on one side only: large negative sums become −1, large positive ones pass on as they are, "
    "so that each unit still learns from part of the digits.",
    "tanh": "{name} saturates here: sums this large end at −1 or 1, where the slope is next to nothing.",
    "sigmoid": "{name} saturates here: sums this large end at 0 or 1, where the slope is next to nothing.",
}
_KNEES = {"tanh": math.atanh(0.99), "sigmoid": math.log(0.99 / 0.01)}
"""Size of a sum from which on the function is within 1 % of one of its ends."""
_ENDS = {"tanh": "−1 and 1", "sigmoid": "0 and 1"}


@dataclass(frozen=True, kw_only=True)
class _Examined:
    """One network, measured, judged and drawn."""

    result: ActivationHistograms
    findings: Findings
    layers: tuple[Panel, ...]
    depth: tuple[Panel, ...]
    words: str


@view(title="Activation histograms", page=True)
def activation_histograms(
    activation: ActivationName = "relu",
    condition: ConditionName = "healthy",
    layer: Annotated[int, Range(1, HIDDEN, step=1)] = 3,
) -> Figure:
    """What the values inside a network look like when it is well, and in four ways in which it is not.

    Each layer of a network adds up what the layer before sends, and puts each sum through an activation function. What
    comes out, over many pictures, is a histogram, and it is the pulse of the layer: if it is a line at 0, sits at the
    ends, or is a thousand times wider than that of the first layer, the network cannot learn, whatever its loss says
    yet.

    The network here is real: 64 pixels of handwritten digits, six hidden layers of 96 units, ten classes. It is built
    anew for every choice, with first weights and biases that put it into the condition, and 768 digits run through it.
    It is not trained: these faults are there before the first step. Healthy means that what goes into every activation
    function is centred and has a standard deviation of 1. Dying pushes two thirds of the units far below 0. Saturated
    makes the weights 12 times larger (of functions that have no two ends, those of the first layer), exploding makes
    those of every layer 3 times larger, and vanishing 5 times smaller.

    A tall bar at 0 is no disease. A healthy ReLU puts out 0 half of the time, and that is its purpose: for each digit
    other units are silent (grey in the picture). A unit that is silent for every one of many digits is dead (red): it
    gets no gradient and cannot come back. So the alarm is on the dead units, not on the bar.

    Try:
        - ReLU, healthy: half of all values are 0 and no unit is dead. Then dying: the bar at 0 grows and turns red.
        - Dying with leaky ReLU, GELU and tanh: the same push, and three different ends. Which could still learn?
        - Saturated with tanh, then with ReLU: large sums pile up at both ends of one, and pass through the other.
        - Exploding with ReLU, and move through the layers: the shape stays, the axis triples. Then the same with tanh.
        - Vanishing with sigmoid: the values close in on 0.5, because that is what sigmoid makes of 0.
        - Move from layer 1 to layer 6 in each condition: which of them could you not tell from the first layer alone?

    Args:
        activation: the function that each unit puts its sum through
        condition: what the first weights and biases are like
        layer: which hidden layer is drawn large
    """
    seen = _examined(activation, condition)
    chosen = seen.layers[layer - 1]
    large = replace(chosen, title=f"Layer {layer} of {HIDDEN}: {chosen.title}", wide=True)
    small = tuple(_small(panel) for panel in seen.layers)
    level = seen.findings.level
    honest = level is Level.OK and _as_good_as_dead(activation, condition)
    return Figure(
        title=f"{_sentence_name(activation)}, {condition}",
        panels=(large, *small, *seen.depth),
        columns=3,
        verdict=seen.words,
        level=Level.LOOK if honest else level,
        caveat=_caveat(seen.result),
        alt=f"Histogram of what layer {layer} puts out, small ones of all {HIDDEN} layers, their scale and zeros over "
        f"depth. {seen.words}",
    )


def _name(activation: str) -> str:
    return _SHOWN.get(activation, activation)


def _sentence_name(activation: str) -> str:
    """Return the name as it begins a sentence."""
    return _name(activation).capitalize() if activation in BOUNDED else _name(activation)


def _caveat(result: ActivationHistograms) -> str:
    split = f"The zeros of dead units are split from those of living ones on {result.provenance.samples} digits."
    parts = ("First weights, before any training.", split if result.rectified else "")
    return " ".join(one for one in (*parts, "Every histogram has an axis of its own.") if one)


def _as_good_as_dead(activation: str, condition: str) -> bool:
    return condition == "dying" and activation in ("gelu", "silu", "elu")


@lru_cache(maxsize=64)  # 35 choices and some
def _examined(activation: str, condition: str) -> _Examined:
    model = conditioned(activation.replace(" ", "_"), condition)
    with torch.device("cpu"):  # where the network is, whatever the default is
        result = activations.histograms(model, pictures())
    findings = result.findings
    places = [place for place, role in enumerate(result.roles) if role == "activation"]
    sums = [place for place, role in enumerate(result.roles) if role == "pre-activation"]
    scale = [float(result.series.std[0, place]) for place in sums]
    shares = _shares(result, places)
    return _Examined(
        result=result,
        findings=findings,
        layers=activations.draw.layers(result, places),
        depth=(*map(_by_number, activations.draw.depth_profile(result).panels[:2]), _units(shares, activation)),
        words=_words(activation, condition, scale=scale, shares=shares, findings=findings),
    )


def _small(panel: Panel) -> Panel:
    """Leave out the marks of mean and standard deviation, for which there is no room."""
    return replace(panel, marks=tuple(one for one in panel.marks if not isinstance(one, Event)))


def _by_number(panel: Panel) -> Panel:
    """Name the layers by their number: their names are too long for three panels in a row."""
    numbers = tuple(str(layer) for layer in range(1, HIDDEN + 1))
    return replace(panel, x=replace(panel.x, label="hidden layer", categories=numbers))


def _shares(result: ActivationHistograms, places: list[int]) -> dict[str, list[float]]:
    """Return shares of each layer by name; those that do not exist for its function are left out."""
    dead: list[float] = []
    stuck: list[float] = []
    for place in places:
        seen, active, _ = result.series.unit_counts(place)
        if place in result.rectified and len(seen):
            dead.append(float((active == 0).mean()))
        if (knee := _KNEES.get(result.activations[place])) is not None:
            stuck.append(result.series.histogram(0, place - 1).share_beyond(knee))
    return {"dead": dead, "zeros": [sum(result.spike(place)) for place in places], "stuck": stuck}


def _units(shares: Mapping[str, list[float]], activation: str) -> Panel:
    curves: list[tuple[str, str, Tone]] = [("values that are 0", "zeros", "sparse")]
    note = ""
    if activation in BOUNDED:
        curves.append(("values at a flat end", "stuck", "dead"))
        note = "at a flat end: within 1 % of it"
    elif shares["dead"]:
        curves.append(("dead units", "dead", "dead"))
        note = "dead: 0 for every digit"
    across = np.arange(HIDDEN)
    return Panel(
        title="Zeros, and what is stuck",
        marks=tuple(
            Lines(x=across, y=np.array(shares[which]), label=label, tone=tone, dots=True)
            for label, which, tone in curves
        ),
        x=Axis(label="hidden layer", categories=tuple(str(layer) for layer in range(1, HIDDEN + 1))),
        y=Axis(label="share", limits=(0.0, 1.0)),
        note=note,
    )


def _words(
    activation: str, condition: str, *, scale: list[float], shares: Mapping[str, list[float]], findings: Findings
) -> str:
    """Say what this network is like: what it was built to be, what it is, and what the rules say."""
    name = _sentence_name(activation)
    first, last = number(scale[0]), number(scale[-1])
    course = (
        f"a standard deviation of {first} goes into the first layer's {_name(activation)}, and {last} into the last"
    )
    if condition == "healthy":
        said = (
            f"{name} is healthy here: the sums of every layer have a standard deviation from {number(min(scale))} to "
        )
        said += f"{number(max(scale))}."
    elif condition == "dying":
        said = _DYING[activation].format(name=name, dead=_percent(shares["dead"]), zeros=_percent(shares["zeros"]))
    elif condition == "saturated":
        said = _SATURATED[activation].format(name=name)
    elif condition == "vanishing":
        said = f"The signal is vanishing: {course}."
    elif activation in BOUNDED:
        said = (
            f"{name} cannot explode: its values stay between {_ENDS[activation]}; {course}. Weights that are 3 times "
            f"too large push it towards its flat ends instead: {_percent(shares['stuck'])} of the values are there."
        )
    else:
        said = f"The signal is exploding: {course}."
    return f"{said} {findings.headline[0].upper()}{findings.headline[1:]}."


def _percent(shares: list[float]) -> str:
    return f"{100 * sum(shares) / len(shares):.0f} %" if shares else "none"
