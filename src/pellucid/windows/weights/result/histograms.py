"""What was measured of the weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result
from pellucid.maths.onset import aligned_columns, kept_places, sound_steps
from pellucid.maths.series import TensorSeries


@dataclass(frozen=True, kw_only=True)
class WeightHistograms(Result):
    """The distribution of every parameter, over the watched steps.

    Attributes:
        series: Every parameter, in registration order. A finished model has one step.
        shapes: Shape of each parameter.
        twins: Share of the rows (units) whose direction another row shares, cosine > 1 - 1e-5,
            [step, parameter], 0 to 1; NaN for parameters with fewer than two dimensions.
    """

    series: TensorSeries
    shapes: tuple[tuple[int, ...], ...]
    twins: NDArray[Any]

    @property
    def watched(self) -> tuple[int, ...]:
        """Return the watched steps."""
        return tuple(self.series.steps.tolist())

    @property
    def sound(self) -> int:
        """Return how many steps lie before the first value that is not finite."""
        return sound_steps(self.series)

    @property
    def matrices(self) -> tuple[int, ...]:
        """Return the places of the parameters with at least two rows of at least two values."""
        return tuple(place for place, shape in enumerate(self.shapes) if is_matrix(shape))

    @classmethod
    def join(cls, pieces: Sequence[Any]) -> "WeightHistograms":
        """Put pieces that were cut along the steps together again; see `Result.join`."""
        series = TensorSeries.concatenate([piece.series for piece in pieces])
        shapes: dict[str, tuple[int, ...]] = {}
        for piece in pieces:
            shapes |= dict(zip(piece.series.names, piece.shapes, strict=True))
        tables = [aligned_columns(series.names, piece.series.names, piece.twins, missing=np.nan) for piece in pieces]
        return replace(
            pieces[-1],
            series=series,
            shapes=tuple(shapes[name] for name in series.names),
            twins=np.concatenate(tables),
        )

    def thin(self, most: int) -> "WeightHistograms":
        """Keep at most `most` steps, evenly spread, always the first and the last."""
        series = self.series.thin(most)
        return replace(self, series=series, twins=self.twins[kept_places(self.series, series)])

    def before(self, step: int) -> "WeightHistograms":
        """Keep the steps below `step`, for a run that is resumed there."""
        return replace(self, series=self.series.before(step), twins=self.twins[self.series.steps < step])


def is_matrix(shape: tuple[int, ...]) -> bool:
    """Return whether a parameter of this shape has two rows or more, of two values or more each."""
    return len(shape) >= 2 and shape[0] >= 2 and prod(shape[1:]) >= 2
