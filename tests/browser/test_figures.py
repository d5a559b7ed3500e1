"""Pictures as they are seen: what is inside what can be scrolled to, what lies over what, and on which paper."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Frame as PageFrame
from playwright.sync_api import Page, expect

from pellucid.core.figure import Axis, Bars, Figure, Lines, Panel, Parallel
from pellucid.core.figure.live.carrying import notebook_html
from pellucid.core.frame import Frame
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

LAYERS = ("hidden1.linear", "hidden1.activation", "hidden2.linear", "hidden2.activation", "head")
BOXES = """(texts) => texts.map((text) => { const {left, right, top, bottom} = text.getBoundingClientRect();
  return [text.textContent, left, right, top, bottom]; })"""


def pictures() -> Figure:
    """A curve whose last tick is at its end, bars with long names, and lines across upright axes."""
    x = np.linspace(0.0, 1.0, 50)
    bars = Bars(edges=np.arange(6) - 0.5, heights=np.linspace(0.2, 0.9, 5))
    lines = Parallel(
        axes=(
            Axis(label="model", categories=("one", "two")),
            Axis(label="optimizer", categories=("SGD", "Adam")),
            Axis(),
        ),
        rows=np.array([[0, 0, 0.10], [1, 0, 0.11], [0, 1, 2.3]]),
        names=("run a", "run b", "run c"),
        value=np.array([0.1, 0.11, 2.3]),
    )
    return Figure(
        title="Pictures",
        columns=2,
        panels=(
            Panel(title="wave", marks=(Lines(x=x, y=np.sin(9 * x)),), x=Axis(label="t", limits=(0.0, 1.0))),
            Panel(title="layers", marks=(bars,), x=Axis(label="layer", categories=LAYERS)),
            Panel(title="runs", marks=(lines,), wide=True),
        ),
    )


def notebook(path: Path, *, body: str, style: str = "") -> Path:
    """Write a page with the picture of a cell in it."""
    cell = notebook_html([Frame(figure=pictures())])
    path.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>n</title><style>{style}</style><body {body}>'
        f"<div>{cell}</div></body></html>"
    )
    return path


def inside(page: Page) -> PageFrame:
    """The page of the picture, drawn."""
    page.frame_locator("iframe").locator(".panels").wait_for()
    return page.frames[1]


@pytest.mark.parametrize("width", [1280, 420])
def test_no_label_is_cut_off_or_lies_on_another(tmp_path: Path, open_page: OpenPage, width: int) -> None:
    """The last tick is whole, names of bars and of lines do not meet."""
    frame = inside(open_page(notebook(tmp_path / "cell.html", body=""), width=width))
    wide = frame.evaluate("document.documentElement.clientWidth")
    boxes = frame.locator("svg text").evaluate_all(BOXES)
    assert {"1.0", "SGD", "hidden1.linear"} <= {one[0] for one in boxes}
    assert [one for one in boxes if one[1] < -0.5 or one[2] > wide + 0.5] == []
    if width == 1280:
        ends = sorted((one for one in boxes if one[0] in {"run a", "run b", "run c"}), key=lambda one: one[3])
        assert [one[0] for one in ends] == ["run c", "run b", "run a"]
        assert all(before[4] <= after[3] + 2 for before, after in pairwise(ends))


PAPERS = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 29)"}


def expect_paper(page: Page, name: str) -> None:
    """The picture in the notebook lies on light or dark paper."""
    expect(page.frame_locator("iframe").locator(".figure")).to_have_css("background-color", PAPERS[name])


@pytest.mark.parametrize(
    ("body", "style", "paper"),
    [
        ("", "body{background:#fff;color:#000}", "light"),
        ("", "body{background:#111;color:#ddd}", "dark"),
        ('data-jp-theme-light="false"', "", "dark"),
        ('class="vscode-light"', "body{color:#eee}", "light"),
    ],
    ids=["white page", "black page", "dark JupyterLab", "light VS Code"],
)
@pytest.mark.parametrize("dark", [False, True])
def test_a_cell_follows_its_notebook_and_not_the_system(
    tmp_path: Path, open_page: OpenPage, body: str, style: str, paper: str, *, dark: bool
) -> None:
    """By what the notebook says of itself, else by the colour of its text; also when that changes."""
    page = open_page(notebook(tmp_path / "cell.html", body=body, style=style), dark=dark)
    inside(page)
    expect_paper(page, paper)
    other = {"light": "dark", "dark": "light"}[paper]
    page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str(other == "light").lower())
    expect_paper(page, other)


def test_a_cell_hears_its_notebook_only(tmp_path: Path, open_page: OpenPage) -> None:
    """What another frame, or anything that is no word about the paper, says changes nothing."""
    page = open_page(notebook(tmp_path / "cell.html", body=""))
    frame = inside(page)
    expect_paper(page, "light")
    frame.evaluate("postMessage({ pellucid: 'theme', dark: true }, '*')")
    page.evaluate("frames[0].postMessage({ pellucid: 'other', dark: true }, '*'); frames[0].postMessage(null, '*')")
    page.evaluate("frames[0].postMessage({ pellucid: 'theme', dark: 'yes' }, '*')")
    page.wait_for_timeout(200)
    expect_paper(page, "light")


def test_the_player_counts_the_paths_that_are_there(open_explorer: OpenPage) -> None:
    """A path that ends earlier after a change is not told by the place of the last one."""
    page = open_explorer("/page/loss-surface")
    said = page.locator(".player output")
    expect(said).to_contain_text("point 151 of 151")
    page.locator(".player input").focus()
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("point 150 of 151")
    page.get_by_label("momentum", exact=True).uncheck()
    page.get_by_label("Surface", exact=True).select_option("bowl")
    expect(page.get_by_role("heading", name="Descent over a bowl")).to_be_visible()  # the range of the rate follows it
    rate = page.get_by_label("Learning rate, exactly")
    rate.fill("0.41")
    rate.press("Enter")
    expect(said).to_contain_text("point 10 of 10")
