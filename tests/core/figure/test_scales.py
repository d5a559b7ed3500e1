"""Axes: projection, frames, ticks, thinning."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pellucid.core.figure import Axis, Bars, Cloud, Event, Heat, Lines, Panel
from pellucid.core.figure.scales import (
    axis_title,
    frame_of,
    is_coarser,
    pool,
    project,
    round_step,
    shrunk,
    smoothed,
    span_of,
    thin,
    ticks,
    value_at,
)

SCALES = [Axis(), Axis(scale="log"), Axis(scale="symlog", threshold=0.01)]


@pytest.mark.parametrize("axis", SCALES, ids=lambda axis: axis.scale)
def test_projection_rises_and_comes_back(axis: Axis) -> None:
    """A larger value sits farther along, and the place gives the value back."""
    values = np.array([1e-9, 0.005, 0.01, 0.02, 1, 1e6])
    if axis.scale != "log":
        values = np.concatenate([-values[::-1], [0], values])
    places = project(axis, values)
    assert np.all(np.diff(places) > 0)
    np.testing.assert_allclose([value_at(axis, float(place)) for place in places], values, rtol=1e-9)


def test_an_axis_that_stands_alone() -> None:
    """It ends at its limits, its first and last name, or the values."""
    values = np.array([1.0, 100.0, np.nan])
    assert span_of(Axis(), values) == (1, 100)
    assert span_of(Axis(scale="log"), values) == (0, 2)
    assert span_of(Axis(limits=(0, 5)), values) == (0, 5)
    assert span_of(Axis(categories=("a", "b", "c")), np.ones(1)) == (0, 2)
    assert span_of(Axis(categories=("a",)), np.ones(1)) == (-0.5, 0.5)
    assert span_of(Axis(), np.array([np.nan])) == (0, 1)


def test_what_has_no_place() -> None:
    """Infinite values have no place, nor has 0 on a log axis."""
    assert np.isnan(project(Axis(scale="log"), np.array([0.0, -1.0, np.inf, np.nan]))).all()
    assert np.isnan(project(Axis(), np.array([np.inf, -np.inf]))).all()
    assert project(Axis(scale="symlog"), np.array(0.0)) == 0


def test_frames() -> None:
    """A frame shows all that is drawn: bars stand on 0, cells end at their edges, limits are seen."""
    bars = frame_of(Panel(marks=(Bars(edges=np.array([2, 3, 4]), heights=np.array([1, 5])),)))
    assert bars.x == (2, 4)
    assert bars.y[0] == 0
    assert bars.y[1] == pytest.approx(5.25)
    heat = frame_of(Panel(marks=(Heat(values=np.ones((2, 3))),)))
    assert (heat.x, heat.y, heat.flipped) == ((-0.5, 2.5), (-0.5, 1.5), True)
    limit = frame_of(Panel(marks=(Lines(x=np.arange(3), y=np.arange(3)), Event(at=9, text="", axis="y"))))
    assert limit.y[1] > 9
    cloud = frame_of(Panel(marks=(Cloud(points=np.array([[0.0, 0], [1, 1]])),)))
    assert cloud.x[0] == 0
    assert cloud.x[1] == pytest.approx(1.05)
    given_limits = frame_of(Panel(marks=(Lines(x=np.arange(3), y=np.arange(3)),), x=Axis(limits=(-5, 5))))
    assert given_limits.x == (-5, 5)
    assert frame_of(Panel()).empty


@pytest.mark.parametrize(
    ("axis", "span", "most", "labels"),
    [
        (Axis(), (0, 1), 5, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Axis(), (-0.0096, 0.0058), 3, ["−0.005", "0", "0.005"]),
        (Axis(), (0, 2000), 4, ["0", "500", "1,000", "1,500", "2,000"]),
        (Axis(), (0, 40000), 4, ["0", "10k", "20k", "30k", "40k"]),
        (Axis(), (-3e6, 3e6), 3, ["−2M", "0", "2M"]),
        (Axis(), (0, 2e-6), 2, ["0", "10⁻⁶", "2×10⁻⁶"]),
        (Axis(scale="log"), (-3, 2), 6, ["0.001", "0.01", "0.1", "1", "10", "100"]),
        (Axis(scale="log"), (-0.1, 0.8), 5, ["1", "2", "5"]),
        (Axis(scale="symlog", threshold=0.001), (-3, 3), 5, ["−0.1", "−0.001", "0", "0.001", "0.1"]),
        (Axis(categories=("a", "b", "c")), (-0.5, 2.5), 5, ["a", "b", "c"]),
        (Axis(categories=("a", "b", "c")), (-0.5, 2.5), 2, ["a", "c"]),
        (Axis(categories=()), (3, 3), 2, ["3"]),
    ],
)
def test_ticks(axis: Axis, span: tuple[float, float], most: int, labels: list[str]) -> None:
    """Ticks are round, named with as many decimals as they need, and no more than there is room for."""
    assert [label for _, label in ticks(axis, span, most)] == labels


@given(low=st.floats(-1e12, 1e12), width=st.floats(1e-9, 1e12), most=st.integers(2, 12))
def test_ticks_are_inside_and_few(low: float, width: float, most: int) -> None:
    """On any linear span the ticks rise, stay inside and are not too many."""
    span = (low, low + width)
    places = [place for place, _ in ticks(Axis(), span, most)]
    assert len(places) <= most + 1
    assert places == sorted(places)
    assert all(low - 0.01 * width <= place <= low + 1.01 * width for place in places)


def test_round_steps() -> None:
    """Steps are 1, 2 or 5 times a power of ten."""
    assert [round_step(least) for least in (0.9, 1.1, 2.5, 6, 0.0031)] == [1, 2, 5, 10, 0.005]


def test_axis_titles() -> None:
    """The unit stands behind the label; either may be missing."""
    assert axis_title(Axis(label="time", unit="s")) == "time (s)"
    assert axis_title(Axis(unit="s")) == "(s)"
    assert axis_title(Axis()) == ""


def test_thinning_keeps_what_can_be_seen() -> None:
    """A long curve keeps its ends, its peaks and its gaps, and few other points."""
    x = np.arange(100_000.0)
    y = np.sin(x / 3000)
    y[54_321] = 40
    y[20_000:30_000] = np.nan
    kept = thin(x, y, (0, 1e5), 300)
    assert len(kept) <= 4 * 302
    assert {0, 99_999, 54_321} <= set(kept.tolist())
    assert np.isnan(y[kept]).any()
    assert np.all(np.diff(kept) > 0)


def test_a_short_or_returning_curve_is_not_thinned() -> None:
    """Few points, or points that run back and forth, are all kept."""
    assert len(thin(np.arange(50), np.arange(50), (0, 50), 100)) == 50
    x = np.sin(np.arange(5000.0))
    assert len(thin(x, x, (-1, 1), 10)) == 5000


def test_pooling_keeps_peaks() -> None:
    """A single large value, of either sign, is still there in a matrix shrunk a hundredfold."""
    values = np.zeros((100, 100))
    values[3, 97], values[50, 50], values[99, 0] = 5, -7, np.nan
    small = pool(values, 10, 10)
    assert small.shape == (10, 10)
    assert (small.max(), small.min()) == (5, -7)
    assert not np.isnan(small).any()
    assert np.isnan(pool(np.full((4, 4), np.nan), 2, 2)).all()


SIZES = [((7, 7), (224, 224)), ((1, 3), (5, 4)), ((4, 6), (4, 6)), ((2, 5), (9, 7))]


@pytest.mark.parametrize(("cells", "pixels"), SIZES)
def test_smoothing_is_that_of_torch(cells: tuple[int, int], pixels: tuple[int, int]) -> None:
    """A class activation map lies over its picture as every other tool lays it."""
    values = np.random.default_rng(0).standard_normal(cells)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None, None], pixels, mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(smoothed(values, *pixels), expected[0, 0].numpy(), atol=1e-12)


def test_smoothing_leaves_gaps() -> None:
    """What borders on NaN is not made up."""
    fine = smoothed(np.array([[1.0, np.nan], [1.0, 1.0]]), 8, 8)
    assert np.isnan(fine[0, 7])
    assert fine[7, 0] == 1


def test_only_what_is_coarser_is_smoothed() -> None:
    """As many cells as pixels are pixels; more cells than pixels lose nothing."""
    picture = np.zeros((4, 6))
    assert is_coarser(Heat(values=np.zeros((2, 6)), under=picture))
    assert not is_coarser(Heat(values=np.zeros((4, 6)), under=picture))
    assert not is_coarser(Heat(values=np.zeros((2, 7)), under=picture))
    assert not is_coarser(Heat(values=np.zeros((2, 2))))


def test_a_picture_shrinks_to_means() -> None:
    """Blocks of almost the same size, with colours or without; a small one stays."""
    picture = np.arange(24.0).reshape(4, 6)
    np.testing.assert_array_equal(shrunk(picture, 2), [[4, 7], [16, 19]])
    np.testing.assert_array_equal(shrunk(np.stack([picture] * 3, -1), 2)[..., 1], [[4, 7], [16, 19]])
    np.testing.assert_array_equal(shrunk(picture, 6), picture)
    assert shrunk(np.ones((700, 500)), 300).shape == (300, 300)
