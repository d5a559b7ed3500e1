"""Leftover: whether the gradient of the step before was still there when the next backward pass added to it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge
from torch.optim import Optimizer

from pellucid.maths.sampled import sum_of_squares

Guard = Callable[[Callable[[], None]], None]


@dataclass(kw_only=True)
class _Left:
    """A gradient as it was after a step, and what backward passes have brought since.

    Attributes:
        name: Of the parameter.
        parameter: The parameter itself.
        before: The gradient that was left; None where there was none any more.
        piled: What was left and everything that came since; None once that cannot be told.
        fresh: What came since alone; None before anything came.
        guard: Runs work of ours; what goes wrong there must not reach the backward pass.
        handle: Removes the hook on the node that adds to the gradient.
        node: That node, which lives only as long as somebody holds it.
    """

    name: str
    parameter: nn.Parameter
    before: Tensor | None
    guard: Guard
    piled: Tensor | None = None
    fresh: Tensor | None = None
    handle: Any = None
    node: Any = None

    def listen(self) -> None:
        """Hook the node that adds to the gradient; the parameter itself carries nothing."""
        if self.before is not None:
            self.piled = self.before
            self.node = get_gradient_edge(self.parameter).node
            self.handle = self.node.register_prehook(self._came)

    def _came(self, gradients: Any) -> None:
        self.guard(lambda: self._add(gradients[0]))

    def _add(self, came: Tensor | None) -> None:
        if self.piled is None or came is None or came.layout is not torch.strided or came.shape != self.piled.shape:
            self.piled = None
            return
        with torch.no_grad():
            self.piled = self.piled + came
            self.fresh = came.detach().clone() if self.fresh is None else self.fresh + came

    def carried(self) -> Tensor | None:
        """Return the sum of squares of what was carried over, 0 for nothing, NaN when there is no telling."""
        if self.handle is not None:
            self.handle.remove()
        now = self.parameter.grad
        if self.before is None:
            return torch.zeros((), dtype=torch.float64, device=self.parameter.device)
        if now is None or self.piled is None or self.fresh is None or now.shape != self.piled.shape:
            return None
        squares = sum_of_squares(self.before)
        unknown = torch.full_like(squares, math.nan)
        cleared = torch.where((now == self.fresh).all(), torch.zeros_like(squares), unknown)
        return torch.where((now == self.piled).all() & (squares > 0), squares, cleared)


class Leftover:
    """Looks at one gradient an optimiser before a watched step, and again when the optimiser comes to it.

    A gradient was carried over when it is, to the last bit, what was left of the step before plus what backward passes
    have brought since; it was cleared when it is what they brought. Where something else changed it (clipping, the
    mean over ranks, unscaling) there is no telling, and nothing is said.
    """

    def __init__(self, names: Mapping[int, str], guard: Guard) -> None:
        self._names = names
        self._guard = guard
        self._stepped: set[int] = set()
        self._left: dict[int, _Left] = {}

    def stepped(self, optimizer: Optimizer) -> None:
        """Note that an optimiser has made a step, since when no backward pass has run."""
        self._stepped.add(id(optimizer))

    def begin(self, optimizers: Sequence[Optimizer], *, due: bool) -> None:
        """Look at what the last steps left, when the step that begins is to be watched."""
        stepped, self._stepped = self._stepped, set()
        if due:
            self.forget()
            for one in optimizers:
                if id(one) in stepped and (left := self._look(one)) is not None:
                    self._left[id(one)] = left
                    left.listen()

    def carried(self, optimizer: Optimizer) -> dict[str, Tensor]:
        """Return by name the sum of squares that was carried into this step, 0 for none; nothing when unknown."""
        left = self._left.pop(id(optimizer), None)
        found = None if left is None else left.carried()
        return {} if left is None or found is None else {left.name: found}

    def forget(self) -> None:
        """Remove every hook."""
        for left in self._left.values():
            if left.handle is not None:
                left.handle.remove()
        self._left.clear()

    def _look(self, optimizer: Optimizer) -> _Left | None:
        """Look at the smallest parameter that has a gradient, else at any."""
        mine = [one for group in optimizer.param_groups for one in group["params"] if id(one) in self._names]
        mine = [one for one in mine if one.requires_grad and not hasattr(one, "to_local")]
        if not mine:
            return None
        held = [one for one in mine if one.grad is not None and one.grad.layout is torch.strided and one.numel()]
        parameter = min(held or mine, key=lambda one: one.numel())
        before = parameter.grad.detach().clone() if held else None
        return _Left(name=self._names[id(parameter)], parameter=parameter, before=before, guard=self._guard)
