"""Principal axes of rows that may be too many to be held at once."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from pellucid.core.progress import each

Chunks = Callable[[], Iterable[Tensor]]
"""Begins to read from the first row: parts of the rows one after the other, float64, [row, unit]."""

EXACT = 2048
"""Rows or units up to which axes are exact."""
_HELD = 1 << 28  # numbers of all rows together that are held at once where units are many and rows few: 2 GiB
_SPARE, _PASSES, _CLOSE = 30, 8, 1e-4
_ALIKE = 1e-24


class Principal(NamedTuple):
    """The directions along which rows differ most.

    Attributes:
        mean: Of all rows, [unit].
        axes: Directions of length 1, at right angles, that of most variance first; the largest entry of each is
            positive. Where rows do not differ along any further direction, zeros. [axis, unit].
        variances: Along each, over rows - 1, [axis].
        spread: Variance of each unit, [unit].
        residual: How far the axes may be off: the largest norm of C v - l v, C being the covariance, as a share of the
            largest l. 0 where they are exact.
        rows: How many there were.
    """

    mean: Tensor
    axes: Tensor
    variances: Tensor
    spread: Tensor
    residual: float
    rows: int

    @property
    def total(self) -> float:
        """Variance along all directions together."""
        return float(self.spread.sum())

    @property
    def alike(self) -> bool:
        """Whether all rows are the same, up to rounding."""
        return self.total <= _ALIKE * float(self.mean.square().sum())

    @property
    def shares(self) -> Tensor:
        """Of the total variance along each axis, [axis]."""
        return self.variances / self.total if self.total else torch.zeros_like(self.variances)

    def scores(self, rows: Tensor) -> Tensor:
        """Return where rows lie along the axes, [row, axis]."""
        return (rows - self.mean) @ self.axes.T


def principal(chunks: Chunks, most: int, *, seed: int = 0) -> Principal:
    """Return the principal axes of rows.

    Exact where there are 2,048 units or rows at the most. Of more in both ways only the axes that are wanted are
    sought, from random directions that go through the covariance until they no longer turn, and `residual` says how
    far they got.

    Args:
        chunks: Reads the rows; begun anew for each pass.
        most: Axes that are wanted; there are no more than units, and one fewer than rows.
        seed: Of the random directions.

    Returns:
        The axes.

    Cost:
        Two passes over the rows and rows x units^2 operations; with random directions up to 10 passes. Memory: a chunk
        and units^2, or all rows where there are 2,048 at the most.

    Source:
        Halko, Martinsson & Tropp 2011, "Finding structure with randomness", algorithm 4.4, with a Rayleigh-Ritz step.
    """
    mean, rows = _mean(chunks)
    units = len(mean)
    count = max(0, min(most, units, rows - 1))
    if units <= EXACT:
        return _of_covariance(chunks, mean, rows, count)
    if rows <= EXACT and rows * units <= _HELD:
        return _of_products(chunks, mean, rows, count)
    return _sought(chunks, mean, rows, count, seed)


def _mean(chunks: Chunks) -> tuple[Tensor, int]:
    total, rows = torch.zeros(0, dtype=torch.float64), 0
    for chunk in each(chunks(), "reading"):
        total = chunk.sum(0) + (total if rows else 0.0)
        rows += len(chunk)
    return total / max(rows, 1), rows


def _of_covariance(chunks: Chunks, mean: Tensor, rows: int, count: int) -> Principal:
    products = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for chunk in each(chunks(), "reading"):
        apart = chunk - mean
        products.addmm_(apart.T, apart)
    values, vectors = torch.linalg.eigh(products / max(rows - 1, 1))
    spread = products.diagonal() / max(rows - 1, 1)
    kept = values.flip(0)[:count].clamp(min=0)
    return Principal(mean, _turned(vectors.flip(1).T[:count]), kept, spread, 0.0, rows)


def _of_products(chunks: Chunks, mean: Tensor, rows: int, count: int) -> Principal:
    """Of few rows: the products of each with each have the same variances, and lead to the axes."""
    apart = torch.cat([chunk - mean for chunk in chunks()])
    values, vectors = torch.linalg.eigh(apart @ apart.T / (rows - 1))
    kept = values.flip(0)[:count].clamp(min=0)
    long = (kept * (rows - 1)).sqrt()[:, None]
    axes = torch.where(kept[:, None] > 1e-14 * kept[:1], vectors.flip(1).T[:count] @ apart / long, 0.0)
    return Principal(mean, _turned(axes.nan_to_num()), kept, apart.square().sum(0) / (rows - 1), 0.0, rows)


def _sought(chunks: Chunks, mean: Tensor, rows: int, count: int, seed: int) -> Principal:
    units, generator, passes = len(mean), torch.Generator().manual_seed(seed), 0
    basis = torch.randn(units, min(count + _SPARE, units), dtype=torch.float64, generator=generator)
    while True:
        basis, passes = torch.linalg.qr(basis).Q, passes + 1
        passed, spread = _passed(chunks, mean, basis, rows)
        values, turns = torch.linalg.eigh(basis.T @ passed)
        values, turns = values.flip(0).clamp(min=0), turns.flip(1)
        axes = basis @ turns
        off = (passed @ turns - axes * values)[:, :count].norm(dim=0)
        residual = float(off.max() / values[0]) if count and values[0] > 0 else 0.0
        if residual < _CLOSE or passes == _PASSES:
            return Principal(mean, _turned(axes.T[:count]), values[:count], spread, residual, rows)
        basis = passed


def _passed(chunks: Chunks, mean: Tensor, basis: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """Return the covariance times some directions, and the variance of each unit."""
    passed, spread = torch.zeros_like(basis), torch.zeros_like(mean)
    for chunk in each(chunks(), "reading"):
        apart = chunk - mean
        passed.addmm_(apart.T, apart @ basis)
        spread += apart.square().sum(0)
    return passed / (rows - 1), spread / (rows - 1)


def _turned(axes: Tensor) -> Tensor:
    """Return axes of which the largest entry is positive."""
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    return torch.where(largest < 0, -axes, axes)
