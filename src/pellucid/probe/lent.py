"""Lent: the `forward` that a hooked module carries for a while, by which torch.compile tells hooked from not hooked.

Only what is compiled needs it. It is called as an attribute of the module and cannot see which module that was, so
it looks at who calls: a shallow copy, or a replica that nn.DataParallel made, holds the same object and must run
with its own parameters.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import MethodType
from typing import Any, no_type_check
from weakref import WeakKeyDictionary

import torch
from torch import nn

_TIMES_LENT: "WeakKeyDictionary[nn.Module, int]" = WeakKeyDictionary()


@no_type_check
def _forward(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """Do what the `forward` of the module's class does."""
    if not torch.compiler.is_compiling():
        caller = sys._getframe(1).f_locals.get("self")  # noqa: SLF001 - see the top
        lent = vars(caller).get("forward") if isinstance(caller, nn.Module) else None
        if getattr(lent, "__func__", None) is _forward and lent.__self__ is module:
            module = caller
    return type(module).forward(module, *args, **kwargs)


# A saved method is looked up by this name in the loaded module, which finds the method of its class.
_forward.__name__ = "forward"

# torch.jit.script would try to compile it, and fail on its arguments. Passing it over, it comes upon the hooks, which
# say what to do.
_modifiers: Any = vars(torch)["_jit_internal"].FunctionModifiers
vars(_forward)["_torchscript_modifier"] = _modifiers.IGNORE


def anything_compiled() -> bool:
    """Say whether this process has compiled anything with torch.compile since the last reset."""
    dynamo: Any = sys.modules.get("torch._dynamo.convert_frame")
    return dynamo is not None and dynamo.FRAME_COUNTER > 0


@contextmanager
def as_written() -> Generator[None, None, None]:
    """Have what is compiled, in place or not, run as it was written; no graph is used, and none is made or forgotten.

    A graph that was made before would not call a new hook, and one made with it would count against the user's limit.
    """
    frames: Any = vars(torch)["_C"]._dynamo.eval_frame  # noqa: SLF001 - no public name
    # Inside a compiled function torch lets nobody say how to run.
    if "torch._dynamo" not in sys.modules or frames.get_eval_frame_callback() not in (None, False):
        yield
    else:
        with torch.compiler.set_stance("force_eager"):
            yield


def lend_forward(module: nn.Module) -> None:
    """Give a module a `forward` of its own, unless somebody else has; every call asks for one return.

    Args:
        module: Any module.
    """
    times = _TIMES_LENT.get(module, 0)
    if times == 0:
        own = vars(module).get("forward")
        if isinstance(module, torch.jit.ScriptModule) or not (own is None or _is_left_over(own, module)):
            return  # patched by somebody else, who keeps it
        vars(module)["forward"] = MethodType(_forward, module)
    _TIMES_LENT[module] = times + 1


def return_forward(module: nn.Module) -> None:
    """Take the `forward` back that was lent; one that somebody put in its place meanwhile stays.

    Args:
        module: A module that was lent one.
    """
    times = _TIMES_LENT.pop(module, 0)
    if times > 1:
        _TIMES_LENT[module] = times - 1
    elif times == 1 and _is_left_over(vars(module).get("forward"), module):
        del vars(module)["forward"]


def _is_left_over(own: Any, module: nn.Module) -> bool:
    """Say whether a `forward` was lent, to this module or to one that it is a copy of."""
    if not isinstance(own, MethodType):
        return False
    function: Any = own.__func__
    return function is _forward or (own.__self__ is module and function is type(module).forward)
