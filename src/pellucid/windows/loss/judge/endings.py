"""Rules on where a descent over a surface of two parameters ends: LOS019 to LOS021."""

from collections.abc import Iterator

import numpy as np

from pellucid.core.figure.words import amount, number
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.descent import ADAPTIVE
from pellucid.windows.loss.judge.rates import at, of_steps, places
from pellucid.windows.loss.result import Descent


@rule(Descent, code="LOS019", title="Stuck at a saddle", order=6, limits={"points": 3}, explains=("LOS020",))
@of_steps
def stuck_at_saddle(result: Descent, case: Case) -> Iterator[Finding]:
    """A path that comes to rest where the surface still goes down on one side.

    Looks for: an end close to a saddle or a top, with a gradient of 5 % of the largest on the way or less, and a
        negative eigenvalue of the Hessian. An end within a hundredth of half the picture needs no such gradient: it may
        never have had a larger one.
    Why it matters: the gradient is as small as at a minimum, so that the loss looks finished, and is not.
    Where the limit comes from: the distance from a saddle grows by a factor of 1 + lr |lambda| a step, so that a start
        0.001 beside it took SGD 66 steps to leave; exactly on the ridge it never does.
    False alarms: with more steps the path may leave by itself.
    Likely cause: a start, or a symmetry, that leaves no gradient along the direction that goes down.
    What to do: Take more steps, add noise (smaller batches), or use an optimizer that divides by the size of the
        gradient, such as Adam.
    Source: Y. Dauphin et al., "Identifying and attacking the saddle point problem", 2014; facts of this project, loss
        3.
    """
    found = result.saddle if result.ending == "saddle" else None
    if found is None:
        yield case.ok("the path does not end at a saddle", samples=result.steps)
        return
    small = 0.05 * float(np.nanmax(result.gradients))
    kind, ridge = ("top", "top") if found.kind == "maximum" else (found.kind, "ridge")
    if not result.gradients[-1]:
        still = f"exactly on the {ridge}, where no step leads down"
    elif _leaves(result):
        still = "still leaving it slowly"
    else:
        on_it = bool((result.path[-1] == (found.x, found.y)).any())
        still = f"and nothing pushes it off the {ridge}" if on_it else "and has not left it yet"
    yield case.warn(
        f"after {amount(result.steps, 'step')} it is at the {kind} {at(found)}, {still}: the gradient is "
        f"{number(result.gradients[-1])}, and the surface bends down with curvature {number(result.curvatures[-1, 0])}",
        value=float(result.gradients[-1]),
        limit=small if float(result.gradients[-1]) <= small else None,
        samples=result.steps,
        evidence={"lowest_curvature": float(result.curvatures[-1, 0])},
    )


def _leaves(result: Descent) -> bool:
    """Whether the last steps go away from the saddle along some coordinate."""
    saddle = result.saddle
    if saddle is None or result.steps < 2:
        return False
    away = np.abs(result.path[-3:] - (saddle.x, saddle.y))
    return bool((np.diff(away, axis=0) > 0).all(axis=0).any())


@rule(
    Descent,
    code="LOS020",
    title="Slow descent",
    order=8,
    limits={"points": 3, "timid": 0.1, "done": 0.6, "reach": 0.25},
)
@of_steps
def slow(result: Descent, case: Case) -> Iterator[Finding]:
    """A path that is still on its way when the steps are used up.

    Looks for: a path that ends outside a hundredth of its first distance and is still coming nearer. With a learning
        rate below a tenth of 1 / lambda, lambda being the steepest curvature on the way or at the minimum, and less
        than 60 % of the way behind it, or with steps of RMSProp or Adam that all together reach less than a quarter of
        the way, it is too slow; otherwise it is only on its way.
    Why it matters: steps that are much shorter than they need be cost as much as long ones.
    Where the limit comes from: on a parabola SGD is fastest at 1 / lambda; at a tenth it takes 44 steps to come within
        a hundredth, where 1 would do.
    False alarms: a surface that is much flatter along than across takes many steps at any learning rate: that is on its
        way, not too slow.
    Likely cause: a learning rate that is too low, or too few steps.
    What to do: Raise the learning rate towards 1 / lambda, or take more steps.
    Source: ours, after the line search of loss 2.3 of the facts: below a tenth of the best step is timid.
    """
    if result.ending != "under way":
        yield case.ok("the path has come to an end", samples=result.steps)
        return
    distance = result.distance
    done = 1 - float(distance[-1] / distance[0]) if distance[0] > 0 else 0.0
    course = (
        f"{100 * done:.0f} % of the way to the minimum {at(result.goal)} after {amount(result.steps, 'step')}"
        if done > 0
        else f"after {amount(result.steps, 'step')} it is no nearer to the minimum {at(result.goal)} than at the start"
    )
    fields = {"value": done, "limit": 0.99, "samples": result.steps}
    if (reason := _timid(result, case, done)) is not None:
        yield case.warn(f"{course}; {reason}", **fields)
    else:
        yield case.look(course, **fields)


def _timid(result: Descent, case: Case, done: float) -> str | None:
    """Return why the steps are too short for this surface; None where they are not."""
    rate = result.learning_rate
    if result.optimizer in ADAPTIVE:
        reach, far = rate * result.steps, float(np.abs(result.away[0]).max())
        short = reach < case.limits["reach"] * far
        return f"steps of {number(rate)} reach {number(reach)} of {number(far)} at the most" if short else None
    # Where the way is flat or bends down, the minimum says how long a step may be.
    curvature = max(result.steepest, result.goal_bends[1])
    if curvature <= 0 or rate * curvature >= case.limits["timid"] or done >= case.limits["done"]:
        return None
    return f"the learning rate {number(rate)} is {number(1 / curvature / rate)} times smaller than 1/λ"


@rule(Descent, code="LOS021", title="Minimum reached", order=8, limits={"points": 2})
@of_steps
def reached(result: Descent, case: Case) -> Iterator[Finding]:
    """Which minimum a path came to rest at.

    Looks for: a path that stays within a hundredth of its first distance from a minimum; and whether there is a lower
        one.
    Why it matters: a gradient leads down the slope that it stands on; where a path ends was decided where it began.
    Where the limit comes from: there is none: this says where it ended. Of 99 starts on the surface with two minima
        none of five optimizers ended on the other side of the ridge with small steps.
    False alarms: none: it is a fact to look at.
    Likely cause: a start on the slope of a higher minimum.
    What to do: Begin elsewhere, or use a learning rate or a momentum that carries the path over the ridge.
    Source: facts of this project, loss 3.
    """
    if result.arrived is None or result.ending == "left":
        last = result.path[np.isfinite(result.path).all(axis=1)][-1]
        yield case.look(f"no minimum is reached; the last place is {places(last[0], last[1])}", samples=result.steps)
        return
    goal, lowest = result.goal, result.minima[0]
    message = f"the minimum {at(goal)} in {amount(result.arrived, 'step')}"
    fields = {"value": float(result.arrived), "samples": result.steps, "evidence": {"height": goal.value}}
    if goal.value - lowest.value > 1e-6:
        deeper = number(goal.value - lowest.value)
        yield case.look(f"{message}, which is not the lowest: the one at {at(lowest)} is {deeper} deeper", **fields)
        return
    several = len(result.minima) > 1
    same = sum(one.value - lowest.value <= 1e-6 for one in result.minima)
    rank = "" if not several else ", the lowest" if same == 1 else f", one of {same} equally low"
    yield case.ok(message + rank, **fields)
