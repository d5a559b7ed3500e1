"""Results on disk: what is written comes back, and what is not ours is refused in one voice."""

import dataclasses
import errno
import json
import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from safetensors.numpy import save as safetensors_bytes

from pellucid.core import files
from pellucid.core.errors import FormatError, InputError, StoreError
from pellucid.core.finding import Level
from pellucid.core.result import Provenance, Result


@dataclass(frozen=True, kw_only=True)
class Part:
    """A record inside a result."""

    name: str
    values: np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Stored(Result):
    """A result with a field of every form."""

    array: np.ndarray[Any, Any]
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    named: Mapping[str, Part] = field(default_factory=dict[str, Part])
    pair: tuple[int, str] = (1, "a")
    number: float = 0.5
    text: str = ""
    flag: bool = False
    nothing: str | None = None


@dataclass(frozen=True, kw_only=True)
class Another(Result):
    """Another kind."""


def part(name: str = "p") -> Part:
    """Make a part."""
    return Part(name=name, values=np.arange(3, dtype=np.int32))


def same(one: Any, other: Any) -> bool:
    """Compare fields deeply, arrays by type, shape and bits."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, n), getattr(other, n)) for n in (each.name for each in dataclasses.fields(one))
        )
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and (one == other or one != one)  # noqa: PLR0124 - NaN is itself


ARRAYS = {
    "zero-dimensional": np.array(3.5),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "transposed": np.arange(12.0).reshape(3, 4).T,
    "stepped": np.arange(20)[::3],
    "backwards": np.arange(5.0)[::-1],
    "not finite": np.array([np.nan, np.inf, -np.inf, -0.0]),
    "half": np.array([1.5, -2], dtype=np.float16),
    "booleans": np.array([[True], [False]]),
    "bytes": np.arange(256, dtype=np.uint8),
    "big end first": np.arange(4, dtype=">f4"),
    "broadcast": np.broadcast_to(np.float32(2), (3, 2)),
    "read only": np.frombuffer(b"\x01\x02\x03\x04", dtype=np.uint16),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back(name: str, tmp_path: Path) -> None:
    """An array of any layout comes back with the same values, type and shape."""
    stored = Stored(array=ARRAYS[name])
    back = Stored.load(stored.save(tmp_path / "r.safetensors"))
    native = np.asarray(ARRAYS[name]).astype(ARRAYS[name].dtype.newbyteorder("="))
    assert back.array.dtype == native.dtype
    np.testing.assert_array_equal(back.array, native)
    assert back.array.shape == native.shape


def test_every_form_comes_back(tmp_path: Path) -> None:
    """Nested records, tuples, mappings, plain values and provenance come back equal and of the same types."""
    whole = Stored(
        array=np.eye(2),
        part=part(),
        parts=(part("a"), part("b")),
        named={"x.y": part("c"), "": part("d"), "array": part("e")},
        pair=(2, 'ü\n"\\'),
        number=float("nan"),
        text="<script>",
        flag=True,
        provenance=Provenance(model="m", samples=3, seed=1, seconds=0.1),
    )
    back = Result.load(whole.save(tmp_path / "r.safetensors"))
    assert same(whole, back)
    assert not list(tmp_path.glob(".*"))


def test_numpy_scalars_become_plain(tmp_path: Path) -> None:
    """A NumPy number in a plain field comes back as a plain number."""
    back = Stored.load(Stored(array=np.ones(1), number=np.float64(0.25)).save(tmp_path / "r"))
    assert type(back.number) is float
    assert back.number == 0.25


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"array": np.array(["a"])}, "Field 'array' is an array of <U1; only numbers and booleans can be stored."),
        (
            {"array": np.array([1j])},
            "Field 'array' is an array of complex128; only numbers and booleans can be stored.",
        ),
        ({"array": {1, 2}}, "Field 'array' is a set; a result holds arrays and plain values only."),
        ({"array": {"a": object()}}, "Field 'array.a' is a object; a result holds arrays and plain values only."),
        ({"array": {1: 2}}, "Field 'array' has the key 1; the keys of a mapping are texts."),
    ],
)
def test_what_cannot_be_stored(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    """A field that cannot be stored is named before anything is written."""
    stored = Stored(array=np.ones(1))
    object.__setattr__(stored, "array", fields["array"])
    with pytest.raises(InputError) as caught:
        stored.save(tmp_path / "r")
    assert str(caught.value) == message
    assert not list(tmp_path.iterdir())


def test_the_wrong_kind(tmp_path: Path) -> None:
    """A file that holds another kind of result is refused, and the way to read it is named."""
    path = Another().save(tmp_path / "r")
    with pytest.raises(FormatError) as caught:
        Stored.load(path)
    assert str(caught.value) == f"{path} holds {Another.kind}, expected {Stored.kind}. Read it with Result.load()."


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that is not there is a StoreError."""
    with pytest.raises(StoreError) as caught:
        Result.load(tmp_path / "r")
    assert str(caught.value) == f"There is no file {tmp_path / 'r'}."


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    """A folder cannot be read as a result nor be replaced by one."""
    with pytest.raises((StoreError, FormatError)):
        Result.load(tmp_path)
    with pytest.raises(StoreError):
        Another().save(tmp_path)
    with pytest.raises(StoreError) as caught:
        Another().save(tmp_path / "none" / "r")
    assert str(caught.value) == (
        f"Could not write {tmp_path / 'none' / 'r'}: No such file or directory. What was there before is unchanged."
    )


@pytest.mark.parametrize("failing", ["fsync", "write", "replace"])
def test_a_full_disk_keeps_the_old_file(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old result is still whole, and nothing is left beside it."""
    path = Stored(array=np.zeros(3)).save(tmp_path / "r")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if failing == "fsync":
        monkeypatch.setattr(files.os, "fsync", full)
    elif failing == "replace":
        monkeypatch.setattr(Path, "replace", full)
    else:
        monkeypatch.setattr(Path, "with_name", lambda *_: Path("/dev/full"))
        monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    with pytest.raises(StoreError) as caught:
        Stored(array=np.ones(3)).save(path)
    assert str(caught.value) == (
        f"Could not write {path}: No space left on device. What was there before is unchanged."
    )
    monkeypatch.undo()
    np.testing.assert_array_equal(Stored.load(path).array, np.zeros(3))
    assert [one.name for one in tmp_path.iterdir()] == ["r"]


# ------------------------------------------------------------------------------------------ hostile files


def refused(content: bytes, path: Path) -> None:
    """Hold that the content gives a FormatError or StoreError and nothing else."""
    path.write_bytes(content)
    with pytest.raises((FormatError, StoreError)) as caught:
        Result.load(path)
    assert str(path) in str(caught.value)


def whole_file() -> bytes:
    """Return the bytes of a good file."""
    return files.pack(Stored(array=np.arange(64.0), parts=(part(),), named={"a": part()}))


def test_truncated_files(tmp_path: Path) -> None:
    """A file cut off at any 64th byte is refused."""
    content = whole_file()
    for length in range(0, len(content), 64):
        refused(content[:length], tmp_path / "r")


def test_random_files(tmp_path: Path) -> None:
    """Random bytes are refused, also behind a plausible length."""
    random = np.random.default_rng(0)
    for length in (0, 1, 7, 8, 9, 64, 1000):
        content = random.bytes(length)
        refused(content, tmp_path / "r")
        refused(struct.pack("<Q", length) + content, tmp_path / "r")


def test_flipped_bytes_never_surprise(tmp_path: Path) -> None:
    """A file with one byte changed is read or refused, and raises nothing else."""
    content = bytearray(whole_file())
    random = np.random.default_rng(0)
    path = tmp_path / "r"
    for place in random.integers(0, len(content), 400).tolist():
        changed = bytearray(content)
        changed[place] ^= int(random.integers(1, 256))
        path.write_bytes(bytes(changed))
        with suppress(FormatError, StoreError):
            Result.load(path)


@pytest.mark.parametrize("length", [0, 1, 2**20, 100_000_001, 2**40, 2**63, 2**64 - 1])
def test_a_wrong_header_length(length: int, tmp_path: Path) -> None:
    """A header that claims to be empty or huge is refused without reserving memory for it."""
    refused(struct.pack("<Q", length) + whole_file()[8:], tmp_path / "r")


def test_a_foreign_file(tmp_path: Path) -> None:
    """Somebody else's safetensors file is told apart from a damaged one."""
    path = tmp_path / "r"
    path.write_bytes(safetensors_bytes({"a": np.ones(2)}))
    with pytest.raises(FormatError) as caught:
        Result.load(path)
    assert str(caught.value) == f"{path} is a safetensors file, but pellucid did not write it."


def with_header(header: Any, **arrays: np.ndarray[Any, Any]) -> bytes:
    """Return a file with a header of our name."""
    text = header if isinstance(header, str) else json.dumps(header)
    return safetensors_bytes(arrays or {"array": np.ones(2)}, metadata={"pellucid": text})


def good_header() -> dict[str, Any]:
    """Return the header of a good file."""
    content = whole_file()
    (length,) = struct.unpack("<Q", content[:8])
    header: dict[str, Any] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["pellucid"])
    return header


def test_a_later_format(tmp_path: Path) -> None:
    """A file of a later format asks for an upgrade."""
    path = tmp_path / "r"
    path.write_bytes(with_header(good_header() | {"format": 2}))
    with pytest.raises(FormatError) as caught:
        Result.load(path)
    assert str(caught.value) == f"{path} has format 2; this pellucid reads format 1. Upgrade pellucid."


def test_an_unknown_kind(tmp_path: Path) -> None:
    """A kind that this version does not know is named, with the nearest."""
    path = tmp_path / "r"
    path.write_bytes(with_header(good_header() | {"kind": "zzz.Qqq"}))
    with pytest.raises(FormatError) as caught:
        Result.load(path)
    assert str(caught.value) == f"{path} holds a result of kind 'zzz.Qqq', which this pellucid does not know."


def fields_with(**changes: Any) -> dict[str, Any]:
    """Return the fields of a good header with some replaced."""
    header = good_header()
    header["fields"]["record"] |= changes
    return header


HEADERS: dict[str, Any] = {
    "no JSON": "{",
    "a list": [],
    "a number": 3,
    "null": None,
    "empty": {},
    "fields are missing": {"format": 1, "kind": Stored.kind},
    "fields are a text": {"format": 1, "kind": Stored.kind, "fields": "x"},
    "fields are a list": {"format": 1, "kind": Stored.kind, "fields": [1]},
    "fields are null": {"format": 1, "kind": Stored.kind, "fields": None},
    "fields are a tuple": {"format": 1, "kind": Stored.kind, "fields": {"tuple": []}},
    "fields are an array": {"format": 1, "kind": Stored.kind, "fields": {"array": "array"}},
    "two forms": {"format": 1, "kind": Stored.kind, "fields": {"array": "a", "record": {}}},
    "an unknown form": {"format": 1, "kind": Stored.kind, "fields": {"pickle": "x"}},
    "a record without fields": {"format": 1, "kind": Stored.kind, "fields": {"record": {}}},
    "a record of a number": {"format": 1, "kind": Stored.kind, "fields": {"record": 3}},
    "an unknown field": fields_with(further=3),
    "a missing array": fields_with(array={"array": "elsewhere"}),
    "an array without name": fields_with(array={"array": ["array"]}),
    "an array that is a text": fields_with(array="x"),
    "an array that is a record": fields_with(array={"record": {}}),
    "a number that is a text": fields_with(number="x"),
    "a number that is null": fields_with(number=None),
    "a text that is a number": fields_with(text=3),
    "a flag that is a text": fields_with(flag="yes"),
    "a tuple that is a number": fields_with(pair=3),
    "a tuple of wrong length": fields_with(pair={"tuple": [1]}),
    "a tuple of wrong types": fields_with(pair={"tuple": ["a", 1]}),
    "a tuple that is a mapping": fields_with(pair={"mapping": {}}),
    "parts that are numbers": fields_with(parts={"tuple": [1, 2]}),
    "a mapping that is a tuple": fields_with(named={"tuple": []}),
    "a mapping of numbers": fields_with(named={"mapping": {"a": 1}}),
    "a part that is an array": fields_with(part={"array": "array"}),
    "a text that is an array": fields_with(text={"array": "array"}),
    "provenance that is null": fields_with(provenance=None),
    "a list in a field": fields_with(text=["a"]),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_of_the_wrong_form(name: str, tmp_path: Path) -> None:
    """A header that does not fit the class is refused, whatever it holds."""
    refused(with_header(HEADERS[name]), tmp_path / "r")


@pytest.mark.parametrize("depth", [500, 100_000])
def test_deep_nesting(depth: int, tmp_path: Path) -> None:
    """A header nested so deep that it would overflow the stack is refused."""
    deep = '{"tuple":[' * depth + "]}" * depth
    text = f'{{"format":1,"kind":"{Stored.kind}","fields":{{"record":{{"array":{deep}}}}}}}'
    refused(with_header(text), tmp_path / "r")


def test_a_huge_number(tmp_path: Path) -> None:
    """A number with more digits than Python converts is refused."""
    text = json.dumps(fields_with(number=0)).replace('"number": 0', '"number": ' + "9" * 5000)
    refused(with_header(text), tmp_path / "r")


def test_replace_makes_a_changed_copy() -> None:
    """A result cannot be changed in place, only copied."""
    stored = Stored(array=np.ones(1))
    with pytest.raises(AttributeError):
        stored.number = 1.0  # type: ignore[misc]
    assert replace(stored, number=1.0).number == 1.0


@dataclass(frozen=True, kw_only=True)
class Mixed(Result):
    """A result with unions, levels and literal texts."""

    level: Level = Level.OK
    either: int | str = 0
    scale: Literal["linear", "log"] = "linear"
    many: Mapping[str, Any] = field(default_factory=dict[str, Any])


def test_levels_and_unions_come_back(tmp_path: Path) -> None:
    """A level comes back as a level, and each of two allowed types as itself."""
    back = Mixed.load(Mixed(level=Level.ALARM, either="a", scale="log").save(tmp_path / "r"))
    assert (back.level, back.either, back.scale) == (Level.ALARM, "a", "log")
    assert isinstance(back.level, Level)


@pytest.mark.parametrize("changes", [{"level": "loud"}, {"scale": "cubic"}, {"either": 0.5}, {"either": True}])
def test_values_outside_their_type(changes: dict[str, Any], tmp_path: Path) -> None:
    """A level, a literal text or a union with a value of no allowed form is refused."""
    content = files.pack(Mixed())
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["pellucid"])
    header["fields"]["record"] |= changes
    refused(with_header(header), tmp_path / "r")


def test_arrays_whose_names_meet(tmp_path: Path) -> None:
    """Two arrays whose paths spell the same are both kept."""
    many = {"a.b": np.zeros(2), "a": {"b": np.ones(3)}}
    back = Mixed.load(Mixed(many=many).save(tmp_path / "r")).many
    np.testing.assert_array_equal(back["a.b"], np.zeros(2))
    np.testing.assert_array_equal(back["a"]["b"], np.ones(3))
