"""Noise: what the server says in the terminal. Anybody on the machine may ask it nonsense, and ask again and again."""

import asyncio
import logging
import time
from pathlib import Path
from traceback import extract_tb

from pellucid.core.figure.words import plain

_SECONDS = 60.0  # between two lines of a kind
_MANY = "pellucid: too many connections are open, further ones are refused. Close pages that nobody looks at."
_NONSENSE = "pellucid: some program asks this port for what no page of pellucid asks for; it is refused."
_FAULT = "pellucid: a request could not be answered"


class Quiet(logging.Filter):
    """Makes one short line of whatever a server complains of, and lets one of a kind through in a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Put our words in place of those of a record; see `logging.Filter`.

        Args:
            record: Of any level.

        Returns:
            Whether it is to be shown.
        """
        if record.levelno < logging.WARNING:
            return True
        kind, words = _worded(record)
        now = time.monotonic()
        if not kind or now - self._said.get(kind, float("-inf")) < _SECONDS:
            return False
        self._said[kind] = now
        record.msg, record.args = words, ()
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def _worded(record: logging.LogRecord) -> tuple[str, str]:
    """Return the kind of a complaint and our words for it; "" for what is none."""
    error = record.exc_info[1] if record.exc_info else None
    message = str(record.msg)
    if isinstance(error, asyncio.CancelledError) or message.startswith("Cancel %s running task(s)"):
        return "", ""  # that the work of a page is broken off at the end is no fault
    if error is None:
        return (_MANY, _MANY) if "concurrency" in message else (_NONSENSE, _NONSENSE)
    if type(error).__module__.partition(".")[0] in ("h11", "websockets"):
        return _NONSENSE, _NONSENSE
    last = next(reversed(extract_tb(error.__traceback__)), None)
    place = f" in {Path(last.filename).name}, line {last.lineno}" if last else ""
    return _FAULT, f"{_FAULT}: {type(error).__name__}{place}: {plain(str(error))[:200]}"
