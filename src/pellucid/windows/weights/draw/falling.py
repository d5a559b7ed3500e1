"""Values from the largest to the smallest, several panels on one scale; what is 0 stays to be seen on every scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure import Axis, Lines
from pellucid.core.figure.marks import Tone

Array = NDArray[Any]
_NAMED = 13  # places that are named one by one: of so few a tick may fall between two
_DOTS = 64


def size_axis(label: str, panels: Sequence[Array]) -> Axis:
    """Return one axis for the values of all panels: logarithmic where they span a decade.

    Within a decade a logarithmic axis has hardly a number.

    Args:
        label: What the values are.
        panels: The values of each, [place]; what is not above 0 has no place on a logarithmic axis, and stands at its
            foot: see `at_the_foot`.
    """
    whole = np.concatenate([np.zeros(0), *panels])
    known = whole[np.isfinite(whole) & (whole > 0)]
    if not known.size:
        return Axis(label=label)
    low, high = float(known.min()), float(known.max())
    if high <= 10 * low:
        return Axis(label=label, limits=(0.0, 1.05 * high))
    return Axis(label=label, scale="log", limits=(low / (10 if (whole <= 0).any() else 1.2), 1.2 * high))


def place_axis(label: str, count: int) -> Axis:
    """Return an axis from the first place, 1, to the last, in whole numbers."""
    return Axis(label=label, categories=tuple(str(one + 1) for one in range(count)) if count <= _NAMED else ())


def falling(values: Array, *, label: str = "", tone: Tone = "accent") -> Lines:
    """Return the curve of values in their order; what is not above 0 is left out."""
    shown = np.where(values > 0, values, np.nan)
    return Lines(x=_places(len(values)), y=shown, label=label, tone=tone, dots=len(values) <= _DOTS)


def at_the_foot(values: Array, axis: Axis) -> tuple[Lines, ...]:
    """Return the values that are 0, at the foot of their axis; nothing where none is.

    Args:
        values: In their order, [place].
        axis: Made by `size_axis`.
    """
    zero = values <= 0
    if not zero.any():
        return ()
    low, high = axis.limits or (0.0, 1.0)
    foot = low * (high / low) ** 0.03 if axis.scale == "log" else 0.0
    places = _places(len(values))[zero]
    label = "0, at the foot" if axis.scale == "log" else "0"
    return (Lines(x=places, y=np.full(len(places), foot), label=label, tone="dead", dots=len(places) <= _DOTS),)


def _places(count: int) -> Array:
    return np.arange(count) + (0 if count <= _NAMED else 1)
