"""Rules on the faithfulness of maps: whether the model has a part in them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import amount, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.ranks import interval
from pellucid.windows.gradients.result import Faithfulness

Array = NDArray[Any]
FEWEST = 4
"""Examples below which an interval says little."""
_FEWEST_PLACES = 16
"""Places below which a correlation of ranks is high by chance."""


@rule(Faithfulness, code="GRD017", title="Tested map is zero", order=4, limits={"warn": 0.5})
def tested_map_is_zero(result: Faithfulness, case: Case) -> Iterator[Finding]:
    """Maps in which nothing is left to test.

    Looks for: examples of which every value of the map is 0, or all but 0 for what the score really depends on, and
        whose gradient is lost on the way back from the output: what GRD009 looks for in maps that are not tested.
    Why it matters: a map of zeros has no order, so that no experiment can tell how good it is; and what the experiments
        say of the few examples that are left does not stand for all.
    Where the limit comes from: half of the examples is a warning, ours; fewer are a look. See GRD009.
    False alarms: a score that does not depend on these inputs at all.
    Likely cause: dead or saturated units in the named layer, inputs on another scale than in training, or a probability
        of 1 in place of a logit.
    What to do: Check that the inputs are scaled as in training, look at the named layer with
        pel.activations.histograms(model, x), and explain the logit and not the softmax.
    Source: Sundararajan et al. 2017 (sensitivity); ours.
    """
    if not result.silent or not result.examples:
        yield case.not_measured(
            "it is not known where gradients are lost" if result.examples else "there is no example"
        )
        return
    for number, row in enumerate(result.silent):
        lost = np.array([bool(layer) for layer in row])
        if lost.any():
            yield _lost(result, case, number, lost)
    if not any(map(any, result.silent)):
        yield case.ok("the gradient of every example reaches what is explained", samples=result.examples)


def _lost(result: Faithfulness, case: Case, number: int, lost: Array) -> Finding:
    layers = [layer for layer in result.silent[number] if layer]
    most = max(sorted(set(layers)), key=layers.count)
    which = f"{len(layers)} of {amount(result.examples, 'map')} of {result.methods[number]}"
    what = "0 everywhere" if result.constant[number][lost].all() else "0, or all but 0"
    speak = case.warn if lost.mean() >= case.limits["warn"] else case.look
    return speak(
        f"{which} {'is' if len(layers) == 1 else 'are'} {what}; the gradient is lost at "
        f"{', '.join(sorted(set(layers))[:3])}, and nothing is left to test",
        where=most,
        value=float(lost.mean()),
        limit=case.limits["warn"],
        samples=result.examples,
        evidence={"method": result.methods[number], "first example": int(np.argmax(lost))},
    )


@rule(Faithfulness, code="GRD012", title="Map does not depend on the model", order=5, limits={"likeness": 0.8})
def does_not_depend(result: Faithfulness, case: Case) -> Iterator[Finding]:
    """Maps that stay when the model has forgotten everything.

    Looks for: a likeness (correlation of ranks) of 0.8 or more between the maps of the trained model and those of the
        same model with all weights random, beyond what the size of the input explains. The lower end of the 95 %
        interval over the examples is judged. At a layer, what lies in front of it is random, too.
    Why it matters: such a map shows the input. It would look as convincing on a model that knows nothing.
    Where the limit comes from: 42 healthy small networks (MLPs, convolutional, transformers) and 13 methods: the lower
        end was 0.54 at the most (vargrad), below 0.2 for most; edge detectors and maps of the input have 1.
    False alarms: none known. A map that lost its order (all zero) depends on the model, and is not judged. Fewer than
        4 examples or 16 places are not judged.
    Likely cause: a method that detects edges, or reads the input only; guided methods come near to it.
    What to do: Use gradient, smoothgrad, integratedgradients or gradcam, and see here that theirs changes.
    Source: Adebayo et al. 2018, "Sanity checks for saliency maps"; judged by the drop, ours.
    """
    if result.provenance.stopped:
        yield case.stopped(result.provenance.stopped)
    if not result.stages or not result.examples or not result.methods:
        yield case.not_measured(f"no randomisation: {result.left_out.get('randomisation', 'there is no example')}")
        return
    if result.places < _FEWEST_PLACES or result.examples < FEWEST:
        yield case.not_measured(_too_few(result))
        return
    judged = list[Finding]()
    levels: list[str] = []
    for number, name in enumerate(result.methods):
        left, plain = (_sound(result, number, result.left(number, beyond=one)) for one in (True, False))
        count = int(np.isfinite(left).sum())
        mean, low, _ = interval(left)
        if count < FEWEST:
            judged.append(_without_order(result, number, case))
        elif low >= case.limits["likeness"]:
            judged.append(
                case.warn(
                    f"with every layer random, the map of {name} stays as it was: likeness {mean:.2f}",
                    where=name,
                    value=mean,
                    limit=case.limits["likeness"],
                    samples=count,
                    evidence={"lower end": low, "likeness with the input": interval(plain)[0]},
                )
            )
        else:
            levels.append(f"{name} {mean:.2f}".replace("-", "−"))
    if levels:
        yield case.ok(
            f"with every layer random, little of the map is left: {', '.join(levels)}", samples=result.examples
        )
    yield from judged


def _too_few(result: Faithfulness) -> str:
    """Say what there is too little of: places, examples, or both."""
    said: list[str] = []
    if result.places < _FEWEST_PLACES:
        said.append(f"{amount(result.places, 'place')}, and a correlation of ranks needs {_FEWEST_PLACES}")
    if result.examples < FEWEST:
        said.append(f"{amount(result.examples, 'example')}, and an interval needs {FEWEST}")
    return f"too few: {'; '.join(said)}"


def _without_order(result: Faithfulness, number: int, case: Case) -> Finding:
    name = result.methods[number]
    if int(result.finite[number].sum()) < FEWEST:
        return _not_finite(result, number, case)
    flat = int(result.constant[number].sum())
    if flat > result.examples - FEWEST:
        return case.not_measured(
            f"{flat} of {amount(result.examples, 'map')} of {name} have one value only, and no order"
        )
    return case.ok(
        f"with every layer random, the map of {name} has no order left: one value, or none",
        where=name,
        samples=result.examples,
    )


def _sound(result: Faithfulness, number: int, values: Array) -> Array:
    """Return numbers of the examples, NaN for one whose map or score is not finite."""
    return np.where(result.finite[number], values, np.nan)


def _not_finite(result: Faithfulness, number: int, case: Case) -> Finding:
    bad = int((~result.finite[number]).sum())
    return case.not_measured(
        f"{bad} of {amount(result.examples, 'map')} of {result.methods[number]}, or the scores that they explain, are "
        "NaN or infinite",
        next_step="Check the weights with pel.weights.histograms(model), and the inputs; explain in float32.",
    )


@rule(
    Faithfulness,
    code="GRD013",
    title="Map no better than a random one",
    order=7,
    limits={"gain": 0.1, "control": 0.15},
)
def no_better_than_chance(result: Faithfulness, case: Case) -> Iterator[Finding]:
    """Maps whose order tells no more about the score than an order drawn by lot.

    Looks for: deletion and insertion that both do no better than random orders (the interval of the gain holds 0, or
        lies below it), and an upper end of their mean gain below 10 % of what there is to gain. It is a
        warning for a method that shares the score out, where another of the same test gains 15 % or more, which shows
        that the test can tell. Otherwise the baseline may be what fails, and it is a look; so it is for maps of
        steepness and class activation maps, which promise something else.
    Why it matters: what is bright in the map is not what the score stands on.
    Where the limit comes from: 42 healthy small networks on the digits: maps that share the score out gained 15 to
        53 % (median 43 %), random maps -11 to 10 %. Gradients and class activation maps gained -14 to 42 %: on
        transformers and on maps of 2 x 2 they may truly be no better.
    False alarms: a baseline that the model takes for evidence: then what is taken away adds something.
    Likely cause: a gradient that is saturated or shattered, a layer too coarse, or a baseline that the model does not
        take for nothing.
    What to do: Try integratedgradients or occlusion beside it with the same baseline, and another baseline.
    Source: Samek et al. 2017; Petsiuk et al. 2018; limits: ours.
    """
    if len(result.shares) < 3 or not result.examples or not result.methods:
        yield case.not_measured(f"no curves: {result.left_out.get('curves', 'there is no example, or one place')}")
        return
    if result.examples < 2 * FEWEST:
        yield case.not_measured(
            f"{amount(result.examples, 'example')}: too few to tell a map from chance; give {2 * FEWEST} or more"
        )
        return
    unsound = [number for number in range(len(result.methods)) if not result.finite[number].any()]
    yield from (_not_finite(result, number, case) for number in unsound)
    if len(unsound) == len(result.methods):
        return
    if not np.isfinite(result.way):
        lost = len(result.silent) > 0 and all(all(row) for row in result.silent)
        why = "the gradient is lost, too" if lost else "choose another baseline"
        yield case.not_measured(f"the score is the same with everything taken away: {why}")
        return
    deleted, inserted = result.gains
    deleted, inserted = (np.where(result.finite, one, np.nan) for one in (deleted, inserted))
    gains = [interval(one) for one in (deleted + inserted) / 2]
    can_tell = max(one[1] for one in gains) >= case.limits["control"]
    good: list[str] = []
    for number, name in enumerate(result.methods):
        if number in unsound:
            continue
        mean, _, high = gains[number]
        lows = [interval(one[number])[1] for one in (deleted, inserted)]
        if max(lows) > 0 or not high < case.limits["gain"]:
            good.append(f"{name} {percent(mean)}")
            continue
        yield (case.warn if can_tell and result.shares_out[number] else case.look)(
            f"{name} gains {percent(mean)} over an order drawn by lot"
            + ("" if can_tell else "; no method here does better, so the baseline may be at fault"),
            where=name,
            value=mean,
            limit=case.limits["gain"],
            samples=result.examples,
            evidence={
                "deletion": interval(deleted[number])[0],
                "insertion": interval(inserted[number])[0],
                "upper end": high,
            },
        )
    if good:
        yield case.ok(f"gain over an order drawn by lot: {', '.join(good)}", samples=result.examples)


@rule(Faithfulness, code="GRD014", title="Very sensitive map", order=8, limits={"sizes": 1.0})
def very_sensitive(result: Faithfulness, case: Case) -> Iterator[Finding]:
    """Maps that noise too small to see makes into others.

    Looks for: noise of 2 % of the range (or as was set) that moves the maps, on average over the examples, by more than
        their own size: another map would have been seen on nearly the same input.
    Why it matters: a map of one input is then hardly a fact about that input.
    Where the limit comes from: the size of the map itself. On 42 healthy small networks it was 0.8 for gradients at the
        most, and below 0.3 for smoothgrad.
    False alarms: inputs that are noise already; a larger radius than 2 %. It is a look.
    Likely cause: a gradient that changes from place to place (deep networks of ReLUs, periodic activations).
    What to do: Use smoothgrad or integratedgradients, which average over inputs.
    Source: Yeh et al. 2019 (maximum sensitivity); limit: ours.
    """
    if not result.examples or "sensitivity" in result.left_out:
        yield case.not_measured(f"no noise: {result.left_out.get('sensitivity', 'there is no example')}")
        return
    means: dict[str, float] = {}
    for number, name in enumerate(result.methods):
        mean = interval(_sound(result, number, result.sensitivity[number]))[0]
        if np.isnan(mean):
            yield _not_finite(result, number, case)
        elif result.constant[number].all() and mean == 0:
            yield case.not_measured(f"the maps of {name} have one value only, with noise and without")
        else:
            means[name] = mean
    good = [f"{name} {mean:.2f}" for name, mean in means.items() if mean <= case.limits["sizes"]]
    for name, mean in means.items():
        if mean > case.limits["sizes"]:
            yield case.look(
                f"small noise moves the map of {name} by {mean:.1f} times its size",
                where=name,
                value=mean,
                limit=case.limits["sizes"],
                samples=result.examples,
                evidence={"radius": float(result.settings.get("radius", np.nan))},
            )
    if good:
        yield case.ok(f"small noise moves the maps by less than their size: {', '.join(good)}", samples=result.examples)
