"""Figures and findings in characters. `PELLUCID_REFRESH_GOLDENS=1 pytest tests/core/figure` writes the goldens anew."""

import os
from pathlib import Path

import numpy as np
import pytest

from pellucid.core.errors import InputError
from pellucid.core.figure import Axis, Bars, Cloud, Figure, Heat, Lines, Panel
from pellucid.core.figure.text import figure_text, findings_text
from pellucid.core.figure.words import cells
from pellucid.core.finding import Finding, Level
from tests.core.figure.pictures import NASTY, figure, histograms, hostile_axes, hostile_marks, panels

GOLDENS = Path(__file__).parent / "goldens"
REFRESH = os.environ.get("PELLUCID_REFRESH_GOLDENS") == "1"


def matches(text: str, name: str) -> None:
    """Hold that the text is that of the golden file."""
    path = GOLDENS / f"{name.replace(' ', '_')}.txt"
    if REFRESH:
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


def widest(text: str) -> int:
    """Return the columns of the widest line."""
    return max(cells(line) for line in text.split("\n"))


@pytest.mark.parametrize("name", panels())
def test_marks(name: str) -> None:
    """Every mark is drawn as its golden shows."""
    matches(figure_text(figure(panels()[name], verdict="ok: 3 checks passed", caveat="Local."), 60), name)


def test_many_panels() -> None:
    """Panels stand side by side where there is room, with title, verdict and caveat around them."""
    matches(figure_text(histograms(5), 100), "histograms")


@pytest.mark.parametrize("width", [20, 33, 120])
@pytest.mark.parametrize("name", hostile_marks())
def test_never_wider_than_asked_for(name: str, width: int) -> None:
    """Whatever the marks, no line is wider than the width, steers the terminal or ends with spaces."""
    marks = hostile_marks()[name]
    for axis in hostile_axes(marks).values():
        panel = Panel(title=NASTY, note=NASTY, marks=marks, x=axis, y=axis, level=Level.WARN)
        text = figure_text(Figure(title=NASTY, panels=(panel, panel), columns=2, verdict=NASTY, caveat=NASTY), width)
        assert widest(text) <= width
        assert "\x1b" not in text
        assert "\x00" not in text
        assert all(line == line.rstrip() for line in text.split("\n"))


def test_too_narrow() -> None:
    """A width in which nothing can be drawn is refused."""
    with pytest.raises(InputError) as caught:
        figure_text(histograms(1), 19)
    assert str(caught.value) == "Width 19 is too narrow for a figure; give at least 20 columns."


def test_no_panels() -> None:
    """A figure without panels says so."""
    assert figure_text(Figure(title="T", panels=()), 40) == "T\n═\n\n(nothing to show)"


def test_axes_name_their_ends_and_units() -> None:
    """The two ends of the axes, their labels and units are in the text."""
    text = figure_text(figure(panels()["curves"]), 80)
    for words in ("cross-entropy (nats)", "step", " 0 ", "59", "▲ spike", "✖ second spike", "1 nats guessing"):
        assert words in text


def test_bars_taller_than_the_axis_are_marked() -> None:
    """A bar that the limits of the axis cut off ends in an arrow."""
    from dataclasses import replace

    panel = replace(panels()["bars"], y=Axis(limits=(0, 3)))
    assert "↑" in figure_text(figure(panel), 40)


def findings() -> list[Finding]:
    """Return findings of every level, one with others below it."""
    dead = Finding(
        code="ACT001",
        title="Dying ReLU",
        level=Level.ALARM,
        message="128 of 512 units are zero on every one of 512 samples (25 %, limit 10 %).",
        where="blocks.5.mlp.activation",
        step=1200,
        cause="A large negative bias, most often after a too large step.",
        next_step="Lower the learning rate, or use GELU.",
    )
    again = Finding(code="ACT001", title="Dying ReLU", level=Level.WARN, message="12 %.", where="blocks.6", step=1300)
    follows = Finding(
        code="GRA002", title="Vanishing gradient", level=Level.WARN, message="1e-9 of the last layer.", cause="c"
    )
    deeper = follows.fold(Finding(code="LOS001", title="Plateau", level=Level.WARN, message="flat."))
    look = Finding(code="WEI003", title="Duplicate filters", level=Level.LOOK, message="filters 3 and 7 agree.")
    ok = [Finding(code=f"OKA00{n}", title=f"Check {n}", level=Level.OK, message="fine") for n in range(3)]
    missing = Finding(code="CUR001", title="Curvature", level=Level.NOT_MEASURED, message="no batches")
    return [dead.fold(again, deeper), look, missing, *ok]


@pytest.mark.parametrize(
    ("heights", "lines"),
    [
        ((2.0, 1.0), ["a ████████████████ 2", "b ████████         1"]),
        ((2.0, -1.0), ["a      │█████████  2", "b  ████│          −1"]),
        ((-2.0, -1.0), ["a ██████████████│ −2", "b        ███████│ −1"]),
        ((0.0, float("nan")), ["a                  0", "b                NaN"]),
    ],
)
def test_named_bars_lie_on_the_side_of_their_sign(heights: tuple[float, float], lines: list[str]) -> None:
    """A sign in front of a number is easily overlooked."""
    bars = Bars(edges=np.arange(3) - 0.5, heights=np.array(heights))
    panel = Panel(marks=(bars,), x=Axis(categories=("a", "b")))
    text = figure_text(Figure(title="t", panels=(panel,)), 20)
    assert [line.rstrip() for line in text.splitlines()[-2:]] == lines


def test_a_picture_under_no_value_is_seen_itself() -> None:
    """Brightness stands where every value is NaN, from the first edge to the last, and no "?"."""
    grey = np.array([[0.0, 1.0], [0.5, 0.0]])
    bare = np.full((2, 2), np.nan)
    for picture in (grey, np.repeat(grey[..., None], 3, axis=-1)):
        text = figure_text(figure(Panel(marks=(Heat(values=bare, under=picture, opacity=0.0),))), 30)
        assert "?" not in text
        assert "│        ████████\n" in text
        assert "│▒▒▒▒▒▒▒▒\n" in text
        assert "brightness: 0 [ ░▒▓█] 1" in text
    known = Heat(values=np.array([[1.0, np.nan]]), under=grey)
    assert "?" in figure_text(figure(Panel(marks=(known,))), 30)


def test_names_of_several_rows_each_stand_beside_their_middle() -> None:
    """Two names over six rows."""
    heat = Heat(values=np.zeros((6, 2)), y=np.linspace(-0.5, 1.5, 7))
    lines = figure_text(figure(Panel(marks=(heat,), y=Axis(categories=("14", "3")))), 30).split("\n")
    assert [line.split("│")[0].strip() for line in lines if "│" in line] == ["", "14", "", "", "3", ""]


def test_letters_of_points_stand_over_lines() -> None:
    """The ends of a line that are points of named groups are their letters."""
    ends = np.array([[0.0, 0.0], [1.0, 1.0]])
    cloud = Cloud(points=ends, group=np.arange(2), names=("man", "woman"))
    text = figure_text(figure(Panel(marks=(Lines(x=ends[:, 0], y=ends[:, 1]), cloud))), 40)
    drawn = [line.replace("┤", "│").split("│")[1] for line in text.split("\n") if "│" in line or "┤" in line]
    assert [one for one in "".join(drawn) if one in "ab"] == ["b", "a"]


def test_findings() -> None:
    """Findings read as a list: level, title, place, step, message, cause, next step; what follows is indented."""
    matches(findings_text(findings()), "findings")


@pytest.mark.parametrize("width", [20, 40, 200])
def test_findings_keep_the_width(width: int) -> None:
    """Also deeply folded findings with nasty names keep the width."""
    deep = Finding(code="A", title=NASTY, level=Level.WARN, message=NASTY, where=NASTY, cause=NASTY)
    for place in range(30):
        deep = Finding(code=f"B{place}", title=NASTY, level=Level.WARN, message=NASTY).fold(deep)
    text = findings_text([deep, *findings()], width)
    assert widest(text) <= width
    assert "\x1b" not in text


def test_no_findings() -> None:
    """Silence is not a pass."""
    assert findings_text([]) == "– not-measured: no rule judges this."
