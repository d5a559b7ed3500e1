"""The pages of docs/ say what happens: their code is run, and prints what stands below it."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
SLOW = ("skip-connections",)
"""Pages that train deep networks."""
PAGES = [
    pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.stem in SLOW else [])
    for page in sorted(DOCS.glob("*.md"))
]
_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n((?:^ {4}[^\n]*\n)+))?", re.MULTILINE | re.DOTALL)


def test_there_are_pages() -> None:
    """The test below would pass without any."""
    assert {page.id for page in PAGES} >= {"gradient-by-hand.md", *(f"{page}.md" for page in SLOW)}


def test_pictures_of_pages_are_there() -> None:
    """Whatever a page shows lies beside it."""
    for page in DOCS.glob("*.md"):
        for name in re.findall(r"(?:src|srcset)=\"([^\"]+)\"", page.read_text("utf-8")):
            assert (DOCS / name).is_file(), f"{page.name} shows {name}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: Path) -> None:
    """Its pieces of code run one after the other, and what stands below one is what it prints."""
    names: dict[str, Any] = {}
    compared = 0
    for code, shown in _BLOCK.findall(page.read_text("utf-8")):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page.name, "exec"), names)  # noqa: S102 - our own page
        if shown:
            compared += 1
            assert printed.getvalue() == re.sub(r"^ {4}", "", shown, flags=re.MULTILINE), code
    assert names, "the page has code"
    assert compared, "the page shows what some of it prints"
