"""Arrays in a frame: each once, and as many of them as the server counts."""

import json
import struct

import numpy as np
import pytest

from pellucid.core.figure import Figure, Heat, Lines, Panel
from pellucid.core.frame import Frame, pack, unpack
from pellucid.core.stored import arrays_of
from tests.core.figure.pictures import figure, hostile_marks, panels


def listed(content: bytes) -> list[dict[str, object]]:
    """The directory of the arrays of a frame."""
    return json.loads(content[8 : 8 + struct.unpack_from("<4sI", content)[1]])["arrays"]


def test_a_picture_under_several_maps_is_stored_once() -> None:
    """In 256 steps, which is all that is seen of it, while the maps keep their values."""
    picture = np.random.default_rng(0).random((64, 64, 3))
    maps = [np.random.default_rng(seed).standard_normal((64, 64)) for seed in range(3)]
    shown = figure(Panel(marks=tuple(Heat(values=one, under=picture) for one in maps)))
    entries = listed(pack(Frame(figure=shown)))
    assert [one["dtype"] for one in entries] == ["f32", "u8", "f32", "f32"]
    for mark in unpack(pack(Frame(figure=shown))).figure.panels[0].marks:
        assert isinstance(mark, Heat)
        assert mark.under is not None
        assert np.abs(mark.under - picture).max() <= 0.51 / 255


def test_curves_over_the_same_steps_share_them() -> None:
    """And equal arrays that are not the same one stay two."""
    steps = np.arange(50.0)
    curves = tuple(Lines(x=steps, y=steps + one) for one in range(4))
    assert len(listed(pack(Frame(figure=figure(Panel(marks=curves)))))) == 5
    twice = (*curves, Lines(x=steps.copy(), y=curves[0].y))
    assert len(listed(pack(Frame(figure=figure(Panel(marks=twice)))))) == 6


EVERY = {name: figure(panel) for name, panel in panels().items()} | {
    name: figure(Panel(marks=marks)) for name, marks in hostile_marks().items()
}


@pytest.mark.parametrize("name", list(EVERY))
def test_the_server_counts_as_the_frame_does(name: str) -> None:
    """A reader asks for an exact value by the number of its array."""
    shapes = [list(one.shape) for one in arrays_of(EVERY[name])]
    assert shapes == [one["shape"] for one in listed(pack(Frame(figure=EVERY[name])))]


def test_an_array_that_is_both_read_and_looked_at_is_stored_for_each() -> None:
    """What is read keeps its digits though the picture of it is rounded."""
    values = np.random.default_rng(0).random((20, 20))
    shown = Figure(title="both", panels=(Panel(marks=(Heat(values=values, under=values),)),))
    mark = unpack(pack(Frame(figure=shown))).figure.panels[0].marks[0]
    assert isinstance(mark, Heat)
    np.testing.assert_allclose(mark.values, values, rtol=1e-6)
    assert [one["dtype"] for one in listed(pack(Frame(figure=shown)))] == ["f32", "u8"]
