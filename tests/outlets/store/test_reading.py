"""Reading runs: whole ones, damaged ones, large ones, many of them, and deleting them."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.core import drawing as drawings
from pellucid.core import rule as rules
from pellucid.core.errors import FormatError, InputError, StoreError
from pellucid.core.figure import Figure
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.outlets.store import Run, RunWriter, compacting
from pellucid.outlets.store import run as reader
from pellucid.outlets.store.index import create
from pellucid.outlets.store.pieces import Reading, read_pieces
from tests.outlets.store.samples import Photograph, Watched, WatchedCut, watched


def make(path: Path, *, steps: int = 8, status: str = "finished") -> Run:
    """Write a run of pieces of 4 steps."""
    writer = RunWriter.open(path)
    writer.scalars([(step, "loss", 1 / (step + 1)) for step in range(steps)])
    for first in range(0, steps, 4):
        writer.result("watched", watched(first, first + 3), first=first, last=first + 3)
    writer.findings(Findings(), step=steps)
    writer.close(status)
    return Run(path)


@pytest.fixture
def rule_on_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule and a drawing for photographs, gone after the test."""
    monkeypatch.setattr(rules, "_RULES", {})
    monkeypatch.setattr(drawings, "_DRAWINGS", {})

    @rules.rule(Photograph, code="PHO001", title="Dark photograph", order=0, limits={"share": 0.5})
    def dark(result: Photograph, case: rules.Case) -> Iterator[Finding]:
        """Looks for: x.

        Why it matters: x.
        Where the limit comes from: x.
        False alarms: x.
        Likely cause: x.
        What to do: x.
        Source: x.
        """
        yield (case.alarm if result.share < case.limits["share"] else case.ok)("so dark", value=result.share)

    @drawings.drawing(Photograph)
    def picture(result: Photograph) -> Figure:
        return Figure(title=f"share {result.share}", panels=())


def test_judging_and_drawing(tmp_path: Path, rule_on_photographs: None) -> None:
    """A closed run tells the verdict of its time, `judge` that of today; figures are named by result and drawing."""
    writer = RunWriter.open(tmp_path)
    writer.result("photo", Photograph(share=0.25), first=0, last=0)
    writer.flush()
    run = Run(tmp_path)
    assert [one.code for one in run.findings] == ["PHO001"]
    stored = Findings((Finding(code="OLD001", title="Old", level=Level.OK, message="fine"),))
    writer.findings(stored, step=0)
    writer.flush()
    assert [one.code for one in run.findings] == ["PHO001"]
    writer.close("finished")
    assert run.findings == stored
    assert [(one.code, one.level) for one in run.judge()] == [("PHO001", Level.ALARM)]
    figures = run.figures()
    assert {name: figure.title for name, figure in figures.items()} == {"photo.picture": "share 0.25"}


def test_a_run_describes_itself(tmp_path: Path) -> None:
    """Printed, a run says where it stands, its verdict, and what could not be read."""
    run = make(tmp_path / "a <run>")
    assert run.started is not None
    assert abs((datetime.now(UTC) - run.started).total_seconds()) < 60
    began = f"{run.started.astimezone():%Y-%m-%d %H:%M}"
    verdict = "not-measured: no rule judges this"
    assert str(run) == f"a <run>: finished, 8 steps in 0 s, began {began}, 0.0 MB\n{verdict}"
    assert repr(run) == f"Run('{run.path}')"
    piece = run.path / "results" / "watched-4-7.safetensors"
    piece.unlink()
    problem = f"1 of 2 pieces of 'watched' could not be read and are left out. The first: There is no file {piece}."
    assert str(run).splitlines()[2:] == [problem]
    page = getattr(run, "_repr_mimebundle_")()  # noqa: B009
    assert page["text/plain"] == str(run)
    assert "a <run>" not in page.get("text/html", "")


def test_results_are_thinned(tmp_path: Path) -> None:
    """A result keeps as many steps as were asked for, the curves of the loss all of theirs."""
    run = make(tmp_path, steps=40)
    results = run.results(most=5)
    assert isinstance(watched_result := results["watched"], Watched)  # noqa: RUF018
    np.testing.assert_array_equal(watched_result.steps[[0, -1]], [0, 39])
    assert len(watched_result.steps) == 5
    assert len(results["loss"].curves["loss"].steps) == 40  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(InputError, match=r"^Cannot keep 1 steps of a result; expected 2 or more\.$"):
        run.results(most=1)


def truncated(file: Path) -> str:
    """Cut a piece in half."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return f"{file} is damaged: its checksum differs from the one in the index."


def zeroed(file: Path) -> str:
    """Lose the end of a piece as a crash of the machine does."""
    file.write_bytes(file.read_bytes()[:-40] + bytes(40))
    return f"{file} is damaged: its checksum differs from the one in the index."


def emptied(file: Path) -> str:
    """Leave nothing in a piece."""
    file.write_bytes(b"")
    return f"{file} is damaged: its checksum differs from the one in the index."


def removed(file: Path) -> str:
    """Remove a piece."""
    file.unlink()
    return f"There is no file {file}."


@pytest.mark.parametrize("damage", [truncated, zeroed, emptied, removed])
def test_damaged_pieces_are_left_out(tmp_path: Path, damage: Callable[[Path], str]) -> None:
    """One sentence names the result, how many pieces, and the first reason; all else is read."""
    run = make(tmp_path, steps=16)
    damage(tmp_path / "results" / "watched-4-7.safetensors")
    reason = damage(tmp_path / "results" / "watched-12-15.safetensors")
    results = run.results()
    found = results["watched"]
    assert isinstance(found, Watched)
    np.testing.assert_array_equal(found.steps, [*range(4), *range(8, 12)])
    reason = reason.replace("-12-15.", "-4-7.")
    assert run.problems == (f"2 of 4 pieces of 'watched' could not be read and are left out. The first: {reason}",)
    assert (run.status, len(run.scalars()["loss"].steps)) == ("finished", 16)


def test_pieces_that_do_not_fit(tmp_path: Path) -> None:
    """Of pieces of different kinds the latest kind is shown; of pieces that cannot be joined the latest."""
    writer = RunWriter.open(tmp_path)
    writer.result("mixed", Photograph(share=0.5), first=0, last=0)
    writer.result("mixed", watched(1, 2), first=1, last=2)
    writer.result("narrow", watched(0, 0, layers=2), first=0, last=0)
    writer.result("narrow", watched(1, 1, layers=3), first=1, last=1)
    writer.close("finished")
    run = Run(tmp_path)
    assert {name: len(one.steps) for name, one in run.results().items() if isinstance(one, Watched)} == {
        "mixed": 2,
        "narrow": 1,
    }
    mixed, narrow = run.problems
    assert mixed == "1 of 2 pieces of 'mixed' are left out: they are not tests.Watched like the latest."
    assert re.fullmatch(
        r"The 2 pieces of 'narrow' do not fit together \(ValueError: .*\); only the latest is shown\.", narrow
    )


def test_pieces_that_are_joined_while_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader whose pieces were joined into one after it had read the index looks again."""
    monkeypatch.setattr(compacting, "FEW", 2)
    writer = RunWriter.open(tmp_path)
    writer.result("watched", watched(0, 3, kind=WatchedCut), first=0, last=3)
    writer.flush()

    def joined_meanwhile(*arguments: Any, **options: Any) -> Reading:
        if not (tmp_path / "results" / "watched-0-7.safetensors").exists():
            writer.result("watched", watched(4, 7, kind=WatchedCut), first=4, last=7)
            writer.flush()
        return read_pieces(*arguments, **options)

    monkeypatch.setattr(reader, "read_pieces", joined_meanwhile)
    found = Run(tmp_path).results()["watched"]
    assert isinstance(found, Watched)
    np.testing.assert_array_equal(found.steps, range(8))
    assert Run(tmp_path).problems == ()
    writer.close("finished")


@pytest.mark.parametrize("content", [b"no database at all, but longer than a header" * 40, None])
def test_a_lost_index_leaves_the_results(tmp_path: Path, content: bytes | None) -> None:
    """Scalars and facts are gone with the index, the pieces are read from their files; writing is refused."""
    run = make(tmp_path)
    index = tmp_path / "run.sqlite"
    index.write_bytes(content if content is not None else index.read_bytes()[:5000])
    assert (run.status, run.started, run.steps, run.facts, run.scalars()) == ("damaged", None, 0, {}, {})
    found = run.results()["watched"]
    assert isinstance(found, Watched)
    np.testing.assert_array_equal(found.values, watched(0, 7).values)
    reason = "database disk image is malformed" if content is None else "file is not a database"
    message = (
        f"The index {index} is damaged: {reason}. "
        "pellucid.Run still reads the results beside it; to write, choose another directory."
    )
    assert run.problems == (message,)
    assert run.findings.problems == ()
    with pytest.raises(FormatError, match=f"^{re.escape(message)}$"):
        RunWriter.open(tmp_path, resume=True)
    assert [one.name for one in Run.list(tmp_path.parent) if one.path == tmp_path] == [tmp_path.name]
    run.delete()
    assert not tmp_path.exists()


@pytest.mark.parametrize("tables", [False, True])
@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_never_began(tmp_path: Path, resume: bool, tables: bool) -> None:
    """A process killed while it made the index leaves an empty one; the next writer begins there."""
    if tables:
        create(tmp_path)
    else:
        (tmp_path / "run.sqlite").write_bytes(b"")
    run = Run(tmp_path)
    assert (run.status, run.started, run.steps, run.results(), run.problems) == ("killed", None, 0, {}, ())
    RunWriter.open(tmp_path, resume=resume).close("finished")
    assert run.status == "finished"


def test_a_newer_format(tmp_path: Path) -> None:
    """A run of a later pellucid says so, and its pieces are read as far as they can be."""
    run = make(tmp_path)
    with closing(sqlite3.connect(tmp_path / "run.sqlite")) as connection, connection:
        connection.execute("UPDATE meta SET value = '9' WHERE name = 'format'")
    assert run.status == "damaged"
    assert run.problems == (f"The run {tmp_path} has format 9; this pellucid reads format 1. Upgrade pellucid.",)
    assert list(run.results()) == ["watched"]


@pytest.mark.parametrize("value", ["no JSON", json.dumps([1]), json.dumps({"a": 1})])
def test_a_spoilt_row(tmp_path: Path, value: str) -> None:
    """Rows that somebody else has written make a damaged run, not an error of Python."""
    run = make(tmp_path)
    with closing(sqlite3.connect(tmp_path / "run.sqlite")) as connection, connection:
        connection.execute("UPDATE findings SET verdict = ?", (value,))
        connection.execute("INSERT INTO meta VALUES ('more', ?)", (value,))
    assert run.status == "damaged"
    assert len(run.problems) == 1
    assert list(run.results()) == ["watched"]


def test_what_is_no_run(tmp_path: Path) -> None:
    """The message says what is there instead and names the nearest."""
    make(tmp_path / "exp_001")
    with pytest.raises(StoreError) as caught:
        Run(tmp_path / "exp_01")
    assert str(caught.value) == f"There is no run at {tmp_path / 'exp_01'}: no such directory. Closest: 'exp_001'."
    with pytest.raises(StoreError) as caught:
        Run(tmp_path)
    assert str(caught.value) == f"{tmp_path} is a folder of 1 runs, such as 'exp_001'. List them with Run.list."
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError) as caught:
        Run(tmp_path / "empty")
    assert str(caught.value) == f"There is no run at {tmp_path / 'empty'}: the directory has no run.sqlite."
    with pytest.raises(StoreError) as caught:
        Run(tmp_path / "a" / "b")
    assert str(caught.value) == f"There is no run at {tmp_path / 'a' / 'b'}: no such directory."


def test_deleting(tmp_path: Path) -> None:
    """What pellucid wrote goes, what others put beside it stays; a second time says that it is gone."""
    run = make(tmp_path / "a")
    run.delete()
    assert list(tmp_path.iterdir()) == []
    message = f"There is no run at {tmp_path / 'a'}: it was deleted already."
    with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
        run.delete()
    with pytest.raises(StoreError, match=f"^{re.escape(f'There is no run at {run.path}: no such directory.')}$"):
        _ = run.status
    run = make(tmp_path / "b")
    for name in ("model.pt", "results/mine.safetensors", "results/notes-a-b.safetensors"):
        (run.path / name).write_text("")
    run.delete()
    left = sorted(str(one.relative_to(run.path)) for one in run.path.rglob("*") if one.is_file())
    assert left == ["model.pt", "results/mine.safetensors", "results/notes-a-b.safetensors"]


def test_listing(tmp_path: Path) -> None:
    """200 runs are listed beside foreign directories, files and damaged runs."""
    make(tmp_path / "run 000")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "file").write_text("")
    for index in range(1, 200):
        _copy(tmp_path / "run 000", tmp_path / f"run {index:03}")
    (tmp_path / "run 007" / "run.sqlite").write_bytes(b"x" * 5000)
    (tmp_path / "run 008" / "run.sqlite").write_bytes(b"")
    runs = Run.list(tmp_path)
    table = [(run.name, run.status, run.steps) for run in runs]
    assert len(runs) == 200
    assert table[0] == ("run 199", "finished", 8)
    assert table[-2:] == [("run 008", "killed", 0), ("run 007", "damaged", 0)]
    message = f"Could not list the runs in {tmp_path / 'none'}: No such file or directory."
    with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
        Run.list(tmp_path / "none")


def test_a_settled_state_is_kept_until_it_changes(tmp_path: Path) -> None:
    """A run that rested for a while is not read again, and one that goes on is."""
    run = make(tmp_path / "run")
    os.utime(tmp_path / "run" / "run.sqlite", (1e9, 1e9))
    assert (run.steps, run.status) == (8, "finished")
    writer = RunWriter.open(tmp_path / "run", resume=True)
    assert run.status == "running"
    writer.scalars([(8, "loss", 1.0)])
    writer.flush()
    assert run.steps == 9
    writer.close("stopped")
    assert run.status == "stopped"
    run.delete()
    with pytest.raises(StoreError):
        _ = run.steps


def _copy(source: Path, target: Path) -> None:
    target.mkdir()
    (target / "run.sqlite").write_bytes((source / "run.sqlite").read_bytes())
    os.utime(target / "run.sqlite", (1e9, 1e9))


def test_a_hundred_thousand_steps(tmp_path: Path) -> None:
    """They are written over twenty flushes and read back, every one; benchmarks/store.py has what it costs."""
    writer = RunWriter.open(tmp_path)
    values = np.random.default_rng(0).standard_normal(100_000)
    for first in range(0, 100_000, 5000):
        writer.scalars((step, "loss", values[step]) for step in range(first, first + 5000))
        writer.flush()
    writer.close("finished")
    curve = Run(tmp_path).scalars()["loss"]
    np.testing.assert_array_equal(curve.steps, np.arange(100_000))
    np.testing.assert_array_equal(curve.values, values)


def test_ten_thousand_layers(tmp_path: Path) -> None:
    """A piece may name as many layers as there are."""
    writer = RunWriter.open(tmp_path)
    piece = watched(0, 7, layers=10_000)
    writer.result("watched", piece, first=0, last=7)
    writer.close("finished")
    found = Run(tmp_path).results()["watched"]
    assert isinstance(found, Watched)
    assert found.names == piece.names
    np.testing.assert_array_equal(found.values, piece.values)


def _modules(statement: str) -> set[str]:
    program = (
        "import sys, types; package = types.ModuleType('pellucid'); package.__path__ = [sys.argv[1]]\n"
        f"sys.modules['pellucid'] = package\n{statement}\nprint(*sys.modules)"
    )
    source = Path(__file__).parents[3] / "src" / "pellucid"
    done = subprocess.run([sys.executable, "-c", program, str(source)], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_is_light() -> None:
    """Neither reading nor writing imports sqlite3 before it is used, and writing never needs torch."""
    assert "sqlite3" not in _modules("from pellucid.outlets.store import Run, RunWriter")
    assert "torch" not in _modules("from pellucid.outlets.store import RunWriter")
    assert "sqlite3" in _modules("import pellucid.outlets.store, sqlite3")
