"""What the index says of a run as a whole, and of its pieces."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.core.errors import FormatError
from pellucid.outlets.store.index import FORMAT, Connection, has_tables, reading
from pellucid.outlets.store.layout import INDEX
from pellucid.outlets.store.plain import to_json


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One file of a result, covering some steps.

    Attributes:
        name: Of the result, such as "activations".
        first: First step.
        last: Last step.
        kind: Of the result, such as "activations.ActivationHistograms".
        file: File name in `results/`.
        bytes: Size of the file.
        checksum: CRC-32 of the file; None when the index is lost.
    """

    name: str
    first: int
    last: int
    kind: str
    file: str
    bytes: int
    checksum: int | None

    @property
    def row(self) -> tuple[Any, ...]:
        """The piece as a row of the index."""
        return (self.name, self.first, self.last, self.kind, self.file, self.bytes, self.checksum)


@dataclass(frozen=True, kw_only=True)
class State:
    """A run as a whole.

    Attributes:
        status: As it was last written: "running", "finished", "stopped" or "failed"; "" before it began.
        started: When it began, ISO 8601 with zone; "" before it began.
        seconds: Wall seconds of writing, over all resumptions, as of the last flush.
        last: Last step that is stored; -1 for none.
        token: Drawn anew by each writer.
    """

    status: str = ""
    started: str = ""
    seconds: float = 0.0
    last: int = -1
    token: str = ""

    @property
    def begun(self) -> bool:
        """False when a process was killed while it made the run."""
        return bool(self.status)

    @property
    def empty(self) -> bool:
        """Whether nothing is stored that could be lost."""
        return self.last < 0


def read_state(path: Path) -> State:
    """Read the state of a run.

    Args:
        path: The run directory.

    Returns:
        The state.

    Raises:
        StoreError: The index cannot be opened.
        FormatError: The index is damaged, or newer than this pellucid.
    """
    with reading(path) as connection:
        return state_in(connection, path)


def state_in(connection: Connection, path: Path) -> State:
    """Read the state through an open connection; see `read_state`."""
    if not has_tables(connection):
        return State()
    try:
        meta = {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM meta")}
        version = meta.pop("format", FORMAT)
        if version == FORMAT:
            return State(**meta)
    except (ValueError, TypeError) as error:
        raise FormatError(f"The index {path / INDEX} is damaged: {type(error).__name__}: {error}.") from error
    raise FormatError(f"The run {path} has format {version!r}; this pellucid reads format {FORMAT}. Upgrade pellucid.")


def write_meta(connection: Connection, **values: str | float) -> None:
    """Set fields of the state, inside a transaction."""
    rows = [(name, to_json(value)) for name, value in values.items()]
    connection.executemany("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", rows)


def pieces_in(connection: Connection) -> list[Piece]:
    """Return every piece, by name and first step."""
    rows = connection.execute(
        "SELECT name, first, last, kind, file, bytes, checksum FROM pieces ORDER BY name, first, last"
    )
    names = ("name", "first", "last", "kind", "file", "bytes", "checksum")
    return [Piece(**dict(zip(names, row, strict=True))) for row in rows]


def add_piece(connection: Connection, piece: Piece) -> None:
    """Index a piece, in place of one of the same name and steps."""
    connection.execute("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?, ?, ?, ?)", piece.row)


def drop_piece(connection: Connection, piece: Piece) -> None:
    """Take a piece out of the index."""
    connection.execute(
        "DELETE FROM pieces WHERE name = ? AND first = ? AND last = ?", (piece.name, piece.first, piece.last)
    )
