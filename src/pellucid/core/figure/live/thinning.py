"""Long curves with fewer points, and no peak of them lost."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from pellucid.core.figure.marks import Array, Figure, Lines, Mark

MOST_EMBEDDED = 20_000  # points of a curve inside a notebook: ten for every column of pixels
MOST_OF_ALL = 400_000  # points of the curves of a figure together, where there are many
_FEWEST = 1_000


def thinned(figure: Figure, most: int) -> Figure:
    """Return a figure whose curves have a number of points at the most, no peak of them lost.

    Args:
        figure: Any.
        most: Points of a curve, 4 or more.

    Returns:
        The figure; the same one where no curve is longer.
    """
    if not any(_long(mark, most) for panel in figure.panels for mark in panel.marks):
        return figure
    panels = tuple(replace(one, marks=tuple(_thinned(mark, most) for mark in one.marks)) for one in figure.panels)
    return replace(figure, panels=panels)


def embedded(figure: Figure) -> Figure:
    """Return a figure for a file that keeps it, such as a notebook: long curves thinned, and its caveat says so.

    Args:
        figure: Any.

    Returns:
        The figure; the same one where no curve is long.
    """
    lengths = [len(mark.y) for panel in figure.panels for mark in panel.marks if isinstance(mark, Lines)]
    most = max(_FEWEST, min(MOST_EMBEDDED, MOST_OF_ALL // max(len(lengths), 1)))
    found = thinned(figure, most)
    if found is figure:
        return figure
    return replace(found, caveat=joined(figure.caveat, thinning_words(most)))


def thinning_words(most: int) -> str:
    """Return the sentence that tells a reader of thinned curves."""
    return f"Of each stretch of a long curve the lowest and the highest point are kept, {most:,} in all."


def joined(caveat: str, sentence: str) -> str:
    """Return a caveat with one more sentence."""
    if not caveat:
        return sentence
    return f"{caveat} {sentence}" if caveat.endswith((".", "!", "?")) else f"{caveat}. {sentence}"


def _long(mark: Mark, most: int) -> bool:
    return isinstance(mark, Lines) and len(mark.y) > most


def _thinned(mark: Mark, most: int) -> Mark:
    if not isinstance(mark, Lines) or len(mark.y) <= most:
        return mark
    kept = _extremes(np.asarray(mark.y, dtype=np.float64), most)
    parts = {name: None if (one := getattr(mark, name)) is None else one[kept] for name in ("x", "y", "low", "high")}
    return replace(mark, **parts)


def _extremes(values: Array, most: int) -> Array:
    """Return the places of the lowest and highest value of each stretch, rising, the first and last among them."""
    sides = np.linspace(0, len(values), most // 2).round().astype(np.int64)
    kept = {0, len(values) - 1}
    for start, end in pairwise(sides.tolist()):
        stretch = values[start:end]
        if np.isfinite(stretch).any():
            kept |= {start + int(np.nanargmin(stretch)), start + int(np.nanargmax(stretch))}
        else:
            kept.add(start)  # a gap stays one
    return np.array(sorted(kept))
