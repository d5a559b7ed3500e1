"""Optimizers as formulas of one coordinate, the path that they take over a surface, and what is read off a path.

Momentum is an average here (v <- b v + (1 - b) g), so that a larger b does not lengthen the steps. torch adds up
instead (v <- b v + g): the same path with its learning rate times (1 - b), which `torch_learning_rate` returns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from pellucid.maths.surfaces import Terrain

Array = NDArray[Any]
Move = Callable[["Settings", int, Any, Any, Any], tuple[Any, Any, Any]]
"""(settings, step from 1, gradient, first memory, second memory) -> (way to go down, first memory, second memory)."""

_TINY = 1e-8  # torch's eps of RMSprop and Adam
_FARTHEST = 1e50  # what goes on from there is lost, and its fourth power would overflow
_CLOSE = 0.1  # share of the distance to the next minimum within which no ridge is looked for
_LEADING = 200  # steps down a slope, after which it is clear where to
FIRST_TURNS = 30
"""How many turns, from the start, the mean turning angle is taken over: later ones are too small to be seen."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an optimizer is set to.

    Attributes:
        rate: Learning rate, above 0.
        momentum: Memory b of the average of gradients, 0 to below 1: momentum, Nesterov, and beta1 of Adam.
        squares: Memory of the average of squared gradients: 0.99 of RMSProp, 0.999 of Adam, as in torch.
        longest: Longest step of RMSProp along a coordinate, in learning rates; infinite to have torch's.
    """

    rate: float
    momentum: float = 0.9
    squares: float = 0.999
    longest: float = 1.0


def _sgd(chosen: Settings, step: int, g: Any, v: Any, s: Any) -> tuple[Any, Any, Any]:
    del step
    return chosen.rate * g, v, s


def _momentum(chosen: Settings, step: int, g: Any, v: Any, s: Any) -> tuple[Any, Any, Any]:
    del step
    v = chosen.momentum * v + (1 - chosen.momentum) * g
    return chosen.rate * v, v, s


def _nesterov(chosen: Settings, step: int, g: Any, v: Any, s: Any) -> tuple[Any, Any, Any]:
    """Step along lr (b v + (1 - b) g) with v <- b v + (1 - b) g: the average as it will be, were g to stay."""
    del step
    b = chosen.momentum
    v = b * v + (1 - b) * g
    return chosen.rate * (b * v + (1 - b) * g), v, s


def _rmsprop(chosen: Settings, step: int, g: Any, v: Any, s: Any) -> tuple[Any, Any, Any]:
    """Step along lr g / (sqrt(s) + eps) with s <- a s + (1 - a) g^2, no coordinate further than `longest` lr.

    s begins at 0 and is not corrected for it, so that torch's first step is lr / sqrt(1 - a), ten times the learning
    rate, and it leaps again wherever the gradient grows fast.
    """
    del step
    s = chosen.squares * s + (1 - chosen.squares) * g * g
    way, most = g / (s**0.5 + _TINY), chosen.longest
    if not isinstance(way, float):
        way = np.clip(way, -most, most)
    elif way > most:  # one by one, twice as fast as min(max())
        way = most
    elif way < -most:
        way = -most
    return chosen.rate * way, v, s


def _adam(chosen: Settings, step: int, g: Any, v: Any, s: Any) -> tuple[Any, Any, Any]:
    b, a = chosen.momentum, chosen.squares
    v, s = b * v + (1 - b) * g, a * s + (1 - a) * g * g
    return chosen.rate * (v / (1 - b**step)) / ((s / (1 - a**step)) ** 0.5 + _TINY), v, s


OPTIMIZERS: Mapping[str, Move] = MappingProxyType(
    {"SGD": _sgd, "momentum": _momentum, "Nesterov": _nesterov, "RMSProp": _rmsprop, "Adam": _adam}
)
"""The optimizers by name."""

AVERAGING = frozenset({"momentum", "Nesterov"})
"""Optimizers that step along an average of gradients, and whose learning rate torch has times (1 - b)."""
ADAPTIVE = frozenset({"RMSProp", "Adam"})
"""Optimizers that divide by the size of the gradient: their steps are about as long as the learning rate."""


def settings(optimizer: str, *, rate: float, momentum: float) -> Settings:
    """Return what an optimizer is set to, with torch's memory of squares."""
    return Settings(rate=rate, momentum=momentum, squares=0.99 if optimizer == "RMSProp" else 0.999)


def torch_learning_rate(optimizer: str, *, rate: float, momentum: float) -> float:
    """Return the learning rate with which torch.optim takes the same path.

    Args:
        optimizer: One of `OPTIMIZERS`.
        rate: Learning rate.
        momentum: Memory b of the average of gradients.

    Returns:
        rate (1 - b) of momentum and Nesterov, and the rate itself of the others.

    Source:
        ours: v of torch is v / (1 - b) of the average.
    """
    return rate * (1 - momentum) if optimizer in AVERAGING else rate


def highest_rate(optimizer: str, *, curvature: float, momentum: float) -> float:
    """Return the learning rate above which an optimizer diverges on a parabola.

    Args:
        optimizer: One of `OPTIMIZERS`.
        curvature: Second derivative of the parabola, lambda.
        momentum: Memory b of the average of gradients.

    Returns:
        2 / lambda of SGD, 2 (1 + b) / ((1 - b) lambda) of momentum, 2 (1 + b) / ((1 - b) (1 + 2 b) lambda) of Nesterov;
        infinite where the curvature is not positive, and of RMSProp and Adam, whose steps do not grow with it.

    Source:
        Momentum: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964. Nesterov: the
        root of z^2 - (1 + b)(1 - a) z + b (1 - a), a = lr (1 - b) lambda, at -1.
    """
    if curvature <= 0 or optimizer in ADAPTIVE:
        return float("inf")
    b = momentum
    factor = {"SGD": 1.0, "momentum": (1 + b) / (1 - b), "Nesterov": (1 + b) / ((1 - b) * (1 + 2 * b))}[optimizer]
    return 2 * factor / curvature


def descend(
    terrain: Terrain,
    start: tuple[Any, Any],
    *,
    optimizer: str,
    chosen: Settings,
    steps: int,
    noise: float = 0.0,
    seed: int = 0,
) -> Float[np.ndarray, "point *any 2"]:
    """Walk down a surface.

    Args:
        terrain: The surface.
        start: (x, y): two numbers, or two arrays of one shape for many walks at once.
        optimizer: One of `OPTIMIZERS`.
        chosen: What it is set to.
        steps: How many steps, 0 or more.
        noise: Standard deviation of what is added to each gradient, as minibatches do.
        seed: Seed of the noise.

    Returns:
        The places before the first step and after each; NaN from one on that is not finite or beyond 1e50.

    Cost:
        2 µs a step for one walk; for many, 20 µs and what the formulas take.
    """
    x, y = (float(one) if np.ndim(one) == 0 else np.asarray(one, dtype=np.float64) for one in start)
    shape, move = np.shape(x), OPTIMIZERS[optimizer]
    shaken: Any = repeat((0.0, 0.0), steps)
    if noise:
        shaken = np.random.default_rng(seed).normal(0.0, noise, (steps, 2, *shape))
        shaken = shaken if shape else shaken.tolist()  # plain numbers are faster one by one
    vx = vy = sx = sy = 0.0 if not shape else np.zeros(shape)
    places = [(x, y)]
    with np.errstate(over="ignore", invalid="ignore"):
        for step, (push_x, push_y) in enumerate(shaken, start=1):
            gx, gy = terrain.slope(x, y)
            way_x, vx, sx = move(chosen, step, gx + push_x, vx, sx)
            way_y, vy, sy = move(chosen, step, gy + push_y, vy, sy)
            x, y = x - way_x, y - way_y
            places.append((x, y))
            if not shape and not (-_FARTHEST <= x <= _FARTHEST and -_FARTHEST <= y <= _FARTHEST):
                places += [(np.nan, np.nan)] * (steps - step)  # powers of plain numbers raise where they overflow
                break
    path = np.moveaxis(np.array(places, dtype=np.float64), 1, -1)
    lost = ~(np.abs(path) <= _FARTHEST).all(axis=-1)
    path[np.logical_or.accumulate(lost, axis=0)] = np.nan
    return path


# -------------------------------------------------------------------------------------------- what is read off a path


def sign_flips(values: Float[np.ndarray, " point"], smallest: float) -> int:
    """Count how often a coordinate changes its side of 0, up to the last time that it is far from it.

    Args:
        values: The coordinate at each point, measured from the minimum.
        smallest: What counts as far.

    Returns:
        0 or more.
    """
    far = np.flatnonzero(np.abs(values) > smallest)
    seen = values[: far[-1] + 1] if far.size else values[:0]
    sides = np.sign(seen)
    return int((sides[1:] * sides[:-1] < 0).sum())


def turning_angles(path: Float[np.ndarray, "point 2"]) -> Float[np.ndarray, " turn"]:
    """Return the angle between each step and the next, in degrees, 0 to 180; steps of no length are left out."""
    ways = np.diff(path, axis=0)
    lengths = np.hypot(ways[:, 0], ways[:, 1])
    with np.errstate(invalid="ignore"):
        units = ways[lengths > 1e-12] / lengths[lengths > 1e-12, None]
    return np.degrees(np.arccos(np.clip((units[1:] * units[:-1]).sum(axis=1), -1.0, 1.0)))


def settled_at(near: Bool[np.ndarray, " point"]) -> int | None:
    """Return the first point from which on all are near; None where the last is not."""
    away = np.flatnonzero(~near)
    first = int(away[-1]) + 1 if away.size else 0
    return first if first < len(near) else None


def basin(terrain: Terrain, place: tuple[float, float]) -> int:
    """Return which minimum the slope leads to, which need not be the nearest: there may be a ridge between.

    Args:
        terrain: The surface, with at least one minimum.
        place: (x, y), finite.

    Returns:
        Place in `terrain.minima`; that of the nearest where 200 steps of the surface's own learning rate lead nowhere.

    Cost:
        0.3 ms; nothing close to a minimum.
    """
    minima = np.array([(one.x, one.y) for one in terrain.minima])
    here = int(nearest(np.array(place), minima))
    distances = np.sort(np.hypot(*(minima - place).T))
    if len(minima) == 1 or distances[0] < _CLOSE * distances[1]:
        return here
    plain = Settings(rate=terrain.rate)
    end = descend(terrain, place, optimizer="SGD", chosen=plain, steps=_LEADING)[-1]
    return int(nearest(end, minima)) if np.isfinite(end).all() else here


def nearest(points: Float[np.ndarray, "*any 2"], minima: Float[np.ndarray, "minimum 2"]) -> Int[np.ndarray, "*any"]:
    """Return the place of the minimum that each point is nearest to."""
    return np.asarray(np.hypot(*np.moveaxis(points[..., None, :] - minima, -1, 0)).argmin(axis=-1))
