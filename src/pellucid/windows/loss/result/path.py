"""What was measured of the path that the weights took."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Path(Result):
    """Where the weights were while a model trained, on the two axes that show most of it.

    Attributes:
        steps: Number of the step of each snapshot, [snapshot].
        coordinates: Where it lies on the first two principal components, seen from the weights as they are now, in
            units of the distance between the first snapshot and now, [snapshot, 2].
        distances: How far it is from the weights as they are now, in the same units, [snapshot].
        off_plane: Share of that distance that is off the plane, [snapshot].
        shares: Share of the spread about the mean that each component holds, falling, [component].
        walk: The same of a random walk of as many points, [component].
        losses: The loss there, [snapshot]; NaN where no data was given.
        loss_now: The loss at the weights as they are now; NaN where no data was given.
        loss_name: What the loss is; "" where no data was given.
        samples: Examples that it is the mean of.
        length: How far the first snapshot is from now, as a share of the length of the weights as they are now.
        stopped: Whether Ctrl-C ended it early.
    """

    steps: Array
    coordinates: Array
    distances: Array
    off_plane: Array
    shares: Array
    walk: Array
    losses: Array
    loss_now: float = float("nan")
    loss_name: str = ""
    samples: int = 0
    length: float = float("nan")
    stopped: bool = False

    @property
    def in_plane(self) -> float:
        """Return the share of the spread that the first two components hold; NaN without snapshots."""
        return float(self.shares[:2].sum()) if len(self.shares) else float("nan")

    @property
    def of_a_walk(self) -> float:
        """Return the share that they hold of a random walk; NaN without snapshots."""
        return float(self.walk[:2].sum()) if len(self.walk) else float("nan")

    @property
    def straightness(self) -> float:
        """Return the distance between both ends as a share of the way through all snapshots on the plane, 0 to 1."""
        if not len(self.coordinates):
            return float("nan")
        points = np.vstack([self.coordinates, np.zeros((1, 2))])
        way = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        return float(np.linalg.norm(points[0])) / way if way else float("nan")
