"""Rows of different length laid end to end, with offsets: row i is values[offsets[i] : offsets[i + 1]]."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, Shaped, UInt16

from pellucid.core.errors import InputError

Columns = tuple[np.ndarray, ...]


def check(name: str, offsets: Int64[np.ndarray, "boundary"], values: int) -> None:
    """Refuse offsets that do not lay out their values.

    Args:
        name: How to call the offsets in the message.
        offsets: Where each row begins and the last ends.
        values: How many values there are.

    Raises:
        InputError: The offsets do not rise from 0 to the number of values.
    """
    if offsets[0] != 0 or offsets[-1] != values or bool(np.any(offsets[1:] < offsets[:-1])):
        raise InputError(
            f"{name} must rise from 0 to {values}, the number of values that it divides into rows; "
            f"it goes from {offsets[0]} to {offsets[-1]}. Build it with np.cumsum of the lengths."
        )


def offsets_of(lengths: Int64[np.ndarray, "row"]) -> Int64[np.ndarray, "boundary"]:
    """Return where rows begin and the last ends.

    Args:
        lengths: Values in each row, 0 or more.

    Returns:
        0, and the running sum of the lengths.
    """
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])


def positions(
    offsets: Int64[np.ndarray, "boundary"], rows: Int64[np.ndarray, "picked"]
) -> tuple[Int64[np.ndarray, "picked_boundary"], Int64[np.ndarray, "value"]]:
    """Find the values of some rows.

    Args:
        offsets: Where each row begins and the last ends.
        rows: Which rows, in any order, also repeated; -1 is a row without values.

    Returns:
        The offsets of the picked rows, and where their values stand now.

    Cost:
        Proportional to the values picked.
    """
    there = rows >= 0
    starts = np.where(there, offsets[rows], 0)
    lengths = np.where(there, offsets[np.where(there, rows + 1, 0)] - starts, 0)
    picked = offsets_of(lengths)
    return picked, np.repeat(starts - picked[:-1], lengths) + np.arange(picked[-1])


def add(
    first: tuple[Int64[np.ndarray, "boundary"], UInt16[np.ndarray, "one"], Int64[np.ndarray, "one"]],
    second: tuple[Int64[np.ndarray, "boundary"], UInt16[np.ndarray, "two"], Int64[np.ndarray, "two"]],
) -> tuple[Int64[np.ndarray, "boundary"], UInt16[np.ndarray, "sum"], Int64[np.ndarray, "sum"]]:
    """Add two tables of sparse rows.

    Args:
        first: Offsets, then for each value its column (below 65,536) and its amount.
        second: The same, with as many rows.

    Returns:
        The same form: every column of either row once, ascending, with the amounts added exactly.

    Cost:
        One sort of the values of both.
    """
    keys = np.concatenate([_keys(first[0], first[1]), _keys(second[0], second[1])])
    found, place = np.unique(keys, return_inverse=True)
    amount = np.zeros(len(found), dtype=np.int64)
    np.add.at(amount, place, np.concatenate([first[2], second[2]]))
    lengths = np.bincount(found >> 16, minlength=len(first[0]) - 1)
    return offsets_of(lengths), (found & 0xFFFF).astype(np.uint16), amount


def _keys(offsets: Int64[np.ndarray, "boundary"], column: UInt16[np.ndarray, "value"]) -> Int64[np.ndarray, "value"]:
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return (rows << 16) | column.astype(np.int64)


def join(tables: Sequence[tuple[Int64[np.ndarray, "_"], Columns]]) -> tuple[Shaped[np.ndarray, "_"], Columns]:
    """Lay several tables of rows end to end.

    Args:
        tables: For each its offsets and its columns of values, one or more; all with the same columns.

    Returns:
        The offsets and the columns of the whole.
    """
    lengths = np.concatenate([np.diff(offsets) for offsets, _ in tables])
    columns = zip(*(values for _, values in tables), strict=True)
    return offsets_of(lengths), tuple(np.concatenate(column) for column in columns)
