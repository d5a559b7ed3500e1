"""Rules on filters: those that do nothing, and those that do the same."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import amount, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.weights.result import Filters
from pellucid.windows.weights.result.filters import DEAD, FEWEST, FEWEST_EXAMPLES, FEWEST_VALUES, TWINS

Array = NDArray[Any]


@rule(
    Filters,
    code="WGT003",
    title="Dead filters",
    order=5,
    limits={"share": DEAD, "warn": 0.5, "filters": FEWEST, "examples": FEWEST_EXAMPLES},
)
def dead_filters(result: Filters, case: Case) -> Iterator[Finding]:
    """Filters that are next to nothing beside the others of their layer.

    Looks for: filters whose norm is below 0.1 % of the largest of the layer, as it is and with what the batch norm
        behind it multiplies it with, and whose output, where data were given, ranges over less than 0.1 % of what the
        liveliest filter's does. Without data it says "by norm only". With 128 examples or more it also names filters
        of a sound norm that stay silent on all of them: what they put out, behind the batch norm, is never above 0,
        or hardly changes.
    Why it matters: such a filter puts out the same for every input. It takes memory and time, and the layer is narrower
        than it looks.
    Where the limit comes from: in 73 layers of 30 healthy small networks the smallest filter had 21 % of the largest.
        In a network trained on ImageNet (EfficientNet-Lite0) 130 of 21,008 filters are below 0.04 % of it (4 of 32 in
        the first layer) and the next above 0.3 %; it works well, so that below half of a layer they are only looked at.
    False alarms: filters that were pruned on purpose: a layer with a pruning mask is only looked at. Layers that start
        at zero on purpose are called what they are. A filter that is never above 0 does nothing only where a rectifier
        follows, which the weights do not show: silent filters are only looked at.
    Likely cause: weight decay on filters that get no gradient, because the units behind them are off or because the
        task does not need them; a layer that was filled with zeros.
    What to do: Nothing, where the network does well: leave these filters out to make it smaller. If many are to work,
        look at the activations behind them (pel.activations.feature_maps) and lower weight decay or learning rate.
    Source: H. Li, A. Kadav, I. Durdanovic, H. Samet, H. P. Graf, "Pruning filters for efficient ConvNets", 2017 (norms
        of filters). Limits: ours.
    """
    if result.provenance.stopped:
        yield case.stopped(result.provenance.stopped)
    finite = np.isfinite(result.norms)
    count = len(result.norms)
    if not finite.all() or count < case.limits["filters"]:
        what = f"{amount(count, 'filter')} came, and {int(case.limits['filters'])} are needed to compare them"
        yield case.not_measured(what if finite.all() else "the weights hold values that are not finite")
        return
    dead = result.dead(case.limits["share"], fewest=case.limits["filters"])
    smallest = float(result.norms.min() / result.norms.max()) if result.norms.max() > 0 else 0.0
    if not dead.any():
        words = f"the smallest of {amount(count, 'filter')} has {percent(smallest, 1)} of the norm of the largest"
        yield case.ok(words + _rests_on(result, case), value=smallest, limit=case.limits["share"], samples=count)
    else:
        yield _dead(result, case, dead)
    if (silent := result.silent(case.limits["share"], fewest=case.limits["examples"])).any():
        yield _silent(result, case, silent)


def _rests_on(result: Filters, case: Case) -> str:
    """Say where the data had no say."""
    if result.exciting is None:
        return ", by norm only: no data were given"
    if result.exciting.samples >= case.limits["examples"]:
        return ""
    seen, needed = amount(result.exciting.samples, "example"), int(case.limits["examples"])
    return f", by norm only: {seen} came, and {needed} are needed to call a filter silent"


def _dead(result: Filters, case: Case, dead: Array) -> Finding:
    count, share = len(dead), float(dead.mean())
    speak = case.warn if share >= case.limits["warn"] and not result.masked else case.look
    numbers = np.flatnonzero(dead)
    silent = ", by norm only" if result.exciting is None else ", and their output hardly changes over the data"
    masked = " (they are pruned with a mask)" if result.masked else ""
    return speak(
        f"{len(numbers)} of {amount(count, 'filter')} are below {percent(case.limits['share'], 1)} of the largest"
        f"{silent}{masked}: {_listed(numbers)}",
        where=result.layer,
        value=share,
        limit=case.limits["warn"],
        samples=count,
        evidence={"filters": _listed(numbers, 64), "largest_norm": float(result.norms.max())},
    )


def _silent(result: Filters, case: Case, silent: Array) -> Finding:
    numbers = np.flatnonzero(silent)
    seen = 0 if result.exciting is None else result.exciting.samples
    behind = f", behind the batch norm {result.norm_layer}," if result.norm_layer else ""
    return case.look(
        f"{len(numbers)} of {amount(len(silent), 'filter')} {'is' if len(numbers) == 1 else 'are'} silent on all of "
        f"{amount(seen, 'example')}, though not small: what they put out{behind} is never above 0, or hardly changes: "
        f"{_listed(numbers)}",
        where=result.layer,
        value=float(silent.mean()),
        samples=seen,
        evidence={"silent filters": _listed(numbers, 64)},
        cause="A bias or a batch norm that holds the filter below 0, which a rectifier cuts off; or an input that is "
        "always the same.",
        next_step="Where a rectifier follows, see with pel.activations.feature_maps(model, x, at, data) what is left "
        "of these channels, and lower the learning rate if many are off. Where none follows, nothing is wrong.",
    )


@rule(
    Filters,
    code="WGT004",
    title="Duplicate filters",
    order=5,
    limits={"cosine": TWINS, "warn": 0.5, "values": FEWEST_VALUES, "share": DEAD},
)
def duplicate_filters(result: Filters, case: Case) -> Iterator[Finding]:
    """Filters that look for the same pattern.

    Looks for: pairs of filters of one group whose directions have a cosine above 0.9999 (less than 0.8 degrees apart);
        of a depthwise layer none, as its filters look at different channels.
    Why it matters: two such filters compute the same up to scale and bias, so that the layer has fewer different ones
        than it has filters. Equal filters get equal gradients where what follows treats them alike, and stay equal.
    Where the limit comes from: in 73 layers of 30 healthy small networks the two filters most alike had a cosine of
        0.90, and in those of EfficientNet-Lite0 of 0.991.
    False alarms: filters that a symmetric task made alike, or that were widened by copying (Net2Net, inflation of
        weights): a few pairs are only looked at. Filters with fewer than 6 values are left out: there are few
        directions. Dead filters are left to WGT003.
    Likely cause: filters that were filled with one pattern, or copied; too many filters for the task.
    What to do: Draw first weights at random. If the pairs came while training, a layer with fewer filters does as well.
    Source: T. Chen, I. Goodfellow, J. Shlens, "Net2Net", 2016 (copied units break their symmetry only through noise).
        Limits: ours.
    """
    if not np.isfinite(result.norms).all():
        yield case.not_measured("the weights hold values that are not finite")
        return
    values = prod(result.weights.shape[1:])
    needed = {"share": case.limits["share"], "values": case.limits["values"]}
    comparable = result.comparable(**needed)
    if not comparable.any():
        few = f"a filter has {amount(values, 'value')}, and {int(case.limits['values'])} are needed"
        alone = "no two filters look at the same channels and are alive"
        yield case.not_measured(few if values < case.limits["values"] else alone)
        return
    twins = result.twins(case.limits["cosine"], **needed)
    place = int(np.argmax(np.where(comparable, result.cosines, -2)))
    pair = f"{place} and {int(result.partners[place])}"
    highest = float(result.cosines[place])
    if not twins.any():
        words = f"the two filters most alike are {pair}, with a cosine of {highest:.4f}"
        yield case.ok(words, value=highest, limit=case.limits["cosine"], samples=len(result.norms))
        return
    share = float(twins.mean())
    speak = case.warn if share >= case.limits["warn"] else case.look
    yield speak(
        f"{int(twins.sum())} of {amount(len(twins), 'filter')} point the same way as another, such as {pair} "
        f"(cosine {highest:.6f})",
        where=result.layer,
        value=highest,
        limit=case.limits["cosine"],
        samples=len(twins),
        evidence={
            "share": share,
            "first": place,
            "second": int(result.partners[place]),
            "filters": _listed(np.flatnonzero(twins), 64),
        },
    )


def _listed(numbers: Array, most: int = 6) -> str:
    words = ", ".join(str(one) for one in numbers[:most])
    return words if len(numbers) <= most else f"{words} …"
