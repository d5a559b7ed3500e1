"""Whether a model has pulled its classes apart: their scatter in its features, beside that before any training."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]

SPACES = ("features", "raw inputs", "untrained twin")
"""What is compared, in the order of the first axis of the arrays."""
LEARNED, TANGLED, LIFT = 0.5, 0.9, 0.03
"""The share of the baseline's scatter up to which classes are learned, and from which on tangled; lift at the least."""
FEWEST = 10
"""Examples of a class, from which on it can be judged."""
FITTED = 0.95
"""Accuracy on training data from which on they are known by heart."""
_ERRORS, _NEAR = 3.0, 0.1


@dataclass(frozen=True, kw_only=True)
class Separation(Result):
    """How far apart classes lie on data that the model was not trained on, beside two baselines.

    Attributes:
        layer: Where the features come from, such as "input of fc"; "" where they were given as an array.
        pooled: How places or tokens became one vector; "" where there was one.
        classes: Their numbers, rising, [class].
        counts: Examples of each, [class].
        names: Of the classes, in the order of `classes`; () where they are numbers.
        ratios: Scatter within classes over that between them, tr S_W / tr S_B, by `SPACES`; NaN where there is none.
        ratio_ranges: 95 % intervals of these, [space, (low, high)].
        share: Ratio of the features over the smaller of the other two; NaN without any.
        share_range: 95 % interval of it, [(low, high)].
        silhouettes: Mean silhouette, by `SPACES`.
        class_silhouettes: That of the features, [class].
        distances: Between class means of the features, in typical distances of an example from its own mean, [class,
            class].
        collapse: NC1, the two of NC2, NC3 and NC4: see `maths.separation.Collapse`.
        accuracy: On these data; NaN where the model does not classify.
        train_accuracy: On the data that it was trained on; NaN where none were given.
        examples: That were compared.
        left_out: Examples without a class, or with values that are not finite.
        compared: Examples that the silhouettes are of.
        raw_missing: Why there are no raw inputs to compare with; "" where there are.
        twin_missing: Why there is no untrained twin; "" where there is one.
        sketched: Whether raw inputs were so long that they were sketched.
        stopped: Whether Ctrl-C ended it early.
    """

    layer: str = ""
    pooled: str = ""
    classes: Array
    counts: Array
    names: tuple[str, ...] = ()
    ratios: Array
    ratio_ranges: Array
    share: float
    share_range: Array
    silhouettes: Array
    class_silhouettes: Array
    distances: Array
    collapse: Array = field(default_factory=lambda: np.full(5, np.nan))
    accuracy: float = float("nan")
    train_accuracy: float = float("nan")
    examples: int
    left_out: int = 0
    compared: int = 0
    raw_missing: str = ""
    twin_missing: str = ""
    sketched: bool = False
    stopped: bool = False

    @property
    def baseline(self) -> int | None:
        """Return which of `SPACES` the features are held against, the one with the smaller ratio; None for none."""
        known = np.where(np.isfinite(self.ratios[1:]), self.ratios[1:], np.inf)
        return int(known.argmin()) + 1 if np.isfinite(known).any() else None

    @property
    def lift(self) -> float:
        """Return by how much the silhouette is above that of the baseline; NaN without one."""
        return float("nan") if self.baseline is None else float(self.silhouettes[0] - self.silhouettes[self.baseline])

    @property
    def chance(self) -> float:
        """Return the accuracy of saying the most frequent class; NaN without any."""
        return float(self.counts.max() / self.counts.sum()) if self.counts.size else float("nan")

    @property
    def guesses(self) -> bool:
        """Say whether the accuracy is no more than a tenth of the way from chance to 1, or three standard errors."""
        error = (self.chance * (1 - self.chance) / max(self.examples, 1)) ** 0.5
        return bool(self.accuracy <= self.chance + max(_ERRORS * error, _NEAR * (1 - self.chance)))

    @property
    def verdict(self) -> str:
        """Return "learned", "partly", "tangled", "memorised", or why there is none: see `said`."""
        return self.said()

    def said(self, *, learned: float = LEARNED, tangled: float = TANGLED, lift: float = LIFT) -> str:
        """Return the verdict in one word.

        Args:
            learned: Share of the baseline's ratio up to which classes are learned.
            tangled: Share from which on they are tangled.
            lift: By which the silhouette must be above that of the baseline where they are learned.

        Returns:
            "learned", "partly", "tangled"; "memorised" where they are tangled, the training data are known by heart and
            the accuracy on these is that of guessing; "few" where there are not two classes, or one has fewer than 10
            examples; "unknown" without a baseline; "unclear" where the interval lies across a limit.
        """
        if len(self.counts) < 2 or self.counts.min() < FEWEST:
            return "few"
        if not np.isfinite([self.share, *self.share_range]).all():
            return "unknown"
        low, high = (float(one) for one in self.share_range)
        if high <= learned:
            return "learned" if self.lift >= lift else "partly"
        if low >= tangled:
            by_heart = self.train_accuracy >= FITTED and self.guesses
            return "memorised" if by_heart else "tangled"
        return "partly" if low > learned and high < tangled else "unclear"
