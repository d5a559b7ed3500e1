"""What was measured along single lines: between two models, and along the step of an optimizer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Interpolation(Result):
    """The loss on the straight line between the weights of two models.

    Attributes:
        loss_name: What the loss is.
        statistics: What batch norm uses: "none" (there is none) or "recalibrated" (measured anew at each point).
        samples: Examples that each loss is the mean of.
        parts: Parts of the data that standard errors come from.
        places: Share of the way from the first model to the second, [point], 0 to 1.
        losses: [point]; NaN or infinite where the loss is, NaN where it was not reached.
        wrong: Share of the targets for which another class is predicted, [point]; NaN without classes.
        rise_errors: Standard error of `rises`, [point]; NaN with fewer than 4 parts.
        wrong_errors: Standard error of `wrong_rises`, [point]; NaN with fewer than 4 parts, or without classes.
        distance: Length of the way, as a share of the length of the first model's weights.
        cosine: Between the weights of both.
        buffers: Names of buffers in which both differ and which are those of the first all the way; batch norm's are
            not among them.
        stopped: Whether Ctrl-C ended it early.
    """

    loss_name: str
    statistics: str
    samples: int
    parts: int
    places: Array
    losses: Array
    wrong: Array
    rise_errors: Array
    wrong_errors: Array
    distance: float
    cosine: float
    buffers: tuple[str, ...] = ()
    stopped: bool = False

    @cached_property
    def rises(self) -> Array:
        """Return how far the loss lies above the straight line between both ends, [point]."""
        return _above(self.places, self.losses)

    @cached_property
    def wrong_rises(self) -> Array:
        """Return how far the share of wrong predictions lies above the straight line between both ends, [point]."""
        return _above(self.places, self.wrong)

    @property
    def top(self) -> int | None:
        """Return the point where the loss lies highest above the line; None where an end has no finite loss.

        A point in between without a finite loss is the highest.
        """
        if not len(self.losses) or not np.isfinite(self.losses[[0, -1]]).all():
            return None
        between = np.where(np.isnan(self.losses), np.inf, self.losses)
        return int(_above(self.places, between).argmax())

    @property
    def barrier(self) -> float:
        """Return how far the loss rises above the straight line between both ends; never below 0, NaN if unknown.

        Source:
            Frankle et al. 2020, "Linear mode connectivity and the lottery ticket hypothesis".
        """
        if self.top is None:
            return float("nan")
        return max(float(self.rises[self.top]), 0.0) if np.isfinite(self.losses[self.top]) else float("inf")


def _above(places: Array, values: Array) -> Array:
    if not len(values):
        return np.zeros(0)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        return np.asarray(values - ((1 - places) * values[0] + places * values[-1]))


@dataclass(frozen=True, kw_only=True)
class LineSearch(Result):
    """The loss along the direction in which an optimizer would step, on all of the data.

    Attributes:
        loss_name: What the loss is.
        statistics: What batch norm uses: "none" (there is none) or "held" (what the model holds).
        samples: Examples that each loss is the mean of.
        parts: Parts of the data that standard errors come from.
        optimizer: Along which direction: "SGD" (the negative gradient) or "Adam" (each weight of it divided by what
            Adam divides it by).
        steps: Learning rates that were tried, rising, the first 0, [step].
        losses: The loss after such a step, [step].
        errors: Standard error of the difference to the loss before, [step]; NaN with fewer than 4 parts.
        slope: Fall of the loss for each unit of the learning rate at its start; above 0.
        bend: Second derivative along the direction.
        learning_rate: That of the optimizer; NaN for none.
        after: The loss after a step with it; NaN for none.
        after_error: Standard error of its difference to the loss before.
        stopped: Whether Ctrl-C ended it early.
    """

    loss_name: str
    statistics: str
    samples: int
    parts: int
    optimizer: str
    steps: Array
    losses: Array
    errors: Array
    slope: float
    bend: float
    learning_rate: float = float("nan")
    after: float = float("nan")
    after_error: float = float("nan")
    stopped: bool = False

    @property
    def before(self) -> float:
        """Return the loss at the weights; NaN where nothing was measured."""
        return float(self.losses[0]) if len(self.losses) else float("nan")

    @property
    def predicted(self) -> float:
        """Return the learning rate with the lowest loss on a parabola; NaN where the ground bends down, or is flat.

        Twice as far the parabola is as high as at its start.
        """
        return self.slope / self.bend if self.bend > 0 else float("nan")

    @property
    def place(self) -> int | None:
        """Return which step has the lowest loss; None where none is lower than at the weights."""
        finite = np.where(np.isfinite(self.losses), self.losses, np.inf)
        place = int(finite.argmin()) if len(finite) else 0
        return place or None

    @property
    def best(self) -> float:
        """Return the learning rate with the lowest loss of those that were tried; NaN where none lowers it."""
        return float("nan") if self.place is None else float(self.steps[self.place])

    @property
    def share(self) -> float:
        """Return the learning rate of the optimizer as a share of the best; NaN where either is unknown."""
        return self.learning_rate / self.best
