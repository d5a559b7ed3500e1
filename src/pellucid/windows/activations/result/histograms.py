"""What was measured of the activations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result
from pellucid.maths.onset import sound_steps
from pellucid.maths.series import TensorSeries

RECTIFIERS = frozenset({"relu", "relu6", "hardswish", "threshold"})
"""Activation functions that give exactly 0, and pass no gradient, over a whole range of inputs."""


@runtime_checkable
class CountsDeadUnits(Protocol):
    """A result that has counted units that are 0 on every sample of a batch; windows know each other no closer."""

    unit_layers: tuple[str, ...]
    dead_units: NDArray[Any]
    unit_samples: int


@dataclass(frozen=True, kw_only=True)
class ActivationHistograms(Result):
    """The distribution of what every layer puts out, over the watched steps.

    Attributes:
        series: Outputs of the leaf modules in execution order, and the outputs of activation functions that
            are called without a module, as "<next leaf>.input". A finished model has one step.
        types: Type of the module that made each tensor, such as "ReLU".
        activations: Name of the activation function that made it, such as "relu"; "" for none.
        roles: "activation", "pre-activation" (an activation function reads it) or "output".
        dead_on_check: Share of dead units of a layer on a held-out batch of `check_samples`, 0 to 1, by name, where
            an evaluation of the same run counted them.
        check_samples: Samples of that batch.
    """

    series: TensorSeries
    types: tuple[str, ...]
    activations: tuple[str, ...]
    roles: tuple[str, ...]
    dead_on_check: Mapping[str, float] = field(default_factory=dict[str, float])
    check_samples: int = 0

    def beside(self, others: Sequence[Result]) -> "ActivationHistograms":
        """Take what an evaluation of the same run counted: dead units on one large batch.

        Args:
            others: The other results of the run.

        Returns:
            A result with `dead_on_check` set, where one of the others has counted dead units.
        """
        counted = next((one for one in others if isinstance(one, CountsDeadUnits) and len(one.dead_units)), None)
        if counted is None:
            return self
        latest = dict(zip(counted.unit_layers, counted.dead_units[-1].tolist(), strict=True))
        known = {name: share for name, share in latest.items() if np.isfinite(share)}
        return replace(self, dead_on_check=known, check_samples=counted.unit_samples)

    @property
    def watched(self) -> tuple[int, ...]:
        """Return the watched steps."""
        return tuple(self.series.steps.tolist())

    @property
    def sound(self) -> int:
        """Return how many steps lie before the first NaN or +inf; -inf is a mask."""
        return sound_steps(self.series, masks=True)

    @property
    def rectified(self) -> tuple[int, ...]:
        """Return the places of the tensors that a rectifying activation function made."""
        return tuple(place for place, name in enumerate(self.activations) if name in RECTIFIERS)

    def spike(self, tensor: int, steps: slice | None = None) -> tuple[float, float]:
        """Split the spike at zero: values of units that are always zero, and of units that are zero at times.

        Args:
            tensor: Place of the tensor.
            steps: Places on the step axis; None for all.

        Returns:
            (dead, sparse), shares of all finite values, 0 to 1 together; NaN when nothing was measured. Where
            no unit was counted, all zeros are sparse. Below 512 samples "dead" says little.
        """
        chosen = slice(None) if steps is None else steps
        finite, zeros = self.series.sums[chosen, tensor, :2].sum(axis=0)
        if finite == 0:
            return float("nan"), float("nan")
        seen, active, _ = self.series.unit_counts(tensor, chosen)
        dead = float((active == 0).mean()) if len(seen) and seen[0] > 0 else 0.0
        return min(dead, zeros / finite), max(zeros / finite - dead, 0.0)

    @classmethod
    def join(cls, pieces: Sequence[Any]) -> "ActivationHistograms":
        """Put pieces that were cut along the steps together again; see `Result.join`."""
        series = TensorSeries.concatenate([piece.series for piece in pieces])
        known: dict[str, tuple[str, str, str]] = {}
        for piece in pieces:
            rows = zip(piece.series.names, piece.types, piece.activations, piece.roles, strict=True)
            known |= {name: (kind, activation, role) for name, kind, activation, role in rows}
        return replace(
            pieces[-1],
            series=series,
            types=tuple(known[name][0] for name in series.names),
            activations=tuple(known[name][1] for name in series.names),
            roles=tuple(known[name][2] for name in series.names),
        )

    def thin(self, most: int) -> "ActivationHistograms":
        """Keep at most `most` steps, evenly spread, always the first and the last."""
        return replace(self, series=self.series.thin(most))

    def before(self, step: int) -> "ActivationHistograms":
        """Keep the steps below `step`, for a run that is resumed there."""
        return replace(self, series=self.series.before(step))

    def scale(self) -> NDArray[Any]:
        """Return the standard deviation of each tensor at the sound steps, [step, tensor]; NaN where absent."""
        return np.asarray(self.series.std[: self.sound])
