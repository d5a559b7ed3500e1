"""Learning: what the loss says, for rules that need evidence that learning suffers before they accuse."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Learning:
    """A summary of how training goes; every figure is None when it was not measured.

    Attributes:
        steps: Optimiser steps seen; None for a finished model.
        first: Loss over the first steps, nats (or the unit of the loss).
        last: Loss over the last steps.
        prior: Loss of a model that knows the class frequencies and nothing else, nats.
        classes: Number of classes.
        accuracy: Latest accuracy on held-out data, or on the training batches where there is none, 0 to 1.
        head: Name of the layer that makes the output.
        chance: Accuracy of always naming the most frequent class, 0 to 1.
    """

    steps: int | None = None
    first: float | None = None
    last: float | None = None
    prior: float | None = None
    classes: int | None = None
    accuracy: float | None = None
    chance: float | None = None
    head: str | None = None

    @property
    def fall(self) -> float | None:
        """Share of the first loss that is gone, <= 1; negative when the loss rose; None when not measured."""
        if self.first is None or self.last is None or self.first == 0:
            return None
        return (self.first - self.last) / abs(self.first)

    @property
    def succeeds(self) -> bool | None:
        """Whether the model plainly learns: well above chance, or the loss well below where it began.

        True when accuracy is past half the way from chance to 1; or when the loss has fallen by half and accuracy is
        clearly above chance, a tenth of that way (a language model never gets half of its tokens right). Where
        accuracy is not measured the fall alone decides. None when neither was measured.
        """
        fallen = None if self.fall is None else self.fall >= 0.5
        if self.accuracy is None or self.chance is None:
            return fallen
        way = (self.accuracy - self.chance) / (1 - self.chance) if self.chance < 1 else 1.0
        return way >= 0.5 or (fallen is True and way >= 0.1 and self._below_prior)

    @property
    def _below_prior(self) -> bool:
        # A loss that began far too high has fallen by half long before anything is learned.
        return self.prior is None or self.last is None or self.last < 0.8 * self.prior
