"""What the pages of the repository say is there, is there."""

import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import pellucid as pel

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "pellucid"
FOLDERS = ("core", "maths", "probe", "methods", "windows", "sessions", "gallery", "outlets", "cli")
PAGES = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "tests/README.md", "benchmarks/README.md")


def _code(page: str) -> str:
    """Join what a page shows as code, inline or in a block."""
    text = (ROOT / page).read_text("utf-8")
    return "\n".join("".join(found) for found in re.findall(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", text, re.DOTALL))


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_make_commands_exist(page: str) -> None:
    """Every `make` command that a page shows is a target of the Makefile."""
    shown = set(re.findall(r"^(?:\$ )?make ([a-z-]+)", _code(page), re.MULTILINE))
    assert shown - _targets() == set()


def test_readme_starts_with_two_commands() -> None:
    """The README shows how to see pellucid and how to test it."""
    code = _code("README.md")
    assert "make demo" in code
    assert "make test" in code


def test_the_first_example_runs_and_names_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first Python of the README does what the sentence below it says."""
    text = (ROOT / "README.md").read_text("utf-8")
    code, told = re.findall(r"```python\n(.*?)```\n\nIt says `(.*?)`", text, re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    for scaled in (code, code.replace("x.float()", "x.float() / 16")):
        names: dict[str, Any] = {}
        exec(scaled.replace("runs/first", f"runs/{len(scaled)}"), names)  # noqa: S102 - our own words
        found = names["watch"].findings
        if scaled == code:
            assert str(found).startswith(told)
            assert "Dying ReLU" in {one.title for one in found[0].all}
        else:
            assert found.problems == ()


@pytest.mark.slow
def test_the_other_examples_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever types them into one session in their order sees no error, and no false alarm on a sound network."""
    after = (ROOT / "README.md").read_text("utf-8").partition("## What a score depends on")[2]
    blocks = re.findall(r"```python\n(.*?)```", after, re.DOTALL)
    assert len(blocks) >= 4
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"pel": pel}
    for block in blocks:
        exec(block, names)  # noqa: S102 - our own words
    for one in (names["result"], names["tried"]):
        assert one.findings.level == "ok", one.findings.text()


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_says_what_belongs_there(folder: str) -> None:
    """Each folder has a README under its own name, of a few lines."""
    lines = (PACKAGE / folder / "README.md").read_text("utf-8").splitlines()
    assert lines[0] == f"# {folder}"
    assert 3 <= len(lines) <= 30


def test_folders_are_these() -> None:
    """No folder of the package is unknown to the layers."""
    found = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert found == set(FOLDERS)


def test_architecture_names_every_folder() -> None:
    """ARCHITECTURE.md names each folder of the package and each window."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    windows = [path.parent.name for path in (PACKAGE / "windows").glob("*/__init__.py")]
    assert [name for name in (*FOLDERS, *windows) if name not in text] == []


def test_every_extra_is_pinned() -> None:
    """constraints.txt pins every package that the dependencies and the extras name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if not line.startswith("#")}
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.split(r"[\[<>=]", requirement)[0].lower() for requirement in wanted}
    assert names - pinned == {"pellucid"}
