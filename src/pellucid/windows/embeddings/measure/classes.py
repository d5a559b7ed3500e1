"""Classes of rows: those that come with features, or those that a user names."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.arguments import can_be_written, refused, several
from pellucid.core.errors import InputError
from pellucid.windows.embeddings.result.features import Features

Array = NDArray[Any]
_EXPECTED = "None or a class for each row, whole numbers or texts"


@dataclass(frozen=True, kw_only=True)
class Classes:
    """What is known of the classes of rows.

    Attributes:
        labels: Class of each row, [row], int64; below 0 where it has none; empty where none is known.
        predicted: Class that the model gives it; likewise.
        names: Of the classes; () where they are numbers.
    """

    labels: Array
    predicted: Array
    names: tuple[str, ...] = ()

    def or_one(self, rows: int) -> Array:
        """Return the labels, and one class for all rows where none is known, [row]."""
        return self.labels if len(self.labels) else np.zeros(rows, dtype=np.int64)


def classes_of(features: Any, labels: Any, rows: int) -> Classes:
    """Return the classes of rows.

    Args:
        features: `Features`, whose classes count where no others are given; or anything.
        labels: Whole numbers or texts, one a row; None for those of the features.
        rows: How many there are.

    Raises:
        InputError: The labels are something else, or of another number.
    """
    none = np.zeros(0, dtype=np.int64)
    own = isinstance(features, Features)
    predicted, names = (features.predicted, features.names) if own else (none, ())
    if labels is None:
        return Classes(labels=features.labels if own else none, predicted=predicted, names=names)
    given = several("labels", labels, _EXPECTED)
    if len(given) != rows:
        raise InputError(f"{len(given):,} labels came for {rows:,} rows; expected one a row, and -1 for one without.")
    if given and all(isinstance(one, str) and can_be_written(one) for one in given):
        known = tuple(sorted(set(given)))
        places = {name: place for place, name in enumerate(known)}
        return Classes(labels=np.array([places[one] for one in given], dtype=np.int64), predicted=none, names=known)
    if not all(isinstance(one, Integral) and abs(int(one)) < 2**62 for one in given):
        raise refused("labels", labels, _EXPECTED)
    return Classes(labels=np.array([int(one) for one in given], dtype=np.int64), predicted=predicted, names=names)
