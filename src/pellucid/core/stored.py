"""The arrays of a figure on their way into a frame: each once, in the least room that does not show."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure.marks import (
    Axis,
    Bars,
    Cloud,
    Event,
    Figure,
    Heat,
    Lines,
    Panel,
    Parallel,
    Surface,
    Table,
    Tiles,
    Tokens,
)

DTYPES = {
    "f16": np.dtype("<f2"),
    "f32": np.dtype("<f4"),
    "f64": np.dtype("<f8"),
    "u8": np.dtype("u1"),
    "u16": np.dtype("<u2"),
    "i32": np.dtype("<i4"),
}
MARKS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind for kind in (Bars, Lines, Heat, Tiles, Cloud, Surface, Parallel, Tokens, Table, Event)
}
# Looked up once: a server packs the curves of many runs each second.
FIELDS = {kind: tuple(one.name for one in fields(kind)) for kind in (Figure, Panel, Axis, *MARKS.values())}
# Larger pictures travel as float16: half the bytes, and an error of 1/2048 that no eye sees.
_LARGEST_EXACT = 16_384
_PICTURES = {(Heat, "values"), (Heat, "under"), (Tiles, "images"), (Cloud, "images"), (Surface, "z")}
_LOOKED_AT = {(Heat, "under")}  # what nobody reads a number from: 256 steps are enough

Array = NDArray[Any]
Pictures = Literal["float16", "uint8"]
Place = tuple[type[Any], str]
"""Kind of a part of a figure, and the field that holds an array; (Figure, "") for an array in a tuple."""


@dataclass
class StoredArrays:
    """Arrays as a frame holds them.

    Attributes:
        directory: Type, shape and place of each.
        content: Their bytes.
        pictures: How pictures are rounded; see `pack`.
    """

    directory: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    content: list[bytes] = field(default_factory=list[bytes])
    pictures: Pictures | None = None
    _length: int = 0
    # The arrays are held, so that none of them makes room for another with the same id.
    _known: dict[tuple[int, bool, bool], tuple[int, Array]] = field(
        default_factory=dict[tuple[int, bool, bool], tuple[int, Array]]
    )

    def add(self, array: Array, place: Place) -> dict[str, int]:
        """Store an array, unless it is stored already, and return how a mark refers to it."""
        kind = _kind(array, place)
        if kind not in self._known:
            self._known[kind] = len(self.directory), array
            self._write(array, place)
        return {"$": self._known[kind][0]}

    def _write(self, array: Array, place: Place) -> None:
        form = _form(array, picture=place in _PICTURES, pictures="uint8" if place in _LOOKED_AT else self.pictures)
        stored = array
        if form.scale is not None:
            stored = (array.astype(np.float64) - form.offset) / form.scale
            stored = np.round(stored) if form.dtype == "u8" else stored
        piece = np.ascontiguousarray(stored, dtype=DTYPES[form.dtype]).tobytes()
        entry: dict[str, Any] = {"dtype": form.dtype, "shape": list(array.shape), "at": self._length}
        if form.scale is not None:
            entry |= {"scale": form.scale} | ({"offset": form.offset} if form.offset else {})
        self.directory.append(entry)
        padding = bytes(-len(piece) % 8)
        self.content.append(piece + padding)
        self._length += len(piece) + len(padding)


def _kind(array: Array, place: Place) -> tuple[int, bool, bool]:
    """Return what is the same for arrays that are stored once."""
    return id(array), place in _PICTURES, place in _LOOKED_AT


def arrays_of(figure: Figure) -> list[Array]:
    """Return the arrays of a figure in the order in which its frame lists them.

    Args:
        figure: Any.

    Returns:
        Each array once, as it is in the figure; in a frame it may be rounded.
    """
    return list(dict(_listed(figure, (Figure, ""))).values())


def _listed(value: Any, place: Place) -> Iterator[tuple[tuple[int, bool, bool], Array]]:
    if isinstance(value, np.ndarray):
        yield _kind(value, place), value
    elif isinstance(value, tuple):
        for one in cast(tuple[Any, ...], value):
            yield from _listed(one, (Figure, ""))
    else:
        for name in FIELDS.get(type(value), ()):
            yield from _listed(getattr(value, name), (type(value), name))


@dataclass(frozen=True)
class _Form:
    """How an array is stored; a scale is given where a value is stored * scale + offset."""

    dtype: str
    scale: float | None = None
    offset: float = 0.0


def _form(array: Array, *, picture: bool, pictures: Pictures | None) -> _Form:
    finite = array[np.isfinite(array)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    whole = finite.size == array.size
    if whole and bool((finite == np.round(finite)).all()):
        for name, lowest, highest in (("u8", 0, 255), ("u16", 0, 65_535), ("i32", -(2**31), 2**31 - 1)):
            if lowest <= low and high <= highest:
                return _Form(name)
    if picture and pictures == "uint8" and whole and np.isfinite(high - low):
        return _Form("u8", (high - low) / 255 or 1.0, low)
    largest = max(abs(low), abs(high))
    # Float16 keeps 2,048 steps of the largest magnitude: values that lie close together far from 0 would fall together.
    if picture and (pictures is not None or array.size > _LARGEST_EXACT) and 2 * (high / 2 - low / 2) >= largest / 2:
        return _Form("f16", largest if largest > 0 else 1.0)
    if largest > float(np.finfo(np.float32).max) or array.dtype.kind in "iu":  # numbers of steps, of bytes
        return _Form("f64")
    lost = float(np.abs(finite - finite.astype(np.float32)).max(initial=0.0))
    # Steps late in a long run differ by little beside their size, and must not fall together.
    return _Form("f32" if lost <= 1e-5 * (high - low) else "f64")
