"""A part of many rows in which every class has its share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def stratified(labels: Array, count: int, seed: int) -> Array:
    """Return the numbers of some rows, rising; of each class as large a part, up to one row.

    Args:
        labels: Class of each row, [row].
        count: How many at the most.
        seed: Of the order within a class.
    """
    rows = len(labels)
    if rows <= count:
        return np.arange(rows)
    mixed = np.random.default_rng(seed).permutation(rows)
    by_class = mixed[np.argsort(labels[mixed], kind="stable")]
    return np.sort(by_class[(np.arange(count) * rows) // count])
