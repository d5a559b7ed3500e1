"""What was recorded of a run: its scalars over the steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.learning import Learning
from pellucid.core.result import Result
from pellucid.maths.curves import entropy, evenly, finite_prefix
from pellucid.windows.loss.result.check import MOST_TELLING_CHANCE, SanityCheck


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
