"""What was measured of the loss around the weights."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]

_CLEARLY = 0.1


@dataclass(frozen=True, kw_only=True)
class Landscape(Result):
    """The loss on a plane through the weights, and along further directions.

    A point (a, b) is the weights plus a times the first direction plus b times the second. Directions are as long as
    the weights, filter by filter, so that 1 moves each filter by its own length.

    Attributes:
        directions: "random", "hessian", "path" or "given".
        loss_name: What the loss is.
        statistics: What batch norm uses: "none" (there is none), "held" (what the model holds) or "recalibrated"
            (measured anew at each point).
        samples: Examples that each loss is the mean of.
        parts: Parts of the data that standard errors come from.
        columns: How far along the first direction, [column]; one of them is 0.
        rows: How far along the second, [row].
        losses: [row, column]; NaN where there is none.
        errors: Standard error of the difference to the loss in the middle, [row, column]; NaN where that was not
            measured.
        measured: Which cells were measured; the others lie on a smooth surface through them, [row, column].
        missed: Relative errors of that surface at cells that it had not seen, [cell]; empty where all were measured.
        tolerance: What these may be.
        lines: The loss along further directions of the same kind, [direction, place].
        places: How far along them, [place].
        cosine: Between the two directions of the plane.
        assumed: Parameters of modules of one's own, of which the first axis is taken for that of the units.
        gains: Whether biases and gains moved, too.
        stopped: Whether Ctrl-C ended it early.
        path: Where snapshots of a training lie on the plane, [snapshot, (column, row)]; [0, 2] where none were given.
        path_steps: Number of the step of each, [snapshot].
        path_losses: The loss at each snapshot itself, which lies off the plane, [snapshot].
        off_plane: Share of its distance from the weights that is off the plane, [snapshot].
    """

    directions: str
    loss_name: str
    statistics: str
    samples: int
    parts: int
    columns: Array
    rows: Array
    losses: Array
    errors: Array
    measured: Array
    missed: Array
    tolerance: float
    lines: Array
    places: Array
    cosine: float = 0.0
    assumed: tuple[str, ...] = ()
    gains: bool = False
    stopped: bool = False
    path: Array = field(default_factory=lambda: np.zeros((0, 2)))
    path_steps: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    path_losses: Array = field(default_factory=lambda: np.zeros(0))
    off_plane: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def home(self) -> tuple[int, int]:
        """Return row and column of the weights themselves; (0, 0) where there is no cell."""
        if not self.losses.size:
            return 0, 0
        return int(np.abs(self.rows).argmin()), int(np.abs(self.columns).argmin())

    @property
    def middle(self) -> float:
        """Return the loss at the weights themselves."""
        return float(self.losses[self.home]) if self.losses.size else float("nan")

    @cached_property
    def lowest(self) -> tuple[int, int] | None:
        """Return row and column of the lowest loss; None where no loss is finite."""
        finite = np.isfinite(self.losses)
        if not finite.any():
            return None
        row, column = divmod(int(np.where(finite, self.losses, np.inf).argmin()), self.losses.shape[1])
        return row, column

    @property
    def error(self) -> float:
        """Return the largest relative error that was met where the surface was filled in; 0 where all was measured."""
        return float(self.missed.max(initial=0.0))

    @cached_property
    def bends(self) -> Array:
        """Return the lower and the higher curvature of the surface at each inner cell, [row, column, 2]."""
        if min(self.losses.shape) < 3:
            return np.zeros((0, 0, 2))
        with np.errstate(all="ignore"):  # of losses that are infinite, and of distances whose squares are
            return self._bends()

    def _bends(self) -> Array:
        z, across, down = self.losses, np.diff(self.columns)[0], np.diff(self.rows)[0]
        xx = (z[1:-1, 2:] - 2 * z[1:-1, 1:-1] + z[1:-1, :-2]) / across**2
        yy = (z[2:, 1:-1] - 2 * z[1:-1, 1:-1] + z[:-2, 1:-1]) / down**2
        xy = (z[2:, 2:] - z[2:, :-2] - z[:-2, 2:] + z[:-2, :-2]) / (4 * across * down)
        middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
        return np.stack([middle - half, middle + half], axis=-1)

    @cached_property
    def bent_down(self) -> float:
        """Return the share of inner cells where the surface clearly bends down; NaN where there is none.

        Clearly: the lower curvature is below 0 by more than a tenth of the size of the higher.
        """
        bends = self.bends[np.isfinite(self.bends).all(axis=-1)]
        return float((bends[:, 0] < -_CLEARLY * np.abs(bends[:, 1])).mean()) if len(bends) else float("nan")

    @cached_property
    def spread(self) -> Array:
        """Return how much the loss rises at the ends of each further direction, relative to the middle, [direction]."""
        if not self.lines.size:
            return np.zeros(0)
        return np.asarray((self.lines[:, 0] + self.lines[:, -1]) / 2 - self.middle)
