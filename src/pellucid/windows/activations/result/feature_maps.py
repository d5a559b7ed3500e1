"""Feature maps: what each channel of a layer makes of one image, and what excites it most in the data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.arguments import Normalization
from pellucid.core.result import Result
from pellucid.methods.exciting import Exciting

Array = NDArray[Any]
ENOUGH = 512
"""Examples from which what puts out the same for all of them may be called dead."""


@dataclass(frozen=True, kw_only=True)
class FeatureMaps(Result):
    """The output of a layer for one example, raw.

    Attributes:
        layer: Dotted name, with "#2" for a second call.
        module: Type of the layer.
        maps: What the layer put out, [channel, ...space]; of units without space [unit].
        order: Channels by what they put out for the example, most active first: by their mean magnitude, [channel].
        given: The example, as the model was given it.
        boxes: What the place where each channel put out most sees of the example, first and behind the last along each
            of its axes, [channel, axis, 2]; below 0 or beyond the end where it reaches over the border.
        field: How that is known: "measured", "whole" or "unknown".
        exciting: What excites the channels most in the data (of the 64 most active here), and what all of them put out;
            None without data.
        normalization: What the inputs were normalised with; None where unknown.
    """

    layer: str
    module: str
    maps: Array
    order: Array
    given: Array
    boxes: Array
    field: str
    exciting: Exciting | None
    normalization: Normalization | None

    @property
    def silent(self) -> Array:
        """Return which channels put out 0 at every place of the example, [channel]."""
        return ~np.any(self.maps.reshape(len(self.maps), -1) != 0, axis=1)

    @property
    def dead(self) -> Array | None:
        """Return which channels put out the same at every place of all of the data, [channel]; None without data."""
        if self.exciting is None:
            return None
        return (self.exciting.highest == self.exciting.lowest) & (self.exciting.broken == 0)

    @property
    def same(self) -> str:
        """Return what to call such a channel: "dead" where enough was seen to say so, else "same"."""
        found = self.exciting
        sure = found is not None and found.samples >= ENOUGH and not found.stopped and not found.broken.any()
        return "dead" if sure else "same"
