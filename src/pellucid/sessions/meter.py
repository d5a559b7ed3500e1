"""Meter: reads gradients, weights and updates where an optimiser steps, and nothing between."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from pellucid.maths.reduce import Reduced
from pellucid.maths.sampled import Sampled, read, sum_of_squares
from pellucid.maths.twins import twin_share
from pellucid.sessions.leftover import Guard, Leftover
from pellucid.sessions.shards import Shard, local


@dataclass(kw_only=True)
class Reading:
    """What one watched optimiser step left, by name of the parameter; tensors are on the device.

    An update is the sum of the squares of parameter after minus parameter before; `carried` that of a gradient which
    was not cleared.
    """

    step: int
    gradients: dict[str, Reduced | Sampled] = field(default_factory=dict[str, Reduced | Sampled])
    weights: dict[str, Reduced | Sampled] = field(default_factory=dict[str, Reduced | Sampled])
    updates: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    carried: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    twins: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    learning_rates: dict[str, float] = field(default_factory=dict[str, float])


class Meter:
    """Hooks on the optimisers; takes one reading each time that it is made due.

    Gradients are read in the step pre-hook: after gradient accumulation, DDP's reduction and the
    unscaling of GradScaler. Updates are read in the post-hook. An optimiser that is given a closure (LBFGS)
    evaluates inside its step, so there the gradients of the last evaluation are read in the post-hook.
    """

    def __init__(
        self,
        parameters: dict[str, nn.Parameter],
        optimizers: Sequence[Optimizer],
        *,
        guard: Guard,
        most: int | None = None,
        every_step: bool = False,
    ) -> None:
        self.parameters = parameters
        self.optimizers = optimizers
        self.guard = guard
        self.due = False
        self._most = most
        self._readings = 0
        self.reading: Reading | None = None
        self.step = 0
        self._names = {id(parameter): name for name, parameter in parameters.items()}
        self._shards = {name: Shard.of(parameter) for name, parameter in parameters.items()}
        self._leftover = Leftover(self._names, guard)
        self._before: dict[str, Tensor] = {}
        # Fresh memory for a copy of all parameters has to be asked from the system; where every step is watched
        # that would cost more than copying, so the room of one copy is kept.
        self._keep = every_step
        self._kept: dict[str, Tensor] = {}
        self._read: set[int] = set()
        self._handles: list[Any] = []

    @cached_property
    def owned(self) -> frozenset[str]:
        """Names of the parameters that an optimiser holds; all of them when no optimiser was given."""
        if not self.optimizers:
            return frozenset(self.parameters)
        held = (parameter for optimizer in self.optimizers for parameter in _parameters_of(optimizer))
        return frozenset(self._names[id(parameter)] for parameter in held if id(parameter) in self._names)

    @property
    def cut(self) -> frozenset[str]:
        """Names of the parameters that are cut over ranks (FSDP2), so that their statistics add up over ranks."""
        return frozenset(name for name, shard in self._shards.items() if shard.cut)

    def attach(self) -> None:
        """Hook the optimisers."""
        for optimizer in self.optimizers:
            self._handles.append(optimizer.register_step_pre_hook(self._pre))
            self._handles.append(optimizer.register_step_post_hook(self._post))

    def detach(self) -> None:
        """Remove every hook."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._before.clear()
        self._kept.clear()
        self._leftover.forget()

    def begin(self, step: int, *, due: bool) -> None:
        """Say which training step begins, and whether to read at the next step of each optimiser from then on.

        A reading that is due waits for the optimiser (accumulation, steps that a GradScaler skips) and bears the
        number of the step at which it was taken.
        """
        if self.reading is None:
            self.step = step
        self.guard(lambda: self._leftover.begin(self.optimizers, due=due and not self.due))
        if due and not self.due:
            self.due, self.reading = True, None
            self._read.clear()
            self.__dict__.pop("owned", None)  # parameter groups may have been added since the last reading

    def take(self) -> Reading | None:
        """Return the reading once every optimiser that is going to step has stepped, and forget it."""
        if not self.optimizers and self.due:
            self.guard(self._read_without_optimizer)
        reading, self.reading = self.reading, None
        if reading is not None:
            self.due = False
            self._readings += 1
        return reading

    def _pre(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.due and id(optimizer) not in self._read:
            self.guard(lambda: self._before_step(optimizer, closure=_has_closure(args, kwargs)))

    def _post(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._leftover.stepped(optimizer)
        if self.due and self._before and id(optimizer) not in self._read:
            self.guard(lambda: self._after_step(optimizer, closure=_has_closure(args, kwargs)))

    def _before_step(self, optimizer: Optimizer, *, closure: bool) -> None:
        reading = self.reading = self.reading or Reading(step=self.step)
        for group in optimizer.param_groups:
            rate = _rate_of(group)
            for parameter in group["params"]:
                if name := self._names.get(id(parameter)):
                    reading.learning_rates[name] = rate
        names = self._mine(optimizer)
        reading.carried |= self._leftover.carried(optimizer)
        self._read_weights(reading, names)
        if not closure:
            self._read_gradients(reading, names, _scale_of(optimizer))
        with torch.no_grad():
            for name in names:
                now, room = local(self.parameters[name]).detach(), self._kept.pop(name, None)
                fits = room is not None and room.shape == now.shape and room.dtype == now.dtype
                self._before[name] = room.copy_(now) if room is not None and fits else now.clone()

    def _after_step(self, optimizer: Optimizer, *, closure: bool) -> None:
        reading = self.reading = self.reading or Reading(step=self.step)
        if closure:
            self._read_gradients(reading, self._mine(optimizer), None)
        with torch.no_grad():
            for name, before in self._before.items():
                update = torch.sub(local(self.parameters[name]).detach(), before, out=before)
                reading.updates[name] = sum_of_squares(update)
        self._kept, self._before = self._before if self._keep else {}, {}
        self._read.add(id(optimizer))

    def _mine(self, optimizer: Optimizer) -> list[str]:
        """Parameters read with this optimiser: its own, and for the first one those that nobody holds."""
        mine = [self._names[id(one)] for one in _parameters_of(optimizer) if id(one) in self._names]
        if optimizer is self.optimizers[0]:
            mine += [name for name in self.parameters if name not in self.owned]
        return mine

    def _read_weights(self, reading: Reading, names: Iterable[str]) -> None:
        parameters = {name: self.parameters[name].detach() for name in names}
        for name, parameter in parameters.items():
            reading.weights[name] = read(_real(local(parameter)), most=self._most)
        # Rows that are alike from the start stay so, and looking for them costs a product: it is done at the
        # readings 0, 1, 2, 4, 8 ...
        if self._readings & (self._readings - 1) == 0:
            for name, parameter in parameters.items():
                if parameter.ndim >= 2 and not parameter.is_complex() and not self._shards[name].cut:
                    reading.twins[name] = twin_share(parameter)

    def _read_gradients(self, reading: Reading, names: Iterable[str], scale: Tensor | None) -> None:
        for name in names:
            gradient = self.parameters[name].grad
            if gradient is not None:
                values = local(gradient.detach())
                values = values.to_dense() if values.is_sparse else values
                values = _real(values if scale is None else values / scale)
                reading.gradients[name] = self._shards[name].read(values, rows=True, most=self._most)

    def _read_without_optimizer(self) -> None:
        reading = self.reading = Reading(step=self.step)
        self._read_weights(reading, self.parameters)
        self._read_gradients(reading, self.parameters, None)


def _real(values: Tensor) -> Tensor:
    """A complex parameter is measured by its magnitude."""
    return values.abs() if values.is_complex() else values


def _rate_of(group: dict[str, Any]) -> float:
    """The learning rate; unknown where it lies on a device, since asking would wait for it, or is no number."""
    rate = group.get("lr", math.nan)
    try:
        return math.nan if isinstance(rate, Tensor) and rate.device.type != "cpu" else float(rate)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return math.nan


def _parameters_of(optimizer: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _has_closure(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return any(callable(one) for one in (*args, *kwargs.values()))


def _scale_of(optimizer: Optimizer) -> Tensor | None:
    """Fused optimisers under GradScaler unscale inside their kernel; until then the gradients are scaled."""
    return getattr(optimizer, "grad_scale", None)
