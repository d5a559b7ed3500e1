"""Growth: what has to be sent of a picture when the one before is known to be shown."""

from dataclasses import replace

import numpy as np

from pellucid.core.figure import Event, Figure, Lines, Mark, Panel
from pellucid.core.figure.marks import Array


def grown(shown: Figure, now: Figure) -> tuple[Figure, int] | None:
    """Return only what was added to the curves of a picture.

    Args:
        shown: What the reader has.
        now: What it should have.

    Returns:
        The picture with only the new points of each curve, and how many these are; None when anything but curves
        changed, or a curve does not begin as it did: then the whole has to be sent.

    Cost: one comparison of the points that are there already.
    """
    if len(shown.panels) != len(now.panels):
        return None
    panels: list[Panel] = []
    points = 0
    for before, after in zip(shown.panels, now.panels, strict=True):
        found = _longer(before, after)
        if found is None:
            return None
        panels.append(replace(after, marks=tuple(found)))
        points += sum(len(one.x) for one in found if isinstance(one, Lines))
    return replace(now, panels=tuple(panels)), points


def _longer(before: Panel, after: Panel) -> list[Mark] | None:
    old = [one for one in before.marks if not isinstance(one, Event)]
    new = [one for one in after.marks if not isinstance(one, Event)]
    if len(old) != len(new):
        return None
    rest = {id(mark): _rest(one, mark) for one, mark in zip(old, new, strict=True)}
    if any(one is None for one in rest.values()):
        return None
    return [found for mark in after.marks if (found := rest.get(id(mark), mark)) is not None]


def _rest(old: Mark, new: Mark) -> Mark | None:
    if not isinstance(old, Lines) or not isinstance(new, Lines):
        return None
    alike = (old.label, old.tone, old.style, old.fill, old.dots) == (new.label, new.tone, new.style, new.fill, new.dots)
    count = len(old.x)
    pairs = [(getattr(old, name), getattr(new, name)) for name in ("x", "y", "low", "high")]
    if not alike or any((one is None) != (other is None) for one, other in pairs):
        return None
    if not all(one is None or _begins(one, other) for one, other in pairs):
        return None
    x, y, low, high = (None if one is None else one[count:] for _, one in pairs)
    return replace(new, x=x, y=y, low=low, high=high)


def _begins(old: Array, new: Array) -> bool:
    if len(old) <= len(new) and old.base is not None and old.base is new.base and _place(old) == _place(new):
        return True  # the curves of a run get longer in place, and what was handed out is never written
    return len(old) <= len(new) and np.array_equal(old, new[: len(old)], equal_nan=True)


def _place(array: Array) -> tuple[object, ...]:
    return array.__array_interface__["data"], array.strides, array.dtype
