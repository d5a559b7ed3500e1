"""Faults in the user's own code: the line that is told, and the terminal that hears of each once."""

import math
from pathlib import Path
from typing import Any

import pytest

from pellucid.core.errors import InputError
from pellucid.outlets.explorer.failing import Failures, frames_of_user, words_of
from pellucid.outlets.explorer.pages import add_page, pages
from tests.outlets.explorer.serving import ask, served

OWN = """
from pellucid.extend import Figure, view


def deep(one: int) -> float:
    return 1 / one


@view(title="Own", page=True)
def failing(on: bool = False) -> Figure:
    return Figure(title=str(deep(0)), panels=())
"""


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a test are forgotten after it."""
    pages()
    monkeypatch.setattr("pellucid.core.view._PAGES", dict(pages()))


def caught(work: Any) -> BaseException:
    """What work raises, as a server catches it."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - any
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        return error
    raise AssertionError("nothing was raised")


def test_the_line_of_the_user_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In the page, and once in the terminal with the way that led there."""
    file = tmp_path / "own.py"
    file.write_text(OWN)
    (tmp_path / "runs").mkdir()
    words = "ZeroDivisionError: division by zero (own.py, line 6)"
    with served(tmp_path / "runs", own_pages=[file]) as running, running.socket() as socket:
        asked = {"ask": "view", "view": "failing"}
        assert ask(socket, id=1, **asked, parameters={}) == {"id": 1, "error": words}
        assert ask(socket, id=2, **asked, parameters={"on": True}) == {"id": 2, "error": words}
    said = capfd.readouterr().err
    assert said == (
        f"pellucid: the page 'failing' failed: {words}\n"
        f'  File "{file}", line 11, in failing\n    return Figure(title=str(deep(0)), panels=())\n'
        f'  File "{file}", line 6, in deep\n    return 1 / one\n'
    )


def test_a_file_that_fails_names_its_line(tmp_path: Path) -> None:
    """A page that cannot even be read in."""
    file = tmp_path / "own.py"
    file.write_text("one = 0\n1 / one\n")
    with pytest.raises(InputError) as found:
        add_page(file)
    assert str(found.value) == (f"The page {str(file)!r} failed: ZeroDivisionError: division by zero (own.py, line 2)")


def test_lines_of_packages_and_ours_are_not_told(capfd: pytest.CaptureFixture[str]) -> None:
    """Only what caused it may lead to the user; without any line of the user nothing is printed."""
    ours = caught(lambda: math.sqrt(-1))
    ours.__traceback__ = None
    assert frames_of_user(ours) == []
    assert words_of(ours) == f"ValueError: {ours}"
    Failures().tell("it", ours)
    assert capfd.readouterr().err == ""
    outer = InputError("It could not be worked out.")
    outer.__cause__ = caught(lambda: math.sqrt(-1))
    assert words_of(outer).startswith("It could not be worked out. (test_failing.py, line ")
