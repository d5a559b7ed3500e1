"""Templates: the rows of a dense layer, as images of what it is given."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Templates(Result):
    """The rows of a dense layer, raw.

    Attributes:
        layer: Dotted name.
        images: [unit, channel, row, column].
        biases: [unit]; zeros where the layer has none.
        inferred: Whether the shape was told from the number of inputs alone.
        unit_names: Names of the units; () where unknown.
    """

    layer: str
    images: Array
    biases: Array
    inferred: bool
    unit_names: tuple[str, ...]
