"""The page on saliency in a browser: drawn by mouse, by finger and by keyboard, clicked, and open to everyone."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.seen import grave_violations, overflow

pytestmark = pytest.mark.browser

SEVEN = ((3.0, 2.5), (13.0, 2.5), (8.0, 14.5))
Spot = tuple[float, float]


def opened(open_explorer: OpenPage, path: str = "/page/saliency", *, width: int = 1280, dark: bool = False) -> Page:
    """The page, once its picture is there; the first time its network is trained."""
    page = open_explorer(path, width=width, dark=dark)
    page.locator(".panels").first.wait_for(timeout=60_000)
    return page


def pad_of(page: Page) -> Locator:
    """Where a reader draws."""
    return page.get_by_role("application", name="Drawing. Arrow keys move, space inks.")


def draw(page: Page, stroke: Sequence[Spot]) -> None:
    """Draw with the mouse; places in pixels of the pad."""
    pad = pad_of(page)
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    spots = [(box["x"] + x * box["width"] / 16, box["y"] + y * box["height"] / 16) for x, y in stroke]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=5)
    page.mouse.up()


def scores(page: Page) -> list[str]:
    """The column of scores of the table."""
    return page.locator(".rows tbody tr > :nth-child(2)").all_inner_texts()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (420, True)])
def test_a_digit_is_drawn_with_the_mouse(open_explorer: OpenPage, width: int, dark: bool) -> None:
    """While the mouse is down the picture follows; what is drawn is read, can be seen, and is open to everyone."""
    page = opened(open_explorer, width=width, dark=dark)
    before = scores(page)
    draw(page, SEVEN)
    expect(page.locator(".panel").first).to_contain_text("Your drawing")
    expect(page.locator(".panel").first).to_contain_text("read as 7")
    assert scores(page) != before
    ink = pad_of(page).locator("rect")
    assert ink.count() > 40
    paper, colour = page.evaluate(
        """() => [document.querySelector('.figure'), document.querySelector('.sketch rect')]
        .map((one, place) => getComputedStyle(one)[place ? 'fill' : 'backgroundColor'])"""
    )
    assert paper != colour  # dark ink on light paper, and the other way round
    assert overflow(page) <= 0
    assert grave_violations(page) == []
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".panel").first).to_contain_text("A 3")
    expect(ink).to_have_count(0)


def test_the_picture_follows_while_the_mouse_is_down(open_explorer: OpenPage) -> None:
    """Nobody has to let go to see the scores."""
    page = opened(open_explorer)
    pad = pad_of(page)
    pad.hover()
    page.mouse.down()
    expect(page.locator(".panel").first).to_contain_text("Your drawing")
    page.mouse.up()
    page.mouse.move(0, 0)
    inked = pad.locator("rect").count()
    pad.hover(position={"x": 10, "y": 10})  # not pressed: nothing is drawn
    page.wait_for_timeout(100)
    assert pad.locator("rect").count() == inked


def test_a_digit_is_drawn_by_keyboard(open_explorer: OpenPage) -> None:
    """Arrows move, space and Enter ink, and what was done is said; the address keeps it."""
    page = opened(open_explorer)
    pad = pad_of(page)
    pad.focus()
    for key in ("ArrowUp", "ArrowUp", "Space", "ArrowDown", "Enter", "ArrowDown", "Space", "Home"):
        page.keyboard.press(key)
    said = page.locator(".sketch [role=status]")
    expect(said).to_have_text("row 8, column 0: 0 %")
    page.keyboard.press("Space")
    expect(said).to_have_text("row 8, column 0: 100 %")
    expect(page.locator(".panel").first).to_contain_text("Your drawing")
    expect(pad.locator(".pen")).to_have_count(1)
    assert pad.evaluate("(one) => one === document.activeElement")
    page.wait_for_timeout(400)  # the address is written once the reader pauses
    again = opened(open_explorer, page.url.partition(page.url.split("/")[2])[2])
    expect(again.locator(".panel").first).to_contain_text("Your drawing")
    assert scores(again) == scores(page)


@pytest.mark.parametrize("panel", [0, 1])
def test_a_click_on_a_pixel_nudges_it(open_explorer: OpenPage, panel: int) -> None:
    """In the picture as in the map; the curve and the words are about that pixel, and sliders say which it is."""
    page = opened(open_explorer)
    stage = page.locator(".panel .stage").nth(panel)
    stage.scroll_into_view_if_needed()
    canvas = stage.locator("canvas").first.bounding_box()
    assert canvas is not None
    x, y = (canvas["x"] + canvas["width"] * 5.3 / 16, canvas["y"] + canvas["height"] * 10.8 / 16)
    page.mouse.click(x, y)
    expect(page.get_by_text("Score of 3 as pixel 5, 10 is nudged")).to_be_visible()
    expect(page.locator(".verdict").first).to_contain_text("Pixel 5, 10, brighter by 0.3, changes")
    expect(page.get_by_role("spinbutton", name="Column")).to_have_value("5")
    expect(page.get_by_role("spinbutton", name="Row")).to_have_value("10")


def test_a_drawing_that_nobody_can_have_drawn_is_told(open_explorer: OpenPage) -> None:
    """An address with other letters in it: words, and the picture without it."""
    path = f"/page/saliency#~saliency={{%22v%22:{{%22drawing%22:%22{'z' * 256}%22}}}}"
    page = opened(open_explorer, path)
    expect(page.locator(".problem")).to_contain_text("'drawing' takes 256 hexadecimal digits")
    expect(page.locator(".panel").first).to_contain_text("A 3")


def test_what_is_read_follows_the_picture(open_explorer: OpenPage) -> None:
    """The words beside a pixel are those of the map that is shown, also when a control changes it by keyboard."""
    page = opened(open_explorer)
    stage, tip = page.locator(".panel").nth(1).locator(".stage"), page.locator(".panel").nth(1).locator(".tip b")
    stage.focus()
    for key in ("ArrowDown", *["ArrowDown"] * 5, *["ArrowRight"] * 7):
        page.keyboard.press(key)
    before = tip.inner_text()
    page.get_by_label("Target").select_option("8")
    expect(page.locator("h4").first).to_contain_text("the score of 8")
    expect(tip).not_to_have_text(before)
    after = tip.inner_text()
    stage.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(tip).to_have_text(after)


def test_a_method_that_needs_places_is_told_with_the_other_network(open_explorer: OpenPage) -> None:
    """Grad-CAM stays chosen, and the verdict says whose map it is instead."""
    page = opened(open_explorer)
    page.get_by_label("Method").select_option("gradcam")
    page.get_by_label("Network").select_option("MLP")
    expect(page.locator(".verdict")).to_contain_text("Gradcam asks a layer that has places, and the MLP has none")
    expect(page.get_by_label("Method")).to_have_value("gradcam")
    page.get_by_label("Network").select_option("CNN")
    expect(page.locator("h4").first).to_contain_text("gradcam, CNN")
