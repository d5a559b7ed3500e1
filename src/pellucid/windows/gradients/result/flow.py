"""What was measured of the gradients and of the updates that they led to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result
from pellucid.maths.onset import aligned_columns, kept_places, sound_steps
from pellucid.maths.reduce import SUMS
from pellucid.maths.series import TensorSeries

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class GradientFlow(Result):
    """How gradient and update reach every parameter, over the watched steps.

    Attributes:
        gradients: Gradient of the loss with respect to each parameter, registration order; a unit is a row,
            active where any of its gradients is not 0.
        updates: Root mean square of each parameter after the optimiser's step minus before, [step, parameter]; inf
            where a value of it is not finite, NaN where none was measured, as for a finished model.
        weights: Root mean square of each parameter before the step, [step, parameter].
        shapes: Shape of each parameter.
        trainable: Whether each parameter asks for a gradient.
        owned: Whether an optimiser holds it; all true when no optimiser was given.
        missing: Whether its gradient was None, [step, parameter].
        learning_rates: Learning rate of its parameter group, [step, parameter]; NaN where unknown.
        carried: Sum of squares of the gradient of the step before that was not cleared, [step, parameter]; 0 where it
            was, NaN where unknown: one parameter of each optimiser is looked at.
    """

    gradients: TensorSeries
    updates: NDArray[Any]
    weights: NDArray[Any]
    shapes: tuple[tuple[int, ...], ...]
    trainable: tuple[bool, ...]
    owned: tuple[bool, ...]
    missing: NDArray[Any]
    learning_rates: NDArray[Any]
    carried: NDArray[Any]

    @property
    def watched(self) -> tuple[int, ...]:
        """Return the watched steps."""
        return tuple(self.gradients.steps.tolist())

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the parameters, registration order."""
        return self.gradients.names

    @property
    def steps(self) -> Array:
        """Return the watched steps."""
        return self.gradients.steps

    @property
    def sound(self) -> int:
        """Return how many steps lie before the first gradient or update that is not finite."""
        infinite = np.flatnonzero(np.isinf(self.updates).any(axis=1))
        return min([sound_steps(self.gradients), *infinite[:1].tolist()])

    def beginning(self, share: float) -> int:
        """Return how many of the sound steps a run begins with, which are no measure of those that follow.

        Args:
            share: Share of the sound steps, 0 to 1.

        Returns:
            At least the first, and never all.
        """
        return min(max(1, int(np.ceil(share * self.sound))), max(self.sound - 1, 0))

    @property
    def stepped(self) -> bool:
        """Return whether an optimiser's step was watched, so that there are updates."""
        return not bool(np.isnan(self.updates).all())

    @property
    def matrices(self) -> tuple[int, ...]:
        """Return the places of the trainable parameters with two rows or more, of two values or more each.

        Biases, norm parameters, single tokens and heads of a single unit have too few values for a scale.
        """
        rows = enumerate(zip(self.shapes, self.trainable, strict=True))
        return tuple(
            place
            for place, (shape, trainable) in rows
            if trainable and len(shape) >= 2 and shape[0] >= 2 and prod(shape[1:]) >= 2
        )

    @property
    def gradient_rms(self) -> Array:
        """Return the RMS of the gradient over the rows that have any, [step, parameter].

        Rows without any gradient are left out: most rows of an embedding are not in a batch, and the units of
        a rectifier that is off pass none. 0 where no row has a gradient, NaN where it was not measured.
        """
        rms = self.gradients.rms.copy()
        offsets = self.gradients.unit_offsets
        for place in range(len(self.names)):
            counted = self.gradients.units[:, :, offsets[place] : offsets[place + 1]].sum(axis=2)
            seen, active = counted[:, 0], counted[:, 1]
            share = np.divide(active, seen, out=np.ones(len(seen)), where=(seen > 0) & (active > 0))
            rms[:, place] /= np.sqrt(share)
        return rms

    @property
    def norm(self) -> Array:
        """Return the Euclidean norm of all gradients together, [step]; NaN where none was measured."""
        squares = self.gradients.sums[..., SUMS.index("squares")].sum(axis=1)
        measured = self.gradients.sums[..., SUMS.index("finite")].sum(axis=1) > 0
        return np.sqrt(np.where(measured, squares, np.nan))

    @property
    def ratio(self) -> Array:
        """Return how large the update is beside the weight, RMS over RMS, [step, parameter]; NaN if unknown.

        A weight that is smaller than its usual first value, 1 / sqrt(3 x inputs), counts as that large: a
        matrix that was set to zero on purpose would otherwise have a ratio without bounds.
        """
        return self.updates / np.maximum(self.weights, usual_scale(self.shapes))

    @classmethod
    def join(cls, pieces: Sequence[Any]) -> "GradientFlow":
        """Put pieces that were cut along the steps together again; see `Result.join`."""
        gradients = TensorSeries.concatenate([piece.gradients for piece in pieces])
        names = gradients.names

        def table(field: str, missing: float) -> Array:
            parts = [(piece.names, getattr(piece, field)) for piece in pieces]
            return np.concatenate([aligned_columns(names, known, one, missing=missing) for known, one in parts])

        def facts(field: str) -> Any:
            latest = {n: v for piece in pieces for n, v in zip(piece.names, getattr(piece, field), strict=True)}
            return tuple(latest[name] for name in names)

        return replace(
            pieces[-1],
            gradients=gradients,
            updates=table("updates", np.nan),
            weights=table("weights", np.nan),
            shapes=facts("shapes"),
            trainable=facts("trainable"),
            owned=facts("owned"),
            missing=table("missing", missing=True),
            learning_rates=table("learning_rates", np.nan),
            carried=table("carried", np.nan),
        )

    def thin(self, most: int) -> "GradientFlow":
        """Keep at most `most` steps, evenly spread, always the first and the last."""
        gradients = self.gradients.thin(most)
        kept = kept_places(self.gradients, gradients)
        return replace(
            self,
            gradients=gradients,
            updates=self.updates[kept],
            weights=self.weights[kept],
            missing=self.missing[kept],
            learning_rates=self.learning_rates[kept],
            carried=self.carried[kept],
        )

    def before(self, step: int) -> "GradientFlow":
        """Keep the steps below `step`, for a run that is resumed there."""
        kept = self.gradients.steps < step
        return replace(
            self,
            gradients=self.gradients.before(step),
            updates=self.updates[kept],
            weights=self.weights[kept],
            missing=self.missing[kept],
            learning_rates=self.learning_rates[kept],
            carried=self.carried[kept],
        )


def usual_scale(shapes: Sequence[tuple[int, ...]]) -> Array:
    """Return the RMS that PyTorch gives a new weight of each shape: 1 / sqrt(3 x inputs).

    Args:
        shapes: Shape of each parameter, rows first.

    Returns:
        One figure a parameter, [parameter]; for parameters without columns that of a single input.
    """
    return np.array([1 / np.sqrt(3 * max(prod(shape[1:]), 1)) for shape in shapes])
