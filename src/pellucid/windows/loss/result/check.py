"""What evaluations of the model on one batch that it is not trained on have measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.core.learning import Learning
from pellucid.core.result import Result
from pellucid.maths.curves import entropy, evenly

MOST_TELLING_CHANCE = 0.9
"""Where one class has more than this share, accuracy cannot tell learning from guessing."""


@dataclass(frozen=True, kw_only=True)
class SanityCheck(Result):
    """Evaluations of the model on one batch that it is not trained on, over training.

    Every [step] field is NaN where it was not measured.

    Attributes:
        task: "classification", "regression" or "other".
        loss_name: Name of the loss; ends in "(assumed)" when none was given.
        label_counts: How often each class is the target in the batch, [class]; empty unless classification.
        samples: Examples in the batch.
        steps: Training steps of the evaluations; [0] for a finished model.
        loss_eval: Loss in eval mode, [step].
        loss_train: Loss in train mode on the same batch, [step].
        loss_zeroed: Loss in eval mode with every input set to 0, [step].
        accuracy_eval: Accuracy in eval mode, 0 to 1, [step].
        accuracy_train: Accuracy in train mode, 0 to 1, [step].
        predictions: How often each class is named in eval mode, [step, class].
        output_low: Smallest output, [step].
        output_high: Largest output, [step].
        output_std: Standard deviation of the outputs over the batch, mean over the outputs, [step].
        row_sum_error: Largest distance of a row of outputs from summing to 1, [step].
        target_low: Smallest target; NaN unless regression.
        target_high: Largest target.
        input_low: Smallest input value.
        input_high: Largest input value.
        input_std: Standard deviation of the input values.
        input_bad: How many input values are NaN or infinite.
        layers: Layers of `spread`, execution order.
        spread: Share of the squared norm of the activations that differs between samples, [step, layer], 0 to 1.
        unit_layers: Layers of `dead_units`: the outputs of rectifying activation functions.
        dead_units: Share of units that are 0 on every sample of the batch, [step, unit_layer], 0 to 1.
        unit_samples: Smallest number of samples behind `dead_units`.
        loss_constant: Loss of answering the mean of the targets for every sample; NaN unless regression.
        shapes: Shapes of outputs and targets of two samples, where those of a regression differ; else "".
        failed_at: Training steps at which the batch could not be evaluated, [failure].
        failure: Why not, the latest time: type and message of the exception; "" where `failed_at` is empty.
    """

    task: str
    loss_name: str
    label_counts: NDArray[Any]
    samples: int
    steps: NDArray[Any]
    loss_eval: NDArray[Any]
    loss_train: NDArray[Any]
    loss_zeroed: NDArray[Any]
    accuracy_eval: NDArray[Any]
    accuracy_train: NDArray[Any]
    predictions: NDArray[Any]
    output_low: NDArray[Any]
    output_high: NDArray[Any]
    output_std: NDArray[Any]
    row_sum_error: NDArray[Any]
    target_low: float
    target_high: float
    input_low: float
    input_high: float
    input_std: float
    input_bad: int
    layers: tuple[str, ...]
    spread: NDArray[Any]
    unit_layers: tuple[str, ...]
    dead_units: NDArray[Any]
    unit_samples: int
    loss_constant: float = math.nan
    shapes: str = ""
    failed_at: NDArray[Any] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    failure: str = ""

    by_step: ClassVar[tuple[str, ...]] = (
        "steps",
        "loss_eval",
        "loss_train",
        "loss_zeroed",
        "accuracy_eval",
        "accuracy_train",
        "output_low",
        "output_high",
        "output_std",
        "row_sum_error",
    )

    @classmethod
    def failed(cls, step: int, reason: str) -> "SanityCheck":
        """Return what is known of an evaluation that failed: when, and why.

        Args:
            step: Training step at which it was tried.
            reason: Type and message of the exception, on one line.

        Returns:
            A result without steps.
        """
        table, counts = np.zeros((0, 0)), np.zeros(0, dtype=np.int64)
        missing: dict[str, Any] = {name: np.zeros(0) for name in cls.by_step}
        missing |= dict.fromkeys(("target_low", "target_high", "input_low", "input_high", "input_std"), math.nan)
        missing |= {"steps": counts, "label_counts": counts, "predictions": table.astype(np.int64)}
        missing |= {"layers": (), "spread": table, "unit_layers": (), "dead_units": table, "unit_samples": 0}
        return cls(
            **missing,
            task="other",
            loss_name="none",
            samples=0,
            input_bad=0,
            failed_at=np.array([step], dtype=np.int64),
            failure=reason,
        )

    @property
    def watched(self) -> tuple[int, ...]:
        """Return the watched steps."""
        return tuple(self.steps.tolist())

    @property
    def trouble(self) -> str:
        """Why there is no evaluation of late, in a sentence; "" when the latest one did not fail."""
        if not len(self.failed_at) or (len(self.steps) and self.steps[-1] >= self.failed_at[-1]):
            return ""
        failed, tried = len(self.failed_at), len(self.failed_at) + len(self.steps)
        return (
            f"{failed} of {tried} evaluations of the check batch failed, the last at step {self.failed_at[-1]}: "
            f"{self.failure}"
        )

    @classmethod
    def join(cls, pieces: Sequence[Any]) -> "SanityCheck":
        """Put evaluations of one run together, in the order of their steps.

        Args:
            pieces: At least one. Layers that a piece does not have are NaN at its steps; what does not belong to a
                step (the batch, the loss) is that of the last piece that has a step.

        Returns:
            One result.
        """
        layers = tuple(dict.fromkeys(name for one in pieces for name in one.layers))
        units = tuple(dict.fromkeys(name for one in pieces for name in one.unit_layers))
        classes = max(one.predictions.shape[1] for one in pieces)
        joined: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in pieces]) for name in cls.by_step}
        joined["predictions"] = np.concatenate(
            [np.pad(one.predictions, ((0, 0), (0, classes - one.predictions.shape[1]))) for one in pieces]
        )
        joined["spread"] = np.concatenate([_aligned(one.spread, one.layers, layers) for one in pieces])
        joined["dead_units"] = np.concatenate([_aligned(one.dead_units, one.unit_layers, units) for one in pieces])
        order = np.argsort(joined["steps"], kind="stable")
        ordered = {name: values[order] for name, values in joined.items()}
        ordered["failed_at"] = np.sort(np.concatenate([one.failed_at for one in pieces]))
        failure = next((one.failure for one in reversed(pieces) if one.failure), "")
        latest = next((one for one in reversed(pieces) if len(one.steps)), pieces[-1])
        return replace(latest, layers=layers, unit_layers=units, failure=failure, **ordered)

    def thin(self, most: int) -> "SanityCheck":
        """Keep at most `most` evaluations, evenly spread, always the first and the last.

        Args:
            most: At least 2.

        Returns:
            A result with fewer steps.
        """
        return self._at(evenly(len(self.steps), most))

    def before(self, step: int) -> "SanityCheck":
        """Keep the steps below `step`, for a run that is resumed there."""
        failed_at = self.failed_at[self.failed_at < step]
        failure = self.failure if len(failed_at) else ""
        return replace(self._at(self.steps < step), failed_at=failed_at, failure=failure)

    def _at(self, kept: NDArray[Any]) -> "SanityCheck":
        names = (*self.by_step, "predictions", "spread", "dead_units")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})

    @property
    def labels(self) -> int:
        """How many class targets the batch holds; more than `samples` where a sample has several."""
        return int(np.sum(self.label_counts))

    @property
    def largest_share(self) -> float:
        """Share of the most frequent class among the targets, 0 to 1; NaN where there are none."""
        return float(np.max(self.label_counts) / self.labels) if self.labels else math.nan

    def above_guessing(self) -> NDArray[Any]:
        """How far the accuracy is above that of guessing, in standard deviations, [step].

        Guessing means naming every class as often as the model does, whatever the sample: the model is right
        in the sum over classes of (share of predictions) x (share of targets). Below 0 it is wrong more often
        than that. NaN where predictions were not counted, and where guessing cannot be wrong or right.
        """
        if not self.labels or self.predictions.shape[1] == 0:
            return np.full(len(self.steps), np.nan)
        width = max(self.predictions.shape[1], len(self.label_counts))
        named = np.pad(self.predictions.astype(np.float64), ((0, 0), (0, width - self.predictions.shape[1])))
        targets = np.pad(self.label_counts, (0, width - len(self.label_counts))) / self.labels
        with np.errstate(invalid="ignore", divide="ignore"):
            guessed = (named / named.sum(axis=1, keepdims=True)) @ targets
            deviation = np.sqrt(guessed * (1 - guessed) / self.labels)
            return np.where(deviation > 0, (self.accuracy_eval - guessed) / deviation, np.nan)

    def learning(self) -> Learning:
        """Say how training goes, as far as this batch shows it.

        Returns:
            Prior, classes, accuracy and chance of the batch; chance and accuracy are left out where one class
            has nearly all targets. First and last loss are those of the evaluations, from three on.
        """
        losses = self.loss_eval[np.isfinite(self.loss_eval)]
        seen = self.accuracy_eval[np.isfinite(self.accuracy_eval)]
        telling = bool(seen.size) and self.largest_share <= MOST_TELLING_CHANCE
        return Learning(
            first=float(losses[0]) if losses.size >= 3 else None,
            last=float(losses[-1]) if losses.size >= 3 else None,
            prior=entropy(self.label_counts) if self.labels else None,
            classes=int(np.sum(self.label_counts > 0)) or None,
            accuracy=float(seen[-1]) if telling else None,
            chance=self.largest_share if telling else None,
            head=self.layers[-1] if self.layers else None,
        )


def _aligned(values: NDArray[Any], names: tuple[str, ...], wanted: tuple[str, ...]) -> NDArray[Any]:
    """Put the columns called `names` in the places of `wanted`, NaN where there is none."""
    result = np.full((len(values), len(wanted)), np.nan)
    result[:, [wanted.index(name) for name in names]] = values
    return result
