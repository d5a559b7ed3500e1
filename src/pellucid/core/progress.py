"""Progress: one line that says what takes long, how much of it is done, and about how long it still takes."""

import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar

from pellucid.core.errors import InputError

Progress = Callable[[int, int], Any] | bool | None
"""None or True for a line on the error stream, False for silence, or a function that is given (done, in all)."""

_PATIENCE, _IN_PLACE, _BELOW = 2.0, 0.25, 30.0
"""Seconds before the first line; until it is rewritten in place; until the next where lines stand below each other."""
_WHOLE = (0.0, 1.0)
Thing = TypeVar("Thing")


@contextmanager
def telling(what: str, progress: Any = None) -> Generator[None, None, None]:
    """Tell how far the loops inside the block are: `Loop` and `each` find it by themselves.

    Of blocks inside each other only the outermost speaks, and none speaks of work that ends within two seconds. On a
    terminal and in a notebook the line is rewritten in place, and taken away at the end. A line that cannot be written
    is none.

    Args:
        what: Who speaks, such as "faithfulness".
        progress: A `Progress`: a function is called with how much is done and how much there is in all, 0 while that is
            unknown, of one part of the work after the other.

    Yields:
        None.

    Raises:
        InputError: progress is something else.
    """
    heard = progress if callable(progress) else None
    if heard is None and progress is not None and not isinstance(progress, bool):
        raise InputError(
            f"progress={progress!r} came; expected None for a line on stderr, False for silence, or a function that is "
            "given (done, in all)."
        )
    work = _Work(what, heard, speaks=progress is not False and _now.get() is None)
    token = _now.set(work)
    try:
        yield
    finally:
        _now.reset(token)
        work.end()


def each(things: Iterable[Thing], name: str = "") -> Iterator[Thing]:
    """Yield things, and tell how many are done.

    Args:
        things: Anything, with or without a length.
        name: What they are called in the line; see `Loop`.
    """
    loop, done = Loop(_length(things), name), 0
    try:
        for one in things:
            loop.at(done, 1)
            yield one
            done += 1
        loop.at(done)
    finally:
        loop.over()


class Loop:
    """Jobs, one after the other, of the work that is told of in this thread; without such work it does nothing.

    A loop inside another says how much is done of the job that the outer one is at.

    Args:
        total: How many jobs there are, each counted as often as it weighs; None where that is unknown.
        name: What they are called in the line, such as "curves"; "" where an outer loop has a name or they have none.
    """

    def __init__(self, total: int | None, name: str = "") -> None:
        self.total, self.name, self.done = total, name, 0
        self._work = _now.get()
        if self._work is not None:
            self.span, self._outermost = self._work.span, self._work.span is _WHOLE
            if self._outermost:
                self._work.begin(self)

    def at(self, done: int, jobs: int = 0) -> None:
        """Say that so many are done, and that so many more are under way.

        Cost:
            A look at the clock.
        """
        work = self._work
        if work is None:
            return
        self.done, (begin, width) = done, self.span
        work.span = (begin + width * done / self.total, width * jobs / self.total) if self.total else (begin, 0.0)
        if self._outermost and not self.name:
            work.named = None
        elif self.name and work.named is None:
            work.named = self
        work.say()
        if self.total is not None and done >= self.total:
            self.over()

    def over(self) -> None:
        """Let the next loop begin where this one did; after an exception the outer one sees to it."""
        if self._work is not None:
            self._work.span = self.span
            if self._work.named is self:
                self._work.named = None

    def words(self, far: float) -> str:
        """Return the name, and how many jobs are done with so much of the whole, such as "curves 12 of 40"."""
        begin, width = self.span
        if not self.total:
            return f"{self.name} {self.done:,}"
        done = int((far - begin) / width * self.total + 1e-6) if width else self.done
        return f"{self.name} {min(max(done, 0), self.total):,} of {self.total:,}"


class _Work:
    """What is told of, and how far it is.

    Args:
        what: Who speaks.
        heard: Whom to call.
        speaks: Whether to write lines where nobody is called.

    Attributes:
        span: Where in the outermost loop the job that is under way begins, 0 to 1, and how much of it that job is.
        named: The loop that the line names.
    """

    def __init__(self, what: str, heard: Callable[[int, int], Any] | None, *, speaks: bool) -> None:
        self._what, self._heard, self._speaks = what, heard, speaks
        self.span: tuple[float, float] = _WHOLE
        self.named: Loop | None = None
        self._first: Loop | None = None
        self._far, self._told, self._shown = 0.0, 0, 0
        self._begun = monotonic()
        self._due = self._begun + _PATIENCE

    def begin(self, loop: Loop) -> None:
        """Begin an outermost loop."""
        self._first, self.named = loop, None
        self._far, self._told, self._begun = 0.0, 0, monotonic()

    def say(self) -> None:
        """Say how far it is, where it is time to."""
        if self._first is None:
            return
        total = self._first.total
        if total:
            self._far = min(1.0, max(self._far, self.span[0]))  # a method may go over its points again, with more
        if self._heard is not None:
            done = round(self._far * total) if total else self._first.done
            if done != self._told:
                self._told = done
                self._heard(done, total or 0)
        elif self._speaks and (now := monotonic()) >= self._due:
            self._write(now)

    def end(self) -> None:
        """Take away what stands on the terminal."""
        if self._shown:
            self._put("\r" + " " * self._shown + "\r")

    def _write(self, now: float) -> None:
        line = self._line(now - self._begun)
        if _in_place():
            room = max(1, shutil.get_terminal_size().columns - 1)
            line, before = line[:room], self._shown
            self._shown, self._due = len(line), now + _IN_PLACE
            self._put("\r" + line.ljust(before))
        else:
            self._due = now + _BELOW
            self._put(line + "\n")

    def _line(self, seconds: float) -> str:
        parts = [] if self.named is None else [self.named.words(self.span[0])]
        if self._first is not None and self._first.total:
            parts += [] if parts else [f"{100 * self._far:.0f} %"]
            parts += [f"about {_duration(seconds / self._far - seconds)} left"] if 0 < self._far < 1 else []
        return f"{self._what}: {', '.join(parts) or 'at work'}"

    def _put(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - closed, missing, full, a stranger's: no line is worth the work
            self._speaks = False


_now: ContextVar[_Work | None] = ContextVar("pellucid_progress", default=None)
"""What is told of in this thread; each begins with nothing."""


def _in_place() -> bool:
    """Say whether the error stream goes back to the begin of its line: on a terminal, and in a notebook."""
    if type(sys.stderr).__module__.startswith("ipykernel"):
        return True
    try:
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    except Exception:  # noqa: BLE001 - see `_put`
        return False


def _length(things: Any) -> int | None:
    """Return how many there are; None where that is not known."""
    try:
        return len(things)
    except Exception:  # noqa: BLE001 - loaders are the user's; those without a length raise what they like
        return None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
