"""What a method of mapping is asked for, and what all of them share."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.maths.neighbours import nearest

Array = NDArray[Any]
_NEAR, _JITTER = 3, 0.01


@dataclass(frozen=True, kw_only=True)
class Maps:
    """How a map is made.

    Attributes:
        dims: Axes of the map, 2 or 3.
        perplexity: Of t-SNE: about how many neighbours count; None for 30, above 10,000 rows for a hundredth of them.
        neighbours: Of UMAP: how many count.
        distance: Of UMAP: how near points may come to each other.
        seed: Of whatever is drawn at random.
    """

    dims: int
    perplexity: float | None
    neighbours: int
    distance: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """Points of rows.

    Attributes:
        points: [row, axis].
        stopped: After how much of the work Ctrl-C ended it, in words; "" where all was done.
    """

    points: Array
    stopped: str = ""


@runtime_checkable
class Mapper(Protocol):
    """A method of mapping, as one library has it."""

    @property
    def made_by(self) -> str:
        """The library with its version."""
        ...

    def words(self, rows: int) -> str:
        """Return the settings for so many rows, in words."""
        ...

    def fit(self, rows: Array, start: Array, *, settled: bool = False) -> Mapped:
        """Return points of rows that pull at each other.

        Args:
            rows: [row, unit], float32, of a size near 1.
            start: Where points begin, [row, axis].
            settled: Whether that is a map already, whose points need not find each other first. Else any size will do.
        """
        ...

    def place(self, known: Array, points: Array, rows: Array) -> Array:
        """Return points of further rows on a map, each by itself.

        Args:
            known: The rows that the map was made of, [row, unit], float32.
            points: Where they lie, [row, axis].
            rows: The others, [other, unit].
        """
        ...


def jittered(start: Array, deviation: float, seed: int) -> Array:
    """Return a start of this standard deviation along its first axis, where no two rows lie on one point.

    Args:
        start: [row, axis].
        deviation: Of the first axis.
        seed: Of the noise, a hundredth of the deviation.
    """
    centred = start.astype(np.float64) - start.mean(axis=0, dtype=np.float64)
    spread = float(centred[:, 0].std()) or 1.0
    noise = np.random.default_rng(seed).normal(scale=_JITTER * deviation, size=start.shape)
    return np.asarray(centred / spread * deviation + noise)


def between_nearest(known: Array, points: Array, rows: Array) -> Array:
    """Return points for further rows: in each direction the median of those of the 3 nearest known rows.

    Args:
        known: [row, unit].
        points: [row, axis].
        rows: [other, unit].
    """
    if not len(rows):
        return np.zeros((0, points.shape[1]), dtype=np.float32)
    where, _ = nearest(torch.from_numpy(known), torch.from_numpy(rows), min(_NEAR, len(known)))
    return np.median(points[where.numpy()], axis=1).astype(np.float32)
