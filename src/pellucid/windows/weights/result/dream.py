"""Photographs that a layer dreamt of."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Dreamed(Result):
    """Photographs, changed so that a layer sees more of what it sees in them already.

    Attributes:
        images: What came of them, in what the model is given, [image, channel, row, column].
        inputs: The photographs as they came, the same shape.
        low: What black is to the model, [image, channel].
        high: What white is to it, [image, channel].
        layer: Name of the layer; "(model)" for the output of the model.
        sizes: (rows, columns) of each octave, in the order in which they were gone through.
        trace: Strength of the layer at each step, the root of the mean square of what it puts out, [image, octave,
            step]; NaN where no step was taken. Octaves differ in size: compare steps within one.
        first: Strength for the photograph, [image].
        last: Strength for what came of it, [image].
        left_out: Images that were given and not begun before Ctrl-C.
        stopped: Whether Ctrl-C ended it early.
        options: The options, as they were used.
    """

    images: Array
    inputs: Array
    low: Array
    high: Array
    layer: str
    sizes: tuple[tuple[int, int], ...]
    trace: Array
    first: Array
    last: Array
    left_out: int
    stopped: bool
    options: dict[str, Any]

    @property
    def pictures(self) -> Array:
        """What came of the photographs, from 0 (black) to 1 (white)."""
        return self._seen(self.images)

    @property
    def photographs(self) -> Array:
        """The photographs, from 0 (black) to 1 (white)."""
        return self._seen(self.inputs)

    def _seen(self, values: Array) -> Array:
        low, high = self.low[:, :, None, None], self.high[:, :, None, None]
        return np.clip((values - low) / (high - low), 0.0, 1.0).astype(np.float32)
