"""Paths: the plane in which most of a training took place, by principal components of where the weights were."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.core.progress import each
from pellucid.methods.ground.directions import Direction
from pellucid.methods.ground.ground import Ground
from pellucid.methods.ground.trajectory import Way

Array = NDArray[Any]
_COLUMNS = 2**18
_NOTHING = 1e-7
"""Share of the first component below which another is rounding."""


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The principal components of a path.

    Attributes:
        shares: Share of the spread about the mean that each component holds, falling, [component].
        coordinates: Where each snapshot lies on the first two, seen from the weights as they are now, [snapshot, 2].
        distances: How far it is from them, [snapshot].
        turned: How the snapshots, centred, add up to each of the first two directions, [snapshot, 2].
    """

    shares: Array
    coordinates: Array
    distances: Array
    turned: Array

    @property
    def off_plane(self) -> Array:
        """Return the share of each snapshot's distance that is off the plane of the first two, [snapshot]."""
        squares = self.distances**2 - (self.coordinates**2).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.distances > 0, np.sqrt(np.clip(squares, 0, None)) / self.distances, 0.0)


def principal(way: Way) -> Principal:
    """Find the principal components of a path, the weights as they are now being its last point.

    Args:
        way: Differences to these.

    Cost:
        All snapshots are read once; memory: one more of each snapshot. The rest is a matrix of snapshots x snapshots.

    Source:
        Li et al. 2018, section 7; the components come from the Gram matrix, as in kernel PCA.
    """
    gram = _gram(list(way))
    count = len(gram)
    centre = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(centre @ gram @ centre)
    values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1]
    whole = values.sum()
    sizes = np.sqrt(values[:2])
    with np.errstate(invalid="ignore", divide="ignore"):
        turned = np.where(sizes > _NOTHING * sizes[0], centre @ vectors[:, :2] / sizes, 0.0)
    return Principal(
        shares=values / whole if whole else np.zeros(count),
        coordinates=(gram @ turned)[:-1],
        distances=np.sqrt(np.clip(np.diag(gram), 0, None))[:-1],
        turned=turned[:-1],
    )


def _gram(differences: Sequence[Direction]) -> Array:
    """Return products of all differences with each other, the last of 0: [snapshot + 1, snapshot + 1], float64."""
    count = len(differences)
    total = torch.zeros(count, count, dtype=torch.float64, device="cpu")
    for pieces in zip(*differences, strict=True):
        rows = torch.stack([one.reshape(-1) for one in pieces])
        for part in rows.split(_COLUMNS, dim=1):
            wide = part.double()
            total += (wide @ wide.T).cpu()
    gram = np.zeros((count + 1, count + 1))
    gram[:-1, :-1] = total.numpy()
    return gram


def directions_of(way: Way, found: Principal) -> tuple[Direction, Direction]:
    """Return the first two components as directions of length 1, orthogonal to each other."""
    pair = [[torch.zeros_like(one.parameter, dtype=torch.float64) for one in way.filters] for _ in range(2)]
    for place, difference in enumerate(way):
        for axis, direction in enumerate(pair):
            _add(direction, difference, float(found.turned[place, axis]))
    first, second = ([one.to(part.parameter.dtype) for one, part in zip(d, way.filters, strict=True)] for d in pair)
    return first, second


def _add(total: list[Tensor], difference: Direction, share: float) -> None:
    for whole, one in zip(total, difference, strict=True):
        whole.add_(one.double(), alpha=share)


def walk_shares(count: int) -> Array:
    """Return the shares that the components of a random walk in many dimensions have, falling.

    Args:
        count: Points of the walk, 2 or more.

    Returns:
        [count - 1]; with many points the first two hold 76 %.

    Source:
        Antognini and Sohl-Dickstein 2018, "PCA of high dimensional random walks": eigenvalues 1 / (4 sin^2(pi k / 2n)).
    """
    values = 1 / (4 * np.sin(np.pi * np.arange(1, count) / (2 * count)) ** 2)
    return values / values.sum()


def losses_along(ground: Ground, way: Iterable[Direction], *, stop: bool = False) -> tuple[Array, bool]:
    """Measure the loss at each snapshot of a path.

    Args:
        ground: Being walked.
        way: Differences to the weights.
        stop: Whether Ctrl-C has ended something before.

    Returns:
        [snapshot], those that were reached; and whether Ctrl-C ended it early.
    """
    found: list[Tensor] = []
    try:
        found.extend(ground.losses(((1.0, one),)) for one in each(way, "snapshots"))
    except KeyboardInterrupt:
        stop = True
    return ground.mean(torch.stack(found).cpu()).numpy() if found else np.zeros(0), stop
