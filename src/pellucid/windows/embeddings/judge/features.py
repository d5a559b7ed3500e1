"""Rules on features: EMB001 and EMB002."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.embeddings.result.features import Features


@rule(Features, code="EMB001", title="Non-finite features", order=0, explains=("EMB002",))
def non_finite(result: Features, case: Case) -> Iterator[Finding]:
    """Examples of which a feature is NaN or infinite.

    Looks for: any such value.
    Why it matters: the head makes NaN of it, and neither distances nor a map can place such an example.
    Where the limit comes from: there is none: no sound network makes one of inputs that are finite.
    False alarms: inputs that hold NaN themselves, or of a size that the network was never given.
    Likely cause: inputs that are NaN or infinite, half precision that overflowed, or weights that are NaN.
    What to do: Look at the first of these inputs; pel.activations.histograms(model, x) shows the layer in which it
        begins.
    Source: ours.
    """
    if not result.examples:
        yield case.not_measured("there is no example")
        return
    count = int(result.bad.sum())
    if not count:
        yield case.ok("every feature is finite", where=result.layer, samples=result.examples)
        return
    yield case.warn(
        f"{count:,} of {amount(result.examples, 'example')} have features that are NaN or infinite, the first of them "
        f"number {int(result.bad.argmax()):,}",
        where=result.layer,
        value=count / result.examples,
        limit=0.0,
        samples=result.examples,
    )


@rule(Features, code="EMB002", title="Collapsed features", order=4, limits={"share": 0.999, "examples": 16})
def collapsed(result: Features, case: Case) -> Iterator[Finding]:
    """Features that are the same for every example, or lie on one line though there are three classes or more.

    Looks for: a spread over the examples that is no more than the rounding of float32; or 99.9 % of it along one
        direction, where the head or the labels tell three classes or more apart and the layer has as many units.
    Why it matters: of features that are the same the head says the same of every example, whatever it has learned. On
        one line it can put classes behind each other only.
    Where the limit comes from: the strongest direction of 36 small networks for three classes or more (digits,
        spirals, wine, iris, made-up classes), trained, untrained and trained on random labels, has 88 % of the spread
        at the most.
    False alarms: inputs that are all the same. One line is never more than a look: two classes that are trained to the
        end leave just one, and a narrow layer may be meant.
    Likely cause: units that are dead or saturated for every input, a scale that has shrunk to nothing, or a loss that
        is lowest where everything is alike.
    What to do: pel.activations.histograms(model, x) shows in which layer the values stop differing.
    Source: ours.
    """
    count = int((~result.bad).sum())
    if count < case.limits["examples"]:
        yield case.not_measured(f"{amount(count, 'example')} with finite features are too few to see how they differ")
        return
    spectrum = result.spectrum
    fields = {"where": result.layer, "samples": count, "limit": case.limits["share"]}
    if not spectrum.any():
        yield case.warn(f"the features of {amount(count, 'example')} are the same", value=1.0, **fields)
        return
    classes = max(len(result.head), len(np.unique(result.labels[result.labels >= 0])))
    share = float(spectrum[0])
    words = f"{percent(share, 1)} of the spread is along one of {amount(result.values.shape[1], 'direction')}"
    narrow = min(classes, result.values.shape[1]) < 3
    if share > case.limits["share"] and not narrow:
        yield case.look(f"{words}, and there are {amount(classes, 'class', 'classes')}", value=share, **fields)
    else:
        yield case.ok(f"they use about {number(result.directions)} directions: {words}", value=share, **fields)
