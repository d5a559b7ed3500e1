"""The rule on pictures that excite units."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Finding
from pellucid.core.rule import Case, rule
from pellucid.windows.weights.result import Maximized


@rule(
    Maximized,
    code="WGT005",
    title="Could not excite",
    order=6,
    limits={"share": 0.5, "steps": 64, "noise": 1.0, "real": 0.5},
)
def could_not_excite(result: Maximized, case: Case) -> Iterator[Finding]:
    """Units that no picture could be made for.

    Looks for: units that after 64 steps or more are exactly as active as at first, or gained less than the
        scatter of their curve; where examples were given, units that gained less than half of what the best one gives.
    Why it matters: a unit that nothing moves is dead: it takes memory and time, and learns no more. Where real examples
        do excite it, it is the search that failed, and its picture means nothing.
    Where the limit comes from: of 1,080 units of 24 healthy small networks every live one gained 2.9 times its scatter
        or more. A few dead units are usual in healthy networks with ReLUs, so that half of the units must be dead for a
        warning.
    False alarms: units that a picture moves only beyond the range of values that was searched: say it with
        normalization, or give examples. Units at their upper end from the beginning, such as a probability of 1.
    Likely cause: dead ReLUs after a step that was too large; weights of zero; a layer that does not see the picture.
    What to do: Look at the same layer with pel.activations.histograms on real data: units that are 0 on all of it are
        dead. If they are alive there, take another seed or more steps.
    Source: Erhan et al. 2009 (activation maximisation); limits: ours.
    """
    if not len(result.units):
        yield case.not_measured("no picture was made")
        return
    if result.stopped:
        yield case.stopped(_stopped(result), samples=len(result.units))
    finite = np.isfinite(result.values) & np.isfinite(result.first)
    flat = result.still | (result.rise <= case.limits["noise"] * _scatter(result))
    alive = _alive(result)
    failed = finite & flat & ~alive
    early = result.steps < case.limits["steps"]
    if not finite.all():
        count = int((~finite).sum())
        yield case.not_measured(f"the activity of {amount(count, 'unit')} is NaN or infinite")
        # The gradient of the others is NaN, too, where a weight is: what stands still says nothing.
        finite &= ~flat
        failed &= finite
    unmoved = finite & flat & early  # also what an example excites: so few steps are no search
    if bool(unmoved.any()):
        count = int(unmoved.sum())
        yield case.not_measured(
            f"{amount(count, 'unit')} did not move, in fewer than {int(case.limits['steps'])} steps",
            next_step="Raise steps.",
        )
    yield from _fallen_short(result, case, finite & ~early & ~failed)
    yield from _dead(result, case, failed & ~early, finite & ~unmoved, passes=not result.stopped and not unmoved.any())


def _dead(result: Maximized, case: Case, dead: NDArray[Any], known: NDArray[Any], *, passes: bool) -> Iterator[Finding]:
    judged = int(known.sum())
    if not judged:
        return
    share, count = float(dead.sum() / judged), int(dead.sum())
    if not count:
        if not passes:  # it was stopped, or some did not move in a few steps: that was said
            return
        lowest = float(np.min(result.rise[known]))
        yield case.ok(
            f"{amount(judged, 'unit')} could be excited: all rose, by {number(lowest)} at the least", value=0.0
        )
        return
    speak = case.warn if share >= case.limits["share"] else case.look
    beside = f", and none of {amount(result.examples, 'example')} excites them" if result.examples else ""
    named = ", ".join(result.unit_name(place) for place in np.flatnonzero(dead)[:5].tolist())
    yield speak(
        f"{count} of {amount(judged, 'unit')} could not be excited{beside}: {named}{' ...' if count > 5 else ''}",
        where=result.layer,
        value=share,
        limit=case.limits["share"],
        samples=judged,
        evidence={"first such unit": result.units[int(np.flatnonzero(dead)[0])], "steps": int(result.steps.max())},
    )


def _fallen_short(result: Maximized, case: Case, judged: NDArray[Any]) -> Iterator[Finding]:
    """Say where a real example does what the search could not: that is about the search, and accuses nobody."""
    reached = _of_real(result)
    short = judged & (reached < case.limits["real"])
    if not short.any():
        return
    worst = int(np.nanargmin(np.where(short, reached, np.nan)))
    yield case.look(
        f"the search fell short for {amount(int(short.sum()), 'unit')}: the picture of unit {result.unit_name(worst)} "
        f"gains {percent(float(reached[worst]))} of what the best example does",
        where=result.layer,
        value=float(reached[worst]),
        limit=case.limits["real"],
        samples=result.examples,
        evidence={"units": int(short.sum()), "unit": result.units[worst], "best example": float(result.real[worst])},
        cause="The search ended at a hill that is not the highest.",
        next_step="Take another seed, more steps, or smaller moves; trust the best example more than the picture.",
    )


def _of_real(result: Maximized) -> NDArray[Any]:
    """Return what a picture gains, as a share of what the best example gains, [unit]; NaN where it gains nothing."""
    gain = (result.first - result.real) if result.negative else (result.real - result.first)
    return np.divide(result.rise, gain, out=np.full(len(gain), np.nan), where=gain > 0)


def _alive(result: Maximized) -> NDArray[Any]:
    """Say which units are known to move, since an example excites them more than the noise did, [unit]."""
    gain = (result.first - result.real) if result.negative else (result.real - result.first)
    return np.nan_to_num(gain, nan=0.0) > 0


def _scatter(result: Maximized) -> NDArray[Any]:
    """Return how much a curve jumps from step to step, [unit]: the standard deviation of its changes."""
    changes = np.diff(result.trace, axis=1)
    known = np.isfinite(changes)
    count = np.maximum(known.sum(axis=1), 1)
    changes = np.where(known, changes, 0.0)
    mean = changes.sum(axis=1) / count
    spread = np.where(known, (changes - mean[:, None]) ** 2, 0.0).sum(axis=1) / count
    return np.sqrt(spread)


def _stopped(result: Maximized) -> str:
    steps = int(result.steps.min())
    rest = f"; {amount(result.left_out, 'unit')} had not been begun" if result.left_out else ""
    return f"stopped after {steps} of {amount(result.wanted, 'step')}{rest}"
