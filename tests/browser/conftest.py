"""A real Chromium, one a process, with pages in both themes and two widths."""

import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.runs import hostile_run, train_run
from tests.browser.seen import Seen, watch_page
from tests.outlets.explorer.serving import Served, served

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def program() -> str | None:
    """Return the path of the browser; None when there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """Start the browser that `make browser` installs."""
    found = program()
    if found is None:
        pytest.skip("no Chromium: make browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS, chromium_sandbox=False)
        yield started
        started.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Generator[OpenPage]:
    """Open pages that must say nothing on the console, fail at nothing, and ask for nothing outside."""
    opened: list[tuple[Page, Seen]] = []

    def open_one(url: str | Path, *, width: int = 1280, dark: bool = False, expected: tuple[str, ...] = ()) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        context.set_default_timeout(20_000)
        page = context.new_page()
        opened.append((page, watch_page(page, expected)))
        page.goto(url.as_uri() if isinstance(url, Path) else url)
        return page

    yield open_one
    for page, seen in opened:
        page.context.close()
        assert not seen.complaints, seen.complaints
        assert not seen.outside, f"the page asked for {seen.outside}"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a healthy run, a dying one, and one whose name and layers hold HTML."""
    folder = tmp_path_factory.mktemp("runs")
    train_run(folder / "healthy", fault=None)
    train_run(folder / "dying", fault="dying-relu-rate")
    hostile_run(folder / "<img src=x onerror=alert(1)>")
    return folder


@pytest.fixture(scope="session")
def explorer(runs: Path) -> Generator[Served]:
    """The explorer over these runs."""
    with served(runs) as running:
        yield running


@pytest.fixture
def open_explorer(explorer: Served, open_page: OpenPage) -> OpenPage:
    """Open a path of the explorer, let in by the address with the token."""

    def open_one(path: str, **options: Any) -> Page:
        page = open_page(explorer.keys.address, **options)
        if path != "/":
            page.goto(f"http://{explorer.host}{path}")
        return page

    return open_one
