"""Where gradients are lost, or all but lost: the layer that stands between the score and a map that says nothing."""

from contextlib import ExitStack, nullcontext

import torch
from torch import Tensor

from pellucid.methods.attribution import Attribution, Method, Question
from pellucid.methods.attribution.question import flat, wide
from pellucid.probe.address import ROOT
from pellucid.probe.capture import capture
from pellucid.probe.tape import Tape

SHARE = 0.01
"""A gradient below this share of what the score loses without the input does not see what the score depends on."""
_FLAT = 1e-3
TARGET = "the target"


def silent(question: Question, method: Method, found: Attribution) -> tuple[str, ...]:
    """Return the layer at which the gradient of each example is lost, or all but lost; "" where it is not.

    Where a map is 0 and so is the gradient, it is the last layer, going back from the score, whose own output still
    gets a gradient. Gradients tell more: summed over all values, |gradient| times the range of the example is the most
    that the score can change, were it a straight line. Where that is below 1 % of what the score really loses when the
    example is replaced by its own mean, the example stands on a plateau; so it does where a single layer takes all but
    a thousandth of a gradient that is below 0.1 % of the score. The layer is the one behind which the gradient is
    larger by the largest factor.

    Args:
        question: Which is being asked.
        method: Which made the maps.
        found: What it found.

    Returns:
        [examples] names; "the target" where what is explained is flat itself, as a probability of 1 is.

    Cost:
        Nothing for gradients as large as the score; for others a forward and backward pass of them, and a forward pass
        of those that are not 0.
    """
    lost = [""] * question.rows
    zero = torch.stack([~flat(one.detach().cpu()).any(dim=1) for one in found.maps]).all(dim=0)
    reach, scale = _reach(question, method, found)
    small = (reach > 0) & (reach < SHARE * scale)
    rows = torch.nonzero(zero | small).flatten()
    if not len(rows):
        return tuple(lost)
    names, sizes = _sizes(question, found.layer if method.needs_layer else "", rows)
    jumps = sizes[1:] / sizes[:-1].clamp(min=torch.finfo(torch.float32).tiny)
    places = torch.where(zero[rows], (sizes[1:] > 0).int().argmax(0), jumps.argmax(0))
    flat_here = (reach < _FLAT * scale)[rows] & (jumps.amax(0) > 1 / _FLAT)
    if small.any():
        flat_here |= (reach < SHARE * _change(question, method, found, small))[rows]
    # A map of zeros whose gradient arrives was made by the method itself.
    is_lost = torch.where(zero[rows], sizes[0] == 0, flat_here)
    for row, place, here in zip(rows.tolist(), places.tolist(), is_lost.tolist(), strict=True):
        lost[row] = names[place] if here else ""
    return tuple(lost)


def _reach(question: Question, method: Method, found: Attribution) -> tuple[Tensor, Tensor]:
    """Return the most that each score could change, were it as steep everywhere, and its size, [examples] each.

    The first is 0 of methods that are no gradients.
    """
    reach, scale = torch.zeros(2, question.rows, dtype=torch.float64, device="cpu")
    if not method.slope or [one.shape for one in found.maps] != [one.shape for one in question.values]:
        return reach, scale
    for one, value in zip(found.maps, question.values, strict=True):
        row = flat(wide(value))
        by = 1 if method.contributes else row.amax(1) - row.amin(1)
        reach += (flat(one.detach().abs()).sum(1) * by).cpu()
    scale += wide(found.scores.detach()).abs().cpu()
    if question.output is not None:
        output = wide(question.output).cpu()
        scale = torch.maximum(scale, (output.amax(1) - output.amin(1)).double())
    return reach, scale


def _change(question: Question, method: Method, found: Attribution, chosen: Tensor) -> Tensor:
    """Return by how much the scores of some examples change without them, [examples]; 0 for the others.

    Each is replaced by its own mean, or by 0 where the map is times the input.
    """
    change, rows = torch.zeros(question.rows, dtype=torch.float64, device="cpu"), torch.nonzero(chosen).flatten()
    with torch.no_grad():
        away = [
            torch.zeros_like(one) if method.contributes else _mean(one).expand_as(one).contiguous()
            for one in question.at(rows)
        ]
        after = wide(question.scores(away, rows)).cpu()
    change[rows] = (wide(found.scores.detach()).cpu()[rows] - after).abs().double()
    return change


def _mean(value: Tensor) -> Tensor:
    return wide(value).mean(tuple(range(1, value.ndim)), keepdim=True).to(value.dtype)


def _sizes(question: Question, layer: str, rows: Tensor) -> tuple[list[str], Tensor]:
    """Return layers and the size of the gradients of some examples, from the explained values on to the score itself.

    Args:
        question: Which is being asked.
        layer: The layer of a class activation map, which says nothing of what lies in front of it; "" without one.
        rows: The examples, [N].

    Returns:
        Names, in the order of the forward pass, with what is explained at the end; and sizes, [1 + names, N]: first
        those of the values, and then those of the output of each layer. Those of the score itself are 1.
    """
    # A ScriptModule shows no layers: the tape stays empty, and the whole model is named.
    scripted = isinstance(question.model, torch.jit.ScriptModule)
    with ExitStack() as stack:
        there = stack.enter_context(question.moved(layer)) if layer else question
        values = there.at(rows)  # of a layer it may take a forward pass, which must not be on the tape
        empty = nullcontext(Tape(with_inputs=False, with_grads=True))
        tape = stack.enter_context(empty if scripted else capture(question.model, grads=True, keep=_size))
        _, gradients = there.gradients(values, rows)
    names = [name for name in tape.outputs if name in tape.gradients and len(tape.gradients[name]) == len(rows)]
    first = torch.stack([_size(one) for one in gradients]).amax(0)
    sizes = [first, *(tape.gradients[name] for name in names), torch.ones_like(first)]
    return [*names, ROOT if scripted else TARGET], torch.stack(sizes)


def _size(value: Tensor) -> Tensor:
    """Return the length of the gradient of each example, [examples]; in float64, so that no small one becomes 0."""
    rows = flat(value) if value.ndim else value.reshape(1, 1)
    return rows.detach().cpu().abs().double().norm(dim=1)
