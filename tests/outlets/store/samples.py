"""A small result with steps, and what fills runs with it. Imported by tests and by the processes they start."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result


@dataclass(frozen=True, kw_only=True)
class Watched(Result):
    """One value a step and layer; value = step + layer / 100 unless a test says otherwise."""

    names: tuple[str, ...]
    steps: NDArray[Any]
    values: NDArray[Any]

    @classmethod
    def join(cls, pieces: Sequence[Any]) -> "Watched":
        """Put the steps one after the other."""
        steps = np.concatenate([one.steps for one in pieces])
        return cls(names=pieces[-1].names, steps=steps, values=np.concatenate([one.values for one in pieces]))

    def thin(self, most: int) -> "Watched":
        """Keep steps evenly spread."""
        if len(self.steps) <= most:
            return self
        kept = np.linspace(0, len(self.steps) - 1, most).round().astype(int)
        return type(self)(names=self.names, steps=self.steps[kept], values=self.values[kept])


@dataclass(frozen=True, kw_only=True)
class WatchedCut(Watched):
    """The same, able to give up its end."""

    def before(self, step: int) -> "WatchedCut":
        """Keep the steps below `step`."""
        kept = self.steps < step
        return type(self)(names=self.names, steps=self.steps[kept], values=self.values[kept])


@dataclass(frozen=True, kw_only=True)
class Photograph(Result):
    """A result without steps."""

    share: float


def watched(first: int, last: int, *, layers: int = 3, kind: type[Watched] = Watched) -> Watched:
    """Make a piece that covers the steps `first` to `last`."""
    steps = np.arange(first, last + 1)
    values = steps[:, None] + np.arange(layers) / 100
    return kind(names=tuple(f"layer.{index}" for index in range(layers)), steps=steps, values=values)
