"""Rules on the course of a descent over a surface of two parameters: LOS015 to LOS018."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.core.figure.words import amount, number
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.maths.descent import ADAPTIVE
from pellucid.windows.loss.judge.rates import (
    against,
    at,
    beyond,
    drowned,
    highest,
    long_steps,
    of_steps,
    plain,
    remembered,
)
from pellucid.windows.loss.result import Descent

_LONG_MEMORY = 0.9  # momentum that is named where a path goes back and forth


@rule(
    Descent,
    code="LOS015",
    title="Diverging descent",
    order=6,
    limits={"points": 3, "look": 0.25, "thrown": 1.0},
    explains=("LOS017", "LOS018"),
)
@of_steps
def diverging(result: Descent, case: Case) -> Iterator[Finding]:
    """A path that climbs out of the picture, or is thrown out of it for a while.

    Looks for: a path that ends outside what is shown of the surface and higher than it began, or is not finite: an
        alarm. One that goes further out than the picture is wide, beyond where it began, and comes back is a warning;
        one that goes a quarter of it out is looked at.
    Why it matters: each step lands further up the other side than the one before, so that no number of steps helps.
        A path that comes back ends wherever the throw took it.
    Where the limit comes from: on a parabola of curvature lambda a step multiplies the distance by 1 - lr lambda, which
        is larger than 1 in size above lr = 2 / lambda; momentum b raises that to 2 (1 + b) / ((1 - b) lambda). RMSProp
        and Adam have no such limit: their first steps are as long as the learning rate, however short the way is.
    False alarms: momentum may swing out of the picture and come back later; such a path ends higher than it began only
        when the steps are very few.
    Likely cause: a learning rate above what the steepest direction allows, or longer than the way to go.
    What to do: Divide the learning rate by 2 until it comes down, or clip the gradient.
    Source: Y. LeCun et al., "Efficient BackProp", 1998, section 4.4.
    """
    if result.ending != "left":
        yield _thrown(result, case)
        return
    step, noise, found = result.left or 0, drowned(result), beyond(result)
    reasons = [one for one in (noise, found and found[0]) if one] or [long_steps(result)]
    if not step:
        course = "it begins outside the picture and ends higher than it began"
    elif found:
        course = f"it leaves the picture at step {step}"
    else:
        course = f"from step {step} on it is outside the picture, and it ends higher than it began"
    yield case.alarm(
        "; ".join([*reasons, course]),
        step=step,
        value=result.learning_rate,
        limit=found and highest(result, found[1]),
        samples=result.steps,
        evidence={"curvature": found[1] if found else result.steepest, "momentum": result.momentum},
        **(_NOISY if noise and not found else {}),
    )


_NOISY = {"cause": "Gradients that are mostly noise.", "next_step": "Take larger batches, or lower the learning rate."}


def _thrown(result: Descent, case: Case) -> Finding:
    """Judge a path that does not end outside and above its start by how far out it went in between."""
    out = result.strayed
    fields = {"value": out, "samples": result.steps}
    if out < case.limits["look"]:
        return case.ok("the path stays where it can be seen", limit=case.limits["look"], **fields)
    past = out >= case.limits["thrown"]
    back = "is back at the end" if result.left is None else "has not come back"
    noise = drowned(result)
    return (case.warn if past else case.look)(
        f"{noise or long_steps(result)}; it swings out of the picture by {number(out)} times its size, and {back}",
        limit=case.limits["thrown" if past else "look"],
        **fields,
        **(_NOISY if noise else {}),
    )


@rule(
    Descent,
    code="LOS016",
    title="Limit cycle",
    order=6,
    limits={"points": 40, "wide": 0.05},
    explains=("LOS017", "LOS018"),
)
@of_steps
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
        else against(result, result.goal_bends[1], "the curvature there")
    )
    yield speak(
        f"it keeps circling, up to {number(circle)} away from the minimum {at(result.goal)}: {reason}",
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
@of_steps
def oscillating(result: Descent, case: Case) -> Iterator[Finding]:
    """Steps that overshoot the minimum and come back.

    Looks for: SGD with a learning rate above `look` / lambda, lambda being the steepest curvature that the path met,
        and 2 sign flips or more: a coordinate that changes its side of the minimum. From `warn` / lambda on each step
        lands more than half as far on the other side. A path that overshoots only where it is steepest on the way, and
        arrives, is looked at. Of the other optimizers, more than 20 flips that are wider than a twentieth of the first
        distance.
    Why it matters: what is spent on going back and forth is not spent on going down.
    Where the limit comes from: on a parabola a step multiplies the distance by 1 - lr lambda, which is negative above
        lr = 1 / lambda. Measured on one with 1 / lambda = 0.2: no flip at 0.2, 2 at 0.21, 9 at 0.3, 134 at 0.39.
    False alarms: momentum rolls past a minimum a few times in good health, which is why it has 20 flips free. Noise
        makes every path go back and forth; a noisy one is judged only where a step of SGD overshoots by itself.
    Likely cause: a learning rate above 1 / lambda, or a momentum that remembers too many steps.
    What to do: Lower the learning rate below 1 / lambda; with momentum, lower the momentum.
    Source: Y. LeCun et al., "Efficient BackProp", 1998, section 4.4; facts of this project, loss 3.
    """
    if _shaken(result):
        yield case.not_measured("the gradient is noisy, so that every path goes back and forth")
        return
    flips, there = max(result.flips), result.goal_bends[1]
    sharp = result.learning_rate * there > case.limits["look"]  # at the minimum, and not only on the way to it
    steep = there if sharp else result.steepest
    sharpness = result.learning_rate * steep
    fields = {"value": float(flips), "samples": result.steps, "evidence": {"sharpness": sharpness}}
    if not plain(result):
        yield _passing(result, case, fields)
        return
    if flips < case.limits["flips"] or sharpness <= case.limits["look"]:
        yield case.ok(f"{amount(flips, 'sign flip')}", limit=case.limits["flips"], **fields)
        return
    severe = sharpness > case.limits["warn"] and (sharp or result.arrived is None)
    where = "each step overshoots" if sharp else "steps overshoot where it is steepest"
    yield (case.warn if severe else case.look)(
        f"the learning rate {number(result.learning_rate)} is above 1/λ = {number(1 / steep)}, so that {where}: "
        f"{amount(flips, 'sign flip')}",
        limit=case.limits["flips"],
        **fields,
    )


def _shaken(result: Descent) -> bool:
    """Whether noise alone may turn a path: not where a plain step overshoots anyway."""
    return result.noise > 0 and not (plain(result) and result.learning_rate * result.goal_bends[1] > 1)


def _passing(result: Descent, case: Case, fields: dict[str, Any]) -> Finding:
    """Judge an optimizer with a memory by how often it passes the minimum."""
    flips, many = max(result.flips), case.limits["many"]
    circles = result.optimizer in ADAPTIVE and result.circle is not None  # LOS016 says so
    if result.swings <= many or circles:
        return case.ok(f"{amount(flips, 'sign flip')}", limit=many, **fields)
    long = result.optimizer != "RMSProp" and result.momentum >= _LONG_MEMORY
    memory = f"; {remembered(result)}" if long else ""
    return case.warn(f"it passes the minimum {result.swings} times{memory}", limit=many, **fields)


@rule(
    Descent,
    code="LOS018",
    title="Zig-zagging descent",
    order=6,
    limits={"points": 10, "turn": 45, "flips": 6, "steeper": 5},
    explains=("LOS017", "LOS020"),
)
@of_steps
def zig_zag(result: Descent, case: Case) -> Iterator[Finding]:
    """A path that crosses a ravine back and forth while it creeps along it.

    Looks for: a mean turn of 45 degrees or more over the first 30 steps, 6 sign flips across and at most a quarter of
        them along, where the surface is 5 times steeper across than along.
    Why it matters: the steep direction sets the learning rate, and the flat one, where the way to go is, waits.
    Where the limit comes from: in a ravine that is 50 times steeper across, SGD turned by 62 degrees on average,
        momentum as it is averaged here by 12, and momentum as torch adds it up, with the same learning rate, by 57.
    False alarms: none on round surfaces: a path that only goes back and forth is oscillating (LOS017). Noise turns
        every path; a noisy one is judged only where a step of SGD overshoots by itself.
    Likely cause: one learning rate for directions of very different curvature.
    What to do: Use momentum with the learning rate times (1 - momentum) in torch, or Adam; or scale the inputs.
    Source: G. Goh, "Why momentum really works", Distill 2017; facts of this project, loss 3.
    """
    if _shaken(result):
        yield case.not_measured("the gradient is noisy, so that every path turns")
        return
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
