"""Histograms of many steps on axes that do not move."""

from dataclasses import replace

import numpy as np

from pellucid.core.figure import Axis, Bars, Figure, Panel
from pellucid.outlets.steady_axes import held, steady_axes


def picture(low: float, high: float, *heights: float, scale: str = "linear", threshold: float = 1.0) -> Figure:
    """A histogram of one tensor."""
    bars = Bars(edges=np.linspace(low, high, len(heights) + 1), heights=np.array(heights))
    axis = Axis(label="weight", scale=scale, threshold=threshold)  # pyright: ignore[reportArgumentType]
    return Figure(title="f", panels=(Panel(title="layer", marks=(bars,), x=axis),))


def test_axes_hold_every_step() -> None:
    """From the lowest to the highest value of all steps, and as high as the tallest bar with some room."""
    steps = [picture(-1.5, 1, 0.5, 0.5), picture(-1, 3, 0.2, 0.8)]
    axes = steady_axes(steps)
    shown = [held(one, axes).panels[0] for one in steps]
    assert [one.x.limits for one in shown] == [(-1.5, 3.0)] * 2
    assert [one.y.limits for one in shown] == [(0.0, 1.05 * 0.8)] * 2
    assert {one.x.scale for one in shown} == {"linear"}


def test_what_was_not_looked_at_is_never_cut_off() -> None:
    """Its axis is wider; of a bar that is taller the picture says so itself."""
    axes = steady_axes([picture(-1, 1.5, 0.5, 0.5)])
    panel = held(picture(-4, 1, 0.0, 1.0), axes).panels[0]
    assert (panel.x.limits, panel.y.limits) == ((-4.0, 1.5), (0.0, 1.05 * 0.5))


def test_stacked_bars_count_from_their_base() -> None:
    """A bar that stands on another reaches higher."""
    low, high = (picture(0, 2, height, 0.1).panels[0].marks[0] for height in (0.5, 0.25))
    assert isinstance(low, Bars)
    assert isinstance(high, Bars)
    whole = replace(
        picture(0, 2, 0.1, 0.1), panels=(Panel(title="layer", marks=(low, replace(high, base=low.heights))),)
    )
    assert steady_axes([whole])["layer"].top == 1.05 * 0.75


def test_values_that_grow_far_are_shown_on_both_scales() -> None:
    """The narrowest histogram keeps the linear middle of the axis, where on a linear axis it would be a line."""
    axes = steady_axes([picture(-0.5, 0.25, 1.0), picture(-4000, 60, 1.0)])
    axis = axes["layer"].x
    assert (axis.scale, axis.threshold, axis.limits) == ("symlog", 0.5, (-4000.0, 60.0))
    assert steady_axes([picture(-0.5, 0.25, 1.0), picture(-9, 1, 1.0)])["layer"].x.scale == "linear"


def test_a_logarithmic_axis_has_one_middle() -> None:
    """The smallest of all steps, but not smaller than a millionth of the largest value."""
    steps = [picture(-8, 2, 1.0, scale="symlog", threshold=one) for one in (0.5, 0.125)]
    assert steady_axes(steps)["layer"].x.threshold == 0.125
    steps.append(picture(-8, 2, 1.0, scale="symlog", threshold=1e-30))
    assert steady_axes(steps)["layer"].x.threshold == 8e-6


def test_nothing_but_zeros_decides_nothing() -> None:
    """It has no range of its own, and stands as a narrow bar on the axis of the other steps."""
    blank = picture(-1, 1, 0.0, 0.0, 1.0, 0.0)
    axes = steady_axes([blank, picture(-0.1, 0.3, 0.5, 0.5)])
    panel = held(blank, axes).panels[0]
    (bars,) = panel.marks
    assert isinstance(bars, Bars)
    assert panel.x.limits == (-0.1, 0.3)
    np.testing.assert_allclose(bars.edges, [-0.005, 0.005])
    assert bars.heights.tolist() == [1.0]
    assert steady_axes([blank]) == {}
    assert held(blank, {}) == blank
