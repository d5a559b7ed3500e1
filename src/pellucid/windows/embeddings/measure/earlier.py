"""An earlier map that a new one keeps to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.core.arguments import refused
from pellucid.core.errors import InputError
from pellucid.maths.neighbours import alignment
from pellucid.maths.principal import Principal
from pellucid.windows.embeddings.result.projection import Projection

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """An earlier map, and how it is kept to.

    Attributes:
        map: The map.
        how: "axes", "placed" or "started", see `Projection.follows`.
        same: Whether its rows stand for the same examples.
    """

    map: Projection
    how: str
    same: bool

    def frame(self, own: Principal) -> Principal:
        """Return the axes of the map, in place of those that further rows have; variances are not known yet."""
        mean, axes = (torch.from_numpy(one.astype(np.float64)) for one in (self.map.mean, self.map.axes))
        return own._replace(mean=mean, axes=axes, residual=self.map.residual)

    @property
    def anchors(self) -> Array:
        """Where the rows lie that the map was made of, [row, axis]."""
        return self.map.points[self.map.fitted]

    def start(self, rows: Array) -> Array:
        """Return where rows begin, [row, axis]: those that were not on the map in its middle."""
        found = self.map.points[rows]
        return np.where(np.isfinite(found), found, np.nanmedian(self.map.points, axis=0))

    def laid(self, points: Array) -> Array:
        """Return points, laid on the map where they were begun from it, [row, axis]; NaN stays."""
        if self.how != "started":
            return points
        there = np.isfinite(points).all(axis=1) & self.map.mapped
        way = alignment(*(torch.from_numpy(one[there]) for one in (points, self.map.points)))
        return way.laid(torch.from_numpy(points)).numpy()

    def moved(self, points: Array) -> Array:
        """Return how far each row is from where it was, over the size of the map; empty where rows are others."""
        if not self.same:
            return np.zeros(0, dtype=np.float32)
        middle = np.nanmean(self.map.points, axis=0)
        size = np.sqrt(np.nanmean(np.square(self.map.points - middle).sum(axis=1)))
        far = np.sqrt(np.square(points - self.map.points).sum(axis=1))
        return np.asarray(far / size if size > 0 else far, dtype=np.float32)


def earlier_of(like: Any, method: str, dims: int, shape: tuple[int, int], labels: Array) -> Earlier | None:
    """Return how an earlier map is kept to; None where there is none.

    Args:
        like: What came.
        method: Of the new map.
        dims: Of the new map.
        shape: Rows, those without a place included, and units.
        labels: Of the rows; empty where none is known.

    Raises:
        InputError: It is no map, was made in another way, or neither its rows nor its units are these.
    """
    if like is None:
        return None
    if not isinstance(like, Projection):
        raise refused("like", like, "None or a Projection, what pel.embeddings.project returns")
    if (like.method, like.dims) != (method, dims):
        raise InputError(
            f"like is a map by {like.method!r} in {like.dims} dimensions, expected one by {method!r} in {dims}. Call "
            f"project(..., method={like.method!r}, dims={like.dims}, like=...)."
        )
    rows, units = shape
    both = len(like.labels) and len(labels)
    same = rows == len(like.points) and not (both and not np.array_equal(like.labels, labels))
    if method == "pca" and units == len(like.mean):
        return Earlier(map=like, how="axes", same=same)
    if same and like.mapped.sum() > 1:
        return Earlier(map=like, how="started", same=True)
    if method != "pca" and units == len(like.mean):
        if not like.fitted.any():
            raise InputError("like is a map whose rows were placed on another one. Give that one as like.")
        return Earlier(map=like, how="placed", same=False)
    raise InputError(
        f"like is a map of {len(like.points):,} rows of {len(like.mean):,} units, and {rows:,} rows of {units:,} units "
        "came; expected as many units, so that they can be placed on it, or the same rows in the same order."
    )
