"""The report in a browser: offline, alive, for everyone."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

import pellucid as pel
from tests.browser.conftest import OpenPage
from tests.browser.seen import grave_violations, is_drawn, overflow

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One report of all runs and of a page of the explorer."""
    to = tmp_path_factory.mktemp("report") / "report.html"
    return pel.report(*pel.Run.list(runs), pel.page("loss-surface"), to=to)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 420])
def test_a_report_is_drawn_and_open_to_everyone(report: Path, open_page: OpenPage, width: int, dark: bool) -> None:
    """A report is drawn and open to everyone."""
    page = open_page(report, width=width, dark=dark)
    pictures = page.locator("[data-pellucid-frame]")
    assert pictures.count() >= 8
    for place in range(pictures.count()):
        pictures.nth(place).scroll_into_view_if_needed()
        pictures.nth(place).locator(".figure").wait_for()
    assert is_drawn(page, "[data-pellucid-frame]")
    assert page.locator("img[src=x]").count() == 0
    assert overflow(page) <= 0
    assert grave_violations(page) == []


def test_the_controls_of_a_report_work_by_keyboard_and_are_kept_in_the_address(
    report: Path, open_page: OpenPage
) -> None:
    """The controls of a report work by keyboard and are kept in the address."""
    page = open_page(report)
    slider = scrubber(page)
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    words = slider.get_attribute("aria-valuetext")
    page.wait_for_timeout(400)  # the address is written once the reader pauses
    address = page.url
    assert "~" in address
    assert scrubber(open_page(report)).get_attribute("aria-valuetext") != words
    assert scrubber(open_page(address)).get_attribute("aria-valuetext") == words


def scrubber(page: Page) -> Locator:
    """Return the slider of the first histograms over time, once they have come near what is in view."""
    place = page.locator("[data-pellucid-frame$=scrubbed-picture]").first
    place.scroll_into_view_if_needed()
    return place.get_by_role("slider", name="Step")


def test_the_histograms_of_a_report_can_be_scrubbed_by_step(report: Path, open_page: OpenPage) -> None:
    """The histograms of a report can be scrubbed by step."""
    page = open_page(report)
    slider = scrubber(page)
    figure = page.locator("[data-pellucid-frame$=scrubbed-picture] .figure").first
    slider.focus()
    page.keyboard.press("Home")
    first = figure.inner_html()
    page.keyboard.press("End")
    page.wait_for_timeout(100)
    assert figure.inner_html() != first
