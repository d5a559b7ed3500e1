"""What a run shows on data that it is not trained on, wherever that was recorded."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.maths.curves import entropy
from pellucid.windows.loss.result import MOST_TELLING_CHANCE, LossCurves

RECENT = 3
"""Evaluations that must agree before a run is accused."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Loss and accuracy on held-out data.

    Attributes:
        source: "check" or "validation curves".
        steps: [evaluation].
        loss: [evaluation].
        accuracy: [evaluation], 0 to 1; NaN where not measured.
        above_guessing: Standard deviations above guessing, [evaluation]; NaN where the samples are not known.
        prior: Loss of knowing the class frequencies of these data, nats; NaN where unknown.
        chance: Share of the most frequent class, 0 to 1; NaN where unknown.
        samples: Held-out examples; 0 where not known.
    """

    source: str
    steps: NDArray[Any]
    loss: NDArray[Any]
    accuracy: NDArray[Any]
    above_guessing: NDArray[Any]
    prior: float
    chance: float
    samples: int = 0

    @property
    def accuracy_errors(self) -> NDArray[Any]:
        """Return the standard error of each accuracy, [evaluation]; 0 where the number of examples is not known."""
        if not self.samples:
            return np.zeros(len(self.accuracy))
        return np.sqrt(self.accuracy * (1 - self.accuracy) / self.samples)

    @property
    def telling(self) -> bool:
        """Whether accuracy can tell learning from guessing on these data."""
        return self.chance <= MOST_TELLING_CHANCE


def held_out(result: LossCurves) -> HeldOut | None:
    """Return the held-out evaluations: those of the check batch, else the validation curves.

    Args:
        result: The curves of a run.

    Returns:
        At least three evaluations with a finite loss; None when there are fewer.
    """
    return _checked(result) or _validated(result)


def longest(result: LossCurves) -> HeldOut | None:
    """Return the held-out evaluations of whichever has more of them, for what shows only over time."""
    found = [one for one in (_checked(result), _validated(result)) if one is not None]
    return max(found, key=lambda one: len(one.steps), default=None)


def _checked(result: LossCurves) -> HeldOut | None:
    check = result.check
    if check is None or np.isfinite(check.loss_eval).sum() < RECENT:
        return None
    kept = np.isfinite(check.loss_eval)
    return HeldOut(
        source="check",
        steps=check.steps[kept],
        loss=check.loss_eval[kept],
        accuracy=check.accuracy_eval[kept],
        above_guessing=check.above_guessing()[kept],
        prior=entropy(check.label_counts),
        chance=check.largest_share,
        samples=check.samples,
    )


def _validated(result: LossCurves) -> HeldOut | None:
    loss, accuracy = result.curve("val_loss").finite(), result.shares("val_accuracy")
    if len(loss) < RECENT:
        return None
    matched = np.array([_at(accuracy.steps, accuracy.values, step) for step in loss.steps.tolist()])
    total = int(np.sum(result.label_counts))
    return HeldOut(
        source="validation curves",
        steps=loss.steps,
        loss=loss.values,
        accuracy=matched,
        above_guessing=np.full(len(loss), np.nan),
        prior=entropy(result.label_counts),
        chance=float(np.max(result.label_counts) / total) if total else math.nan,
    )


def _at(steps: NDArray[Any], values: NDArray[Any], step: int) -> float:
    place = int(np.searchsorted(steps, step))
    return float(values[place]) if place < len(steps) and steps[place] == step else math.nan
