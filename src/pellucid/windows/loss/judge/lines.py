"""Rules on the loss along single lines: LOS027 and LOS028."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.figure.words import number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.loss.result.lines import Interpolation, LineSearch


@rule(
    Interpolation,
    code="LOS027",
    title="Barrier between two models",
    order=8,
    limits={"connected": 0.02, "connected_loss": 0.05, "barrier": 0.1, "errors": 3.0},
)
def barrier_between(result: Interpolation, case: Case) -> Iterator[Finding]:
    """Whether the loss rises between the weights of two models, above the straight line from one to the other.

    Looks for: with classes, a share of wrong predictions that lies .1 or more above that line and 3 standard errors;
        below .02 the models are connected, as they are where the loss rises by 5 % of that of the ends at the most.
        Without classes a loss that rises by the loss of the ends itself is a barrier.
    Why it matters: across a barrier weights cannot be averaged, and two trainings found different solutions, or the
        same with units in another order.
    Where the limit comes from: small networks on digits: trained from different first weights .29 more wrong
        predictions half way, a copy with its units in another order .39, two that parted after 50 steps .0002.
    False alarms: never more than a look; a barrier is no fault. Between .02 and .1, and within 3 standard errors,
        nothing is said.
    Likely cause: different first weights, or a very high learning rate after both parted.
    What to do: To average models, train both from one checkpoint, match their units first, or average predictions.
    Source: Frankle et al. 2020, "Linear mode connectivity and the lottery ticket hypothesis".
    """
    if result.stopped:
        yield case.stopped("stopped before all points between both ends were measured", samples=result.samples)
        return
    if result.top is None:
        yield case.not_measured("an end has no finite loss")
        return
    ends = (abs(float(result.losses[0])) + abs(float(result.losses[-1]))) / 2
    classes = bool(np.isfinite(result.wrong).all())
    rises, errors = (result.wrong_rises, result.wrong_errors) if classes else (result.rises, result.rise_errors)
    height = float("inf") if np.isnan(rises).any() else max(float(rises.max()), 0.0)
    error = float(errors[int(np.nanargmax(rises))])
    least = case.limits["barrier"] if classes else ends
    fields = {"value": height, "limit": least, "samples": result.samples, "evidence": {"standard_error": error}}
    where = f"the loss rises by {number(result.barrier)} above the line between {_ends(result)}"
    if classes:
        where += f", the share of wrong predictions by {percent(height)}"
    few_wrong = classes and height <= case.limits["connected"]
    if few_wrong or result.barrier <= case.limits["connected_loss"] * ends:
        yield case.ok(f"connected: {where}", **fields)
    elif height >= least and (not np.isfinite(height) or height > case.limits["errors"] * error):
        yield case.look(f"a barrier: {where}", **fields)
    else:
        yield case.ok(f"no clear barrier: {where}", **fields)


def _ends(result: Interpolation) -> str:
    return f"{number(float(result.losses[0]))} and {number(float(result.losses[-1]))}"


@rule(
    LineSearch,
    code="LOS028",
    title="Length of the step",
    order=8,
    limits={"timid": 0.1, "good": 1.0, "errors": 3.0, "wasted": 0.001},
)
def step_length(result: LineSearch, case: Case) -> Iterator[Finding]:
    """Whether a step with the learning rate goes down, and how far beside the best one.

    Looks for: a loss that is higher after the step than before it, by 3 standard errors; and the learning rate as a
        share of the best: below .1 it is timid, up to 1 good, above it overshoots. Below a thousandth it is to be
        looked at, too.
    Why it matters: a step that rises makes the loss jump; one that is very much too short wastes the training.
    Where the limit comes from: small networks on digits that trained well, under SGD, momentum and Adam, after 1 to 400
        steps: .005 to 2.6 times the best. At a rate of 10^-4 under SGD, which learned nothing: 1.3e-5 times. A step
        of SGD rose at a rate of 1 after 100 steps, and one of AdamW at .03 after 20, both of which learned in the end.
    False alarms: never more than a look. The best step of a single moment is not the best learning rate of a training:
        full steps down swing across a ravine, gradients of small batches are noisy, and schedules end low.
    Likely cause: a learning rate that does not fit the model, or has been lowered to nearly nothing.
    What to do: If the loss jumps, lower the learning rate; if it hardly moves, raise it.
    Source: facts of this project, loss 2.3.
    """
    if not np.isfinite(result.learning_rate):
        yield case.not_measured("no optimizer was given", next_step="Give optimizer=, the one that trains the model.")
        return
    if not np.isfinite(result.before):
        yield case.not_measured("there is no finite loss at the weights")
        return
    best = {} if result.place is None else {"best": result.best}
    fields = {"samples": result.samples, "evidence": {"learning_rate": result.learning_rate} | best}
    rises = result.after - result.before
    rate = f"a step with the learning rate {number(result.learning_rate)}"
    doubt = case.limits["errors"] * float(np.nan_to_num(result.after_error))
    if not np.isfinite(rises) or rises > doubt:
        yield case.look(
            f"rises: {rate} takes the loss from {number(result.before)} to {number(result.after)}", **fields
        )
        return
    if result.place is None:
        yield case.ok("no step that was tried lowers the loss clearly", **fields)
        return
    share = result.share
    fields |= {"value": share, "limit": case.limits["good"]}
    beside = f"{rate} is {number(share)} times the best, {number(result.best)}"
    if share > case.limits["good"]:
        yield case.ok(f"overshoots: {beside}, and still lowers the loss", **fields)
    elif share >= case.limits["timid"]:
        yield case.ok(f"good: {beside}", **fields)
    else:
        speak = case.look if share < case.limits["wasted"] else case.ok
        yield speak(f"timid: {beside}", **fields)
