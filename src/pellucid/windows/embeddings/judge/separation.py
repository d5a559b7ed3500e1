"""A rule on the separation of classes: EMB003."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.embeddings.result.separation import FEWEST, LEARNED, LIFT, SPACES, TANGLED, Separation


@rule(
    Separation,
    code="EMB003",
    title="Classes pulled apart",
    order=6,
    limits={"learned": LEARNED, "tangled": TANGLED, "lift": LIFT},
)
def pulled_apart(result: Separation, case: Case) -> Iterator[Finding]:
    """Whether the model has pulled the classes apart, on data that it was not trained on.

    Looks for: the scatter within classes over that between them in the features, as a share of the smaller of that in
        the raw inputs and in an untrained twin. Up to 0.5, with a silhouette that rose by 0.03, classes are learned;
        from 0.9 on they are as tangled as before any training. Where the 95 % interval lies across a limit, or a class
        has fewer than 10 examples, nothing is said.
    Why it matters: neighbours, a linear probe and a handsome map score high on features that have learned nothing; a
        share of the baseline does not.
    Where the limit comes from: five data sets (digits, spirals, wine, tumours, 8 made-up classes), three seeds each:
        trained 0.34 at the most, untrained or trained on random labels 0.96 at the least, once too near to the limit
        to tell; digits with 40 % of the labels wrong 0.76. The limits were chosen on these. On four others (iris,
        circles, blobs, quantiles) all 12 trained networks are learned and none of the 24 others is, 9 of which nothing
        is said of, as their inputs lie in shells and an untrained network is no firm baseline.
    False alarms: layers in front of the last ones, networks that are not trained, and inputs whose classes lie apart
        from the start are tangled or partly so without any fault: that is a look. A warning needs training data, which
        say that it was trained, and an accuracy that is that of guessing; an alarm that it knows the training data by
        heart besides. Held-out data whose classes are numbered otherwise look the same.
    Likely cause: labels that are wrong or do not follow from the inputs, training that failed or was too short, or
        held-out data that are prepared otherwise than the training data.
    What to do: Look at pairs of input and label as the model is given them; see that both data sets are prepared alike;
        compare with pel.loss.sanity(model, batch) on both.
    Source: ours; the ratio is that of Fisher 1936 and of NC1 in Papyan, Han and Donoho 2020.
    """
    limits = case.limits
    said = result.said(learned=limits["learned"], tangled=limits["tangled"], lift=limits["lift"])
    if said in ("few", "unknown", "unclear"):
        words, next_step = _unsaid(result, said)
        yield case.not_measured(words, next_step=next_step, samples=result.examples)
        return
    fields = {
        "where": result.layer,
        "value": result.share,
        "limit": limits["learned" if said in ("learned", "partly") else "tangled"],
        "samples": result.examples,
        "evidence": {"lift": result.lift, "accuracy": result.accuracy, "train accuracy": result.train_accuracy},
    }
    measured = compared(result)
    accuracy = f"the accuracy is {percent(result.accuracy)}, where guessing gives {percent(result.chance)}"
    if said == "learned":
        yield case.ok(f"learned: {measured}", **fields)
    elif said == "partly":
        flat = f"; the silhouette rose by {number(result.lift)} only" if result.share <= limits["learned"] else ""
        yield case.look(f"partly: {measured}{flat}", **fields)
    elif said == "memorised":
        yield case.alarm(
            f"memorised: {percent(result.train_accuracy)} of the training data are right, on these {accuracy}, and "
            f"{measured}",
            **fields,
        )
    elif np.isfinite(result.train_accuracy) and result.guesses:
        yield case.warn(f"tangled: {measured}, and {accuracy}", **fields)
    else:
        reads = np.isfinite(result.accuracy) and not result.guesses
        what = f": the head tells them apart all the same, {accuracy}" if reads else ", as before any training"
        yield case.look(f"tangled: {measured}{what}", **fields)


def compared(result: Separation) -> str:
    """Return the share in words."""
    low, high = result.share_range
    place = result.baseline or 0
    return (
        f"the scatter within classes is {number(result.ratios[0])} of that between them, {percent(result.share)} "
        f"({percent(low)} to {percent(high)}) of that in the {SPACES[place]}"
    )


def _unsaid(result: Separation, said: str) -> tuple[str, str]:
    """Return why there is no verdict, and what to do."""
    if said == "unclear":
        return f"not clear: {compared(result)}", "Give more held-out examples."
    if said == "unknown":
        raw, twin = (one or "alike within classes" for one in (result.raw_missing, result.twin_missing))
        words = f"there is nothing to compare with: no raw inputs ({raw}), no untrained twin ({twin})"
        return words, "Give arrays to pel.embeddings.separation_of(values, labels, raw=..., untrained=...)."
    if len(result.counts) < 2:
        return "there is one class only" if len(result.counts) else "there is no class", "Give examples of all classes."
    few = int((result.counts < FEWEST).sum())
    words = f"{amount(few, 'class has', 'classes have')} fewer than {FEWEST} examples, the smallest"
    return f"{words} {int(result.counts.min())}", "Give more held-out examples."
