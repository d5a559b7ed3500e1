"""From a model and an optimizer to the loss along the direction of its next step."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import Options, instance, whole
from pellucid.core.errors import InputError
from pellucid.core.progress import Loop, Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.ground import Direction, Ground
from pellucid.methods.ground.values import error_of_mean
from pellucid.probe.subject import Subject
from pellucid.windows.loss.measure.stepper import Stepper, divisor_of, stepper_of
from pellucid.windows.loss.measure.surroundings import given_subject, surroundings_of
from pellucid.windows.loss.result.lines import LineSearch

Array = NDArray[Any]
_BEYOND, _DOUBLINGS = 2.0**4, 60
_GOLDEN = (5**0.5 - 1) / 2
_SETTLED = 0.02


@dataclass(frozen=True, kw_only=True)
class LineSearchOptions(Options):
    """How the direction of a step is searched.

    Attributes:
        samples: Examples that each loss is a mean of, at the most; the first that the batches give.
        points: Step lengths on an even scale of logarithms, before the best is looked for between them.
    """

    samples: int = 1024
    points: int = 17

    def __post_init__(self) -> None:
        self.settle(samples=(whole, 1), points=(whole, 3, 1001))


def line_search(
    model: nn.Module | Subject,
    data: Any = None,
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    options: LineSearchOptions | None = None,
    progress: Progress = None,
) -> LineSearch:
    """Measure the loss along the direction in which the optimizer would step: how far should it go?

    The direction is the negative gradient of the loss on all of the data; for Adam each weight of it is divided by what
    Adam divides it by. Momentum, weight decay and clipping are left out. The model is in eval mode meanwhile, and
    afterwards as it was, bit for bit.

    Args:
        model: A model, or a subject with batches.
        data: Batches (input, target), one such pair, or a loader; None for the batches of the subject.
        loss: `loss(output, target)`, a tensor that leads back to the weights; see `landscape`. None for that of the
            subject, or else cross-entropy for class targets and squared error for others.
        optimizer: SGD, Adam or AdamW with one learning rate, which is judged; None for that of the subject. Without one
            the negative gradient is searched.
        options: How thoroughly.
        progress: None for a line on stderr, False for silence, or a function that is given (done, in all).

    Returns:
        The loss by step length. After Ctrl-C as much as was measured.

    Raises:
        InputError: There is no data, target or loss, its gradient is 0, NaN or infinite, or the optimizer is none of
            these.

    Cost:
        A forward pass over the data for each step length, about 30, and six more for the gradient and the curvature
        along it. Memory: the data, and four copies of the weights.

    Source:
        Rolinek and Martius 2018, "L4" (the parabola along the step).
    """
    begun, chosen = time.perf_counter(), instance("options", options, LineSearchOptions)
    subject = given_subject(model, data, loss)
    around = surroundings_of(subject, samples=chosen.samples)
    stepper = stepper_of(optimizer if optimizer is not None else subject.optimizer)
    with telling("line search", progress), around.ground.walked() as ground:
        found = _Search(ground, stepper, chosen.points).run()
    return LineSearch(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
            samples=around.samples,
            passes=ground.passes,
            seconds=time.perf_counter() - begun,
        ),
        loss_name=around.objective.loss_name,
        statistics=around.statistics,
        samples=around.samples,
        parts=len(ground.parts),
        optimizer="Adam" if stepper.kind == "Adam" else "SGD",
        learning_rate=stepper.rate,
        **found,
    )


class _Search:
    """Tries step lengths: around the best of a parabola and that of the optimizer, further out while it goes down."""

    def __init__(self, ground: Ground, stepper: Stepper, points: int) -> None:
        self._ground, self._stepper, self._points = ground, stepper, points
        self._found: dict[float, Tensor] = {}
        self._means: dict[float, float] = {}
        self._loop = Loop(None, "steps")
        self._down: Direction = []

    def run(self) -> dict[str, Any]:
        """Return the fields of the result."""
        slope, bend = self._direction()
        stopped, rate = False, self._stepper.rate
        try:
            before = self._at(0.0)
            self._ground.refuse_blanks(self._found[0.0])
            if np.isfinite(rate):
                self._at(rate)
            predicted = slope / bend if bend > 0 else abs(before) / slope
            ends = [one for one in (predicted, rate) if np.isfinite(one) and one > 0]
            low, high = min(ends) / _BEYOND, max(ends) * _BEYOND**0.5
            for step in np.geomspace(low, high, self._points):
                self._at(float(step))
            self._further()
            self._closer()
        except KeyboardInterrupt:
            if 0.0 not in self._found:
                raise
            stopped = True
        self._loop.over()
        return {"slope": slope, "bend": bend, "stopped": stopped, **self._fields()}

    def _direction(self) -> tuple[float, float]:
        """Find the direction; return how the loss falls along it and bends."""
        slopes = self._ground.gradient()
        optimizer = self._stepper.optimizer
        if self._stepper.kind == "Adam" and optimizer is not None:
            self._down = [
                -slope / divisor_of(optimizer, one.parameter, slope)
                for slope, one in zip(slopes, self._ground.filters, strict=True)
            ]
        else:
            self._down = [-one for one in slopes]
        slope = abs(_product(slopes, self._down))  # no term is above 0
        if not np.isfinite(slope) or slope <= 0:
            raise InputError(
                f"The gradient of the loss has the squared length {slope:g} at these weights, so that no direction "
                "leads down. Where it is 0 the model does not learn from this data: pel.gradients.flow(model, batch) "
                "says where it ends. Where it is NaN: pel.activations.histograms(model, x) says where that begins."
            )
        return slope, _product(self._down, self._ground.curved(self._down))

    def _at(self, step: float) -> float:
        """Return the mean loss after a step of some length."""
        if step not in self._found:
            self._found[step] = self._ground.losses(((step, self._down),)).cpu()
            self._means[step] = float(self._ground.mean(self._found[step]))
            self._loop.at(len(self._found))
        return self._means[step] if np.isfinite(self._means[step]) else float("inf")

    def _further(self) -> None:
        """Double the longest step while that lowers the loss, and halve the shortest while none does."""
        for _ in range(_DOUBLINGS):
            longest, best = max(self._found), min(self._found, key=self._at)
            if best != longest or not np.isfinite(2 * longest):
                break
            self._at(2 * longest)
        for _ in range(_DOUBLINGS):
            shortest = min(one for one in self._found if one)
            if min(self._found, key=self._at) > 0 or shortest < np.finfo(np.float32).tiny:
                break
            self._at(shortest / 4)

    def _closer(self) -> None:
        """Look for the lowest loss between the neighbours of the best step, by the golden section."""
        tried = sorted(self._found)
        place = tried.index(min(tried, key=self._at))
        if not 0 < place < len(tried) - 1:
            return
        low = np.log(tried[place - 1] or tried[place] / 4)
        high = np.log(tried[place + 1])
        inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        while high - low > _SETTLED:
            if self._at(float(np.exp(inner))) <= self._at(float(np.exp(outer))):
                high, outer = outer, inner
                inner = high - _GOLDEN * (high - low)
            else:
                low, inner = inner, outer
                outer = low + _GOLDEN * (high - low)

    def _fields(self) -> dict[str, Any]:
        steps = sorted(self._found)
        before = self._found[0.0]
        errors = {one: float(error_of_mean(self._found[one] - before, self._ground.weights)) for one in steps}
        rate = self._stepper.rate
        return {
            "steps": np.array(steps),
            "losses": np.array([self._means[one] for one in steps]),
            "errors": np.array([errors[one] for one in steps]),
            "after": self._means.get(rate, float("nan")),
            "after_error": errors.get(rate, float("nan")),
        }


def _product(first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
    return sum(float((one.double() * other.double()).sum()) for one, other in zip(first, second, strict=True))
