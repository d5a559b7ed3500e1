"""Steady axes: histograms of many steps on axes that do not move, so that the eye can compare the steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure import Axis, Bars, Figure, Panel

Span = tuple[float, float]
_FAR = 20.0
"""From this ratio of the widest to the narrowest histogram on, the narrow ones would be a line on a linear axis."""
_DECADES = 1e-6
"""Of the largest value: smaller ones are drawn as 0 on a logarithmic axis, which would be nothing but decades else."""
_ROOM = 1.05


@dataclass(frozen=True, kw_only=True)
class Steady:
    """The axes of one panel at every step.

    Attributes:
        x: The axis of the values.
        top: Upper end of the axis of shares; taller bars are cut off, and the picture says how tall they are.
    """

    x: Axis
    top: float


def steady_axes(figures: Sequence[Figure]) -> dict[str, Steady]:
    """Return axes that hold the histograms of some steps.

    Args:
        figures: The same picture at several steps.

    Returns:
        By title of the panel; those without a histogram of anything but zeros are left out.
    """
    panels: dict[str, list[Panel]] = {}
    for panel in (one for figure in figures for one in figure.panels):
        if _bars(panel) and not _is_blank(panel):
            panels.setdefault(panel.title, []).append(panel)
    return {title: _steady(alike) for title, alike in panels.items()}


def held(figure: Figure, axes: Mapping[str, Steady]) -> Figure:
    """Return a picture on steady axes; what lies outside of them makes them wider, and is never cut off.

    Args:
        figure: Histograms at one step.
        axes: See `steady_axes`.
    """
    return replace(figure, panels=tuple(_held(panel, axes.get(panel.title)) for panel in figure.panels))


def _bars(panel: Panel) -> list[Bars]:
    return [mark for mark in panel.marks if isinstance(mark, Bars)]


def _is_blank(panel: Panel) -> bool:
    """Whether there is nothing but zeros, or nothing: such a histogram is drawn from -1 to 1, for want of a range."""
    first = _bars(panel)[0]
    return first.edges[[0, -1]].tolist() == [-1.0, 1.0] and int(np.count_nonzero(first.heights)) <= 1


def _reach(panel: Panel) -> Span:
    ends = np.concatenate([one.edges[[0, -1]] for one in _bars(panel)])
    return float(ends.min()), float(ends.max())


def _top(panel: Panel) -> float:
    tops: list[NDArray[Any]] = [one.heights + (0.0 if one.base is None else one.base) for one in _bars(panel)]
    return max(float(one.max(initial=0.0)) for one in tops)


def _steady(panels: Sequence[Panel]) -> Steady:
    reaches = [_reach(one) for one in panels]
    limits = min(low for low, _ in reaches), max(high for _, high in reaches)
    largest = max(abs(one) for one in limits)
    sizes = [max(abs(low), abs(high)) for low, high in reaches]
    axis = panels[-1].x
    if axis.scale == "symlog":
        threshold = max(min(one.x.threshold for one in panels), _DECADES * largest)
        axis = replace(axis, threshold=threshold)
    elif max(sizes) > _FAR * min(sizes):
        axis = replace(axis, scale="symlog", threshold=max(min(sizes), _DECADES * largest))
    return Steady(x=replace(axis, limits=limits), top=_ROOM * max(_top(one) for one in panels))


def _held(panel: Panel, steady: Steady | None) -> Panel:
    if steady is None or steady.x.limits is None or not _bars(panel):
        return panel
    low, high = steady.x.limits
    y = replace(panel.y, limits=(0.0, steady.top)) if steady.top > 0 else panel.y
    if _is_blank(panel):
        wide = steady.x.threshold / 4 if steady.x.scale == "symlog" else (high - low) / 80
        panel = replace(
            panel, marks=tuple(_at_zero(one, wide) if isinstance(one, Bars) else one for one in panel.marks)
        )
    left, right = _reach(panel)
    return replace(panel, x=replace(steady.x, limits=(min(low, left), max(high, right))), y=y)


def _at_zero(bars: Bars, wide: float) -> Bars:
    """Draw zeros as a bar where they are, and not as wide as a range that nobody knew."""
    height = np.array([bars.heights.max(initial=0.0)])
    base = None if bars.base is None else bars.base[:1]
    return replace(bars, edges=np.array([-wide, wide]), heights=height, base=base)
