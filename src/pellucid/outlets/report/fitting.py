"""Making pictures fit: rounded colours first, then thinner curves, then fewer settings."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from pellucid.core.figure import Figure, Lines, Mark
from pellucid.core.figure.live import carried
from pellucid.core.frame import Frame, Pictures

MOST_POINTS = 6_000  # of a curve that has to be thinned: several for every column of pixels
_ROUNDED: tuple[tuple[Pictures, str], ...] = (
    ("float16", "The colours are rounded to one part in 2,000, to save space."),
    ("uint8", "The colours are rounded to 256 steps, to save space."),
)
_THINNED = f"Of each stretch of a long curve the lowest and the highest point are kept, {MOST_POINTS:,} in all."
_ALONE = "Only the usual setting is here, to save space."


def fitting(frames: Sequence[Frame], most_bytes: int) -> tuple[str, str]:
    """Return frames as text for a page, coarser where they do not fit otherwise.

    Args:
        frames: At least one, the usual setting first.
        most_bytes: Room in the page.

    Returns:
        The text, which may still be too long, and in words what was done to it; "" for nothing.

    Cost:
        One packing for every attempt, six at the most.
    """
    content = carried(frames)
    if len(content) <= most_bytes:
        return content, ""
    for pictures, words in _ROUNDED:
        content = carried(frames, pictures=pictures)
        if len(content) <= most_bytes:
            return content, words
    thin = [replace(one, figure=thinned(one.figure)) for one in frames]
    content = carried(thin, pictures="uint8")
    if len(content) <= most_bytes or len(frames) == 1:
        return content, _THINNED
    content, words = fitting(frames[:1], most_bytes)
    return content, f"{_ALONE} {words}".strip()


def thinned(figure: Figure) -> Figure:
    """Return a figure whose curves have `MOST_POINTS` points at the most, no peak of them lost."""
    panels = tuple(replace(panel, marks=tuple(_thinned(mark) for mark in panel.marks)) for panel in figure.panels)
    return replace(figure, panels=panels)


def _thinned(mark: Mark) -> Mark:
    if not isinstance(mark, Lines) or len(mark.y) <= MOST_POINTS:
        return mark
    kept = _extremes(np.asarray(mark.y, dtype=np.float64))
    parts = {name: None if (one := getattr(mark, name)) is None else one[kept] for name in ("x", "y", "low", "high")}
    return replace(mark, **parts)


def _extremes(values: np.ndarray) -> np.ndarray:
    """Return the places of the lowest and highest value of each stretch, rising, the first and last among them."""
    sides = np.linspace(0, len(values), MOST_POINTS // 2).round().astype(np.int64)
    kept = {0, len(values) - 1}
    for start, end in pairwise(sides.tolist()):
        stretch = values[start:end]
        if np.isfinite(stretch).any():
            kept |= {start + int(np.nanargmin(stretch)), start + int(np.nanargmax(stretch))}
        else:
            kept.add(start)  # a gap stays one
    return np.array(sorted(kept))
