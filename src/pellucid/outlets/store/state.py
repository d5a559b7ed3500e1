"""What the index says of a run as a whole, and of its pieces."""

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pellucid.core.errors import FormatError
from pellucid.outlets.store.index import FORMAT, Connection, has_tables, reading
from pellucid.outlets.store.layout import INDEX, steps_of
from pellucid.outlets.store.plain import to_json

ENDINGS = ("finished", "stopped", "failed")
STATUSES = ("", "running", *ENDINGS)
LARGEST_STEP = 2**62  # so that steps can be added up in 64 bits


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


_BEFORE_ANYTHING = asdict(State())


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
            return _checked(meta)
    except (ValueError, TypeError, RecursionError) as error:
        raise FormatError(f"The index {path / INDEX} is damaged: {type(error).__name__}: {error}.") from error
    raise FormatError(
        f"The run {path} has format {repr(version)[:40]}; this pellucid reads format {FORMAT}. Upgrade pellucid."
    )


def _checked(meta: dict[str, Any]) -> State:
    """Return the state from fields that anybody may have written, when they can be one."""
    whole = _BEFORE_ANYTHING | meta
    fits = {
        "status": whole["status"] in STATUSES,
        "started": _is_time(whole["started"]),
        "seconds": _is_number(whole["seconds"]) and whole["seconds"] >= 0 and math.isfinite(whole["seconds"]),
        "last": _is_whole(whole["last"]) and -1 <= whole["last"] < LARGEST_STEP,
        "token": isinstance(whole["token"], str),
    }
    if wrong := [name for name, fitting in fits.items() if not fitting]:
        raise ValueError(f"{wrong[0]} is {repr(whole[wrong[0]])[:40]}")
    return State(**whole)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (_is_whole(value) and abs(value) < LARGEST_STEP)


def _is_time(value: Any) -> bool:
    return value == "" or (isinstance(value, str) and _is_moment(value))


@lru_cache(maxsize=256)  # of the runs that are followed; they are looked at again and again
def _is_moment(value: str) -> bool:
    try:
        found = datetime.fromisoformat(value)
        found.astimezone()  # the first and the last day there are have no time in some zones
    except (ValueError, OverflowError, OSError):
        return False
    return found.tzinfo is not None


def write_meta(connection: Connection, **values: str | float) -> None:
    """Set fields of the state, inside a transaction."""
    rows = [(name, to_json(value)) for name, value in values.items()]
    connection.executemany("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", rows)


def pieces_in(connection: Connection) -> list[Piece]:
    """Return every piece, by name and first step; rows that no writer makes are left out."""
    rows = connection.execute(
        "SELECT name, first, last, kind, file, bytes, checksum FROM pieces ORDER BY name, first, last"
    )
    names = ("name", "first", "last", "kind", "file", "bytes", "checksum")
    return [Piece(**dict(zip(names, row, strict=True))) for row in rows if _is_piece(row)]


def count_pieces(connection: Connection) -> int:
    """Return how many rows of pieces there are, also those that are left out."""
    return int(connection.execute("SELECT count(*) FROM pieces").fetchone()[0])


def _is_piece(row: tuple[Any, ...]) -> bool:
    name, first, last, kind, file, *numbers = row
    texts = isinstance(name, str) and isinstance(kind, str) and isinstance(file, str)
    whole = all(_is_whole(one) for one in (first, last, *numbers))
    return texts and whole and 0 <= first <= last < LARGEST_STEP and name != "loss" and steps_of(file) is not None


def add_piece(connection: Connection, piece: Piece) -> None:
    """Index a piece, in place of one of the same name and steps."""
    connection.execute("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?, ?, ?, ?)", piece.row)


def drop_piece(connection: Connection, piece: Piece) -> None:
    """Take a piece out of the index."""
    connection.execute(
        "DELETE FROM pieces WHERE name = ? AND first = ? AND last = ?", (piece.name, piece.first, piece.last)
    )
