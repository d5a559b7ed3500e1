"""What was measured of the loss: the curves of a run, and evaluations on a held-out batch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.core.learning import Learning
from pellucid.core.result import Result
from pellucid.maths.curves import entropy, evenly, finite_prefix

MOST_TELLING_CHANCE = 0.9
"""Where one class has more than this share, accuracy cannot tell learning from guessing."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One named scalar over training.

    Attributes:
        steps: Training steps, rising, [point].
        values: [point]; may hold NaN and infinities.
    """

    steps: NDArray[Any]
    values: NDArray[Any]

    def before_failure(self) -> "Curve":
        """The part before the first value that is NaN or infinite."""
        count = finite_prefix(self.values)
        return Curve(steps=self.steps[:count], values=self.values[:count])

    def finite(self) -> "Curve":
        """The points whose value is finite."""
        kept = np.isfinite(self.values)
        return Curve(steps=self.steps[kept], values=self.values[kept])

    def __len__(self) -> int:
        return len(self.steps)


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
    def join(cls, pieces: Sequence[Any]) -> "SanityCheck":
        """Put evaluations of one run together, in the order of their steps.

        Args:
            pieces: At least one. Layers that a piece does not have are NaN at its steps; what does not belong to a
                step (the batch, the loss) is that of the last piece.

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
        return replace(pieces[-1], layers=layers, unit_layers=units, **ordered)

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
        return self._at(self.steps < step)

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


@dataclass(frozen=True, kw_only=True)
class LossCurves(Result):
    """Every scalar of a run.

    Attributes:
        curves: By name: "loss", "accuracy", "val_loss", "val_accuracy", "lr", "target_entropy" (entropy of
            the labels of each batch, nats) and whatever else was recorded.
        label_counts: How often each class was a target in training, [class]; empty when unknown.
        check: Evaluations of the same run on a held-out batch; None when there are none. Judging a run puts
            them here.
    """

    curves: Mapping[str, Curve]
    label_counts: NDArray[Any] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    check: SanityCheck | None = None

    @classmethod
    def join(cls, pieces: Sequence[Any]) -> "LossCurves":
        """Put the curves of one run together.

        Args:
            pieces: At least one. Where two hold the same steps of a curve the later one is believed: a run that
                was resumed has seen them twice.

        Returns:
            One result, labels added up.
        """
        names = dict.fromkeys(name for one in pieces for name in one.curves)
        width = max(len(one.label_counts) for one in pieces)
        counts = sum(
            (np.pad(one.label_counts, (0, width - len(one.label_counts))) for one in pieces), np.zeros(width, np.int64)
        )
        checks = [one.check for one in pieces if one.check is not None]
        return replace(
            pieces[-1],
            curves={name: _chained([one.curves[name] for one in pieces if name in one.curves]) for name in names},
            label_counts=counts,
            check=SanityCheck.join(checks) if checks else None,
        )

    def thin(self, most: int) -> "LossCurves":
        """Keep at most `most` points of each curve, evenly spread, always the first and the last.

        Args:
            most: At least 2.

        Returns:
            A result with fewer points. Spikes of one step may be gone: judge before thinning.
        """
        return replace(
            self,
            curves={
                name: Curve(steps=one.steps[kept], values=one.values[kept])
                for name, one in self.curves.items()
                for kept in [evenly(len(one), most)]
            },
            check=None if self.check is None else self.check.thin(most),
        )

    def beside(self, others: Sequence[Result]) -> "LossCurves":
        """Take the evaluations of the same run, so that both are judged together.

        Args:
            others: The other results of the run.

        Returns:
            A result with `check` set, where there is one among the others and none was set.
        """
        found = next((one for one in others if isinstance(one, SanityCheck)), None)
        return self if self.check is not None or found is None else replace(self, check=found)

    def learning(self) -> Learning:
        """Say how training goes.

        Returns:
            First and last training loss, steps, prior and classes of the training labels, and accuracy: of the
            held-out batch, else "val_accuracy", else of the training batches. What was not measured is None, and
            so is an accuracy that is not a share of 1.
        """
        held_out = Learning() if self.check is None else self.check.learning()
        loss = self.curve("loss").before_failure()
        ends = _ends(loss.values)
        total = int(np.sum(self.label_counts))
        chance = float(np.max(self.label_counts) / total) if total else None
        accuracy = self._accuracy() if chance is not None and chance <= MOST_TELLING_CHANCE else None
        from_check = held_out.accuracy is not None
        return Learning(
            steps=int(loss.steps[-1] - loss.steps[0]) + 1 if len(loss) else None,
            first=ends[0] if ends else held_out.first,
            last=ends[1] if ends else held_out.last,
            prior=entropy(self.label_counts) if total else held_out.prior,
            classes=int(np.sum(self.label_counts > 0)) if total else held_out.classes,
            accuracy=held_out.accuracy if from_check else accuracy,
            chance=held_out.chance if from_check else (chance if accuracy is not None else None),
        )

    def curve(self, name: str) -> Curve:
        """Return one curve; an empty one where nothing was recorded under the name."""
        return self.curves.get(name, _EMPTY)

    def labels_per_step(self) -> float | None:
        """How many labels a step had on average, at the least; None where they were not counted.

        The curve may have been thinned, so that steps are counted from the first to the last.
        """
        steps, total = self.curve("target_entropy").steps, int(np.sum(self.label_counts))
        steps = steps if len(steps) else self.curve("loss").steps
        return total / (int(steps[-1]) - int(steps[0]) + 1) if total and len(steps) else None

    def shares(self, name: str) -> Curve:
        """Return the finite points of a curve of shares; an empty one where a value is not within 0 to 1."""
        found = self.curve(name).finite()
        return found if len(found) and found.values.min() >= 0 and found.values.max() <= 1 else _EMPTY

    def _accuracy(self) -> float | None:
        held_out, training = self.shares("val_accuracy"), self.shares("accuracy")
        if len(held_out):
            return float(held_out.values[-1])
        return float(np.mean(training.values[-_window(len(training)) :])) if len(training) else None


_EMPTY = Curve(steps=np.zeros(0, dtype=np.int64), values=np.zeros(0))


def _window(points: int) -> int:
    """How many points stand for the end of a curve."""
    return min(max(points // 10, 1), 50)


def _ends(values: NDArray[Any]) -> tuple[float, float] | None:
    """Loss over the first and over the last points; None with fewer than three."""
    if len(values) < 3:
        return None
    head = min(max(len(values) // 20, 1), 10)
    return float(np.median(values[:head])), float(np.median(values[-_window(len(values)) :]))


def _chained(pieces: Sequence[Curve]) -> Curve:
    kept: list[Curve] = []
    for piece in pieces:
        first = piece.steps[0] if len(piece) else None
        earlier = (_until(one, first) for one in kept) if first is not None else iter(kept)
        kept = [*earlier, piece]
    return Curve(steps=np.concatenate([one.steps for one in kept]), values=np.concatenate([one.values for one in kept]))


def _until(curve: Curve, step: Any) -> Curve:
    before = curve.steps < step
    return Curve(steps=curve.steps[before], values=curve.values[before])
