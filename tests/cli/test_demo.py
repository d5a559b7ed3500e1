"""`pellucid demo`: four networks, four verdicts, one report."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pellucid import Run
from pellucid.cli import app, demo
from pellucid.core.figure.words import number
from pellucid.outlets.report import build
from tests.cli.runs_on_disk import FINE, make_run, pellucid

SHORT = tuple(replace(one, steps=30) for one in demo.PATIENTS[:2])


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, and a demo of two short runs without the photograph."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "look_at_photograph", lambda _page, _screen: None)
    monkeypatch.setattr(demo, "PATIENTS", SHORT)
    monkeypatch.setattr(build, "MOST_FIGURES_OF_ALL", 2)
    monkeypatch.setattr(build, "FEWEST_FIGURES", 1)
    return tmp_path


def test_a_demo_leaves_runs_and_a_report(short: Path) -> None:
    """Each network is named once with its verdict and last loss, the runs are finished, the report is where asked."""
    result = CliRunner().invoke(app, ["demo", "--report", "page.html"], env={"COLUMNS": "80"})
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "page.html in a browser\n" in result.stdout
    assert " open runs\n" in result.stdout
    assert "espresso" not in result.stdout
    runs = Run.list("runs")
    assert [run.name for run in runs] == ["demo-dying-relu", "demo-healthy"]
    for run, patient in zip(reversed(runs), SHORT, strict=True):
        assert run.status == "finished"
        assert f"\n{result.stdout}".count(f"\n{run.name} ") == 1
        ends = f"loss {number(run.scalars()['loss'].values[-1])}, held-out accuracy "
        assert f"\n{'':<24}{ends}" in result.stdout
        assert len(run.scalars()["loss"]) == 30
        assert run.facts["about"] == patient.about
        assert patient.about in (short / "page.html").read_text("utf-8")


def test_the_photograph_has_a_page_beside_the_report(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is that of the report with a word more, and the demo says where to look for it."""
    monkeypatch.setattr(demo, "PATIENTS", SHORT[:1])
    monkeypatch.setattr(demo, "look_at_photograph", lambda page, _screen: page)
    result = CliRunner().invoke(app, ["demo", "--report", "pages/mine.html"], env={"COLUMNS": "80"})
    assert (result.exit_code, result.stderr) == (0, "")
    assert (
        "pages/mine-photograph.html in a browser\n    where a classifier of photographs sees an espresso\n"
    ) in result.stdout


def test_a_second_demo_replaces_its_own_runs_only(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running it again succeeds, and a run of the same name that somebody else made is refused and kept."""
    monkeypatch.setattr(demo, "PATIENTS", SHORT[:1])
    assert CliRunner().invoke(app, ["demo"]).exit_code == 0
    assert CliRunner().invoke(app, ["demo"]).exit_code == 0
    Run("runs/demo-healthy").delete()
    make_run(short / "runs" / "demo-healthy", FINE)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 2
    assert result.stderr == (
        "pellucid: runs/demo-healthy holds a run that the demo did not make. Give another folder with --folder.\n"
    )
    assert len(Run("runs/demo-healthy").scalars()["loss"]) == 3


def test_ctrl_c_leaves_what_was_done(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run is finished, the interrupted one is stopped, and the user is told where they are."""
    train: Any = __import__("pellucid.gallery.training", fromlist=["train"]).train

    def interrupted(trainee: Any, watch: Any, *, progress: Any) -> None:
        if "dying" in trainee.name:
            raise KeyboardInterrupt
        train(trainee, watch, progress=progress)

    monkeypatch.setattr("pellucid.gallery.train", interrupted)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 130
    assert result.stdout.endswith("\nStopped. What was done is kept; list it with: pellucid runs runs\n")
    assert {run.name: run.status for run in Run.list("runs")} == {
        "demo-healthy": "finished",
        "demo-dying-relu": "stopped",
    }
    monkeypatch.undo()


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_whole_demo_names_every_illness(tmp_path: Path, seed: str) -> None:
    """In a process of its own, the healthy network passes, and each sick one is named by its first finding."""
    started = time.monotonic()
    result = pellucid("demo", "--seed", seed, folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    first = {run.name: run.findings.problems[:1] for run in Run.list(tmp_path / "runs")}
    assert {name: found[0].code if found else "" for name, found in first.items()} == {
        "demo-healthy": "",
        "demo-dying-relu": "ACT001",
        "demo-vanishing-gradient": "GRD001",
        "demo-random-labels": "LOS005",
    }
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
    assert "photograph              espresso 95 %, cup " in result.stdout
    assert (tmp_path / "report-photograph.html").stat().st_size < 3_000_000
    assert time.monotonic() - started < 300  # nearer figures are a matter for a benchmark
