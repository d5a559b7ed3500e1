"""Small images: their titles are whole, white ones have a border, and the verdict above them says its level once."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import FrameLocator, expect

from pellucid.core.figure import Figure, Panel, Tiles
from pellucid.core.finding import Level
from pellucid.core.notebook import figure_bundle
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

TITLES = tuple(f"{one}: −0.{one:02d}21, as it is" for one in range(36))


@pytest.fixture(params=[(1280, False), (420, True)])
def frame(tmp_path: Path, open_page: OpenPage, request: pytest.FixtureRequest) -> FrameLocator:
    """Three panels of white tiles, of which nothing was measured."""
    width, dark = request.param
    panel = Panel(title="tiles", marks=(Tiles(images=np.ones((36, 5, 5, 3)), titles=TITLES),))
    figure = Figure(
        title="Tiles",
        panels=(panel,) * 3,
        columns=3,
        verdict="not-measured: none of 2 checks could be measured",
        level=Level.NOT_MEASURED,
    )
    path = tmp_path / "cell.html"
    path.write_text(f"<!doctype html><html lang=en><title>cell</title>{figure_bundle(figure)['text/html']}")
    frame = open_page(path, width=width, dark=dark).frame_locator("iframe").first
    frame.locator(".stage canvas").first.wait_for()
    return frame


def test_titles_are_whole(frame: FrameLocator) -> None:
    """As many tiles stand side by side as leave room for them, and none lies on its neighbour."""
    texts = frame.locator(".panel").first.locator("svg text")
    assert tuple(texts.all_text_contents()) == TITLES
    boxes = texts.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().toJSON())")
    for one, other in pairwise(boxes):
        assert other["top"] > one["top"] + 1 or other["left"] > one["right"]


def test_white_tiles_have_a_border(frame: FrameLocator) -> None:
    """One around each."""
    border = frame.locator(".panel").first.locator(".stage path").first
    assert (border.get_attribute("d") or "").count("z") == 36
    assert border.evaluate("(one) => getComputedStyle(one).stroke") not in {"none", "rgb(255, 255, 255)"}


def test_the_level_is_said_once(frame: FrameLocator) -> None:
    """It has a dash in Python and none in words."""
    expect(frame.locator(".verdict")).to_have_text("– not measured: none of 2 checks could be measured")
