"""Making pictures fit: rounded colours first, then thinner curves, then fewer settings."""

from collections.abc import Sequence
from dataclasses import replace

from pellucid.core.figure.live import carried
from pellucid.core.figure.live.thinning import thinned, thinning_words
from pellucid.core.frame import Frame
from pellucid.core.stored import Pictures

MOST_POINTS = 6_000  # of a curve that has to be thinned: several for every column of pixels
_ROUNDED: tuple[tuple[Pictures, str], ...] = (
    ("float16", "The colours are rounded to one part in 2,000, to save space."),
    ("uint8", "The colours are rounded to 256 steps, to save space."),
)
_THINNED = thinning_words(MOST_POINTS)
LONE = "Only the usual setting is here, to save space."


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
    thin = [replace(one, figure=thinned(one.figure, MOST_POINTS)) for one in frames]
    content = carried(thin, pictures="uint8")
    if len(content) <= most_bytes or len(frames) == 1:
        return content, _THINNED
    content, words = fitting(frames[:1], most_bytes)
    return content, f"{LONE} {words}".strip()
