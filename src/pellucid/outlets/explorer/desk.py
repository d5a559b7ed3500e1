"""The desk: what the pages and the sockets of one server share: the runs, the views, and two threads to work on.

Pictures are computed on one thread and files are read on another, so that a slider never waits for a disk, and no
number of open pages takes more than two cores from a training that runs beside. A third one loads, once and in the
beginning, what the pages need that nobody opened yet.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pellucid.core.errors import AddressError, PellucidError, did_you_mean
from pellucid.core.figure.words import plain
from pellucid.outlets.explorer.failing import Failures, words_of
from pellucid.outlets.explorer.hands import Hand
from pellucid.outlets.explorer.messages import MOST_RUNS, Ask
from pellucid.outlets.explorer.paper import Paper
from pellucid.outlets.explorer.shelf import Shelf
from pellucid.outlets.store.following import FollowedIndexes

if TYPE_CHECKING:
    from pellucid.core.frame import Frame
    from pellucid.core.judge import Findings
    from pellucid.core.view import View
    from pellucid.outlets.explorer.live import LiveRun, LiveRuns

Made = TypeVar("Made")
_OUR_PAGES = "pellucid.outlets.explorer.pages."
_OF_SEVERAL = ("overlaid", "parallel")


@dataclass(frozen=True)
class Wanted:
    """A picture that is asked for: which, and of which runs; `runs` is empty for a page to learn from."""

    view: str
    runs: "tuple[LiveRun, ...]" = ()

    @property
    def needs_results(self) -> bool:
        """Whether more than the curves of its runs has to be read."""
        return bool(self.runs) and self.view not in ("curves", *_OF_SEVERAL)

    def versions(self) -> tuple[int, ...]:
        """Read what was added to its runs.

        Returns:
            A number for each that rises when there was something; -1 for one of several that cannot be read. For
            curves one more, which rises when the verdict that stands with them is another.

        Raises:
            PellucidError: The only run is gone or damaged.
        """
        if self.view == "curves":
            return tuple(number for run in self.runs for number in (run.refresh(), run.verdicts))
        if self.view not in _OF_SEVERAL:
            return tuple(run.refresh() for run in self.runs)
        return tuple(_version_of(run) for run in self.runs)


def _version_of(run: "LiveRun") -> int:
    try:
        return run.refresh()
    except PellucidError:  # the run says itself what is wrong with it
        return -1


class Desk:
    """See the head of this file.

    Args:
        places: Run directories, and folders of them.
        own_pages: Python files with pages of the user.
    """

    def __init__(self, places: Sequence[Path], *, own_pages: Sequence[Path] = ()) -> None:
        self.indexes = FollowedIndexes()
        self.shelf = Shelf(places, self.indexes)
        self.paper = Paper(self.shelf)
        self._own_pages = tuple(own_pages)
        self._pages: dict[str, View] | None = None
        self._held: LiveRuns | None = None
        self.failures = Failures()
        self.warmed = False
        self.rest_until = 0.0  # by the monotonic clock: no heavy picture is drawn anew before
        self._warming = threading.Lock()
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._hands = tuple(Hand(f"pellucid {what}") for what in ("draws", "reads", "rehearses"))
        self._drawing, self._reading, self._ahead = self._hands

    async def draw(self, work: Callable[..., Made], *given: Any) -> Made:
        """Compute on the thread for pictures."""
        return await self._drawing.do(work, *given)

    async def draw_ahead(self, name: str) -> None:
        """Rehearse a page beside the thread for pictures; nobody who wants another page waits for it."""
        await self._ahead.do(self.rehearse, name)

    async def read(self, work: Callable[..., Made], *given: Any) -> Made:
        """Read on the thread for files."""
        return await self._reading.do(work, *given)

    def leave(self) -> None:
        """Close what is open, and let the threads end after what they are working on."""
        for hand in self._hands:
            hand.rest()
        self.indexes.let_go(idle=0.0)

    def leaves_work(self) -> bool:
        """Whether a thread works on something now, which nothing can stop."""
        return any(hand.is_busy for hand in self._hands)

    def warm(self) -> None:
        """Load what pictures need, once: torch, every rule and drawing, the pages. Others wait for it meanwhile."""
        with self._warming:
            if self.warmed:
                return
            import torch

            # Beside a training, more threads would take turns with its own and both would stand still.
            torch.set_num_threads(1)
            for module in ("pellucid.public", "pellucid.outlets.explorer.views"):
                import_module(module)
            self.pages()
            self.warmed = True

    def pages(self) -> "Mapping[str, View]":
        """Return the pages to learn from."""
        if self._pages is None:
            from pellucid.outlets.explorer.pages import add_page, pages

            pages()
            for file in self._own_pages:
                add_page(file)
            self._pages = pages()
        return self._pages

    def rehearsed(self) -> list[str]:
        """Return the pages that are drawn before anybody asks: ours, as nobody knows how long one of a user takes."""
        return [name for name, one in self.pages().items() if one.function.__module__.startswith(_OUR_PAGES)]

    def rehearse(self, name: str) -> None:
        """Draw a page once as it comes, so that who opens it does not wait for data and what draws it to be loaded."""
        with suppress(Exception), self._turns[name]:  # who asks for it is told what is wrong
            self.pages()[name].frame()

    def run(self, key: str) -> "LiveRun":
        """Return a run by its key.

        Raises:
            AddressError: There is none.
        """
        from pellucid.outlets.explorer.live import LiveRuns

        path = self.shelf.path(key)
        if path is None:
            raise AddressError(f"There is no run {plain(key)[:80]!r} here.")
        self._held = self._held or LiveRuns(self.indexes)
        return self._held.run(path, key)

    def wanted(self, ask: Ask) -> Wanted:
        """Return what is asked for. Reads the disk.

        Raises:
            AddressError: There is no such run or page.
        """
        self.warm()
        if not ask.runs and ask.view not in self.pages():
            near = did_you_mean(ask.view, self.pages())
            raise AddressError(f"There is no page {plain(ask.view)[:80]!r}. {near}".strip())
        return Wanted(ask.view, tuple(self.run(key) for key in ask.runs))

    def prepare(self, wanted: Wanted) -> tuple[int, ...]:
        """Read what a picture needs, before it is drawn on the other thread.

        Returns:
            The versions of its runs.

        Raises:
            PellucidError: A run is gone or damaged.
        """
        versions = wanted.versions()
        if wanted.needs_results:
            wanted.runs[0].results()
            wanted.runs[0].findings()
        return versions

    def frame(self, wanted: Wanted, parameters: Mapping[str, Any]) -> "Frame":
        """Draw a picture.

        Raises:
            PellucidError: There is no such picture, or its parameters cannot be.
        """
        from pellucid.outlets.explorer.drawings import frame_of_run, frame_of_runs

        if not wanted.runs:
            with self._turns[wanted.view]:  # what is being rehearsed is not computed a second time beside
                return self.pages()[wanted.view].frame(parameters)
        if len(wanted.runs) == 1 and wanted.view not in _OF_SEVERAL:
            return frame_of_run(wanted.runs[0], wanted.view, parameters)
        return frame_of_runs(wanted.runs, wanted.view, parameters)

    def judge(self) -> None:
        """Judge a run of the list that nobody judged yet, when it is time."""
        self.warm()
        self.shelf.judge_one()

    def part(self, name: str) -> str:
        """Return a piece of a page as HTML.

        Args:
            name: "runs", "pages", "head:KEY", "run:KEY", "pictures:KEY" or "compare:KEY,KEY".

        Raises:
            AddressError: There is no such part, or no such run.
            StoreError: The run was deleted.
        """
        kind, _, keys = name.partition(":")
        if kind == "runs":
            return self.paper.runs()
        self.warm()
        if kind == "pages":
            return self.paper.cards(list(self.pages().values()))
        runs = [self.run(key) for key in dict.fromkeys(keys.split(",")[:MOST_RUNS])]
        if kind == "compare":
            return self._verdicts(runs)
        if kind == "head":
            runs[0].refresh()
            return self.paper.head(runs[0])
        if kind == "pictures":
            # What is wrong with a run is said above them, where its verdict would be.
            return self.paper.pictures(runs[0]) if _version_of(runs[0]) >= 0 else "\n"
        if kind == "run":
            runs[0].refresh()
            return self.paper.findings(runs[0])
        raise AddressError(f"There is no part {plain(name)[:80]!r} of a page.")

    def _verdicts(self, runs: "Sequence[LiveRun]") -> str:
        """Return the table of what the rules say about several runs, and why some are left out of it."""
        found: dict[LiveRun, Findings] = {}
        left_out: dict[LiveRun, str] = {}
        for run in runs:
            try:
                run.refresh()
                found[run] = run.findings()
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others are shown
                left_out[run] = words_of(error)
        return self.paper.verdicts(found, left_out)
