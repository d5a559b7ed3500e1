"""Features of examples: what a layer of a model makes of each."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]

_ROWS = 4096
_LOOKED_AT = 2000
"""Examples whose directions are counted, evenly spread over all."""


@dataclass(frozen=True, kw_only=True)
class Features(Result):
    """One vector an example, from one layer of a model.

    Attributes:
        layer: Whose they are, such as "input of fc" or "block.3".
        pooled: How places or tokens became one vector, in words; "" where there was one.
        values: [example, unit], float32; a memory map where they went to a file.
        labels: Class of each example, [example], int64; empty where none is known, -1 for single ones without.
        predicted: Class that the model gives it, [example], int64; empty where it does not classify, -1 where it says
            none.
        head: Weights of the layer that reads them as they are, [class, unit]; [0, 0] where it is not known.
        images: What the model was given, [picture, row, column] or [picture, row, column, 3], in [0, 1] and at most 32
            on a side, of the first examples; empty where inputs are no pictures.
        names: Of the classes; () where they are numbers.
        stopped: Whether Ctrl-C ended it early.
    """

    layer: str
    values: Array
    pooled: str = ""
    labels: Array
    predicted: Array
    head: Array
    images: Array
    names: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def examples(self) -> int:
        """Return how many there are."""
        return len(self.values)

    @cached_property
    def bad(self) -> Array:
        """Return which examples have a value that is NaN or infinite, [example]."""
        found = np.zeros(self.examples, dtype=bool)
        for begin in range(0, self.examples, _ROWS):  # of a memory map no more than a part is read at a time
            found[begin : begin + _ROWS] = ~np.isfinite(self.values[begin : begin + _ROWS]).all(axis=1)
        return found

    @cached_property
    def spectrum(self) -> Array:
        """Return the share of the variance along each principal direction, falling, of 2,000 examples; empty for none.

        All 0 where the examples are alike.
        """
        rows = np.flatnonzero(~self.bad)
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(int)] if len(rows) else rows
        known = np.asarray(self.values[rows], dtype=np.float64)
        if len(known) < 2 or not known.shape[1]:
            return np.zeros(0)
        size = np.square(known).sum()
        sizes = np.square(np.linalg.svd(known - known.mean(axis=0), compute_uv=False))
        # Float32 tells no more than this of values that are alike.
        return np.zeros_like(sizes) if sizes.sum() <= np.finfo(np.float32).eps ** 2 * size else sizes / sizes.sum()

    @property
    def directions(self) -> float:
        """Return how many directions the features use: 1 / (sum of the squared shares); NaN where they are alike."""
        squares = float(np.square(self.spectrum).sum())
        return 1 / squares if squares else float("nan")
