"""The explorer in a browser: every page, both themes, two widths, by mouse and by keyboard."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.seen import grave_violations, is_drawn, overflow
from tests.outlets.explorer.serving import Served

pytestmark = pytest.mark.browser

LOSS, HISTOGRAMS = "/page/loss-surface", "/page/activation-histograms"


def drawn(page: Page, place: int = 0) -> None:
    """Wait until a picture is there."""
    view = page.locator("[data-pellucid-view]").nth(place)
    view.scroll_into_view_if_needed()
    view.locator(".panels").wait_for()


def paths(explorer: Served) -> dict[str, str]:
    """The address of every kind of page."""
    dying, healthy = explorer.key("dying"), explorer.key("healthy")
    return {
        "list": "/",
        "run": f"/run/{dying}",
        "compare": f"/compare?run={dying}&run={healthy}",
        "pages": "/pages",
        "loss": LOSS,
        "histograms": HISTOGRAMS,
        "saliency": "/page/saliency",
    }


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("kind", ["list", "run", "compare", "pages", "loss", "histograms", "saliency"])
def test_every_page_is_drawn_and_open_to_everyone(
    explorer: Served, open_explorer: OpenPage, kind: str, width: int, dark: bool
) -> None:
    """Every page is drawn and open to everyone."""
    page = open_explorer(paths(explorer)[kind], width=width, dark=dark)
    if kind not in {"list", "pages"}:
        drawn(page)
        assert is_drawn(page, "[data-pellucid-view]")
    expect(page.locator("h1")).to_have_count(1)
    assert overflow(page) <= 0
    assert grave_violations(page) == []


def test_the_address_loses_its_token(explorer: Served, open_explorer: OpenPage) -> None:
    """The address loses its token."""
    page = open_explorer("/")
    assert page.url == f"http://{explorer.host}/"


def test_runs_are_listed_chosen_and_compared_by_keyboard(open_explorer: OpenPage) -> None:
    """Runs are listed chosen and compared by keyboard."""
    page = open_explorer("/")
    for name in ("dying", "healthy"):
        page.get_by_role("checkbox", name=name).focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Compare the chosen runs").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("2 runs compared")
    drawn(page)
    expect(page.locator("[data-pellucid-view]").first).to_contain_text("Lowest at the end: healthy")


def test_a_finding_leads_to_its_evidence(explorer: Served, open_explorer: OpenPage) -> None:
    """A finding leads to its evidence."""
    page = open_explorer(paths(explorer)["run"])
    expect(page.get_by_text("Dying ReLU").first).to_be_visible()
    link = page.get_by_role("link", name="See: activations: histograms").first
    link.click()
    target = page.locator(page.url.partition("#")[2].join(("#", ""))).first
    target.locator(".panels").wait_for()
    expect(target).to_be_in_viewport()


def test_html_in_names_is_text(explorer: Served, open_explorer: OpenPage) -> None:
    """HTML in names is text."""
    page = open_explorer("/")
    expect(page.get_by_role("link", name="<img src=x onerror=alert(1)>")).to_be_visible()
    page.get_by_role("link", name="<img src=x onerror=alert(1)>").click()
    drawn(page)
    expect(page.locator("h1")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("img").count() == 0


def test_the_histograms_follow_activation_and_condition(open_explorer: OpenPage) -> None:
    """The histograms follow activation and condition."""
    page = open_explorer(HISTOGRAMS)
    drawn(page)
    verdict = page.locator(".verdict").first
    expect(verdict).to_contain_text("healthy")
    page.get_by_label("Condition", exact=True).select_option("dying")
    expect(verdict).to_contain_text("dead")
    page.get_by_label("Activation", exact=True).select_option("tanh")
    page.get_by_label("Condition", exact=True).select_option("saturated")
    expect(verdict).to_contain_text("aturat")


def test_a_control_is_set_by_keyboard_keeps_the_focus_and_is_kept_in_the_address(open_explorer: OpenPage) -> None:
    """A control is set by keyboard keeps the focus and is kept in the address."""
    page = open_explorer(LOSS)
    drawn(page)
    page.get_by_label("Surface", exact=True).select_option("bowl")
    rate = page.get_by_role("spinbutton", name="Learning rate")
    rate.fill("0.41")
    rate.press("Enter")
    expect(page.locator(".verdict").first).to_contain_text("diverg")
    assert rate.evaluate("(one) => one === document.activeElement")
    page.wait_for_timeout(400)  # the address is written once the reader pauses
    again = open_explorer(page.url.partition(page.url.split("/")[2])[2])
    drawn(again)
    expect(again.locator(".verdict").first).to_contain_text("diverg")
    expect(again.get_by_role("spinbutton", name="Learning rate")).to_have_value("0.41")


def test_a_click_on_the_surface_sets_the_start(open_explorer: OpenPage) -> None:
    """A click on the surface sets the start."""
    page = open_explorer(LOSS)
    drawn(page)
    start = page.get_by_role("spinbutton", name="Start x")
    before = start.input_value()
    canvas = page.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box: Any = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 0.55, "y": box["height"] * 0.6})
    expect(start).not_to_have_value(before)


def test_the_balls_are_played_stepped_and_scrubbed(open_explorer: OpenPage) -> None:
    """The balls are played stepped and scrubbed."""
    page = open_explorer(LOSS)
    drawn(page)
    place = page.get_by_role("slider", name="Place on the path")
    place.focus()
    page.keyboard.press("Home")
    assert place.input_value() == "0"
    page.get_by_role("button", name="One step on").press("Enter")
    assert place.input_value() == "1"
    page.get_by_role("button", name="Play").press("Enter")
    page.get_by_role("button", name="Pause").wait_for()
    expect(place).not_to_have_value("1")
    page.get_by_role("button", name="Pause").press("Enter")
    page.get_by_role("button", name="Play").wait_for()


def test_a_picture_says_that_the_server_is_gone(runs: Any, open_page: OpenPage) -> None:
    """A picture says that the server is gone."""
    from tests.outlets.explorer.serving import served

    with served(runs) as running:
        page = open_page(running.keys.address, expected=("WebSocket connection", "Failed to load"))
        page.goto(f"http://{running.host}{LOSS}")
        drawn(page)
    expect(page.get_by_text("onnection").first).to_be_visible()
