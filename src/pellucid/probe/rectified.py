"""Rectified: which units of rectifying activation functions are 0 on every sample, over any number of forwards."""

import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor, nn

from pellucid.probe.address import LEAVES, is_compiled, resolve, unwrap
from pellucid.probe.hooks import INPUT, OUTPUT, Hooks, aside, in_backward, in_transform, tensors_in
from pellucid.probe.layout import activation_of, unit_axis
from pellucid.probe.listener import Listener


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the output of a rectifying activation function is seen, and which of its axes numbers the units."""

    key: str
    shape: tuple[int, ...]
    axis: int | None


class Rectified:
    """Notes which units put out anything but 0, in forwards without gradients too.

    What modules such as nn.ReLU return is always seen. Functions called in `forward` leave a trace only in the
    history for a backward pass; `find` runs the model once with one, on few samples, and remembers at which call of
    which module their outputs come in.

    Args:
        model: Any module, wrapped or not.

    Attributes:
        active: For each output, by the name that a listener gives it, whether a unit was ever anything but 0, [unit].

    Cost:
        One comparison with 0 for each value of a rectified output.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._targets = resolve(model, LEAVES)
        self._returned: dict[str, _Place] = {}
        self._given: dict[tuple[str, int], _Place] = {}
        self._calls: dict[str, int] = {}
        self.active: dict[str, Bool[Tensor, " unit"]] = {}

    def find(self, forward: Callable[[], Any]) -> None:
        """Run the model with a history, and note where rectifying activation functions are called.

        Nothing is done for a model that is compiled or cut over ranks, which would be compiled once more or would
        prepare for a backward pass that never comes. A model that does not run with gradients is left at that.

        Args:
            forward: Runs the model on few samples; whatever this changes in the model, the caller puts back.
        """
        parameters = [one for one in self._model.parameters() if one.is_floating_point()]
        if is_compiled(self._model) or any(hasattr(one, "to_local") for one in parameters):
            return
        listener = Listener(self._model, training_only=False)
        frozen = [one for one in parameters if not one.requires_grad]
        try:
            _require_gradients(frozen, wanted=True)  # behind frozen layers there is no history
            listener.attach()
            with torch.enable_grad(), warnings.catch_warnings(action="ignore"):
                forward()
        except Exception:  # noqa: BLE001 - it is the model's, which may be made for evaluation only
            return
        finally:
            listener.detach()
            _require_gradients(frozen, wanted=False)
        for key, record in listener.drain().items():
            place = _Place(key=key, shape=record.shape, axis=record.axis)
            if record.rectifies and record.given_to is not None:
                self._given[record.given_to] = place
            elif record.rectifies:
                self._returned[key] = place

    @contextmanager
    def noting(self) -> Generator[None, None, None]:
        """Note what the model does while the block runs; what was noted before is added to."""
        hooks = Hooks(
            self, self._model, self._targets, inputs=bool(self._given), training_only=False, find_functions=False
        )
        try:
            hooks.attach()
            yield
        finally:
            hooks.detach()

    # What the hooks call.

    def saw_forward_begin(self) -> None:
        """Count calls anew."""
        self._calls = {}

    def saw_forward_end(self) -> None:
        """Nothing."""

    def saw_input(self, name: str, module: nn.Module, inputs: Any) -> None:
        """Note what a module is given, where it comes from a function called in forward."""
        del module
        if in_backward() or in_transform():
            return
        place = self._given.get((name, self._count(f"{name}.input")))
        tensors = tensors_in(inputs)
        if place is not None and tensors:
            self._note(place, tensors[0][1])

    def saw_output(self, name: str, module: nn.Module, output: Any) -> None:
        """Note what a module returned, where it is an activation function or ends in one."""
        if in_backward() or in_transform():
            return
        for path, value in tensors_in(output):
            self._saw_value(name, path, value, module=module)

    def saw_compiled(self, kind: str, name: str, path: str, value: Tensor, origin: str) -> None:
        """Note what a module returned in a compiled graph."""
        del origin
        if kind == OUTPUT and not in_backward():
            self._saw_value(name, path, value, module=self._targets[name])
        elif kind not in (INPUT, OUTPUT):
            self._calls = {}

    def _saw_value(self, name: str, path: str, value: Tensor, *, module: nn.Module) -> None:
        count = self._count(name + path)
        key = f"{name}{'' if count == 1 else f'#{count}'}{path}"
        if key in self._returned:
            self._note(self._returned[key], value)
        elif _rectifies(module):
            self._note(_Place(key=key, shape=tuple(value.shape), axis=unit_axis(None, value)), value)

    def _count(self, what: str) -> int:
        self._calls[what] = self._calls.get(what, 0) + 1
        return self._calls[what]

    def _note(self, place: _Place, value: Shaped[Tensor, "..."]) -> None:
        each = prod(place.shape[1:])
        if place.axis is None or not each or value.numel() % each:
            return
        with aside(value):
            # An image that was flattened on its way is looked at as the image again: its units are channels.
            whole = value.detach().reshape(-1, *place.shape[1:])
            active = (whole != 0).movedim(place.axis, -1).flatten(0, -2).any(dim=0)
            before = self.active.get(place.key)
            self.active[place.key] = active if before is None else before | active


def _rectifies(module: nn.Module) -> bool:
    activation = activation_of(unwrap(module))
    return activation is not None and activation.rectifies


def _require_gradients(parameters: list[nn.Parameter], *, wanted: bool) -> None:
    for one in parameters:
        one.requires_grad_(wanted)
