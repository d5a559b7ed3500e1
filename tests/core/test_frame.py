"""Frames: what goes in comes out, also at the edges, and what is damaged is refused with words."""

import json
import struct
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.core.errors import FormatError, InputError
from pellucid.core.figure import Axis, Bars, Event, Figure, Heat, Lines, Panel
from pellucid.core.frame import Frame, pack, unpack
from tests.core.figure.pictures import figure, histograms, hostile_marks, panels

GOLDEN = Path(__file__).parents[1] / "web" / "golden"
EVERY: dict[str, Figure] = {
    **{name: figure(panel) for name, panel in panels().items()},
    **{f"hostile {name}": figure(Panel(marks=marks)) for name, marks in hostile_marks().items()},
    "histograms": histograms(3),
}


def assert_same(found: Any, expected: Any, *, loss: float = 1e-6) -> None:
    """Compare field by field; numbers up to what float32 loses, shapes and text exactly."""
    if isinstance(expected, np.ndarray):
        assert found.shape == expected.shape
        finite = np.isfinite(expected.astype(np.float64))
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected.astype(np.float64)))
        scale = np.abs(expected[finite]).max(initial=0.0)
        np.testing.assert_allclose(found[finite], expected[finite], rtol=1e-6, atol=loss * scale)
    elif is_dataclass(expected):
        assert type(found) is type(expected)
        for one in fields(expected):
            assert_same(getattr(found, one.name), getattr(expected, one.name), loss=loss)
    elif isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, two in zip(found, expected, strict=True):
            assert_same(one, two, loss=loss)
    else:
        assert found == expected


@pytest.mark.parametrize("name", list(EVERY))
def test_what_goes_in_comes_out(name: str) -> None:
    """Every mark, and every mark with hostile content; large pictures lose a little."""
    frame = unpack(pack(Frame(figure=EVERY[name], view="a view", parameters={"rate": 0.1, "on": True, "kind": "é"})))
    assert (frame.view, frame.parameters) == ("a view", {"rate": 0.1, "on": True, "kind": "é"})
    assert_same(frame.figure, EVERY[name], loss=1e-3 if "large" in name else 1e-6)


def test_large_pictures_are_half_as_large_and_small_ones_exact() -> None:
    """More than 16,384 cells are float16 scaled by the largest; tiny gradients do not vanish."""
    values = np.random.default_rng(0).standard_normal((200, 300)) * 1e-12
    content = pack(Frame(figure=figure(Panel(marks=(Heat(values=values, signed=True),)))))
    assert len(content) < 2 * values.size + 2000
    mark = unpack(content).figure.panels[0].marks[0]
    assert isinstance(mark, Heat)
    assert np.abs(mark.values - values).max() < np.abs(values).max() / 1500


def test_late_steps_do_not_fall_together() -> None:
    """Places that float32 cannot tell apart travel as whole numbers or as float64."""
    for x in (np.arange(1e8, 1e8 + 5), np.arange(1e8, 1e8 + 5) + 0.25):
        mark = unpack(pack(Frame(figure=figure(Panel(marks=(Lines(x=x, y=x),)))))).figure.panels[0].marks[0]
        assert isinstance(mark, Lines)
        np.testing.assert_array_equal(mark.x, x)


def test_arrays_stand_at_multiples_of_eight() -> None:
    """Typed arrays in the browser ask for it."""
    content = pack(Frame(figure=histograms(2)))
    magic, length = struct.unpack_from("<4sI", content)
    header = json.loads(content[8 : 8 + length])
    assert magic == b"PEL1"
    assert all(one["at"] % 8 == 0 for one in header["arrays"])
    assert len(content) % 8 == 0


def test_a_place_that_is_not_finite_is_refused() -> None:
    """JSON has no word for it."""
    with pytest.raises(InputError, match="not finite"):
        pack(Frame(figure=figure(Panel(marks=(Event(at=np.inf, text="never"),)))))


def _with_header(change: Any) -> bytes:
    content = pack(Frame(figure=figure(Panel(marks=(Bars(edges=np.arange(4.0), heights=np.ones(3)),), x=Axis()))))
    length = struct.unpack_from("<4sI", content)[1]
    header, data = json.loads(content[8 : 8 + length]), content[8 + length + -(8 + length) % 8 :]
    change(header)
    text = json.dumps(header).encode()
    start = struct.pack("<4sI", b"PEL1", len(text)) + text
    return start + bytes(-len(start) % 8) + data


def _array(**change: Any) -> Any:
    return lambda header: header["arrays"][0].update(change)


def _mark(**change: Any) -> Any:
    return lambda header: header["figure"]["panels"][0]["marks"][0].update(change)


DAMAGED = {
    "empty": (b"", "0 bytes are no frame"),
    "foreign": (b"\x89PNG\r\n\x1a\n" * 3, "they begin with"),
    "cut in the header": (pack(Frame(figure=histograms(1)))[:40], "cut off: its header"),
    "cut in the arrays": (pack(Frame(figure=histograms(1)))[:-200], "cut off: an array"),
    "no JSON": (struct.pack("<4sI", b"PEL1", 8) + b"{{{{{{{{", "not JSON"),
    "a list": (struct.pack("<4sI", b"PEL1", 2) + b"[]" + bytes(6), "version None"),
    "another version": (_with_header(lambda header: header.update(frame=9)), "version 9"),
    "unknown type": (_with_header(_array(dtype="f8x")), "type 'f8x'"),
    "negative shape": (_with_header(_array(shape=[-1])), "no such place"),
    "crooked place": (_with_header(_array(at=3)), "no such place"),
    "too large": (_with_header(_array(shape=[10**9])), "cut off: an array"),
    "unknown mark": (_with_header(_mark(kind="pie")), "mark 'pie'"),
    "unknown field": (_with_header(_mark(colour="red")), "damaged: TypeError"),
    "missing array": (_with_header(_mark(edges={"$": 7})), "names the array 7"),
    "unknown level": (_with_header(lambda header: header["figure"].update(level="doom")), "damaged: ValueError"),
    "no panels": (_with_header(lambda header: header["figure"].pop("panels")), "damaged: KeyError"),
}


@pytest.mark.parametrize("name", list(DAMAGED))
def test_damaged_frames_are_refused(name: str) -> None:
    """With what came and what was expected."""
    content, words = DAMAGED[name]
    with pytest.raises(FormatError, match=words):
        unpack(content)


@pytest.mark.parametrize("name", list(panels()))
def test_golden_frames_are_what_is_written_today(name: str) -> None:
    """The reader in the browser is tested on these files; `python -m tests.core.test_frame` writes them anew."""
    path = GOLDEN / f"{name.replace(' ', '-')}.bin"
    stored, written = path.read_bytes(), golden(name)
    assert len(stored) == len(written)
    assert_same(unpack(stored), unpack(written))  # not bit for bit: machines differ in the last digit of a cosine


def golden(name: str) -> bytes:
    """Return the frame of one mark."""
    return pack(Frame(figure=EVERY[name], view=name, parameters={"seed": 0, "rate": 0.5, "on": True, "kind": "é"}))


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for each in panels():
        (GOLDEN / f"{each.replace(' ', '-')}.bin").write_bytes(golden(each))
