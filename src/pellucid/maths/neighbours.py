"""Neighbours: which rows are near each other, and whether a map keeps them so."""

from typing import NamedTuple

import torch
from torch import Tensor

from pellucid.core.progress import each

_CHUNK = 1 << 22
"""Distances that are held at once."""
_ROUNDING = 1e-13


class Kept(NamedTuple):
    """How well the neighbours of each row are kept on a map.

    Attributes:
        trust: 1 where the neighbours on the map are neighbours in fact, [row]; the mean is the trustworthiness.
        continuity: 1 where the neighbours in fact are neighbours on the map, [row]; the mean is the continuity.
        share: Of the neighbours in fact, those that are neighbours on the map, [row].
    """

    trust: Tensor
    continuity: Tensor
    share: Tensor


def neighbours_kept(rows: Tensor, points: Tensor, count: int) -> Kept:
    """Compare the nearest neighbours of rows with those of their points on a map.

    A row that is the j-th nearest costs j - count where it is among the nearest on the other side and j is above count.
    Rows at the same distance share the best place among them, so that copies do not count against a map.

    Args:
        rows: [row, unit].
        points: [row, axis].
        count: Neighbours that are compared, at least 1 and below half of the rows.

    Returns:
        Values for each row. Trust and continuity are 1 at best; of a map by chance they are about a half.

    Cost:
        rows^2 x units operations; memory for 4 million distances.

    Source:
        Venna & Kaski 2001, "Neighborhood preservation in nonlinear projection methods".
    """
    number, spaces = len(rows), (_Space(rows), _Space(points))
    found = [torch.zeros(number, dtype=torch.float64) for _ in range(3)]
    for place in each(_places(number), "neighbours"):
        fact, map_ = (space.around(place) for space in spaces)
        intruding = fact.ranks(map_.nearest(count)) - count
        missing = map_.ranks(fact.nearest(count)) - count
        found[0][place] = intruding.clamp(min=0).sum(1).double()
        found[1][place] = missing.clamp(min=0).sum(1).double()
        found[2][place] = (missing <= 0).double().mean(1)
    worst = count * (2 * number - 3 * count - 1) / 2
    return Kept(1 - found[0] / worst, 1 - found[1] / worst, found[2])


def nearest(rows: Tensor, to: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return which rows are nearest to each of others.

    Args:
        rows: [row, unit].
        to: [other, unit].
        count: How many, at most as many as there are rows.

    Returns:
        Their numbers, nearest first, and how far away they are, [other, count] each.

    Cost:
        rows x others x units operations; memory for 4 million distances.
    """
    space = _Space(rows)
    places = [torch.zeros(0, count, dtype=torch.int64)]
    lengths = [torch.zeros(0, count, dtype=torch.float64)]
    for part in each((to.double() - space.middle).split(max(1, _CHUNK // max(len(rows), 1))), "neighbours"):
        far = _squared(part, space.rows, (part.square().sum(1), space.lengths)).topk(count, dim=1, largest=False)
        places.append(far.indices)
        lengths.append(far.values.clamp(min=0).sqrt())
    return torch.cat(places), torch.cat(lengths)


class Alignment(NamedTuple):
    """How points are moved, turned, mirrored and scaled as a whole, without a change of their shape, to lie on others.

    Attributes:
        turn: Rotation or reflection, times the scale, [axis, axis].
        middle: Of the points, [axis].
        onto: Where that goes to, [axis].
        disparity: What is left of the squared distances, as a share of the spread; 0 where the shapes are the same, 1
            where they have nothing in common.
    """

    turn: Tensor
    middle: Tensor
    onto: Tensor
    disparity: float

    def laid(self, points: Tensor) -> Tensor:
        """Return where points lie then, float64, [row, axis]."""
        return (points.double() - self.middle) @ self.turn + self.onto


def alignment(points: Tensor, onto: Tensor) -> Alignment:
    """Return how points are laid on others.

    Args:
        points: [row, axis].
        onto: The same rows, [row, axis].

    Returns:
        The way. Where either has no extent, all go to the middle, and the disparity is 1.

    Source:
        Gower 1975, "Generalized Procrustes analysis"; the disparity is that of scipy.spatial.procrustes.
    """
    middles = points.double().mean(0), onto.double().mean(0)
    one, other = points.double() - middles[0], onto.double() - middles[1]
    sizes = one.norm(), other.norm()
    if not min(sizes) > 0:
        return Alignment(torch.zeros(one.shape[1], one.shape[1], dtype=torch.float64), *middles, 1.0)
    left, lengths, right = torch.linalg.svd((one / sizes[0]).T @ (other / sizes[1]))
    common = lengths.sum()
    return Alignment(left @ right * common * sizes[1] / sizes[0], *middles, max(0.0, float(1 - common**2)))


def _places(rows: int) -> tuple[Tensor, ...]:
    return torch.arange(rows).split(max(1, _CHUNK // max(rows, 1)))


def _squared(some: Tensor, rows: Tensor, lengths: tuple[Tensor, Tensor]) -> Tensor:
    return torch.addmm(lengths[0][:, None] + lengths[1], some, rows.T, alpha=-2)


class _Space:
    """Rows and their squared lengths, from their middle: where a single row is far off, the others must not be."""

    def __init__(self, rows: Tensor) -> None:
        self.middle = rows.double().median(0).values
        self.rows = rows.double() - self.middle
        self.lengths = self.rows.square().sum(1)

    def around(self, place: Tensor) -> "_Around":
        far = _squared(self.rows[place], self.rows, (self.lengths[place], self.lengths))
        far[torch.arange(len(place)), place] = -torch.inf  # each is nearer to itself than any other
        return _Around(far, self.lengths[place], self.lengths)


class _Around(NamedTuple):
    """Squared distances of some rows to all, [some, row], and the squared lengths of both."""

    far: Tensor
    some: Tensor
    rows: Tensor

    def nearest(self, count: int) -> Tensor:
        """Return the nearest of each but itself, [some, count]."""
        return self.far.topk(count + 1, dim=1, largest=False).indices[:, 1:]

    def ranks(self, others: Tensor) -> Tensor:
        """Return the places of others in the order of distance, 1 for the nearest, [some, other]."""
        # What lies within rounding of each other is equally far.
        limits = self.far.gather(1, others) - _ROUNDING * (self.some[:, None] + self.rows[others])
        return torch.stack([(self.far < limit).sum(1) for limit in limits.T[..., None]], dim=1)
