"""Traced: find activation functions that were called in `forward`, in a graph that torch.compile is tracing.

Eager tensors carry their history; tensors in a graph under construction do not, but the graph is there to be
read. While an input hook is traced it asks torch.compile to run `look_back` once. That changes no operation of the
model: it only writes what it found into the `pellucid::note` that the hook has just left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import fx

from pellucid.probe.layout import Activation, activation_named

_VIEWS = ("flatten", "view", "reshape", "squeeze", "unsqueeze")
_PASSED = (*("contiguous", "clone", "to", "float", "half", "bfloat16", "type_as"), *_VIEWS)
_PASSED_KINDS = ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool", "dropout")
_LONGEST_WAY = 8
_SEEN = "pellucid"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the input of a module comes from, as far as a graph tells.

    Attributes:
        activation: The activation function that was called.
        source: The name of the module whose output it was given, or "".
        shape: The shape of one sample before a view, or () where there is no view or it is not known.
    """

    activation: Activation
    source: str
    shape: tuple[int, ...]


def parse(origin: str) -> Origin | None:
    """Read what `look_back` wrote into a note; None when it found nothing."""
    if not origin:
        return None
    name, source, sizes = origin.split("|")
    activation = activation_named(name)
    if activation is None:
        return None
    shape = tuple(int(size) for size in sizes.split(",")) if sizes else ()
    return Origin(activation=activation, source=source, shape=shape)


def look_back(context: Any) -> None:
    """Write into the latest note of the graph which function the tensor in it comes from.

    Args:
        context: What `torch._dynamo.comptime` hands over while it traces.
    """
    note = next((node for node in reversed(context.graph().nodes) if _is_note(node)), None)
    if note is None or not note.args:
        return
    # note(order, value.detach(), ...)
    value = note.args[1].args[0]
    note.kwargs = {**note.kwargs, "origin": _origin(value)}


def _origin(node: Any) -> str:
    sizes = ""
    for _ in range(_LONGEST_WAY):
        if not isinstance(node, fx.Node) or _SEEN in node.meta or _leaf_of(node):
            return ""
        name = _name(node)
        before = node.args[0] if node.args else None
        if activation_named(name) is not None:
            node.meta[_SEEN] = True
            source = _leaf_of(before) if isinstance(before, fx.Node) else ""
            return f"{name}|{source}|{sizes}"
        if name not in _PASSED and not name.startswith(_PASSED_KINDS):
            return ""
        sizes = _sample_sizes(before) if name in _VIEWS else sizes
        node = before
    return ""


def _name(node: fx.Node) -> str:
    target = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    return target.rstrip("_") if node.op in ("call_function", "call_method") else ""


def _is_note(node: fx.Node) -> bool:
    return node.op == "call_function" and str(node.target).startswith("pellucid.note")


def _notes_of(node: fx.Node) -> Iterator[fx.Node]:
    for user in node.users:
        if user.op == "call_method" and user.target == "detach":
            yield from (note for note in user.users if _is_note(note))


def _leaf_of(node: fx.Node) -> str:
    """Return the name of the module whose output a node is, or ""."""
    names = (str(note.kwargs["name"]) for note in _notes_of(node) if note.kwargs["kind"] == "output")
    return next(names, "")


def _sample_sizes(node: Any) -> str:
    value = node.meta.get("example_value") if isinstance(node, fx.Node) else None
    shape = () if value is None else tuple(value.shape)[1:]
    return ",".join(str(size) for size in shape) if all(isinstance(size, int) for size in shape) else ""
