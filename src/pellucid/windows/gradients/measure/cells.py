"""How pictures are cut into the patches that are looked for."""

from dataclasses import dataclass
from numbers import Integral

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from pellucid.core.arguments import refused, wholes
from pellucid.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Cells:
    """How pictures are cut: `size` in pixels, and the same in blocks of `pooled` x `pooled` pixels."""

    size: tuple[int, int]
    coarse: tuple[int, int]
    pooled: tuple[int, int]
    stride: tuple[int, int]

    @classmethod
    def of(cls, cell: int | tuple[int, int] | None, planes: Float[Tensor, "picture channel row column"]) -> "Cells":
        """Large patches are compared in blocks, so that it takes no longer than with small ones.

        Pictures that were made larger by repeating their pixels are compared in blocks of one pixel of theirs: counted
        several times it would look like several that agree.
        """
        sides, grains = tuple(planes.shape[2:]), (_grain(planes, 2), _grain(planes, 3))
        how = f"rows and columns, at most {sides[0]} x {sides[1]}"
        usual = tuple(min(side, max(3 * grain, side // 4)) for side, grain in zip(sides, grains, strict=True))
        wanted = usual if cell is None else cell
        size = wholes("cell", (wanted, wanted) if isinstance(wanted, Integral) else wanted, 1, how)
        if len(size) != 2 or size[0] > sides[0] or size[1] > sides[1]:
            raise refused("cell", cell, how)
        if size[0] * size[1] < 3:
            raise InputError(f"cell={cell} came; a patch of less than 3 pixels cannot be told from others.")
        pooled = (max(1, size[0] // 8, min(grains[0], size[0])), max(1, size[1] // 8, min(grains[1], size[1])))
        coarse = (size[0] // pooled[0], size[1] // pooled[1])
        return cls(
            size=(coarse[0] * pooled[0], coarse[1] * pooled[1]),
            coarse=coarse,
            pooled=pooled,
            stride=(max(1, coarse[0] // 4), max(1, coarse[1] // 4)),
        )

    @property
    def smaller(self) -> tuple[int, int]:
        """Three quarters of a cell: less of what surrounds a patch that moves."""
        height, width = self.coarse
        return min(height, max(3, 3 * height // 4)), min(width, max(3, 3 * width // 4))

    def shares(self, maps: Tensor, cell: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> Tensor:
        """Return the share of each map that lies in each cell of so many blocks, [picture, down, right]."""
        coarse = F.avg_pool2d(maps[:, None], self.pooled) * (self.pooled[0] * self.pooled[1])
        return F.avg_pool2d(coarse, cell, stride)[:, 0] * (cell[0] * cell[1])


def _grain(planes: Tensor, axis: int) -> int:
    """Return how often each pixel is repeated along an axis, 1 or more: the least distance from change to change."""
    before, after = planes.narrow(axis, 0, planes.shape[axis] - 1), planes.narrow(axis, 1, planes.shape[axis] - 1)
    differ = (before != after).movedim(axis, 0).flatten(1).any(1)
    places = torch.nonzero(differ).flatten()
    return int(places.diff().min()) if len(places) > 2 else 1
