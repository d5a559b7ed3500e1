"""From two models to the loss on the straight line between their weights."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import Options, instance, whole
from pellucid.core.errors import InputError
from pellucid.core.progress import Loop, Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.ground import Direction, Ground
from pellucid.methods.ground.directions import cosine, given_direction, lengths
from pellucid.methods.ground.trajectory import bare_name, values_of
from pellucid.methods.ground.values import error_of_mean
from pellucid.probe.address import unwrap
from pellucid.probe.filters import Filters
from pellucid.probe.subject import Subject
from pellucid.windows.loss.measure.objective import kept_targets, logits_of
from pellucid.windows.loss.measure.surroundings import Surroundings, given_subject, surroundings_of
from pellucid.windows.loss.result.lines import Interpolation

Array = NDArray[Any]
_NORMS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True, kw_only=True)
class InterpolationOptions(Options):
    """How the line between two models is measured.

    Attributes:
        samples: Examples that each loss is a mean of, at the most; the first that the batches give.
        points: Places on the line, both ends among them.
    """

    samples: int = 1024
    points: int = 21

    def __post_init__(self) -> None:
        self.settle(samples=(whole, 1), points=(whole, 3, 10_001))


def interpolation(
    first: nn.Module | Subject,
    second: nn.Module | Subject | Mapping[str, Any],
    data: Any = None,
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    options: InterpolationOptions | None = None,
    progress: Progress = None,
) -> Interpolation:
    """Measure the loss on the straight line between the weights of two models: is there a barrier between them?

    Where there is none, both lie in one basin: their weights can be averaged, and one was trained from where the other
    had been already. Two networks that are the same function with units in another order have a barrier between them.

    Statistics of batch norm are measured anew at each point: those of neither end fit the weights in between. Models
    are in eval mode meanwhile, and afterwards as they were, bit for bit.

    Args:
        first: A model, or a subject with batches.
        second: A model of the same architecture, or its `state_dict()`, such as torch.load("later.pt") returns.
        data: Batches (input, target), one such pair, or a loader; None for the batches of the subject.
        loss: `loss(output, target)`; see `landscape`. None for that of the subject, or else cross-entropy for class
            targets and squared error for others.
        options: How thoroughly.
        progress: None for a line on stderr, False for silence, or a function that is given (done, in all).

    Returns:
        The line. After Ctrl-C the points that were measured: both ends first, then the middle, then what lies between.

    Raises:
        InputError: There is no data, target or loss; parameters of the second are missing, of another shape, or not
            finite; or a batch has a single example where there is batch norm.

    Cost:
        A forward pass over the data for each point, two where there is batch norm. Memory: the data, and three copies
        of the weights.

    Source:
        Goodfellow et al. 2015 (lines); Frankle et al. 2020 (barrier).
    """
    begun, chosen = time.perf_counter(), instance("options", options, InterpolationOptions)
    subject = given_subject(first, data, loss)
    around = surroundings_of(subject, samples=chosen.samples, recalibrated=True, frozen=True)
    other = _values_of(second)
    way = _way(around.filters, other)
    line = _Line(around, way, chosen.points)
    with telling("interpolation", progress), around.ground.walked() as ground:
        home = [one.parameter for one in around.filters]
        along = cosine(home, [here + there for here, there in zip(home, way, strict=True)])
        share = lengths(way) / (lengths(home) or float("nan"))
        found = line.run(ground)
    return Interpolation(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
            samples=around.samples,
            passes=around.ground.passes,
            seconds=time.perf_counter() - begun,
        ),
        loss_name=around.objective.loss_name,
        statistics=around.statistics,
        samples=around.samples,
        parts=len(around.ground.parts),
        distance=share,
        cosine=along,
        buffers=_differing(subject.model, other),
        **found,
    )


def _values_of(model: Any) -> dict[str, Any]:
    """Return parameters and buffers by name, of a model or what it was saved as."""
    if isinstance(model, Subject):
        model = model.model
    if isinstance(model, nn.Module):
        bare = unwrap(model)
        named = [*bare.named_parameters(remove_duplicate=False), *bare.named_buffers(remove_duplicate=False)]
        return dict(named)
    if isinstance(model, Mapping):
        return {bare_name(str(name)): one for name, one in cast("Mapping[Any, Any]", model).items()}
    raise InputError(
        f"second={type(model).__name__} came; expected a model of the same architecture, or its state_dict(): "
        "torch.load('later.pt')."
    )


def _way(filters: Sequence[Filters], other: Mapping[str, Any]) -> Direction:
    """Return what is to be added to the weights to come to those of the other model."""
    there = given_direction(values_of(other, filters, what="The second model"), filters, name="second")
    return [far.sub_(one.parameter.detach()) for far, one in zip(there, filters, strict=True)]


def _differing(model: nn.Module, other: Mapping[str, Any]) -> tuple[str, ...]:
    buffers = dict(unwrap(model).named_buffers())
    return tuple(
        name
        for name, one in buffers.items()
        if name.rpartition(".")[2] not in _NORMS
        and isinstance(there := other.get(name), Tensor)
        and (there.shape != one.shape or not torch.equal(there.detach().to(one), one.detach()))
    )


class _Line:
    """Measures points of a line, those first that tell most."""

    def __init__(self, around: Surroundings, way: Direction, points: int) -> None:
        self._around, self._way = around, way
        self._places = np.linspace(0.0, 1.0, points)
        self._losses: dict[int, Tensor] = {}
        self._wrong: dict[int, Tensor] = {}

    def run(self, ground: Ground) -> dict[str, Any]:
        """Return the fields of the result that are measured; after Ctrl-C what there is, where both ends are."""
        stopped, loop = False, Loop(len(self._places), "points")
        counting = _Counting(ground.loss, self._around.objective.class_axis)
        ground.loss = counting
        try:
            for done, place in enumerate(_halving(len(self._places))):
                counting.found.clear()
                losses = ground.losses(((float(self._places[place]), self._way),))
                self._losses[place], self._wrong[place] = losses.cpu(), counting.taken()
                loop.at(done + 1)
        except KeyboardInterrupt:
            if len(self._losses) < 2:
                raise
            stopped = True
        finally:
            ground.loss = counting.loss
        return self._fields(ground, stopped=stopped)

    def _fields(self, ground: Ground, *, stopped: bool) -> dict[str, Any]:
        count = len(self._places)
        losses, rise_errors = self._above(ground.weights, self._losses)
        wrong, wrong_errors = np.full(count, np.nan), np.full(count, np.nan)
        if self._wrong[0].numel():
            counted = self._wrong[0][:, 1]
            shares = {place: one[:, 0] / one[:, 1].clamp_min(1.0) for place, one in self._wrong.items()}
            wrong, wrong_errors = self._above(counted, shares)
        return {
            "places": self._places,
            "losses": losses,
            "wrong": wrong,
            "rise_errors": rise_errors,
            "wrong_errors": wrong_errors,
            "stopped": stopped,
        }

    def _above(self, weights: Tensor, found: Mapping[int, Tensor]) -> tuple[Array, Array]:
        """Return means over parts, and the standard errors of how far they lie above the line between both ends."""
        means, errors = np.full(len(self._places), np.nan), np.full(len(self._places), np.nan)
        ends = found[0], found[len(self._places) - 1]
        for place, parts in found.items():
            share = float(self._places[place])
            means[place] = float((parts * weights).sum() / weights.sum())
            errors[place] = float(error_of_mean(parts - (1 - share) * ends[0] - share * ends[1], weights))
        return means, errors


def _halving(count: int) -> list[int]:
    """Return numbers 0 to count - 1: both ends, then what halves the widest gap, so that any beginning is even."""
    order, gaps = [0, count - 1], [(0, count - 1)]
    for low, high in gaps:
        if high - low > 1:
            order.append((low + high) // 2)
            gaps += [(low, order[-1]), (order[-1], high)]
    return order


class _Counting:
    """A loss that counts predictions of another class than the target, part by part."""

    def __init__(self, loss: Callable[[Any, Any], Tensor], axis: int | None) -> None:
        self.loss, self._axis = loss, axis
        self.found: list[Tensor] = []

    def __call__(self, output: Any, target: Any) -> Tensor:
        if self._axis is not None:
            logits = logits_of(output).movedim(self._axis, -1)
            kept = kept_targets(target) & (target < logits.shape[-1])
            wrong = (logits.argmax(-1) != target) & kept
            self.found.append(torch.stack([wrong.sum(), kept.sum()]))
        return self.loss(output, target)

    def taken(self) -> Tensor:
        """Return [part, (wrong, counted)], float64; empty where there are no classes."""
        found = torch.stack(self.found).cpu().double() if self.found else torch.zeros(0, device="cpu")
        self.found.clear()
        return found
