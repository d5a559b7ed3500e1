"""Pictures that do not fit: what is given up, in which order, and that it is told."""

import numpy as np
import pytest

from pellucid.core.figure import Figure, Heat, Lines, Panel
from pellucid.core.figure.live.thinning import thinned
from pellucid.core.frame import Frame
from pellucid.outlets.report.fitting import MOST_POINTS, fitting


def test_what_fits_is_left_alone() -> None:
    """No note, every value."""
    content, note = fitting([Frame(figure=Figure(title="", panels=()))], 10_000)
    assert content
    assert note == ""


@pytest.mark.parametrize(
    ("room", "note"),
    [
        (700_000, ""),
        (400_000, "The colours are rounded to one part in 2,000, to save space."),
        (150_000, "The colours are rounded to 256 steps, to save space."),
    ],
)
def test_colours_are_rounded_as_little_as_is_needed(room: int, note: str) -> None:
    """A small picture of noise: exact, then two bytes a cell, then one."""
    values = np.random.default_rng(0).standard_normal((8, 120, 120)).astype(np.float32)
    panels = tuple(Panel(marks=(Heat(values=one),)) for one in values)
    content, said = fitting([Frame(figure=Figure(title="", panels=panels))], room)
    assert len(content) <= room
    assert said == note


def test_long_curves_keep_their_peaks() -> None:
    """Lowest and highest of each stretch, the ends, gaps; short curves are not touched."""
    x = np.arange(200_000.0)
    y = np.random.default_rng(0).standard_normal(200_000)
    y[77_777], y[123_456], y[150_000:160_000] = 50.0, -60.0, np.nan
    short = Lines(x=x[:10], y=y[:10])
    figure = Figure(title="", panels=(Panel(marks=(Lines(x=x, y=y, low=y - 1, high=y + 1), short)),))
    one, other = thinned(figure, MOST_POINTS).panels[0].marks
    assert isinstance(one, Lines)
    assert other is short
    assert MOST_POINTS / 2 < len(one.x) <= MOST_POINTS
    assert {0.0, 77_777.0, 123_456.0, 199_999.0} <= set(one.x.tolist())
    assert np.isnan(one.y).any()
    assert one.low is not None
    np.testing.assert_array_equal(one.low, one.y - 1)
    assert (np.diff(one.x) > 0).all()
    content, note = fitting([Frame(figure=figure)], 300_000)
    assert len(content) < 300_000
    assert note == "Of each stretch of a long curve the lowest and the highest point are kept, 6,000 in all."
