"""Surfaces of two parameters, on which the course of an optimizer can be seen: value, gradient, curvature.

The formulas take numbers and arrays alike: plain numbers are ten times faster one by one, arrays many at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = tuple[Any, Any]
Span = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class CriticalPoint:
    """A place where the gradient is 0.

    Attributes:
        x: Place along the first parameter.
        y: Place along the second.
        value: Height.
        kind: What it is.
    """

    x: float
    y: float
    value: float
    kind: Literal["minimum", "saddle", "maximum"]


@dataclass(frozen=True, kw_only=True)
class Terrain:
    """A surface over two parameters, in closed form.

    Attributes:
        name: Such as "ravine".
        formula: As it is written down.
        height: (x, y) -> value; numbers or arrays of one shape.
        slope: (x, y) -> (derivative along x, along y).
        bend: (x, y) -> (second derivative along x twice, along x and y, along y twice).
        x: Left and right end of what is shown.
        y: Lower and upper end.
        start: Where a descent begins that is told nothing else.
        rate: Learning rate of such a descent.
        critical: Every place where the gradient is 0, the lowest first.
    """

    name: str
    formula: str
    height: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], Pair]
    bend: Callable[[Any, Any], tuple[Any, Any, Any]]
    x: Span
    y: Span
    start: tuple[float, float]
    rate: float
    critical: tuple[CriticalPoint, ...]

    @property
    def minima(self) -> tuple[CriticalPoint, ...]:
        """The minima, the lowest first."""
        return tuple(one for one in self.critical if one.kind == "minimum")

    def value(self, points: Float[np.ndarray, "*any 2"]) -> Float[np.ndarray, "*any"]:
        """Return the height at points (x, y)."""
        return np.asarray(self.height(points[..., 0], points[..., 1]))

    def gradient(self, points: Float[np.ndarray, "*any 2"]) -> Float[np.ndarray, "*any 2"]:
        """Return the gradient at points (x, y)."""
        return np.stack(np.broadcast_arrays(*self.slope(points[..., 0], points[..., 1])), axis=-1)

    def hessian(self, points: Float[np.ndarray, "*any 2"]) -> Float[np.ndarray, "*any 2 2"]:
        """Return the matrix of second derivatives at points (x, y)."""
        x, y = points[..., 0], points[..., 1]
        across, mixed, along, _ = np.broadcast_arrays(*self.bend(x, y), x)
        return np.stack([np.stack([across, mixed], axis=-1), np.stack([mixed, along], axis=-1)], axis=-2)

    def curvatures(self, points: Float[np.ndarray, "*any 2"]) -> Float[np.ndarray, "*any 2"]:
        """Return the eigenvalues of the Hessian at points (x, y), the lower first, in closed form."""
        x, y = points[..., 0], points[..., 1]
        across, mixed, along, _ = np.broadcast_arrays(*self.bend(x, y), x)
        middle, half = (across + along) / 2, np.hypot((across - along) / 2, mixed)
        return np.stack([middle - half, middle + half], axis=-1)

    def grid(self, side: int = 101) -> tuple[Array, Array, Array]:
        """Return the surface over what is shown.

        Args:
            side: Points along each parameter, 2 or more.

        Returns:
            x [column], y [row] and heights [row, column], float32.
        """
        x, y = np.linspace(*self.x, side), np.linspace(*self.y, side)
        heights = np.broadcast_to(self.height(x[None, :], y[:, None]), (side, side))
        return x.astype(np.float32), y.astype(np.float32), heights.astype(np.float32)


def _point(x: float, y: float, value: float, kind: Literal["minimum", "saddle", "maximum"]) -> CriticalPoint:
    return CriticalPoint(x=x, y=y, value=value, kind=kind)


def _constant(across: float, along: float) -> Callable[[Any, Any], tuple[Any, Any, Any]]:
    """Return the second derivatives of a surface that is curved the same everywhere."""
    return lambda _x, _y: (across, 0.0, along)


def _himmelblau_slope(x: Any, y: Any) -> Pair:
    first, second = x * x + y - 11, x + y * y - 7
    return (4 * x * first + 2 * second) / 100, (2 * first + 4 * y * second) / 100


def _himmelblau_bend(x: Any, y: Any) -> tuple[Any, Any, Any]:
    return (12 * x * x + 4 * y - 42) / 100, (4 * x + 4 * y) / 100, (12 * y * y + 4 * x - 26) / 100


BOWL = Terrain(
    name="bowl",
    formula="2.5 (x² + y²)",
    height=lambda x, y: 2.5 * (x * x + y * y),
    slope=lambda x, y: (5.0 * x, 5.0 * y),
    bend=_constant(5.0, 5.0),
    x=(-3.0, 3.0),
    y=(-3.0, 3.0),
    start=(-2.0, 1.5),
    rate=0.1,
    critical=(_point(0.0, 0.0, 0.0, "minimum"),),
)

RAVINE = Terrain(
    name="ravine",
    formula="0.05 x² + 2.5 y²",
    height=lambda x, y: 0.05 * x * x + 2.5 * y * y,
    slope=lambda x, y: (0.1 * x, 5.0 * y),
    bend=_constant(0.1, 5.0),
    x=(-10.0, 10.0),
    y=(-2.0, 2.0),
    start=(-8.0, 1.0),
    rate=0.36,
    critical=(_point(0.0, 0.0, 0.0, "minimum"),),
)

SADDLE = Terrain(
    name="saddle",
    formula="x²/2 − y²/2 + y⁴/32",
    height=lambda x, y: 0.5 * x * x - 0.5 * y * y + y * y * y * y / 32,
    slope=lambda x, y: (1.0 * x, y * (y * y / 8 - 1)),
    bend=lambda _, y: (1.0, 0.0, 3 * y * y / 8 - 1),
    x=(-2.5, 2.5),
    y=(-4.0, 4.0),
    start=(1.5, 0.001),
    rate=0.1,
    critical=(
        _point(0.0, -(8**0.5), -2.0, "minimum"),
        _point(0.0, 8**0.5, -2.0, "minimum"),
        _point(0.0, 0.0, 0.0, "saddle"),
    ),
)

NON_CONVEX = Terrain(
    name="non-convex",
    formula="(x² − 4)²/16 + 0.15 x + y²/2",
    height=lambda x, y: (x * x - 4) * (x * x - 4) / 16 + 0.15 * x + 0.5 * y * y,
    slope=lambda x, y: (x * (x * x - 4) / 4 + 0.15, 1.0 * y),
    bend=lambda x, _: (3 * x * x / 4 - 1, 0.0, 1.0),
    x=(-3.5, 3.5),
    y=(-2.5, 2.5),
    start=(3.0, 1.5),
    rate=0.1,
    critical=(
        _point(-2.0711574281777074, 0.0, -0.305428483743916, "minimum"),
        _point(1.920299111038211, 0.0, 0.29414648102826285, "minimum"),
        _point(0.15085831713949643, 0.0, 1.011282002715653, "saddle"),
    ),
)

HIMMELBLAU = Terrain(
    name="himmelblau",
    formula="((x² + y − 11)² + (x + y² − 7)²) / 100",
    height=lambda x, y: ((x * x + y - 11) * (x * x + y - 11) + (x + y * y - 7) * (x + y * y - 7)) / 100,
    slope=_himmelblau_slope,
    bend=_himmelblau_bend,
    x=(-5.0, 5.0),
    y=(-5.0, 5.0),
    start=(0.0, 0.0),
    rate=0.2,
    critical=(
        _point(3.0, 2.0, 0.0, "minimum"),
        _point(-2.805118086952745, 3.131312518250573, 0.0, "minimum"),
        _point(-3.779310253377747, -3.2831859912861696, 0.0, "minimum"),
        _point(3.5844283403304917, -1.8481265269644034, 0.0, "minimum"),
        _point(3.385154183607021, 0.07385187983774928, 0.13311926270405589, "saddle"),
        _point(0.08667750455539634, 2.884254701174776, 0.6771915008752614, "saddle"),
        _point(-3.0730257507643897, -0.08135304428796751, 1.0401516291755812, "saddle"),
        _point(-0.12796134673068005, -1.9537149802445766, 1.7833723920192746, "saddle"),
        _point(-0.2708445906673476, -0.9230385564799816, 1.816165215225827, "maximum"),
    ),
)

SURFACES: Mapping[str, Terrain] = MappingProxyType(
    {one.name: one for one in (BOWL, RAVINE, SADDLE, NON_CONVEX, HIMMELBLAU)}
)
"""The surfaces by name."""
