"""Shards: parameters cut over ranks (FSDP2's DTensor) are read where they lie and added up later."""

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from pellucid.maths.reduce import Reduced
from pellucid.maths.sampled import Sampled, read


def local(tensor: Tensor) -> Tensor:
    """Return the part of a tensor that lies on this rank; the tensor itself when it is not cut."""
    to_local = getattr(tensor, "to_local", None)
    return tensor if to_local is None else cast(Tensor, to_local())


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Where the local rows of one parameter stand among all its rows.

    Attributes:
        cut: Whether the parameter is cut over ranks.
        first: Index of the first local row.
        rows: Rows of the whole parameter; 0 for a scalar.
    """

    cut: bool
    first: int
    rows: int

    @classmethod
    def of(cls, parameter: Tensor) -> "Shard":
        """Describe one parameter."""
        rows = parameter.shape[0] if parameter.ndim else 0
        if not hasattr(parameter, "to_local"):
            return cls(cut=False, first=0, rows=rows)
        from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

        placed = cast(Any, parameter)
        _, offset = compute_local_shape_and_global_offset(placed.shape, placed.device_mesh, placed.placements)
        return cls(cut=True, first=int(offset[0]) if len(offset) else 0, rows=rows)

    def read(self, values: Tensor, *, rows: bool = False, most: int | None = None) -> Reduced | Sampled:
        """Read the local values; with `rows`, count the rows of a matrix that are not all zero, in global places."""
        if not rows or values.ndim < 2:
            return read(values, most=most)
        # A row is one unit and the parameter one sample: nothing lies before the axis of the units.
        found = read(values, unit_axis=0, most=most)
        if not self.cut or found.units is None:
            return found
        whole = torch.zeros((3, self.rows), dtype=found.units.dtype, device=found.units.device)
        whole[:, self.first : self.first + values.shape[0]] = found.units
        return found._replace(units=whole)
