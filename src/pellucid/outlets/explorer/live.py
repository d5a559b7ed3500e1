"""A run as the explorer holds it: curves that grow by cursor, results that are read anew when they changed."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.errors import PellucidError, StoreError
from pellucid.core.figure.words import plain
from pellucid.core.judge import Findings, judge
from pellucid.core.result import Result
from pellucid.outlets.explorer.glance import Stamp, is_settled, stamp_of
from pellucid.outlets.store.following import FollowedIndexes
from pellucid.outlets.store.index import Connection, reading
from pellucid.outlets.store.run import Run
from pellucid.outlets.store.state import LARGEST_STEP, State, state_in
from pellucid.windows.loss.result import Curve

MOST_STEPS = 200  # watched steps of a result: its pictures are no more than 200 points wide
_LOOK_SECONDS = 0.5
_MOST_NAMES = 200
FIRST = ("loss", "val_loss", "accuracy", "val_accuracy", "lr")
"""The scalars that a reader asks for first."""
_NEW_ROWS = (  # anybody may have written the index
    "SELECT step, value FROM scalars WHERE name = ? AND step > ? AND step <= ? "
    "AND typeof(step) = 'integer' AND typeof(value) IN ('real', 'null') ORDER BY step"
)


class LiveRun:
    """One run that somebody looks at.

    Args:
        path: The run directory.
        key: Its key.
        indexes: Keeps the index open while the run is written; None to open it for each look.

    Attributes:
        path: The run directory.
        key: Its key.
        version: Rises when something new was read.
        trouble: Why it could not be read the last time; "" when it could.
        verdicts: Rises when another verdict was reached.
        unread: How many scalars are left out because there are too many.

    May be used from several threads.
    """

    def __init__(self, path: Path, key: str, indexes: FollowedIndexes | None = None) -> None:
        self.path, self.key = path, key
        self._indexes = indexes
        self.version = 0
        self.trouble = ""
        self.unread = self.verdicts = 0
        self._lock = threading.RLock()
        self._stamp: Stamp | None = None
        self._read_at = 0
        self._looked = float("-inf")
        self._state = State()
        self._growing: dict[str, _Growing] = {}
        self._results: tuple[Stamp, Mapping[str, Result]] | None = None
        self._problems: tuple[Stamp, tuple[str, ...]] | None = None
        self._verdict: tuple[Stamp, Findings] | None = None
        self._facts: tuple[Stamp, dict[str, Any]] | None = None

    @property
    def name(self) -> str:
        """Name of its directory, harmless."""
        return plain(self.path.name)

    def refresh(self) -> int:
        """Read what was added to the index since the last time; nothing when nothing was.

        Returns:
            The version.

        Raises:
            StoreError: The run was deleted, or cannot be read.
            FormatError: Its index is damaged.

        Cost: two looks at the disk; where something changed, the new rows, and of a run that has ended, or is looked
        at for the first time, one opening of the index.
        """
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_SECONDS:
                try:
                    self._look()
                except PellucidError as error:
                    self.trouble = plain(str(error))
                    raise
                self.trouble = ""
                self._looked = time.monotonic()
            return self.version

    def _look(self) -> None:
        now, stamp = time.time_ns(), stamp_of(self.path)
        if not stamp:
            raise StoreError(f"The run {self.name!r} is not there any more: it was deleted or moved.")
        if stamp != self._stamp or not is_settled(stamp, read_at=self._read_at):
            self._read_rows()
            self.version += 1
            self._stamp, self._read_at = stamp, now

    def curves(self) -> Mapping[str, Curve]:
        """Return every scalar as of the last refresh; the arrays are views and must not be written."""
        with self._lock:
            return {name: one.curve() for name, one in self._growing.items() if one.count}

    def state(self) -> State:
        """Return the run as a whole, as of the last refresh."""
        return self._state

    def results(self) -> Mapping[str, Result]:
        """Return what was measured, as `Run.results` does; read anew when something was written.

        Raises:
            StoreError: The run was deleted.
        """
        stamp = stamp_of(self.path)
        with self._lock:
            if self._results is None or self._results[0] != stamp:
                self._results = (stamp, Run(self.path).results(most=MOST_STEPS))
            return self._results[1]

    def problems(self) -> tuple[str, ...]:
        """Return what could not be read, one sentence each; () while the run is written, when that costs too much."""
        stamp = stamp_of(self.path)
        with self._lock:
            if self._problems is None or self._problems[0] != stamp:
                running = self._state.status == "running"
                self._problems = (stamp, () if running else Run(self.path).problems)
            return self._problems[1]

    def findings(self) -> Findings:
        """Return the verdict: as it was when the run ended, or judged now; known until something is written."""
        stamp = stamp_of(self.path)
        with self._lock:
            if self._verdict is None or self._verdict[0] != stamp:
                ended = self._state.status not in ("", "running")
                findings = Run(self.path).findings if ended else judge(self.results().values())
                self.verdicts += self._verdict is None or self._verdict[1] != findings
                self._verdict = (stamp, findings)
            return self._verdict[1]

    def known_findings(self) -> Findings | None:
        """Return the last verdict that was asked for; None when there was none."""
        return None if self._verdict is None else self._verdict[1]

    def facts(self) -> Mapping[str, Any]:
        """Return what the session described."""
        stamp = stamp_of(self.path)
        with self._lock:
            if self._facts is None or self._facts[0] != stamp:
                try:
                    self._facts = (stamp, Run(self.path).facts)
                except PellucidError:
                    return {}
            return self._facts[1]

    def _read_rows(self) -> None:
        kept = self._indexes if self._state.status == "running" else None
        with (kept.reading if kept else reading)(self.path) as connection:
            state = state_in(connection, self.path)
            if state.token != self._state.token or state.last < self._state.last:
                self._growing = {}  # it was begun anew, or went back to an earlier step
            self._state = state
            if state.begun:
                names = sorted(_names(connection), key=lambda name: name not in FIRST)
                self.unread = max(len(names) - _MOST_NAMES, 0)
                for name in names[:_MOST_NAMES]:
                    self._growing.setdefault(name, _Growing()).read(connection, name)


def _names(connection: Connection) -> list[str]:
    """Return the names of the scalars; jumps from one to the next, where DISTINCT would read every row."""
    query = (
        "WITH RECURSIVE one(name) AS (SELECT min(name) FROM scalars UNION ALL "
        "SELECT (SELECT min(name) FROM scalars WHERE name > one.name) FROM one WHERE one.name IS NOT NULL) "
        "SELECT name FROM one WHERE name IS NOT NULL"
    )
    return [name for (name,) in connection.execute(query).fetchall() if isinstance(name, str)]


class _Growing:
    """A curve that gets longer; what was handed out stays as it was."""

    def __init__(self) -> None:
        self.count = 0
        self._steps: NDArray[np.int64] = np.zeros(64, dtype=np.int64)
        self._values: NDArray[np.float64] = np.zeros(64)

    def read(self, connection: Connection, name: str) -> None:
        """Add the rows behind the cursor."""
        last = int(self._steps[self.count - 1]) if self.count else -LARGEST_STEP
        rows = connection.execute(_NEW_ROWS, (name, last, LARGEST_STEP)).fetchall()
        if not rows:
            return
        steps, values = zip(*rows, strict=True)
        whole = self.count + len(rows)
        if whole > len(self._steps):
            room = np.zeros(2 * whole - len(self._steps))
            self._steps = np.concatenate([self._steps, room.astype(np.int64)])
            self._values = np.concatenate([self._values, room])
        self._steps[self.count : whole] = steps
        self._values[self.count : whole] = np.array(values, dtype=np.float64)  # SQLite keeps NaN as NULL
        self.count = whole

    def curve(self) -> Curve:
        """Return the curve so far."""
        return Curve(steps=self._steps[: self.count], values=self._values[: self.count])


class LiveRuns:
    """The runs that somebody looked at lately.

    Args:
        indexes: Keeps indexes open, see `LiveRun`.
        most: How many keep their results in memory.
    """

    def __init__(self, indexes: FollowedIndexes, most: int = 64) -> None:
        self._indexes = indexes
        self._most = most
        self._held: dict[Path, LiveRun] = {}
        self._lock = threading.Lock()

    def run(self, path: Path, key: str) -> LiveRun:
        """Return a run; the same object while it is looked at."""
        with self._lock:
            found = self._held.pop(path, None) or LiveRun(path, key, self._indexes)
            self._held[path] = found
            while len(self._held) > self._most:
                del self._held[next(iter(self._held))]
            return found
