"""A page of one's own is one Python file, and is seen in the explorer, in a report and in a notebook."""

from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page, expect

import pellucid as pel
from pellucid.core import view as views
from pellucid.outlets.explorer.pages import add_page, page
from tests.browser.conftest import OpenPage
from tests.outlets.explorer.serving import served

pytestmark = pytest.mark.browser

FILE = '''
"""A page of one's own."""

from typing import Annotated, Literal

import numpy as np

from pellucid.extend import Axis, Figure, Lines, Panel, Range, view


@view(title="Waves", page=True)
def waves(
    kind: Literal["sine", "cosine"] = "sine",
    turns: Annotated[int, Range(1, 5)] = 2,
) -> Figure:
    """A wave that can be chosen.

    It teaches what a wave is.

    Try:
        - More turns.
    Args:
        turns: how often it comes back
    """
    x = np.linspace(0, 1, 50)
    y = {"sine": np.sin, "cosine": np.cos}[kind](2 * np.pi * turns * x)
    return Figure(
        title=f"A {kind} of {turns} turns",
        verdict=f"it crosses zero {2 * turns} times",
        panels=(Panel(title="wave", marks=(Lines(x=x, y=y, label=kind),), x=Axis(label="time", unit="s")),),
    )
'''


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file; the page is forgotten after the test."""
    monkeypatch.setattr(views, "_PAGES", dict(views._PAGES))
    path = tmp_path / "waves_page.py"
    path.write_text(FILE)
    return path


def check(shown: Page | FrameLocator) -> None:
    """The picture is there, and follows its control."""
    shown.locator(".panels").first.wait_for()
    expect(shown.get_by_role("heading", name="A sine of 2 turns")).to_be_visible()
    shown.get_by_label("Kind", exact=True).select_option("cosine")
    expect(shown.get_by_role("heading", name="A cosine of 2 turns")).to_be_visible()
    expect(shown.locator(".verdict").first).to_contain_text("it crosses zero 4 times")


def test_a_page_of_ones_own_is_seen_in_the_explorer(file: Path, tmp_path: Path, open_page: OpenPage) -> None:
    """It is listed with the others, and its docstring teaches."""
    (tmp_path / "runs").mkdir()
    with served(tmp_path / "runs", own_pages=[file]) as running:
        shown = open_page(running.keys.address)
        shown.get_by_role("link", name="Waves").click()
        expect(shown.get_by_text("It teaches what a wave is.")).to_be_visible()
        expect(shown.get_by_text("More turns.")).to_be_visible()
        check(shown)
        shown.close()


def test_a_page_of_ones_own_is_seen_in_a_report(file: Path, tmp_path: Path, open_page: OpenPage) -> None:
    """Its settings are all computed beforehand."""
    add_page(file)
    view = page("waves")
    check(open_page(pel.report(view, to=tmp_path / "report.html")))


def test_a_page_of_ones_own_is_seen_in_a_notebook(file: Path, tmp_path: Path, open_page: OpenPage) -> None:
    """What a cell shows is complete in itself."""
    add_page(file)
    view = page("waves")
    cell = tmp_path / "cell.html"
    cell.write_text(f"<!doctype html><html lang=en><title>cell</title>{view._repr_mimebundle_()['text/html']}")
    check(open_page(cell).frame_locator("iframe").first)
