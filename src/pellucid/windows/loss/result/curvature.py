"""What was measured of the curvature of the loss at the weights."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]

_NORMAL = 1.96
_WIDTH = 0.01
_PLACES = 400


@dataclass(frozen=True, kw_only=True)
class Curvature(Result):
    """The Hessian of the loss at the weights, as far as its products with vectors tell.

    Attributes:
        loss_name: What the loss is.
        statistics: What batch norm uses: "none" (there is none) or "held" (what the model holds).
        samples: Examples that the loss is the mean of.
        parameters: Weights that are trained.
        highest: The largest eigenvalue.
        lowest: The smallest.
        bounds: How far (lowest, highest) may be from an eigenvalue.
        values: Ritz values of each random start, [start, value]; NaN behind those that ended early.
        weights: Share of the spectrum that each stands for, adding up to 1 for each start, [start, value].
        along: d'Hd of random directions d whose filters are as long as the model's, [direction].
        optimizer: Kind of the optimizer whose stability is judged: "SGD", "momentum", "Nesterov", "Adam", or "" for
            none.
        learning_rate: Its learning rate; NaN for none.
        momentum: Its momentum, or beta1.
        preconditioned: Largest eigenvalue of the Hessian as Adam sees it, its rows and columns divided by the root of
            what Adam divides by; NaN for others.
        assumed: Parameters of modules of one's own, of which the first axis is taken for that of the units.
        stopped: Whether Ctrl-C ended it early.
    """

    loss_name: str
    statistics: str
    samples: int
    parameters: int
    highest: float
    lowest: float
    bounds: tuple[float, float]
    values: Array
    weights: Array
    along: Array
    optimizer: str = ""
    learning_rate: float = float("nan")
    momentum: float = 0.0
    preconditioned: float = float("nan")
    assumed: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def sharpness(self) -> float:
        """Return the trace of the Hessian in the size of the filters: the mean of `along`; NaN where there is none."""
        return float(self.along.mean()) if self.along.size else float("nan")

    @property
    def interval(self) -> float:
        """Return half of the 95 % interval of the sharpness; NaN with fewer than 2 directions."""
        count = self.along.size
        return _NORMAL * float(self.along.std(ddof=1)) / count**0.5 if count > 1 else float("nan")

    @property
    def trace(self) -> float:
        """Return the trace of the Hessian, an estimate from the random starts; NaN without any."""
        if not self.values.size:
            return float("nan")
        return self.parameters * float(np.nansum(self.values * self.weights, axis=1).mean())

    @property
    def steepest(self) -> float:
        """Return the curvature that the optimizer feels: of the Hessian, or as Adam sees it."""
        return self.preconditioned if self.optimizer == "Adam" else self.highest

    @property
    def edge(self) -> float:
        """Return the curvature from which on steps of the optimizer grow on a parabola; NaN without an optimizer.

        2 / lr for SGD, (2 + 2 b) / lr with the momentum b, (2 + 2 b) / ((1 + 2 b) lr) with that of Nesterov, and (2 + 2
        b) / ((1 - b) lr) for Adam, whose momentum is an average.
        """
        if not self.optimizer:
            return float("nan")
        memory = 1 + self.momentum if self.optimizer != "SGD" else 1.0
        average = 1 - self.momentum if self.optimizer == "Adam" else 1.0
        ahead = 1 + 2 * self.momentum if self.optimizer == "Nesterov" else 1.0
        return 2 * memory / (ahead * average * self.learning_rate)

    @cached_property
    def density(self) -> tuple[Array, Array]:
        """Return places and the density of eigenvalues there, smoothed by 1 % of the whole range, [place] each."""
        known = np.isfinite(self.values)
        if not known.any():
            return np.zeros(0), np.zeros(0)
        low, high = min(self.lowest, self.values[known].min()), max(self.highest, self.values[known].max())
        width = max(_WIDTH * (high - low), 1e-12 * max(abs(low), abs(high), 1e-300))
        places = np.linspace(low - 4 * width, high + 4 * width, _PLACES)
        values, weights = self.values[known], self.weights[known] / len(self.values)
        bumps = np.exp(-0.5 * ((places[:, None] - values[None]) / width) ** 2) / (width * (2 * np.pi) ** 0.5)
        return places, bumps @ weights
