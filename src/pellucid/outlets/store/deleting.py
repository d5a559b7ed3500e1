"""Deleting a run: what pellucid wrote goes, what others put beside it stays."""

from pathlib import Path

from pellucid.core.errors import PellucidError, StoreError
from pellucid.outlets.store.index import has_tables, reading
from pellucid.outlets.store.layout import INDEX, LOCK, RESULTS, is_run
from pellucid.outlets.store.lock import RunLock
from pellucid.outlets.store.ownership import files_named, refuse_links, remove_pieces


def delete_run(path: Path) -> None:
    """Delete a run.

    Args:
        path: The run directory. It is removed when nothing but the run was in it.

    Raises:
        RunLockedError: The run is being written.
        StoreError: There is no run, a part of it is a symbolic link, or a file cannot be removed.
    """
    if not is_run(path):
        raise StoreError(f"There is no run at {path}: it was deleted already.")
    refuse_links(path)
    lock = RunLock.acquire(path)
    try:
        named = _files_named(path)
        # The index goes first: whatever stops us after that, what is left is no run any more.
        for name in (INDEX, f"{INDEX}-wal", f"{INDEX}-shm"):
            (path / name).unlink(missing_ok=True)
        remove_pieces(path, named=named, kept=set())
        _remove_if_empty(path / RESULTS)
        (path / LOCK).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Could not delete all of {path}: {error.strerror or error}.") from error
    finally:
        lock.release()
    _remove_if_empty(path)


def _files_named(path: Path) -> set[str]:
    try:
        with reading(path) as connection:
            return files_named(connection) if has_tables(connection) else set()
    except PellucidError:
        return set()  # the index is damaged: what goes is what has our header


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
