"""Slow twins of the methods of attribution, in float64, one example and one number at a time, and how to ask them."""

import copy
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.methods.attribution import Attribution, Method, Question

Function = Callable[[Tensor], Tensor]
"""From one example to one number."""


def ask(model: nn.Module, inputs: Any, target: Any, method: Method, **options: Any) -> tuple[Attribution, Question]:
    """Answer a question with a method."""
    question = Question(model, inputs, target, **options)
    with question.asked():
        return method.attribute(question), question


def scored(model: nn.Module, column: int) -> Function:
    """Return a model in float64 and eval mode as a function from one example to one of its outputs."""
    slow = copy.deepcopy(model).double().eval()
    return lambda example: slow(example[None])[0, column]


def gradient(score: Function, example: Tensor) -> Tensor:
    """Take central differences, value by value."""
    example, step = example.double(), 1e-6
    result = torch.zeros_like(example)
    with torch.no_grad():
        for place in itertools.product(*map(range, example.shape)):
            nudge = torch.zeros_like(example)
            nudge[place] = step
            result[place] = (score(example + nudge) - score(example - nudge)) / (2 * step)
    return result


def slope(score: Function, example: Tensor) -> Tensor:
    """Take the gradient of one example by itself."""
    leaf = example.detach().double().requires_grad_()
    return torch.autograd.grad(score(leaf), leaf)[0]


def noisy_slopes(score: Function, example: Tensor, *, samples: int, noise: float, signs: Sequence[int]) -> list[Tensor]:
    """Take gradients at noisy copies; the noise of draw k comes from a generator with the seed k."""
    deviation = noise * float(example.max() - example.min())
    slopes = []
    for draw in range(samples):
        unit = torch.randn(example.shape, generator=torch.Generator().manual_seed(draw), dtype=example.dtype)
        slopes += [slope(score, example.double() + sign * deviation * unit.double()) for sign in signs]
    return slopes


def integrated(score: Function, example: Tensor, baseline: Tensor, *, steps: int = 4000) -> Tensor:
    """Add up gradients in the middles of many equal steps."""
    way = example.double() - baseline.double()
    total = torch.zeros_like(way)
    for step in range(steps):
        total += slope(score, baseline.double() + (step + 0.5) / steps * way)
    return way * total / steps


def expected(score: Function, example: Tensor, data: Tensor, *, samples: int, seed: int = 0) -> list[Tensor]:
    """Return (input - baseline) times gradient, draw by draw."""
    source = torch.Generator().manual_seed(seed)
    rounds = math.ceil(samples / len(data))
    picks = torch.cat([torch.randperm(len(data), generator=source) for _ in range(rounds)]).tolist()
    places = torch.rand(samples, generator=source, dtype=torch.float64).tolist()
    draws = []
    for pick, place in zip(picks, places, strict=False):
        way = example.double() - data[pick].double()
        draws.append(way * slope(score, data[pick].double() + place * way))
    return draws


def occluded(
    score: Function, example: Tensor, baseline: Tensor, *, window: Sequence[int], stride: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Return what each place loses over all windows, and in how many it lies."""
    lost, counts = torch.zeros_like(example, dtype=torch.float64), torch.zeros_like(example, dtype=torch.float64)
    starts = []
    for side, size, step in zip(example.shape, window, stride, strict=True):
        starts.append([start for start in range(0, side, step) if start == 0 or start - step + size < side])
    with torch.no_grad():
        for corner in itertools.product(*starts):
            hidden = example.double().clone()
            inside = [
                place
                for place in itertools.product(*map(range, example.shape))
                if all(first <= at < first + size for at, first, size in zip(place, corner, window, strict=True))
            ]
            for place in inside:
                hidden[place] = baseline[place].double()
            less = score(example.double()) - score(hidden)
            for place in inside:
                lost[place] += less
                counts[place] += 1
    return lost, counts


def rectified(layers: Sequence[nn.Module], example: Tensor, column: int, rule: str) -> Tensor:
    """Walk a stack of layers back by hand; the rule says what a ReLU does to what comes back."""
    values = [example.double()[None]]
    stack = [copy.deepcopy(one).double() for one in layers]
    for layer in stack:
        values.append(nn.functional.relu(values[-1]) if isinstance(layer, nn.ReLU) else layer(values[-1]).detach())
    back = torch.zeros_like(values[-1])
    back[0, column] = 1
    for layer, came in zip(reversed(stack), reversed(values[:-1]), strict=True):
        if isinstance(layer, nn.ReLU):
            positive = (back > 0) if rule == "deconvolution" else (back > 0) & (came > 0)
            back = torch.where(positive, back, 0)
        else:
            leaf = came.clone().requires_grad_()
            back = torch.autograd.grad(layer(leaf), leaf, back)[0]
    return back[0]


def cam(head: Function, values: Tensor, *, plus: bool = False) -> Tensor:
    """Weigh channels by the formulas of the two papers, place by place.

    Args:
        head: From [channels, rows, columns] of one example to its score.
        values: What the layer returned for it.
        plus: Whether to follow Grad-CAM++.
    """
    slopes, values = slope(head, values), values.double()
    channels, rows, columns = values.shape
    places = list(itertools.product(range(rows), range(columns)))
    result = torch.zeros(rows, columns, dtype=torch.float64)
    for k in range(channels):
        weight = 0.0
        for i, j in places:
            g = float(slopes[k, i, j])
            if not plus:
                weight += g / len(places)
                continue
            below = 2 * g**2 + math.fsum(float(values[k, a, b]) * g**3 for a, b in places)
            weight += (g**2 / below if below else 0.0) * max(g, 0.0)
        result += weight * values[k]
    return result.clamp(min=0)
