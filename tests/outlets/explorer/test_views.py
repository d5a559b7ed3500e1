"""Curves of one run and of several, settings beside how they ended, and what has to be sent of a picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pellucid.core.errors import InputError
from pellucid.core.figure import Axis, Event, Figure, Heat, Lines, Panel, Parallel
from pellucid.core.finding import Level
from pellucid.core.frame import Frame, pack
from pellucid.core.stored import arrays_of
from pellucid.outlets.explorer.growth import grown
from pellucid.outlets.explorer.live import LiveRun
from pellucid.outlets.explorer.views import MOST_CURVES, curves, overlaid, parallel, telling
from tests.core.figure.pictures import figure as framed
from tests.core.figure.pictures import panels
from tests.outlets.explorer.serving import write_run


def runs(folder: Path, count: int) -> tuple[LiveRun, ...]:
    """Some runs, each with another learning rate and optimizer."""
    made: list[LiveRun] = []
    for place in range(count):
        path = folder / f"run{place}"
        optimizer = ("SGD", "Adam")[place % 2]
        writer = write_run(
            path,
            loss=1.0 + place,
            lr=10.0**-place,
            optimizer=optimizer,
            options={"width": 8, "drop": place / 10},
            status=None,
        )
        writer.scalars((step, "accuracy", 0.5 + place / 100) for step in range(5))
        writer.close("finished")
        run = LiveRun(path, f"run{place}")
        run.refresh()
        made.append(run)
    return tuple(made)


def figure(*marks: Lines | Event | Heat, **words: str) -> Figure:
    """A figure of one panel."""
    return Figure(title="f", panels=(Panel(marks=marks, x=Axis(label="step")),), **words)


def line(count: int, **looks: str) -> Lines:
    """The first points of a curve."""
    y = np.sin(np.arange(count, dtype=np.float64))
    y[2:3] = np.nan
    return Lines(x=np.arange(count), y=y, **looks)  # type: ignore[arg-type]


def test_curves_of_a_run(tmp_path: Path) -> None:
    """The loss has a row of its own, train and validation share a panel, and unknown scalars get their own."""
    writer = write_run(tmp_path / "one", steps=40, loss=100.0, status=None)
    writer.scalars((step, name, 0.5) for step in range(3) for name in ("val_loss", "zeta", "accuracy"))
    writer.close("finished")
    run = LiveRun(tmp_path / "one", "one")
    run.refresh()
    drawn = curves.bind(run=run)()
    assert [panel.title for panel in drawn.panels] == ["Loss", "Accuracy", "zeta"]
    assert [mark.label for mark in drawn.panels[0].marks if isinstance(mark, Lines)] == ["training", "validation"]
    assert (drawn.panels[0].wide, drawn.panels[0].y.scale) == (True, "log")
    assert drawn.alt == "4 scalars over the steps, 40 steps so far. The last loss is 2.5."
    assert drawn.verdict == ""
    judged = run.findings()
    drawn = curves.bind(run=run)()
    assert (drawn.verdict, drawn.level) == (judged.headline, Level.ALARM)
    assert [mark.text for mark in drawn.panels[0].marks if isinstance(mark, Event)] == ["dying relu"]


def test_long_curves_are_thinned_alike_while_they_grow() -> None:
    """What is shown of a curve stays the beginning of what is shown later, until it is twice as long."""
    from pellucid.outlets.explorer.views import _line
    from pellucid.windows.loss.result import Curve

    def points(count: int) -> np.ndarray:
        whole = Curve(steps=np.arange(count), values=np.arange(count, dtype=np.float64))
        return _line(whole, label="", tone="accent", style="solid").x

    assert len(points(20_000)) == 20_000
    assert len(points(20_001)) == 10_001
    assert np.array_equal(points(30_000), points(40_000)[:15_000])


def test_runs_on_top_of_each_other(tmp_path: Path) -> None:
    """Each with its name, no two alike, and what cannot be told apart is left out with a word."""
    several = runs(tmp_path, MOST_CURVES + 1)
    drawn = overlaid.bind(runs=several).frame({"scalar": "loss"}).figure
    lines = [mark for mark in drawn.panels[0].marks if isinstance(mark, Lines)]
    assert len({(one.tone, one.style) for one in lines}) == len(lines) == MOST_CURVES
    assert drawn.caveat == "The first 12 of 13 runs are drawn: more lines cannot be told apart."
    assert drawn.panels[0].note == "Lowest at the end: run0 with 0.2; highest: run12 with 2.6."
    (scalar,) = overlaid.bind(runs=several).controls()
    assert scalar.options == ("loss", "accuracy")  # type: ignore[union-attr]
    with pytest.raises(InputError):
        overlaid.bind(runs=several).frame({"scalar": 3})


def test_settings_and_how_they_ended(tmp_path: Path) -> None:
    """Only what differs has an axis; numbers by value, words by name; the last loss colours the lines."""
    drawn = parallel.bind(runs=runs(tmp_path, 4)).frame({}).figure
    (mark,) = drawn.panels[0].marks
    assert isinstance(mark, Parallel)
    labels = ["lr", "optimizer", "options.drop", "last training loss", "last training accuracy"]
    assert [axis.label for axis in mark.axes] == labels
    assert mark.label == "last training loss"
    assert mark.axes[0].scale == "log"
    assert mark.axes[1].categories == ("SGD", "Adam")
    assert mark.rows[:, 1].tolist() == [0, 1, 0, 1]
    assert mark.value is not None
    np.testing.assert_allclose(mark.value, [0.2, 0.4, 0.6, 0.8])
    assert drawn.panels[0].note == "3 settings differ between 4 runs"
    pack(Frame(figure=drawn))


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ("Sequential, 8,970 parameters, ab", "Sequential, 13,706 parameters, cd"),
            ("8,970 parameters", "13,706 parameters"),
        ),
        (("Net, 8,970 parameters", "Sequential, 8,970 parameters"), ("Net", "Sequential")),
        (("A, 1, x", "A, 2, x", "B, 1, x"), ("A, 1, x", "A, 2, x", "B, 1, x")),
        (("SGD", "SGD, nesterov"), ("SGD", "SGD, nesterov")),
    ],
)
def test_names_of_categories_tell_them_apart(names: tuple[str, ...], told: tuple[str, ...]) -> None:
    """Of names in parts the first part that differs in all of them, else the whole."""
    assert telling(names) == told


def test_what_was_added_to_curves() -> None:
    """New points only, events and words as they are now; NaN equals NaN."""
    event = Event(at=3.0, text="dying", level=Level.ALARM)
    found = grown(figure(line(5)), figure(line(8), event, verdict="worse"))
    assert found is not None
    added, points = found
    mark, kept = added.panels[0].marks
    assert isinstance(mark, Lines)
    assert (mark.x.tolist(), points, kept, added.verdict) == ([5, 6, 7], 3, event, "worse")


@pytest.mark.parametrize(
    "now",
    [
        figure(line(4)),
        figure(line(8), line(8)),
        figure(line(8, label="another")),
        figure(line(8, tone="warn")),
        figure(replace(line(8), y=np.zeros(8))),
        figure(replace(line(8), low=np.zeros(8), high=np.ones(8))),
        figure(Heat(values=np.zeros((2, 2)))),
        Figure(title="f", panels=()),
    ],
)
def test_what_has_to_be_sent_whole(now: Figure) -> None:
    """Whatever is no longer curve behind the same points."""
    assert grown(figure(line(5)), now) is None


@pytest.mark.parametrize("name", list(panels()))
def test_arrays_are_counted_as_the_frame_counts_them(name: str) -> None:
    """An exact number is asked for by the place of its array in the frame."""
    import json
    import struct

    content = pack(Frame(figure=framed(panels()[name])))
    (length,) = struct.unpack_from("<I", content, 4)
    listed = json.loads(content[8 : 8 + length])["arrays"]
    assert [list(one.shape) for one in arrays_of(framed(panels()[name]))] == [one["shape"] for one in listed]
