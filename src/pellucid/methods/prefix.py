"""Prefix: a model up to one call of one of its layers, run no further than that."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from torch import Tensor, nn

from pellucid.core.errors import AddressError, CaptureError, InputError
from pellucid.methods.attribution.functions import refuse_scripted
from pellucid.methods.attribution.grid import grid_of
from pellucid.methods.attribution.nest import rebuilt, tensors
from pellucid.methods.attribution.question import layer_named
from pellucid.probe.address import Address, leaves_of, modules_of, unwrap
from pellucid.probe.guard import examined
from pellucid.probe.hooks import in_backward
from pellucid.probe.layout import says_axis, unit_axis
from pellucid.probe.subject import call

_STATISTICS = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.LocalResponseNorm),
)


class _Reached(BaseException):
    """The layer has returned, and what follows is not needed; no Exception, so that nothing in the model catches it."""


class Prefix:
    """A model up to one call of one layer.

    Args:
        model: Any module, wrapped or not; what is compiled is run as it was before.
        at: The layer: a name, a module, or a name with the number of the call, such as "act#2"; the first call counts
            where none is named.

    Attributes:
        model: The user's own module.
        module: The layer.
        name: Its dotted name, with "#2" for a second call.
        turn: The number of the call.

    Raises:
        AddressError: There is no such layer.
        InputError: There are several, the number of the call is none, or it is a ScriptModule.
    """

    def __init__(self, model: nn.Module, at: Address) -> None:
        self.model = unwrap(model)
        at, self.turn = _split(self.model, at)
        name, self.module = layer_named(self.model, at)
        refuse_scripted({name: self.module}, "A layer is read by a hook on it")
        self.name = name if self.turn == 1 else f"{name}#{self.turn}"
        self._calls = 0
        self._found: Tensor | None = None

    @contextmanager
    def asked(self) -> Generator["Prefix", None, None]:
        """Have the model in eval mode while the block runs, and as it was afterwards, also after an exception."""
        with ExitStack() as stack:
            stack.enter_context(examined(self.model))
            stack.callback(self.module.register_forward_hook(self._hook).remove)
            yield self

    def run(self, inputs: Any) -> Tensor:
        """Return what the layer puts out, as it comes: with a history where gradients are enabled.

        Args:
            inputs: What the model is given: a tensor, a tuple of positional or a mapping of named arguments.

        Returns:
            The first tensor of real numbers in the layer's output.

        Raises:
            CaptureError: The layer did not run, or not as often as was asked.
            InputError: It returned no tensor of real numbers.

        Cost:
            The forward pass up to the layer.
        """
        self._calls, self._found = 0, None
        with suppress(_Reached):
            call(self.model, rebuilt(inputs, _copied))  # a model may change what it is given
        found, self._found = self._found, None
        if found is None and self._calls == 0:
            raise CaptureError(f"The layer {self.name!r} did not run in the forward pass. Name one that does.")
        if found is None and self._calls < self.turn:
            raise CaptureError(f"{self.name!r} was asked for, and the layer was called {self._calls} times.")
        if found is None:
            raise InputError(f"The layer {self.name!r} returned no tensor of real numbers. Name another layer.")
        return found

    def unit_axis(self, inputs: Any, output: Tensor, space: tuple[int, ...]) -> int:
        """Return the axis of the layer's output that numbers its channels or units.

        Args:
            inputs: What the model is given.
            output: What the layer returned for them.
            space: Sizes of the axes of the examples behind their channels, such as (rows, columns); () for none.

        Returns:
            1 or the last axis. Sizes decide where they can, then the kind of the layer, then what came before it.

        Raises:
            InputError: The output is a single number an example.

        Cost:
            A forward pass up to the layer, for what says nothing of itself.
        """
        if output.ndim < 2:
            raise InputError(
                f"The layer {self.name!r} returned a tensor of shape {tuple(output.shape)}, which has no axis of "
                "channels or units behind that of the examples. Name another layer."
            )
        grid = grid_of(tuple(output.shape), space, self.module) if len(space) > 1 else None
        if grid is not None and grid.extras is None:
            return output.ndim - 1 if grid.last else 1
        axis = unit_axis(self.module, output)
        if output.ndim == 3 and not says_axis(self.module):
            axis = self._axis_before(inputs, output, axis)
        return output.ndim - 1 if axis is None else axis % output.ndim

    def _axis_before(self, inputs: Any, output: Tensor, otherwise: int | None) -> int | None:
        """Return where an output of the same shape had its units, of the last leaf that says so."""
        said: dict[str, int | None] = {}

        def note(module: nn.Module, given: Any, returned: Any) -> None:
            del given
            for _, one in tensors(returned):
                if one.shape == output.shape and says_axis(module):
                    said["axis"] = unit_axis(module, one)

        with ExitStack() as stack:
            for one in leaves_of(self.model).values():
                if one is not self.module:
                    stack.callback(one.register_forward_hook(note).remove)
            self.run(inputs)
        return said.get("axis", otherwise)

    def _hook(self, module: nn.Module, given: Any, output: Any) -> None:
        del module, given
        if in_backward():  # a checkpoint that computes once more
            return
        self._calls += 1
        if self._calls == self.turn:
            self._found = next((one for _, one in tensors(output) if one.is_floating_point()), None)
            raise _Reached


@contextmanager
def without_statistics(model: nn.Module) -> Generator[None, None, None]:
    """Have norms hand on what they are given while the block runs.

    What a norm divides by is taken over the whole image (or a whole batch), so that through it every place depends a
    little on every other. Where something lies is not a question of that.

    Args:
        model: Any module.
    """

    def hand_on(module: nn.Module, given: tuple[Any, ...], output: Any) -> Any:
        del module
        same = given and isinstance(given[0], Tensor) and given[0].shape == output.shape
        return given[0].clone() if same else output

    with ExitStack() as stack:
        for one in model.modules():
            if isinstance(one, _STATISTICS):
                stack.callback(one.register_forward_hook(hand_on, prepend=True).remove)
        yield


def _copied(place: str, value: Any) -> Any:
    del place
    return value.clone() if isinstance(value, Tensor) else value


def _split(model: nn.Module, at: Address) -> tuple[Address, int]:
    """Return an address without the number of a call, and that number."""
    if not isinstance(at, str) or "#" not in at or at in modules_of(model):
        return at, 1
    name, _, number = at.rpartition("#")
    if not number.isdecimal() or int(number) < 1:
        raise InputError(f"{at!r} came; expected the number of a call behind '#', such as {name + '#2'!r}.")
    if not name:
        raise AddressError(f"{at!r} names no layer. Write its name in front, such as 'act#2'.")
    return name, int(number)
