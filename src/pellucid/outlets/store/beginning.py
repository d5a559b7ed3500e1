"""Beginning a run: a directory is made or taken up, and left as it was found when that fails."""

import contextlib
import secrets
from datetime import UTC, datetime
from pathlib import Path

from pellucid.core.errors import InputError, StoreError
from pellucid.outlets.store.index import FORMAT, create, writing
from pellucid.outlets.store.layout import INDEX, LOCK, RESULTS, is_run
from pellucid.outlets.store.lock import RunLock
from pellucid.outlets.store.ownership import files_named, refuse_clashes, refuse_links, remove_pieces
from pellucid.outlets.store.state import State, read_state, write_meta


def directory_of(path: str | Path) -> Path:
    """Return the absolute directory that a user named for a run.

    Args:
        path: As it was given.

    Returns:
        The directory, which need not exist.

    Raises:
        InputError: It is empty or ".", which come out the same, or no file system takes it.
    """
    text = str(path)
    if text in ("", "."):
        raise InputError(
            f"A run needs a directory of its own, got {text!r}. Name one, such as 'runs/first'; "
            "pathlib.Path.cwd() makes a run of the working directory."
        )
    try:
        unusable = b"\0" in text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        unusable = True
    if unusable:
        raise InputError(f"A directory cannot be called {text!r}: no file system takes all of its characters.")
    return Path(path).absolute()


def begin(path: Path, *, resume: bool) -> tuple[RunLock, State]:
    """Make a new run in a directory, or take up the one that is there.

    Args:
        path: The directory, absolute; made when it is missing.
        resume: Whether a run that is there may be gone on with.

    Returns:
        The lock, and the state as it is now stored.

    Raises:
        RunLockedError: Another process is writing this run.
        StoreError: See `RunWriter.open`. What was made is gone again.
        FormatError: The run to resume is damaged.
    """
    made: list[Path] = []
    try:
        refuse_links(path)
        if not is_run(path):
            refuse_clashes(path)
        made += [one for one in (path / RESULTS, path, *path.parents) if not one.exists()]
        (path / RESULTS).mkdir(parents=True, exist_ok=True)
        return _locked(path, resume=resume)
    except OSError as error:
        _remove_empty(made)
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"Could not make the directory {path}: {error.strerror or error}.") from error


def _locked(path: Path, *, resume: bool) -> tuple[RunLock, State]:
    new_lock = not (path / LOCK).exists()
    lock = RunLock.acquire(path)
    new = not is_run(path)
    try:
        return lock, _begin(path, resume=resume)
    except BaseException:
        if new:
            with contextlib.suppress(OSError):
                for name in (INDEX, f"{INDEX}-wal", f"{INDEX}-shm", f"{INDEX}-journal"):
                    (path / name).unlink(missing_ok=True)
                if new_lock:
                    (path / LOCK).unlink(missing_ok=True)
        lock.release()
        raise


def _begin(path: Path, *, resume: bool) -> State:
    old = read_state(path) if is_run(path) else None
    if old is None or not old.begun:
        create(path)
        old = None
    if old is not None and not old.empty and not resume:
        raise StoreError(
            f"{path} already holds a run of {old.last + 1:,} steps ({old.status}). "
            "Pass options=pel.WatchOptions(resume=True) to go on with it, delete it with "
            "pel.Run(...).delete(), or write to another directory."
        )
    if old is not None:
        sweep(path)
    token = secrets.token_hex(8)
    with writing(path) as connection:
        if old is None or not resume:
            connection.execute("DELETE FROM facts")
            started = datetime.now(UTC).isoformat()
            write_meta(connection, format=FORMAT, started=started, seconds=0.0, last=-1)
        write_meta(connection, status="running", token=token)
    return read_state(path)


def sweep(path: Path, *, named: set[str] | None = None) -> None:
    """Remove pieces that a killed process left half written or not yet indexed, and those that were dropped.

    Args:
        path: The run directory, locked.
        named: Files that the index named before some were dropped.

    Raises:
        StoreError: One cannot be removed.
    """
    with writing(path) as connection:
        kept = files_named(connection)
    try:
        remove_pieces(path, named=named or set(), kept=kept)
    except OSError as error:
        raise StoreError(f"Could not tidy up {path / RESULTS}: {error.strerror or error}.") from error


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
