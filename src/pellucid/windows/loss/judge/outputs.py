"""Rules about what goes in and what comes out: LOS006, LOS007, LOS008."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.curves import entropy
from pellucid.windows.loss.judge.failing import of_evaluations
from pellucid.windows.loss.judge.heldout import RECENT
from pellucid.windows.loss.result import SanityCheck

COLLAPSED = 0.05
"""Share of the squared norm of a layer below which all samples look alike."""


@rule(
    SanityCheck,
    code="LOS006",
    title="Collapse",
    order=6,
    limits={"predictions": 0.95, "prior": 0.7, "spread": COLLAPSED, "samples": 30.0, "steps": 20.0},
)
@of_evaluations
def collapse(result: SanityCheck, case: Case) -> Iterator[Finding]:
    """Find a model that gives every sample the same answer, or the same inner picture.

    Looks for: In three evaluations running, from step `steps` on: one class with `predictions` of the predictions,
        where it has less than `prior` of the labels; or layers, from one of them up to the last, whose activations
        differ between samples by less than `spread` of their squared norm. For a finished model one evaluation,
        and a warning.
    Why it matters: What the model was given no longer reaches what it says.
    Where the limit comes from: 212 healthy small networks have a spread of 0.32 or more.
    False alarms: Layers that hold a constant, such as position embeddings, have no spread and are not accused: the
        last layer must have none. Fresh networks, hence the steps. With good accuracy nothing is said.
    Likely cause: A dead or saturated layer, a learning rate that was too large, a bias that took over, labels of
        which one class nearly always comes.
    What to do: Look at the first collapsed layer: its activations, its gradient, its bias; lower the learning rate.
    Source: facts of this project, diagnosis 13.
    """
    finished = len(result.steps) == 1 and case.learning.steps is None
    recent = np.flatnonzero(_sound(result) & (finished | (result.steps >= case.limits["steps"])))[-RECENT:]
    if len(recent) < (1 if finished else RECENT) or result.samples < case.limits["samples"]:
        yield case.not_measured(
            f"needs three evaluations from step {case.limits['steps']:.0f} on, "
            f"of {case.limits['samples']:.0f} samples or more",
            samples=result.samples,
        )
        return
    found = [one for one in (_one_answer(result, recent, case), _one_picture(result, recent, case)) if one is not None]
    if not found:
        yield case.not_measured("needs predictions of classes, or layers whose outputs are numbered by sample")
        return
    say = case.look if case.learning.succeeds else (case.warn if finished else case.alarm)
    collapsed = [(fact, figures) for fact, figures, sick in found if sick]
    for fact, figures in collapsed:
        yield say(fact, samples=result.samples, **figures)
    if not collapsed:
        yield case.ok("; ".join(fact for fact, *_ in found), samples=result.samples)


def collapsed_from(result: SanityCheck, evaluations: int, spread: float) -> str | None:
    """Return the first layer from which on all samples look alike.

    Args:
        result: Evaluations.
        evaluations: How many of the latest must agree.
        spread: Share of the squared norm below which samples look alike, 0 to 1.

    Returns:
        Name of a layer; None when the last layer tells samples apart, or when it was not measured.
    """
    values = result.spread[_sound(result)][-evaluations:]
    # The outputs of a regression may lie far from 0 and close together in good health.
    last = values.shape[1] - (2 if result.task == "regression" else 1)
    if last < 0 or len(values) < evaluations:
        return None
    alike = np.where(np.isnan(values), np.inf, values).max(axis=0) < spread
    if not alike[last]:
        return None
    telling = np.flatnonzero(~alike[: last + 1])
    return result.layers[int(telling[-1]) + 1 if telling.size else 0]


def _sound(result: SanityCheck) -> NDArray[Any]:
    """Say which evaluations came before the first with outputs that are not finite: what follows means nothing."""
    good = np.isfinite(result.output_low) & np.isfinite(result.output_high)
    return np.arange(len(good)) < (int(np.argmin(good)) if not good.all() else len(good))


_Found = tuple[str, dict[str, str | float], bool]


def _one_answer(result: SanityCheck, recent: NDArray[Any], case: Case) -> _Found | None:
    counts = result.predictions[recent]
    if result.task != "classification" or counts.shape[1] < 2 or (counts.sum(axis=1) == 0).any():
        return None
    shares = counts / counts.sum(axis=1, keepdims=True)
    named = int(shares[-1].argmax())
    prior = float(result.label_counts[named] / result.labels) if named < len(result.label_counts) else 0.0
    sick = bool((shares.max(axis=1) >= case.limits["predictions"]).all()) and prior < case.limits["prior"]
    # With nearly one class in the batch a constant answer may be right, whatever else the model knows.
    sick = sick and result.largest_share < case.limits["prior"]
    said = percent(float(shares[-1].max()), 1)
    fact = f"{said} of the predictions are class {named}, which has {percent(prior, 1)} of the labels"
    return fact, {"value": float(shares[-1].max()), "limit": case.limits["predictions"], "where": "predictions"}, sick


def _one_picture(result: SanityCheck, recent: NDArray[Any], case: Case) -> _Found | None:
    spread = result.spread[recent]
    if not spread.shape[1] or not np.isfinite(spread).any():
        return None
    first = collapsed_from(result, len(recent), case.limits["spread"])
    if first is None:
        value = float(spread[-1, -1])
        return f"{percent(value, 1)} of what layer {result.layers[-1]} holds differs between samples", {}, False
    value = float(spread[-1, result.layers.index(first)])
    said = percent(value, 1)
    fact = f"only {said} of what layer {first} holds differs between samples, and no more in the layers after it"
    return fact, {"value": value, "limit": case.limits["spread"], "where": first}, True


@rule(
    SanityCheck,
    code="LOS007",
    title="Softmax before cross-entropy",
    order=2,
    limits={"row_error": 1e-3},
)
@of_evaluations
def double_softmax(result: SanityCheck, case: Case) -> Iterator[Finding]:
    """Find probabilities where logits are expected.

    Looks for: Outputs of a classifier that are never negative and sum to 1 within `row_error` in every sample, under a
        cross-entropy, which applies a softmax itself.
    Why it matters: The second softmax flattens everything: with ten classes the loss cannot fall below 1.46, and
        gradients are small.
    Where the limit comes from: float16 rounds a sum of probabilities by less than 1e-3; no healthy logits sum to 1 in
        every sample.
    False alarms: A finished model that is meant to return probabilities: when no loss is given it is a look.
    Likely cause: A softmax as the last layer beside nn.CrossEntropyLoss.
    What to do: Remove the softmax from the model; apply it where probabilities are needed. A log-softmax does no harm.
    Source: facts of this project, diagnosis 16; the documentation of torch.nn.CrossEntropyLoss.
    """
    errors, low = result.row_sum_error[np.isfinite(result.row_sum_error)], result.output_low
    if result.task != "classification" or not errors.size:
        yield case.not_measured("needs class targets and outputs of one value a class")
        return
    worst, limit = float(errors.max()), case.limits["row_error"]
    figures = {"value": worst, "limit": limit, "samples": result.samples, "where": _output_layer(result)}
    if worst > limit or float(np.nanmin(low)) < 0:
        yield case.ok(f"the outputs of a sample sum to 1 within {worst:.2g} only, or are negative", **figures)
    elif result.loss_name == "cross_entropy":
        yield case.alarm(
            f"outputs are 0 or more and sum to 1 within {worst:.1g}, and cross-entropy is taken of them", **figures
        )
    elif result.loss_name.startswith("cross_entropy") and len(result.steps) > 1:
        yield case.warn(
            f"outputs are 0 or more and sum to 1 within {worst:.1g}; is cross-entropy taken of them?", **figures
        )
    else:
        yield case.look(
            f"outputs are probabilities: they sum to 1 within {worst:.1g}; the loss is {result.loss_name}", **figures
        )


@rule(
    SanityCheck,
    code="LOS008",
    title="Input or output range",
    order=1,
    limits={"largest": 20.0, "most_std": 5.0, "least_std": 0.02, "edge": 0.95, "beyond": 0.05},
)
@of_evaluations
def ranges(result: SanityCheck, case: Case) -> Iterator[Finding]:
    """Find inputs far from the scale that networks expect, and outputs that cannot reach their targets.

    Looks for: (input) Values that are not finite; a standard deviation above `most_std` or below `least_std`; a
        value beyond `largest` (look). (output) Outputs that are all the same; outputs that stop at 0, 1 or -1
        (within 1 - `edge`) while targets lie beyond by `beyond` of their range.
    Why it matters: Initialisation and learning rates are made for inputs near mean 0 and deviation 1. What an output
        function cannot reach, no training teaches.
    Where the limit comes from: facts of this project; outputs must touch the edge exactly as the function would.
    False alarms: A model that normalises its inputs itself. When learning succeeds well, and began no worse than
        guessing, the scale is a look; when learning was not measured, a warning.
    Likely cause: Pixels from 0 to 255, or divided by 255 twice; a softmax over one output; a sigmoid, tanh or ReLU at
        the end of a regression.
    What to do: Subtract the mean and divide by the standard deviation of the training data; change or remove the last
        activation; scale the targets.
    Source: facts of this project, diagnosis 17; TheDeepChecker's checks before training.
    """
    yield _input_range(result, case)
    yield from _output_range(result, case)


def _input_range(result: SanityCheck, case: Case) -> Finding:
    figures = {"where": "input", "samples": result.samples}
    if result.input_bad:
        return case.alarm(
            f"{result.input_bad} input values are NaN or infinite", value=float(result.input_bad), limit=0.0, **figures
        )
    if np.isnan(result.input_std):
        return case.not_measured("inputs are integers, such as tokens, which have no scale", where="input")
    largest = max(abs(result.input_low), abs(result.input_high))
    span = f"{number(result.input_low)} to {number(result.input_high)}"
    fact = f"inputs from {span}, standard deviation {number(result.input_std)}"
    figures |= {"value": result.input_std}
    if result.input_high == result.input_low:
        return (case.look if case.learning.succeeds else case.alarm)(
            f"every input value is {number(result.input_low)}", limit=0.0, **figures
        )
    wide, narrow = result.input_std > case.limits["most_std"], result.input_std < case.limits["least_std"]
    if wide or narrow:
        say = case.alarm if case.learning.succeeds is False else case.warn
        say = case.look if _learns_well(case) and not _began_badly(result) else say
        return say(fact, limit=case.limits["most_std" if wide else "least_std"], **figures)
    if largest > case.limits["largest"]:
        return case.look(fact, limit=case.limits["largest"], **(figures | {"value": largest}))
    return case.ok(fact, limit=case.limits["most_std"], **figures)


def _learns_well(case: Case) -> bool:
    learning = case.learning
    if learning.accuracy is None or learning.chance is None:
        return False
    return learning.accuracy >= learning.chance + 0.9 * (1 - learning.chance)


def _began_badly(result: SanityCheck) -> bool:
    """Whether the first evaluation was far above guessing: the model does not normalise its inputs itself."""
    first = bool(len(result.steps)) and result.steps[0] <= 1
    start = float(result.loss_eval[0]) if result.labels and first else 0.0
    return start > entropy(result.label_counts) + 1.5


def _output_layer(result: SanityCheck) -> str:
    return result.layers[-1] if result.layers else "output"


def _output_range(result: SanityCheck, case: Case) -> Iterator[Finding]:
    figures = {"where": _output_layer(result), "samples": result.samples}
    low = float(np.fmin.reduce(result.output_low, initial=np.inf))
    high = float(np.fmax.reduce(result.output_high, initial=-np.inf))
    if not np.isfinite([low, high]).all() or result.samples < 2:
        yield case.not_measured("needs finite outputs of two samples", where="output")
        return
    fact = f"outputs from {number(low)} to {number(high)}"
    if low == high:
        single = " (a softmax over one output?)" if low == 1 else ""
        yield case.alarm(f"every output is {number(low)}{single}", value=0.0, limit=0.0, **figures)
        return
    if np.isnan(result.target_low):
        yield case.ok(fact, **figures)
        return
    fact += f", targets from {number(result.target_low)} to {number(result.target_high)}"
    margin = case.limits["beyond"] * (result.target_high - result.target_low)
    over, under = result.target_high > high + margin, result.target_low < low - margin
    edge = case.limits["edge"]
    stops_above = over and edge <= high <= 1
    stops_below = under and (low == 0 or (-1 <= low <= -edge) or (stops_above and 0 <= low <= 1 - edge))
    sigmoid = stops_above and low >= -1
    relu = stops_below and low == 0 and len(result.steps) >= RECENT
    if sigmoid or relu or (stops_below and low < 0 and high <= 1):
        yield (case.warn if case.learning.succeeds else case.alarm)(
            f"{fact}: the outputs stop where the last activation ends", value=high, limit=result.target_high, **figures
        )
    else:
        yield case.ok(fact, **figures)
