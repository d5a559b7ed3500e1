"""Slow twins of maths/repeats.py: one pair of patches at a time, in float64, straight from the definition."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def correlation(a: Array, b: Array) -> float:
    """Pearson's correlation of two patches; 0 where one of them is constant."""
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    size = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / size) if size > 1e-12 else 0.0


def sameness(patches: list[Array]) -> float:
    """Mean correlation of all pairs."""
    pairs = [correlation(a, b) for i, a in enumerate(patches) for b in patches[:i]]
    return float(np.mean(pairs))


def standing_score(
    pictures: Array, attention: Array, inside: NDArray[np.bool_], cell: tuple[int, int], *, least: int, like: float
) -> Array:
    """Score of every cell: the largest, over pictures of the kind, of the attention of those alike, less the common."""
    down, right = attention.shape[1:]
    own, others = np.flatnonzero(inside), np.flatnonzero(~inside)
    scores = np.zeros((down, right))
    for a in range(down):
        for b in range(right):
            cut = pictures[:, :, a : a + cell[0], b : b + cell[1]]
            for first in own:
                alike = [row for row in own if correlation(cut[first], cut[row]) >= like]
                if len(alike) < least:
                    continue
                elsewhere = np.mean([correlation(cut[first], cut[row]) >= like for row in others])
                drawn = sum(attention[row, a, b] for row in alike) / len(own)
                scores[a, b] = max(scores[a, b], drawn * max(0.0, 1 - elsewhere / (len(alike) / len(own))))
    return scores


def best_match(picture: Array, patch: Array) -> tuple[float, tuple[int, int]]:
    """The largest correlation of a patch with any place of a picture, and that place."""
    height, width = patch.shape[1:]
    found = {
        (a, b): correlation(picture[:, a : a + height, b : b + width], patch)
        for a in range(picture.shape[1] - height + 1)
        for b in range(picture.shape[2] - width + 1)
    }
    place = max(found, key=lambda one: found[one])
    return found[place], place


def residue(patches: Array, part: tuple[int, int]) -> Array:
    """What is left of the usual patch, for every place: a least-squares fit of each patch, its gain kept in bounds."""
    # The lower of the two in the middle, as torch takes it.
    usual, (height, width) = np.sort(patches, axis=0)[(len(patches) - 1) // 2], part
    down, right = patches.shape[2] - height + 1, patches.shape[3] - width + 1
    found = np.zeros((down, right))
    for a in range(down):
        for b in range(right):
            whole = usual[:, a : a + height, b : b + width]
            whole = whole - whole.mean((1, 2), keepdims=True)
            squares = list[float]()
            for one in patches[:, :, a : a + height, b : b + width]:
                centred = one - one.mean((1, 2), keepdims=True)
                gain = np.clip((centred * whole).sum() / (whole * whole).sum(), 0.7, 1.4)
                squares.append(float(((centred - gain * whole) ** 2).mean()))
            found[a, b] = np.sqrt(np.mean(squares) / (whole * whole).mean())
    return found
