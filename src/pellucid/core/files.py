"""Results on disk: one safetensors file, its JSON header in the metadata. Never pickle."""

import contextlib
import dataclasses
import enum
import itertools
import json
import os
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from pellucid.core.errors import FormatError, InputError, StoreError
from pellucid.core.result import Result

Array = NDArray[Any]
_HEADER = "pellucid"
_FORMAT = 1
_WRITTEN = itertools.count()


def write_atomically(path: Path, content: bytes) -> Path:
    """Write `content` beside `path`, flush it to the disk, then rename it into place.

    Args:
        path: Where to; its folder must exist.
        content: Bytes to write.

    Returns:
        The path.

    Raises:
        StoreError: The disk is full, the folder is gone, or writing is not allowed; the old file stays.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{next(_WRITTEN)}.part")  # threads may write to one path
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # where the folder is gone, nothing was left behind
            beside.unlink(missing_ok=True)
        raise StoreError(
            f"Could not write {path}: {error.strerror or error}. What was there before is unchanged."
        ) from error
    return path


def write_result(result: Result, path: Path) -> Path:
    """Write one result to `path`; see `Result.save`."""
    return write_atomically(path, pack(result))


def pack(result: Result) -> bytes:
    """Return a result as the bytes of one safetensors file."""
    arrays: dict[str, Array] = {}
    tree = _encode(result, "", arrays)
    header = json.dumps({"format": _FORMAT, "kind": result.kind, "fields": tree}, allow_nan=True)
    return to_bytes({key: _contiguous(array) for key, array in arrays.items()}, metadata={_HEADER: header})


def read_result(path: Path) -> Result:
    """Read one result from `path`; see `Result.load`."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = cast("dict[str, str] | None", file.metadata()) or {}
            arrays = {str(key): np.asarray(file.get_tensor(key)) for key in list(file.keys())}
    except FileNotFoundError as error:
        raise StoreError(f"There is no file {path}.") from error
    except OSError as error:
        raise StoreError(f"Could not read {path}: {error.strerror or error}.") from error
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FormatError(f"{path} is damaged or is not a pellucid result: {error}") from error
    return _unpack(metadata, arrays, str(path))


def _unpack(metadata: Mapping[str, str], arrays: Mapping[str, Array], where: str) -> Result:
    if _HEADER not in metadata:
        raise FormatError(f"{where} is a safetensors file, but pellucid did not write it.")
    try:
        header = json.loads(metadata[_HEADER])
        version, kind, fields = header["format"], header["kind"], header["fields"]
        if version != _FORMAT:
            raise FormatError(
                f"{where} has format {version!r}; this pellucid reads format {_FORMAT}. Upgrade pellucid."
            )
        return _decode(fields, Result.class_of(str(kind), where), arrays)
    except FormatError:
        raise
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        InputError,
    ) as error:
        raise FormatError(f"{where} is damaged: {type(error).__name__}: {error}") from error


def _contiguous(array: Array) -> Array:
    return array if array.flags.c_contiguous else array.copy(order="C")


def _encode(value: Any, key: str, arrays: dict[str, Array]) -> Any:
    """Turn a value into JSON; arrays go to `arrays` and leave their key behind."""
    if isinstance(value, np.ndarray):
        kept = _keep(_compact(cast(Array, value)), key, arrays)
        small = arrays[kept].dtype != cast(Array, value).dtype.newbyteorder("=")
        return {"int64": kept} if small else {"array": kept}
    if isinstance(value, np.bool | np.integer | np.floating):
        return value.item()
    if dataclasses.is_dataclass(value):
        names = [one.name for one in dataclasses.fields(value)]
        return {"record": {one: _encode(getattr(value, one), f"{key}.{one}".lstrip("."), arrays) for one in names}}
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        if wrong := [name for name, _ in items if not isinstance(name, str)]:
            raise InputError(f"Field {key!r} has the key {wrong[0]!r}; the keys of a mapping are texts.")
        return {"mapping": {name: _encode(one, f"{key}.{name}", arrays) for name, one in items}}
    if isinstance(value, tuple | list):
        sequence = cast("tuple[Any, ...]", value)
        return {"tuple": [_encode(one, f"{key}.{index}", arrays) for index, one in enumerate(sequence)]}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise InputError(f"Field {key!r} is a {type(value).__name__}; a result holds arrays and plain values only.")


def _compact(array: Array) -> Array:
    """Counts are int64 in memory and mostly small: store them in as few bytes as hold them exactly."""
    if array.dtype != np.int64 or not array.size or array.min() < 0:
        return array
    fitting = (one for one in (np.uint8, np.uint16, np.uint32) if array.max() <= np.iinfo(one).max)
    return array.astype(next(fitting, np.int64))


def _keep(array: Array, key: str, arrays: dict[str, Array]) -> str:
    """Put an array among those that are stored; its key comes back."""
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise InputError(f"Field {key!r} is an array of {array.dtype}; only numbers and booleans can be stored.")
    while key in arrays:  # {"a.b": x, "a": {"b": y}} would meet
        key += "'"
    arrays[key] = array.astype(array.dtype.newbyteorder("="), copy=False)
    return key


def _decode(tree: Any, expected: Any, arrays: Mapping[str, Array]) -> Any:
    """Turn JSON back into a value. The expected types come from our classes, never from the file."""
    if get_origin(expected) in (Union, types.UnionType):
        return _decode_union(tree, get_args(expected), arrays)
    if not isinstance(tree, dict):
        return _decode_plain(tree, expected)
    ((form, content),) = cast("dict[str, Any]", tree).items()
    if form == "array" and _takes(expected, np.ndarray):
        return arrays[content]
    if form == "int64" and _takes(expected, np.ndarray) and arrays[content].dtype.kind == "u":
        return arrays[content].astype(np.int64)
    if form == "record" and dataclasses.is_dataclass(expected):
        return _decode_record(content, cast("type[Any]", expected), arrays)
    if form == "mapping" and _takes(expected, Mapping):
        inner = (*get_args(expected), Any, Any)[1]
        return {name: _decode(one, inner, arrays) for name, one in content.items()}
    if form == "tuple" and isinstance(content, list) and _takes(expected, tuple):
        return _decode_tuple(cast("list[Any]", content), expected, arrays)
    raise TypeError(f"{form} where {expected} was expected")


def _takes(expected: Any, kind: type[Any]) -> bool:
    """Whether a field of the expected type may hold an array, a mapping or a tuple."""
    if expected in (Any, object):
        return True
    if hasattr(expected, "array_type"):  # a jaxtyping array
        return kind is np.ndarray
    origin = get_origin(expected) or expected
    return isinstance(origin, type) and (issubclass(origin, kind) or issubclass(kind, origin))


def _decode_record(content: Any, expected: type[Any], arrays: Mapping[str, Array]) -> Any:
    hints = get_type_hints(expected)
    fields = dataclasses.fields(expected)
    # A field that came later has a default: a file from before it has none of it.
    needed = {
        one.name for one in fields if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    }
    if wrong := (set(content) - {one.name for one in fields}) | (needed - set(content)):
        raise KeyError(f"fields {sorted(wrong)} of {expected.__name__}")
    return expected(**{name: _decode(one, hints[name], arrays) for name, one in content.items()})


def _decode_tuple(content: list[Any], expected: Any, arrays: Mapping[str, Array]) -> tuple[Any, ...]:
    inner = get_args(expected)
    if get_origin(expected) is not tuple:  # Sequence[kind], Any
        inner = (*inner, Any)[:1] * len(content)
    elif len(inner) == 2 and inner[1] is Ellipsis:
        inner = inner[:1] * len(content)
    return tuple(_decode(one, kind, arrays) for one, kind in zip(content, inner, strict=True))


def _decode_union(tree: Any, choices: tuple[Any, ...], arrays: Mapping[str, Array]) -> Any:
    """The first of the types that fits; the complaint of the last when none does."""
    if tree is None and type(None) in choices:
        return None
    *others, last = [one for one in choices if one is not type(None)]
    for one in others:
        with contextlib.suppress(TypeError, ValueError, KeyError):
            return _decode(tree, one, arrays)
    return _decode(tree, last, arrays)


def _decode_plain(tree: Any, expected: Any) -> Any:
    if get_origin(expected) is Literal:
        if tree in get_args(expected):
            return tree
    elif expected in (Any, object):
        if not isinstance(tree, list):
            return tree
    elif isinstance(expected, type) and issubclass(expected, enum.Enum):
        return expected(tree)
    elif expected is float and isinstance(tree, int | float) and not isinstance(tree, bool):
        return float(tree)
    elif expected in (bool, int, str, type(None)) and type(tree) is expected:
        return tree
    raise TypeError(f"{repr(tree)[:40]} where {expected} was expected")
