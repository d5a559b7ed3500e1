"""What a figure is made of, checked once, where it is made: numbers become arrays, text is text, shapes fit."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from types import UnionType
from typing import Any, Literal, cast, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from pellucid.core.errors import InputError, did_you_mean
from pellucid.core.finding import Level

Array = NDArray[Any]
_Take = Callable[[Any], Any]
_NUMBERS = "fiub"  # kinds of numpy's types: numbers that a picture can show
_SHAPES: dict[str, dict[str, str]] = {
    "Bars": {"heights": "bar", "base": "bar", "edges": "bar+1"},
    "Lines": {"x": "point", "y": "point", "low": "point", "high": "point"},
    "Heat": {"values": "row column", "x": "column+1", "y": "row+1", "under": "height width colours?"},
    "Tiles": {"images": "tile height width colours?"},
    "Cloud": {"points": "point 2|3", "group": "point", "images": "point height width colours?"},
    "Surface": {"x": "column", "y": "row", "z": "row column", "paths": "any 3"},
    "Parallel": {"axes": "axis", "rows": "row axis", "value": "row"},
    "Tokens": {"text": "token", "values": "token"},
}
"""Axes of each field in words. An axis that was seen before has the same length; "any" may have one of its own."""


class Settled:
    """A part of a figure, which is what its annotations say from the moment it is made.

    Lists, masked arrays and tensors become arrays (what is masked becomes NaN), lists become tuples, and numbers of
    numpy and torch become plain ones.

    Raises:
        InputError: A field that is something else, with the field and what it takes.
    """

    def __post_init__(self) -> None:
        """Check each field by its annotation, then their shapes beside each other."""
        for name, take in _takers(type(self)):
            value = getattr(self, name)
            try:
                taken = take(value)
            except ValueError as error:
                raise InputError(f"The field {name!r} of {_called(self)} {error}") from None
            if taken is not value:
                object.__setattr__(self, name, taken)
        for name, problem in _misshapen(self):
            raise InputError(f"The field {name!r} of {_called(self)} {problem}")


def as_array(value: Any) -> Array:
    """Return numbers as an array that a picture can show.

    Args:
        value: An array, a masked array, a tensor of torch on any device, or nested lists of numbers.

    Returns:
        The same array where it can be; NaN for what is masked. A tensor is copied, as training goes on in it.

    Raises:
        ValueError: Anything but real numbers of one shape, in words that go on after "the field".
    """
    if type(value) is np.ndarray and value.dtype.kind in _NUMBERS and value.dtype.itemsize <= 8:
        return value
    try:
        found = _of_tensor(value) if callable(getattr(value, "detach", None)) else np.asanyarray(value)
    except Exception as error:  # noqa: BLE001 - whatever a foreign array raises, it is no array of numbers
        words = str(error).strip().rstrip(".")
        raise ValueError(f"takes an array of numbers, got {type(value).__name__}: {words}.") from None
    if found.dtype.kind == "c":
        raise ValueError("takes real numbers, got complex ones. Take abs(), .real or .imag of them.")
    if found.dtype.kind not in _NUMBERS:
        got = type(value).__name__ if found.ndim == 0 else f"an array of {found.dtype}"
        raise ValueError(f"takes an array of numbers, got {got}. Call np.asarray(..., dtype=float) first.")
    if isinstance(found, np.ma.MaskedArray):
        return np.ma.filled(cast("Any", found).astype(np.float64), np.nan)
    with np.errstate(over="ignore"):  # what is too large for float64 is infinite
        return np.asarray(found, dtype=np.float64 if found.dtype.itemsize > 8 else None)


def _of_tensor(tensor: Any) -> Array:
    held = tensor.detach().cpu()
    # numpy has no bfloat16 and no float8.
    held = held.float() if held.is_floating_point() and held.element_size() < 4 else held
    return np.array(held.numpy())


@cache
def _takers(kind: type[Any]) -> tuple[tuple[str, _Take], ...]:
    return tuple((one.name, _taker(one.type)) for one in fields(kind))


def _taker(kind: Any) -> _Take:
    """Return what checks and turns a value into what an annotation says."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is UnionType and type(None) in parts:
        inner = _taker(parts[0])
        return lambda value: None if value is None else inner(value)
    if origin is np.ndarray:
        return as_array
    if origin is tuple:
        return _several(_taker(parts[0]), None if parts[1] is ... else len(parts))
    if origin is Literal:
        return _one_of(parts)
    return _PLAIN.get(kind) or _instance(kind)


def _several(inner: _Take, count: int | None) -> _Take:
    def take(value: Any) -> tuple[Any, ...]:
        given = value.tolist() if isinstance(value, np.ndarray) and count is not None else value
        if not isinstance(given, tuple | list):
            raise ValueError(f"takes a tuple, got {_shown(value)}. Put it into one: (..., ).")  # noqa: TRY004
        values = cast("tuple[Any, ...] | list[Any]", given)
        if count is not None and len(values) != count:
            raise ValueError(f"takes {count} values, got {len(values)}.")
        taken = tuple(inner(one) for one in values)
        same = isinstance(value, tuple) and all(one is other for one, other in zip(taken, values, strict=True))
        return cast("tuple[Any, ...]", value) if same else taken

    return take


def _one_of(options: tuple[str, ...]) -> _Take:
    def take(value: Any) -> str:
        if isinstance(value, str) and value in options:
            return value
        near = did_you_mean(value, options) if isinstance(value, str) else ""
        words = f"takes one of {', '.join(repr(str(one)) for one in options)}, got {_shown(value)}."
        raise ValueError(f"{words} {near}".strip())

    return take


def _instance(kind: Any) -> _Take:
    names = " | ".join(one.__name__ for one in get_args(kind) or (kind,))

    def take(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise ValueError(f"takes {names}, got {_shown(value)}.")

    return take


def plain_value(value: Any) -> Any:
    """Return a number of numpy, or a tensor or an array without axes, as the plain value in it; anything else as it is.

    Args:
        value: Any.

    Returns:
        Such as 0.5 for `np.float32(0.5)`, and True for `np.bool_(True)`.
    """
    if getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        try:
            return value.item()
        except Exception:  # noqa: BLE001 - a tensor without values, such as one on the device "meta", is no number
            return value
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"takes text, got {_shown(value)}.")


def _switch(value: Any) -> bool:
    taken = plain_value(value)
    if isinstance(taken, bool):
        return taken
    raise ValueError(f"takes True or False, got {_shown(value)}.")


def _number(value: Any) -> int | float:
    taken = plain_value(value)
    if isinstance(taken, int | float) and not isinstance(taken, bool):
        return taken
    raise ValueError(f"takes a number, got {_shown(value)}.")


def _count(value: Any) -> int:
    taken = plain_value(value)
    if isinstance(taken, int) and not isinstance(taken, bool) and taken >= 1:
        return taken
    raise ValueError(f"takes a whole number of 1 or more, got {_shown(value)}.")


def _level(value: Any) -> Level:
    if isinstance(value, Level):
        return value
    return Level(_one_of(tuple(Level))(value))


_PLAIN: dict[Any, _Take] = {str: _text, bool: _switch, float: _number, int: _count, Level: _level}


def _misshapen(record: Any) -> Iterator[tuple[str, str]]:
    """Name the fields whose shape does not fit, with what was expected."""
    known: dict[str, int] = {}
    for name, words in _SHAPES.get(type(record).__name__, {}).items():
        value = getattr(record, name)
        axes = words.split()
        for one in value if axes[0] == "any" else (value,):
            if one is None:
                continue
            shape = one.shape if isinstance(one, np.ndarray) else (len(one),)
            if not _fits(shape, axes, known):
                lengths = ", ".join(f"{axis} = {known[axis]}" for axis in map(_bare, axes) if axis in known)
                beside = f" with {lengths}" if lengths else ""
                yield name, f"has the shape {shape}, expected [{', '.join(axes)}]{beside}."
    if type(record).__name__ == "Heat" and record.under is not None:
        yield from _misplaced(record)
    if type(record).__name__ == "Cloud" and record.group is not None and not _places(record.group):
        yield "group", "takes whole numbers, 0 for the first group."
    if type(record).__name__ == "Axis" and record.scale == "symlog" and not record.threshold > 0:
        yield "threshold", f"takes a number above 0, got {record.threshold}."


def _misplaced(heat: Any) -> Iterator[tuple[str, str]]:
    """Name what keeps a matrix from lying over a picture."""
    low, high = (float(one(heat.under, initial=0.0)) for one in (np.min, np.max))
    if not (low >= 0 and high <= 1 + 1e-6):
        advice = " Divide by 255 first." if 1 < high <= 255 and low >= 0 else ""
        yield "under", f"takes numbers from 0 to 1, got {low:.4g} to {high:.4g}.{advice}"
    if not 0 <= heat.opacity <= 1:
        yield "opacity", f"takes a number from 0 to 1, got {heat.opacity}."
    for name in ("x", "y"):
        steps = np.diff(np.zeros(2) if (edges := getattr(heat, name)) is None else edges.astype(np.float64))
        if not np.allclose(steps, steps[:1], rtol=1e-3):
            yield name, "takes evenly spaced edges where a picture lies under the matrix."


def _fits(shape: tuple[int, ...], axes: list[str], known: dict[str, int]) -> bool:
    """Whether a shape is what the axes say; what is new in them is remembered only then."""
    if axes[-1].endswith("?"):  # colours, which may be left out
        axes, shape = axes[:-1], shape[:-1] if len(shape) == len(axes) and shape[-1] == 3 else shape
    if len(shape) != len(axes):
        return False
    found = dict(known)
    for length, axis in zip(shape, axes, strict=True):
        if axis[0].isdigit():
            fits = str(length) in axis.split("|")
        else:
            fits = axis == "any" or found.setdefault(_bare(axis), length - axis.endswith("+1")) == (
                length - axis.endswith("+1")
            )
        if not fits:
            return False
    known.update(found)
    return True


def _bare(axis: str) -> str:
    return axis.removesuffix("+1")


def _places(group: Array) -> bool:
    values = group.astype(np.float64)
    return bool((values >= 0).all() and (values == np.floor(values)).all() and np.isfinite(values).all())


def _called(record: Any) -> str:
    """A part of a figure in words, with what it is called where it has a name."""
    name = getattr(record, "title", "") or getattr(record, "label", "")
    kind = type(record).__name__
    return f"{kind} {_shown(name)}" if isinstance(name, str) and name else kind


def _shown(value: Any) -> str:
    if isinstance(value, str | int | float | bool) or value is None:
        text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
        return f"{text[:60]}…" if len(text) > 60 else text
    return type(value).__name__
