"""Rules on a descent over a surface of two parameters: LOS015 to LOS021."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps

import numpy as np

from pellucid.core.figure.words import amount, number
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.descent import ADAPTIVE, highest_rate
from pellucid.maths.surfaces import CriticalPoint
from pellucid.windows.loss.result import Descent

Judge = Callable[[Descent, Case], Iterable[Finding]]


def _of_steps(judge: Judge) -> Judge:
    """Have a rule say that it needs steps, where a path has fewer than `points` points."""

    @wraps(judge)
    def judged(result: Descent, case: Case) -> Iterator[Finding]:
        needed = int(case.limits["points"])
        if len(result.path) < needed:
            yield case.not_measured(f"{amount(len(result.path), 'point')}; {needed} are needed")
            return
        yield from judge(result, case)

    return judged


@rule(Descent, code="LOS015", title="Diverging descent", order=6, limits={"points": 3}, explains=("LOS017", "LOS018"))
@_of_steps
def diverging(result: Descent, case: Case) -> Iterator[Finding]:
    """A path that climbs out of the picture.

    Looks for: a path that ends outside what is shown of the surface and higher than it began, or is not finite.
    Why it matters: each step lands further up the other side than the one before, so that no number of steps helps.
    Where the limit comes from: on a parabola of curvature lambda a step multiplies the distance by 1 - lr lambda, which
        is larger than 1 in size above lr = 2 / lambda; momentum b raises that to 2 (1 + b) / ((1 - b) lambda).
    False alarms: momentum may swing out of the picture and come back later; such a path ends higher than it began only
        when the steps are very few.
    Likely cause: a learning rate above what the steepest direction allows.
    What to do: Divide the learning rate by 2 until it comes down, or clip the gradient.
    Source: Y. LeCun et al., "Efficient BackProp", 1998, section 4.4.
    """
    if result.ending != "left":
        yield case.ok("the path stays where it can be seen", samples=result.steps)
        return
    step, limit = result.left or 0, _highest(result, result.steepest)
    yield case.alarm(
        f"{_against(result, result.steepest, 'the steepest curvature on the way')}; it leaves the picture at step "
        f"{step}",
        step=step,
        value=result.learning_rate,
        limit=None if np.isinf(limit) else limit,
        samples=result.steps,
        evidence={"curvature": result.steepest, "momentum": result.momentum},
    )


def _highest(result: Descent, curvature: float) -> float:
    return highest_rate(result.optimizer, curvature=curvature, momentum=result.momentum)


def _against(result: Descent, curvature: float, which: str) -> str:
    """Return the learning rate held against that above which the optimizer diverges at a curvature, in words."""
    rate, highest = number(result.learning_rate), _highest(result, curvature)
    if np.isinf(highest):
        return f"the learning rate is {rate}"
    formula = "2/λ" if result.optimizer == "SGD" else f"what {result.optimizer} can take"
    same = np.isclose(result.learning_rate, highest, rtol=1e-3)
    side = "at" if same else "above" if result.learning_rate > highest else "below"
    return f"the learning rate {rate} is {side} {formula} = {number(highest)}, λ = {number(curvature)} being {which}"


@rule(
    Descent,
    code="LOS016",
    title="Limit cycle",
    order=6,
    limits={"points": 40, "wide": 0.05},
    explains=("LOS017", "LOS018"),
)
@_of_steps
def limit_cycle(result: Descent, case: Case) -> Iterator[Finding]:
    """A path that goes round and round.

    Looks for: a last quarter that moves much, gets nowhere, and stays as far from the minimum as the quarter before.
        One within 5 % of the first distance is only looked at.
    Why it matters: more steps bring nothing.
    Where the limit comes from: SGD neither comes nearer nor goes away at a learning rate of exactly 2 / lambda. RMSProp
        and Adam divide by the size of the gradient, so that their steps do not get shorter on the way down: they circle
        at about half the learning rate.
    False alarms: noise of the gradient keeps every path moving; a noisy one is not judged.
    Likely cause: a learning rate at the limit, or a constant one with an optimizer that divides by the gradient.
    What to do: Lower the learning rate, or let it decay.
    Source: facts of this project, loss 3.
    """
    if result.noise > 0:
        yield case.not_measured("the gradient is noisy, so that the path never comes to rest")
        return
    circle = result.circle if result.ending != "left" else None
    if circle is None:
        yield case.ok("the path does not go round in circles", samples=result.steps)
        return
    limit = case.limits["wide"] * float(result.distance[0])
    speak = case.look if circle <= limit else case.warn
    reason = (
        f"{result.optimizer} divides by the size of the gradient, so that its steps do not get shorter"
        if result.optimizer in ADAPTIVE
        else _against(result, result.goal_bends[1], "the curvature there")
    )
    yield speak(
        f"it keeps circling {number(circle)} away from the minimum {_at(result.goal)}: {reason}",
        value=circle,
        limit=limit,
        samples=result.steps,
        evidence={"curvature": result.goal_bends[1]},
    )


@rule(
    Descent,
    code="LOS017",
    title="Oscillating descent",
    order=7,
    limits={"points": 3, "look": 1.0, "warn": 1.5, "flips": 2, "many": 20},
)
@_of_steps
def oscillating(result: Descent, case: Case) -> Iterator[Finding]:
    """Steps that overshoot the minimum and come back.

    Looks for: SGD with a learning rate above `look` / lambda, lambda being the steepest curvature that the path met,
        and 2 sign flips or more: a coordinate that changes its side of the minimum. From `warn` / lambda on each step
        lands more than half as far on the other side. Of the other optimizers, more than 20 flips that are wider than a
        twentieth of the first distance.
    Why it matters: what is spent on going back and forth is not spent on going down.
    Where the limit comes from: on a parabola a step multiplies the distance by 1 - lr lambda, which is negative above
        lr = 1 / lambda. Measured on one with 1 / lambda = 0.2: no flip at 0.2, 2 at 0.21, 9 at 0.3, 134 at 0.39.
    False alarms: momentum rolls past a minimum a few times in good health, which is why it has 20 flips free.
    Likely cause: a learning rate above 1 / lambda, or a momentum that remembers too many steps.
    What to do: Lower the learning rate below 1 / lambda; with momentum, lower the momentum.
    Source: Y. LeCun et al., "Efficient BackProp", 1998, section 4.4; facts of this project, loss 3.
    """
    flips, there = max(result.flips), result.goal_bends[1]
    steep = there if result.learning_rate * there > case.limits["look"] else result.steepest
    sharpness = result.learning_rate * steep
    fields = {"value": float(flips), "samples": result.steps, "evidence": {"sharpness": sharpness}}
    if result.optimizer != "SGD":
        circles = result.optimizer in ADAPTIVE and result.circle is not None  # LOS016 says so
        if result.swings <= case.limits["many"] or circles:
            yield case.ok(f"{amount(flips, 'sign flip')}", limit=case.limits["many"], **fields)
            return
        memory = (
            f"; momentum {number(result.momentum)} remembers about {1 / (1 - result.momentum):.0f} steps"
            if result.optimizer != "RMSProp" and result.momentum >= 0.9
            else ""
        )
        yield case.warn(f"it passes the minimum {result.swings} times{memory}", limit=case.limits["many"], **fields)
        return
    if flips < case.limits["flips"] or sharpness <= case.limits["look"]:
        yield case.ok(f"{amount(flips, 'sign flip')}", limit=case.limits["flips"], **fields)
        return
    speak = case.warn if sharpness > case.limits["warn"] else case.look
    yield speak(
        f"the learning rate {number(result.learning_rate)} is above 1/λ = {number(1 / steep)}, so that each "
        f"step overshoots: {amount(flips, 'sign flip')}",
        limit=case.limits["flips"],
        **fields,
    )


@rule(
    Descent,
    code="LOS018",
    title="Zig-zagging descent",
    order=6,
    limits={"points": 10, "turn": 45, "flips": 6, "steeper": 5},
    explains=("LOS017", "LOS020"),
)
@_of_steps
def zig_zag(result: Descent, case: Case) -> Iterator[Finding]:
    """A path that crosses a ravine back and forth while it creeps along it.

    Looks for: a mean turn of 45 degrees or more over the first 30 steps, 6 sign flips across and at most a quarter of
        them along, where the surface is 5 times steeper across than along.
    Why it matters: the steep direction sets the learning rate, and the flat one, where the way to go is, waits.
    Where the limit comes from: in a ravine that is 50 times steeper across, SGD turned by 62 degrees on average,
        momentum as it is averaged here by 12, and momentum as torch adds it up, with the same learning rate, by 57.
    False alarms: none on round surfaces: a path that only goes back and forth is oscillating (LOS017).
    Likely cause: one learning rate for directions of very different curvature.
    What to do: Use momentum with the learning rate times (1 - momentum) in torch, or Adam; or scale the inputs.
    Source: G. Goh, "Why momentum really works", Distill 2017; facts of this project, loss 3.
    """
    low, high = result.goal_bends
    steeper = high / low if low > 0 else float("nan")
    flips, turn = result.flips, result.turn
    across = int(np.argmax(flips))
    far = abs(float(result.away[0, 1 - across])) > result.smallest
    crosses = flips[across] >= case.limits["flips"] and flips[1 - across] <= flips[across] / 4
    fields = {"value": turn, "limit": case.limits["turn"], "samples": result.steps}
    if not (crosses and far and turn >= case.limits["turn"] and steeper >= case.limits["steeper"]):
        yield case.ok("no zig-zag" if np.isnan(turn) else f"the first steps turn by {turn:.0f}° on average", **fields)
        return
    yield case.warn(
        f"{flips[across]} sign flips along {'xy'[across]}, and the first steps turn by {turn:.0f}° on average: the "
        f"surface is {number(steeper)} times steeper across than along",
        evidence={"flips": flips[across], "flips_along": flips[1 - across], "steeper": steeper},
        **fields,
    )


@rule(Descent, code="LOS019", title="Stuck at a saddle", order=6, limits={"points": 3}, explains=("LOS020",))
@_of_steps
def stuck_at_saddle(result: Descent, case: Case) -> Iterator[Finding]:
    """A path that comes to rest where the surface still goes down on one side.

    Looks for: an end close to a saddle or a top, with a gradient of 5 % of the largest on the way or less, and a
        negative eigenvalue of the Hessian.
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
    still = "exactly on the ridge, where no step leads down" if result.gradients[-1] == 0 else "still leaving it slowly"
    if result.gradients[-1] > 0 and not _leaves(result):
        still = "and nothing pushes it off the ridge"
    yield case.warn(
        f"after {amount(result.steps, 'step')} it is at the {found.kind} {_at(found)}, {still}: the gradient is "
        f"{number(result.gradients[-1])}, and the surface bends down with curvature {number(result.curvatures[-1, 0])}",
        value=float(result.gradients[-1]),
        limit=0.05 * float(np.nanmax(result.gradients)),
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
@_of_steps
def slow(result: Descent, case: Case) -> Iterator[Finding]:
    """A path that is still on its way when the steps are used up.

    Looks for: a path that ends outside a hundredth of its first distance and is still coming nearer. With a learning
        rate below a tenth of 1 / lambda and less than 60 % of the way behind it, or with steps of RMSProp or Adam that
        all together reach less than a quarter of the way, it is too slow; otherwise it is only on its way.
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
        f"{100 * done:.0f} % of the way to the minimum {_at(result.goal)} after {amount(result.steps, 'step')}"
        if done > 0
        else f"after {amount(result.steps, 'step')} it is no nearer to the minimum {_at(result.goal)} than at the start"
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
    if rate * result.steepest >= case.limits["timid"] or done >= case.limits["done"]:
        return None
    return f"the learning rate {number(rate)} is {number(1 / (rate * result.steepest))} times smaller than 1/λ"


@rule(Descent, code="LOS021", title="Minimum reached", order=8, limits={"points": 2})
@_of_steps
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
        yield case.look(f"no minimum is reached; the last place is {_places(last[0], last[1])}", samples=result.steps)
        return
    goal, lowest = result.goal, result.minima[0]
    message = f"the minimum {_at(goal)} in {amount(result.arrived, 'step')}"
    fields = {"value": float(result.arrived), "samples": result.steps, "evidence": {"height": goal.value}}
    if goal.value - lowest.value > 1e-6:
        deeper = number(goal.value - lowest.value)
        yield case.look(f"{message}, which is not the lowest: the one at {_at(lowest)} is {deeper} deeper", **fields)
        return
    several = len(result.minima) > 1
    same = sum(one.value - lowest.value <= 1e-6 for one in result.minima)
    rank = "" if not several else ", the lowest" if same == 1 else f", one of {same} equally low"
    yield case.ok(message + rank, **fields)


def _at(point: CriticalPoint) -> str:
    return _places(point.x, point.y)


def _places(x: float, y: float) -> str:
    return f"({number(round(float(x), 3))}, {number(round(float(y), 3))})"
