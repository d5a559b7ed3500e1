"""Recorder: where a session leaves what it saw. Outlets provide it; sessions know only this."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pellucid.core.errors import InputError
from pellucid.core.judge import Findings
from pellucid.core.result import Result

Scalar = tuple[int, str, float]


@runtime_checkable
class Recorder(Protocol):
    """Takes what a session measured. Every method may raise StoreError; the session goes on without it."""

    first_step: int

    def results(self) -> Mapping[str, Result]:
        """Return what the run that is resumed holds already, by name; empty for a new run."""
        ...

    def rewind(self, step: int) -> None:
        """Drop what lies at or after `step`; the next step is `step`."""
        ...

    def scalars(self, rows: Iterable[Scalar]) -> None:
        """Keep (step, name, value) rows."""
        ...

    def result(self, name: str, result: Result, *, first: int, last: int) -> None:
        """Keep one piece of the result called `name`, covering steps `first` to `last`."""
        ...

    def findings(self, findings: Findings, *, step: int) -> None:
        """Keep the verdict as of `step`, in place of the one before."""
        ...

    def describe(self, values: Mapping[str, Any]) -> None:
        """Keep plain facts about the run."""
        ...

    def flush(self) -> None:
        """Make everything so far survive the death of the process."""
        ...

    def close(self, status: str) -> None:
        """Flush, and note how the run ended: "finished", "stopped" or "failed"."""
        ...


Opener = Callable[..., Recorder]
_OPENERS: list[Opener] = []


def register_store(opener: Opener) -> Opener:
    """Register what opens a run directory for writing: `opener(path, resume=False) -> Recorder`."""
    _OPENERS[:] = [opener]
    return opener


def open_store(path: str | Path, *, resume: bool = False) -> Recorder:
    """Open a run directory for writing.

    Args:
        path: The directory; made when it is missing.
        resume: Go on after the last step of the run that is there.

    Returns:
        A recorder.

    Raises:
        RunLockedError: Another process is writing this run.
        StoreError: The directory cannot be written, or holds a run and `resume` is false.
        InputError: No store is registered; `import pellucid.outlets.store` registers one.
    """
    if not _OPENERS:
        raise InputError("No store is registered to write a run. Use pel.watch, or: import pellucid.outlets.store")
    return _OPENERS[0](Path(path), resume=resume)
