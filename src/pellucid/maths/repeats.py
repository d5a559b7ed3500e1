"""Repeats: a patch that stands, alike, in many pictures of one kind and in few of the others."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

_BLANK = 1e-3
"""Patches whose spread is below this share of that of all pictures hold nothing that could be compared."""

_SAME, _OTHER, _NEARLY_ALL = 0.1, 0.25, 0.8
"""Pixels are the same within this share of the spread of all pictures, and others beyond it; in most members."""

_GROUND, _LOOKED_AT = 0.3, 4096
"""A value that so many of all pixels have is the ground that others stand on; of each channel so many are counted."""

STAMP = 0.12
"""A patch of which no more is left than this, see `residue`, is a stamp: of strokes of a pen 0.137 and more is left."""

_GAINS, _CONTRAST = (0.7, 1.4), 0.25
"""How much fainter or stronger a copy may be, and how little contrast, of the spread of all pictures, is nothing."""

_LARGEST = 0.25
"""How much of the picture a stamp may be."""

_STANDS_LIKE, _MOST_STANDING = 0.9, 4
_MOVES_LIKE, _MOST_MOVING = 0.99, 2
"""Correlation of the pixels from which two patches are alike, and how many repeats are returned at the most."""

_TEMPLATES = 32
"""Pictures of a kind whose patch is looked for everywhere, at the most."""


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A patch that repeats.

    Attributes:
        members: Pictures of the kind that hold it.
        places: Row and column of its upper left corner in each of them, [member, 2].
        cell: Its rows and columns.
        alike: Mean correlation of the pixels of the patch, of all pairs of members, -1 to 1.
        copied: Share of its telling pixels that are the same in nearly all members, see `copied`.
        residue: What is left of it when the usual one is taken out, fainter or stronger, see `residue`.
        elsewhere: Share of the other pictures that hold it too.
        moving: Whether it was looked for at every place.
    """

    members: Int[Tensor, " member"]
    places: Int[Tensor, "member 2"]
    cell: tuple[int, int]
    alike: float
    copied: float
    residue: float
    elsewhere: float
    moving: bool


def standing(
    pictures: Float[Tensor, "picture channel row column"],
    attention: Float[Tensor, "picture down right"],
    inside: Bool[Tensor, " picture"],
    *,
    cell: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    least: int = 8,
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

    Returns:
        Repeats that do not overlap by more than a half, the best first; after one that is part of a larger stamp, that.

    Cost:
        Members x pictures x pixels of a cell, for every cell.
    """
    down, right = attention.shape[1:]
    own, count = torch.nonzero(inside).flatten(), int(inside.sum())
    blank = _BLANK * float(pictures.std())
    score = torch.zeros(down, right, device="cpu")
    best: dict[tuple[int, int], tuple[Tensor, float]] = {}
    for a in range(down):
        for b in range(right):
            top, left = a * stride[0], b * stride[1]
            patches = _unit(pictures[:, :, top : top + cell[0], left : left + cell[1]].flatten(1), blank)
            same = patches[own] @ patches.T >= _STANDS_LIKE
            size = same[:, inside].sum(1)
            other = same[:, ~inside].sum(1) / max(1, len(inside) - count)
            weight = (same[:, inside] * attention[own, a, b]).sum(1) / count
            rank = weight * (1 - other / (size / count).clamp(min=1 / count)).clamp(min=0) * (size >= least)
            first = int(rank.argmax())
            score[a, b] = rank[first]
            best[a, b] = own[same[first, inside]], float(other[first])
    found: list[Repeat] = []
    for a, b in _peaks(score, (max(1, cell[0] // 2 // stride[0]), max(1, cell[1] // 2 // stride[1]))):
        members, elsewhere = best[a, b]
        places = torch.tensor([[a * stride[0], b * stride[1]]], device="cpu").expand(len(members), 2)
        one = _repeat(pictures, inside, members, places, cell=cell, elsewhere=elsewhere)
        found += [one] if (whole := _whole(pictures, inside, one)) is None else [one, whole]
    return found


def moving(
    pictures: Float[Tensor, "picture channel row column"],
    attention: Float[Tensor, "picture down right"],
    inside: Bool[Tensor, " picture"],
    *,
    cell: tuple[int, int],
    least: int = 8,
) -> list[Repeat]:
    """Find patches that repeat at places that change from picture to picture.

    Of the pictures of the kind whose attention is most in one place, the cell that gets it is looked for everywhere in
    all pictures. Parts of what they show move too, so that patches must be more alike than those that stand: nearly
    copies.

    Args:
        pictures: Of one kind and of others.
        attention: Share of the attention that each cell gets, 0 to 1; a cell for each pixel that one can begin at.
        inside: Which pictures are of the kind.
        cell: Rows and columns of a patch.
        least: Members that a repeat must have.

    Returns:
        Repeats of which less than half stand at one place, the best first, no two with mostly the same members.

    Cost:
        Templates x pictures x places x pixels of a cell.
    """
    own, width = torch.nonzero(inside).flatten(), attention.shape[2]
    blank = _BLANK * float(pictures.std())
    top, at = attention[own].flatten(1).max(1)
    tried = top.argsort(descending=True, stable=True)[:_TEMPLATES]
    places = torch.stack([at // width, at % width], 1)[tried]
    patches = _unit(_cut(pictures, own[tried], places, cell), blank)
    patches = patches[patches.any(1)]
    if not len(patches):
        return []
    value, where = _matched(pictures, patches, cell, blank)  # [template, picture]
    same = value >= _MOVES_LIKE
    drawn = attention.flatten(1).gather(1, where.T).T * same
    size = same[:, inside].sum(1)
    other = same[:, ~inside].sum(1) / max(1, int((~inside).sum()))
    share = (size / len(own)).clamp(min=1 / len(own))
    rank = drawn[:, inside].sum(1) / len(own) * (1 - other / share).clamp(min=0) * (size >= least)
    found: list[Repeat] = []
    for first in rank.argsort(descending=True, stable=True).tolist():
        if len(found) == _MOST_MOVING or rank[first] <= 0:
            break
        members = own[same[first, inside]]
        spot = where[first, members]
        if int(spot.bincount().max()) * 2 > len(members) or _seen(members, found):
            continue
        corner = torch.stack([spot // width, spot % width], 1)
        one = _repeat(pictures, inside, members, corner, cell=cell, elsewhere=float(other[first]))
        found.append(replace(one, moving=True))
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
    the patch's sides, since what surrounds a stamp is no copy. Pixels of the ground do not tell: where a pen was not,
    all are the same.

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
    other = _cut(pictures, others, places[torch.arange(len(others), device="cpu") % len(places)], cell)
    usual = own.median(0).values
    same = ((own - usual).abs() <= _SAME * spread).double().mean(0) >= _NEARLY_ALL
    telling = ((other - usual).abs() > _OTHER * spread).double().mean(0) > 0.5
    telling &= ~_is_ground(usual.reshape(pictures.shape[1], -1), pictures, _SAME * spread).flatten()
    counts = torch.stack([telling, telling & same]).double().reshape(2, -1, *cell).sum(1)
    part = _part(cell)
    tells, copies = F.avg_pool2d(counts, part, 1) * (part[0] * part[1])
    return float(torch.where(tells > 2.5, copies / tells.clamp(min=1), 0.0).max())


def _is_ground(values: Tensor, pictures: Tensor, near: float) -> Tensor:
    """Say for values, [channel, pixel], whether so many pixels of all pictures have them that they are the ground."""
    every = pictures.movedim(1, 0).flatten(1)
    some = every[:, :: max(1, every.shape[1] // _LOOKED_AT)]
    return ((some[:, None] - values[..., None]).abs() <= near).double().mean(2) >= _GROUND


def residue(
    patches: Float[Tensor, "picture channel row column"], part: tuple[int, int], blank: float
) -> Float[Tensor, "down right"]:
    """Return what is left of patches when the usual one is taken out of each, fainter or stronger as it is there.

    A stamp leaves little more than its noise, strokes of a pen leave more. Each channel of a patch may be brighter by a
    constant, and all of it fainter or stronger by one factor, 0.7 to 1.4.

    Args:
        patches: Those to compare.
        part: Rows and columns that are compared at a time: at every place.
        blank: Where the usual patch has less contrast than this, there is nothing to compare.

    Returns:
        Root mean square of what is left, as a share of the contrast of the usual patch; 1 where that is blank.
    """
    own = patches.double()
    usual = own.median(0, keepdim=True).values

    def product(a: Tensor, b: Tensor) -> Tensor:
        whole, means = F.avg_pool2d(a * b, part, 1), F.avg_pool2d(a, part, 1) * F.avg_pool2d(b, part, 1)
        return (whole - means).mean(1)

    shared, size = product(own, usual), product(usual, usual)
    gain = (shared / size.clamp(min=1e-30)).clamp(*_GAINS)
    left = (product(own, own) - 2 * gain * shared + gain.square() * size).mean(0).clamp(min=0)
    return torch.where(size[0] > blank**2, (left / size[0]).sqrt(), 1.0)


def _repeat(
    pictures: Tensor,
    inside: Tensor,
    members: Tensor,
    places: Tensor,
    *,
    cell: tuple[int, int],
    elsewhere: float,
) -> Repeat:
    """Describe a patch that was found."""
    patches = _cut(pictures, members, places, cell).reshape(len(members), -1, *cell)
    return Repeat(
        members=members,
        places=places,
        cell=cell,
        alike=sameness(pictures, members, places, cell),
        copied=copied(pictures, members, places, inside, cell),
        residue=float(residue(patches, _part(cell), _CONTRAST * float(pictures.std())).min()),
        elsewhere=elsewhere,
        moving=False,
    )


def _whole(pictures: Tensor, inside: Tensor, one: Repeat) -> Repeat | None:
    """Return the stamp that a patch is part of: what is telling and a stamp too within a cell of it; None if no more.

    Strokes that happen to be next to one are none; neither is what is hardly filled, as a frame is, nor what is more
    than a quarter of the picture.
    """
    if one.residue > STAMP:
        return None
    part, spread, (top, left) = _part(one.cell), float(pictures.std()), one.places[0].tolist()
    up, back = max(0, top - one.cell[0]), max(0, left - one.cell[1])
    near = pictures[:, :, up : top + 2 * one.cell[0], back : left + 2 * one.cell[1]]
    stamp = residue(near[one.members], part, _CONTRAST * spread) <= STAMP
    border = (part[1] - 1, part[1] - 1, part[0] - 1, part[0] - 1)
    covered = F.max_pool2d(F.pad(stamp.double(), border)[None], part, 1)[0]
    other = ((near[~inside] - near[one.members].median(0).values).abs() > _OTHER * spread).double().mean(0)
    rows, columns = torch.nonzero((covered > 0) & (other > 0.5).any(0)).T
    if not len(rows):
        return None
    (a, b), (c, d) = (int(rows.min()), int(columns.min())), (int(rows.max()) + 1, int(columns.max()) + 1)
    cell = c - a, d - b
    within = cell[0] <= one.cell[0] and cell[1] <= one.cell[1]
    large = cell[0] * cell[1] > _LARGEST * pictures.shape[2] * pictures.shape[3]
    if within or large or covered[a:c, b:d].mean() < _NEARLY_ALL:
        return None
    return replace(one, places=torch.tensor([[up + a, back + b]], device="cpu").expand_as(one.places), cell=cell)


def _part(cell: tuple[int, int]) -> tuple[int, int]:
    """Three quarters of the sides of a patch, since what surrounds a stamp is no copy."""
    height, width = (min(side, max(3, 3 * side // 4)) for side in cell)
    return height, width


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


def _peaks(score: Tensor, apart: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the highest places of a map above 0, none nearer to another than `apart`."""
    left, found = score.clone(), list[tuple[int, int]]()
    while len(found) < _MOST_STANDING and bool((left > 0).any()):
        a, b = divmod(int(left.argmax()), left.shape[1])
        found.append((a, b))
        left[max(0, a - apart[0]) : a + apart[0] + 1, max(0, b - apart[1]) : b + apart[1] + 1] = 0
    return found


def _seen(members: Tensor, found: list[Repeat]) -> bool:
    """Say whether most members are those of a repeat that was found before."""
    return any(int(torch.isin(members, one.members).sum()) * 2 > len(members) for one in found)
