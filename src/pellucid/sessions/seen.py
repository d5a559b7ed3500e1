"""What the training thread hands to the worker: read already, not built into results yet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pellucid.core.recorder import Scalar
from pellucid.core.result import Result
from pellucid.maths.reduce import Reduced
from pellucid.maths.sampled import Sampled
from pellucid.sessions.assemble import LayerTable, ParameterTable

Parts = Mapping[str, Reduced | Sampled]
Numbers = Callable[[], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class ScalarsSeen:
    """Scalars since the last hand-over; some may still be on their way from the device.

    Attributes:
        rows: What is known, (step, name, value).
        awaited: (step, name) of what comes from the device.
        values: Returns their values as one tensor, or nothing when there are none.
        label_counts: Returns how often each class was seen so far; None when labels are not counted.
    """

    rows: tuple[Scalar, ...]
    awaited: tuple[tuple[int, str], ...]
    values: Callable[[], list[Tensor]]
    label_counts: Callable[[], list[Tensor]] | None


@dataclass(frozen=True, kw_only=True)
class ActivationsSeen:
    """Activations of one step."""

    step: int
    statistics: Callable[[], Parts]
    layers: LayerTable


@dataclass(frozen=True, kw_only=True)
class ParametersSeen:
    """Gradients, updates and carried gradients (sums of squares), and weights of one optimiser step."""

    step: int
    gradients: Callable[[], Parts]
    weights: Callable[[], Parts]
    updates: Numbers
    twins: Numbers
    carried: Numbers
    learning_rates: dict[str, float]
    table: ParameterTable
    cut: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class ResultSeen:
    """A finished piece of a result."""

    name: str
    step: int
    piece: Result


@dataclass(frozen=True, kw_only=True)
class FactsSeen:
    """Plain facts about the run that the training brought to light."""

    values: Mapping[str, Any]


Seen = ScalarsSeen | ActivationsSeen | ParametersSeen | ResultSeen | FactsSeen


def tensors_in(seen: Seen) -> int:
    """Return how many tensors something holds the statistics of: what it weighs while it waits."""
    if isinstance(seen, ActivationsSeen):
        return len(seen.layers.types)
    return 2 * len(seen.table.names) if isinstance(seen, ParametersSeen) else 1
