"""Frame: a figure as bytes, the one form in which it reaches a page, a notebook or a report.

Magic "PEL1", length of the header, the header as JSON, padding to 8, then the arrays, little-endian, each at a
multiple of 8. A book is several frames of one view, for what cannot be computed where it is read: magic "PELB", their
number, their lengths, padding to 8, then the frames, each padded to 8. The reader in the browser is web/src/frame.ts;
both are tested on the same golden frames.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pellucid.core.controls import Control, Parameter, control_as_dict, control_from_dict
from pellucid.core.errors import FormatError, InputError
from pellucid.core.figure.marks import Axis, Event, Figure, Mark, Panel, Parallel
from pellucid.core.finding import Level
from pellucid.core.stored import DTYPES, FIELDS, MARKS, Pictures, Place, StoredArrays

MAGIC = b"PEL1"
BOOK = b"PELB"
_VERSION = 1
_START = struct.Struct("<4sI")
_PLAIN = frozenset((str, bool, int, float))

Array = NDArray[Any]
Tree = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A figure, and what it was drawn for.

    Attributes:
        figure: What is shown.
        view: Name of the view that made it; "" for a figure of its own.
        parameters: What the view was called with.
        controls: What a reader can set, resolved for these parameters.
        append: The figure holds only points to be added behind those of the curves that are shown.
    """

    figure: Figure
    view: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    controls: tuple[Control, ...] = ()
    append: bool = False


def pack(frame: Frame, *, pictures: Pictures | None = None) -> bytes:
    """Write a frame.

    Args:
        frame: Any; places on axes and parameters must be finite.
        pictures: Store every picture (heat, tiles, surface) as float16, or in 256 steps between its lowest and highest
            value where it holds no NaN; None leaves small ones exact and large ones float16.

    Returns:
        The bytes. Pictures of more than 16,384 values are stored as float16, scaled by their largest magnitude; other
        numbers keep at least the digits of float32, integers all of theirs up to 2**53 and those of float64 beyond it.
        Half a pair of surrogates in a text becomes "?", as UTF-8 has no form for it.

    Raises:
        InputError: A place on an axis or a parameter is not finite.

    Cost:
        One copy of the arrays.
    """
    arrays = StoredArrays(pictures=pictures)
    figure = _encoded(frame.figure, arrays)
    header = {
        "frame": _VERSION,
        "view": frame.view,
        "parameters": dict(frame.parameters),
        "controls": [control_as_dict(one) for one in frame.controls],
        "append": frame.append,
        "figure": figure,
        "arrays": arrays.directory,
    }
    try:
        text = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        where = next(_not_finite(frame.figure), f"a parameter ({error})")
        words = "Leave the mark out, or give finite numbers."
        raise InputError(f"The figure {frame.figure.title!r} has {where} that is not finite. {words}") from None
    written = text.encode("utf-8", "replace")
    start = _START.pack(MAGIC, len(written)) + written
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
        return Frame(
            figure=figure,
            view=str(header["view"]),
            parameters={name: _plain(value) for name, value in header["parameters"].items()},
            controls=tuple(control_from_dict(one) for one in header.get("controls", ())),
            append=bool(header.get("append", False)),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise FormatError(f"The header of this frame is damaged: {type(error).__name__}: {error}.") from error


def pack_book(frames: Sequence[bytes]) -> bytes:
    """Put several frames into one blob.

    Args:
        frames: What `pack` returned, at least one; the first is shown first.

    Returns:
        The bytes.

    Raises:
        InputError: There is no frame.
    """
    if not frames:
        raise InputError("A book needs at least one frame, got none.")
    start = BOOK + struct.pack(f"<{len(frames) + 1}I", len(frames), *(len(one) for one in frames))
    return b"".join(one + bytes(-len(one) % 8) for one in (start, *frames))


def unpack_book(content: bytes) -> tuple[Frame, ...]:
    """Read the frames of a book.

    Args:
        content: What `pack_book` returned.

    Returns:
        At least one frame.

    Raises:
        FormatError: The bytes are no book, or damaged.
    """
    if len(content) < _START.size or not content.startswith(BOOK):
        raise FormatError(f"These bytes are no book: they begin with {content[:4]!r}, expected {BOOK!r}.")
    count = _START.unpack_from(content)[1]
    at = _START.size + 4 * count
    if not count or at > len(content):
        raise FormatError(f"This book is cut off: {count:,} frames in {len(content):,} bytes.")
    frames: list[Frame] = []
    for length in struct.unpack_from(f"<{count}I", content, _START.size):
        at += -at % 8
        if at + length > len(content):
            raise FormatError(f"This book is cut off: a frame ends at byte {at + length:,} of {len(content):,}.")
        frames.append(unpack(content[at : at + length]))
        at += length
    return tuple(frames)


# ----------------------------------------------------------------------------------------------------- writing


def _not_finite(figure: Figure) -> Iterator[str]:
    """Name the places on axes that are not finite."""
    for panel in figure.panels:
        axes = [panel.x, panel.y, *(axis for mark in panel.marks if isinstance(mark, Parallel) for axis in mark.axes)]
        for axis in axes:
            for name, values in (("limits", axis.limits or ()), ("threshold", (axis.threshold,))):
                if not all(isfinite(one) for one in values):
                    yield f"{name} of the axis {axis.label!r} of the panel {panel.title!r}"
        for mark in panel.marks:
            if isinstance(mark, Event) and not isfinite(mark.at):
                yield f"the place of the event {mark.text!r} of the panel {panel.title!r}"


def _encoded(value: Any, arrays: StoredArrays) -> Any:
    if value is None or type(value) in _PLAIN:
        return value
    if names := FIELDS.get(type(value)):
        content = {name: _part(getattr(value, name), (type(value), name), arrays) for name in names}
        kind = type(value).__name__.lower()
        return {"kind": kind, **content} if kind in MARKS else content
    if isinstance(value, tuple):
        return [_part(one, (Figure, ""), arrays) for one in cast(tuple[Any, ...], value)]
    if isinstance(value, Level):
        return value.value
    return value.item() if isinstance(value, np.generic) else value


def _part(value: Any, place: Place, arrays: StoredArrays) -> Any:
    return arrays.add(value, place) if isinstance(value, np.ndarray) else _encoded(value, arrays)


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
    if dtype not in DTYPES:
        raise FormatError(f"An array of this frame has the type {dtype!r}, expected one of: {', '.join(DTYPES)}.")
    if not all(isinstance(one, int) and one >= 0 for one in (*shape, at)) or at % 8:
        raise FormatError(f"An array of this frame has the shape {shape} and begins at {at}: no such place.")
    kind, count = DTYPES[dtype], prod(shape)
    if at + count * kind.itemsize > len(data):
        end = at + count * kind.itemsize
        raise FormatError(f"This frame is cut off: an array ends at byte {end:,} of {len(data):,} bytes of data.")
    values = np.frombuffer(data, dtype=kind, count=count, offset=at).reshape(shape)
    if kind.kind != "f" and "scale" not in entry:
        return values.astype(np.int64)
    return values.astype(np.float64) * float(entry.get("scale", 1.0)) + float(entry.get("offset", 0.0))


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
    if kind not in MARKS:
        raise FormatError(f"This frame has a mark {kind!r}, expected one of: {', '.join(MARKS)}.")
    return MARKS[kind](**{name: _value(name, one, arrays) for name, one in content.items() if name != "kind"})


def _value(name: str, value: Any, arrays: list[Array]) -> Any:
    if isinstance(value, dict):
        return _axis(value) if "categories" in value else _named_array(cast(Tree, value), arrays)
    if name == "level":
        return Level(value)
    if isinstance(value, list):
        return tuple(_value("", one, arrays) for one in cast(list[Any], value))
    return value


def _named_array(value: Tree, arrays: list[Array]) -> Array:
    place = value["$"]
    if not isinstance(place, int) or not 0 <= place < len(arrays):
        raise FormatError(f"A mark of this frame names the array {place}, and there are {len(arrays)}.")
    return arrays[place]


def _plain(value: Any) -> Parameter:
    return tuple(cast(list[str], value)) if isinstance(value, list) else value
