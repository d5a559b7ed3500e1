"""Repeats: a patch that stands, alike, in many pictures of one kind and in few of the others."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

_BLANK = 1e-3
"""Patches whose spread is below this share of that of all pictures hold nothing that could be compared."""

_SAME, _OTHER, _NEARLY_ALL = 0.1, 0.25, 0.8
"""Pixels are the same within this share of the spread of all pictures, and others beyond it; in most members."""


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A patch that repeats.

    Attributes:
        members: Pictures of the kind that hold it.
        places: Row and column of its upper left corner in each of them, [member, 2].
        cell: Its rows and columns.
        alike: Mean correlation of the pixels of the patch, of all pairs of members, -1 to 1.
        copied: Share of its telling pixels that are the same in nearly all members, see `copied`.
        elsewhere: Share of the other pictures that hold it too.
        score: Attention that the patch gets, as a mean over all pictures of the kind, less what is common elsewhere.
        moving: Whether it was looked for at every place.
    """

    members: Int[Tensor, " member"]
    places: Int[Tensor, "member 2"]
    cell: tuple[int, int]
    alike: float
    copied: float
    elsewhere: float
    score: float
    moving: bool


def standing(
    pictures: Float[Tensor, "picture channel row column"],
    attention: Float[Tensor, "picture down right"],
    inside: Bool[Tensor, " picture"],
    *,
    cell: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    least: int = 8,
    like: float = 0.9,
    most: int = 4,
) -> list[Repeat]:
    """Find patches that repeat at one place.

    Of every cell the picture is sought that most others of its kind resemble there, weighed by their attention.

    Args:
        pictures: Of one kind and of others.
        attention: Share of the attention that each cell gets, 0 to 1; a cell for each step of the stride.
        inside: Which pictures are of the kind.
        cell: Rows and columns of a patch.
        stride: Rows and columns from one cell to the next.
        least: Members that a repeat must have.
        like: Correlation of the pixels from which two patches are alike.
        most: How many repeats to return at the most.

    Returns:
        Repeats that do not overlap by more than a half, the best first.

    Cost:
        Members x pictures x pixels of a cell, for every cell.
    """
    down, right = attention.shape[1:]
    own, count = torch.nonzero(inside).flatten(), int(inside.sum())
    blank = _BLANK * float(pictures.std())
    score = torch.zeros(down, right)
    best: dict[tuple[int, int], tuple[Tensor, float]] = {}
    for a in range(down):
        for b in range(right):
            top, left = a * stride[0], b * stride[1]
            patches = _unit(pictures[:, :, top : top + cell[0], left : left + cell[1]].flatten(1), blank)
            same = patches[own] @ patches.T >= like
            size = same[:, inside].sum(1)
            other = same[:, ~inside].sum(1) / max(1, len(inside) - count)
            weight = (same[:, inside] * attention[own, a, b]).sum(1) / count
            rank = weight * (1 - other / (size / count).clamp(min=1 / count)).clamp(min=0) * (size >= least)
            first = int(rank.argmax())
            score[a, b] = rank[first]
            best[a, b] = own[same[first, inside]], float(other[first])
    found: list[Repeat] = []
    for a, b in _peaks(score, (max(1, cell[0] // 2 // stride[0]), max(1, cell[1] // 2 // stride[1])), most):
        members, elsewhere = best[a, b]
        places = torch.tensor([[a * stride[0], b * stride[1]]]).expand(len(members), 2)
        alike = sameness(pictures, members, places, cell)
        value = float(score[a, b])
        found.append(
            Repeat(
                members=members,
                places=places,
                cell=cell,
                alike=alike,
                copied=copied(pictures, members, places, inside, cell),
                elsewhere=elsewhere,
                score=value,
                moving=False,
            )
        )
    return found


def moving(
    pictures: Float[Tensor, "picture channel row column"],
    attention: Float[Tensor, "picture down right"],
    inside: Bool[Tensor, " picture"],
    *,
    cell: tuple[int, int],
    least: int = 8,
    like: float = 0.99,
    most: int = 2,
    templates: int = 32,
) -> list[Repeat]:
    """Find patches that repeat at places that change from picture to picture.

    The cell of each picture of the kind that gets most attention is looked for everywhere in all pictures. Parts of
    what the pictures show move too, so that patches must be more alike than those that stand: nearly copies.

    Args:
        pictures: Of one kind and of others.
        attention: Share of the attention that each cell gets, 0 to 1; a cell for each pixel that one can begin at.
        inside: Which pictures are of the kind.
        cell: Rows and columns of a patch.
        least: Members that a repeat must have.
        like: Correlation of the pixels from which two patches are alike.
        most: How many repeats to return at the most.
        templates: Pictures of the kind whose patch is tried at the most: those whose attention is most in one place.

    Returns:
        Repeats of which less than half stand at one place, the best first, no two with mostly the same members.

    Cost:
        Templates x pictures x places x pixels of a cell.
    """
    own, width = torch.nonzero(inside).flatten(), attention.shape[2]
    blank = _BLANK * float(pictures.std())
    top, at = attention[own].flatten(1).max(1)
    tried = top.argsort(descending=True, stable=True)[:templates]
    places = torch.stack([at // width, at % width], 1)[tried]
    patches = _unit(_cut(pictures, own[tried], places, cell), blank)
    patches = patches[patches.any(1)]
    if not len(patches):
        return []
    value, where = _matched(pictures, patches, cell, blank)  # [template, picture]
    same = value >= like
    drawn = attention.flatten(1).gather(1, where.T).T * same
    size = same[:, inside].sum(1)
    other = same[:, ~inside].sum(1) / max(1, int((~inside).sum()))
    share = (size / len(own)).clamp(min=1 / len(own))
    rank = drawn[:, inside].sum(1) / len(own) * (1 - other / share).clamp(min=0) * (size >= least)
    found: list[Repeat] = []
    for first in rank.argsort(descending=True, stable=True).tolist():
        if len(found) == most or rank[first] <= 0:
            break
        members = own[same[first, inside]]
        spot = where[first, members]
        if int(spot.bincount().max()) * 2 > len(members) or _seen(members, found):
            continue
        corner = torch.stack([spot // width, spot % width], 1)
        alike = sameness(pictures, members, corner, cell)
        elsewhere, score = float(other[first]), float(rank[first])
        found.append(
            Repeat(
                members=members,
                places=corner,
                cell=cell,
                alike=alike,
                copied=copied(pictures, members, corner, inside, cell),
                elsewhere=elsewhere,
                score=score,
                moving=True,
            )
        )
    return found


def sameness(
    pictures: Float[Tensor, "picture channel row column"],
    members: Int[Tensor, " member"],
    places: Int[Tensor, "member 2"],
    cell: tuple[int, int],
) -> float:
    """Return the mean correlation of the pixels of patches, of all pairs, -1 to 1; NaN for less than two.

    Args:
        pictures: Where the patches stand.
        members: The picture of each.
        places: Its upper left corner.
        cell: Its rows and columns.
    """
    count = len(members)
    if count < 2:
        return float("nan")
    patches = _unit(_cut(pictures, members, places, cell).double(), _BLANK * float(pictures.std()))
    # The sum over all pairs is the square of the sum, less the patches with themselves.
    whole, own = float(patches.sum(0).square().sum()), float(patches.square().sum())
    return (whole - own) / (count * (count - 1))


def copied(
    pictures: Float[Tensor, "picture channel row column"],
    members: Int[Tensor, " member"],
    places: Int[Tensor, "member 2"],
    inside: Bool[Tensor, " picture"],
    cell: tuple[int, int],
) -> float:
    """Return how much of a patch is a copy, and not only drawn alike: a stamp is 1, strokes of a pen are far below.

    Of the pixels in which most pictures of other kinds have something else there, it is the share that is the same, to
    a tenth of the spread of all pictures, in four fifths of the members; where it is highest within three quarters of
    the patch's sides, since what surrounds a stamp is no copy.

    Args:
        pictures: Where the patches stand.
        members: The picture of each.
        places: Its upper left corner.
        inside: Which pictures are of the kind.
        cell: Rows and columns of the patch.

    Returns:
        0 to 1; 0 where fewer than three pixels tell the patch from others.
    """
    spread, others = float(pictures.std()), torch.nonzero(~inside).flatten()
    if not len(members) or not len(others):
        return 0.0
    own = _cut(pictures, members, places, cell)
    other = _cut(pictures, others, places[torch.arange(len(others)) % len(places)], cell)
    usual = own.median(0).values
    same = ((own - usual).abs() <= _SAME * spread).double().mean(0) >= _NEARLY_ALL
    telling = ((other - usual).abs() > _OTHER * spread).double().mean(0) > 0.5
    counts = torch.stack([telling, telling & same]).double().reshape(2, -1, *cell).sum(1)
    part = tuple(min(side, max(3, 3 * side // 4)) for side in cell)
    tells, copies = F.avg_pool2d(counts, part, 1) * (part[0] * part[1])
    return float(torch.where(tells > 2.5, copies / tells.clamp(min=1), 0.0).max())


def _unit(patches: Tensor, blank: float) -> Tensor:
    """Return patches [N, pixels] less their mean, of length 1; 0 where there is nothing in them."""
    centred = patches - patches.mean(1, keepdim=True)
    length = centred.norm(dim=1, keepdim=True)
    return torch.where(length > blank * patches.shape[1] ** 0.5, centred / length.clamp(min=1e-30), 0.0)


def _cut(pictures: Tensor, rows: Tensor, places: Tensor, cell: tuple[int, int]) -> Tensor:
    """Return patches, [N, pixels]."""
    cut = [
        pictures[row, :, top : top + cell[0], left : left + cell[1]].flatten()
        for row, (top, left) in zip(rows.tolist(), places.tolist(), strict=True)
    ]
    return torch.stack(cut) if cut else pictures.new_zeros((0, pictures.shape[1] * cell[0] * cell[1]))


def _matched(pictures: Tensor, patches: Tensor, cell: tuple[int, int], blank: float) -> tuple[Tensor, Tensor]:
    """Return the best correlation of each patch with each picture, and where it is, [patch, picture] both."""
    channels, pixels = pictures.shape[1], patches.shape[1]
    kernels = patches.reshape(-1, channels, *cell)
    values: list[Tensor] = []
    wheres: list[Tensor] = []
    for some in pictures.split(64):
        mean = F.avg_pool2d(some.mean(1, keepdim=True), cell, 1)
        square = F.avg_pool2d(some.square().mean(1, keepdim=True), cell, 1)
        spread = ((square - mean.square()).clamp(min=0) * pixels).sqrt()
        found = F.conv2d(some, kernels) / spread.clamp(min=1e-30)
        found = torch.where(spread > max(blank, 1e-3) * pixels**0.5, found, -1.0)
        value, where = found.flatten(2).max(2)
        values.append(value.T)
        wheres.append(where.T)
    return torch.cat(values, 1), torch.cat(wheres, 1)


def _peaks(score: Tensor, apart: tuple[int, int], most: int) -> list[tuple[int, int]]:
    """Return the highest places of a map above 0, none nearer to another than `apart`."""
    left, found = score.clone(), list[tuple[int, int]]()
    while len(found) < most and bool((left > 0).any()):
        a, b = divmod(int(left.argmax()), left.shape[1])
        found.append((a, b))
        left[max(0, a - apart[0]) : a + apart[0] + 1, max(0, b - apart[1]) : b + apart[1] + 1] = 0
    return found


def _seen(members: Tensor, found: list[Repeat]) -> bool:
    """Say whether most members are those of a repeat that was found before."""
    return any(int(torch.isin(members, one.members).sum()) * 2 > len(members) for one in found)
