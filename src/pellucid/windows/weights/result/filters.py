"""Filters: what each unit of a convolution multiplies its input with."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.arguments import Normalization
from pellucid.core.result import Result
from pellucid.methods.exciting import Exciting

Array = NDArray[Any]
DEAD, TWINS = 1e-3, 0.9999
"""A filter is dead up to this share of the largest, and points the same way as another above this cosine."""

FEWEST, FEWEST_VALUES = 4, 6
"""Filters that are needed to call one of them dead, and values of a filter to say where it points."""

FEWEST_EXAMPLES = 128
"""Examples that are needed to call a filter silent: one that answers to a twentieth of them is missed once in 700."""


@dataclass(frozen=True, kw_only=True)
class Filters(Result):
    """The filters of one convolution, raw.

    Attributes:
        layer: Dotted name.
        module: Type of the layer.
        weights: [filter, channel, ...space]; of a transposed convolution brought into this order. Of a grouped one the
            channels are those of the filter's group.
        groups: Into how many groups the channels are divided; each filter sees one of them.
        norms: Root of the sum of squares of each filter, [filter].
        factors: What the batch norm behind the layer multiplies each filter with in eval mode, [filter]; 1 without one.
        norm_layer: Name of that batch norm; "" where none is registered behind the layer.
        partners: The other filter of the same group that points most nearly the same way, [filter]; -1 where there is
            none to compare with, or the filter is zero or not finite.
        cosines: Cosine of the angle between the two, -1 to 1, [filter]; NaN where there is none.
        masked: Whether the weights are pruned with a mask.
        exciting: What in the data excites the filters most (the first 64 of them), and what all of them put out; None
            without data.
        normalization: What the inputs were normalised with; None where unknown.
        shifts: What that batch norm adds then, [filter]; 0 without one; empty where unknown.
    """

    layer: str
    module: str
    weights: Array
    groups: int
    norms: Array
    factors: Array
    norm_layer: str
    partners: Array
    cosines: Array
    masked: bool
    exciting: Exciting | None
    normalization: Normalization | None
    shifts: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def ranges(self) -> Array | None:
        """Return how far the output of each filter ranges over the data, [filter]; None without data."""
        if self.exciting is None:
            return None
        with np.errstate(invalid="ignore"):
            return self.exciting.highest - self.exciting.lowest

    def dead(self, share: float = DEAD, *, fewest: float = FEWEST) -> Array:
        """Return which filters are next to nothing beside the others, with and without the batch norm, [filter].

        Args:
            share: Of the largest norm; and, with data, of the range of the output of the liveliest filter.
            fewest: Filters that are needed; of fewer, and where weights are not finite, none is called dead.
        """
        if len(self.norms) < fewest or not np.isfinite(self.norms).all():
            return np.zeros(len(self.norms), dtype=bool)
        scaled, ranges = self.norms * np.abs(self.factors), self.ranges
        dead = (self.norms <= share * self.norms.max(initial=0)) & (scaled <= share * scaled.max(initial=0))
        if ranges is None:
            return dead
        return dead & ~(ranges > share * ranges[np.isfinite(ranges)].max(initial=0))

    def silent(self, share: float = DEAD, *, fewest: float = FEWEST_EXAMPLES) -> Array:
        """Return which filters tell nothing of the data though they are not dead, [filter].

        What they put out, behind the batch norm where there is one, is never above 0, or hardly changes.

        Args:
            share: Of the range of the output of the liveliest filter.
            fewest: Examples that are needed; on fewer, and without data, none is called silent.
        """
        seen, ranges = self.exciting, self.ranges
        if seen is None or ranges is None or seen.samples < fewest or len(self.shifts) != len(self.norms):
            return np.zeros(len(self.norms), dtype=bool)
        ends = np.stack([seen.highest, seen.lowest]) * self.factors + self.shifts
        scaled = ranges * np.abs(self.factors)
        still = (ranges <= share * ranges.max(initial=0)) & (scaled <= share * scaled.max(initial=0))
        return ((ends.max(axis=0) <= 0) | still) & ~self.dead(share)

    def comparable(self, share: float = DEAD, *, values: float = FEWEST_VALUES) -> Array:
        """Return which filters have another to be compared with, both being alive, [filter].

        Args:
            share: See `dead`.
            values: Values that a filter must hold: among fewer there are few directions.
        """
        alive = np.isfinite(self.cosines) & (self.partners >= 0) & ~self.dead(share, fewest=0)
        enough = np.isfinite(self.norms).all() and np.prod(self.weights.shape[1:]) >= values
        return alive & alive[self.partners] & enough

    def twins(self, cosine: float = TWINS, **limits: float) -> Array:
        """Return which filters point the same way as another, [filter].

        Args:
            cosine: Of the angle between the two, from which they do.
            limits: See `comparable`.
        """
        return self.comparable(**limits) & (self.cosines > cosine)
