"""Rules on the curvature of the loss at the weights: LOS025 and LOS026."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.figure.words import number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.loss.result.curvature import Curvature

_NAMES = {"SGD": "2 / lr", "momentum": "(2 + 2 b) / lr", "Nesterov": "(2 + 2 b) / ((1 + 2 b) lr)"}


@rule(Curvature, code="LOS025", title="Edge of stability", order=7, limits={"edge": 0.8, "beyond": 1.2})
def edge_of_stability(result: Curvature, case: Case) -> Iterator[Finding]:
    """Whether steps of the optimizer on all of the data still go down the steepest direction.

    Looks for: the largest eigenvalue, as the optimizer feels it, beside the one from which on a step across a parabola
        ends higher than it began: 2 / lr for gradient descent. Below 0.8 of it steps are stable, up to 1.2 they are at
        the edge, where training on the whole data settles by itself; beyond, the loss rises, or the curvature is on its
        way down.
    Why it matters: at the edge the loss falls in jumps, and a larger learning rate makes the ground flatter instead of
        training faster; beyond it, it blows up.
    Where the limit comes from: gradient descent on 400 digits with squared error: at a learning rate of 0.2 the share
        is 1.01 to 1.14 from step 400 to 4,000, at 0.02 it is 0.48 at the most.
    False alarms: never more than a look. On small batches the curvature settles lower than the edge, and a share above
        1 need not show; it is a statement on steps with all of the data. Weight decay and clipping are left out.
    Likely cause: a learning rate that is as large as the ground allows, which is often the best one.
    What to do: Nothing at the edge. Beyond it, lower the learning rate if the loss jumps, or warm it up.
    Source: Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge of stability"; 2022 for
        Adam.
    """
    if not result.optimizer or not np.isfinite(result.steepest):
        yield case.not_measured(
            "no optimizer was given" if not result.optimizer else "the curvature is not known",
            next_step="Give optimizer=, the one that trained the model.",
        )
        return
    share, edge = result.steepest / result.edge, result.edge
    how = _NAMES.get(result.optimizer, "(2 + 2 b) / ((1 - b) lr)")
    fields = {
        "value": share,
        "samples": result.samples,
        "evidence": {"curvature": result.steepest, "edge": edge, "learning_rate": result.learning_rate},
    }
    what = f"the steepest curvature is {number(result.steepest)}, {percent(share)} of {how} = {number(edge)}"
    if share < case.limits["edge"]:
        yield case.ok(f"stable: {what}", limit=case.limits["edge"], **fields)
    elif share <= case.limits["beyond"]:
        yield case.ok(f"at the edge of stability: {what}", limit=case.limits["beyond"], **fields)
    else:
        yield case.look(f"beyond the edge of stability: {what}", limit=case.limits["beyond"], **fields)


@rule(Curvature, code="LOS026", title="Ground that bends down", order=8, limits={"share": 0.2})
def bends_down(result: Curvature, case: Case) -> Iterator[Finding]:
    """Weights at which the loss clearly bends down in some direction, as near a saddle.

    Looks for: a smallest eigenvalue below 0 by a fifth of the largest, both known that well.
    Why it matters: at a minimum there is none; a step along that direction, to one side or the other, leads down.
    Where the limit comes from: a small network on digits: 41 % before training, 8 % after 400 steps and 3 % after
        2,000.
    False alarms: never more than a look: networks that are not trained yet lie there, and that is no fault.
    Likely cause: training that has hardly begun, or has stopped at a saddle.
    What to do: Train on; where the loss does not move, add noise (smaller batches) or raise the learning rate.
    Source: Dauphin et al. 2014; limit: ours.
    """
    if result.stopped:
        yield case.stopped(
            f"stopped when the largest eigenvalue, {number(result.highest)}, and the smallest, "
            f"{number(result.lowest)}, were known",
            samples=result.samples,
        )
        return
    if not np.isfinite([result.highest, result.lowest]).all() or not result.highest > 0:
        yield case.not_measured("the largest eigenvalue is not above 0")
        return
    share = max(-result.lowest, 0.0) / result.highest
    limit = case.limits["share"]
    if max(result.bounds) > limit / 2 * result.highest:
        yield case.not_measured("the ends of the spectrum are not known well enough", next_step="Raise products.")
        return
    fields = {"value": share, "limit": limit, "samples": result.samples}
    speak = case.ok if share < limit else case.look
    yield speak(
        f"the smallest eigenvalue is {number(result.lowest)}, the largest {number(result.highest)}",
        **fields,
    )
