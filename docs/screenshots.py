"""Make the pictures of the README: train networks, watch them, photograph their report and the explorer.

Needs Chromium (make browser). Run it with `make screenshots`.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import torch
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

import pellucid as pel
from tests.browser.conftest import FLAGS, program
from tests.browser.runs import train_run
from tests.outlets.explorer.serving import served

IMAGES = Path(__file__).parent / "images"
FAULTS = {"digits-mlp": "dying-relu-rate", "digits-shuffled": "permuted-labels", "digits-well": None}
THEMES = ("light", "dark")


def open_page(browser: Browser, theme: str, height: int) -> Page:
    """Return a page in one theme."""
    scheme = "dark" if theme == "dark" else "light"
    return browser.new_page(viewport={"width": 1180, "height": height}, color_scheme=scheme)


def photograph(page: Page, name: str, theme: str) -> None:
    """Wait for the first picture, and write the image."""
    page.locator(".panels").first.wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    picture = IMAGES / f"{name}-{theme}.png"
    page.screenshot(path=picture)
    print(picture)


def main() -> None:
    """Write docs/images/*-light.png and *-dark.png."""
    found = program()
    if found is None:
        sys.exit("No Chromium found. Run: make browser")
    torch.set_num_threads(1)
    IMAGES.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp())
    for name, fault in FAULTS.items():
        train_run(folder / "runs" / name, fault=fault, steps=200)
    report = pel.report(pel.Run(folder / "runs" / "digits-mlp"), to=folder / "report.html", title="Training report")
    with sync_playwright() as playwright, served(folder / "runs") as explorer:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS, chromium_sandbox=False)
        for theme in THEMES:
            page = open_page(browser, theme, 1330)
            page.goto(report.as_uri())
            photograph(page, "report", theme)
            page = open_page(browser, theme, 1180)
            page.goto(explorer.keys.address)
            page.goto(f"http://{explorer.host}/page/loss-surface")
            photograph(page, "explorer", theme)
        browser.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
