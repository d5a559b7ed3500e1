"""What a notebook shows of a stored run."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from pellucid import Run
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.core.recorder import open_store
from pellucid.outlets.notebook import run_bundle

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
