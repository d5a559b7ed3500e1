"""Rewinding: what lies at or after a step is dropped, for a run that goes on from an earlier checkpoint."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from pellucid.core.errors import PellucidError
from pellucid.core.result import Result
from pellucid.outlets.store.index import Connection
from pellucid.outlets.store.pieces import packed, read_piece, write_piece
from pellucid.outlets.store.state import Piece, add_piece, drop_piece, pieces_in


@runtime_checkable
class Cuttable(Protocol):
    """A result with steps that can give up its end."""

    def before(self, step: int) -> Result:
        """Return the result with the steps below `step` only; at least one is."""
        ...


def cut(connection: Connection, path: Path, step: int) -> int:
    """Drop every row and piece at or after `step`, inside a transaction. The files are left to be swept.

    Args:
        connection: Inside a transaction.
        path: The run directory.
        step: 0 or more.

    Returns:
        The last step that is still there; -1 for none.

    Raises:
        StoreError: What is left of a piece cannot be written.
    """
    connection.execute("DELETE FROM scalars WHERE step >= ?", (step,))
    connection.execute("DELETE FROM findings WHERE step >= ?", (step,))
    for piece in pieces_in(connection):
        if piece.last >= step:
            drop_piece(connection, piece)
            if piece.first < step:
                _keep_beginning(connection, path, piece, step)
    query = "SELECT max(step) FROM (SELECT max(step) AS step FROM scalars UNION ALL SELECT max(last) FROM pieces)"
    (last,) = connection.execute(query).fetchone()
    return -1 if last is None else int(last)


def _keep_beginning(connection: Connection, path: Path, piece: Piece, step: int) -> None:
    try:
        whole = read_piece(path, piece)
    except PellucidError:
        return  # a piece that cannot be read holds nothing to keep
    if not isinstance(whole, Cuttable):
        return
    kept, content = packed(piece.name, whole.before(step), first=piece.first, last=step - 1)
    write_piece(path, kept, content)
    add_piece(connection, kept)
