"""One writer at a time: an advisory lock that the operating system frees when its process dies."""

import json
import os
import socket
import sys
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

from pellucid.core.errors import RunLockedError, StoreError
from pellucid.outlets.store.layout import LOCK, is_regular

# A reader that asks whether a run is being written holds the lock for microseconds; a writer outwaits it.
_PATIENCE_SECONDS = 0.5
_LONGEST_LOCK = 1000  # bytes; what we write into it is far shorter
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)  # Windows has neither of these
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)  # for somebody's pipe in place of the lock

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, *, alone: bool) -> bool:  # pyright: ignore[reportRedeclaration]
        # Windows locks bytes, and bytes that are locked cannot be read: lock one far behind the text.
        del alone
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int, *, alone: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The process that writes a run.

    Attributes:
        pid: Its id; 0 when it has not said yet.
        host: The machine that it runs on.
    """

    pid: int = 0
    host: str = ""

    def __str__(self) -> str:
        if not self.pid:
            return "another process"
        if self.host != socket.gethostname():
            return f"process {self.pid} on {self.host}"
        return f"process {self.pid}" + (" (this one)" if self.pid == os.getpid() else "")


class RunLock:
    """The right to write one run; free again on `release`, and when the process dies."""

    def __init__(self, descriptor: int) -> None:
        self.release = weakref.finalize(self, os.close, descriptor)
        _HELD.add(self)

    @classmethod
    def acquire(cls, path: Path) -> "RunLock":
        """Take the lock of a run directory.

        Args:
            path: The directory; it must exist.

        Returns:
            The lock.

        Raises:
            RunLockedError: Another process, or another writer in this one, holds it.
            StoreError: The lock file cannot be made, or the file system has no locks.
        """
        try:
            descriptor = _acquire(path / LOCK)
        except OSError as error:
            raise StoreError(f"Could not lock {path}: {error.strerror or error}.") from error
        if descriptor is None:
            raise RunLockedError(
                f"The run {path} is being written by {_read_holder(path / LOCK)}. "
                "Wait until it has ended, close it, or write to another directory."
            )
        return cls(descriptor)


def _acquire(file: Path) -> int | None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o644)
        try:
            # Whoever deletes a run removes its lock file too: a lock on a removed file protects nothing.
            if _try_lock(descriptor, alone=True) and _is_still(file, descriptor):
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() > deadline:
            return None
        time.sleep(0.01)


def _is_still(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def holder(path: Path) -> Holder | None:
    """Return who writes a run now; None when nobody does.

    Args:
        path: The run directory.

    Returns:
        The process, or None.
    """
    try:
        descriptor = os.open(path / LOCK, os.O_RDONLY | _NO_LINK | _NO_WAIT)
    except OSError:
        return None
    try:
        return None if _try_lock(descriptor, alone=False) else _read_holder(path / LOCK)
    finally:
        os.close(descriptor)


def says_holder(file: Path) -> bool:
    """Return whether a lock file is ours: missing, empty, or with the name of a process in it."""
    if not file.exists():
        return True
    return is_regular(file) and (not file.stat().st_size or _read_holder(file) != Holder())


def _read_holder(file: Path) -> Holder:
    try:
        if not is_regular(file) or file.stat().st_size > _LONGEST_LOCK:
            return Holder()
        said = json.loads(file.read_text(encoding="utf-8"))
        return Holder(pid=int(said["pid"]), host=str(said["host"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Holder()


_HELD: weakref.WeakSet[RunLock] = weakref.WeakSet()


def _let_go() -> None:
    # A forked child shares the lock: it would keep it when the parent is killed. Closing its copy does not
    # free the parent's.
    for lock in list(_HELD):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
