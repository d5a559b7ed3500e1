"""Hands: threads that do one piece of work after the other, and that nobody has to wait for."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

Made = TypeVar("Made")
_Piece = tuple["Future[Any]", Callable[[], Any]]


class Hand:
    """One thread.

    Who waits for a piece of work may be cancelled: what was begun is then finished for nobody, what was not is left
    out. A thread of a pool would be waited for, in the end by Python itself, and a view may compute for minutes.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pieces: SimpleQueue[_Piece | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._working = False

    @property
    def is_busy(self) -> bool:
        """Whether it works on something now."""
        return self._working

    async def do(self, work: Callable[..., Made], *given: Any) -> Made:
        """Work on something once all before it is done, and wait for the result.

        Args:
            work: Runs on the thread.
            given: Its arguments.

        Returns:
            What it returns.

        Raises:
            BaseException: Whatever it raises.
        """
        future: Future[Made] = Future()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._pieces.put((future, partial(work, *given)))
        return await asyncio.wrap_future(future)

    def rest(self) -> None:
        """End the thread after what it is working on; a further piece of work begins a new one."""
        if self._thread is not None:
            self._pieces.put(None)
            self._thread = None

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            future, work = piece
            if not future.set_running_or_notify_cancel():
                continue
            self._working = True
            try:
                made = work()
            except BaseException as error:  # noqa: BLE001 - whoever waits is told
                self._working = False
                future.set_exception(error)
            else:
                self._working = False
                future.set_result(made)
            # An error holds what was around it, and the thread would until the next piece.
            del piece, future, work
