"""Spectra: the singular values of every weight matrix."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Spectra(Result):
    """The singular values of every weight matrix, in float64. A convolution counts as [filters, all of one filter].

    Attributes:
        names: Of the parameters, in registration order.
        shapes: Rows and columns of each matrix.
        values: Singular values of each, largest first, [min(rows, columns)]; NaN where the weights are not finite.
        left_out: Names of matrices that were too large.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    values: tuple[Array, ...]
    left_out: tuple[str, ...]

    @property
    def norms(self) -> Array:
        """Return the largest singular value of each matrix: how far it can stretch a vector, [matrix]."""
        return np.array([one[0] if len(one) else np.nan for one in self.values], dtype=np.float64)

    @property
    def stable_ranks(self) -> Array:
        """Return the sum of squares over the largest square, 1 to min(rows, columns), [matrix]; NaN for zeros.

        Source: Rudelson and Vershynin 2007.
        """
        return np.array([float(((one / one[0]) ** 2).sum()) if _sound(one) else np.nan for one in self.values])

    @property
    def effective_ranks(self) -> Array:
        """Return exp of the entropy of the singular values as shares, 1 to min(rows, columns), [matrix].

        Source: Roy and Vetterli 2007.
        """
        return np.array([_spread(one / one.sum()) if _sound(one) else np.nan for one in self.values])

    @property
    def conditions(self) -> Array:
        """Return the largest over the smallest singular value, 1 to infinity, [matrix]; NaN for zeros."""
        with np.errstate(divide="ignore"):
            return np.array([one[0] / one[-1] if _sound(one) else np.nan for one in self.values])


def _sound(values: Array) -> bool:
    return len(values) > 0 and bool(np.isfinite(values).all()) and bool(values[0] > 0)


def _spread(shares: Array) -> float:
    held = shares[shares > 0]
    return float(np.exp(-(held * np.log(held)).sum()))
