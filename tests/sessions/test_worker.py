"""When a run is written: soon in the beginning, and curves more often than pieces."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from pellucid.core.result import Provenance
from pellucid.sessions import worker as module
from pellucid.sessions.history import History
from pellucid.sessions.worker import Worker


class Clock:
    """A clock that is set."""

    now = 100.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> tuple[Clock, Worker, list[tuple[float, str]]]:
    """A clock, a worker whose thread has ended, and what it writes when."""
    clock, found = Clock(), list[tuple[float, str]]()
    monkeypatch.setattr(module, "time", clock)
    recorder: Any = SimpleNamespace(flush=lambda: found.append((clock.now - 100, "rows")))
    provenance = Provenance(model="")
    worker = Worker(History(provenance), provenance, recorders=[], ranks=None, limits=None, on_finding=None)
    worker._ending = True
    worker._wake.set()
    worker._thread.join()
    worker._recorders[:] = [recorder]
    monkeypatch.setattr(worker.history, "take_unwritten", lambda: found.append((clock.now - 100, "pieces")) or [])
    return clock, worker, found


def test_a_young_run_is_written_soon(written: tuple[Clock, Worker, list[tuple[float, str]]]) -> None:
    """The first pieces within a second, then ever less often, in the end every 5 seconds; rows every second."""
    clock, worker, found = written
    for tick in range(1, 601):
        clock.now = 100 + tick / 4
        worker._tend()
    pieces = [when for when, what in found if what == "pieces"]
    rows = [when for when, what in found if what == "rows"]
    apart = [after - before for before, after in pairwise(pieces)]
    assert pieces[0] <= 1
    assert [one for one in pieces if one < 10] == [1.0, 3.0, 7.0]
    assert apart == sorted(apart)
    assert apart[-1] == pytest.approx(5.25)
    assert max(after - before for before, after in pairwise(rows)) <= 1.25
