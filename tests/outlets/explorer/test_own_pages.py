"""Pages of one's own that are in the way of others."""

import re
from pathlib import Path

import pytest

from pellucid.core import view as views
from pellucid.core.errors import InputError
from pellucid.outlets.explorer.pages import add_page, page, pages
from tests.outlets.explorer.serving import ask, served

PAGE = """
from pellucid.extend import Figure, view


@view(title="Own", page=True)
def {name}() -> Figure:
    {body}
"""


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a test are forgotten after it."""
    pages()
    monkeypatch.setattr(views, "_PAGES", dict(views._PAGES))


def write(folder: Path, name: str, body: str) -> Path:
    """Write the file of a page."""
    path = folder / "own.py"
    path.write_text(PAGE.format(name=name, body=body))
    return path


def test_a_page_of_ones_own_never_replaces_another(tmp_path: Path) -> None:
    """A name that is taken is refused."""
    file = write(tmp_path, "loss_surface", 'return Figure(title="mine", panels=())')
    words = f"{str(file)!r} has a page 'loss-surface', and there is one already. Rename its function."
    with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
        add_page(file)


def test_the_same_file_may_be_added_again(tmp_path: Path) -> None:
    """As a second explorer of the same process does."""
    file = write(tmp_path, "mine", 'return Figure(title="mine", panels=())')
    add_page(file)
    add_page(file)
    assert page("mine").frame().figure.title == "mine"


def test_a_page_that_asks_to_exit_ends_nothing(tmp_path: Path) -> None:
    """The page is told, and the server goes on."""
    file = write(tmp_path, "leaving", "raise SystemExit(3)")
    (tmp_path / "runs").mkdir()
    with served(tmp_path / "runs", own_pages=[file]) as running, running.socket() as socket:
        asked = {"ask": "view", "view": "leaving", "parameters": {}}
        assert ask(socket, id=1, **asked) == {"id": 1, "error": "SystemExit: 3 (own.py, line 7)"}
        assert ask(socket, id=2, **asked) == {"id": 2, "error": "SystemExit: 3 (own.py, line 7)"}
        assert running.get("/").status == 200
