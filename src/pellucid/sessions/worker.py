"""The worker: everything of a watch that need not happen on the training thread."""

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from pellucid.core.errors import StoreError
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings, Limits, judge
from pellucid.core.recorder import Recorder
from pellucid.core.result import Provenance, Result
from pellucid.sessions.builder import Builder
from pellucid.sessions.history import History
from pellucid.sessions.ranks import Ranks
from pellucid.sessions.seen import FactsSeen, ResultSeen, ScalarsSeen, Seen, tensors_in

_PAUSE_SECONDS = 0.25  # the longest that something waits before it is dealt with
_ENOUGH_TENSORS = 256  # so many tensors are dealt with at once: a sample is 32 kB
_FLUSH_SECONDS = 5.0
_LIGHT_FLUSH_SECONDS = 1.0  # of scalars alone, which are one transaction; and of the first pieces
_FLUSH_STEPS = 64
_FLUSH_BYTES = 64 << 20
_STRIKES = 3  # failed writes in a row after which a recorder is given up
_JUDGE_SHARE = 0.02  # of the wall time may go into judging while training runs


class Worker:
    """Builds results from what was seen, writes them and judges them, on one thread.

    A failure (a full disk, a vanished store) is kept in `trouble` and reported by the watch as a warning;
    training goes on, and so does judging.
    """

    def __init__(
        self,
        history: History,
        provenance: Provenance,
        *,
        recorders: Sequence[Recorder],
        ranks: Ranks | None,
        limits: Limits | None,
        on_finding: Callable[[Finding], None] | None,
    ) -> None:
        self.history, self.provenance = history, provenance
        self.trouble: list[str] = []
        self._recorders, self._ranks, self._limits, self._on_finding = list(recorders), ranks, limits, on_finding
        self._builder = Builder(provenance, ranks)
        self._waiting: list[Seen] = []
        self._weight = 0
        self._asked: list[threading.Event] = []
        self._ending = self._ended = False
        self._waiting_lock, self._wake = threading.Lock(), threading.Event()
        self._told: set[tuple[str, str]] = set()
        self._failures: dict[int, int] = {}
        self._lock = threading.Lock()
        self._last_step = 0
        self._began = self._flushed_at = self._lightly_flushed_at = self._judged_at = time.monotonic()
        self._judge_seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="pellucid-watch", daemon=True)
        self._thread.start()

    def submit(self, seen: Seen) -> None:
        """Hand something over; returns at once.

        The thread is not woken for every little: what waits a moment is dealt with together.
        """
        with self._waiting_lock:
            self._waiting.append(seen)
            self._weight += tensors_in(seen)
            enough = self._weight >= _ENOUGH_TENSORS
        if enough:
            self._wake.set()

    def drain(self) -> None:
        """Wait until everything handed over so far has been dealt with and written."""
        if threading.current_thread() is self._thread:
            return  # a callback asks from the worker itself: waiting would be for ever
        done = threading.Event()
        with self._waiting_lock:
            self._asked.append(done)
        self._wake.set()
        while not done.wait(timeout=0.2):
            if not self._thread.is_alive():
                return

    def judge(self) -> Findings:
        """Judge everything seen so far."""
        return judge(list(self.results().values()), limits=self._limits)

    def results(self) -> dict[str, Result]:
        """Return everything seen so far, by name; from any thread."""
        with self._lock:
            return self.history.results()

    def close(self, status: str) -> Findings:
        """Write what is left, judge once more, and end the thread."""
        with self._waiting_lock:
            self._ending = True
        self._wake.set()
        self._thread.join()
        findings = self.judge()
        self._tell(findings)
        self._record(lambda recorder: recorder.findings(findings, step=self._last_step))
        self._record(lambda recorder: recorder.close(status))
        return findings

    def _run(self) -> None:
        while not self._ended:
            self._wake.wait(timeout=_PAUSE_SECONDS)
            with self._waiting_lock:
                batch, self._waiting, self._weight = self._waiting, [], 0
                asked, self._asked = self._asked, []
                self._ended = self._ending
                self._wake.clear()
            self._take(batch)
            if asked or self._ended:
                self._flush()
            for done in asked:
                done.set()
            self._tend()

    def _tend(self) -> None:
        """Flush and judge when it is time."""
        now = time.monotonic()
        much = self.history.unwritten >= _FLUSH_STEPS or self.history.unwritten_bytes >= _FLUSH_BYTES
        # In the beginning a flush comes when a run has got twice as old: who looks on sees it grow.
        pause = min(_FLUSH_SECONDS, self._flushed_at - self._began + _LIGHT_FLUSH_SECONDS - _PAUSE_SECONDS)
        if much or now - self._flushed_at > pause:
            self._flush()
        elif now - self._lightly_flushed_at > _LIGHT_FLUSH_SECONDS:
            self._flush_lightly()
        pause = max(_FLUSH_SECONDS, self._judge_seconds / _JUDGE_SHARE)
        if self._on_finding is not None and now - self._judged_at > pause:
            self._guarded(self._judge_live)

    def _judge_live(self) -> None:
        started = time.monotonic()
        findings = self.judge()
        self._judged_at = time.monotonic()
        self._judge_seconds = self._judged_at - started
        self._tell(findings)
        self._record(lambda recorder: recorder.findings(findings, step=self._last_step))

    def _tell(self, findings: Findings) -> None:
        """Tell each problem once per onset."""
        if self._on_finding is None:
            return
        for finding in findings.every:
            key = (finding.code, finding.where)
            if finding.level in (Level.WARN, Level.ALARM) and key not in self._told:
                self._told.add(key)
                self._guarded(partial(self._on_finding, finding))

    def _flush(self) -> None:
        self._flushed_at = time.monotonic()
        with self._lock:
            pieces = self.history.take_unwritten()
        for name, piece, first, last in pieces:
            self._record(lambda recorder, n=name, p=piece, f=first, e=last: recorder.result(n, p, first=f, last=e))
        self._flush_lightly()

    def _flush_lightly(self) -> None:
        """Write what the recorders hold already: scalars and facts, but no further pieces of results."""
        self._lightly_flushed_at = time.monotonic()
        self._record(lambda recorder: recorder.flush())

    def _record(self, write: Callable[[Recorder], None]) -> None:
        for recorder in list(self._recorders):
            try:
                write(recorder)
                self._failures.pop(id(recorder), None)
            except StoreError as error:
                # A piece may be too large for the disk and the next one not: it is tried a few times.
                self._failures[id(recorder)] = self._failures.get(id(recorder), 0) + 1
                self.trouble.append(f"The run could not be written: {error}")
                if self._failures[id(recorder)] >= _STRIKES:
                    self._give_up(recorder)
            except Exception as error:  # noqa: BLE001 - a sink of somebody else may raise anything
                name = type(recorder).__name__
                self.trouble.append(f"The run is no longer written by {name}: {type(error).__name__}: {error}")
                self._give_up(recorder)

    def _give_up(self, recorder: Recorder) -> None:
        """Go on without this one; training, judging and the other recorders are not touched."""
        self._recorders.remove(recorder)
        with contextlib.suppress(Exception):  # it may still be able to let go of its lock
            recorder.close("failed")

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not reach the training
            place = traceback.extract_tb(error.__traceback__)[-1]
            self.trouble.append(f"{type(error).__name__}: {error} (at {place.name}, line {place.lineno})")

    def _take(self, batch: Sequence[Seen]) -> None:
        for seen in batch:
            self._guarded(partial(self._take_one, seen))
        self._guarded(self._build)

    def _take_one(self, seen: Seen) -> None:
        if isinstance(seen, ScalarsSeen):
            self._take_scalars(seen)
        elif isinstance(seen, ResultSeen):
            with self._lock:
                self.history.add(seen.name, (seen.step,), seen.piece)
        elif isinstance(seen, FactsSeen):
            self._record(lambda recorder: recorder.describe(seen.values))
        else:
            self._builder.gather(seen)

    def _build(self) -> None:
        for name, steps, piece in self._builder.build():
            with self._lock:
                self.history.add(name, steps, piece)

    def _take_scalars(self, seen: ScalarsSeen) -> None:
        names = [*((step, name) for step, name, _ in seen.rows), *seen.awaited]
        arrived = [number for one in seen.values() for number in one.tolist()]
        values = np.array([*(value for *_, value in seen.rows), *arrived], dtype=np.float64)
        counts = None if seen.label_counts is None else seen.label_counts()[0].numpy()
        if self._ranks is not None:
            values = self._ranks.mean(values)
            counts = None if counts is None else self._ranks.total(counts)
        rows = [(step, name, float(value)) for (step, name), value in zip(names, values, strict=True)]
        with self._lock:
            self.history.add_scalars(rows)
            if counts is not None:
                self.history.label_counts = counts.astype(np.int64)
        self._last_step = max([self._last_step, *(row[0] for row in rows)])
        self._record(lambda recorder: recorder.scalars(rows))
        if counts is not None:
            self._record(lambda recorder: recorder.describe({"label_counts": counts.tolist()}))
