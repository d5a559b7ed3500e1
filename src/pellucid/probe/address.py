"""Addresses: which modules of a model are meant."""

import re
import sys
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from torch import nn

from pellucid.core.errors import AddressError, InputError, did_you_mean

# What `at` may be: a glob, a module, a type, or a list of these.
Address = str | nn.Module | type[nn.Module] | Collection[Any]

LEAVES = "**"
ROOT = "(model)"
"""The name of the model itself; PyTorch calls it "", which no reader would notice."""

# Wrappers hold the user's module under one of these names; the user's own names are without them.
_WRAPPER_SEGMENTS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
_DATA_PARALLEL = (nn.parallel.DistributedDataParallel, nn.DataParallel)
# These have children and never call them, so that they are the smallest part that can be watched.
_OPAQUE = (nn.MultiheadAttention,)
_NEVER_CALLED = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)
_PARAMETRIZATIONS = "parametrizations"


def unwrap(model: nn.Module) -> nn.Module:
    """Return the user's own module inside wrappers of torch.compile, DDP, FSDP and activation checkpointing.

    Args:
        model: Any module, wrapped or not.

    Returns:
        The innermost module; `model` itself when nothing is wrapped round it.
    """
    while (inner := _wrapped(model)) is not None:
        model = inner
    return model


def _wrapped(module: nn.Module) -> nn.Module | None:
    children = dict(module.named_children())
    if isinstance(module, _DATA_PARALLEL):
        return children["module"]
    return next((children[name] for name in _WRAPPER_SEGMENTS if name in children), None)


def modules_of(model: nn.Module) -> dict[str, nn.Module]:
    """Return every module of a model under the user's own dotted name.

    Args:
        model: Any module, wrapped or not.

    Returns:
        Name to module in registration order. Wrappers are left out, a module that is registered in several
        places is there once, under its first name, and the model itself is "(model)".
    """
    named: dict[str, nn.Module] = {}
    for name, module in unwrap(model).named_modules():
        segments = [segment for segment in name.split(".") if segment not in _WRAPPER_SEGMENTS]
        # A wrapper inside the model comes just before what it wraps and yields its name to it.
        named[".".join(segments) or ROOT] = module
    return named


def leaves_of(model: nn.Module) -> dict[str, nn.Module]:
    """Return the modules that do the work: those that call no other module.

    Args:
        model: Any module, wrapped or not.

    Returns:
        Name to module in registration order. `nn.MultiheadAttention` counts as one leaf, since it never calls
        its parts; lists of modules and the parametrizations of a weight do not count.
    """
    named = modules_of(model)
    opaque = tuple(f"{name}." for name, module in named.items() if isinstance(module, _OPAQUE))
    return {
        name: module
        for name, module in named.items()
        if _is_leaf(module) and not name.startswith(opaque) and _PARAMETRIZATIONS not in name.split(".")
    }


def _is_leaf(module: nn.Module) -> bool:
    if isinstance(module, _OPAQUE):
        return True
    children = {name for name, _ in module.named_children()}
    return not children - {_PARAMETRIZATIONS} and not isinstance(module, _NEVER_CALLED)


def resolve(model: nn.Module, at: Address) -> dict[str, nn.Module]:
    """Return the modules that an address means.

    Args:
        model: Any module, wrapped or not.
        at: A glob over dotted names, a module, a type, or a list of these. In a glob `*` stands for anything
            within one segment and `**` for any number of segments; `"**"` alone means every leaf module.

    Returns:
        Name to module in registration order, each module once; never empty.

    Raises:
        AddressError: A part of the address matches nothing.
        InputError: The address is of another kind.

    Source:
        Ours.
    """
    parts: Collection[Any] = at if isinstance(at, (list, tuple, set, frozenset)) else (at,)
    if not parts:
        raise InputError(
            "The address is an empty list. Give a glob such as 'blocks.*', a module, a type, or a list of these."
        )
    named = modules_of(model)
    wanted = {name for part in parts for name in _matches(model, named, part)}
    return {name: module for name, module in named.items() if name in wanted}


def _matches(model: nn.Module, named: dict[str, nn.Module], part: Any) -> list[str]:
    if isinstance(part, str):
        found = list(leaves_of(model)) if part == LEAVES else _glob(named, part)
        missing = f"No module {part!r} in {_kind(model)}."
    elif isinstance(part, nn.Module):
        found = [name for name, module in named.items() if module is unwrap(part)]
        missing = f"This {type(part).__name__} is no part of {_kind(model)}."
    elif isinstance(part, type) and issubclass(part, nn.Module):
        found = [name for name, module in named.items() if isinstance(module, part)]
        missing = f"No module of type {part.__name__} in {_kind(model)}."
    else:
        raise InputError(
            f"An address of type {type(part).__name__} came; expected a glob such as 'blocks.*', a module, a "
            "type, or a list of these."
        )
    if not found:
        near = did_you_mean(part, named) if isinstance(part, str) else ""
        sentences = (missing, near, f"print(pel.Subject(model)) lists all {len(named) - 1}.")
        raise AddressError(" ".join(filter(None, sentences)))
    return found


def _kind(model: nn.Module) -> str:
    return type(unwrap(model)).__name__


def _glob(named: dict[str, nn.Module], pattern: str) -> list[str]:
    expression = _expression(pattern)
    return [name for name in named if expression.fullmatch(name)]


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_pieces(pattern.split("."))))


def _pieces(segments: list[str]) -> Iterator[str]:
    for place, segment in enumerate(segments):
        last = place == len(segments) - 1
        if segment == "**":
            # In front of a name it may stand for nothing, at the end it stands for one segment or more.
            yield r".+" if last else r"(?:[^.]+\.)*"
        else:
            escaped = re.escape(segment).replace(r"\*", "[^.]*").replace(r"\?", "[^.]")
            yield escaped if last else escaped + r"\."


def is_compiled(model: nn.Module) -> bool:
    """Return whether the model or a part of it goes through torch.compile.

    Args:
        model: Any module, wrapped or not.

    Returns:
        True for `torch.compile(model)`, `model.compile()` and either of them on a part; False where everything is
        run as it was written (`torch.compiler.set_stance("force_eager")`). A compiled function that calls the model
        cannot be seen from here.
    """
    # Asking torch for it would import the compiler, a second, into a process that never compiled anything.
    dynamo: Any = sys.modules.get("torch._dynamo.eval_frame")
    if getattr(getattr(dynamo, "_stance", None), "stance", "") == "force_eager":
        return False
    wrapper: Any = getattr(dynamo, "OptimizedModule", ())
    return any(
        getattr(module, "_compiled_call_impl", None) is not None or isinstance(module, wrapper)
        for module in model.modules()
    )
