"""Leftover: whether the gradient of the step before was still there when the next backward pass added to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.weak import TensorWeakRef

from pellucid.maths.sampled import sum_of_squares
from pellucid.sessions.shards import local


@dataclass(frozen=True, kw_only=True)
class _Left:
    """A gradient as it was right after the optimiser's step; `tensor` is None where there was none any more."""

    name: str
    parameter: nn.Parameter
    tensor: TensorWeakRef | None
    version: int
    squares: Tensor


class Leftover:
    """Looks at one gradient an optimiser before a watched step, and again when the optimiser comes to it.

    A gradient that was cleared has become None or another tensor, or was changed in place more often than by the one
    backward pass that added to it. So this needs no hook and reads no value that anybody waits for. Where more than one
    pass adds to it, or something else changes it (clipping), there is no telling, and nothing is said.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names
        self._stepped: set[int] = set()
        self._left: dict[int, _Left] = {}

    def stepped(self, optimizer: Optimizer) -> None:
        """Note that an optimiser has made a step, since when no backward pass has run."""
        self._stepped.add(id(optimizer))

    def begin(self, optimizers: Sequence[Optimizer], *, due: bool) -> None:
        """Look at what the last steps left, when the step that begins is to be watched."""
        stepped, self._stepped = self._stepped, set()
        if due:
            found = {id(one): self._look(one) for one in optimizers if id(one) in stepped}
            self._left = {key: left for key, left in found.items() if left is not None}

    def carried(self, optimizer: Optimizer) -> dict[str, Tensor]:
        """Return by name the sum of squares that was carried into this step, 0 for none; nothing when unknown."""
        left = self._left.pop(id(optimizer), None)
        if left is None:
            return {}
        now = left.parameter.grad
        nothing = {left.name: torch.zeros_like(left.squares)}
        if now is None or left.tensor is None or left.tensor() is not now:
            return nothing
        return {left.name: left.squares} if now._version == left.version + 1 else {}  # noqa: SLF001 - torch's name

    def _look(self, optimizer: Optimizer) -> _Left | None:
        """Look at the last parameter that has a gradient, else at the last one at all."""
        mine = [one for group in optimizer.param_groups for one in group["params"] if id(one) in self._names]
        mine = [one for one in mine if one.requires_grad]
        if not mine:
            return None
        held = [one for one in mine if one.grad is not None and one.grad.layout is torch.strided]
        parameter = (held or mine)[-1]
        gradient = parameter.grad if held else None
        squares = torch.zeros((), dtype=torch.float64, device=parameter.device)
        return _Left(
            name=self._names[id(parameter)],
            parameter=parameter,
            tensor=None if gradient is None else TensorWeakRef(gradient),
            version=0 if gradient is None else gradient._version,  # noqa: SLF001 - torch's name
            squares=squares if gradient is None else sum_of_squares(local(gradient)),
        )
