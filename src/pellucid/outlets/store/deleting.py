"""Deleting a run: what pellucid wrote goes, what others put beside it stays."""

from pathlib import Path

from pellucid.core.errors import StoreError
from pellucid.outlets.store.layout import INDEX, LOCK, RESULTS, is_run, piece_files
from pellucid.outlets.store.lock import RunLock


def delete_run(path: Path) -> None:
    """Delete a run.

    Args:
        path: The run directory. It is removed when nothing but the run was in it.

    Raises:
        RunLockedError: The run is being written.
        StoreError: There is no run, or a file cannot be removed.
    """
    if not is_run(path):
        raise StoreError(f"There is no run at {path}: it was deleted already.")
    lock = RunLock.acquire(path)
    try:
        # The index goes first: whatever stops us after that, what is left is no run any more.
        for name in (INDEX, f"{INDEX}-wal", f"{INDEX}-shm"):
            (path / name).unlink(missing_ok=True)
        for file in piece_files(path):
            file.unlink(missing_ok=True)
        _remove_if_empty(path / RESULTS)
        (path / LOCK).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Could not delete all of {path}: {error.strerror or error}.") from error
    finally:
        lock.release()
    _remove_if_empty(path)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
