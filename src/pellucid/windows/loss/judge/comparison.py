"""A rule on several runs: LOS031."""

import math
from collections.abc import Iterator

from pellucid.core.figure.words import number
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.loss.result.comparison import MEASURES, Comparison

_NAMES = {
    "val_loss": "held-out loss",
    "val_accuracy": "held-out accuracy",
    "loss": "training loss",
    "accuracy": "training accuracy",
}


@rule(Comparison, code="LOS031", title="Best of several runs", order=8, limits={"errors": 3.0, "steps": 0.1})
def best_of(result: Comparison, case: Case) -> Iterator[Finding]:
    """Say which run ends best, and whether that is more than the noise of its curve.

    Looks for: the best end of a scalar that all runs have, held-out before training, and its distance to the second
        best in standard errors of both; these are of the noise along the curve.
    Why it matters: a difference within the noise decides nothing, and is often what a choice of settings rests on.
    Where the limit comes from: three standard errors, as in the other rules here.
    False alarms: never more than a look. Another seed moves the end of a run by more than the noise along its curve:
        runs with several seeds each say more.
    Likely cause: the settings in which the runs differ, or chance.
    What to do: Repeat the best two with three seeds each before you believe an order.
    Source: Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks".
    """
    name = result.measure
    if not name:
        yield case.not_measured("there is no loss or accuracy that all runs have")
        return
    first, second, *_ = result.order
    (value, error), (other, doubt) = result.end(first, name), result.end(second, name)
    apart, noise = abs(value - other), math.hypot(error, doubt)
    steps = [int(result.curve(run, name).steps[-1]) for run in result.runs]
    beside = f"{first} ends with the {'highest' if MEASURES[name] else 'lowest'} {_NAMES[name]}, {number(value)}"
    beside += f"; then {second}, {number(other)}"
    fields = {"where": name, "value": apart, "samples": len(result.runs)}
    fields |= {"evidence": {"standard_error": noise} if math.isfinite(noise) else {}}
    if min(steps) < (1 - case.limits["steps"]) * max(steps):
        yield case.look(
            f"{beside}; runs end at steps {min(steps):,} to {max(steps):,}, so that ends differ for that alone",
            **fields,
        )
    elif not math.isfinite(noise):
        yield case.ok(f"{beside}; too few points say how noisy that is", **fields)
    elif apart > case.limits["errors"] * noise:
        yield case.ok(f"{beside}, which is more than the noise of the curves", **fields)
    else:
        yield case.ok(f"no clear best: {beside}, which is within the noise of the curves", **fields)
