"""Windows of the input hidden, one after the other: what the score loses."""

from dataclasses import dataclass
from itertools import product
from math import ceil
from numbers import Integral
from typing import Any, ClassVar

import torch
from torch import Tensor

from pellucid.core.arguments import came, flag
from pellucid.core.errors import InputError
from pellucid.methods.attribution.baseline import baselines_of
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.question import Question, wide

Sizes = int | tuple[int, ...] | list[int | tuple[int, ...] | None] | None
_HOW = (
    "Expected None, a number for every axis of space, a tuple with one number an axis (with or without that of "
    "channels), or a list of these, one for each of the explained inputs."
)
# Windows along an axis by default, by how many axes of space there are: about 50 or 60 in all without overlap.
_WINDOWS = {0: 64, 1: 32, 2: 7}
_FEWEST = 4


@dataclass(frozen=True)
class Occlusion(Method):
    """What the score loses when a window of the input is replaced by a baseline: no gradient, a real experiment.

    A place that lies in several windows is given the sum of what each of them costs, or their mean. What is hidden
    lies off the data: a model may miss the edge of a black square as well as what was behind it. Where one of two
    equal pieces of evidence is enough, hiding either costs nothing.

    Args:
        window: Sizes of the window. None: a seventh of each side of an image with all its channels, of sequences a
            32nd, of vectors a 64th. A number: for every axis of space, with all channels. A tuple: one number an axis
            behind the examples, or one for each axis of space. A list: one of these for each explained input.
        stride: How far a window is moved, given like `window`; None for half of it. The last window hangs over the
            edge where it does not come out even.
        baseline: See `IntegratedGradients`.
        averaged: Whether a place is given the mean over its windows, and not the sum.

    Cost:
        One forward pass, and one for each place of the window.

    Source:
        Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2.
    """

    name: ClassVar[str] = "occlusion"
    caveat: ClassVar[str] = "What a window hides is replaced by the baseline, which the network may never have seen."
    contributes: ClassVar[bool] = True
    window: Sizes = None
    stride: Sizes = None
    baseline: Any = None
    averaged: bool = False

    def __post_init__(self) -> None:
        self.settle(averaged=(flag,))

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        scores = question.own_scores()
        with torch.no_grad():
            baselines = baselines_of(self.baseline, question)
            grids = [
                _Windows(tuple(value.shape[1:]), window, stride)
                for value, window, stride in zip(
                    question.values, _each(self.window, question), _each(self.stride, question), strict=True
                )
            ]
            maps = [_lost(question, place, grid, baselines[place], scores) for place, grid in enumerate(grids)]
        if self.averaged:
            maps = [one / grid.counts(one) for one, grid in zip(maps, grids, strict=True)]
        return Attribution(maps=tuple(maps), scores=scores, notes={"windows": float(sum(len(one) for one in grids))})


class _Windows:
    """The windows of one input.

    Args:
        shape: Of one example.
        window: See `Occlusion`, of this input alone.
        stride: The same.
    """

    def __init__(self, shape: tuple[int, ...], window: int | tuple[int, ...] | None, stride: Any) -> None:
        self._shape = shape
        sizes = _default(shape) if window is None else _full(window, shape, "window", channels=shape[0])
        self._sizes = tuple(min(size, side) for size, side in zip(sizes, shape, strict=True))
        halves = tuple((size + 1) // 2 for size in self._sizes)
        steps = halves if stride is None else _full(stride, shape, "stride", channels=self._sizes[0])
        starts = [
            range(0, min(side, side - size + step), step)
            for side, size, step in zip(shape, self._sizes, steps, strict=True)
        ]
        self._starts = list(product(*starts))

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> tuple[slice, ...]:
        """Return the places of a window in one example."""
        return tuple(slice(start, start + size) for start, size in zip(self._starts[number], self._sizes, strict=True))

    def counts(self, like: Tensor) -> Tensor:
        """Return in how many windows each place lies, at least 1, [...]."""
        counts = torch.zeros(self._shape, dtype=like.dtype, device=like.device)
        for number in range(len(self)):
            counts[self[number]] += 1
        return counts.clamp(min=1)


def _lost(question: Question, place: int, windows: _Windows, baseline: Tensor, scores: Tensor) -> Tensor:
    """Return the sum over windows of what the score loses, for one of the values."""
    lost = torch.zeros_like(wide(question.values[place]))

    def work(jobs: Tensor) -> None:
        numbers, rows = jobs // question.rows, jobs % question.rows
        values = list(question.at(rows))
        values[place] = values[place].clone()
        parts = [(number, (numbers == number).nonzero().flatten()) for number in numbers.unique().tolist()]
        for number, here in parts:
            some = slice(int(here[0]), int(here[-1]) + 1)
            values[place][(some, *windows[number])] = baseline[rows[here].to(baseline.device)][(..., *windows[number])]
        less = scores[rows.to(scores.device)] - wide(question.scores(values, rows))
        for number, here in parts:
            some = slice(int(rows[here[0]]), int(rows[here[-1]]) + 1)
            lost[(some, *windows[number])] += less[here.to(less.device)].reshape(-1, *[1] * (lost.ndim - 1))

    question.chunks.each(len(windows) * question.rows, work)
    return lost


def _default(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a window with all channels."""
    space = shape[1:]
    count = _WINDOWS.get(len(space), _FEWEST)
    return (shape[0], *(ceil(side / count) for side in space)) if space else tuple(ceil(side / count) for side in shape)


def _full(given: Any, shape: tuple[int, ...], what: str, *, channels: int) -> tuple[int, ...]:
    """Return one number an axis; that of channels, where it was not given."""
    space = max(1, len(shape) - 1)
    numbers = (given,) * space if isinstance(given, Integral) else given
    if isinstance(numbers, tuple) and len(numbers) == space < len(shape):
        numbers = (channels, *numbers)
    whole = isinstance(numbers, tuple) and all(
        isinstance(one, Integral) and not isinstance(one, bool) and int(one) >= 1 for one in numbers
    )
    if not whole or len(numbers) != len(shape):
        raise InputError(f"{came(what, given)} for examples of shape {shape}. {_HOW} Each is 1 or more.")
    return tuple(int(one) for one in numbers)


def _each(given: Sizes, question: Question) -> list[Any]:
    """Return what was given for each of the values."""
    each = given if isinstance(given, list) else [given] * len(question.values)
    if len(each) != len(question.values):
        raise InputError(f"{given!r} came for {len(question.values)} explained inputs. {_HOW}")
    return each
