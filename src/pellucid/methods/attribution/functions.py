"""Functions: others in the place of those that a model calls, by its modules or by its own code, while a block runs."""

import types
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import disable_saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from pellucid.core.errors import CaptureError, InputError
from pellucid.probe.address import ROOT, modules_of

_ASKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
_AGAIN = (
    "A part of the model is checkpointed, or moves what it keeps for the backward pass elsewhere, and this method must "
    "see each function once. Switch checkpointing off, or use IntegratedGradients()."
)
_OPENED = ("torch.nn.functional", "torch.functional", "torch._tensor")


def refuse_scripted(modules: Mapping[str, nn.Module], need: str) -> None:
    """Raise where one of some modules was scripted, traced or frozen by torch.jit: its inside is hidden from Python.

    Args:
        modules: By name.
        need: What cannot be done with such a module, as the beginning of a sentence.

    Raises:
        InputError: There is such a module.
    """
    for name, one in modules.items():
        if isinstance(one, torch.jit.ScriptModule):
            raise InputError(
                f"{need}, and {'the model' if name == ROOT else f'the layer {name!r}'} is a ScriptModule "
                f"({type(one).__name__}), which Python cannot look into. Give the model as it was before torch.jit, or "
                "explain the input with gradient, inputxgradient, smoothgrad, vargrad, integratedgradients, "
                "expectedgradients or occlusion, which need not look inside."
            )


def names(words: str) -> frozenset[str]:
    """Return names that are written with blanks between them."""
    return frozenset(words.split())


@contextmanager
def replaced(
    others: Mapping[str, Callable[..., Any]], *, closed: frozenset[str] = frozenset()
) -> Generator[None, None, None]:
    """Have functions of torch done by others while the block runs: see `Replaced`.

    Args:
        others: See `Replaced`.
        closed: See `Replaced`.

    Raises:
        CaptureError: A part of the model is to be computed again in the backward pass, where nothing is replaced.
    """
    try:
        with disable_saved_tensors_hooks(_AGAIN), Replaced(others, closed=closed):
            yield
    except RuntimeError as error:
        if str(error) != _AGAIN or isinstance(error, CaptureError):
            raise
        raise CaptureError(_AGAIN) from error


class Replaced(TorchFunctionMode):
    """Has functions of torch done by others while the block runs.

    Functions of torch that are written in Python (attention, ReLU with its `inplace`) are opened: what they call is
    replaced, too. A name with "_" behind it is done like the plain one and then written into its first argument.

    Args:
        others: From the plain name of a function, such as "relu", to what is called in its place: with the function
            itself and then its arguments. It is called outside the mode.
        closed: Functions written in Python that are replaced as a whole.
    """

    def __init__(self, others: Mapping[str, Callable[..., Any]], *, closed: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._others = others
        self._closed = closed
        self._running: set[Any] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """See `torch.overrides.TorchFunctionMode`."""
        del types
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        inside = None if name in self._closed else opened(func)
        if inside is not None and inside not in self._running:
            return self._inside(inside, args, kwargs)
        other = self._others.get(_plain(name))
        if other is None:
            return func(*args, **kwargs)
        if not name.endswith("_") or name.endswith("__"):
            return other(func, *args, **kwargs)
        first, *rest = args
        return first.copy_(other(_outside(func, name), first.clone(), *rest, **kwargs))

    def _inside(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        self._running.add(function)  # one that asks in a way we do not know would come back here for ever
        try:
            with self:
                return function(*args, **kwargs)
        finally:
            self._running.discard(function)


def _plain(name: str) -> str:
    """Return "relu" for "relu_", and "mul" for "__mul__"; other names as they are."""
    return name.strip("_")


def _outside(func: Any, name: str) -> Any:
    """Return the function that gives what an in-place one writes."""
    known = getattr(Tensor, name[:-1], None)
    if known is not None:
        return known

    def outside(first: Tensor, *rest: Any, **options: Any) -> Any:
        return func(first.clone(), *rest, **options)

    return outside


@cache
def opened(func: Any) -> Any:
    """Return a Python function of torch with its own check for replacements switched off, so that its body runs.

    Args:
        func: What a mode is given.

    Returns:
        A copy of the function; None for what is not written in Python, or does not check.
    """
    code = getattr(func, "__code__", None)
    if not isinstance(func, types.FunctionType) or code is None or func.__module__ not in _OPENED:
        return None
    if not set(_ASKS) & set(code.co_names):
        return None
    world = {**func.__globals__, **dict.fromkeys(_ASKS, _never)}
    copy = types.FunctionType(code, world, func.__name__, func.__defaults__, func.__closure__)
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


def _never(*_: Any) -> bool:
    return False


@contextmanager
def where(model: nn.Module) -> Generator[Callable[[], str], None, None]:
    """Know which module is running.

    Args:
        model: Any module.

    Yields:
        A function that returns the dotted name of the innermost module that runs; "" for the model itself.
    """
    running: list[str] = []

    def entered(name: str) -> Callable[..., None]:
        return lambda *_: running.append(name)

    def left(*_: Any) -> None:
        if running:
            running.pop()

    with ExitStack() as stack:
        for name, module in modules_of(model).items():
            stack.callback(module.register_forward_pre_hook(entered(name)).remove)
            stack.callback(module.register_forward_hook(left, always_call=True).remove)
        yield lambda: running[-1] if running else ""
