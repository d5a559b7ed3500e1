"""Long curves in a notebook: the cell stays small, no peak is lost, and the caveat says so."""

import numpy as np
import pytest

from pellucid.core.figure import Figure, Lines, Panel
from pellucid.core.figure.live import carrying, notebook_html
from pellucid.core.figure.live.thinning import MOST_EMBEDDED, embedded, thinned
from pellucid.core.frame import Frame

SENTENCE = "Of each stretch of a long curve the lowest and the highest point are kept, 20,000 in all."


def noise(points: int, curves: int = 1, caveat: str = "") -> Figure:
    """Draw noise, each curve with one peak."""
    y = np.random.default_rng(0).standard_normal(points)
    y[points // 3] = 50.0
    marks = tuple(Lines(x=np.arange(float(points)), y=y + place, label=str(place)) for place in range(curves))
    return Figure(title="Noise", panels=(Panel(marks=marks),), caveat=caveat)


def points_of(figure: Figure) -> list[int]:
    """Count the points of each curve."""
    return [len(mark.y) for panel in figure.panels for mark in panel.marks if isinstance(mark, Lines)]


@pytest.mark.parametrize(
    ("caveat", "told"),
    [("", SENTENCE), ("Only one", f"Only one. {SENTENCE}"), ("Only one.", f"Only one. {SENTENCE}")],
)
def test_a_long_curve_is_thinned_and_told(caveat: str, told: str) -> None:
    """Every peak stays."""
    found = embedded(noise(300_000, caveat=caveat))
    (mark,) = found.panels[0].marks
    assert isinstance(mark, Lines)
    assert MOST_EMBEDDED / 2 < len(mark.y) <= MOST_EMBEDDED
    assert mark.x[np.argmax(mark.y)] == 100_000
    assert found.caveat == told


def test_what_is_short_is_the_same_figure() -> None:
    """Nothing is copied, nothing is told."""
    figure = noise(MOST_EMBEDDED)
    assert embedded(figure) is figure
    assert thinned(figure, MOST_EMBEDDED) is figure


def test_many_long_curves_share_what_there_is() -> None:
    """A hundred curves of 20,000 points would be as long as one of two million."""
    found = embedded(noise(20_000, curves=100))
    assert max(points_of(found)) <= 4_000
    assert "4,000 in all" in found.caveat


def test_a_cell_of_a_notebook_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million points would be 12 MB."""
    monkeypatch.setattr(carrying, "script", lambda: "")
    carrying._code.cache_clear()
    html = notebook_html([Frame(figure=noise(1_000_000))])
    carrying._code.cache_clear()
    assert len(html) < 500_000
