"""The index of a run: one SQLite file, opened for each use and closed again.

Who writes keeps no connection open between uses. So any thread may use the store, a fork inherits nothing, a directory
that was removed is noticed at once, and between two flushes the file is complete without its WAL. Who follows a run
that is being written may keep one open (`following.py`); nothing is read through it between two looks.
"""

import contextlib
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pellucid.core.errors import FormatError, StoreError
from pellucid.outlets.store.layout import INDEX

FORMAT = 1
BUSY_SECONDS = 30.0


@runtime_checkable
class Connection(Protocol):
    """What we use of an SQLite connection; sqlite3 itself is imported by what opens one."""

    def set_progress_handler(self, handler: Callable[[], bool] | None, instructions: int, /) -> None:
        """Have a function called every so many instructions; it returns True to break off."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...

    def execute(self, statement: str, values: Any = (), /) -> Any:
        """Run one statement."""
        ...

    def executemany(self, statement: str, rows: Any, /) -> Any:
        """Run one statement for each row."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scalars (
    name TEXT NOT NULL, step INTEGER NOT NULL, value REAL, PRIMARY KEY (name, step)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pieces (
    name TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, kind TEXT NOT NULL,
    file TEXT NOT NULL, bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (name, first, last)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS findings (
    place INTEGER PRIMARY KEY CHECK (place = 0), step INTEGER NOT NULL, verdict TEXT NOT NULL
);
"""
TABLES = frozenset({"meta", "facts", "scalars", "pieces", "findings"})
_LONGEST_SECONDS = 60.0  # of reading: a run of a million steps takes one second
_INSTRUCTIONS = 100_000  # of SQLite between two looks at the clock
_DAMAGED = (11, 26)  # SQLITE_CORRUPT, SQLITE_NOTADB


def create(path: Path) -> None:
    """Make the index of a new run; what a killed process has made of it already is taken over.

    Args:
        path: The run directory.

    Raises:
        StoreError: It cannot be written.
    """
    with translated(path, "write"), closing(_connect(path, "rwc")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";")[:-1]:
            connection.execute(statement)
        connection.execute("COMMIT")


@contextmanager
def writing(path: Path) -> Generator[Connection, None, None]:
    """Open the index for one transaction: all of it is written, or nothing.

    Args:
        path: The run directory.

    Yields:
        A connection inside the transaction.

    Raises:
        StoreError: The disk is full, or the directory is gone or read-only.
        FormatError: The index is damaged.
    """
    with translated(path, "write"), closing(_connect(path, "rw")) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            check_tables(connection, path)
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        _checkpoint(connection)


@contextmanager
def reading(path: Path) -> Generator[Connection, None, None]:
    """Open the index for reading one consistent state, also while it is being written.

    Args:
        path: The run directory.

    Yields:
        A connection that cannot write.

    Raises:
        StoreError: It cannot be opened.
        FormatError: The index is damaged, or newer than this pellucid.
    """
    with translated(path, "read"), closing(connection_for_reading(path)[0]) as connection:
        begin_reading(connection)
        check_tables(connection, path)
        yield connection


def begin_reading(connection: Connection) -> None:
    """Begin to read one consistent state; what takes too long is broken off."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _INSTRUCTIONS)
    connection.execute("BEGIN")


def end_reading(connection: Connection) -> None:
    """Let go of the state that was read, so that who writes can take up its log into the index."""
    connection.execute("ROLLBACK")
    connection.set_progress_handler(None, 0)


def _checkpoint(connection: Connection) -> None:
    """Take up the log into the index. Closing does so too, unless somebody else has the index open."""
    import sqlite3

    # All is written; where it fails, as on a full disk, the log holds it until the next time.
    with contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _connect(path: Path, mode: str) -> Connection:
    import sqlite3

    uri = f"{(path / INDEX).absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def connection_for_reading(path: Path) -> tuple[Connection, bool]:
    """Return a connection that cannot write, and whether it sees what others write after this."""
    import sqlite3

    connection = _connect(path, "rw")
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.OperationalError:
        connection.close()
        log = path / f"{INDEX}-wal"
        if _is_gone(path) or (log.exists() and log.stat().st_size):
            raise
        # A finished run in a directory that may not be written, where SQLite cannot make its shared memory
        # file: nobody writes there, and the file is complete.
        return _connect(path, "ro&immutable=1"), False
    except sqlite3.Error:
        connection.close()
        raise
    return connection, True


def _is_gone(path: Path) -> bool:
    try:
        return not (path / INDEX).is_file()
    except PermissionError:
        return False  # it may not be looked at, which says nothing about whether it is there


def has_tables(connection: Connection) -> bool:
    """Return whether the schema is there; it is not when a process was killed while it made the file."""
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'findings'").fetchone())


def check_tables(connection: Connection, path: Path) -> None:
    """Refuse an index with anything but our tables in it: a view or a trigger of others may run for ever.

    Raises:
        FormatError: A table is missing, or something else bears its name.
    """
    found = connection.execute("SELECT type, name, rootpage FROM sqlite_master WHERE sql NOT NULL").fetchall()
    wrong = [f"{name!r} is a {kind}" for kind, name, page in found if kind not in ("table", "index") or not page]
    missing = TABLES - {name for kind, name, _ in found if kind == "table"}
    if found and missing:
        wrong.append(f"it has no table {min(missing)!r}")
    if wrong:
        raise FormatError(f"The index {path / INDEX} is damaged: {wrong[0]}.")


@contextmanager
def translated(path: Path, purpose: str) -> Generator[None, None, None]:
    """Turn errors of SQLite into ours.

    Args:
        path: The run directory.
        purpose: "read" or "write".

    Raises:
        StoreError: Of anything that is wrong around the index.
        FormatError: The index is damaged.
    """
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            raise FormatError(
                f"The index {path / INDEX} is damaged: {error}. "
                "pellucid.Run still reads the results beside it; to write, choose another directory."
            ) from error
        if _is_gone(path):
            state = "is not a file any more" if (path / INDEX).exists() else "is not there any more"
            raise StoreError(f"Could not {purpose} the run {path}: its {INDEX} {state}.") from error
        raise StoreError(f"Could not {purpose} the run {path}: {error}. What was flushed is still there.") from error
