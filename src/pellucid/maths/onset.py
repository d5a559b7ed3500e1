"""When something began in a series: the first value that is not finite, the windows in which a count holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, Shaped

from pellucid.maths.reduce import SUMS
from pellucid.maths.series import TensorSeries


def bad_values(series: TensorSeries, *, masks: bool = False) -> Int64[np.ndarray, "step tensor"]:
    """Count the values that are not finite.

    Args:
        series: Any.
        masks: Whether -inf is taken as a mask, and so as no fault: attention scores hold it on purpose.

    Returns:
        NaN and infinities of each tensor at each step, 0 or more; 0 where it was absent.
    """
    kinds = ["nans", "positive_infinities", *([] if masks else ["negative_infinities"])]
    return sum(series.sums[..., SUMS.index(kind)] for kind in kinds).astype(np.int64)  # pyright: ignore[reportAttributeAccessIssue]


def sound_steps(series: TensorSeries, *, masks: bool = False) -> int:
    """Count the steps before the first one that holds a value that is not finite.

    What a layer does after a NaN says nothing about the layer: every statistic of it is a consequence.

    Args:
        series: Steps in the order in which they were measured.
        masks: Whether -inf is taken as a mask.

    Returns:
        0 to the number of steps.
    """
    bad = np.flatnonzero(bad_values(series, masks=masks).any(axis=1))
    return int(bad[0]) if len(bad) else len(series.steps)


def last_stretch(holds: Bool[np.ndarray, "place"]) -> int | None:
    """Find where the stretch that lasts to the end begins.

    Args:
        holds: Whether something holds, in order.

    Returns:
        The first place of the unbroken stretch of trues at the end; None when the last one is false.
    """
    if not len(holds) or not holds[-1]:
        return None
    broken = np.flatnonzero(~holds)
    return int(broken[-1]) + 1 if len(broken) else 0


@dataclass(frozen=True, kw_only=True)
class UnitWindows:
    """Counts of each unit of one tensor, over windows of steps that hold enough samples.

    Attributes:
        first: Place of the first step of each window.
        last: Place of its last step.
        samples: Samples in each window.
        active: Samples in which each unit was not zero.
        saturated: Samples in which each unit was saturated.
    """

    first: Int64[np.ndarray, "window"]
    last: Int64[np.ndarray, "window"]
    samples: Int64[np.ndarray, "window"]
    active: Int64[np.ndarray, "window unit"]
    saturated: Int64[np.ndarray, "window unit"]


def unit_windows(series: TensorSeries, tensor: int, *, samples: int, stop: int | None = None) -> UnitWindows:
    """Add up the unit counts of consecutive steps until there are enough samples.

    Args:
        series: Steps in the order in which they were measured.
        tensor: Place of the tensor.
        samples: How many samples a window must hold, 1 or more.
        stop: Leave out the steps at and after this place; None for none.

    Returns:
        For every step at which the tensor was measured, the shortest window that ends there and holds enough
        samples. None for the steps before there were enough, and none at all for a tensor without units.

    Cost:
        A few passes over the unit counts of the tensor.
    """
    columns = slice(int(series.unit_offsets[tensor]), int(series.unit_offsets[tensor + 1]))
    counts = series.units[:stop, :, columns]
    width = counts.shape[2]
    sums = np.concatenate([np.zeros((1, 3, width), dtype=np.int64), counts.cumsum(axis=0)])
    seen = sums[:, 0, 0] if width else np.zeros(len(sums), dtype=np.int64)
    ends = np.flatnonzero((np.diff(seen) > 0) & (seen[1:] >= samples)) + 1
    starts = np.searchsorted(seen, seen[ends] - samples, side="right") - 1
    return UnitWindows(
        first=starts.astype(np.int64),
        last=(ends - 1).astype(np.int64),
        samples=seen[ends] - seen[starts],
        active=sums[ends, 1] - sums[starts, 1],
        saturated=sums[ends, 2] - sums[starts, 2],
    )


def aligned_columns(
    names: Sequence[str], known: Sequence[str], values: Shaped[np.ndarray, "step tensor"], *, missing: float
) -> Shaped[np.ndarray, "step name"]:
    """Put the columns of a table in another order, with new columns where it lacks a name.

    Args:
        names: Names of the columns of the table that is returned.
        known: Names of the columns of `values`.
        values: The table.
        missing: What fills the new columns.

    Returns:
        A table of the same type.
    """
    places = {name: place for place, name in enumerate(known)}
    table = np.full((len(values), len(names)), missing, dtype=values.dtype)
    for place, name in enumerate(names):
        if name in places:
            table[:, place] = values[:, places[name]]
    return table


def kept_places(before: TensorSeries, after: TensorSeries) -> Int64[np.ndarray, "step"]:
    """Return the places of the steps that `thin` kept.

    Args:
        before: A series with rising steps.
        after: What `before.thin` returned.

    Returns:
        Places on the step axis of `before`.
    """
    return np.searchsorted(before.steps, after.steps)


def most_telling(count: int, at_fault: Sequence[int], *, most: int = 16) -> tuple[int, ...]:
    """Choose the few of many layers that a picture can show.

    Args:
        count: How many layers there are.
        at_fault: Places of those that a rule accuses: they come first, evenly spread when there are too many.
        most: How many may be chosen, 2 or more.

    Returns:
        At most `most` places, ascending: those at fault, and then others evenly spread over the depth, with
        the first and the last among them.
    """
    faulty = sorted({place for place in at_fault if 0 <= place < count})
    if count <= most:
        return tuple(range(count))
    if len(faulty) >= most:
        return tuple(faulty[int(place)] for place in np.linspace(0, len(faulty) - 1, most).round())
    others = [place for place in range(count) if place not in set(faulty)]
    spread = np.linspace(0, len(others) - 1, most - len(faulty)).round()
    return tuple(sorted({*faulty, *(others[int(place)] for place in spread)}))
