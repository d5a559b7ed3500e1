"""`pel.report`: what it takes."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.outlets.report import build
from tests.cli.runs_on_disk import FINE, make_run
from tests.outlets.report.pages import Page


def test_lists_are_taken_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of runs, beside others, is the same as the runs one by one; what is in none of them is refused."""
    for name in ("a", "b"):
        make_run(tmp_path / name, FINE)
    titles: list[str] = []

    def written(sheets: Any, to: Path, *, title: str) -> Path:
        titles.extend(one.title for one in sheets)
        return to

    monkeypatch.setattr(build, "write_report", written)
    a, b = pel.Run(tmp_path / "a"), pel.Run(tmp_path / "b")
    pel.report([a, (b,)], pel.page("loss-surface"), to=tmp_path / "page.html")
    assert titles == ["a", "b", "Loss surface with a ball"]
    words = (
        "report() takes runs (pel.Run(path)), checkups, results (such as pel.gradients.saliency returns), figures, "
        "views (pel.page(name)) and lists of these, got str."
    )
    bad: Any = ["runs/a"]
    with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
        pel.report(bad, to=tmp_path / "page.html")


def test_single_results_are_sheets(tmp_path: Path) -> None:
    """One, or several of a kind: each with what it shows, its facts, its findings and its picture."""
    torch.manual_seed(0)
    model, x = nn.Linear(6, 3), torch.randn(2, 6)
    maps = [pel.gradients.saliency(model, x, 1, method=way) for way in ("gradient", "deeplift")]
    alone = Page(pel.report(maps[0], to=tmp_path / "one.html"))
    assert "What the score depends on for '1': gradient model Linear 21 parameters samples 2 passes 2" in alone.text
    assert "No warning and no alarm: 2 checks passed" in alone.text
    assert "sheet0-saliency-maps" in alone.ids
    both = Page(pel.report(maps, tmp_path / "both.html"))
    assert {"sheet0-saliency-maps", "sheet1-saliency-maps"} <= set(both.ids)
    assert "What the score depends on for '1': deeplift" in both.text


def test_figures_are_sheets(tmp_path: Path) -> None:
    """Maps side by side, with the verdict that stands with them."""
    net, x = nn.Sequential(nn.Linear(4, 3)), torch.rand(2, 4)
    side = pel.gradients.side_by_side([pel.gradients.saliency(net, x, 1, method=way) for way in ("gradient", "lrp")])
    page = pel.report(side, pel.page("loss-surface"), to=tmp_path / "x.html").read_text("utf-8")
    index = page[page.index('class="index"') : page.index("</nav>")]
    assert index.count("to explore") == 1  # the view
    assert side.title in page
    assert side.verdict in page


def test_a_problem_of_a_result_leads_to_its_picture(tmp_path: Path) -> None:
    """As those of a run do."""
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    with torch.no_grad():
        model[0].bias.fill_(-100)
    page = Page(pel.report(pel.gradients.saliency(model, torch.rand(2, 6), 1), to=tmp_path / "zero.html"))
    assert "Map is zero" in page.text
    assert "#sheet0-saliency-maps" in [one.get("href") for one in page.all("a")]


def test_a_result_whose_picture_fails_still_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the name of its kind; what failed is said."""
    from pellucid.core import drawing

    def fails(result: Any) -> Any:
        raise ValueError("no such layer")

    monkeypatch.setitem(drawing._DRAWINGS, pel.gradients.Saliency, {"maps": fails})
    page = Page(pel.report(pel.gradients.saliency(nn.Linear(6, 3), torch.ones(1, 6)), to=tmp_path / "page.html"))
    assert "Saliency" in page.text
    assert "could not be drawn: ValueError: no such layer" in page.text


def test_a_place_to_write_to_is_needed() -> None:
    """Nothing is written to a place that nobody named."""
    with pytest.raises(InputError, match=r'^report\(\) was not told where to write\. Give to="report\.html"\.$'):
        pel.report(pel.gradients.saliency(nn.Linear(6, 3), torch.ones(1, 6)))


@pytest.mark.parametrize("place", ["", "/", "a\0.html"])
def test_what_names_no_file_is_refused(place: str) -> None:
    """Before anything is drawn."""
    with pytest.raises(InputError) as caught:
        pel.report(pel.gradients.saliency(nn.Linear(6, 3), torch.ones(1, 6)), to=place)
    assert str(caught.value) == f"to={place!r} came; expected the name of a file, a text or a pathlib.Path."
