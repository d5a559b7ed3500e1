"""Shelves: where vectors are put as they come, in memory or in a file that is whole or not there."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.core.arguments import file_path
from pellucid.core.errors import InputError, StoreError

Array = NDArray[Any]
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = 128
"""Bytes in front of the values, however many rows there will be: the header is written last, in place."""


def npy_path(name: str, value: Any) -> Path | None:
    """Return the path of a .npy file; None as it is.

    Raises:
        InputError: It is no path, or has another ending.
    """
    if value is None:
        return None
    path = file_path(name, value)
    if path.suffix != ".npy":
        raise InputError(f"{name}={str(path)!r} came; expected a file of NumPy, such as {path.stem + '.npy'!r}.")
    return path


@contextlib.contextmanager
def shelf(to: Path | None) -> Generator["Shelf", None, None]:
    """Have a shelf while the block runs; what was not taken from it is gone when the block is left.

    Args:
        to: See `Shelf`.
    """
    made = Shelf(to)
    try:
        yield made
    finally:
        made.clear()


class Shelf:
    """Takes rows of vectors, and gives them back as one array.

    Args:
        to: A .npy file, which is written as rows come, beside its place, and put there when it is whole; None for
            memory.
    """

    def __init__(self, to: Path | None) -> None:
        self._to, self._kept = to, list[Array]()
        self._width: int | None = None
        self._file: BinaryIO | None = None
        self._beside = None if to is None else to.with_name(f".{to.name}.{os.getpid()}.part")

    def clear(self) -> None:
        """Leave nothing beside the place of the file."""
        if self._file is not None:
            self._file.close()
        if self._beside is not None:
            with contextlib.suppress(OSError):
                self._beside.unlink(missing_ok=True)

    def put(self, rows: Array) -> None:
        """Add rows, [row, unit].

        Raises:
            InputError: They are longer or shorter than those before.
            StoreError: The file cannot be written.
        """
        if self._width is None:
            self._width = rows.shape[1]
        if rows.shape[1] != self._width:
            raise InputError(
                f"Vectors of {rows.shape[1]:,} values came after others of {self._width:,}. Expected one length: bring "
                "all inputs to one size, or name a layer whose output does not depend on it."
            )
        if self._beside is None:
            self._kept.append(rows.astype(np.float32))
            return
        with self._told():
            if self._file is None:
                self._file = self._beside.open("wb")
                self._file.write(bytes(_HEADER))
            self._file.write(np.ascontiguousarray(rows, dtype="<f4").data)

    def taken(self, rows: int) -> Array:
        """Return the first rows, [row, unit]: from now on the file is there.

        Args:
            rows: How many; what was put after them, as when Ctrl-C came in between, is dropped.
        """
        if self._beside is None or self._to is None or self._file is None:
            return np.concatenate(self._kept)[:rows] if self._kept else np.zeros((0, 0), dtype=np.float32)
        width = self._width or 0
        with self._told():
            self._file.truncate(_HEADER + 4 * rows * width)
            self._file.seek(0)
            words = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}".encode()
            length = _HEADER - len(_MAGIC) - 2
            self._file.write(_MAGIC + length.to_bytes(2, "little") + words.ljust(length - 1) + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._beside.replace(self._to)
        return np.load(self._to, mmap_mode="r")

    @contextlib.contextmanager
    def _told(self) -> Generator[None, None, None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"Could not write {self._to}: {error.strerror or error}. What was there before is unchanged."
            ) from error
