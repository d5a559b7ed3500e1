"""Counting units: in how many samples each was active, and in how many it was saturated."""

import math
import threading
from collections.abc import Callable

import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

# 262,144 float32 values and their scratch are 2 MB: they stay in the cache, and calls are few.
CACHE_PIECE = 1 << 18
# The branch-free way holds about 40 bytes per value of a piece: 170 MB at the most.
BRANCH_FREE_PIECE = 1 << 22


def may_look(x: Tensor) -> bool:
    """Return whether looking at a value costs no synchronisation and breaks no graph."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


def unit_counts(
    x: Shaped[Tensor, "*shape"], unit_axis: int, saturation: tuple[float, float] | None
) -> Int64[Tensor, "3 unit"]:
    """Count samples, samples in which each unit is not zero, and samples in which it is saturated.

    Args:
        x: Any dense tensor with one axis or more.
        unit_axis: The axis that numbers the units; the axes before it number samples, those behind it positions.
        saturation: (low, high): saturated at or beyond; None to count no saturation.

    Returns:
        Counts of samples, 0 to the number of samples; see `pellucid.maths.reduce.reduce`.
    """
    axis = unit_axis % x.dim()
    samples, units = math.prod(x.shape[:axis]), x.shape[axis]
    rows = torch.zeros(3, units, dtype=torch.int64, device=x.device)
    rows[0] = samples
    if x.numel() == 0:
        return rows
    grid = x.reshape(samples, units, -1)
    looking = may_look(x)
    size = max(1, (CACHE_PIECE if looking else BRANCH_FREE_PIECE) // (x.numel() // samples))
    for piece in grid.split(size) if samples > size else (grid,):
        value = piece.to(torch.float32)
        rows[1] += _active(value, looking=looking)
        if saturation is not None:
            rows[2] += _saturated(value, saturation, looking=looking)
    return rows


def _active(value: Tensor, *, looking: bool) -> Tensor:
    if value.shape[2] > 1:
        value = _largest_magnitude_or_nan(value, looking=looking)
    if not looking:
        return _samples((value != 0).to(torch.float32))
    return _samples(torch.ne(value, 0.0, out=_scratch.of(value)))


class _Scratch(threading.local):
    """Room that is kept: fresh memory of this size would have to be asked from the system every time."""

    room: Tensor | None = None

    def of(self, like: Tensor) -> Tensor:
        if like.numel() > CACHE_PIECE:
            return torch.empty_like(like, memory_format=torch.contiguous_format)
        if self.room is None:
            # Room that was made in inference mode could not be written outside it.
            with torch.inference_mode(mode=False):
                self.room = torch.empty(CACHE_PIECE, dtype=torch.float32, device=like.device)
        return self.room[: like.numel()].view(like.shape)


_scratch = _Scratch()


def _largest_magnitude_or_nan(value: Tensor, *, looking: bool) -> Tensor:
    """Return a value that is zero only where all positions are; quicker than the largest magnitude."""
    highest = value.amax(2)
    if looking and bool(highest.all()):  # nearly always: then nobody need look for the smallest
        return highest
    return torch.where(highest != 0, highest, value.amin(2))


def _saturated(value: Tensor, saturation: tuple[float, float], *, looking: bool) -> Tensor:
    outside = _flags(torch.le, value, saturation[0], looking=looking)
    outside = outside.add_(_flags(torch.ge, value, saturation[1], looking=looking))
    # Looking for the smallest of one value costs as much as everything else together.
    return _samples(outside.amin(2) if value.shape[2] > 1 else outside)


def _flags(compare: Callable[..., Tensor], value: Tensor, limit: float, *, looking: bool) -> Tensor:
    # Ones and zeros in float32: on a CPU comparing and adding them is five times as fast as with truth
    # values.
    if looking:
        return compare(value, limit, out=torch.empty_like(value))
    return compare(value, limit).to(torch.float32)


def _samples(flags: Tensor) -> Tensor:
    # At most 4,194,304 samples at a time, and float32 counts exactly up to 16,777,216.
    return flags.reshape(flags.shape[0], flags.shape[1]).sum(0).to(torch.int64)
