"""Rows that a user hands over: an array, a memory map or a tensor, read part by part and never changed."""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.core.arguments import refused
from pellucid.core.errors import InputError
from pellucid.core.progress import each

Array = NDArray[Any]
_CHUNK = 1 << 22
"""Numbers that are read at once: 32 MiB of them as float64."""
_LARGEST = 1e140
_EXPECTED = "numbers [row, unit]: an array, a memory map or a tensor"


class Rows:
    """The rows that hold no NaN and no infinity, in their order.

    Args:
        name: What the argument is called.
        values: [row, unit].

    Attributes:
        total: Rows, those that are left out included.
        units: Numbers a row.
        kept: Which rows these are, rising, [row], int64.

    Raises:
        InputError: The values are something else, or too large.
    """

    def __init__(self, name: str, values: Any) -> None:
        self._name, self._values = name, _table(name, values)
        self.total, self.units = (int(length) for length in self._values.shape)
        self.kept = self._finite()

    def __len__(self) -> int:
        """How many there are."""
        return len(self.kept)

    @property
    def left_out(self) -> Array:
        """The numbers of the rows that are left out."""
        return np.setdiff1d(np.arange(self.total), self.kept, assume_unique=True)

    def chunks(self, places: Array | None = None) -> Iterator[Tensor]:
        """Yield rows, float64, [row, unit], as many at a time as 32 MiB hold.

        Args:
            places: Which of the rows that are kept, rising, [row]; None for all.
        """
        wanted = self.kept if places is None else self.kept[places]
        step = max(1, _CHUNK // max(self.units, 1))
        for begin in range(0, len(wanted), step):
            part = wanted[begin : begin + step]
            first, last = int(part[0]), int(part[-1]) + 1
            if last - first == len(part):  # side by side, as most are: nothing is copied that is not needed
                yield _as_float64(self._values[first:last])
            elif isinstance(self._values, Tensor):
                yield _as_float64(self._values[torch.from_numpy(part).to(self._values.device)])
            else:
                yield _as_float64(self._values[part])

    def take(self, places: Array) -> Tensor:
        """Return some of the rows that are kept, float64, [row, unit]; see `chunks`."""
        return torch.cat([torch.zeros(0, self.units, dtype=torch.float64), *self.chunks(places)])

    def _finite(self) -> Array:
        step, found, largest = max(1, _CHUNK // max(self.units, 1)), [np.zeros(0, dtype=np.int64)], 0.0
        for begin in each(range(0, self.total, step), "reading"):
            read = _as_float64(self._values[begin : begin + step])
            finite = torch.isfinite(read).all(dim=1)
            found.append(begin + np.flatnonzero(finite.numpy()))
            if self.units and finite.any():
                largest = max(largest, float(read[finite].abs().max()))
        if largest > _LARGEST:
            raise InputError(
                f"{self._name} came with values up to {largest:.1e}; expected {_LARGEST:g} at the most, so that their "
                "squares can be added up. Divide them first."
            )
        return np.concatenate(found)


def _as_float64(values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach().to(device="cpu", dtype=torch.float64)
    with np.errstate(over="ignore"):  # of numbers that are wider than float64
        return torch.from_numpy(np.array(values, dtype=np.float64))


def _table(name: str, values: Any) -> Any:
    """Return values as an array or a tensor of two axes that holds real numbers."""
    if isinstance(values, Tensor):
        found, real = values, not values.is_complex() and values.layout == torch.strided and not values.is_quantized
        real = real and values.device.type != "meta"
    else:
        found = _as_array(name, values)
        real = found.dtype.kind in "fiub"
    if real and found.ndim == 2:
        return found
    if not real:
        raise refused(name, values, _EXPECTED)
    raise InputError(
        f"{name} of shape {tuple(found.shape)} came; expected {_EXPECTED}. Flatten what has more axes: "
        f"{name}.reshape(len({name}), -1)."
    )


def _as_array(name: str, values: Any) -> Array:
    if isinstance(values, str | bytes | type) or values is None:
        raise refused(name, values, _EXPECTED)
    try:
        found = values if isinstance(values, np.ndarray) else np.asarray(values)
    except Exception as error:
        raise refused(name, values, _EXPECTED) from error
    if isinstance(found, np.ma.MaskedArray):
        return np.ma.filled(cast("Any", found).astype(np.float64), np.nan)
    return cast("Array", found)
