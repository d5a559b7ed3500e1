"""Cells in JupyterLab: what they show is drawn there, answers, and is still drawn after nbconvert."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters.html import HTMLExporter
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

PATIENCE = 60.0
CELLS = (
    "import pellucid as pel\npage = pel.page('loss-surface')\npage",
    "page.live()",
)
ANYTHING = ("",)  # JupyterLab says much on the console that is not about us


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a notebook that was not run yet."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "first.ipynb")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Generator[str]:
    """The address of a JupyterLab of this environment."""
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root"]
    extensions = "--LabApp.disabled_extensions=@jupyterlab/apputils-extension:announcements"
    with (folder / "log").open("w") as log:
        lab = subprocess.Popen([*command, extensions], cwd=folder, env=environment, stderr=log, stdout=log)
        try:
            yield address_of(lab, folder / "log")
        finally:
            lab.terminate()
            lab.wait(PATIENCE)


def address_of(lab: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the address that JupyterLab prints."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", log.read_text())
        if found:
            return found[0].replace("/lab?", "/lab/tree/first.ipynb?")
        assert lab.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start: {log.read_text()}")


def run_cell(page: Page, place: int) -> None:
    """Run a cell, as a reader does."""
    page.locator(".jp-Notebook .jp-CodeCell").nth(place).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def test_a_cell_is_drawn_in_jupyterlab_answers_there_and_is_kept_by_nbconvert(
    folder: Path, address: str, open_page: OpenPage
) -> None:
    """A cell is drawn in jupyterlab answers there and is kept by nbconvert."""
    page = open_page(address, expected=ANYTHING)
    page.set_default_timeout(PATIENCE * 1000)
    run_cell(page, 0)
    frozen = page.frame_locator("iframe").first
    frozen.locator(".panels").wait_for()
    height = page.locator("iframe").first.evaluate("(one) => one.getBoundingClientRect().height")
    inside = frozen.locator("html").evaluate("(one) => one.scrollHeight")
    assert abs(height - inside) <= 4
    paper = frozen.locator(".figure").first
    expect(paper).to_have_css("background-color", "rgb(255, 255, 255)")
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")  # as the theme manager does
    expect(paper).to_have_css("background-color", "rgb(21, 24, 29)")
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    expect(paper).to_have_css("background-color", "rgb(255, 255, 255)")

    run_cell(page, 1)
    live = page.locator(".jp-OutputArea-output .pellucid").last
    live.locator(".panels").wait_for()
    verdict = live.locator(".verdict").first
    before = verdict.inner_text()
    live.get_by_label("Surface", exact=True).select_option("bowl")
    expect(verdict).not_to_have_text(before)
    slider = live.get_by_role("slider", name="Momentum")
    slider.focus()
    value = slider.input_value()
    page.keyboard.press("ArrowLeft")  # JupyterLab would take the key for itself
    expect(slider).not_to_have_value(value)

    page.locator("[data-jp-item-name=save]").first.click()
    saved = folder / "first.ipynb"
    wait_until_saved(saved)
    check_converted(saved, open_page)


def wait_until_saved(path: Path) -> None:
    """Wait until the outputs are in the file."""
    end = time.monotonic() + PATIENCE
    while "srcdoc" not in path.read_text():
        assert time.monotonic() < end, "the notebook was not saved"
        time.sleep(0.1)


def check_converted(path: Path, open_page: OpenPage) -> None:
    """The HTML that nbconvert makes draws the picture from disk, without a kernel."""
    exporter = HTMLExporter()
    exporter.mathjax_url = exporter.require_js_url = exporter.mermaid_js_url = ""
    body, _ = exporter.from_filename(str(path))
    html = path.with_suffix(".html")
    html.write_text(body)
    page = open_page(html, expected=ANYTHING)
    frame = page.frame_locator("iframe").first
    frame.locator(".panels").wait_for()
    verdict = frame.locator(".verdict").first
    before = verdict.inner_text()
    frame.get_by_label("Surface", exact=True).select_option("bowl")
    expect(verdict).not_to_have_text(before)
