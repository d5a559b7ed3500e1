"""What a notebook shows of a stored run."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pellucid import Run
from pellucid.core.figure import Figure
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.core.recorder import open_store
from pellucid.outlets.notebook import run_bundle
from pellucid.outlets.report.sheet import sheet_of_run

pytestmark = pytest.mark.usefixtures("small_script")
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with a curve, an alarm and a hostile layer name."""
    recorder = open_store(tmp_path / "exp_001")
    recorder.scalars((step, "loss", 2.0 / (step + 1)) for step in range(40))
    said = Finding(code="LOS002", title="Diverging loss", level=Level.ALARM, message="It rises.", where=EVIL, step=7)
    recorder.findings(Findings((said,)), step=40)
    recorder.describe({"about": "A small run.", "optimizer": EVIL})
    recorder.close("finished")
    return Run(tmp_path / "exp_001")


def test_a_run_shows_facts_verdict_and_pictures(run: Run) -> None:
    """The HTML has the name, the facts, the finding and the curve; the text is that of print."""
    bundle = run_bundle(run)
    assert bundle["text/plain"] == str(run)
    page = bundle["text/html"]
    words = [
        "exp_001",
        "A small run.",
        "status finished",
        "steps 40",
        "Diverging loss",
        "It rises.",
        "<iframe",
    ]
    places = [page.index(word) for word in words]
    assert places == sorted(places)


def test_names_are_harmless(run: Run) -> None:
    """A script tag in a name is text, and nothing outside is referred to."""
    page = run_bundle(run)["text/html"]
    assert EVIL not in page
    assert EVIL.replace("<", "&lt;").replace(">", "&gt;") in page
    sources: list[str] = []
    scripts: list[str] = []

    class References(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            sources.extend(value or "" for name, value in attrs if name in ("src", "href", "xlink:href"))
            scripts.extend([tag] if tag == "script" else [])

    References().feed(page)
    assert sources == []
    assert len(scripts) == page.count("<iframe")  # the lines that keep each as high as its picture


def test_a_picture_that_fails_does_not_cost_the_verdict(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are there, and a line says which failed and why."""
    sheet = sheet_of_run(run)

    def broken() -> Figure:
        raise ValueError("no <such> layer")

    figures = {"activations.broken": broken, **sheet.figures}
    monkeypatch.setattr("pellucid.outlets.notebook.sheet_of_run", lambda _: replace(sheet, figures=figures))
    page = run_bundle(run)["text/html"]
    assert "The picture activations.broken could not be drawn: ValueError: no &lt;such&gt; layer" in page
    assert "Diverging loss" in page
    assert page.count("<iframe") == 1
