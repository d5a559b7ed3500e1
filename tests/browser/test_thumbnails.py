"""What a point stands for is shown while it is pointed at."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.core.figure import Axis, Cloud, Figure, Panel
from pellucid.core.notebook import figure_bundle
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

PIXELS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height, data[0], data[4 * (canvas.width * canvas.height - 1)]];
}"""


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_image_of_a_point_is_shown_while_it_is_pointed_at(
    tmp_path: Path, open_page: OpenPage, dimensions: int
) -> None:
    """One point in the middle, whose image begins black and ends white."""
    points = np.array([[0.0, 0, 0], [-1, -1, -1], [1, 1, 1]])[:, :dimensions]
    images = np.stack([np.arange(12.0).reshape(3, 4)] * 3)
    axis = Axis(limits=(-1.0, 1.0))
    panel = Panel(title="map", marks=(Cloud(points=points, images=images),), x=axis, y=axis)
    page_file = tmp_path / "cell.html"
    html = figure_bundle(Figure(title="Map", panels=(panel,)))["text/html"]
    page_file.write_text(f"<!doctype html><html lang=en><title>cell</title>{html}")
    page = open_page(page_file)
    frame = page.frame_locator("iframe").first
    canvas = frame.locator(".stage canvas").first
    canvas.wait_for()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    thumbnail = frame.locator(".tip canvas")
    thumbnail.wait_for()
    assert thumbnail.evaluate(PIXELS) == [4, 3, 0, 255]
