"""A layer whose output is explained: its output is replaced while the model runs, so that only what follows is run."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from pellucid.core.errors import CaptureError, InputError
from pellucid.methods.attribution.functions import refuse_scripted
from pellucid.methods.attribution.memory import is_out_of_memory
from pellucid.methods.attribution.nest import rebuilt, tensors
from pellucid.probe.hooks import in_backward

Made = TypeVar("Made")


class Layer:
    """One call of one module.

    Args:
        name: Its dotted name.
        module: The module.

    Raises:
        InputError: It is a ScriptModule.

    The rows that a method asks for take the place of the output, so that only what follows the layer is run for each
    of them; in front of it two examples are run, whose output is thrown away. Two, and not one, so that what follows
    cannot use them unnoticed: masks and skip connections around the layer do not fit to the rows, nor can they be
    stretched. Then everything is run for every row.
    """

    def __init__(self, name: str, module: nn.Module) -> None:
        refuse_scripted({name: module}, "A layer is explained by a hook on it")
        self.name = name
        self.module = module
        self.whole = False
        self._value: Tensor | None = None
        self._opened: Tensor | None = None
        self._calls = 0
        self._graph = False

    @contextmanager
    def hooked(self) -> Generator[None, None, None]:
        """Have the hook on the module while the block runs."""
        handle = self.module.register_forward_hook(self._hook, prepend=True)
        try:
            yield
        finally:
            handle.remove()
            self._value = self._opened = None

    def open(self, forward: Callable[[], Made], rows: int) -> tuple[Tensor, Made]:
        """Run the model as it is, with a graph that begins at the layer.

        Args:
            forward: Runs the model.
            rows: How many examples it is run for.

        Returns:
            The output of the layer, a leaf of the graph, and what `forward` returns.

        Raises:
            CaptureError: The module did not run.
            InputError: It returned no tensor of real numbers, or one whose first axis does not number the examples.
        """
        self._value = self._opened = None
        made = self._begun(forward)
        if self._calls == 0:
            raise CaptureError(f"The layer {self.name!r} did not run in the forward pass. Name one that does.")
        leaf, self._opened = self._opened, None
        if leaf is None:
            raise InputError(f"The layer {self.name!r} returned no tensor of real numbers. Name another layer.")
        if leaf.ndim == 0 or len(leaf) != rows:
            raise InputError(
                f"The layer {self.name!r} returned a tensor of shape {tuple(leaf.shape)} for {rows} examples, and its "
                "first axis must number them. Name another layer."
            )
        return leaf, made

    def run(self, value: Tensor, rows: Tensor, forward: Callable[[Tensor], Made]) -> Made:
        """Return what comes of the model when the layer returns some rows.

        Args:
            value: [N, ...], in place of the layer's output.
            rows: The example of each row, [N].
            forward: Runs the model on some examples, and scores N rows.

        Returns:
            What `forward` returns.
        """
        self._value = value
        if not self.whole and len(rows) > 2:
            try:
                some = rows[: 2 if bool((rows != rows[0]).any()) else 1]
                return self._begun(lambda: forward(some))
            except Exception as error:
                if is_out_of_memory(error):
                    raise
        made = self._begun(lambda: forward(rows))
        self.whole = self.whole or len(rows) > 2
        return made

    def _begun(self, forward: Callable[[], Made]) -> Made:
        self._calls, self._graph = 0, torch.is_grad_enabled()
        return forward()

    def _hook(self, module: nn.Module, given: Any, output: Any) -> Any:
        del module, given
        first = self._calls == 0
        self._calls += 1
        if not first and not in_backward():  # a checkpoint computes the one call again
            return None
        place, own = next(((path, one) for path, one in tensors(output) if one.is_floating_point()), ("", None))
        if own is None:
            return None
        # The model may have switched gradients off in front of the layer, as a frozen part does; it puts back itself.
        torch.set_grad_enabled(self._graph)
        if self._value is None:
            self._value = self._opened = own.detach().clone().requires_grad_(self._graph)
        value = self._value.clone()  # it may be changed in place
        return rebuilt(output, lambda path, one: value if path == place else one)
