"""How three dimensions are seen on a flat page: one fixed, parallel view from above and aside."""

import math

import numpy as np
from jaxtyping import Float64

from pellucid.core.figure.marks import Array

AZIMUTH, ELEVATION = math.radians(-52), math.radians(32)


def cube(points: Array, lows: Array, highs: Array) -> Float64[np.ndarray, "*any 3"]:
    """Return points moved into the cube from -1 to 1 by the ends of each of the three axes.

    Args:
        points: Places, three in the last axis.
        lows: Lowest value of each axis.
        highs: Highest value of each axis; where it equals the lowest, the points sit in the middle.

    Returns:
        The same shape.
    """
    low, high = np.asarray(lows, dtype=np.float64), np.asarray(highs, dtype=np.float64)
    span = np.where(high > low, high - low, 1.0)
    whole = np.asarray(points, dtype=np.float64)
    inside = 2 * (np.where(np.isfinite(whole), whole, np.nan) - low) / span - 1
    return np.where(high > low, inside, 0.0)


def seen(points: Float64[np.ndarray, "*any 3"]) -> Float64[np.ndarray, "*any 3"]:
    """Return where points of the cube appear.

    Args:
        points: Places inside the cube from -1 to 1.

    Returns:
        Right, up, and nearness to the eye; right and up stay within 1.75 of 0.
    """
    turn = np.array(
        [
            [math.cos(AZIMUTH), math.sin(AZIMUTH), 0.0],
            [-math.sin(AZIMUTH), math.cos(AZIMUTH), 0.0],
            [0.0, 0.0, 1.0],
        ]
    )
    tilt = np.array(
        [
            [1.0, 0.0, 0.0],
            [0.0, math.sin(ELEVATION), math.cos(ELEVATION)],
            [0.0, -math.cos(ELEVATION), math.sin(ELEVATION)],
        ]
    )
    return points @ turn.T @ tilt.T


def bounds(*clouds: Array) -> tuple[Array, Array]:
    """Return the lowest and highest finite value of each of the three axes over all points."""
    whole = np.concatenate([np.asarray(one, dtype=np.float64).reshape(-1, 3) for one in clouds])
    whole = whole[np.isfinite(whole).all(axis=1)]
    if not len(whole):
        return np.zeros(3), np.ones(3)
    return whole.min(axis=0), whole.max(axis=0)
