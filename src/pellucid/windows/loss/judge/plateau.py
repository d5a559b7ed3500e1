"""A rule on losses that no longer fall: LOS030."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.figure.words import number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.trend import blocks, theil_sen
from pellucid.windows.loss.result import LossCurves

_BLOCKS = 30


@rule(LossCurves, code="LOS030", title="Plateau", order=8, limits={"points": 60.0, "fall": 0.1})
def plateau(result: LossCurves, case: Case) -> Iterator[Finding]:
    """Say whether the training loss still falls, by a slope that outliers do not tilt.

    Looks for: over the last half of the training loss, in 30 means of neighbours, a median slope between all pairs
        whose 95 % interval covers 0, and at whose lower end the loss would have fallen by a tenth of itself at the
        most.
    Why it matters: a loss that has levelled off needs something else than more steps; one that still falls may need
        nothing but these.
    Where the limit comes from: noise alone is covered in 95 of 100 cases. That a loss has levelled off is never more
        than said where the model has learned, however little that is.
    False alarms: never more than a look, and that only where the model has plainly not learned. A model that is done
        has levelled off, too. Schedules that end low make any loss level off.
    Likely cause: a learning rate that is too low, or so high that steps jump back and forth; a model that is too small;
        labels that hold no more.
    What to do: See what a step does: pel.loss.line_search(model, data, optimizer=optimizer).
    Source: Theil 1950, Sen 1968; the use on losses is ours.
    """
    loss = result.curve("loss").before_failure()
    values = loss.values[len(loss) // 2 :]
    if len(loss) < case.limits["points"]:
        needed = f"{case.limits['points']:.0f} are needed"
        yield case.not_measured(f"{len(loss)} finite losses; {needed}", samples=len(loss))
        return
    means = blocks(values, _BLOCKS)
    slope, low, high = (one * (len(means) - 1) for one in theil_sen(np.arange(len(means), dtype=float), means))
    level = float(np.median(means))
    fields = {"where": "loss", "value": slope, "samples": len(loss), "evidence": {"low": low, "high": high}}
    since = int(loss.steps[len(loss) // 2])
    if high < 0:
        yield case.ok(
            f"still falling: by {number(-slope)} since step {since}, to about {number(level + slope / 2)}", **fields
        )
    elif low > 0:
        yield case.ok(f"rising: by {number(slope)} since step {since}", **fields)
    elif -low > case.limits["fall"] * abs(level):
        share = percent(-low / abs(level)) if level else "all of it"
        yield case.ok(f"not known: within the noise it may have fallen by up to {share} since step {since}", **fields)
    else:
        say = case.look if case.learning.succeeds is False else case.ok
        yield say(f"levelled off at {number(level)} since step {since} or before", **fields)
