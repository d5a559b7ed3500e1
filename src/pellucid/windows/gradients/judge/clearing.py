"""The rule on gradients that are not cleared between two steps."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.gradients.result import GradientFlow


@rule(GradientFlow, code="GRD008", title="Gradients not cleared", order=2, limits={"steps": 3, "share": 0.9})
def not_cleared(result: GradientFlow, case: Case) -> Iterator[Finding]:
    """Gradients of all steps so far pile up in .grad.

    Looks for: at watched steps, whether the backward pass added to the very gradient that the optimiser had used in the
        step before. One parameter of each optimiser is looked at, and nine of ten of three steps or more must agree.
    Why it matters: each step follows the sum of all gradients since the beginning: it grows, points backwards, and
        training swings or diverges as if the learning rate were far too high.
    Where the limit comes from: it is no matter of size: a gradient was cleared or it was not. Three steps are ours.
    False alarms: a gradient counts only when it is, to the last bit, the old one plus what came; where clipping,
        unscaling or the mean over ranks changed it nothing is said. When the model learns well it is a warning.
    Likely cause: a training loop without optimizer.zero_grad(), or with zero_grad() of another optimiser or model.
    What to do: Call optimizer.zero_grad() once for every optimizer.step(), before loss.backward().
    Source: ours; A. Karpathy's list of the most common neural net mistakes has it.
    """
    known = ~np.isnan(result.carried)
    seen = int(known.any(axis=1).sum())
    if seen < case.limits["steps"]:
        yield case.not_measured(
            f"it could be told at {seen} watched steps, and {int(case.limits['steps'])} are needed",
            next_step="Watch longer; clipping, unscaling and distributed training hide it.",
        )
        return
    holds = np.where(known, result.carried, 0.0) > 0
    shares = holds.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    places = [place for place in np.flatnonzero(shares >= case.limits["share"]) if known[:, place].sum() > 1]
    if not places:
        yield case.ok(f"cleared before each of {seen} watched steps", samples=seen)
        return
    speak = case.warn if case.learning.succeeds is True else case.alarm
    for place in places:
        yield speak(
            f"the gradient of the step before was still there at {holds[:, place].sum()} of {known[:, place].sum()} "
            "watched steps, and the new one was added to it",
            where=result.names[place],
            step=int(result.steps[np.flatnonzero(holds[:, place])[0]]),
            value=float(shares[place]),
            limit=case.limits["share"],
            samples=int(known[:, place].sum()),
        )
