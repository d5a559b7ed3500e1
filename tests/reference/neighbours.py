"""Neighbours on a map and in fact, row by row, from the papers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def ranks(rows: Array) -> Array:
    """Return the place of each row in the order of distance from each other one, 1 for the nearest, 0 for itself."""
    found = np.zeros((len(rows), len(rows)), dtype=int)
    for one in range(len(rows)):
        far = [float(((rows[one] - other) ** 2).sum()) for other in rows]
        others = [place for place in range(len(rows)) if place != one]
        for place in others:
            found[one, place] = 1 + sum(far[other] < far[place] for other in others)
    return found


def trust(rows: Array, points: Array, count: int) -> Array:
    """Return one minus the scaled sum, over the nearest on the map, of how far beyond `count` they are in fact.

    Venna & Kaski 2001, equation 1, for each row; continuity is the same with rows and points exchanged.
    """
    fact, seen, number = ranks(rows), ranks(points), len(rows)
    found = np.zeros(number)
    for one in range(number):
        beside = [place for place in np.argsort(seen[one], kind="stable") if place != one][:count]
        found[one] = sum(fact[one, place] - count for place in beside if fact[one, place] > count)
    return 1 - 2 / (count * (2 * number - 3 * count - 1)) * found


def share(rows: Array, points: Array, count: int) -> Array:
    """Return the share of the nearest in fact that are among the nearest on the map, for each row."""
    fact, seen = ranks(rows), ranks(points)
    return np.array(
        [
            len(set(np.argsort(one)[1 : count + 1]) & set(np.argsort(other)[1 : count + 1])) / count
            for one, other in zip(fact, seen, strict=True)
        ]
    )
