"""What was measured of one descent over a surface of two parameters."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result
from pellucid.maths.descent import FIRST_TURNS, nearest, settled_at, sign_flips, turning_angles
from pellucid.maths.surfaces import CriticalPoint

Array = NDArray[Any]
Ending = Literal["nothing", "left", "circles", "arrived", "saddle", "under way"]

NEAR = 0.01
"""Share of the first distance within which a minimum counts as reached."""
SEEN = 1e-3
"""Share of a distance that is still seen: a coordinate that swings by less is at rest."""
_QUARTER = 10  # points: fewer in the last quarter of a path do not show that it goes round in circles
_FLAT = 0.05
_KEPT = 0.9
_BESIDE = 0.2
_ON_IT = 0.01  # of half the picture: so near that the gradient may be small all the way
_SLOW = 0.05  # of half the picture, in a step
_WIDE = 0.05
_STRIDE = 0.25  # of the distance: the mean step of a path that goes round


@dataclass(frozen=True, kw_only=True)
class Descent(Result):
    """The path of one optimizer over a surface of two parameters, and the surface.

    Attributes:
        surface: Name of the surface.
        formula: The surface as it is written down.
        optimizer: "SGD", "momentum", "Nesterov", "RMSProp" or "Adam".
        learning_rate: Above 0.
        torch_learning_rate: The learning rate with which torch.optim takes the same path.
        momentum: Memory of the average of gradients: of momentum and Nesterov, and beta1 of Adam.
        noise: Standard deviation of what was added to each gradient.
        path: (x, y) before the first step and after each, [point, 2]; NaN once it is not finite.
        losses: Height, [point].
        gradients: Length of the gradient, [point].
        curvatures: Lower and higher eigenvalue of the Hessian, [point, 2].
        critical: Every place where the gradient is 0, the lowest first; at least one is a minimum.
        bends: Lower and higher eigenvalue of the Hessian at each of them, [place, 2].
        x: What is shown of the surface, [column].
        y: And along the second parameter, [row].
        heights: The surface there, [row, column].
        basin: Place in `minima` of the one that the slope leads to from the last point within what is shown; -1 where
            that was not measured.
    """

    surface: str
    formula: str
    optimizer: str
    learning_rate: float
    torch_learning_rate: float
    momentum: float
    noise: float
    path: Array
    losses: Array
    gradients: Array
    curvatures: Array
    critical: tuple[CriticalPoint, ...]
    bends: Array
    x: Array
    y: Array
    heights: Array
    basin: int = -1

    @property
    def steps(self) -> int:
        """Return how many steps were taken."""
        return max(len(self.path) - 1, 0)

    @property
    def minima(self) -> tuple[CriticalPoint, ...]:
        """Return the minima, the lowest first."""
        return tuple(one for one in self.critical if one.kind == "minimum")

    @cached_property
    def outside(self) -> Array:
        """Return which points are not within what is shown, [point]."""
        inside = (self.path >= (self.x[0], self.y[0])) & (self.path <= (self.x[-1], self.y[-1]))
        return np.asarray(~inside.all(axis=-1))

    @cached_property
    def left(self) -> int | None:
        """Return the step at which the path left what is shown for good; None where it ends inside."""
        return settled_at(self.outside)

    @cached_property
    def strayed(self) -> float:
        """Return how far the path goes out of what is shown, in sizes of the picture; 0 or more.

        Counted is what is further out than the start; points that are not finite are left out.
        """
        low, high = (np.array([axis[end] for axis in (self.x, self.y)], dtype=np.float64) for end in (0, -1))
        beyond = (np.maximum(np.maximum(low - self.path, self.path - high), 0) / (high - low)).max(axis=-1)
        return max(float(np.nanmax(beyond) - beyond[0]), 0.0)

    @cached_property
    def goal(self) -> CriticalPoint:
        """Return the minimum that the slope leads to from the last point within what is shown, or the nearest to it."""
        if self.basin >= 0:
            return self.minima[self.basin]
        inside = np.flatnonzero(~self.outside)
        last = self.path[inside[-1] if inside.size else 0]
        return self.minima[int(nearest(last, np.array([(one.x, one.y) for one in self.minima])))]

    @property
    def goal_bends(self) -> tuple[float, float]:
        """Return the lower and the higher curvature at the goal."""
        low, high = self.bends[self.critical.index(self.goal)]
        return float(low), float(high)

    @cached_property
    def away(self) -> Array:
        """Return how far each point is from the goal along x and y, [point, 2]."""
        return self.path - (self.goal.x, self.goal.y)

    @cached_property
    def distance(self) -> Array:
        """Return how far each point is from the goal, [point]."""
        away = self.away
        return np.hypot(away[:, 0], away[:, 1])

    @cached_property
    def smallest(self) -> float:
        """Return the distance below which a coordinate is at rest."""
        half = max(float(self.x[-1] - self.x[0]), float(self.y[-1] - self.y[0])) / 2
        return SEEN * max(float(np.abs(self.away[0]).max()), SEEN * half)

    @cached_property
    def arrived(self) -> int | None:
        """Return the step from which on the path is within a hundredth of its first distance from the goal."""
        distance = self.distance
        near = distance <= max(NEAR * distance[0], self.smallest)
        return settled_at(near)

    @cached_property
    def flips(self) -> tuple[int, int]:
        """Return how often x and y change their side of the goal."""
        away, smallest = self.away, self.smallest
        return sign_flips(away[:, 0], smallest), sign_flips(away[:, 1], smallest)

    @cached_property
    def swings(self) -> int:
        """Return how often a coordinate passes the goal by more than a twentieth of the first distance."""
        away, far = self.away, max(_WIDE * float(self.distance[0]), self.smallest)
        return max(sign_flips(away[:, 0], far), sign_flips(away[:, 1], far))

    @cached_property
    def turn(self) -> float:
        """Return the mean angle between a step and the next over the first steps, in degrees; NaN with fewer than 2."""
        angles = turning_angles(self.path)[:FIRST_TURNS]
        return float(angles.mean()) if angles.size else float("nan")

    @cached_property
    def steepest(self) -> float:
        """Return the largest curvature that the path met within what is shown."""
        inside = ~self.outside
        return float(self.curvatures[inside if inside.any() else slice(0, 1), 1].max())

    @cached_property
    def saddle(self) -> CriticalPoint | None:
        """Return the saddle, or the top, that the path rests at: a small gradient, and a way down beside it."""
        others = [one for one in self.critical if one.kind != "minimum"]
        if not self.curvatures[-1, 0] < 0 or not others:
            return None
        one = others[int(nearest(self.path[-1], np.array([(each.x, each.y) for each in others])))]
        half = np.array([self.x[-1] - self.x[0], self.y[-1] - self.y[0]], dtype=np.float64) / 2
        away = np.abs(self.path[-1] - (one.x, one.y)) / half
        flat = self.gradients[-1] <= _FLAT * np.nanmax(self.gradients) or away.max() <= _ON_IT
        slow = np.abs(np.diff(self.path[-2:], axis=0)) <= _SLOW * half  # one that is fast only passes by
        return one if flat and away.max() <= _BESIDE and slow.all() else None

    @cached_property
    def circle(self) -> float | None:
        """Return how far from the goal the path keeps going round without coming nearer; None where it does not."""
        count = len(self.path) // 4
        if count < _QUARTER or self.outside[-2 * count :].any():
            return None
        before, last = self.distance[-2 * count : -count].max(), self.distance[-count:].max()
        ways = np.diff(self.path[-count:], axis=0)
        moved, got = float(np.hypot(ways[:, 0], ways[:, 1]).sum()), float(np.hypot(*ways.sum(axis=0)))
        # A quarter that moves much and gets nowhere, as far out as the quarter before it; round a saddle it moves
        # little.
        if last < _KEPT * before or moved < max(_STRIDE * last, self.smallest) * count or got > 0.2 * moved:
            return None
        return float(last)

    @cached_property
    def ending(self) -> Ending:
        """Return how the path ends, in one word."""
        if not len(self.path):
            return "nothing"
        ends = self.losses[-1]
        if not np.isfinite(ends) or (self.left is not None and ends > self.losses[0]):
            return "left"
        if self.arrived is not None:
            return "arrived"
        if self.circle is not None and not self.noise:  # noise keeps every path moving
            return "circles"
        return "saddle" if self.saddle is not None else "under way"
