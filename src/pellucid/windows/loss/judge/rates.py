"""The learning rate of a descent held against curvature, picture and noise, in words that its rules share."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps

import numpy as np

from pellucid.core.figure.words import amount, number
from pellucid.core.finding import Finding
from pellucid.core.rule import Case
from pellucid.maths.descent import ADAPTIVE, AVERAGING, highest_rate
from pellucid.maths.surfaces import CriticalPoint
from pellucid.windows.loss.result import Descent

Judge = Callable[[Descent, Case], Iterable[Finding]]
_LONG = 0.25  # of the size of the picture: steps that are long beside it


def of_steps(judge: Judge) -> Judge:
    """Have a rule say that it needs steps, where a path has fewer than `points` points."""

    @wraps(judge)
    def judged(result: Descent, case: Case) -> Iterator[Finding]:
        needed = int(case.limits["points"])
        if len(result.path) < needed:
            yield case.not_measured(f"{amount(len(result.path), 'point')}; {needed} are needed")
            return
        yield from judge(result, case)

    return judged


def long_steps(result: Descent) -> str:
    """Name the learning rate, and beside it how long the steps are where they do not depend on the slope."""
    rate, size = result.learning_rate, min(float(axis[-1] - axis[0]) for axis in (result.x, result.y))
    if result.optimizer in ADAPTIVE and rate > _LONG * size:
        return (
            f"its steps are about as long as the learning rate, {number(rate)}, and the picture is {number(size)} wide"
        )
    return f"the learning rate is {number(rate)}"


def drowned(result: Descent) -> str | None:
    """Say that the noise is larger than any gradient that the path met within what is shown; None where it is not."""
    inside = ~result.outside
    largest = float(result.gradients[inside if inside.any() else slice(0, 1)].max())
    if result.noise <= largest:
        return None
    return f"the noise {number(result.noise)} drowns the gradient, which is {number(largest)} at most"


def beyond(result: Descent) -> tuple[str, float] | None:
    """Return in words which curvature the learning rate is too high for, and the curvature; None where there is none.

    The steepest within the picture, or else the curvature of the first place outside: some surfaces get steeper there.
    Where noise has thrown the path there, that place says nothing of the learning rate.
    """
    candidates = [(result.steepest, "the steepest curvature on the way")]
    if drowned(result) is None:
        candidates.append((float(result.curvatures[result.left or 0, 1]), "the curvature where it leaves the picture"))
    for curvature, which in candidates:
        if result.learning_rate >= highest(result, curvature):
            return against(result, curvature, which), curvature
    return None


def highest(result: Descent, curvature: float) -> float:
    """Return the learning rate above which the optimizer diverges at a curvature; infinite where there is none."""
    return highest_rate("SGD" if plain(result) else result.optimizer, curvature=curvature, momentum=result.momentum)


def plain(result: Descent) -> bool:
    """Whether this is plain gradient descent: SGD, and an average of no more than the last gradient."""
    return result.optimizer == "SGD" or (result.optimizer in AVERAGING and result.momentum == 0)


def against(result: Descent, curvature: float, which: str) -> str:
    """Return the learning rate beside that above which the optimizer diverges at a curvature, where it is not below."""
    rate, most = result.learning_rate, highest(result, curvature)
    same = bool(np.isclose(rate, most, rtol=1e-3))
    if not same and rate < most:
        return f"the learning rate is {number(rate)}" + ("" if plain(result) else f", and {remembered(result)}")
    formula = "2/λ" if plain(result) else f"what {result.optimizer} can take"
    held = f"the learning rate {number(rate)} is {'at' if same else 'above'} {formula} = {number(most)}"
    return f"{held}, λ = {number(curvature)} being {which}"


def remembered(result: Descent) -> str:
    """Say how far back the momentum reaches."""
    return f"momentum {number(result.momentum)} remembers about {amount(round(1 / (1 - result.momentum)), 'step')}"


def at(point: CriticalPoint) -> str:
    """Return a critical point as "(x, y)"."""
    return places(point.x, point.y)


def places(x: float, y: float) -> str:
    """Return a place as "(x, y)", to three digits after the point at the most."""
    return f"({number(round(float(x), 3))}, {number(round(float(y), 3))})"
