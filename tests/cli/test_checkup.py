"""`pellucid checkup`: the verdict, the exit status, and what can be wrong with the target."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pellucid.cli import app
from tests.cli.runs_on_disk import MODELS

EXPECTED = "expected a callable that returns a pel.Subject."
FORM = "Give it as package.module:callable, for example my_project.models:make_subject."


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a module of models; what it put into the process is taken out again."""
    (tmp_path / "zoo_models.py").write_text(MODELS)
    (tmp_path / "bad_import.py").write_text("\nimport nothing_there\n")
    (tmp_path / "bad_syntax.py").write_text("x = (\n")
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "__init__.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("zoo_models", "bad_import", "bad_syntax", "zoo"):
            del sys.modules[name]


def test_a_healthy_model_is_status_0() -> None:
    """Without an alarm the exit status is 0, and the verdict is the first thing said."""
    result = CliRunner().invoke(app, ["checkup", "zoo_models:well"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    title, verdict, *_ = result.stdout.splitlines()
    assert title.startswith("Checkup of Sequential (")
    assert verdict.startswith("✓ ")


def test_an_alarm_is_status_1() -> None:
    """A sick model is named, and the exit status stops a pipeline."""
    result = CliRunner().invoke(app, ["checkup", "zoo_models:sick"], env={"COLUMNS": "80"})
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1] == "✖ Dying ReLU at 1"
    assert "✖ alarm: Dying ReLU at 1 [ACT001]" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_what_was_not_measured_is_listed_on_demand() -> None:
    """The short verdict names the flag, and with it every check has its figures or its reason."""
    short = CliRunner().invoke(app, ["checkup", "zoo_models:sick"], env={"COLUMNS": "80"}).stdout
    assert short.endswith("With figures and reasons: pellucid checkup zoo_models:sick --all\n")
    full = CliRunner().invoke(app, ["checkup", "zoo_models:sick", "--all"], env={"COLUMNS": "80"})
    assert full.exit_code == 1
    assert "  Update too large [GRD003]: " in full.stdout
    assert "--all" not in full.stdout
    assert max(len(line) for line in full.stdout.splitlines()) <= 80


def test_json_is_not_disturbed_by_what_the_module_prints() -> None:
    """What the user's code prints goes to the error stream."""
    result = CliRunner().invoke(app, ["checkup", "zoo_models:sick", "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert result.stderr == "loading the weights\n"
    assert (found["name"], found["verdict"], found["report"]) == ("Sequential", "alarm", None)
    assert found["findings"][0]["code"] == "ACT001"


def test_a_page_is_written(project: Path) -> None:
    """-o leaves the checkup as a page."""
    result = CliRunner().invoke(app, ["checkup", "zoo_models:sick", "-o", "page.html"])
    assert result.stdout.endswith("\nWrote page.html.\n")
    page = (project / "page.html").read_text("utf-8")
    assert "<h1>Checkup of Sequential</h1>" in page
    assert page.count("data-pellucid-frame=") >= 3


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("zoo_models", f"'zoo_models' does not say which callable makes the model. {FORM}"),
        (":well", f"':well' does not say which callable makes the model. {FORM}"),
        ("zoo_models:wel", f"zoo_models has no 'wel'. Closest: 'well', 'model'. {FORM}"),
        (
            "zoo_models:number",
            f"zoo_models:number is of type int; {EXPECTED} {FORM}",
        ),
        (
            "zoo_models:wrong",
            (
                "zoo_models:wrong returned Sequential; expected a pel.Subject, (model, loader) "
                "or (model, loader, loss) with an nn.Module."
            ),
        ),
        (
            "zoo_models:fails",
            "zoo_models:fails failed in zoo_models.py, line 35: RuntimeError: no weights at /x",
        ),
        ("bad_import:x", "Importing bad_import failed in bad_import.py, line 2: No module named 'nothing_there'."),
        ("bad_syntax:x", "Importing bad_syntax failed: SyntaxError: '(' was never closed (bad_syntax.py, line 1)"),
    ],
)
def test_what_cannot_be_examined_is_status_2(target: str, message: str) -> None:
    """Whatever is wrong with the target is one sentence that says what to do."""
    result = CliRunner().invoke(app, ["checkup", target])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == f"pellucid: {message}"


@pytest.mark.parametrize(("target", "missing"), [("zoo_model:x", "zoo_model"), ("zoo.inner:x", "zoo.inner")])
def test_a_missing_module_is_named(project: Path, target: str, missing: str) -> None:
    """A module that is not there is told from a module that fails."""
    result = CliRunner().invoke(app, ["checkup", target])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"pellucid: There is no module {missing!r} to import from {project}. ")
    assert result.stderr.endswith(f"{FORM}\n")
