"""A map over its picture: the slider of its opacity, by keys, remembered, saved as seen, and usable by everyone."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pellucid.core.figure import Figure, Heat, Panel
from pellucid.core.figure.live import script
from pellucid.core.figure.live.carrying import carried, place
from pellucid.core.frame import Frame
from tests.browser.conftest import OpenPage
from tests.browser.seen import grave_violations

pytestmark = pytest.mark.browser

SEEN = """(stage) => {
  const [ground, veil] = stage.querySelectorAll("canvas");
  const all = new OffscreenCanvas(ground.width, ground.height);
  const draw = all.getContext("2d");
  draw.drawImage(ground, 0, 0);
  draw.globalAlpha = Number(getComputedStyle(veil).opacity);
  draw.drawImage(veil, 0, 0);
  return [...draw.getImageData(all.width / 2, all.height / 2, 1, 1).data];
}"""


def overlay() -> Figure:
    """A coarse map, for in its middle, over a grey picture, and the picture alone."""
    values = np.array([[-1.0, 0, 0], [0, 2, 0], [0, 0, -1]])
    grey = np.full((30, 30), 0.5)
    edges = np.linspace(-0.5, 29.5, 4)
    mapped = Heat(values=values, x=edges, y=edges, signed=True, under=grey, opacity=0.6, label="against / for")
    alone = Heat(values=grey, under=np.stack([grey] * 3, axis=-1), opacity=0.0)
    panels = (Panel(title="map", marks=(mapped,)), Panel(title="alone", marks=(alone,)))
    return Figure(title="Overlay", columns=2, panels=panels)


@pytest.fixture
def page(tmp_path: Path, open_page: OpenPage) -> Page:
    """A page with the picture."""
    path = tmp_path / "overlay.html"
    body = place("picture", carried([Frame(figure=overlay())]))
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>o</title>'
    path.write_text(f"{head}<main><h1>o</h1><h2>p</h2><h3>q</h3>{body}</main><script>{script()}</script>")
    page = open_page(path)
    page.locator(".stage canvas").first.wait_for()
    return page


def test_the_slider_changes_what_is_seen(page: Page) -> None:
    """With the arrow keys, from the picture alone to the map alone; the picture beside it stays."""
    stage, alone = page.locator(".stage").first, page.locator(".stage").nth(1)
    slider = page.get_by_label("Opacity over the picture")
    expect(slider).to_have_attribute("aria-valuetext", "60 %")
    red, *_ = stage.evaluate(SEEN)
    assert red > 160
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0 %")
    assert stage.evaluate(SEEN)[:3] == [128, 128, 128]
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "99 %")
    strong, green, _, opaque = stage.evaluate(SEEN)
    assert strong > red > 128 > green
    assert opaque == 255
    assert alone.locator("canvas").count() == 1


def test_the_opacity_is_remembered(page: Page, open_page: OpenPage) -> None:
    """In the address, so that a link shows the same."""
    page.get_by_label("Opacity over the picture").fill("25")
    page.wait_for_function("location.hash.includes('picture')")
    again = open_page(page.url)
    expect(again.get_by_label("Opacity over the picture")).to_have_attribute("aria-valuetext", "25 %")
    assert again.locator(".stage canvas").nth(1).evaluate("(one) => getComputedStyle(one).opacity") == "0.25"


def test_cells_are_read_as_they_are(page: Page) -> None:
    """The smoothing is for the eye: the words are those of the cell, in pixels of the picture."""
    page.locator(".stage").first.hover()
    tip = page.locator(".tip").first
    expect(tip).to_contain_text("column 9.5 to 19.5; row 9.5 to 19.5")
    expect(tip.locator("b")).to_have_text("2")


def test_a_picture_is_saved_as_it_is_seen(page: Page) -> None:
    """The veil of a saved picture has the opacity that is set."""
    page.get_by_label("Opacity over the picture").fill("40")
    page.get_by_label("Save the figure").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG picture").first.click()
    text = Path(download.value.path()).read_text()
    assert text.count("<image") == 3
    assert text.count('opacity="0.4"') == 1


def test_everyone_can_use_it(page: Page) -> None:
    """Nothing that axe finds serious."""
    assert grave_violations(page) == []
