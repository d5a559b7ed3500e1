"""Reduce a tensor to mergeable statistics: exact counts, accurate sums, extremes, buckets, units.

Several ways lead to the same answer. On a CPU in eager mode nothing has to be waited for, so the reduction looks
at what it finds (only values that hold NaN are cleaned, only extreme magnitudes are scaled). Under `torch.compile`
and on an accelerator nothing depends on the data: no graph break, no synchronisation.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int, Int64, Shaped
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.maths.histogram import MANTISSA_BITS, bucket_total, check_mantissa_bits
from pellucid.maths.units import BRANCH_FREE_PIECE, CACHE_PIECE, may_look, unit_counts

SUMS = (
    "finite",
    "zeros",
    "nans",
    "positive_infinities",
    "negative_infinities",
    "total",
    "squares",
    "absolutes",
)

# Up to here NumPy's shorter way into each operation counts for more than the speed of the operation.
_SMALL = 4096
# Inside these magnitudes the squares of a whole piece neither overflow float32 nor vanish.
_SMALLEST_UNSCALED, _LARGEST_UNSCALED = 2.0**-50, 2.0**50
Limits = tuple[float, float] | None
"""(low, high) of saturation, or nothing to count."""
# Half of a rectified layer falls into one bucket: an accelerator adds to copies of it side by side.
_ACCELERATOR_LANES = 32


class Reduced(NamedTuple):
    """The statistics of one tensor; two of them merge into those of both tensors.

    Attributes:
        sums: In the order of `SUMS`: the number of finite values, of ±0.0, NaN, +inf and -inf, then over the
            finite values the sum, the sum of squares and the sum of magnitudes.
        extremes: The maximum and the negated minimum of the finite values, -inf when there are none; both
            merge by MAX.
        counts: Values per bucket, all values: NaN and the infinities sit in the buckets of exponent 255.
        units: Per unit the samples seen, the samples in which it was not zero, and the samples in which it
            was saturated. None when no unit axis was named.
    """

    sums: Float64[Tensor, "8"]
    extremes: Float64[Tensor, "2"]
    counts: Int[Tensor, "bucket"]
    units: Int64[Tensor, "3 unit"] | None


def reduce(
    x: Shaped[Tensor, "*shape"],
    *,
    unit_axis: int | None = None,
    saturation: tuple[float, float] | None = None,
    mantissa_bits: int = MANTISSA_BITS,
) -> Reduced:
    """Reduce a tensor to counts, sums, extremes, a histogram and counts per unit.

    Values are read as float32. A float64 or integer value beyond its range counts as infinite, a float64
    value too small for it as zero, and integers beyond 2**24 are rounded. Zeros are ±0.0 and nothing else:
    the smallest denormal is no zero.

    Args:
        x: Any dense tensor of real numbers or truth values, of any shape, also empty. It is only read; its
            gradient history is left behind.
        unit_axis: The axis that numbers the units: -1 for (batch, unit) and (batch, token, width), 1 for
            (batch, channel, *space). Each index of the axes before it is a sample. A unit is active in a
            sample when any of its values there (any position, on the axes behind) is not zero; NaN is not
            zero.
        saturation: (low, high), low < high: a value is saturated when it is <= low or >= high, NaN never; a
            unit is saturated in a sample when all of its values there are.
        mantissa_bits: Buckets per power of two, as a power of two, 1 to 7.

    Returns:
        Tensors on the device of `x`. Every count is exact. Sums are off by at most 1e-5
        of the same sum over magnitudes (measured: below 1e-6), and do not overflow.

    Raises:
        InputError: The tensor is complex or not dense, or an option is out of range.

    Cost:
        On a CPU 1.8 to 2.3 ns per float32 value (1.5 to 2 times one sum and one bincount; benchmarks/reduce.py),
        0.5 to 1.2 more with units, 20 us at the least, 2 MB of memory. On an accelerator and compiled, about
        40 bytes for each of at most 4,194,304 values at a time.

    Source:
        The buckets are those of DDSketch with the logarithm read from the bits of the number: C. Masson,
        J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch", VLDB 2019, sections 2
        and 4. Scaling before squaring: J. L. Blue, "A portable Fortran program to find the Euclidean norm of
        a vector", ACM TOMS 4, 1978.
    """
    check(x, unit_axis=unit_axis, saturation=saturation, mantissa_bits=mantissa_bits)
    x = x.detach().resolve_neg()
    units = None if unit_axis is None else unit_counts(x, unit_axis, saturation)
    if x.numel() == 0:
        return _nothing(x.device, mantissa_bits, units)
    if not may_look(x):
        way = _reduce_blind
    elif x.numel() <= _SMALL:
        way = _reduce_small
    else:
        way = _reduce_looking
    sums, extremes, counts = way(flat_of(x), mantissa_bits)
    return Reduced(sums, extremes, counts, units)


def merge(first: Reduced, second: Reduced) -> Reduced:
    """Merge the statistics of two tensors into those of both together.

    Args:
        first: The statistics of one tensor.
        second: Those of another, with the same buckets and the same units, on the same device.

    Returns:
        What `reduce` returns for the two tensors laid end to end along the samples: counts exactly, sums up
        to rounding.

    Raises:
        InputError: The two have different buckets or different units.

    Cost:
        Four small additions.
    """
    if first.counts.shape != second.counts.shape:
        raise InputError(
            f"Cannot merge {first.counts.numel()} buckets with {second.counts.numel()}: both must come from "
            "pellucid.maths.reduce.reduce with the same mantissa_bits. Reduce one of them again."
        )
    return Reduced(
        first.sums + second.sums,
        torch.maximum(first.extremes, second.extremes),
        first.counts + second.counts,
        _merged_units(first.units, second.units),
    )


def _merged_units(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    if first is None and second is None:
        return None
    if first is None or second is None or first.shape != second.shape:
        widths = ["no" if units is None else str(units.shape[1]) for units in (first, second)]
        raise InputError(
            f"Cannot merge statistics of {widths[0]} units with statistics of {widths[1]} units: both "
            "must come from pellucid.maths.reduce.reduce with a unit_axis of the same length. Reduce one "
            "of them again."
        )
    return first + second


def check(
    x: Shaped[Tensor, "*shape"],
    *,
    unit_axis: int | None = None,
    saturation: Limits = None,
    mantissa_bits: int = MANTISSA_BITS,
) -> None:
    """Refuse what cannot be reduced.

    Args:
        x: As for `reduce`, like the others.
        unit_axis: As for `reduce`.
        saturation: As for `reduce`.
        mantissa_bits: As for `reduce`.

    Raises:
        InputError: The tensor is complex or not dense, or an option is out of range.
    """
    check_mantissa_bits(mantissa_bits)
    if x.is_complex():
        raise InputError(
            f"Cannot reduce a complex tensor ({x.dtype}, shape {tuple(x.shape)}): complex numbers have no "
            "order, so no buckets. Pass torch.view_as_real(x), or x.abs()."
        )
    if x.layout is not torch.strided:
        raise InputError(
            f"Cannot reduce a tensor of layout {x.layout} (shape {tuple(x.shape)}): expected a dense tensor. "
            "Pass x.to_dense()."
        )
    if unit_axis is not None and x.dim() == 0:
        raise InputError(f"A tensor without axes has no units: unit_axis is {unit_axis}. Pass unit_axis=None.")
    if unit_axis is not None and not -x.dim() <= unit_axis < x.dim():
        raise InputError(
            f"unit_axis {unit_axis} does not exist in a tensor of shape {tuple(x.shape)}: expected an "
            f"axis from {-x.dim()} to {x.dim() - 1}. Pass unit_axis=None when there are no units."
        )
    if saturation is not None and unit_axis is None:
        raise InputError(
            f"saturation {saturation} is counted per unit, and no unit_axis was named. Name the axis that "
            "numbers the units."
        )
    if saturation is not None and not saturation[0] < saturation[1]:
        raise InputError(
            f"saturation {saturation} leaves nothing between its limits: expected (low, high) with low < "
            "high. Pass -inf or inf for a side without a limit."
        )


def _nothing(device: torch.device, mantissa_bits: int, units: Tensor | None) -> Reduced:
    return Reduced(
        torch.zeros(len(SUMS), dtype=torch.float64, device=device),
        torch.full((2,), -math.inf, dtype=torch.float64, device=device),
        torch.zeros(bucket_total(mantissa_bits), dtype=torch.int64, device=device),
        units,
    )


def flat_of(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "value"]:
    """Lay the values out in one row, in the order of the memory where that saves a copy.

    Args:
        x: Any dense tensor.

    Returns:
        All its values; a view where one is possible.
    """
    # The compiler cannot sort strides that it keeps symbolic, and plans its own order of reading.
    if not x.is_contiguous() and not torch.compiler.is_compiling():
        strides = x.stride()
        x = x.permute(sorted(range(x.dim()), key=lambda axis: -strides[axis]))
    return x.reshape(-1)


def _buckets(value: Tensor, mantissa_bits: int, *, out: Tensor | None = None) -> Tensor:
    # The shift keeps the sign: negative numbers land below half of the buckets, positive ones above.
    index = torch.bitwise_right_shift(value.view(torch.int32), 23 - mantissa_bits, out=out)
    return index.add_(bucket_total(mantissa_bits) // 2)


# ---------------------------------------------------------------------------------- looking: eager, on a CPU


def _reduce_looking(flat: Tensor, mantissa_bits: int) -> tuple[Tensor, Tensor, Tensor]:
    sums = [0.0] * len(SUMS)
    highest, lowest = -math.inf, math.inf
    counts = None
    scratch = torch.empty(min(flat.numel(), CACHE_PIECE), dtype=torch.float32, device="cpu")
    for piece in flat.split(CACHE_PIECE) if flat.numel() > CACHE_PIECE else (flat,):
        value = piece.to(torch.float32)
        room = scratch[: value.numel()]
        index = _buckets(value, mantissa_bits, out=room.view(torch.int32))
        found = torch.bincount(index, minlength=bucket_total(mantissa_bits))
        counts = found if counts is None else counts.add_(found)
        part, low, high = _sums_looking(value, room, found)
        sums = [old + new for old, new in zip(sums, part, strict=True)]
        highest, lowest = max(highest, high), min(lowest, low)
    assert counts is not None  # noqa: S101  (an empty tensor never comes here)
    return torch.from_numpy(np.array(sums)), torch.from_numpy(np.array([highest, -lowest])), counts


def _reduce_small(flat: Tensor, mantissa_bits: int) -> tuple[Tensor, Tensor, Tensor]:
    value = flat.to(torch.float32).numpy()
    counts = _bincount(value, mantissa_bits)
    zeros, nans, positive, negative = len(value) - np.count_nonzero(value), 0, 0, 0
    low, high = float(value.min()), float(value.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        nans, positive, negative = (
            np.count_nonzero(bad) for bad in (np.isnan(value), value == math.inf, value == -math.inf)
        )
        value = value[np.isfinite(value)]
        low, high = float(value.min(initial=math.inf)), float(value.max(initial=-math.inf))
    wide = value.astype(np.float64)
    total = wide.sum()
    absolutes = total if low >= 0 else np.abs(wide).sum()
    sums = np.array([len(value), zeros, nans, positive, negative, total, wide.dot(wide), absolutes], dtype=np.float64)
    return torch.from_numpy(sums), torch.from_numpy(np.array([high, -low])), torch.from_numpy(counts)


def _sums_looking(value: Tensor, room: Tensor, found: Tensor) -> tuple[list[float], float, float]:
    low, high = (bound.item() for bound in value.aminmax())
    zeros = _zeros_looking(value, room, found) if not (low > 0 or high < 0) else 0.0
    nans = positive = negative = 0.0
    if not (math.isfinite(low) and math.isfinite(high)):
        # NumPy counts truth values ten times as fast as torch; torch replaces them as fast as it copies.
        seen = value.numpy()
        nans, positive, negative = (
            float(np.count_nonzero(bad)) for bad in (np.isnan(seen), seen == math.inf, seen == -math.inf)
        )
        low = value.nan_to_num(nan=math.inf, posinf=math.inf, neginf=math.inf).amin().item()
        high = value.nan_to_num(nan=-math.inf, posinf=-math.inf, neginf=-math.inf).amax().item()
        value = value.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    measured = value.numel() - nans - positive - negative
    total, squares, absolutes = _powers_looking(value, room, low=low, high=high) if measured else (0.0,) * 3
    return [measured, zeros, nans, positive, negative, total, squares, absolutes], low, high


def _zeros_looking(value: Tensor, room: Tensor, found: Tensor) -> float:
    half = found.numel() // 2
    if found[0].item() == 0 and found[half].item() == 0:
        return 0.0
    # Comparing into float32 is five times as fast as into bool, and 262,144 ones add up exactly.
    return torch.eq(value, 0, out=room).sum().item()


def _powers_looking(value: Tensor, room: Tensor, *, low: float, high: float) -> tuple[float, float, float]:
    largest = max(-low, high)
    exponent = 0
    if largest > 0 and not _SMALLEST_UNSCALED <= largest <= _LARGEST_UNSCALED:
        exponent = max(-126, min(126, math.frexp(largest)[1]))
        value = value * 2.0**-exponent
    total = value.sum().item()
    if low >= 0:
        absolutes = total
    elif high <= 0:
        absolutes = -total
    else:
        absolutes = torch.abs(value, out=room).sum().item()
    squares = torch.mul(value, value, out=room).sum().item()
    scale = 2.0**exponent
    return total * scale, squares * scale * scale, absolutes * scale


def _bincount(value: Any, mantissa_bits: int) -> Any:
    index = (value.view(np.int32) >> (23 - mantissa_bits)) + bucket_total(mantissa_bits) // 2
    return np.bincount(index, minlength=bucket_total(mantissa_bits))


# --------------------------------------------------------------------- blind: compiled, or on an accelerator


def _reduce_blind(flat: Tensor, mantissa_bits: int) -> tuple[Tensor, Tensor, Tensor]:
    parts = [_reduce_piece_blind(piece, mantissa_bits) for piece in flat.split(BRANCH_FREE_PIECE)]
    sums, extremes, counts = parts[0]
    for more_sums, more_extremes, more_counts in parts[1:]:
        sums = sums + more_sums
        extremes = torch.maximum(extremes, more_extremes)
        counts = counts + more_counts
    return sums, extremes, counts


def _reduce_piece_blind(piece: Tensor, mantissa_bits: int) -> tuple[Tensor, Tensor, Tensor]:
    value = piece.to(torch.float32)
    whole, extremes = powers_blind(value)
    clean = value.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    zeros, absolutes = (value == 0).sum().to(torch.float64), clean.abs().sum(dtype=torch.float64)
    sums = torch.cat([whole[:1], zeros.view(1), whole[1:], absolutes.view(1)])
    return sums, extremes, _counts_blind(value, mantissa_bits)


def powers_blind(value: Float32[Tensor, "value"]) -> tuple[Float64[Tensor, "6"], Float64[Tensor, "2"]]:
    """Measure what needs no buckets without looking at a value: nothing waits for the device.

    Args:
        value: One value or more, any.

    Returns:
        The number of finite values, NaN, +inf and -inf, the sum and the sum of squares; the extremes as in `Reduced`.
    """
    nans, positive, negative = value.isnan().sum(), (value == math.inf).sum(), (value == -math.inf).sum()
    clean = value.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    whole = [
        value.numel() - nans - positive - negative,
        nans,
        positive,
        negative,
        clean.sum(dtype=torch.float64),
        clean.to(torch.float64).square().sum(),
    ]
    finite = value.isfinite()
    extremes = torch.stack([torch.where(finite, side, -math.inf).amax() for side in (value, -value)])
    return torch.stack([one.to(torch.float64) for one in whole]), extremes.to(torch.float64)


def _counts_blind(value: Tensor, mantissa_bits: int) -> Tensor:
    # scatter_add_ of whole numbers gives the same counts in any order; bincount would have to synchronise.
    index = _buckets(value, mantissa_bits).to(torch.int64)
    lanes = _lanes(value)
    whole = index.numel() // lanes * lanes
    counts = torch.zeros(bucket_total(mantissa_bits), lanes, dtype=torch.int32, device=value.device)
    one = torch.ones(1, 1, dtype=torch.int32, device=value.device)
    for rows in (index[:whole].view(-1, lanes), index[whole:].view(1, -1)):
        counts.scatter_add_(0, rows, one.expand(rows.shape))
    return counts.sum(1, dtype=torch.int64)


def _lanes(value: Tensor) -> int:
    return 1 if value.device.type == "cpu" else _ACCELERATOR_LANES
