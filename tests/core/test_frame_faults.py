"""Frames of odd figures: a browser can read each, or the error says where."""

import json
import struct
from typing import Any

import numpy as np
import pytest

from pellucid.core.errors import InputError
from pellucid.core.figure import Axis, Event, Figure, Lines, Panel, Parallel, Table
from pellucid.core.figure.live import notebook_html
from pellucid.core.frame import Frame, pack, unpack

X = np.arange(3.0)
HALF = "a\ud800b"


def test_half_a_character_is_written_as_a_question_mark() -> None:
    """A browser refuses a header that is no UTF-8."""
    marks = (Lines(x=X, y=X, label=HALF), Table(columns=(HALF,), rows=((HALF,),)), Event(at=1, text=HALF))
    panel = Panel(title=HALF, note=HALF, marks=marks, x=Axis(label=HALF, categories=(HALF,)))
    figure = Figure(title=HALF, panels=(panel,), verdict=HALF, caveat=HALF, alt=HALF)
    content = pack(Frame(figure=figure, view=HALF, parameters={"kind": HALF}))
    header = content[8 : 8 + struct.unpack_from("<4sI", content)[1]]
    assert json.loads(header.decode("utf-8"))["parameters"] == {"kind": "a?b"}
    assert unpack(content).figure.panels[0].title == "a?b"
    assert notebook_html([Frame(figure=figure)]).encode("utf-8")
    assert figure.text().encode("utf-8")


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_whole_numbers_beyond_2_to_the_53_are_the_nearest_floats(dtype: Any) -> None:
    """A browser has no other numbers."""
    values = np.array([2**53 - 1, 2**53 + 1, 2**62 + 1], dtype=dtype)
    mark = unpack(pack(Frame(figure=Figure(title="", panels=(Panel(marks=(Lines(x=values, y=X),)),))))).figure
    (found,) = mark.panels[0].marks
    assert isinstance(found, Lines)
    np.testing.assert_array_equal(found.x, values.astype(np.float64))


@pytest.mark.parametrize(
    ("panel", "where"),
    [
        (Panel(title="p", marks=(Event(at=np.inf, text="e"),)), "the place of the event 'e' of the panel 'p'"),
        (Panel(title="p", x=Axis(label="l", limits=(0, np.nan))), "limits of the axis 'l' of the panel 'p'"),
        (Panel(title="p", y=Axis(label="l", threshold=np.inf)), "threshold of the axis 'l' of the panel 'p'"),
        (
            Panel(title="p", marks=(Parallel(axes=(Axis(label="l", limits=(0, np.inf)),), rows=np.zeros((1, 1))),)),
            "limits of the axis 'l' of the panel 'p'",
        ),
    ],
)
def test_a_place_that_is_not_finite_is_named(panel: Panel, where: str) -> None:
    """JSON has no word for it."""
    with pytest.raises(InputError) as caught:
        pack(Frame(figure=Figure(title="t", panels=(panel,))))
    words = f"The figure 't' has {where} that is not finite. Leave the mark out, or give finite numbers."
    assert str(caught.value) == words
