"""Frozen views: the grid that fits, the usual setting first, and what is fixed told in words."""

from typing import Annotated, Any, Literal

import numpy as np
import pytest

from pellucid.core.controls import Slider
from pellucid.core.errors import InputError
from pellucid.core.figure import Figure, Heat, Panel
from pellucid.core.figure.live import frozen, holds_every_setting
from pellucid.core.figure.live.frozen import stops_of
from pellucid.core.view import Range, view

calls: list[dict[str, Any]] = []


@view
def three(
    kind: Literal["a", "b"] = "b",
    rate: Annotated[float, Range(0.01, 1, log=True)] = 0.3,
    size: Annotated[int, Range(0, 100)] = 7,
    ways: tuple[Literal["x", "y", "z"], ...] = ("x", "y"),
    on: bool = True,
) -> Figure:
    """Draw nothing."""
    calls.append({"kind": kind})
    return Figure(title=f"{kind} {rate} {size} {ways} {on}", panels=(), caveat="So it is")


def test_controls_move_as_far_as_the_budget_goes() -> None:
    """In the order of the signature; the rest is fixed and named; the usual setting comes first."""
    calls.clear()
    frames = frozen(three)
    assert len(calls) == len(frames) == 48  # 2 kinds, 8 rates, 3 sizes
    first = frames[0]
    assert first.parameters == three.frame().parameters
    assert [one.name for one in first.controls] == ["kind", "rate", "size"]
    assert first.figure.caveat == "So it is. Fixed here: ways x and y, on on. To set them: pellucid open."
    assert len({repr(one.parameters) for one in frames}) == 48
    for frame in frames:
        for control in frame.controls:
            assert frame.parameters[control.name] == control.value
            if isinstance(control, Slider):
                assert control.stops is not None
                assert control.value in control.stops
                assert three.controls()[2].value == 7
    sizes = {frame.parameters["size"] for frame in frames}
    assert {0, 7, 100} <= sizes


def test_the_first_range_has_enough_stops_before_a_further_control_moves() -> None:
    """And its help says how many were computed; a range that has all its values says nothing."""

    @view
    def waves(
        rate: Annotated[float, Range(0.1, 5, log=True)] = 1.0,
        size: Annotated[int, Range(0, 2)] = 1,
        way: Literal["a", "b", "c", "d"] = "a",
    ) -> Figure:
        """Draw nothing.

        Args:
            rate: How fast
            size: How large
            way: Which
        """
        return Figure(title=f"{rate} {size} {way}", panels=())

    moved = {one.name: one for one in frozen(waves)[0].controls}
    assert list(moved) == ["rate", "size"]
    rate, size = moved["rate"], moved["size"]
    assert isinstance(rate, Slider)
    assert rate.stops is not None
    assert len(rate.stops) == 16
    assert rate.help == "How fast. 16 computed settings; what is typed goes to the nearest."
    assert size.help == "How large"
    assert [one.name for one in frozen(waves, budget_frames=12)[0].controls] == ["rate"]
    assert [one.name for one in frozen(waves, budget_frames=5)[0].controls] == ["rate"]


def test_whether_everything_can_be_tried() -> None:
    """Only where each control moves, over every value that it has."""

    @view
    def small(size: Annotated[int, Range(0, 5)] = 2, on: bool = True) -> Figure:
        return Figure(title=f"{size} {on}", panels=())

    @view
    def stopped(at: Annotated[int, Range(0, 9, stops=(0, 4, 9))] = 4) -> Figure:
        return Figure(title=str(at), panels=())

    @view
    def fine(rate: Annotated[float, Range(0.01, 1, log=True)] = 0.3) -> Figure:
        return Figure(title=str(rate), panels=())

    @view
    def many(ways: tuple[Literal["x", "y", "z"], ...] = ("x", "y")) -> Figure:
        return Figure(title=str(ways), panels=())

    assert holds_every_setting(small, frozen(small))
    assert holds_every_setting(stopped, frozen(stopped))
    assert holds_every_setting(small.bind(size=1, on=True), frozen(small.bind(size=1, on=True)))
    assert not holds_every_setting(small, frozen(small, budget_frames=6))  # the second control is fixed
    assert not holds_every_setting(small, frozen(small, budget_frames=4))  # and values of the first are left out
    assert not holds_every_setting(fine, frozen(fine))
    assert not holds_every_setting(many, frozen(many))
    assert not holds_every_setting(three, frozen(three))


def test_a_small_budget_fixes_more() -> None:
    """Down to the usual picture alone."""
    assert [one.name for one in frozen(three, budget_frames=2)[0].controls] == ["kind"]
    (alone,) = frozen(three, budget_frames=1)
    assert alone.controls == ()
    assert alone.figure.caveat == (
        "So it is. Fixed here: kind b, rate 0.3, size 7, ways x and y, on on. To set them: pellucid open."
    )
    assert len(frozen(three, budget_bytes=1)) == 1


def test_large_pictures_have_fewer_settings() -> None:
    """The bytes of the usual picture decide."""

    @view
    def noise(size: Annotated[int, Range(1, 40)] = 20) -> Figure:
        values = np.random.default_rng(size).standard_normal((60, 60))
        return Figure(title="", panels=(Panel(marks=(Heat(values=values),)),))

    assert len(frozen(noise)) == 40
    few = frozen(noise, budget_bytes=80_000)
    assert 3 <= len(few) <= 6
    assert {1, 20, 40} <= {frame.parameters["size"] for frame in few}


def test_settings_that_a_view_refuses_are_left_out() -> None:
    """But never the usual one."""

    @view
    def picky(size: Annotated[int, Range(1, 4)] = 2, kind: Literal["a", "b"] = "a") -> Figure:
        if size == 3 or (kind == "b" and size == 1):
            raise InputError("not this one")
        return Figure(title="", panels=())

    assert sorted((one.parameters["size"], one.parameters["kind"]) for one in frozen(picky)) == [
        (1, "a"), (2, "a"), (2, "b"), (4, "a"), (4, "b"),
    ]  # fmt: skip
    with pytest.raises(InputError, match="not this one"):
        frozen(picky.bind(size=3))


def test_ranges_that_depend_have_their_own_stops() -> None:
    """Each branch of the grid is inside its range."""

    @view
    def nested(
        high: Literal["1", "5"] = "1", at: Annotated[float, Range(0, lambda chosen: float(chosen["high"]))] = 0.5
    ) -> Figure:
        return Figure(title=f"{high} {at}", panels=())

    frames = frozen(nested, budget_frames=10)
    by_high = {high: [one.parameters["at"] for one in frames if one.parameters["high"] == high] for high in "15"}
    assert by_high == {"1": [0.5, 0.0, 0.25, 0.75, 1.0], "5": [0.0, 0.5, 2.5, 3.76, 5.0]}


def slider(**values: Any) -> Slider:
    """Make a range."""
    return Slider(**{"name": "a", "label": "A", "min": 0.0, "max": 1.0, "step": 0.01, "value": 0.5} | values)


def test_stops_are_even_and_hold_the_ends_and_the_value() -> None:
    """On the steps of the range, whole where it is, multiplying where it is logarithmic."""
    assert stops_of(slider(), 5) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert stops_of(slider(value=0.31), 5) == (0.0, 0.31, 0.5, 0.75, 1.0)
    assert stops_of(slider(value=1.0), 3) == (0.0, 0.5, 1.0)
    assert stops_of(slider(min=1, max=4, step=1, value=2, whole=True), 9) == (1, 2, 3, 4)
    assert stops_of(slider(min=0.01, max=1.0, value=0.1, log=True), 3) == (0.01, 0.1, 1.0)
    assert stops_of(slider(max=0.0, value=0.0), 9) == (0.0,)
    assert stops_of(slider(min=0, max=50, value=50, stops=(0, 7, 9, 31, 50), whole=True), 3) == (0, 9, 50)
