"""Capture: write down what a model computes, without changing anything."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from pellucid.core.errors import CaptureError, InputError
from pellucid.maths.reduce import reduce
from pellucid.probe.address import LEAVES, Address, is_compiled, resolve, unwrap
from pellucid.probe.hooks import INPUT, OUTPUT, Hooks, aside, begun_here, in_backward, in_transform, tensors_in
from pellucid.probe.layout import activation_of, says_axis, unit_axis
from pellucid.probe.tape import Tape

Index = int | slice | tuple[Any, ...]
Keep = str | Index | Callable[[Tensor], Any]

_COMPILED = (
    "it was computed in a compiled graph, where a gradient hook would break the graph and change the losses. "
    "Call the model outside the compiled function, or capture with grads=False."
)
_RECOMPUTED = (
    "the module ran several times inside a reentrant checkpoint, so that its recomputations cannot be told "
    "apart. Use torch.utils.checkpoint.checkpoint(..., use_reentrant=False)."
)


@contextmanager
def capture(
    model: nn.Module,
    at: Address = LEAVES,
    *,
    inputs: bool = False,
    grads: bool = False,
    keep: Keep = "full",
) -> Generator[Tape, None, None]:
    """Write down what modules return while the block runs.

    The model computes the same, bit for bit, as it would without: outputs, gradients, buffers, random numbers.
    In-place operations later on do not change what was kept, and what activation checkpointing recomputes is
    not written down twice. A compiled model keeps its graph and gets a second one for captures, once. One
    thing is PyTorch's own: nn.TransformerEncoderLayer leaves its fused way of inference while any hook is on it.

    Args:
        model: Any module, wrapped or not; compiled before, inside or not at all.
        at: Which modules: a glob such as "blocks.*.mlp", a module, a type, or a list of these; every leaf by
            default.
        inputs: Whether to keep what modules are given as well.
        grads: Whether to keep the gradient of the loss with respect to each output; call backward inside the
            block.
        keep: "full" keeps a copy of each tensor; "statistics" what `pellucid.maths.reduce.reduce` makes of it;
            an index (an int, a slice or a tuple of these) the copy of that part; a function what it returns
            for the detached tensor.

    Yields:
        The tape, which fills while the block runs and stays when the hooks are gone.

    Raises:
        AddressError: The address matches nothing.
        InputError: `keep` is none of these.
        CaptureError: Gradients were asked of a compiled model, all that was named is a ScriptModule, or the model runs
            inside a torch.func transform.

    Cost:
        "full": the memory of the tensors, and 2 ns per value to copy them. "statistics": measured on one busy
        core, 6 ns per value and 0.12 ms per tensor at the least; gradients cost the same again.

    Source:
        Ours.
    """
    _check_keep(keep)
    if grads and is_compiled(model):
        raise CaptureError(
            f"Gradients of activations cannot be captured from the compiled {type(unwrap(model)).__name__}: a "
            "hook on them would break the graph and change the losses. Give the model without torch.compile, or "
            "capture with grads=False."
        )
    targets = resolve(model, at)
    if all(isinstance(one, torch.jit.ScriptModule) for one in targets.values()):
        raise CaptureError(
            f"What is to be captured of {type(unwrap(model)).__name__} is a ScriptModule, which Python cannot look "
            "into. Give the model as it was before torch.jit."
        )
    recording = _Recording(targets, inputs=inputs, grads=grads, keep=keep)
    hooks = Hooks(recording, model, recording.targets, inputs=inputs, training_only=False, find_functions=False)
    try:
        hooks.attach()
        with begun_here():
            yield recording.tape
    finally:
        hooks.detach()
        recording.close()


def _check_keep(keep: Any) -> None:
    known = keep in ("full", "statistics") if isinstance(keep, str) else None
    if known or (known is None and (isinstance(keep, (int, slice, tuple)) or callable(keep))):
        return
    raise InputError(
        f"keep={keep!r} came; expected 'full', 'statistics', an index such as slice(0, 8) or (0, slice(4)), or "
        "a function of one tensor."
    )


class _Recording:
    """Writes the tape; what the hooks call."""

    def __init__(self, targets: dict[str, nn.Module], *, inputs: bool, grads: bool, keep: Keep) -> None:
        self.targets = targets
        self.tape = Tape(with_inputs=inputs, with_grads=grads)
        self._grads = grads
        self._keep = keep
        self._calls: dict[tuple[str, str], int] = {}
        self._latest: tuple[torch.Size, int | None] | None = None
        self._handles: list[RemovableHandle] = []
        self._axes: dict[str, int | None] = {}
        self._awaiting: set[str] = set()

    def saw_forward_begin(self) -> None:
        """Nothing: a tape counts calls from its beginning to its end."""

    def saw_forward_end(self) -> None:
        """Nothing, either."""

    def saw_input(self, name: str, module: nn.Module, inputs: Any) -> None:
        """Keep what a module is given."""
        self._refuse_transform()
        if not in_backward():
            for path, value in tensors_in(inputs):
                key = self._key(INPUT, name, path)
                self.tape.given[key] = self._kept(value, axis=self._axis(module, value), module=None)

    def saw_output(self, name: str, module: nn.Module, output: Any) -> None:
        """Keep what a module returned, and see to its gradient."""
        self._refuse_transform()
        for path, value in tensors_in(output):
            if in_backward():
                self._saw_recomputed(name + path, value)
                continue
            key = self._saw_value(name, path, value, module=module)
            if self._grads and value.requires_grad:
                self._await_gradient(key, value)
            elif self._grads:
                self._awaiting.add(key)

    def saw_compiled(self, kind: str, name: str, path: str, value: Tensor, origin: str) -> None:
        """Keep what a compiled graph hands out."""
        del origin
        if in_backward():
            return
        module = self.targets.get(name)
        if kind == INPUT:
            axis = self._axis(module, value)
            self.tape.given[self._key(INPUT, name, path)] = self._kept(value, axis=axis, module=None)
        elif kind == OUTPUT and module is not None:
            self.tape.unreachable[self._saw_value(name, path, value, module=module)] = _COMPILED

    def close(self) -> None:
        """Take the gradient hooks off the tensors, which may live on."""
        while self._handles:
            self._handles.pop().remove()

    def _refuse_transform(self) -> None:
        if in_transform():
            raise CaptureError(
                "The model ran inside a torch.func transform (vmap, grad, jacrev, ...), whose tensors mean nothing "
                "outside it. Capture a plain call of the model."
            )

    def _key(self, kind: str, name: str, path: str) -> str:
        count = self._calls.get((kind, name + path), 0) + 1
        self._calls[kind, name + path] = count
        return f"{name}{'' if count == 1 else f'#{count}'}{path}"

    def _saw_value(self, name: str, path: str, value: Tensor, *, module: nn.Module) -> str:
        key = self._key(OUTPUT, name, path)
        axis = self._axis(module, value)
        self._latest = value.shape, axis
        self._axes[key] = axis
        self.tape.outputs[key] = self._kept(value, axis=axis, module=module)
        return key

    def _axis(self, module: nn.Module | None, value: Tensor) -> int | None:
        # An activation function, or a module of the user's own, has its units where its input had them.
        says = module is not None and says_axis(module)
        if not says and self._latest is not None and self._latest[0] == value.shape:
            return self._latest[1]
        return unit_axis(module, value)

    def _kept(self, value: Tensor, *, axis: int | None, module: nn.Module | None) -> Any:
        with aside(value):
            plain = value.detach()
            if self._keep == "full":
                return plain.clone()
            if self._keep == "statistics":
                activation = None if module is None else activation_of(module)
                return reduce(plain, unit_axis=axis, saturation=activation.saturation if activation else None)
            if callable(self._keep):
                return _reduced_by(self._keep, plain)
            index: Any = self._keep
            return plain[index].clone()

    def _await_gradient(self, key: str, value: Tensor) -> None:
        self._handles.append(value.register_hook(partial(self._saw_gradient, key)))

    def _saw_gradient(self, key: str, gradient: Tensor) -> None:
        self.tape.gradients[key] = self._kept(gradient, axis=self._axes[key], module=None)

    def _saw_recomputed(self, key: str, value: Tensor) -> None:
        # A reentrant checkpoint computes without history first; only its recomputation can tell the gradient.
        if key not in self._awaiting or not value.requires_grad:
            return
        if self._calls[OUTPUT, key] > 1:
            self.tape.unreachable[key] = _RECOMPUTED
            return
        self._await_gradient(key, value)


def _reduced_by(keep: Callable[[Tensor], Any], value: Tensor) -> Any:
    # The value shares memory and its count of changes with what the model goes on with.
    before = None if value.is_inference() else value._version  # noqa: SLF001 - torch's documented name
    kept = keep(value)
    if before is not None and value._version != before:  # noqa: SLF001 - the same
        raise CaptureError(
            f"The function given as keep changed the {tuple(value.shape)} tensor in place, and the model with it. "
            "Have it return a new tensor."
        )
    shares = isinstance(kept, Tensor) and kept.untyped_storage().data_ptr() == value.untyped_storage().data_ptr()
    return kept.clone() if shares else kept
