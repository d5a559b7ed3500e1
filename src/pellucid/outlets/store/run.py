"""Run: a run directory, read. Every value is read anew, so that a run being written shows where it is."""

import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.core.drawing import drawings_for, drawn_beside
from pellucid.core.errors import FormatError, InputError, StoreError, did_you_mean
from pellucid.core.judge import Findings, judge
from pellucid.core.result import Result
from pellucid.outlets.store.content import Content, read_content
from pellucid.outlets.store.deleting import delete_run
from pellucid.outlets.store.layout import INDEX, is_regular, is_run
from pellucid.outlets.store.lock import holder
from pellucid.outlets.store.pieces import Reading, read_pieces
from pellucid.outlets.store.state import State, read_state
from pellucid.windows.loss.result import Curve, LossCurves

if TYPE_CHECKING:
    from pellucid.core.figure import Figure

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_SETTLED_NANOSECONDS = 2_000_000_000
_ATTEMPTS = 5  # at reading pieces while a writer replaces them


class Run:
    """Everything that one training run left on disk.

    Reading never disturbs the process that writes. A damaged run is read as far as it goes: `problems` says
    what is missing, `status` is "damaged" when its index is lost.

    Args:
        path: The run directory.

    Raises:
        StoreError: There is no run.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self._known: tuple[tuple[int, ...], State] | None = None
        if not is_run(self.path):
            raise StoreError(_no_run(self.path))

    @staticmethod
    def list(folder: str | Path) -> "list[Run]":
        """Find the runs directly in a folder.

        Args:
            folder: Such as "runs"; whatever else lies in it is passed over.

        Returns:
            The runs, newest first; those whose index is lost come last.

        Raises:
            StoreError: There is no such folder.
        """
        try:
            inside = list(Path(folder).absolute().iterdir())
        except OSError as error:
            raise StoreError(f"Could not list the runs in {folder}: {error.strerror or error}.") from error
        begun: dict[Run, datetime | None] = {}
        for one in inside:
            with contextlib.suppress(StoreError):  # it is no run, or was deleted a moment ago
                run = Run(one)
                begun[run] = run.started
        return sorted(begun, key=lambda run: (begun[run] or _EARLIEST, run.name), reverse=True)

    @property
    def name(self) -> str:
        """The name of its directory."""
        return self.path.name

    @property
    def status(self) -> str:
        """Where it stands.

        "running", "finished", "stopped", "failed", "killed" (nobody writes it and nobody ended it), or "damaged"
        (its index is lost; results may still be read).
        """
        return self._status_of(self._state())

    @property
    def started(self) -> datetime | None:
        """When it began, with zone; None when its index is lost."""
        return self._started_of(self._state())

    @property
    def seconds(self) -> float:
        """Wall seconds of training, over all resumptions, as of the last flush."""
        return self._state().seconds

    @property
    def steps(self) -> int:
        """The last stored step + 1: where the run would go on."""
        return self._state().last + 1

    @property
    def bytes(self) -> int:
        """Space that its directory takes on disk."""
        return sum(_size(one) for one in self.path.rglob("*"))

    @property
    def facts(self) -> dict[str, Any]:
        """What the session described: hyper-parameters, the model, counts of labels; plain values."""
        return self._content(scalars=False).facts

    @property
    def findings(self) -> Findings:
        """The verdict: as it was when the run ended, or judged now where it has not."""
        content = self._content(scalars=False)
        if content.verdict is not None and content.state.status not in ("", "running"):
            return content.verdict
        return self.judge()

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, one sentence each; empty for a run in order.

        Cost: reads every result.
        """
        return self._read(most=2).problems

    def scalars(self) -> dict[str, Curve]:
        """Return every scalar that was recorded, by name."""
        return self._content().scalars

    def results(self, most: int = 400) -> dict[str, Result]:
        """Return what was measured.

        Args:
            most: Watched steps that each result keeps at the most, evenly spread; 2 or more. The curves of the
                loss keep all of theirs.

        Returns:
            By name: "loss" (the scalars, as `LossCurves`), "activations", "weights", "gradients", "sanity", and
            what else was recorded. What is damaged is left out, and `problems` says so.

        Raises:
            InputError: `most` is below 2.
        """
        if most < 2:
            raise InputError(f"Cannot keep {most} steps of a result; expected 2 or more.")
        return self._read(most=most).results

    def judge(self) -> Findings:
        """Judge the run with the rules and limits of today, whatever the stored verdict."""
        return judge(self.results().values())

    def figures(self) -> "dict[str, Figure]":
        """Return every picture of every result, as "activations.histograms"."""
        findings = self.findings
        return {
            f"{name}.{drawing}": drawn_beside(result, drawing, findings)
            for name, result in self.results().items()
            for drawing in drawings_for(result)
        }

    def delete(self) -> None:
        """Delete the run from disk. Files that pellucid did not write stay, and the directory with them.

        Raises:
            RunLockedError: The run is being written.
            StoreError: It is gone already, or a file cannot be removed.
        """
        delete_run(self.path)

    def _state(self) -> State:
        stamp = _stamp(self.path)
        if self._known is not None and self._known[0] == stamp:
            return self._known[1]
        state = self._state_on_disk()
        # A file changed a moment ago may change again without a new time stamp.
        settled = bool(stamp) and time.time_ns() - max(stamp[::3]) > _SETTLED_NANOSECONDS
        self._known = (stamp, state) if settled else None
        return state

    def _state_on_disk(self) -> State:
        try:
            return read_state(self.path)
        except (FormatError, StoreError):
            if not is_run(self.path):
                raise StoreError(_no_run(self.path)) from None
            return State(status="damaged")

    def _status_of(self, state: State) -> str:
        if state.status not in ("", "running"):
            return state.status
        if holder(self.path) is not None:
            return "running"
        # It may have been ended between our two looks.
        again = self._state().status
        return again if again not in ("", "running") else "killed"

    @staticmethod
    def _started_of(state: State) -> datetime | None:
        return datetime.fromisoformat(state.started) if state.started else None

    def _content(self, *, scalars: bool = True) -> Content:
        content = read_content(self.path, scalars=scalars)
        if content.problems and not is_run(self.path):
            raise StoreError(_no_run(self.path))
        return content

    def _read(self, *, most: int) -> Reading:
        content = self._content()
        read = read_pieces(self.path, content.pieces, most=most)
        for _ in range(_ATTEMPTS):
            newer = self._content(scalars=False) if read.missing else content
            if newer.pieces == content.pieces:
                break
            content = replace(content, pieces=newer.pieces)
            read = read_pieces(self.path, content.pieces, most=most)
        return Reading(results={**_loss(content), **read.results}, problems=content.problems + read.problems)

    def __str__(self) -> str:
        state = self._state()
        started = self._started_of(state)
        begun = f", began {started.astimezone():%Y-%m-%d %H:%M}" if started else ""
        size = self.bytes / 1e6
        status = self._status_of(state)
        head = f"{self.name}: {status}, {state.last + 1:,} steps in {state.seconds:,.0f} s{begun}, {size:,.1f} MB"
        return "\n".join((head, self.findings.headline, *self.problems))

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from pellucid.outlets.notebook import run_bundle

        return run_bundle(self)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return time, size and identity of the index and of its log; () when there is no index."""
    try:
        found = [(path / name).stat() for name in (INDEX, f"{INDEX}-wal") if (path / name).exists()]
    except OSError:
        return ()
    # Reading makes an empty log and removes it again.
    return tuple(part for one in found if one.st_size for part in (one.st_mtime_ns, one.st_size, one.st_ino))


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size if is_regular(file) else 0
    except FileNotFoundError:  # whoever writes the run joined it to others meanwhile
        return 0


def _loss(content: Content) -> dict[str, Result]:
    if not content.scalars:
        return {}
    return {"loss": LossCurves(curves=content.scalars, label_counts=content.label_counts)}


def _no_run(path: Path) -> str:
    try:
        return _what_is_there(path)
    except PermissionError:
        return f"There is no run at {path} that may be read: permission denied."
    except OSError as error:
        return f"There is no run at {path}: {error.strerror or error}."


def _what_is_there(path: Path) -> str:
    if (path / INDEX).is_dir():
        return f"There is no run at {path}: its {INDEX} is a directory, not a file."
    if path.exists() and not path.is_dir():
        if is_run(path.parent):
            return f"{path} is a file of a run; the run is the directory {path.parent}."
        return f"There is no run at {path}: it is a file, not a directory."
    if not path.is_dir():
        siblings = path.parent.iterdir() if path.parent.is_dir() else ()
        near = did_you_mean(path.name, [one.name for one in siblings if is_run(one)])
        return f"There is no run at {path}: no such directory. {near}".strip()
    inside = sorted(one.name for one in path.iterdir() if is_run(one))
    if inside:
        return f"{path} is a folder of {len(inside)} runs, such as {inside[0]!r}. List them with Run.list."
    return f"There is no run at {path}: the directory has no {INDEX}."
