"""Assembling: what the watch read at one step becomes one-step pieces of the windows' results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Provenance
from pellucid.maths.series import TensorSeries
from pellucid.windows.activations.result import ActivationHistograms
from pellucid.windows.gradients.result import GradientFlow
from pellucid.windows.weights.result import WeightHistograms


@dataclass(frozen=True, kw_only=True)
class ParameterTable:
    """What does not change about the parameters of a watched model.

    Attributes:
        names: In registration order.
        shapes: Shape of each.
        trainable: Whether each asks for a gradient.
        owned: Whether an optimiser holds it.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    trainable: tuple[bool, ...]
    owned: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True)
class LayerTable:
    """What does not change about the watched layers: type, activation function and role of each name."""

    types: Mapping[str, str]
    activations: Mapping[str, str]
    roles: Mapping[str, str]


def activation_piece(series: TensorSeries, layers: LayerTable, provenance: Provenance) -> ActivationHistograms:
    """Return the activations of the steps of `series`."""
    return ActivationHistograms(
        provenance=provenance,
        series=series,
        types=tuple(layers.types[name] for name in series.names),
        activations=tuple(layers.activations[name] for name in series.names),
        roles=tuple(layers.roles[name] for name in series.names),
    )


def weight_piece(
    series: TensorSeries, twins: Sequence[Mapping[str, float]], table: ParameterTable, provenance: Provenance
) -> WeightHistograms:
    """Return the weights of the steps of `series`, with the twins of each step."""
    return WeightHistograms(
        provenance=provenance,
        series=series,
        shapes=table.shapes,
        twins=_rows(table.names, twins),
    )


def gradient_piece(
    gradients: TensorSeries,
    weights: TensorSeries,
    *,
    updates: Sequence[Mapping[str, float]],
    learning_rates: Sequence[Mapping[str, float]],
    carried: Sequence[Mapping[str, float]],
    table: ParameterTable,
    provenance: Provenance,
) -> GradientFlow:
    """Return gradients and updates of the steps of `gradients`; `updates` has the RMS of those that were measured."""
    return GradientFlow(
        provenance=provenance,
        gradients=gradients,
        updates=_rows(table.names, updates),
        weights=weights.rms,
        shapes=table.shapes,
        trainable=table.trainable,
        owned=table.owned,
        missing=np.isnan(gradients.count),
        learning_rates=_rows(table.names, learning_rates),
        carried=_rows(table.names, carried),
    )


def _rows(names: Sequence[str], steps: Sequence[Mapping[str, float]]) -> NDArray[Any]:
    return np.array([[values.get(name, np.nan) for name in names] for values in steps], dtype=np.float64)
