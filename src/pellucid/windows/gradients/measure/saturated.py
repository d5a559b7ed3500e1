"""Gradients that are not 0 and all but lost: where the score is flat around an example, and not farther away."""

from itertools import pairwise

import torch
from torch import Tensor

from pellucid.methods.attribution import Attribution, Question
from pellucid.methods.attribution.question import flat, wide
from pellucid.probe.capture import capture

SHARE = 0.01
"""A gradient below this share of what the score loses without the input does not see what the score depends on."""
_FLAT = 1e-3
_TOLD_BY = ("gradient", "inputxgradient", "smoothgrad")
TARGET = "the target"


def saturated(question: Question, method: str, found: Attribution) -> tuple[str, ...]:
    """Return the layer at which the gradient of each example is all but lost; "" where it is not.

    Summed over all values, |gradient| times the range of the example is the most that the score can change, were it a
    straight line. Where that is below 1 % of what the score really loses when the example is replaced by its own mean,
    the example stands on a plateau; so it does where a single layer takes all but a thousandth of a gradient that is
    below 0.1 % of the score. The layer is the one behind which the gradient is larger by the largest factor.

    Args:
        question: Which is being asked.
        method: Name of the method; only maps of gradients tell.
        found: What it found.

    Returns:
        [examples] names; "the target" where what is explained is flat itself, as a probability of 1 is.

    Cost:
        Nothing for gradients as large as the score; for others two forward passes and one backward pass of them.
    """
    lost = [""] * question.rows
    shapes = [one.shape for one in found.maps] == [one.shape for one in question.values]
    if method not in _TOLD_BY or not shapes:
        return tuple(lost)
    values = [wide(one.detach()) for one in question.values]
    reach = sum(
        (
            _reach(one, value, times_input=method == "inputxgradient")
            for one, value in zip(found.maps, values, strict=True)
        ),
        start=torch.zeros(question.rows, device=values[0].device),
    )
    scale = wide(found.scores.detach()).abs()
    if question.output is not None:
        scale = torch.maximum(scale, wide(question.output).amax(1) - wide(question.output).amin(1))
    rows = torch.nonzero((reach > 0) & (reach < SHARE * scale.to(reach.device))).flatten().cpu()
    if not len(rows):
        return tuple(lost)
    with torch.no_grad():
        away = [
            torch.zeros_like(one) if method == "inputxgradient" else _mean(one).expand_as(one).contiguous()
            for one in question.at(rows)
        ]
        change = (wide(found.scores.detach()).cpu()[rows] - wide(question.scores(away, rows)).cpu()).abs()
    names, jumps = _layers(question, rows)
    reach, scale = reach.cpu()[rows], scale.cpu()[rows]
    flat_here = (reach < SHARE * change) | ((reach < _FLAT * scale) & (jumps > 1 / _FLAT))
    for row, name, is_flat in zip(rows.tolist(), names, flat_here.tolist(), strict=True):
        lost[row] = name if is_flat else ""
    return tuple(lost)


def _reach(found: Tensor, value: Tensor, *, times_input: bool) -> Tensor:
    """Return the most that the score could change, [examples], were it as steep everywhere."""
    sums = flat(found.detach().abs()).sum(1)
    return sums if times_input else sums * (flat(value).amax(1) - flat(value).amin(1))


def _mean(value: Tensor) -> Tensor:
    return wide(value).mean(tuple(range(1, value.ndim)), keepdim=True).to(value.dtype)


def _layers(question: Question, rows: Tensor) -> tuple[list[str], Tensor]:
    """Return the layer in front of which each gradient shrinks most, and how much, going back from the score."""
    with capture(question.model, grads=True, keep=_size) as tape:
        _, gradients = question.gradients(question.at(rows), rows)
    first = torch.stack([_size(one.detach()).cpu() for one in gradients]).amax(0)
    names = [name for name in tape.outputs if name in tape.gradients and len(tape.gradients[name]) == len(rows)]
    sizes = [
        first,
        *(wide(tape.gradients[name]).cpu() for name in names),
        torch.ones(len(rows)),
    ]  # that of the score itself
    tiny = torch.finfo(torch.float32).tiny
    jumps = torch.stack([after / before.clamp(min=tiny) for before, after in pairwise(sizes)])
    return [[*names, TARGET][int(one)] for one in jumps.argmax(0)], jumps.amax(0)


def _size(value: Tensor) -> Tensor:
    """Return the length of the gradient of each example, [examples]."""
    return flat(wide(value)).norm(dim=1) if value.ndim else wide(value).abs().reshape(1)
