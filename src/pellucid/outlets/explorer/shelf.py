"""The shelf: the runs that the explorer knows, each under a key; no path ever comes from a page."""

import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2s
from pathlib import Path

from pellucid.core.errors import PellucidError
from pellucid.core.figure.words import plain
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.outlets.explorer.glance import Glance, Stamp, glance_at, is_settled, stamp_of, verdict_words
from pellucid.outlets.store.following import FollowedIndexes
from pellucid.outlets.store.layout import is_run
from pellucid.outlets.store.lock import holder
from pellucid.outlets.store.state import State

_LOOK_SECONDS = 0.5  # between two looks at the disk, however many pages ask
_JUDGE_SECONDS = 10.0  # between two verdicts on one live run
_JUDGE_SHARE = 0.05  # of the time may go into judging what nobody judged yet
_KEYS = 10_000


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run of the list.

    Attributes:
        key: Names the run in addresses.
        name: Name of its directory.
        folder: Name of the folder that it lies in.
        status: "running", "finished", "stopped", "failed", "killed" or "damaged".
        level: Of the verdict; None when nobody judged it yet.
        words: The verdict in a few words, or why there is none.
        loss: Last training loss; None for none.
        steps: Steps that are stored.
        seconds: Of training.
        started: When it began, ISO 8601; "" when that is not known.
    """

    key: str
    name: str
    folder: str
    status: str
    level: Level | None
    words: str
    loss: float | None
    steps: int
    seconds: float
    started: str

    @property
    def live(self) -> bool:
        """Whether it is being written now."""
        return self.status == "running"


@dataclass
class _Known:
    """A run that was seen once."""

    key: str
    path: Path
    stamp: Stamp | None = None
    read_at: int = 0
    glance: Glance = field(default_factory=lambda: Glance(state=State()))
    status: str = ""
    judged: Findings | None = None
    judged_stamp: Stamp | None = None
    judge_next: float = 0.0


class Shelf:
    """Runs of some folders; what changed is read again when someone looks.

    Args:
        places: Run directories, and folders of them; a folder may be made later.
        indexes: Keeps the indexes of runs open that are being written; None to open them for each look.

    May be used from several threads.
    """

    def __init__(self, places: Sequence[Path], indexes: FollowedIndexes | None = None) -> None:
        self._indexes = indexes
        self.places = tuple(dict.fromkeys(place.absolute() for place in places))
        self._known: dict[Path, _Known] = {}
        self._keys: dict[str, Path] = {}
        self._rows: tuple[Row, ...] = ()
        self._looked = float("-inf")
        self._judge_after = 0.0
        self._lock = threading.Lock()

    def rows(self) -> tuple[Row, ...]:
        """Return the list, newest first; reads only what changed, and nothing twice within half a second."""
        with self._lock:
            if time.monotonic() - self._looked > _LOOK_SECONDS:
                present = [self._seen(path) for path in dict.fromkeys(self._paths())]
                for one in present:
                    _look(one, self._indexes)
                rows = [self._row(one) for one in present if one.stamp]
                self._rows = tuple(sorted(rows, key=lambda row: (row.started, row.name), reverse=True))
                self._looked = time.monotonic()
            return self._rows

    def path(self, key: str) -> Path | None:
        """Return where a run is; None for a key that no run has."""
        with self._lock:
            found = self._keys.get(key)
        if found is None:
            self.rows()
            with self._lock:
                found = self._keys.get(key)
        return found

    def row(self, key: str) -> Row | None:
        """Return one run of the list; None when there is none, or it was deleted."""
        return next((one for one in self.rows() if one.key == key), None)

    def judge_one(self) -> bool:
        """Judge one run that has no verdict yet, such as one that is being written.

        Returns:
            Whether a run was judged. Takes no more than a twentieth of the time, over many calls.

        Cost: reads every result of the run.
        """
        now = time.monotonic()
        with self._lock:
            if now < self._judge_after:
                return False
            waiting = [one for one in self._known.values() if _wants_verdict(one, now)]
            chosen = min(waiting, key=lambda one: one.judge_next, default=None)
        if chosen is None:
            return False
        stamp, findings = chosen.stamp, _judged(chosen.path)
        spent = time.monotonic() - now
        with self._lock:
            chosen.judged, chosen.judged_stamp = findings, stamp
            chosen.judge_next = now + max(_JUDGE_SECONDS, spent / _JUDGE_SHARE)
            self._judge_after = now + spent / _JUDGE_SHARE
            self._looked = float("-inf")
        return True

    def _paths(self) -> Iterable[Path]:
        for place in self.places:
            if is_run(place):
                yield place
                continue
            try:
                inside = sorted(place.iterdir())
            except OSError:
                continue  # it may be made later
            yield from (one for one in inside if is_run(one))

    def _seen(self, path: Path) -> _Known:
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = _Known(key=self._key(path), path=path)
            self._keys[known.key] = path
        return known

    def _key(self, path: Path) -> str:
        """A name for addresses, the same after a restart: what is plain of the name of the run, and a number."""
        slug = re.sub("[^a-z0-9]+", "-", path.name.lower()).strip("-")[:60] or "run"
        number = int.from_bytes(blake2s(str(path).encode("utf-8", "surrogateescape"), digest_size=4).digest(), "big")
        while f"{slug}-{number % _KEYS}" in self._keys:
            number += 1
        return f"{slug}-{number % _KEYS}"

    def _row(self, known: _Known) -> Row:
        glance = known.glance
        verdict = glance.verdict if glance.verdict is not None else known.judged
        words = glance.problem or ("being judged" if verdict is None else verdict_words(verdict))
        return Row(
            key=known.key,
            name=plain(known.path.name),
            folder=plain(known.path.parent.name),
            status=known.status,
            level=None if verdict is None or glance.problem else verdict.level,
            words=words,
            loss=glance.loss,
            steps=glance.state.last + 1,
            seconds=glance.state.seconds,
            started=glance.state.started,
        )


def _look(known: _Known, indexes: FollowedIndexes | None) -> None:
    now, stamp = time.time_ns(), stamp_of(known.path)
    if stamp != known.stamp or not is_settled(stamp, read_at=known.read_at):
        known.stamp, known.read_at = stamp, now
        kept = indexes if known.status == "running" else None
        known.glance = glance_at(known.path, kept) if stamp else known.glance
    written = known.glance.state.status
    if written in ("", "running"):
        written = "running" if holder(known.path) is not None else "killed"
    known.status = written


def _wants_verdict(known: _Known, now: float) -> bool:
    return (
        bool(known.stamp)
        and not known.glance.problem
        and known.glance.verdict is None
        and known.judged_stamp != known.stamp
        and now >= known.judge_next
    )


def _judged(path: Path) -> Findings | None:
    from pellucid.outlets.store.run import Run

    try:
        return Run(path).judge()
    except PellucidError:
        return None
