"""Frames: what goes in comes out, also at the edges, and what is damaged is refused with words."""

import json
import struct
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.core.controls import Control, Pad, Select, Several, Slider, Toggle
from pellucid.core.errors import FormatError, InputError
from pellucid.core.figure import Axis, Bars, Event, Figure, Heat, Lines, Panel, Surface
from pellucid.core.frame import Frame, Parameter, pack, pack_book, unpack, unpack_book
from tests.core.figure.pictures import figure, histograms, hostile_marks, panels

GOLDEN = Path(__file__).parents[1] / "web" / "golden"
EVERY: dict[str, Figure] = {
    **{name: figure(panel) for name, panel in panels().items()},
    **{f"hostile {name}": figure(Panel(marks=marks)) for name, marks in hostile_marks().items()},
    "histograms": histograms(3),
}

CONTROLS: tuple[Control, ...] = (
    Slider(name="rate", label="Rate", help="Size of a step.", min=0.01, max=1.0, step=0.01, log=True, value=0.5),
    Slider(name="step", label="Step", min=0, max=9, step=1, value=3, stops=(0, 3, 9), whole=True),
    Slider(name="start", label="Start", min=-2.0, max=2.0, step=0.02, unit="m", value=0.0, picks="x"),
    Select(name="kind", label="Kind", options=("é", "<b>"), value="é"),
    Several(name="ways", label="Ways", options=("SGD", "Adam"), value=("Adam",)),
    Toggle(name="on", label="On", value=True),
    Pad(name="ink", label="Ink", rows=2, columns=3, value="00f3a0"),
)
VALUES: dict[str, Parameter] = {one.name: one.value for one in CONTROLS}


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
            steps = 1 / 500 if one.name == "under" else loss  # a picture that is only looked at has 256 steps
            assert_same(getattr(found, one.name), getattr(expected, one.name), loss=steps)
    elif isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, two in zip(found, expected, strict=True):
            assert_same(one, two, loss=loss)
    else:
        assert found == expected


def golden(name: str) -> bytes:
    """Return the frame of one mark."""
    return pack(Frame(figure=EVERY[name], view=name, parameters={"seed": 0, "rate": 0.5, "on": True, "kind": "é"}))


def golden_book() -> bytes:
    """Return a frozen grid: a bar a step."""
    frames: list[bytes] = []
    for step in (3, 0, 9):
        slider = Slider(name="step", label="Step", min=0, max=9, step=1, value=step, stops=(0, 3, 9), whole=True)
        bars = Bars(edges=np.arange(4.0), heights=np.arange(3.0) + step)
        shown = figure(Panel(title=f"step {step}", marks=(bars,)))
        frames.append(pack(Frame(figure=shown, view="steps", parameters={"step": step}, controls=(slider,))))
    return pack_book(frames)


def golden_append() -> bytes:
    """Return what is added to the curves of "curves"."""
    x = np.arange(60.0, 63.0)
    lines = (
        Lines(x=x, y=x * 0 + 0.2, low=x * 0 + 0.1, high=x * 0 + 0.3, label="training"),
        Lines(x=x[:0], y=x[:0], label="validation", tone="second", style="dashed", dots=True),
    )
    shown = replace(EVERY["curves"].panels[0], marks=(*lines, *EVERY["curves"].panels[0].marks[2:]), note="3 more")
    return pack(Frame(figure=figure(shown), view="curves", append=True))


GOLDENS: dict[str, Callable[[], bytes]] = {
    **{name.replace(" ", "-"): partial(golden, name) for name in panels()},
    "book": golden_book,
    "append": golden_append,
    "controls": lambda: pack(Frame(figure=EVERY["heat"], view="heat", parameters=VALUES, controls=CONTROLS)),
    "quantised": lambda: pack(Frame(figure=EVERY["signed heat"], view="heat"), pictures="uint8"),
}


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


def test_controls_and_lists_come_back() -> None:
    """Every kind of control, a parameter that is a list, and that a frame only adds points."""
    frame = unpack(pack(Frame(figure=histograms(1), view="v", parameters=VALUES, controls=CONTROLS, append=True)))
    assert frame.controls == CONTROLS
    assert frame.parameters == VALUES
    assert frame.append
    content = pack(Frame(figure=histograms(1), controls=CONTROLS))
    header = json.loads(content[8 : 8 + struct.unpack_from("<4sI", content)[1]])
    assert [one["kind"] for one in header["controls"]] == [
        "range",
        "range",
        "range",
        "choice",
        "several",
        "toggle",
        "sketch",
    ]


@pytest.mark.parametrize(("pictures", "cell", "loss"), [("float16", 2, 1 / 1500), ("uint8", 1, 1 / 250)])
def test_pictures_are_quantised_when_it_is_asked_for(pictures: Any, cell: int, loss: float) -> None:
    """Also small ones; nothing else is, and what holds NaN stays float16."""
    values = np.random.default_rng(0).standard_normal((50, 60)) * 1e-12 + 3e-12
    line = np.random.default_rng(0).standard_normal(100)
    frame = Frame(figure=figure(Panel(marks=(Heat(values=values), Lines(x=line, y=line)))))
    content = pack(frame, pictures=pictures)
    assert len(content) < cell * values.size + 1000 + 2 * 4 * line.size
    heat, lines = unpack(content).figure.panels[0].marks
    assert isinstance(heat, Heat)
    assert isinstance(lines, Lines)
    assert np.abs(heat.values - values).max() < np.ptp(values) * loss * 2
    np.testing.assert_allclose(lines.y, line, rtol=1e-6)
    values[0, 0] = np.nan
    heat = unpack(pack(frame, pictures=pictures)).figure.panels[0].marks[0]
    assert isinstance(heat, Heat)
    assert np.isnan(heat.values[0, 0])


def test_a_book_holds_frames() -> None:
    """In their order, each as it was; padding between them is not part of them."""
    frames = [pack(Frame(figure=histograms(count), view=str(count))) for count in (1, 2, 3)]
    content = pack_book([*frames[:2], frames[2] + b"\0" * 3])
    assert content[:4] == b"PELB"
    assert len(content) % 8 == 0
    book = unpack_book(content)
    assert [one.view for one in book] == ["1", "2", "3"]
    assert_same(book[2].figure, histograms(3))


def test_books_that_are_none_are_refused() -> None:
    """With what came and what was expected."""
    with pytest.raises(InputError, match=r"^A book needs at least one frame, got none\.$"):
        pack_book([])
    frame = pack(Frame(figure=histograms(1)))
    with pytest.raises(FormatError, match=r"^These bytes are no book: they begin with b'PEL1', expected b'PELB'\.$"):
        unpack_book(frame)
    with pytest.raises(FormatError, match=r"^This book is cut off: 0 frames in 8 bytes\.$"):
        unpack_book(b"PELB" + bytes(4))
    with pytest.raises(FormatError, match=r"^This book is cut off: a frame ends at byte [\d,]+ of [\d,]+\.$"):
        unpack_book(pack_book([frame, frame])[:-64])


@pytest.mark.parametrize("name", list(GOLDENS))
def test_golden_frames_are_what_is_written_today(name: str) -> None:
    """The reader in the browser is tested on these files; `python -m tests.core.test_frame` writes them anew."""
    stored, written = (GOLDEN / f"{name}.bin").read_bytes(), GOLDENS[name]()
    assert len(stored) == len(written)
    read = unpack_book if name == "book" else unpack
    assert_same(read(stored), read(written))  # not bit for bit: machines differ in the last digit of a cosine


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for each, written in GOLDENS.items():
        (GOLDEN / f"{each}.bin").write_bytes(written())


def test_a_large_picture_of_values_close_together_keeps_them_apart() -> None:
    """Float16 would leave a handful of heights of a surface between 2.302 and 2.306."""
    z = np.linspace(2.302, 2.306, 150 * 150).reshape(150, 150)
    side = np.arange(150.0)
    figure = Figure(title="flat", panels=(Panel(marks=(Surface(x=side, y=side, z=z),)),))
    mark = unpack(pack(Frame(figure=figure))).figure.panels[0].marks[0]
    assert isinstance(mark, Surface)
    np.testing.assert_allclose(mark.z, z, atol=1e-6)
