"""Filters: what each unit of a convolution multiplies its input with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result
from pellucid.methods.exciting import Exciting
from pellucid.methods.tiles import Normalization

Array = NDArray[Any]


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
    normalization: Normalization

    @property
    def ranges(self) -> Array | None:
        """Return how far the output of each filter ranges over the data, [filter]; None without data."""
        if self.exciting is None:
            return None
        with np.errstate(invalid="ignore"):
            return self.exciting.highest - self.exciting.lowest
