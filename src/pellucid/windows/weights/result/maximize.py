"""Pictures that excite units."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Maximized(Result):
    """The picture that excites each unit of a layer most, and how it was found.

    How active a unit is, is the mean over its places, or the place in the middle where that was asked for.

    Attributes:
        pictures: [unit, channel, row, column], each value from 0 (black) to 1 (white).
        low: What black was to the model, [channel]: it was given low + (high - low) * picture.
        high: What white was to it, [channel].
        range_from: Where low and high come from: "normalization", "examples", or "" where [0, 1] was assumed.
        layer: Name of the layer; "(model)" for the output of the model.
        units: Numbers of the units.
        places: Places of each, such as rows x columns of a channel; 1 for a neuron.
        names: Names of the units where they are classes with names; else ().
        values: How active each unit is for its picture, [unit].
        first: How active it was for the noise that its picture began as, [unit].
        trace: How active it was at each step, for the picture as it was moved then, [unit, step]; NaN where no step was
            taken.
        steps: Steps that were taken, [unit].
        wanted: Steps that were asked for.
        left_out: Units that were asked for and not begun before Ctrl-C.
        stopped: Whether Ctrl-C ended it early.
        options: The options, as they were used.
        real: How active each unit is for the example that excites it most, [unit]; NaN without examples.
        real_numbers: Which example that is, in the order of the data, [unit]; -1 without examples.
        real_pictures: That example, as pictures are; [0, channel, row, column] without examples.
        examples: How many examples were looked at.
    """

    pictures: Array
    low: Array
    high: Array
    range_from: str
    layer: str
    units: tuple[int, ...]
    places: int
    names: tuple[str, ...]
    values: Array
    first: Array
    trace: Array
    steps: Array
    wanted: int
    left_out: int
    stopped: bool
    options: dict[str, Any]
    real: Array
    real_numbers: Array
    real_pictures: Array
    examples: int

    @property
    def inputs(self) -> Array:
        """What the model was given, [unit, channel, row, column]."""
        span = (self.high - self.low)[:, None, None]
        return (self.low[:, None, None] + span * self.pictures).astype(np.float32)

    @property
    def negative(self) -> bool:
        """Whether units were made as low as can be."""
        return bool(self.options.get("negative", False))

    @property
    def rise(self) -> Array:
        """How much each unit gained, [unit]; above 0 where it went the way that was asked for."""
        return (self.first - self.values) if self.negative else (self.values - self.first)

    @property
    def still(self) -> Array:
        """Which units never moved, [unit]: at every step, however the picture was moved, exactly as active as first."""
        same = (self.trace == self.trace[:, :1]) | np.isnan(self.trace)
        return same.all(axis=1) & (self.values == self.first) & (self.steps > 0)

    @property
    def unexcited(self) -> Array:
        """Which units no example excites, [unit]: all are alike to it, and the best is an arbitrary one.

        The best puts out 0, as behind a ReLU that never fires, or just what the noise did, which nothing moved.
        """
        never = (self.real == 0) & (not self.negative)
        return (self.examples > 0) & (never | (self.still & (self.real == self.first)))

    def unit_name(self, place: int) -> str:
        """Return what a unit is called: the name of its class, or its number."""
        return self.names[place] if self.names else str(self.units[place])
