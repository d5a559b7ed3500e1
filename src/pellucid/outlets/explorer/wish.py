"""A wish: something that a page wants to see, what it was shown of it, and so what has to be sent now."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pellucid.outlets.explorer.desk import Desk, Wanted
from pellucid.outlets.explorer.failing import words_of
from pellucid.outlets.explorer.messages import Ask

if TYPE_CHECKING:
    from pellucid.core.figure import Figure

SHARE = 20.0  # refreshing may take a twentieth of a core
HEAVY_SECONDS = 0.02

Message = bytes | dict[str, Any] | None


@dataclass
class Wish:
    """One wish of one page.

    Attributes:
        ask: As it came.
        wanted: The picture that it names; None for a part of a page, and before the runs were looked up.
        versions: Of its runs, as of what is shown.
        shown: The picture that the page has; None when it has none that new points could be added to.
        failed: Whether it could not be answered the last time.
        seconds: What the last answer took of a core; waiting for a thread or a disk does not count.
        due: When to look at it again at the earliest, by the monotonic clock.
    """

    ask: Ask
    wanted: Wanted | None = None
    versions: tuple[int, ...] = ()
    shown: "Figure | None" = None
    failed: bool = False
    seconds: float = 0.0
    due: float = 0.0
    _settings: Any = None
    _sent: int = 0
    _problem: str = ""

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture and no part of a page."""
        return self.ask.kind == "view"

    @property
    def is_light(self) -> bool:
        """Whether it is a picture for which only new rows have to be read, and that is drawn fast."""
        return self.wanted is not None and not self.wanted.needs_results and self.seconds <= HEAVY_SECONDS

    def prepare(self, desk: Desk) -> Message:
        """Read what a picture needs, on the thread for files; see `failed`."""
        self.seconds = 0.0
        return self._tried(desk, lambda: self._prepared(desk))

    def picture(self, desk: Desk) -> Message:
        """Draw, on the thread for pictures.

        Returns:
            What to send: the whole, or what was added; None when the page has it already. Of an error, its words,
            once: whatever a view or a damaged run does, the page is told and others are served.
        """
        return self._tried(desk, lambda: self._drawn(desk))

    def prepared_picture(self, desk: Desk) -> Message:
        """Do both at once, where no file has to be read."""
        message = self.prepare(desk)
        return message if self.failed else self.picture(desk)

    def part(self, desk: Desk) -> Message:
        """Write a part of a page, on the thread for files; returns as `picture` does."""
        self.seconds = 0.0
        return self._tried(desk, lambda: self._written(desk))

    def rest(self, *, first: bool, pause: float) -> None:
        """Set when to look again: a twentieth of the time may go into it; the first time takes longer than others."""
        self.due = time.monotonic() + (pause if first else max(pause, SHARE * self.seconds))

    def _tried(self, desk: Desk, work: Callable[[], Message]) -> Message:
        started = time.thread_time()
        try:
            message = work()
        except BaseException as error:  # noqa: BLE001 - a view may even ask to exit; see `picture`
            self.failed, self.shown, self.versions, self._sent = True, None, (), 0
            before, self._problem = self._problem, words_of(error)
            if self.is_picture and not self.ask.runs:
                desk.failures.tell(f"the page {self.ask.view!r}", error)
            return None if self._problem == before else {"id": self.ask.id, "error": self._problem}
        else:
            self.failed = False
            return message
        finally:
            self.seconds += time.thread_time() - started

    def _prepared(self, desk: Desk) -> None:
        if self.wanted is None:
            self.wanted = desk.wanted(self.ask)
        self.versions = desk.prepare(self.wanted)

    def _written(self, desk: Desk) -> Message:
        html, self._problem = desk.part(self.ask.part), ""
        same, self._sent = hash(html) == self._sent, hash(html)
        return None if same else {"id": self.ask.id, "html": html}

    def _drawn(self, desk: Desk) -> bytes | None:
        from pellucid.core.frame import pack
        from pellucid.outlets.explorer.growth import grown

        frame = desk.frame(self.wanted or desk.wanted(self.ask), self.ask.parameters)
        shown, settings = self.shown, (frame.parameters, frame.controls)
        added = grown(shown, frame.figure) if shown is not None and self._settings == settings else None
        self.shown, self._settings, self._problem = frame.figure, settings, ""
        if added is None or shown is None:
            content = pack(frame)
            same, self._sent = hash(content) == self._sent, hash(content)
            return None if same else content
        figure, points = added
        content = pack(replace(frame, figure=figure, append=True))
        # Without a new point the words beside the curves may still be others.
        still = () if points else grown(shown, shown)
        return None if still and pack(replace(frame, figure=still[0], append=True)) == content else content


def pictures_of(wishes: list[Wish], desk: Desk) -> list[Message]:
    """Draw several light pictures at one go: changing threads takes as long as drawing one of them."""
    drawn: list[Message] = []
    for wish in wishes:
        wish.seconds = 0.0
        drawn.append(wish.picture(desk))
    return drawn


def versions_of(wishes: list[Wish]) -> tuple[list[tuple[int, ...] | None], float]:
    """Read what was added to the runs of some wishes.

    Returns:
        The versions of their runs; None for parts, and where a run is gone or damaged, which answering will say.
        And what it took of a core.
    """
    started = time.thread_time()
    found: list[tuple[int, ...] | None] = []
    for one in wishes:
        try:
            found.append(None if one.wanted is None else one.wanted.versions())
        except Exception:  # noqa: BLE001 - see above
            found.append(None)
    return found, time.thread_time() - started
