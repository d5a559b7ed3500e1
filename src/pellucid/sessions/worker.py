"""The worker: everything of a watch that need not happen on the training thread."""

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue

import numpy as np
import torch
from torch import Tensor

from pellucid.core.errors import StoreError
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings, Limits, judge
from pellucid.core.recorder import Recorder, Scalar
from pellucid.core.result import Provenance, Result
from pellucid.maths.reduce import Reduced, reduce
from pellucid.maths.series import TensorSeries
from pellucid.sessions.assemble import (
    LayerTable,
    ParameterTable,
    activation_piece,
    gradient_piece,
    weight_piece,
)
from pellucid.sessions.history import History
from pellucid.sessions.ranks import Ranks

_FLUSH_SECONDS = 5.0
_FLUSH_PIECES = 64
_STRIKES = 3  # failed writes in a row after which a recorder is given up
_JUDGE_SHARE = 0.02  # of the wall time may go into judging while training runs

Statistics = Callable[[], dict[str, Reduced]]


@dataclass(frozen=True, kw_only=True)
class ScalarsSeen:
    """Scalars since the last hand-over; some may still be on their way from the device.

    Attributes:
        rows: What is known, (step, name, value).
        awaited: (step, name) of what comes from the device.
        values: Returns their values as one tensor, or nothing when there are none.
        label_counts: Returns how often each class was seen so far; None when labels are not counted.
    """

    rows: tuple[Scalar, ...]
    awaited: tuple[tuple[int, str], ...]
    values: Callable[[], list[Tensor]]
    label_counts: Callable[[], list[Tensor]] | None


@dataclass(frozen=True, kw_only=True)
class ActivationsSeen:
    """Activations of one step."""

    step: int
    statistics: Statistics
    layers: LayerTable


@dataclass(frozen=True, kw_only=True)
class ParametersSeen:
    """Gradients, updates and weights of one optimiser step."""

    step: int
    gradients: Statistics
    updates: Statistics
    weights: Statistics
    twins: tuple[tuple[str, ...], Callable[[], list[Tensor]]]
    learning_rates: dict[str, float]
    table: ParameterTable
    cut: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class ResultSeen:
    """A finished piece of a result."""

    name: str
    step: int
    piece: Result


Seen = ScalarsSeen | ActivationsSeen | ParametersSeen | ResultSeen


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
        self._queue: SimpleQueue[Seen | threading.Event | None] = SimpleQueue()
        self._told: set[tuple[str, str]] = set()
        self._failures: dict[int, int] = {}
        self._lock = threading.Lock()
        self._last_step = 0
        self._absent = reduce(torch.zeros(0))
        self._twins: dict[str, float] = {}  # as last looked for
        self._flushed_at = self._judged_at = time.monotonic()
        self._judge_seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="pellucid-watch", daemon=True)
        self._thread.start()

    def submit(self, seen: Seen) -> None:
        """Hand something over; returns at once."""
        self._queue.put(seen)

    def drain(self) -> None:
        """Wait until everything handed over so far has been dealt with and written."""
        if threading.current_thread() is self._thread:
            return  # a callback asks from the worker itself: waiting would be for ever
        done = threading.Event()
        self._queue.put(done)
        while not done.wait(timeout=0.2):
            if not self._thread.is_alive():
                return

    def judge(self) -> Findings:
        """Judge everything seen so far."""
        with self._lock:
            results = list(self.history.results().values())
        return judge(results, limits=self._limits)

    def close(self, status: str) -> Findings:
        """Write what is left, judge once more, and end the thread."""
        self._queue.put(None)
        self._thread.join()
        findings = self.judge()
        self._tell(findings)
        self._record(lambda recorder: recorder.findings(findings, step=self._last_step))
        self._record(lambda recorder: recorder.close(status))
        return findings

    def _run(self) -> None:
        while True:
            try:
                seen = self._queue.get(timeout=1.0)
            except Empty:
                self._tend()
                continue
            if seen is None:
                self._flush()
                return
            if isinstance(seen, threading.Event):
                self._flush()
                seen.set()
                continue
            self._guarded(partial(self._take, seen))
            self._tend()

    def _tend(self) -> None:
        """Flush and judge when it is time."""
        now = time.monotonic()
        if self.history.unwritten >= _FLUSH_PIECES or now - self._flushed_at > _FLUSH_SECONDS:
            self._flush()
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

    def _take(self, seen: Seen) -> None:
        if isinstance(seen, ScalarsSeen):
            self._take_scalars(seen)
        elif isinstance(seen, ActivationsSeen):
            series = self._merged(seen.statistics(), seen.step, "activations")
            self._add("activations", seen.step, activation_piece(series, seen.layers, self.provenance))
        elif isinstance(seen, ParametersSeen):
            self._take_parameters(seen)
        else:
            self._add(seen.name, seen.step, seen.piece)

    def _take_scalars(self, seen: ScalarsSeen) -> None:
        names = [*((step, name) for step, name, _ in seen.rows), *seen.awaited]
        values = np.array([*(value for *_, value in seen.rows), *_numbers(seen.values())], dtype=np.float64)
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

    def _take_parameters(self, seen: ParametersSeen) -> None:
        kinds = {"gradients": seen.gradients(), "updates": seen.updates(), "weights": seen.weights()}
        table = seen.table
        series = {kind: self._parameters(kinds[kind], seen, kind) for kind in kinds}
        self._twins |= zip(seen.twins[0], _numbers(seen.twins[1]()), strict=True)
        updates = series["updates"] if kinds["updates"] else None
        weights = weight_piece(series["weights"], self._twins, table, self.provenance)
        rates = seen.learning_rates
        flow = gradient_piece(
            series["gradients"], updates, series["weights"], rates, table=table, provenance=self.provenance
        )
        self._add("weights", seen.step, weights)
        self._add("gradients", seen.step, flow)

    def _parameters(self, reduced: dict[str, Reduced], seen: ParametersSeen, kind: str) -> TensorSeries:
        """One step of parameter statistics; only what is cut over ranks adds up over them."""
        every = {name: reduced.get(name, self._absent) for name in seen.table.names}
        if self._ranks is None or not seen.cut:
            return TensorSeries.from_reduced(seen.step, every)
        if self._ranks.rank != 0:  # every rank holds the whole of what is not cut: only the first one's counts
            every = {name: one if name in seen.cut else _emptied(one) for name, one in every.items()}
        return TensorSeries.from_reduced(seen.step, self._ranks.merge(every, kind))

    def _merged(self, reduced: dict[str, Reduced], step: int, kind: str) -> TensorSeries:
        return TensorSeries.from_reduced(step, reduced if self._ranks is None else self._ranks.merge(reduced, kind))

    def _add(self, name: str, step: int, piece: Result) -> None:
        with self._lock:
            self.history.add(name, step, piece)


def _emptied(one: Reduced) -> Reduced:
    units = None if one.units is None else torch.zeros_like(one.units)
    return Reduced(
        torch.zeros_like(one.sums),
        torch.full_like(one.extremes, -torch.inf),
        torch.zeros_like(one.counts),
        units,
    )


def _numbers(arrived: list[Tensor]) -> list[float]:
    return arrived[0].tolist() if arrived else []
