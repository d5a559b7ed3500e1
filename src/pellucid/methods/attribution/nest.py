"""Nests: tensors inside tuples, lists and mappings, taken apart and put together again."""

import copy
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from torch import Tensor


def places(nest: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what lies in a nest, with its place, such as "[0]" or ".mask"; a tensor alone has the place "".

    Args:
        nest: A tensor or any other value, or tuples, lists and mappings of these, nested at will.
        path: Where the nest lies.

    Yields:
        (place, value) of everything that is no tuple, list or mapping.
    """
    if isinstance(nest, Mapping):
        for name, value in nest.items():
            yield from places(value, f"{path}.{name}")
    elif isinstance(nest, (tuple, list)):
        for number, value in enumerate(nest):
            yield from places(value, f"{path}[{number}]")
    else:
        yield path, nest


def rebuilt(nest: Any, change: Callable[[str, Any], Any], path: str = "") -> Any:
    """Return a nest of the same kind with each value replaced.

    Args:
        nest: See `places`.
        change: From the place and the value to the new value.
        path: Where the nest lies.

    Returns:
        The same nesting.
    """
    if isinstance(nest, Mapping):
        return _filled(nest, {name: rebuilt(value, change, f"{path}.{name}") for name, value in nest.items()})
    if isinstance(nest, (tuple, list)):
        parts = [rebuilt(value, change, f"{path}[{number}]") for number, value in enumerate(nest)]
        return type(nest)(*parts) if hasattr(nest, "_fields") else type(nest)(parts)
    return change(path, nest)


def _filled(nest: Mapping[Any, Any], parts: dict[Any, Any]) -> Mapping[Any, Any]:
    """Return a mapping of the same kind, since what follows may ask for attributes of it."""
    if type(nest) is dict or not isinstance(nest, MutableMapping):
        return parts
    made = copy.copy(nest)
    for name, value in parts.items():
        made[name] = value
    return made


def tensors(nest: Any) -> list[tuple[str, Tensor]]:
    """Return the tensors of a nest with their places."""
    return [(path, value) for path, value in places(nest) if isinstance(value, Tensor)]


def named(paths: Sequence[str]) -> str:
    """Return places as words for a message."""
    return ", ".join(path or "the input" for path in paths)


def picture_in(inputs: Any, count: int) -> str:
    """Return where what is looked at lies in the inputs: the first picture, else the first of real numbers.

    Args:
        inputs: What a model is given.
        count: How many examples there are.

    Returns:
        A place, such as "[0]" or ".pixels"; "" for a tensor alone.
    """
    found = [(path, one) for path, one in tensors(inputs) if one.ndim and len(one) == count]
    real = [path for path, one in found if one.is_floating_point()]
    pictures = [path for path, one in found if one.is_floating_point() and one.ndim > 2]
    return (pictures or real or [path for path, _ in found])[0]


def rows_of(inputs: Any, rows: Tensor, count: int) -> Any:
    """Return some examples of a batch.

    Args:
        inputs: What a model is given.
        rows: Numbers of the examples.
        count: How many there are; what is not as long goes along as it is.
    """

    def some(_: str, value: Any) -> Any:
        per_example = isinstance(value, Tensor) and value.ndim > 0 and len(value) == count
        return value.index_select(0, rows.to(value.device)) if per_example else value

    return rebuilt(inputs, some)
