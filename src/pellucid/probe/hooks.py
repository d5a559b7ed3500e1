"""Hooks: how what a model computes reaches a recorder, eager or compiled, and how the hooks come off again.

In eager mode a hook calls its recorder. In a compiled graph it cannot: Python that runs while the graph is
traced does not run again. There the hook leaves one opaque operation in the graph, `pellucid::note`, which
calls the recorder when the graph runs. It reads the tensor and returns nothing: the graph is not broken and no
value depends on it. The tensor that it is declared to change keeps it from being dropped and keeps the order.

A graph that was compiled before the hooks came would not run them: torch.compile leaves out its checks for
modules without hooks. It does check that a module it calls has no `forward` of its own, so each hooked module
is lent one that does what the method of its class does. That makes one more graph with the hooks, and the graph
without them is found again when they are gone. Where nothing is compiled no module is lent anything.

While a model is traced or exported the hooks do nothing; scripting it is refused. Copies and
saved models keep, where a hook was, a function of the standard library that does nothing: PyTorch copies hooks as
they are, and has no place to say no.
"""

import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, Protocol, no_type_check, runtime_checkable

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from pellucid.core.errors import CaptureError
from pellucid.probe.address import is_compiled, unwrap
from pellucid.probe.lent import anything_compiled, lend_forward, return_forward
from pellucid.probe.traced import look_back

# The part of torch that has no public names and no types.
_C: Any = vars(torch)["_C"]

BEGIN, INPUT, OUTPUT = "begin", "input", "output"
_begun = threading.local()
"""As `task`, the backward pass that ran already when a block of ours was entered in this thread."""


@runtime_checkable
class Recorder(Protocol):
    """Takes what the hooks see. Its methods must not change a tensor that they are given."""

    def saw_forward_begin(self) -> None:
        """The whole model is called."""
        ...

    def saw_forward_end(self) -> None:
        """The whole model has returned."""
        ...

    def saw_input(self, name: str, module: nn.Module, inputs: Any) -> None:
        """A module is about to run."""
        ...

    def saw_output(self, name: str, module: nn.Module, output: Any) -> None:
        """A module has run."""
        ...

    def saw_compiled(self, kind: str, name: str, path: str, value: Tensor, origin: str) -> None:
        """A compiled graph has come to where a hook was traced into it."""
        ...


_CHANNELS: dict[int, Recorder] = {}


@torch.library.custom_op("pellucid::note", mutates_args=("order",), tags=(torch.Tag.cudagraph_unsafe,))
def note(order: Tensor, value: Tensor, *, kind: str, name: str, path: str, origin: str, channel: int) -> None:
    """Hand a value to the recorder on a channel, from inside a compiled graph."""
    del order
    recorder = _CHANNELS.get(channel)
    if recorder is not None:
        recorder.saw_compiled(kind, name, path, value, origin)


@note.register_fake
def _(order: Tensor, value: Tensor, *, kind: str, name: str, path: str, origin: str, channel: int) -> None:
    del order, value, kind, name, path, origin, channel


_ORDER = torch.zeros((), device="cpu")
_NOTHING = torch.zeros((), device="cpu")


@no_type_check
def tensors_in(value: Any, path: str = "") -> list[tuple[str, Tensor]]:
    """Return the tensors in an output with their paths: "/0" in a tuple, "/name" in a mapping, "" alone."""
    if isinstance(value, Tensor):
        return [(path, value)]
    parts: list[tuple[Any, Any]] = []
    if isinstance(value, (tuple, list)):
        parts = list(enumerate(value))
    elif isinstance(value, Mapping):
        parts = list(value.items())
    found: list[tuple[str, Tensor]] = []
    for key, part in parts:
        found.extend(tensors_in(part, f"{path}/{key}"))
    return found


class _Hook:
    """One hook on one module. A copied or saved model gets a function that does nothing in its place.

    What torch.compile traces is not wrapped for shape checks in tests: the wrapper cannot be traced.
    """

    def __init__(
        self, recorder: Recorder, name: str, *, channel: int, training_only: bool, find_functions: bool
    ) -> None:
        self.__name__ = f"pellucid_{id(self)}"
        self.recorder = recorder
        self.name = name
        self.channel = channel
        self.training_only = training_only
        self.find_functions = find_functions

    @property
    @no_type_check
    def __globals__(self) -> dict[str, Any]:
        # Asked for by torch.jit.script alone, which compiles hooks into the module and knows no way round one.
        raise CaptureError(
            "torch.jit.script came upon a model that is being captured or watched, and cannot leave out its hooks. "
            "Script the model before, or a copy.deepcopy made before."
        )

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, str]]:
        # Takes any positional arguments, returns None, and is loaded where pellucid is not installed.
        return getattr, (nullcontext(), "__exit__")

    @no_type_check
    def _note(self, kind: str, values: Any) -> None:
        if self.training_only and not torch.is_grad_enabled():
            return
        for place, (path, tensor) in enumerate(tensors_in(values)):
            note(
                _ORDER,
                tensor.detach(),
                kind=kind,
                name=self.name,
                path=path,
                origin="",
                channel=self.channel,
            )
            if kind == INPUT and place == 0 and self.find_functions:
                torch._dynamo.comptime.comptime(look_back)  # noqa: SLF001 - no public name


class _InputHook(_Hook):
    @no_type_check
    def __call__(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        # One input goes by the name of the module, as its output does; several are numbered and named.
        inputs = args[0] if len(args) == 1 and not kwargs else {**dict(enumerate(args)), **kwargs}
        if torch.compiler.is_exporting():
            return
        if torch.compiler.is_compiling():
            self._note(INPUT, inputs)
        elif not torch.jit.is_tracing():
            self.recorder.saw_input(self.name, module, inputs)


class _OutputHook(_Hook):
    @no_type_check
    def __call__(self, module: nn.Module, _args: Any, output: Any) -> None:
        if torch.compiler.is_exporting():
            return
        if torch.compiler.is_compiling():
            self._note(OUTPUT, output)
        elif not torch.jit.is_tracing():
            self.recorder.saw_output(self.name, module, output)


class _BeginHook(_Hook):
    @no_type_check
    def __call__(self, *_: Any) -> None:
        if torch.compiler.is_exporting():
            return
        if torch.compiler.is_compiling():
            note(_ORDER, _NOTHING, kind=BEGIN, name=self.name, path="", origin="", channel=self.channel)
        elif not torch.jit.is_tracing():
            self.recorder.saw_forward_begin()


class _EndHook(_Hook):
    @no_type_check
    def __call__(self, *_: Any) -> None:
        if not torch.compiler.is_compiling() and not torch.jit.is_tracing():
            self.recorder.saw_forward_end()


class Hooks:
    """The hooks of one recorder on one model, put on and taken off as a whole.

    Args:
        recorder: What they call.
        model: The whole model, wrapped or not.
        targets: Name to module: what is hooked.
        inputs: Whether to hook what goes in as well.
        training_only: Whether compiled graphs that keep no history for a backward pass go unrecorded.
        find_functions: Whether inputs in compiled graphs are noted with the activation function they come from.
    """

    def __init__(
        self,
        recorder: Recorder,
        model: nn.Module,
        targets: Mapping[str, nn.Module],
        *,
        inputs: bool,
        training_only: bool,
        find_functions: bool,
    ) -> None:
        self._recorder = recorder
        self._root = unwrap(model)
        self._compiled = is_compiled(model)
        self._targets = targets
        self._inputs = inputs
        self._training_only = training_only
        self._find_functions = find_functions
        self._handles: list[RemovableHandle] = []
        self._lent: list[nn.Module] = []
        self._channel: int | None = None

    @property
    def attached(self) -> bool:
        """Whether the hooks are on the model."""
        return self._channel is not None

    def attach(self) -> None:
        """Put the hooks on; nothing happens when they are on already."""
        if self._channel is not None:
            return
        # The lowest free number: the next capture of the same model then finds its compiled graph again.
        self._channel = next(number for number in range(len(_CHANNELS) + 1) if number not in _CHANNELS)
        _CHANNELS[self._channel] = self._recorder
        _compile_no_hook_alone()
        try:
            self._register(self._channel)
        except BaseException:
            self.detach()
            raise

    def _register(self, channel: int) -> None:
        def hook(kind: type[_Hook], name: str) -> Any:
            return kind(
                self._recorder,
                name,
                channel=channel,
                training_only=self._training_only,
                find_functions=self._find_functions,
            )

        keep = self._handles.append
        if isinstance(self._root, torch.jit.ScriptModule):  # no hook fires in it, or it takes none
            return
        keep(self._root.register_forward_pre_hook(hook(_BeginHook, "")))
        for name, module in self._targets.items():
            if isinstance(module, torch.jit.ScriptModule):
                continue
            if self._inputs:
                keep(module.register_forward_pre_hook(hook(_InputHook, name), with_kwargs=True))
            keep(module.register_forward_hook(hook(_OutputHook, name)))
        keep(self._root.register_forward_hook(hook(_EndHook, "")))
        if self._compiled or anything_compiled():
            for module in {id(module): module for module in (self._root, *self._targets.values())}.values():
                lend_forward(module)
                self._lent.append(module)

    def detach(self) -> None:
        """Take the hooks off; nothing happens when they are off already."""
        while self._handles:
            self._handles.pop().remove()
        while self._lent:
            return_forward(self._lent.pop())
        if self._channel is not None:
            _CHANNELS.pop(self._channel, None)
            self._channel = None


def _compile_no_hook_alone() -> None:
    """Have hooks compiled as a part of the graph around them, or not at all.

    The hooks of a compiled model itself, and those in a part of it that cannot be compiled, run as plain Python.
    Left to itself torch.compile would make a graph of each of them and of all that they call.
    """
    dynamo: Any = sys.modules.get("torch._dynamo")
    if dynamo is None:
        return  # nothing has been compiled in this process
    frames, types = _C._dynamo.eval_frame, dynamo.types  # noqa: SLF001 - no public name
    never = types.FrameExecStrategy(types.FrameAction.SKIP, types.FrameAction.SKIP)
    for kind in (_BeginHook, _EndHook, _InputHook, _OutputHook):
        frames.set_code_exec_strategy(kind.__call__.__code__, never)


def in_backward() -> bool:
    """Return whether a backward pass is running: a module that runs now is recomputed under checkpointing.

    One that ran already where `begun_here` was entered does not count.
    """
    return _C._current_graph_task_id() not in (-1, getattr(_begun, "task", -1))  # noqa: SLF001 - no public name


@contextmanager
def begun_here() -> Generator[None, None, None]:
    """Have the backward pass that runs now, from a hook of which the block is entered, not count in it."""
    before = getattr(_begun, "task", -1)
    _begun.task = _C._current_graph_task_id()  # noqa: SLF001 - no public name
    try:
        yield
    finally:
        _begun.task = before


def in_transform() -> bool:
    """Return whether a torch.func transform is running: its tensors mean nothing outside it."""
    return _C._functorch.peek_interpreter_stack() is not None  # noqa: SLF001 - no public name


@contextmanager
def aside(value: Tensor) -> Generator[None, None, None]:
    """Compute something about a value without leaving a trace: no history, no autocast, no modes of others.

    Args:
        value: What it will be about; its device decides which autocast is meant.
    """
    with ExitStack() as stack:
        if _C._len_torch_dispatch_stack():  # noqa: SLF001 - no public name
            # Selective checkpointing counts the operations of a region and must not count ours.
            from torch.utils import _python_dispatch

            stack.enter_context(vars(_python_dispatch)["_disable_current_modes"]())
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.no_grad())
        if torch.is_autocast_enabled(value.device.type):
            stack.enter_context(torch.autocast(value.device.type, enabled=False))
        yield
