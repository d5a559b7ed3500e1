"""The store: a run as a directory on disk, written by one process and read by any number.

This file is all that `import pellucid` loads; what needs sqlite3 is imported on first use.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.core.recorder import Recorder, register_store

if TYPE_CHECKING:
    from pellucid.outlets.store.run import Run
    from pellucid.outlets.store.writer import RunWriter

__all__ = ["Run", "RunWriter", "open_for_writing"]


@register_store
def open_for_writing(path: str | Path, *, resume: bool = False) -> Recorder:
    """Open a run directory for writing; see `RunWriter.open`."""
    from pellucid.outlets.store.writer import RunWriter

    return RunWriter.open(path, resume=resume)


def __getattr__(name: str) -> Any:
    if name == "Run":
        from pellucid.outlets.store.run import Run

        return Run
    if name == "RunWriter":
        from pellucid.outlets.store.writer import RunWriter

        return RunWriter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
