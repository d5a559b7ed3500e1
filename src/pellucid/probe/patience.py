"""Patience: Ctrl-C waits while a model is being put back, so that no part of it stays changed."""

import contextlib
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

_OURS = str(Path(__file__).parents[1])
_EXIT = vars(contextlib)["_GeneratorContextManager"].__exit__.__code__
_ENDS = ("__enter__", "__exit__")
_SOON, _AGAIN = 0.02, 5.0
"""Seconds until a Ctrl-C that came at a bad moment comes again; and after one, until the next is obeyed at once."""


def _leaving(frame: FrameType | None) -> bool:
    """Say whether a block of ours, or one in what we called, is being entered or left right now.

    An exception there would leave it half done: PyTorch, too, takes its modes away for a while and puts them back.
    """
    called = True  # by us: blocks of those who called us may be left all the while that we work
    while frame is not None:
        code, behind = frame.f_code, frame.f_back
        called = called and not _is_ours(frame)
        if code is _EXIT and (called or frame.f_locals["self"].gen.gi_code.co_filename.startswith(_OURS)):
            return True
        if code.co_name in _ENDS and (called or _is_ours(behind)):
            return True
        frame = behind
    return False


def _is_ours(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(_OURS)


class Patience:
    """What is done with Ctrl-C: obeyed while work is done, kept for later while something is set up or put back.

    After the first one it waits, too, since what it interrupts is being left; it comes again when all is as it was.

    Args:
        before: What each signal did before, by its number.
    """

    def __init__(self, before: dict[int, Any]) -> None:
        self._before = before
        self._waits, self._came, self._obeyed = True, 0, 0.0

    def signal(self, number: int, frame: FrameType | None) -> None:
        """Do with a signal what is to be done with it now."""
        leaving = not self._waits and _leaving(frame)
        if (self._waits or leaving) and not 0 < self._obeyed < monotonic() - _AGAIN:
            self._came = number
            if leaving:  # perhaps but a small block, and the work goes on behind it
                threading.Timer(_SOON, self._once_more).start()
            return
        self._waits, self._obeyed = True, monotonic()
        self._before[number](number, frame)

    def _once_more(self) -> None:
        if not self._came or self not in _now:
            return
        main = threading.main_thread().ident
        if main is None or not hasattr(signal, "pthread_kill"):  # on Windows the main thread hears it when it wakes up
            signal.raise_signal(self._came)
        else:
            signal.pthread_kill(main, self._came)

    def begin(self) -> None:
        """Be asked about signals from now on."""
        for one in self._before:
            signal.signal(one, self.signal)

    def end(self) -> None:
        """Leave signals to whom they were left to before, beginning with the one that waits."""
        for one, way in self._before.items():
            if signal.getsignal(one) == self.signal:
                signal.signal(one, way)
        self._obey()

    def work(self) -> None:
        """Obey from now on, also what has come meanwhile."""
        self._waits = False
        self._obey()

    def wait(self) -> None:
        """Keep what comes for later."""
        self._waits = True

    @contextmanager
    def within(self) -> Generator["Patience", None, None]:
        """Wait at first, and when the block is left go on as before it; not so after a Ctrl-C that was obeyed in it."""
        waited, self._waits = self._waits, True
        try:
            yield self
        finally:
            self._waits = waited or self._obeyed > 0
            if not self._waits:
                self._obey()

    def _obey(self) -> None:
        if self._came:
            number, self._came, self._waits = self._came, 0, True
            self._before[number](number, None)


_now: list[Patience] = []
"""That of the main thread, the only one that is ever interrupted; empty while nothing is done."""


@contextmanager
def patient() -> Generator[Patience, None, None]:
    """Have Ctrl-C wait until `work` is called, from `wait` on, and after it was obeyed once.

    What waited at the end comes when the block is left. Where a program has its own way of dealing with a signal, that
    stays as it is.

    Yields:
        What is to be told when work begins and ends.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Patience({})
        return
    if _now:
        with _now[0].within() as outer:
            yield outer
        return
    before = {one: signal.getsignal(one) for one in signal.valid_signals()}
    mine = Patience({one: way for one, way in before.items() if way is signal.default_int_handler})
    try:
        _now.append(mine)
        mine.begin()
        yield mine
    finally:
        _now.clear()
        mine.end()
