"""Shortcuts: patches that stand alike in pictures of one class, and what they do to the prediction."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A patch that repeats in the pictures of a class: a candidate, guilty or not.

    Attributes:
        label: The class.
        hits: Pictures of the class that hold it.
        share: Share of the class that these are, 0 to 1.
        place: Row and column of its upper left corner; of one that moves, in the first exemplar.
        size: Its rows and columns.
        moving: Whether it stands at another place in each picture.
        attention: Mean share of the saliency of a hit that lies in it, 0 to 1.
        sameness: Mean correlation of its pixels, of all pairs of hits, -1 to 1.
        copied: Share of the pixels that tell it from other pictures that are the same in nearly all hits, 0 to 1: how
            much of it is a copy.
        residue: What is left of a hit when the usual patch is taken out, fainter or stronger as it is there: root mean
            square, as a share of its contrast. 0 for a stamp; 1 where there is no contrast.
        elsewhere: Share of the pictures of other classes that hold it too.
        flip: Share of pictures of other classes that become this class when it is pasted into them; NaN where there
            are too few.
        receivers: Into how many pictures it was pasted.
        accuracy: Share of the class that is predicted right.
        masked: The same when it is covered with the mean of all classes.
        examples: Numbers of some hits in the order of the data.
        corners: Row and column of its upper left corner in these, [example, 2].
        pictures: These, [example, channel, row, column]; none where the patch hardly flips anything.
        maps: Their saliency, as a share of its sum, [example, row, column]; none likewise.
    """

    label: int
    hits: int
    share: float
    place: tuple[int, int]
    size: tuple[int, int]
    moving: bool
    attention: float
    sameness: float
    copied: float
    residue: float
    elsewhere: float
    flip: float
    receivers: int
    accuracy: float
    masked: float
    examples: tuple[int, ...]
    corners: Array
    pictures: Array
    maps: Array


@dataclass(frozen=True, kw_only=True)
class Shortcuts(Result):
    """Where each class looks, and the patches that repeat in it.

    Attributes:
        labels: The examined classes, [class].
        class_names: Names of all classes of the model; () where unknown.
        counts: Pictures of each, [class].
        accuracies: Share of each that is predicted right, [class].
        maps: Mean saliency of each, as a share of its sum, [class, row, column].
        cell: Rows and columns of the patches that were looked for; of those that move also three quarters of these.
        least: Pictures that had to hold a patch, [class].
        spots: What was found, the strongest of each class first.
        compared: Classes that were looked at besides, to see whether such patches are usual in these data, [other].
        aside: What was found in these.
        method: Name of the method of attribution.
        left_out: Examples without a label, or with values that are not finite.
    """

    labels: Array
    class_names: tuple[str, ...]
    counts: Array
    accuracies: Array
    maps: Array
    cell: tuple[int, int]
    least: Array
    spots: tuple[Spot, ...]
    method: str
    left_out: int
    compared: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    aside: tuple[Spot, ...] = ()

    def name(self, label: int) -> str:
        """Return what a class is called."""
        return self.class_names[label] if label < len(self.class_names) else str(label)

    def strongest(self, label: int) -> Spot | None:
        """Return the patch of a class that turns most pictures into it; None where none repeats."""
        own = [one for one in self.spots if one.label == label]
        return max(own, key=lambda one: float(np.nan_to_num(one.flip, nan=-1.0)), default=None)
