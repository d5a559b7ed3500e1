"""Files of pages that fail: in words, and nothing of them is kept."""

import re
import sys
from pathlib import Path

import pytest

from pellucid.core import view as registry
from pellucid.core.errors import InputError
from pellucid.outlets.explorer.pages import add_page, page, pages

PAGE = """
from pellucid.extend import Figure, view


@view(title="Mine", page=True)
def mine() -> Figure:
    return Figure(title="mine", panels=())
"""
TAKEN = PAGE.replace("def mine", "def loss_surface")
OPEN = PAGE.replace("mine()", "mine(run)")
UNREAD = PAGE.replace("mine()", "mine(on: 'Nowhere' = True)")


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a test are forgotten after it."""
    monkeypatch.setattr(registry, "_PAGES", dict(pages()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PAGE + "\nimport sys; sys.exit()", "The page {file} failed: SystemExit (own.py, line 9)"),
        (PAGE + "\nimport sys; sys.exit('done')", "The page {file} failed: SystemExit: done (own.py, line 9)"),
        (
            PAGE + "\nimport asyncio; raise asyncio.CancelledError('odd')",
            "The page {file} failed: CancelledError: odd (own.py, line 9)",
        ),
        (PAGE + "\nraise ValueError('odd')", "The page {file} failed: ValueError: odd (own.py, line 9)"),
        ("def :", "The page {file} failed: SyntaxError: invalid syntax (own.py, line 1)"),
        ("\0", "The page {file} failed: SyntaxError: source code string cannot contain null bytes"),
        (
            PAGE.replace(", page=True", ""),
            "{file} has no page: put `@view(title=..., page=True)` above the function that draws it.",
        ),
        (PAGE + TAKEN, "{file} has a page 'loss-surface', and there is one already. Rename its function."),
        (
            OPEN,
            (
                "The page {file} failed: The page 'mine' cannot be opened: 'run' is no control and has no "
                'usual value. Annotate it with bool, Literal["a", "b"] or Annotated[float, Range(0, 1)], or give it a '
                "usual value. (own.py, line 5)"
            ),
        ),
        (
            UNREAD,
            (
                "The page {file} failed: The annotation 'Nowhere' of 'on' of the view 'mine' cannot be "
                "read: NameError: name 'Nowhere' is not defined. A control is known by its annotation: import or "
                "define what it names at the top of the file, not below `if TYPE_CHECKING:` or inside a function. "
                "(own.py, line 5)"
            ),
        ),
    ],
)
def test_a_file_that_fails_leaves_nothing_behind(text: str, words: str, tmp_path: Path) -> None:
    """No page of it, no module, and the pages that were there are those that were there."""
    file = tmp_path / "own.py"
    file.write_text(text)
    before, loaded = pages(), set(sys.modules)
    with pytest.raises(InputError, match=f"^{re.escape(words.format(file=repr(str(file))))}$"):
        add_page(file)
    assert pages() == before
    assert not [name for name in set(sys.modules) - loaded if name.startswith("pellucid_page_")]


def test_a_folder_is_no_page(tmp_path: Path) -> None:
    """Also where it is called like a file."""
    folder = tmp_path / "own.py"
    folder.mkdir()
    with pytest.raises(InputError, match=f"^A page is a Python file, and {re.escape(repr(str(folder)))} is none\\.$"):
        add_page(folder)


def test_a_file_that_fails_the_second_time_keeps_the_first(tmp_path: Path) -> None:
    """As while somebody writes it."""
    file = tmp_path / "own.py"
    file.write_text(PAGE)
    add_page(file)
    kept = page("mine")
    file.write_text(PAGE + "\nraise ValueError('odd, and longer')")
    with pytest.raises(InputError, match="odd, and longer"):
        add_page(file)
    assert page("mine") is kept


def test_a_page_of_a_partial_function_is_one(tmp_path: Path) -> None:
    """Its module is not that of the file."""
    file = tmp_path / "own.py"
    file.write_text(
        "import functools\nfrom pellucid.extend import Figure, view\n\n\n"
        "def sized(size, on: bool = True) -> Figure:\n    return Figure(title=f'{size} {on}', panels=())\n\n\n"
        "view(title='Sized', page=True)(functools.partial(sized, 3))\n"
    )
    add_page(file)
    add_page(file)
    assert page("sized").frame().figure.title == "3 True"
