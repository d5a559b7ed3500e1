"""Pieces of results: written whole, read with their checksum, joined along the steps."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from pellucid.core.errors import FormatError, PellucidError, StoreError
from pellucid.core.files import pack, read_result, write_atomically
from pellucid.core.result import Result
from pellucid.outlets.store.layout import RESULTS, is_regular, piece_file, piece_files, steps_of
from pellucid.outlets.store.state import Piece


def packed(name: str, result: Result, *, first: int, last: int) -> tuple[Piece, bytes]:
    """Return a piece and the bytes of its file."""
    content = pack(result)
    piece = Piece(
        name=name,
        first=first,
        last=last,
        kind=result.kind,
        file=piece_file(name, first, last),
        bytes=len(content),
        checksum=zlib.crc32(content),
    )
    return piece, content


def write_piece(path: Path, piece: Piece, content: bytes) -> None:
    """Write the file of a piece, beside its place first, then renamed.

    Raises:
        StoreError: The disk is full or the directory is gone.
    """
    file = path / RESULTS / piece.file
    try:
        write_atomically(file, content)
    except StoreError:
        raise
    except OSError as error:  # what clears up after a failed write may fail too
        raise StoreError(f"Could not write {file}: {error.strerror or error}.") from error


def read_piece(path: Path, piece: Piece) -> Result:
    """Read one piece.

    Args:
        path: The run directory.
        piece: From its index.

    Returns:
        The result.

    Raises:
        StoreError: The file is missing or cannot be read.
        FormatError: The file is damaged.
    """
    file = path / RESULTS / piece.file
    if (file.exists() or file.is_symlink()) and not is_regular(file):
        raise FormatError(f"{file} is damaged: it is a link, a pipe or a directory, not a regular file.")
    try:
        intact = piece.checksum is None or zlib.crc32(file.read_bytes()) == piece.checksum
    except FileNotFoundError as error:
        raise StoreError(f"There is no file {file}.") from error
    except OSError as error:
        raise StoreError(f"Could not read {file}: {error.strerror or error}.") from error
    if not intact:
        raise FormatError(f"{file} is damaged: its checksum differs from the one in the index.")
    return read_result(file)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Results that were read, and what could not be.

    Attributes:
        results: By name.
        problems: One sentence for each result that is not whole.
        missing: Whether a file was not there: it may have been replaced while we read.
    """

    results: dict[str, Result]
    problems: tuple[str, ...]
    missing: bool = False


def read_pieces(path: Path, pieces: Iterable[Piece], *, most: int) -> Reading:
    """Read pieces and join those of one name.

    Args:
        path: The run directory.
        pieces: Ordered by name and step.
        most: Steps that a result keeps.

    Returns:
        The results. A piece that cannot be read is left out, and a sentence says so.
    """
    results: dict[str, Result] = {}
    problems: list[str] = []
    missing = False
    for name, group in groupby(pieces, key=lambda piece: piece.name):
        wanted = list(group)
        whole: list[Result] = []
        failed: list[PellucidError] = []
        for piece in wanted:
            try:
                whole.append(read_piece(path, piece))
            except PellucidError as error:
                failed.append(error)
                missing = missing or not (path / RESULTS / piece.file).exists()
        if failed:
            problems.append(
                f"{len(failed)} of {len(wanted)} pieces of {name!r} could not be read and are left out. "
                f"The first: {failed[0]}"
            )
        if whole:
            results[name] = _thinned(name, _joined(name, whole, problems), problems, most=most)
    return Reading(results=results, problems=tuple(problems), missing=missing)


def _joined(name: str, pieces: list[Result], problems: list[str]) -> Result:
    kind = type(pieces[-1])
    alike = [one for one in pieces if type(one) is kind]
    if len(alike) < len(pieces):
        problems.append(
            f"{len(pieces) - len(alike)} of {len(pieces)} pieces of {name!r} are left out: "
            f"they are not {kind.kind} like the latest."
        )
    try:
        return kind.join(alike)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        problems.append(
            f"The {len(alike)} pieces of {name!r} do not fit together ({type(error).__name__}: {error}); "
            "only the latest is shown."
        )
        return alike[-1]


def _thinned(name: str, whole: Result, problems: list[str], *, most: int) -> Result:
    try:
        return whole.thin(most)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        problems.append(f"The steps of {name!r} are at odds ({type(error).__name__}: {error}); all are shown.")
        return whole


def pieces_without_index(path: Path) -> list[Piece]:
    """Return the pieces that lie in the directory, for a run whose index is lost."""
    found: list[Piece] = []
    for file in piece_files(path):
        if covered := steps_of(file.name):
            name, first, last = covered
            size = file.stat().st_size
            found.append(Piece(name=name, first=first, last=last, kind="", file=file.name, bytes=size, checksum=None))
    return sorted(found, key=lambda piece: (piece.name, piece.first, piece.last))
