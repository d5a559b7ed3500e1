"""Frame: a figure as bytes, the one form in which it reaches a page, a notebook or a report.

Magic "PEL1", length of the header, the header as JSON, padding to 8, then the arrays, little-endian, each at a
multiple of 8. The reader in the browser is web/src/frame.ts; both are tested on the same golden frames.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pellucid.core.errors import FormatError, InputError
from pellucid.core.figure.marks import (
    Axis,
    Bars,
    Cloud,
    Event,
    Figure,
    Heat,
    Lines,
    Mark,
    Panel,
    Surface,
    Table,
    Tiles,
    Tokens,
)
from pellucid.core.finding import Level

MAGIC = b"PEL1"
_VERSION = 1
_START = struct.Struct("<4sI")
_DTYPES = {
    "f16": np.dtype("<f2"),
    "f32": np.dtype("<f4"),
    "f64": np.dtype("<f8"),
    "u8": np.dtype("u1"),
    "u16": np.dtype("<u2"),
    "i32": np.dtype("<i4"),
}
_MARKS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind for kind in (Bars, Lines, Heat, Tiles, Cloud, Surface, Tokens, Table, Event)
}
# Larger pictures travel as float16: half the bytes, and an error of 1/2048 that no eye sees.
_LARGEST_EXACT = 16_384
_PICTURES = {(Heat, "values"), (Tiles, "images"), (Surface, "z")}

Array = NDArray[Any]
Tree = dict[str, Any]
Parameter = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A figure, and what it was drawn for.

    Attributes:
        figure: What is shown.
        view: Name of the view that made it; "" for a figure of its own.
        parameters: What the view was called with.
    """

    figure: Figure
    view: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])


def pack(frame: Frame) -> bytes:
    """Write a frame.

    Args:
        frame: Any; places on axes and parameters must be finite.

    Returns:
        The bytes. Pictures of more than 16,384 values are stored as float16, scaled by their largest magnitude; other
        numbers keep at least the digits of float32, whole numbers all of theirs.

    Raises:
        InputError: A plain number is not finite.

    Cost:
        One copy of the arrays.
    """
    arrays = _Arrays()
    figure = _encoded(frame.figure, arrays)
    header = {
        "frame": _VERSION,
        "view": frame.view,
        "parameters": dict(frame.parameters),
        "figure": figure,
        "arrays": arrays.directory,
    }
    try:
        text = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise InputError(
            f"The figure {frame.figure.title!r} has a place on an axis or a parameter that is not finite ({error}). "
            "Leave the mark out, or give the axis limits."
        ) from None
    start = _START.pack(MAGIC, len(text)) + text
    return b"".join([start, bytes(-len(start) % 8), *arrays.content])


def unpack(content: bytes) -> Frame:
    """Read a frame.

    Args:
        content: What `pack` returned.

    Returns:
        The frame; its arrays are float64, or integers where whole numbers were stored.

    Raises:
        FormatError: The bytes are no frame, damaged, or of another version.
    """
    header, data = _opened(content)
    try:
        arrays = [_array(entry, data) for entry in header["arrays"]]
        figure = _figure(header["figure"], arrays)
        return Frame(figure=figure, view=str(header["view"]), parameters=dict(header["parameters"]))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise FormatError(f"The header of this frame is damaged: {type(error).__name__}: {error}.") from error


# ----------------------------------------------------------------------------------------------------- writing


@dataclass
class _Arrays:
    """Arrays on their way into a frame."""

    directory: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    content: list[bytes] = field(default_factory=list[bytes])
    _length: int = 0

    def add(self, array: Array, *, picture: bool) -> dict[str, int]:
        dtype, scale = _form(array, picture=picture)
        stored = array / scale if scale is not None else array
        piece = np.ascontiguousarray(stored, dtype=_DTYPES[dtype]).tobytes()
        entry: dict[str, Any] = {"dtype": dtype, "shape": list(array.shape), "at": self._length}
        if scale is not None:
            entry["scale"] = scale
        self.directory.append(entry)
        padding = bytes(-len(piece) % 8)
        self.content.append(piece + padding)
        self._length += len(piece) + len(padding)
        return {"$": len(self.directory) - 1}


def _form(array: Array, *, picture: bool) -> tuple[str, float | None]:
    """Return the type in which an array is stored, and the scale of a picture."""
    finite = array[np.isfinite(array)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if finite.size == array.size and bool((finite == np.round(finite)).all()):
        for name, lowest, highest in (("u8", 0, 255), ("u16", 0, 65_535), ("i32", -(2**31), 2**31 - 1)):
            if lowest <= low and high <= highest:
                return name, None
    if picture and array.size > _LARGEST_EXACT:
        largest = max(abs(low), abs(high))
        return "f16", largest if largest > 0 else 1.0
    if max(abs(low), abs(high)) > float(np.finfo(np.float32).max):
        return "f64", None
    lost = float(np.abs(finite - finite.astype(np.float32)).max(initial=0.0))
    # Steps late in a long run differ by little beside their size, and must not fall together.
    return ("f32" if lost <= 1e-5 * (high - low) else "f64"), None


def _encoded(value: Any, arrays: _Arrays) -> Any:
    if isinstance(value, (Figure, Panel, Axis, *_MARKS.values())):
        content = {one.name: _part(value, one.name, arrays) for one in fields(value)}
        kind = type(value).__name__.lower()
        return {"kind": kind, **content} if kind in _MARKS else content
    if isinstance(value, tuple):
        return [_encoded(one, arrays) for one in cast(tuple[Any, ...], value)]
    if isinstance(value, Level):
        return value.value
    return value.item() if isinstance(value, np.generic) else value


def _part(record: Any, name: str, arrays: _Arrays) -> Any:
    value = getattr(record, name)
    if isinstance(value, np.ndarray):
        return arrays.add(value, picture=(type(record), name) in _PICTURES)
    return _encoded(value, arrays)


# ----------------------------------------------------------------------------------------------------- reading


def _opened(content: bytes) -> tuple[Tree, bytes]:
    if len(content) < _START.size:
        raise FormatError(f"These {len(content)} bytes are no frame: expected {_START.size} or more.")
    magic, length = _START.unpack_from(content)
    if magic != MAGIC:
        raise FormatError(f"These bytes are no frame: they begin with {magic!r}, expected {MAGIC!r}.")
    end = _START.size + length
    if end > len(content):
        raise FormatError(f"This frame is cut off: its header ends at byte {end:,}, and it has {len(content):,} bytes.")
    try:
        header: Any = json.loads(content[_START.size : end])
    except ValueError as error:
        raise FormatError(f"The header of this frame is not JSON: {error}.") from error
    version = cast(Tree, header).get("frame") if isinstance(header, dict) else None
    if version != _VERSION:
        raise FormatError(f"This frame has the version {version}, expected {_VERSION}. Update the other side.")
    return cast(Tree, header), content[end + -end % 8 :]


def _array(entry: Any, data: bytes) -> Array:
    dtype, shape, at = entry["dtype"], tuple(entry["shape"]), entry["at"]
    if dtype not in _DTYPES:
        raise FormatError(f"An array of this frame has the type {dtype!r}, expected one of: {', '.join(_DTYPES)}.")
    if not all(isinstance(one, int) and one >= 0 for one in (*shape, at)) or at % 8:
        raise FormatError(f"An array of this frame has the shape {shape} and begins at {at}: no such place.")
    kind, count = _DTYPES[dtype], prod(shape)
    if at + count * kind.itemsize > len(data):
        end = at + count * kind.itemsize
        raise FormatError(f"This frame is cut off: an array ends at byte {end:,} of {len(data):,} bytes of data.")
    values = np.frombuffer(data, dtype=kind, count=count, offset=at).reshape(shape)
    if kind.kind != "f":
        return values.astype(np.int64)
    return values.astype(np.float64) * float(entry.get("scale", 1.0))


def _figure(content: Any, arrays: list[Array]) -> Figure:
    found: Tree = {"panels": tuple(_panel(one, arrays) for one in content["panels"]), "level": Level(content["level"])}
    return Figure(**{**content, **found})


def _panel(content: Any, arrays: list[Array]) -> Panel:
    found: Tree = {name: _axis(content[name]) for name in ("x", "y")}
    found |= {"marks": tuple(_mark(one, arrays) for one in content["marks"]), "level": Level(content["level"])}
    return Panel(**{**content, **found})


def _axis(content: Any) -> Axis:
    limits = content["limits"]
    found: Tree = {"limits": None if limits is None else tuple(limits), "categories": tuple(content["categories"])}
    return Axis(**{**content, **found})


def _mark(content: Any, arrays: list[Array]) -> Mark:
    kind = content["kind"]
    if kind not in _MARKS:
        raise FormatError(f"This frame has a mark {kind!r}, expected one of: {', '.join(_MARKS)}.")
    return _MARKS[kind](**{name: _value(name, one, arrays) for name, one in content.items() if name != "kind"})


def _value(name: str, value: Any, arrays: list[Array]) -> Any:
    if isinstance(value, dict):
        place = cast(Tree, value)["$"]
        if not isinstance(place, int) or not 0 <= place < len(arrays):
            raise FormatError(f"A mark of this frame names the array {place}, and there are {len(arrays)}.")
        return arrays[place]
    if name == "level":
        return Level(value)
    if isinstance(value, list):
        return tuple(tuple(cast(list[Any], one)) if isinstance(one, list) else one for one in cast(list[Any], value))
    return value
