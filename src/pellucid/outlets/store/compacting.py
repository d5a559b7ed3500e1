"""Compacting: many small pieces of a result become one, so that a run of days is read as fast as one of minutes.

A run that is flushed every five seconds leaves 17,000 pieces of each result in a day. Whenever `FEW` pieces of one
size have gathered they are joined, and so are the joined ones, as in a log-structured merge tree: every value is
written again only a few times.
"""

from itertools import pairwise
from pathlib import Path

from pellucid.core.errors import PellucidError
from pellucid.core.result import Result
from pellucid.outlets.store.pieces import packed, read_piece
from pellucid.outlets.store.rewinding import Cuttable
from pellucid.outlets.store.state import Piece

FEW = 16
LARGE_BYTES = 32_000_000  # pieces that are large already are not worth copying


class Compactor:
    """Keeps account of the pieces that one writer has written, by how often they were joined."""

    def __init__(self) -> None:
        self._gathered: dict[tuple[str, int], list[Piece]] = {}

    def add(self, piece: Piece, *, level: int = 0) -> None:
        """Note a piece that was written; `level` is how often its parts were joined."""
        self._gathered.setdefault((piece.name, level), []).append(piece)

    def take(self) -> tuple[list[Piece], int] | None:
        """Return pieces to join, and their level; None when too few have gathered."""
        for key, pieces in self._gathered.items():
            if len(pieces) >= FEW:
                del self._gathered[key]
                return pieces, key[1]
        return None

    def forget(self) -> None:
        """Begin anew, after pieces were dropped."""
        self._gathered.clear()


def compacted(path: Path, pieces: list[Piece]) -> tuple[Piece, bytes] | None:
    """Join pieces of one result.

    Args:
        path: The run directory.
        pieces: Two or more.

    Returns:
        The piece that takes their place and the bytes of its file. None where they should stay as they are: they
        are large, their steps do not rise, one cannot be read, or their kind cannot be cut, so that rewinding
        would have to drop the whole.
    """
    ordered = sorted(pieces, key=lambda piece: piece.first)
    rising = all(one.last < other.first for one, other in pairwise(ordered))
    if not rising or len({piece.kind for piece in pieces}) > 1 or sum(one.bytes for one in pieces) > LARGE_BYTES:
        return None
    try:
        parts = [read_piece(path, piece) for piece in ordered]
        whole = type(parts[0]).join(parts)
    except (PellucidError, ArithmeticError, LookupError, TypeError, ValueError):
        return None  # reading the run tells what is wrong with them
    if not isinstance(whole, Cuttable) or not isinstance(whole, Result):
        return None
    return packed(ordered[0].name, whole, first=ordered[0].first, last=ordered[-1].last)
