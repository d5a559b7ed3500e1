"""Spots: where in a model vectors are read, and how what is there becomes one vector an example."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.core.figure.words import amount
from pellucid.methods.attribution.nest import picture_in, rebuilt, tensors
from pellucid.methods.prefix import Prefix
from pellucid.probe.address import Address, modules_of, unwrap
from pellucid.probe.hooks import in_backward
from pellucid.probe.subject import call

PENULTIMATE = "penultimate"
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_EXACT, _HALF = 1e-4, 1e-2
"""How far an output may be off what the head put out, of its largest value: softmax rounds, more in half precision."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where vectors are read.

    Attributes:
        name: The module's.
        turn: Which of its calls.
        words: What is read, such as "input of fc" or "block.3".
        given: Whether it is what goes in, and not what comes out.
        axis: Where the units are, seen from the end where it is -1.
        examples: Axis of the examples, 0 or 1.
        token: The token that is read; None for all of them.
        output: Where in what the model returns that of the head lies; None where no head is known.
    """

    name: str
    turn: int
    words: str
    given: bool = False
    axis: int = -1
    examples: int = 0
    token: int | None = None
    output: str | None = None


def spot_at(model: nn.Module, at: Address, inputs: Any, count: int) -> Spot:
    """Return where to read.

    Args:
        model: In eval mode, without gradients; bare of wrappers.
        at: "penultimate", or a layer: see `Prefix`.
        inputs: What the model is given, of a few examples.
        count: How many these are.

    Returns:
        A spot.

    Raises:
        AddressError: There is no such layer.
        InputError: No head was found, or the layer's output cannot be read as vectors.
        CaptureError: The layer did not run.
    """
    if isinstance(at, str) and at == PENULTIMATE and PENULTIMATE not in modules_of(model):
        return _in_front_of_the_head(model, inputs, count)
    prefix = Prefix(model, at)
    with prefix.asked():
        output = prefix.run(inputs)
        seen = dict(tensors(inputs))[picture_in(inputs, count)]
        axis = prefix.unit_axis(inputs, output, tuple(seen.shape[2:]))
    examples = 1 if output.ndim > 2 and len(output) != count and output.shape[1] == count else 0
    if output.shape[examples] != count:
        raise _no_examples(prefix.name, output, count)
    name = prefix.name if prefix.turn == 1 else prefix.name.rpartition("#")[0]
    axis = -1 if axis == output.ndim - 1 else axis
    return Spot(name=name, turn=prefix.turn, words=prefix.name, axis=axis, examples=examples)


def _no_examples(name: str, output: Tensor, count: int) -> InputError:
    return InputError(
        f"The layer {name!r} returned a tensor of shape {tuple(output.shape)} for {amount(count, 'example')}, and none "
        "of its first two axes numbers them. Name another layer."
    )


# --------------------------------------------------------------------------------------------------- vectors


def vectors_of(spot: Spot, tensor: Tensor, count: int, inputs: Any) -> tuple[Tensor, str]:
    """Return one vector an example, and in words how places or tokens became one.

    Args:
        spot: Where it was read.
        tensor: What was there.
        count: How many examples there are.
        inputs: What the model was given: a mask in it says which tokens count.

    Returns:
        [example, unit], float32, and "" where there was one vector already.

    Raises:
        InputError: The examples cannot be told.
    """
    placed = _placed(tensor.float(), spot.axis, count, spot.examples)
    if placed is None:
        raise _no_examples(spot.words, tensor, count)
    places = placed.shape[1]
    if places == 1:
        return placed[:, 0], ""
    if spot.token is not None:
        place = spot.token % places
        return placed[:, place], f"token {place + 1} of {places}, which the head reads"
    mask = _mask(inputs, count, places)
    if mask is not None:
        kept = mask.to(placed)[:, :, None]
        # What is left out may be NaN, which 0 times NaN would be, too.
        total = torch.where(kept > 0, placed, 0.0).sum(1)
        return total / kept.sum(1).clamp(min=1), "mean over the tokens that the mask keeps"
    kind = "tokens" if spot.axis == -1 and tensor.ndim < 4 else "places"
    return placed.mean(1), f"mean over {places:,} {kind}"


def _placed(tensor: Tensor, axis: int, count: int, examples: int = 0) -> Tensor | None:
    """Return a tensor as [example, place, unit]; None where it is not of so many examples."""
    if tensor.ndim < 2:
        return None
    moved = tensor.movedim(axis, -1).movedim(examples, 0)
    if len(moved) == count:
        return moved.reshape(count, -1, moved.shape[-1])
    # Places that were folded into the examples: (examples x tokens, units).
    return moved.reshape(count, -1, moved.shape[-1]) if moved.ndim == 2 and len(moved) % count == 0 else None


def _mask(inputs: Any, count: int, places: int) -> Tensor | None:
    """Return which tokens count, [example, token]; None where nothing says so."""
    for path, one in tensors(inputs):
        name = path.lower()
        if "mask" in name and tuple(one.shape) == (count, places):
            return one == 0 if "padding" in name else one != 0
    return None


# ---------------------------------------------------------------------------------------------------- the head


@dataclass(frozen=True)
class _Call:
    """One call of a layer that could be the head."""

    name: str
    turn: int
    module: nn.Module
    given: Tensor
    returned: Tensor

    @property
    def axis(self) -> int:
        return 1 if isinstance(self.module, _CONVOLUTIONS) else -1


def _in_front_of_the_head(model: nn.Module, inputs: Any, count: int) -> Spot:
    """Return the spot in front of the last layer whose output is what the model returns."""
    calls, output = _calls_of(model, inputs)
    returned = outputs_of(output)
    for path, one in returned:
        for head in reversed(calls):
            found = _read_by(head, one, count)
            if found is not None:
                examples, token = found
                numbered = head.name if head.turn == 1 else f"{head.name}#{head.turn}"
                return Spot(
                    name=head.name,
                    turn=head.turn,
                    words=f"input of {numbered}",
                    given=True,
                    axis=head.axis,
                    examples=examples,
                    token=token,
                    output=path,
                )
    names = list(dict.fromkeys(one.name for one in calls))
    ran = f"{', '.join(names[-3:])} ran" if names else "none ran"
    shapes = ", ".join(str(tuple(one.shape)) for _, one in returned[:3]) or f"a {type(output).__name__}"
    raise InputError(
        f"No head of {type(unwrap(model)).__name__} was found: a linear layer, or a convolution of 1 x 1, whose output "
        f"is what the model returns, up to softmax, sigmoid, flatten, and a mean over places. Of such layers {ran}, "
        f"and the model returned {shapes}. Name the layer whose output is wanted, such as at={_example(model)!r}: "
        "print(pel.Subject(model)) lists all."
    )


def _example(model: nn.Module) -> str:
    names = list(modules_of(model))
    return names[-2] if len(names) > 2 else names[-1]


def _calls_of(model: nn.Module, inputs: Any) -> tuple[list[_Call], Any]:
    """Run a model, and return the calls of what could be its head, with what it returned."""
    calls: list[_Call] = []
    turns: dict[str, int] = {}

    def seen(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple[Any, ...], named: Mapping[str, Any], returned: Any) -> None:
            parts = [one for _, one in tensors((given, dict(named))) if one.is_floating_point()]
            turns[name] = turns.get(name, 0) + 1
            if parts and isinstance(returned, Tensor):
                calls.append(_Call(name, turns[name], module, parts[0].clone(), returned))

        return hook

    with ExitStack() as stack:
        for name, module in modules_of(model).items():
            if can_be_head(module):
                handle = module.register_forward_hook(seen(name), with_kwargs=True)
                stack.callback(handle.remove)
        output = call(model, copied(inputs))
    return calls, output


def can_be_head(module: nn.Module) -> bool:
    """Say whether a module multiplies vectors with a matrix, place by place."""
    if isinstance(module, _CONVOLUTIONS):
        return all(one == 1 for one in module.kernel_size) and module.groups == 1
    return isinstance(module, nn.Linear) or _is_transposed(module)


def _is_transposed(module: nn.Module) -> bool:
    """Say whether it is a Conv1D of Hugging Face: a linear layer whose weight is [unit, output]."""
    weight = getattr(module, "weight", None)
    return type(module).__name__ == "Conv1D" and isinstance(weight, Tensor) and weight.ndim == 2


def weights_of(module: nn.Module) -> Tensor:
    """Return the weights of a head, [output, unit]."""
    weight: Any = module.weight
    return weight.detach().float().T if _is_transposed(module) else weight.detach().float().flatten(1)


def copied(inputs: Any) -> Any:
    """Return inputs that a model may change."""
    return rebuilt(inputs, lambda _, value: value.clone() if isinstance(value, Tensor) else value)


def outputs_of(output: Any) -> list[tuple[str, Tensor]]:
    """Return the tensors of real numbers in what a model returned, with their places; logits come first."""
    nest: Any = vars(output) if is_dataclass(output) and not isinstance(output, Mapping) else output
    logits = getattr(output, "logits", None)
    if not tensors(nest) and isinstance(logits, Tensor):
        nest = {"logits": logits}
    found = [(path, one) for path, one in tensors(nest) if one.is_floating_point()]
    return sorted(found, key=lambda one: one[0].rpartition(".")[2] != "logits")


def _read_by(head: _Call, returned: Tensor, count: int) -> tuple[int, int | None] | None:
    """Return the axis of examples and the token that a head reads; None where it is not the head of an output."""
    if not returned.ndim or returned.numel() % count or head.returned.ndim < 2:
        return None
    shape, said = head.returned.shape, returned.cpu().double()
    for examples in (0, 1) if len(shape) > 2 and shape[0] != count == shape[1] else (0,):
        placed = _placed(head.returned.cpu().double(), head.axis, count, examples)
        if placed is None:
            continue
        if returned.numel() == head.returned.numel():
            same = returned.shape == shape
            there = _placed(said, head.axis, count, examples) if same else None
            flat = placed if there is not None else head.returned.cpu().double()
            if _alike(flat, said if there is None else there, returned.dtype):
                return examples, None
        if len(returned) == count and placed.shape[1] > 1:
            for token, one in _readings(placed):
                if _alike(one, said, returned.dtype):
                    return examples, token
    return None


def _readings(placed: Tensor) -> Iterator[tuple[int | None, Tensor]]:
    yield None, placed.mean(1)
    yield 0, placed[:, 0]
    yield -1, placed[:, -1]


def _alike(scores: Tensor, returned: Tensor, kind: torch.dtype) -> bool:
    """Say whether an output is these scores, or what softmax or sigmoid make of them; the last axis is the classes."""
    if scores.numel() != returned.numel():
        return False
    margin = (_EXACT if kind.itemsize > 2 else _HALF) * float(returned.nan_to_num(posinf=0, neginf=0).abs().max())
    changed = [scores, scores.sigmoid()]
    if scores.shape[-1] > 1:
        changed += [scores.softmax(-1), scores.log_softmax(-1)]
    flat = returned.reshape(-1)
    return any(torch.allclose(one.reshape(-1), flat, rtol=0, atol=margin, equal_nan=True) for one in changed)


# ------------------------------------------------------------------------------------------------------ reading


class Reader:
    """Reads vectors at a spot while a model runs.

    Args:
        model: In eval mode; without gradients.
        spot: Where.
    """

    def __init__(self, model: nn.Module, spot: Spot) -> None:
        self.model, self.spot, self.pooled = model, spot, ""
        self.module = modules_of(model)[spot.name]
        self._turn = 0
        self._found: Tensor | None = None

    def listening(self) -> ExitStack:
        """Return a context in which the model is heard."""
        with ExitStack() as stack:
            handle = (
                self.module.register_forward_pre_hook(self._before, with_kwargs=True)
                if self.spot.given
                else self.module.register_forward_hook(self._behind)
            )
            stack.callback(handle.remove)
            return stack.pop_all()

    def read(self, inputs: Any, count: int) -> tuple[Tensor, Any]:
        """Run the model and return a vector an example, [example, unit], on the CPU, and what it returned.

        Raises:
            InputError: The layer did not run as often as at first, or its output is another one.
        """
        self._turn, self._found = 0, None
        output = call(self.model, copied(inputs))
        found, self._found = self._found, None
        if found is None:
            raise InputError(
                f"There was nothing to read at {self.spot.words}: {self.spot.name!r} was called {self._turn} times. "
                "Name a layer that runs for every batch."
            )
        vectors, pooled = vectors_of(self.spot, found, count, inputs)
        self.pooled = self.pooled or pooled
        return vectors.cpu(), output

    def _before(self, module: nn.Module, given: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        del module
        self._keep((given, dict(named)))

    def _behind(self, module: nn.Module, given: Any, output: Any) -> None:
        del module, given
        self._keep(output)

    def _keep(self, nest: Any) -> None:
        if in_backward():
            return
        self._turn += 1
        if self._turn == self.spot.turn:
            found = next((one for _, one in tensors(nest) if one.is_floating_point()), None)
            self._found = None if found is None else found.clone()  # what follows may change it in place
