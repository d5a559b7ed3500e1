"""`pellucid runs` and `pellucid report`."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pellucid.cli import app
from tests.cli.runs_on_disk import DYING, FINE, make_run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a sick and a healthy run."""
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "runs" / "sick", DYING)
    make_run(tmp_path / "runs" / "well", FINE, losses=(1.0, 0.25))
    return tmp_path / "runs"


def test_runs_are_listed_with_their_verdict(folder: Path) -> None:
    """Name, status, verdict, steps, loss, duration and size fit into 80 columns."""
    result = CliRunner().invoke(app, ["runs"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "sick finished 3 0.5 0." in text
    assert "✖ Dying ReLU at hidden1.activation, step 10" in text
    assert "well finished 2 0.25 0." in text
    assert "✓ 1 check passed" in text


def test_runs_as_json(folder: Path) -> None:
    """The JSON holds the same and the problems, newest run first."""
    listed = json.loads(CliRunner().invoke(app, ["runs", str(folder), "--json"]).stdout)
    assert [one["name"] for one in listed] == ["well", "sick"]
    sick = listed[1]
    assert (sick["status"], sick["verdict"], sick["steps"], sick["last_loss"]) == ("finished", "alarm", 3, 0.5)
    assert sick["findings"][0]["code"] == "ACT001"
    assert sick["findings"][0]["value"] is None  # it is NaN
    assert listed[0]["findings"] == []


def test_one_run_lists_itself(folder: Path) -> None:
    """The path of a run is taken as a list of one."""
    listed = json.loads(CliRunner().invoke(app, ["runs", str(folder / "well"), "--json"]).stdout)
    assert [one["name"] for one in listed] == ["well"]


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    """Without runs the list tells how to write one; as JSON it is empty."""
    result = CliRunner().invoke(app, ["runs", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (
        0,
        f"No runs in {tmp_path}. Write one with: pel.watch(model, optimizer, run='{tmp_path}/name')\n",
    )
    assert json.loads(CliRunner().invoke(app, ["runs", str(tmp_path), "--json"]).stdout) == []


def test_control_characters_in_a_name_do_not_reach_the_terminal(tmp_path: Path) -> None:
    """The name of a run cannot steer the terminal."""
    make_run(tmp_path / "\x1b[31mred", FINE)
    assert "\x1b" not in CliRunner().invoke(app, ["runs", str(tmp_path)]).stdout


@pytest.mark.parametrize("arguments", [["runs/sick"], ["runs"], ["runs/sick", "runs", "runs/well"]])
def test_a_report_of_runs_and_folders(folder: Path, arguments: list[str]) -> None:
    """Runs are named one by one or by their folder, and each comes once."""
    result = CliRunner().invoke(app, ["report", *arguments, "-o", "out/page.html"])
    assert (result.exit_code, result.stderr) == (0, "")
    page = (folder.parent / "out" / "page.html").read_text("utf-8")
    assert result.stdout.startswith("Wrote out/page.html (0.")
    assert page.count("<section") == (1 if arguments == ["runs/sick"] else 2)
    assert page.index('-title">sick</h2>') > 0


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    """An empty folder gives an error, not an empty page."""
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr == f"pellucid: There are no runs in {tmp_path}. List them with: pellucid runs\n"


def test_a_mistyped_run_is_named(folder: Path) -> None:
    """The nearest run is offered."""
    result = CliRunner().invoke(app, ["report", "runs/sik"])
    assert result.exit_code == 2
    assert result.stderr == (f"pellucid: There is no run at {folder}/sik: no such directory. Closest: 'sick'.\n")


def test_a_spoilt_run_does_not_hide_the_others(folder: Path) -> None:
    """A run that somebody tampered with is listed as damaged, beside the good ones."""
    with closing(sqlite3.connect(folder / "sick" / "run.sqlite")) as connection, connection:
        connection.execute("UPDATE meta SET value = '\"garbage\"' WHERE name = 'started'")
    result = CliRunner().invoke(app, ["runs", str(folder), "--json"])
    assert result.exit_code == 0
    assert [(one["name"], one["status"]) for one in json.loads(result.stdout)] == [
        ("well", "finished"),
        ("sick", "damaged"),
    ]


@pytest.mark.parametrize("command", ["runs", "report"])
def test_a_file_is_not_said_to_be_missing(folder: Path, command: str) -> None:
    """A path that is there but is no run directory is called what it is."""
    (folder / "file").write_text("")
    result = CliRunner().invoke(app, [command, str(folder / "file")])
    assert result.exit_code == 2
    assert result.stderr == f"pellucid: There is no run at {folder / 'file'}: it is a file, not a directory.\n"


def test_half_a_character_is_printed_as_json(folder: Path) -> None:
    """What UTF-8 has no bytes for is written as the escape of JSON, and comes back."""
    with closing(sqlite3.connect(folder / "well" / "run.sqlite")) as connection, connection:
        (said,) = connection.execute("SELECT verdict FROM findings").fetchone()
        changed = json.dumps([dict(one, level="warn", title="a\ud800") for one in json.loads(said)])
        connection.execute("UPDATE findings SET verdict = ?", (changed,))
    result = CliRunner().invoke(app, ["runs", str(folder / "well"), "--json"])
    assert json.loads(result.stdout)[0]["findings"][0]["title"] == "a\ud800"
