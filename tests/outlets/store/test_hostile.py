"""Runs that somebody has tampered with: read as far as they go, never an error of Python, never for ever."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pellucid.core.errors import FormatError
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.outlets.store import Run, RunWriter, index
from tests.outlets.store.samples import watched


def make(path: Path) -> Run:
    """Write a run with something in every table."""
    writer = RunWriter.open(path)
    writer.scalars([(step, "loss", 1.0) for step in range(8)])
    writer.result("watched", watched(0, 3), first=0, last=3)
    writer.result("watched", watched(4, 7), first=4, last=7)
    writer.describe({"label_counts": [3, 4], "lr": 0.1})
    writer.findings(Findings((Finding(code="A", title="b", level=Level.OK, message="c"),)), step=7)
    writer.close("finished")
    return Run(path)


def tamper(run: Run, statement: str, *values: Any) -> None:
    """Change the index from outside."""
    with closing(sqlite3.connect(run.path / "run.sqlite")) as connection, connection:
        connection.execute(statement, values)


def read_whole(run: Run) -> tuple[str, ...]:
    """Read everything of a run as a table and a page do; return its problems."""
    assert {one.name for one in Run.list(run.path.parent)} == {"run", "good"} or run.name == "good"
    assert isinstance(str(run), str)
    assert isinstance(run.findings, Findings)
    assert run.steps >= 0
    assert run.seconds >= 0
    assert isinstance(run.facts, dict)
    assert all(isinstance(str(figure), str) for figure in run.figures().values())
    return run.problems


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run beside a good one."""
    make(tmp_path / "good")
    return make(tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("started", '"garbage"', "'garbage'"),
        ("started", '"2024-01-01"', "'2024-01-01'"),
        ("started", '"0001-01-01T00:00:00+14:00"', "'0001-01-01T00:00:00+14:00'"),
        ("started", "3", "3"),
        ("last", '"x"', "'x'"),
        ("last", "null", "None"),
        ("last", "-2", "-2"),
        ("last", "1e300", "1e+300"),
        ("last", "9223372036854775807", "9223372036854775807"),
        ("seconds", '"x"', "'x'"),
        ("seconds", "NaN", "nan"),
        ("seconds", "-1", "-1"),
        ("status", "[1]", "[1]"),
        ("status", '"\\u001b[31m"', "'\\x1b[31m'"),
        ("token", "{}", "{}"),
    ],
)
def test_a_spoilt_state(run: Run, name: str, value: str, shown: str) -> None:
    """The run is damaged, its problem names the field, and its pieces are read from their files."""
    tamper(run, "UPDATE meta SET value = ? WHERE name = ?", value, name)
    path = run.path / "run.sqlite"
    assert read_whole(run) == (f"The index {path} is damaged: ValueError: {name} is {shown}.",)
    assert (run.status, list(run.results())) == ("damaged", ["watched"])


@pytest.mark.parametrize(
    "value", ['"abc"', "[[1], [2, 3]]", "[1e30]", "[-5]", "[true]", "{}", "null", "[1" + "0" * 40 + "]"]
)
def test_spoilt_counts_of_labels(run: Run, value: str) -> None:
    """They are left out, and all else stays."""
    tamper(run, "UPDATE facts SET value = ? WHERE name = 'label_counts'", value)
    assert read_whole(run) == ("The fact 'label_counts' is no list of counts and is left out.",)
    assert (run.status, sorted(run.results())) == ("finished", ["loss", "watched"])


@pytest.mark.parametrize(
    ("statement", "value", "problem"),
    [
        ("UPDATE facts SET value = ? WHERE name = 'lr'", "[" * 100_000, "The fact 'lr' is damaged and is left out."),
        ("UPDATE facts SET value = ? WHERE name = 'lr'", b"\xff", "The fact 'lr' is damaged and is left out."),
        ("UPDATE pieces SET file = ? WHERE first = 4", b"\xff", "1 damaged rows of pieces in the index are left out."),
        ("UPDATE pieces SET file = ? WHERE first = 4", "a\0b", "1 damaged rows of pieces in the index are left out."),
        (
            "UPDATE pieces SET file = ? WHERE first = 4",
            "../../good/results/watched-4-7.safetensors",
            "1 damaged rows of pieces in the index are left out.",
        ),
        ("UPDATE pieces SET checksum = ? WHERE first = 4", "x", "1 damaged rows of pieces in the index are left out."),
        ("UPDATE pieces SET name = ? WHERE first = 4", "loss", "1 damaged rows of pieces in the index are left out."),
        ("INSERT INTO scalars VALUES ('loss', 99, ?)", "abc", "1 damaged rows of scalars in the index are left out."),
        ("INSERT INTO scalars VALUES ('loss', ?, 1)", "abc", "1 damaged rows of scalars in the index are left out."),
        ("INSERT INTO scalars VALUES (?, 99, 1)", b"\xff", "1 damaged rows of scalars in the index are left out."),
        (
            "INSERT INTO scalars VALUES ('loss', ?, 1)",
            2**63 - 1,
            "1 damaged rows of scalars in the index are left out.",
        ),
    ],
)
def test_spoilt_rows(run: Run, statement: str, value: Any, problem: str) -> None:
    """What no writer makes is left out and counted; the other rows are read."""
    tamper(run, statement, value)
    assert read_whole(run) == (problem,)
    assert (run.status, sorted(run.results()), len(run.scalars()["loss"].steps)) == ("finished", ["loss", "watched"], 8)


@pytest.mark.parametrize(
    "verdict", ["[" * 100_000, "[{}]", "[[[]]]", '{"a": 1}', "[1]", "nonsense", "null", b"\xff\xfe"]
)
def test_a_spoilt_verdict(run: Run, verdict: str | bytes) -> None:
    """The run is judged anew."""
    tamper(run, "UPDATE findings SET verdict = ?", verdict)
    assert read_whole(run) == ("The stored verdict is damaged; the run is judged anew.",)
    assert (run.status, run.findings.every) == ("finished", run.judge().every)


def test_a_verdict_of_wrong_types(run: Run) -> None:
    """A finding whose message is a number is none."""
    fields = Findings((Finding(code="A", title="b", level=Level.OK, message="c"),)).as_dicts()
    tamper(run, "UPDATE findings SET verdict = ?", json.dumps([dict(one, message=7) for one in fields]))
    assert read_whole(run) == ("The stored verdict is damaged; the run is judged anew.",)


def test_a_view_without_end(run: Run) -> None:
    """A view in place of a table is not read, nor written to."""
    tamper(run, "DROP TABLE scalars")
    tamper(
        run,
        "CREATE VIEW scalars AS WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) "
        "SELECT 'loss' AS name, x AS step, 1.0 AS value FROM t",
    )
    message = f"The index {run.path / 'run.sqlite'} is damaged: 'scalars' is a view."
    assert read_whole(run) == (message,)
    assert run.status == "damaged"
    with pytest.raises(FormatError) as caught:
        RunWriter.open(run.path, resume=True)
    assert str(caught.value) == message


def test_a_trigger(run: Run) -> None:
    """Nobody else's statements run when a run is written."""
    tamper(run, "CREATE TRIGGER t AFTER INSERT ON scalars BEGIN DELETE FROM meta; END")
    assert read_whole(run) == (f"The index {run.path / 'run.sqlite'} is damaged: 't' is a trigger.",)


def test_a_missing_table(run: Run) -> None:
    """The pieces are read from their files."""
    tamper(run, "DROP TABLE findings")
    assert read_whole(run) == (f"The index {run.path / 'run.sqlite'} is damaged: it has no table 'findings'.",)
    assert (run.status, list(run.results())) == ("damaged", ["watched"])


def test_reading_ends(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that takes longer than any honest one is given up."""
    monkeypatch.setattr(index, "_LONGEST_SECONDS", -1.0)
    monkeypatch.setattr(index, "_INSTRUCTIONS", 1)
    assert run.status == "damaged"
    (problem,) = run.problems
    assert problem.startswith(f"Could not read the run {run.path}: interrupted.")


def replaced_by_pipe(file: Path) -> None:
    """Put a pipe in place of a piece: opening it would wait for ever."""
    file.unlink()
    os.mkfifo(file)


def replaced_by_link(file: Path) -> None:
    """Put a link in place of a piece."""
    file.rename(file.with_suffix(".moved"))
    file.symlink_to(file.with_suffix(".moved"))


def replaced_by_directory(file: Path) -> None:
    """Put a directory in place of a piece."""
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("replace", [replaced_by_pipe, replaced_by_link, replaced_by_directory])
def test_a_piece_that_is_no_file(run: Run, replace: Callable[[Path], None]) -> None:
    """Only regular files are opened."""
    file = run.path / "results" / "watched-4-7.safetensors"
    replace(file)
    reason = f"{file} is damaged: it is a link, a pipe or a directory, not a regular file."
    assert read_whole(run) == (f"1 of 2 pieces of 'watched' could not be read and are left out. The first: {reason}",)


def test_a_lock_that_is_a_pipe(run: Run) -> None:
    """Asking who writes the run does not wait."""
    tamper(run, "UPDATE meta SET value = '\"running\"' WHERE name = 'status'")
    replaced_by_pipe(run.path / "lock")
    assert run.status == "killed"
