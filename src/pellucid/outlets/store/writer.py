"""The writer of a run: collects in memory, and writes everything in one transaction at each flush."""

import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pellucid.core.errors import InputError, PellucidError, StoreError
from pellucid.core.judge import Findings
from pellucid.core.recorder import Scalar
from pellucid.core.result import Result
from pellucid.outlets.store.beginning import begin, directory_of, sweep
from pellucid.outlets.store.compacting import Compactor, compacted
from pellucid.outlets.store.index import Connection, writing
from pellucid.outlets.store.layout import RESULTS
from pellucid.outlets.store.lock import RunLock
from pellucid.outlets.store.ownership import files_named
from pellucid.outlets.store.pieces import packed, write_piece
from pellucid.outlets.store.plain import spelt, to_json
from pellucid.outlets.store.rewinding import cut
from pellucid.outlets.store.state import ENDINGS, Piece, State, add_piece, drop_piece, write_meta


@dataclass
class _Pending:
    """What came since the last flush."""

    scalars: list[Scalar] = field(default_factory=list[Scalar])
    pieces: list[tuple[Piece, bytes]] = field(default_factory=list[tuple[Piece, bytes]])
    facts: dict[str, str] = field(default_factory=dict[str, str])
    verdict: tuple[int, str] | None = None

    def __bool__(self) -> bool:
        return bool(self.scalars or self.pieces or self.facts or self.verdict)

    def followed_by(self, later: "_Pending") -> "_Pending":
        return _Pending(
            self.scalars + later.scalars,
            self.pieces + later.pieces,
            self.facts | later.facts,
            later.verdict or self.verdict,
        )


class RunWriter:
    """Writes one run directory; a `core.recorder.Recorder`.

    Every method may be called from any thread. Nothing reaches the disk before `flush`, which writes the pieces
    of results, then one transaction with all rows. When a flush fails, what it should have written is kept for
    the next. A forked child must not write: every method but `close` raises in it.

    Attributes:
        first_step: The step after the last one that is stored, from which a resumed run goes on; 0 for a new run.
        path: The run directory, absolute.
    """

    def __init__(self, path: Path, lock: RunLock, *, state: State) -> None:
        self.path = path
        self.first_step = state.last + 1
        self._lock = lock
        self._token = state.token
        self._last = state.last
        self._seconds = state.seconds
        self._opened = time.monotonic()
        self._pid = os.getpid()
        self._pending = _Pending()
        self._collecting = threading.Lock()  # held for moments, so that training never waits for the disk
        self._flushing = threading.Lock()
        self._closed = False
        self._compactor = Compactor()

    @classmethod
    def open(cls, path: str | Path, *, resume: bool = False) -> "RunWriter":
        """Open a run directory for writing.

        Args:
            path: The directory; made when it is missing. A run in it that holds nothing yet is begun anew.
            resume: Go on after the last step of the run that is there; a new run where there is none.

        Returns:
            The writer.

        Raises:
            RunLockedError: Another process is writing this run.
            InputError: The path names no directory of its own.
            StoreError: The directory cannot be written, holds a run and `resume` is false, or holds files of
                others where the run would have its own.
            FormatError: The run to resume is damaged.
        """
        folder = directory_of(path)
        lock, state = begin(folder, resume=resume)
        return cls(folder, lock, state=state)

    def results(self) -> Mapping[str, Result]:
        """Return what the run that is resumed holds already, by name, as `Run.results` does; empty for a new run."""
        if self._last < 0:
            return {}
        from pellucid.outlets.store.run import Run  # it brings the windows, which writing does without

        return Run(self.path).results()

    def scalars(self, rows: Iterable[Scalar]) -> None:
        """Keep scalars until the next flush.

        Args:
            rows: (step, name, value); a later row of the same step and name replaces the earlier.

        Raises:
            StoreError: The writer is closed, or this process was forked from the one that writes.
        """
        plain = [(int(step), spelt(str(name)), float(value)) for step, name, value in rows]
        with self._collecting:
            self._check_open()
            self._pending.scalars += plain

    def result(self, name: str, result: Result, *, first: int, last: int) -> None:
        """Keep one piece of a result until the next flush; it is copied, so its arrays may change afterwards.

        Args:
            name: Of the result, such as "activations".
            result: The piece.
            first: First step that it covers, 0 or more.
            last: Last step that it covers; a later piece of the same name and steps replaces the earlier.

        Raises:
            InputError: The steps are out of order, or the name is "loss", which is made from the scalars.
            StoreError: The writer is closed, or this process was forked from the one that writes.
        """
        if not 0 <= first <= last:
            raise InputError(f"A piece of {name!r} covers steps {first} to {last}; expected 0 <= first <= last.")
        if name == "loss":
            raise InputError("A result cannot be called 'loss': that one is made from the scalars of the run.")
        piece = packed(spelt(name), result, first=first, last=last)
        with self._collecting:
            self._check_open()
            self._pending.pieces.append(piece)

    def findings(self, findings: Findings, *, step: int) -> None:
        """Keep the verdict as of `step`, in place of the one before, until the next flush."""
        verdict = to_json(findings.as_dicts())
        with self._collecting:
            self._check_open()
            self._pending.verdict = (step, verdict)

    def describe(self, values: Mapping[str, Any]) -> None:
        """Keep plain facts about the run until the next flush; a name that is there already is replaced."""
        facts = {spelt(str(name)): to_json(value) for name, value in values.items()}
        with self._collecting:
            self._check_open()
            self._pending.facts |= facts

    def flush(self) -> None:
        """Write everything that came since the last flush; from here on it survives the death of the process.

        Raises:
            StoreError: The disk is full or the directory is gone. What was there stays readable, and what
                could not be written is kept for the next flush. Rows are written also when a piece cannot be.

        Cost: one file and one fsync a piece, one transaction, one checkpoint; nothing when nothing came.
        """
        with self._collecting:
            self._check_open()
        self._write(status="running")

    def rewind(self, step: int) -> None:
        """Drop what lies at or after `step`, for a run that resumes from an earlier checkpoint.

        A piece of a result that began before `step` is cut there when its kind can be (see
        `rewinding.Cuttable`), else dropped whole.

        Args:
            step: 0 or more; becomes `first_step`.

        Raises:
            InputError: The step is negative.
            StoreError: The run cannot be written.
        """
        if step < 0:
            raise InputError(f"Cannot rewind to step {step}; expected 0 or more.")
        self.flush()
        with self._flushing, writing(self.path) as connection:
            self._check_ours(connection)
            named = files_named(connection)
            self._last = cut(connection, self.path, step)
            write_meta(connection, last=self._last)
            self._compactor.forget()
        sweep(self.path, named=named)
        self.first_step = step

    def close(self, status: str) -> None:
        """Flush, note how the run ended, and let others write it. A second call does nothing.

        Args:
            status: "finished", "stopped" or "failed".

        Raises:
            InputError: The status is none of these.
            StoreError: The last flush failed; the run is released all the same.
        """
        if status not in ENDINGS:
            raise InputError(f"A run cannot end as {status!r}; expected one of: {', '.join(ENDINGS)}.")
        if os.getpid() != self._pid:
            return  # leaving a `with` block in a forked child must not end the run of its parent
        with self._collecting:
            if self._closed:
                return
            self._closed = True
        try:
            self._write(status=status)
        finally:
            self._lock.release()

    def _check_open(self) -> None:
        if os.getpid() != self._pid:
            raise StoreError(
                f"Process {os.getpid()} was forked from process {self._pid}, which writes the run {self.path}. "
                "A forked process cannot write it; give it a run directory of its own."
            )
        if self._closed:
            raise StoreError(f"The run {self.path} is closed. Open it again with resume=True to go on with it.")

    def _write(self, *, status: str) -> None:
        with self._flushing:
            with self._collecting:
                taken, self._pending = self._pending, _Pending()
            if not taken and status == "running":
                return
            written, failed = self._write_pieces(taken)
            try:
                self._write_rows(written, status)
            except BaseException:
                with self._collecting:
                    self._pending = taken.followed_by(self._pending)
                if failed:  # it tells more: which file
                    raise failed[0] from None
                raise
            for piece, _ in written.pieces:
                self._compactor.add(piece)
            while found := self._compactor.take():
                self._compact(*found)
            if failed:
                # The rows were small enough for what room there is; the pieces are tried again.
                left = _Pending(pieces=[one for one in taken.pieces if one not in written.pieces])
                with self._collecting:
                    self._pending = left.followed_by(self._pending)
                raise failed[0]

    def _write_pieces(self, taken: _Pending) -> tuple[_Pending, list[StoreError]]:
        """Write what pieces can be; return what is to be indexed, and what went wrong with the others."""
        written: list[tuple[Piece, bytes]] = []
        failed: list[StoreError] = []
        for piece, content in taken.pieces:
            try:
                write_piece(self.path, piece, content)
            except StoreError as error:
                failed.append(error)
            else:
                written.append((piece, content))
        return replace(taken, pieces=written), failed

    def _write_rows(self, taken: _Pending, status: str) -> None:
        steps = [one[0] for one in taken.scalars] + [piece.last for piece, _ in taken.pieces]
        last = max([self._last, *steps])
        with writing(self.path) as connection:
            self._check_ours(connection)
            connection.executemany("INSERT OR REPLACE INTO scalars (step, name, value) VALUES (?, ?, ?)", taken.scalars)
            for piece, _ in taken.pieces:
                add_piece(connection, piece)
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", taken.facts.items())
            if taken.verdict:
                connection.execute("INSERT OR REPLACE INTO findings VALUES (0, ?, ?)", taken.verdict)
            seconds = self._seconds + time.monotonic() - self._opened
            write_meta(connection, status=status, seconds=seconds, last=last)
        self._last = last

    def _compact(self, pieces: list[Piece], level: int) -> None:
        made = compacted(self.path, pieces)
        if made is None:
            return
        try:
            write_piece(self.path, *made)
            with writing(self.path) as connection:
                self._check_ours(connection)
                for piece in pieces:
                    drop_piece(connection, piece)
                add_piece(connection, made[0])
            for piece in pieces:
                (self.path / RESULTS / piece.file).unlink(missing_ok=True)
        except (PellucidError, OSError):
            return  # everything is written already; the pieces stay as they are, and the next flush tells
        self._compactor.add(made[0], level=level + 1)

    def _check_ours(self, connection: Connection) -> None:
        # The directory may have been removed and made anew by another run, which our lock does not know.
        found = connection.execute("SELECT value FROM meta WHERE name = 'token'").fetchone()
        if found != (to_json(self._token),):
            raise StoreError(f"The run {self.path} was replaced by another while it was being written.")
