"""Rules on maps: whether they say what they seem to say."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import amount, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.methods.attribution import Method
from pellucid.windows.gradients.result import Saliency

Array = NDArray[Any]


@rule(Saliency, code="GRD016", title="Non-finite map", order=0)
def not_finite_map(result: Saliency, case: Case) -> Iterator[Finding]:
    """NaN or infinity in a map.

    Looks for: an example whose map holds a value that is not finite, or explains a score that is none.
    Why it matters: the picture is of the fault and not of what the network uses.
    Where the limit comes from: there is none: a single value is too many.
    False alarms: none known.
    Likely cause: weights that are not finite; an overflow in half precision; a root or logarithm at 0, whose gradient
        is infinite.
    What to do: Check the weights with pel.weights.histograms(model), then the layers with
        pel.activations.histograms(model, x); explain in float32.
    Source: ours.
    """
    if not len(result.scores):
        yield case.not_measured("there is no example")
        return
    inside = [example for example in range(len(result.scores)) if not _is_finite(result, example)]
    bad = sorted({*inside, *np.flatnonzero(~np.isfinite(result.scores)).tolist()})
    if not bad:
        yield case.ok(f"all maps are finite: {len(result.scores)}", samples=len(result.scores))
        return
    which = f"{len(bad)} of {amount(len(result.scores), 'map')} {'holds' if len(bad) == 1 else 'hold'} NaN or infinity"
    yield case.alarm(
        which if len(inside) == len(bad) else f"{which}, or explain a score that is",
        where=result.layer,
        value=len(bad) / len(result.scores),
        limit=0.0,
        samples=len(result.scores),
        evidence={"first example": bad[0], "its score": float(result.scores[bad[0]])},
    )


def _is_finite(result: Saliency, example: int) -> bool:
    return all(bool(np.isfinite(one[example]).all()) for one in result.maps)


@rule(Saliency, code="GRD009", title="Map is zero", order=5)
def map_is_zero(result: Saliency, case: Case) -> Iterator[Finding]:
    """Maps in which every value is 0, or all but 0 for what the score really depends on.

    Looks for: an example of which every value of every map is exactly 0, or whose gradient, over the range of the
        input, makes up less than 1 % of what the score loses without the input (or less than 0.1 % of the score, where
        one layer takes all but a thousandth of it); and where on the way back from the output the gradient is lost.
    Why it matters: it does not mean that the network uses nothing. Between the output and the input stands something
        flat (units that are off or saturated, a function at its end, a rounding), and the gradient cannot see past it.
    Where the limit comes from: exactly 0; and 1 %: of 69,120 maps of 15 healthy networks none had less than 9 % of the
        largest output.
    False alarms: a score that does not depend on this input at all, such as a padded position. It is a warning, and
        only a look where the gradient does arrive and the method cuts it off, as class activation maps do.
    Likely cause: dead or saturated units in the named layer, or a probability of 1 in place of a logit.
    What to do: Look at the named layer with pel.activations.histograms, explain the logit and not the softmax, or use
        integratedgradients or occlusion, which see past a flat place.
    Source: Sundararajan et al. 2017 (sensitivity); ours.
    """
    if not len(result.scores):
        yield case.not_measured("there is no example")
        return
    zero = {example for example in range(len(result.scores)) if result.is_zero(example)}
    lost = {example for example, layer in enumerate(result.silent) if layer}
    if not any(_is_finite(result, example) for example in range(len(result.scores))):
        yield case.not_measured("no map is finite")
        return
    if not zero | lost:
        yield case.ok("no map is 0 everywhere", samples=len(result.scores))
        return
    if zero & lost:
        yield _told(result, case.warn, sorted(zero & lost), "0 everywhere", "zeros")
    if lost - zero:
        yield _told(result, case.warn, sorted(lost - zero), "saturated: all but 0", "next to nothing")
    if zero - lost:
        look = partial(case.look, **_advice(result))
        yield _told(result, look, sorted(zero - lost), "0 everywhere, though the gradient arrives", "zeros")


def _told(result: Saliency, speak: Callable[..., Finding], examples: list[int], what: str, kind: str) -> Finding:
    layers = sorted({result.silent[example] for example in examples} - {""})
    where = f"; the gradient is lost at {', '.join(layers[:3])}" if layers else _cut(result)
    which = f"{len(examples)} of {amount(len(result.scores), 'map')} {'is' if len(examples) == 1 else 'are'}"
    return speak(
        f"{which} {what}{where}",
        where=layers[0] if layers else result.layer,
        value=len(examples) / len(result.scores),
        limit=0.0,
        samples=len(result.scores),
        evidence={"first example": examples[0], f"maps of {kind}": len(examples)},
    )


def _cut(result: Saliency) -> str:
    """Say why the method may make maps of 0 itself; "" where there is no reason, or it was told to cut nothing off."""
    method = Method.known.get(result.method)
    return "" if method is None or result.options.get("relu") is False else method.cut


def _advice(result: Saliency) -> dict[str, str]:
    """Return cause and next step where the gradient arrives and the method makes a map of 0 of it: no layer is dead."""
    if not _cut(result):
        return {
            "cause": "The method: what reaches the input cancels out, or is cut off, on its way.",
            "next_step": "Use integratedgradients or occlusion beside it.",
        }
    known = Method.known[result.method]
    name = known.__name__ if "relu" in result.options else "GradCAM"
    return {
        "cause": "The score falls where the layer is active, and what speaks against the score is cut off.",
        "next_step": f"See what speaks against it with method=pel.gradients.{name}(relu=False), or explain the class "
        "that scores highest.",
    }


@rule(Saliency, code="GRD010", title="Incomplete map", order=7, limits={"share": 0.05})
def incomplete(result: Saliency, case: Case) -> Iterator[Finding]:
    """Maps that do not add up to what they explain.

    Looks for: methods that promise that a map adds up to the score less that of the baseline, and a sum that misses
        more than 5 % of it; of lrp, a sum that misses it together with what biases absorbed.
    Why it matters: what is missing was attributed to nothing, and it may be most of the picture.
    Where the limit comes from: integrated gradients of ReLU networks with three hidden layers miss 3 % with 9 nodes
        and 0.3 % with 101 (median); captum's tests allow 5 %.
    False alarms: scores that hardly differ from that of the baseline: the share is then one of what was added up, and
        what may be the rounding of the scores is not missed.
    Likely cause: too few nodes for a network with many kinks; for deeplift and lrp functions that have no exact rule; a
        model that draws at random in eval mode, too.
    What to do: Raise nodes, or choose a baseline whose score differs; in place of lrp use integratedgradients.
    Source: Sundararajan et al. 2017 (completeness); limit: ours.
    """
    if result.check not in ("completeness", "conservation") or not len(result.scores):
        yield case.not_measured(f"{result.method} does not promise that its maps add up")
    elif result.check == "conservation":
        yield _judged(
            result,
            case,
            case.warn,
            np.array([result.notes.get("lost on the way", np.nan)]),
            good="maps and biases add up: {share} is missing at the most",
            bad="maps and biases miss up to {share} of the score: the model calls a function that "
            f"{result.method} has no rule for, or its epsilon is large",
        )
    else:
        nodes = f" with {result.notes['nodes']:.0f} nodes" if "nodes" in result.notes else ""
        yield _judged(
            result,
            case,
            case.warn,
            result.error,
            good=f"the maps add up{nodes}: {{share}} is missing at the most",
            bad=f"the map of example {{example}} misses {{share}} of the difference that it explains{nodes}",
        )


def _judged(
    result: Saliency, case: Case, speak: Callable[..., Finding], values: Array, *, good: str, bad: str
) -> Finding:
    """Say whether the largest share that maps miss is within the limit.

    Args:
        result: The maps.
        case: With a limit named "share".
        speak: How to say that it is not.
        values: Shares, one an example, or one for all.
        good: What to say within the limit, of the {share}.
        bad: What to say beyond it, of the {share}, and where there is one an example of the {example}.
    """
    if np.isnan(values).any():
        return case.not_measured("not every map is finite")
    worst, limit = int(np.argmax(values)), case.limits["share"]
    value, samples = float(values[worst]), len(result.scores)
    if value <= limit:
        return case.ok(good.format(share=percent(value, 1)), samples=samples)
    example = {"example": worst} if len(values) == samples else {}
    return speak(
        bad.format(share=percent(value, 1), **example),
        where=result.layer,
        value=value,
        limit=limit,
        samples=samples,
        evidence=example | {name: float(one) for name, one in result.notes.items()},
    )


@rule(Saliency, code="GRD011", title="Noisy map", order=7, limits={"share": 0.5})
def noisy(result: Saliency, case: Case) -> Iterator[Finding]:
    """Maps of random samples that another seed would draw otherwise.

    Looks for: a standard error as large as half of the map itself, both over all values.
    Why it matters: half of what is seen is chance.
    Where the limit comes from: a signal to noise ratio of 2; ours.
    False alarms: none known; it is a look, since the strongest values may stand out all the same.
    Likely cause: few samples, or much noise.
    What to do: Raise samples: four times as many halve the error.
    Source: ours.
    """
    if result.check != "sampling" or not len(result.scores):
        yield case.not_measured(f"{result.method} gives no sampling error here")
    elif all(result.is_zero(example) for example in range(len(result.scores))):
        yield case.not_measured("every map is 0 everywhere, and an error is a share of a map")
    else:
        yield _judged(
            result,
            case,
            case.look,
            result.error,
            good="the sampling error is {share} of the map at the most",
            bad="the sampling error of example {example} is {share} of its map",
        )
