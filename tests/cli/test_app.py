"""The command as a whole: help, errors, exit status, and manners towards pipes and terminals."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pellucid.cli import app
from tests.cli.runs_on_disk import DYING, make_run, pellucid

COMMANDS = ("demo", "runs", "report", "checkup", "explain", "rules")
HEAVY = ("jinja2", "matplotlib", "pellucid.gallery", "pellucid.outlets.report.build", "sklearn", "sqlite3", "torch")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_teaches_with_examples(command: str) -> None:
    """Every help fits into 80 columns and ends with commands to type."""
    result = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    assert max(len(line) for line in result.output.splitlines()) <= 80
    assert result.output.count(f"pellucid {command}".strip()) >= 2
    assert "Examples" in result.output or "Where to begin" in result.output


def test_commands_stand_in_the_order_of_a_first_reading() -> None:
    """The demo comes first, the list of rules last."""
    output = CliRunner().invoke(app, ["--help"]).output
    listed = output[output.index("Commands") :]
    places = [listed.index(f"│ {command} ") for command in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], *([one, "--help"] for one in COMMANDS)])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Asking for help or the version does not wait for torch, matplotlib, scikit-learn, jinja2 or the gallery."""
    assert _heavy_after(arguments) == "[]"


def test_what_is_heavy_would_be_seen() -> None:
    """The test above can fail: a command that needs torch loads it."""
    assert "torch" in _heavy_after(["rules"])


def _heavy_after(arguments: list[str]) -> str:
    """Run the command in a process of its own, and name what is heavy and was loaded."""
    program = (
        f"import sys\nfrom pellucid.cli import main\nsys.argv = ['pellucid', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (None, 0, 2), end.code\n"
        f"print('LOADED', [one for one in {HEAVY!r} if one in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    return found.stdout.rstrip().rpartition("LOADED ")[2]


def test_the_version_is_that_of_the_package() -> None:
    """--version prints name and version."""
    import pellucid as package

    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"pellucid {package.__version__}\n")


@pytest.mark.parametrize("arguments", [["frob"], ["runs", "--frob"], ["explain"], ["report"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    """An unknown command or option, or a missing argument, is a usage error, and prints nothing on standard output."""
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_what_is_refused_is_one_line(tmp_path: Path) -> None:
    """An error of pellucid is one line on the error stream, without traceback, also in a real process."""
    result = pellucid("runs", "nowhere", folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"pellucid: There is no run at {tmp_path}/nowhere: no such directory.\n"


def test_a_pipe_gets_neither_colour_nor_crash(tmp_path: Path) -> None:
    """Piped output has no escape codes, and a stream that cannot show a sign shows a question mark."""
    make_run(tmp_path / "runs" / "one", DYING)
    result = pellucid("runs", folder=tmp_path, PYTHONIOENCODING="ascii", COLUMNS="80")
    assert (result.returncode, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    assert "? Dying ReLU at hidden1.activation," in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


@pytest.mark.parametrize("no_colour", [False, True])
def test_a_terminal_gets_colour_unless_it_wants_none(tmp_path: Path, no_colour: bool) -> None:
    """An alarm is red on a terminal, and NO_COLOR is honoured."""
    make_run(tmp_path / "runs" / "one", DYING)
    environment = {"TERM": "xterm-256color", "COLUMNS": "80", **({"NO_COLOR": "1"} if no_colour else {})}
    output = _on_a_terminal(["runs"], tmp_path, environment)
    assert "Dying ReLU" in output
    assert ("\x1b[1;31m" in output) is not no_colour


def _on_a_terminal(arguments: list[str], folder: Path, environment: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from pellucid.cli import main; main()", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONIOENCODING": "utf-8", **environment},
    )
    os.close(theirs)
    read = b""
    try:
        while block := os.read(ours, 65536):
            read += block
    except OSError:  # Linux says so when the other side is closed
        pass
    finally:
        os.close(ours)
        process.wait(timeout=60)
    return read.decode("utf-8")


@pytest.mark.parametrize("arguments", [["runs", "runs"], ["rules"], ["explain", "ACT001"]])
def test_json_is_all_there_is_on_standard_output(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--json prints strict JSON and nothing else; what JSON cannot say is null."""
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "runs" / "one", DYING, losses=(2.0, float("nan")))
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
