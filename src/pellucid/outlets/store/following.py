"""Following: indexes that are looked at again and again, kept open between two looks.

Opening and closing SQLite takes ten times as long as reading what is new. Nothing is read between two looks, so that
who writes never waits, and a connection is given up soon after nobody looks any more.
"""

import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pellucid.outlets.store.index import (
    Connection,
    begin_reading,
    check_tables,
    connection_for_reading,
    end_reading,
    reading,
    translated,
)
from pellucid.outlets.store.layout import INDEX

MOST = 64  # three open files each; a process often may have 256 or 1024
IDLE_SECONDS = 5.0
# Windows lets nobody remove a file that is open: whoever deletes a run must not find it held by who only looks.
_KEEPS = sys.platform != "win32"

_Identity = tuple[int, ...]


@dataclass
class _Kept:
    """An open index, and which files it is."""

    connection: Connection
    identity: _Identity
    schema: int
    used: float = field(default_factory=time.monotonic)


class FollowedIndexes:
    """Reads indexes as `index.reading` does, and keeps those open that will be read again.

    Args:
        most: How many are kept open; any further one is opened for each look.

    May be used from several threads.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most if _KEEPS else 0
        self._kept: dict[Path, _Kept] = {}
        self._lock = threading.Lock()

    @contextmanager
    def reading(self, path: Path) -> Generator[Connection, None, None]:
        """Read one consistent state of an index, also while it is being written; see `index.reading`.

        Args:
            path: The run directory.

        Yields:
            A connection that cannot write.

        Raises:
            StoreError: It cannot be opened, or its files are gone.
            FormatError: The index is damaged.

        Cost: a fifteenth of a millisecond where it is open already, ten times as much where it is not.
        """
        kept = self._taken(path) or self._opened(path)
        if kept is None:
            with reading(path) as connection:
                yield connection
            return
        sound = False
        try:
            with translated(path, "read"):
                begin_reading(kept.connection)
                self._check(kept, path)
                yield kept.connection
                end_reading(kept.connection)
                sound = True
        finally:
            if not sound or not self._keep(path, kept):
                kept.connection.close()

    def let_go(self, *, idle: float = IDLE_SECONDS) -> None:
        """Close what nobody looked at for so many seconds."""
        before = time.monotonic() - idle
        with self._lock:
            old = [path for path, one in self._kept.items() if one.used <= before]
            closing = [self._kept.pop(path) for path in old]
        for one in closing:
            one.connection.close()

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._kept)

    def _taken(self, path: Path) -> _Kept | None:
        """Take what is open out of the table while it is used; what is open of a run that was replaced is closed."""
        with self._lock:
            kept = self._kept.pop(path, None)
        if kept is not None and kept.identity != _identity(path):
            kept.connection.close()
            return None
        return kept

    def _opened(self, path: Path) -> _Kept | None:
        """Open an index to be kept; None when there are too many, or it is one that cannot be kept."""
        before = _identity(path)
        if len(self._kept) >= self._most or not before:
            return None
        with translated(path, "read"):
            connection, follows = connection_for_reading(path)
        identity = _identity(path)
        # The log appears with the first look. The index itself may have been replaced while it was opened.
        if not follows or identity[:2] != before[:2]:
            connection.close()
            return None
        return _Kept(connection=connection, identity=identity, schema=-1)

    @staticmethod
    def _check(kept: _Kept, path: Path) -> None:
        """Look at the tables where they are not those that were looked at."""
        (schema,) = kept.connection.execute("PRAGMA schema_version").fetchone()
        if schema != kept.schema:
            check_tables(kept.connection, path)
            kept.schema = schema

    def _keep(self, path: Path, kept: _Kept) -> bool:
        kept.used = time.monotonic()
        with self._lock:
            if path in self._kept or len(self._kept) >= self._most:
                return False
            self._kept[path] = kept
            return True


def _identity(path: Path) -> _Identity:
    """Which files the index and its log are; () where there is no index."""
    found: list[int] = []
    for name in (INDEX, f"{INDEX}-wal"):
        with suppress(OSError):
            stat = os.stat(f"{path}/{name}")  # noqa: PTH116 - a tenth of the time of a Path, at each look
            found += [stat.st_dev, stat.st_ino]
            continue
        if name == INDEX:
            return ()
    return tuple(found)
