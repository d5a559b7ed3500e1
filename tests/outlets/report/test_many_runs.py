"""A report of many runs: it stays below its size, what is left out is told, and a larger one says why."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest

from pellucid.core.figure import Figure
from pellucid.core.view import Range, view
from pellucid.outlets.report import build
from pellucid.outlets.report.build import write_report
from pellucid.outlets.report.sheet import Sheet
from tests.outlets.report.pages import Page, curve, sheet


@pytest.fixture(scope="module", autouse=True)
def script() -> Generator[None]:
    """Stand in for the script, which may not be built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "script", lambda: "globalThis.pellucid = 0;")
        yield


@view(title="Over time")
def scrubbed(step: Annotated[int, Range(0, 3)] = 2) -> Figure:
    """Show a step."""
    return curve(f"Step {step}")


def runs(count: int) -> list[Sheet]:
    """Return runs of four pictures, one of them over time."""
    figures = {"loss.training": curve, "weights.one": curve, "weights.two": curve}
    views = {"weights.scrubbed": scrubbed}
    return [replace(sheet(f"run{place}", figures=figures), views=views) for place in range(count)]


@pytest.mark.parametrize(("count", "most"), [(12, 90_000), (40, 150_000)])
def test_a_page_of_many_runs_stays_below_its_size(
    count: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run has its first picture before any has a second, what is over time goes first, and the page says which."""
    monkeypatch.setattr(build, "MOST_OF_PAGE", most)
    path = write_report(runs(count), tmp_path / "report.html")
    page = Page(path)
    assert path.stat().st_size < most
    assert page.problems == []
    anchors = [one["id"] for one in page.all("figure")]
    assert {one.partition("-")[0] for one in anchors if "loss" in one} == {f"sheet{place}" for place in range(count)}
    assert not any("scrubbed" in one for one in anchors)
    left_out = 4 * count - len(anchors)
    told = f"{left_out} pictures left out, to keep this page below {most // 1000} kB: those over time first, then"
    assert told in page.text
    assert f"weights.two, weights.scrubbed. A report of run{count - 1} alone has them." in page.text
    assert page.text.count("Left out, to keep the page small:") == count


def test_words_that_are_longer_than_the_page_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are never left out."""
    monkeypatch.setattr(build, "MOST_OF_PAGE", 2_000)
    path = write_report(runs(2), tmp_path / "report.html")
    page = Page(path)
    assert page.all("figure") == []
    assert "This page is larger than 2 kB: its words and its script alone take 7 kB." in page.text
    assert "8 pictures left out, to keep this page below 2 kB" in page.text


def test_a_page_with_room_for_all_says_nothing(tmp_path: Path) -> None:
    """As most pages are."""
    page = Page(write_report(runs(3), tmp_path / "report.html"))
    assert len(page.all("figure")) == 12
    assert "left out" not in page.text
    assert "Left out" not in page.text


@pytest.mark.parametrize(("room", "words"), [(1_000, "2 kB, and there is room for 1 kB."), (2_200, "for 2,200 B.")])
def test_a_picture_without_room_says_how_much_it_would_take(
    room: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In kilobytes where it is little, in bytes where both would read alike."""
    monkeypatch.setattr(build, "MOST_BYTES", room)
    monkeypatch.setattr(build, "_FEWEST_BYTES", 500)
    page = Page(write_report([sheet(figures={"loss.training": curve})], tmp_path / "report.html"))
    assert page.all("figure") == []
    assert "The picture loss.training was left out: it would take 2" in page.text
    assert words in page.text
