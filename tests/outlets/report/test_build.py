"""The report as a page: complete, harmless, and readable without eyes."""

import re
from pathlib import Path

import pytest

from pellucid.core.errors import InputError, StoreError
from pellucid.core.figure import Figure
from pellucid.core.finding import Level
from pellucid.outlets.report import build
from pellucid.outlets.report.build import write_report
from tests.outlets.report.pages import EVIL, Page, broken, curve, finding, heavy, sheet


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A report of a sick, a healthy and a hostile run."""
    fold = finding("GRD001", title="Vanishing gradient", level=Level.WARN, where="hidden0.weight", message="It fades.")
    sick = finding(
        value=0.625,
        limit=0.5,
        samples=640,
        evidence={"dead_units": 30, "share": 0.625},
        cause="The learning rate.",
        next_step="Lower it.",
    ).fold(fold)
    look = finding("ACT002", title="Spike", level=Level.LOOK, where="hidden2")
    fine = finding("ACT003", title="Saturation", level=Level.OK, where="", step=None, message="No unit is saturated.")
    lacking = finding("LOS011", title="Overfit", level=Level.NOT_MEASURED, where="", step=None, message="Needs 3.")
    evil = finding(where=EVIL, message=EVIL, title=EVIL, cause=EVIL, next_step=EVIL, evidence={EVIL: EVIL})
    sheets = [
        sheet("sick", sick, look, fine, lacking),
        sheet("well", fine, lacking),
        sheet(EVIL, evil, notes=(EVIL,)),
    ]
    return Page(write_report(sheets, tmp_path_factory.mktemp("report") / "new" / "report.html", title=f"Three {EVIL}"))


def test_the_page_is_well_formed(page: Page) -> None:
    """Every tag is closed, every id is there once, and every reference inside the page leads somewhere."""
    assert page.problems == []
    assert len(page.ids) == len(set(page.ids))
    anchors = [attributes["href"] for attributes in page.all("a")]
    assert anchors
    assert {one.removeprefix("#") for one in anchors} <= set(page.ids)


def test_nothing_is_fetched_or_run(page: Page) -> None:
    """No script, no handler, no frame, and no reference to anything outside the file."""
    tags = {tag for tag, _ in page.tags}
    assert tags & {"script", "iframe", "object", "embed", "link", "img", "base", "form", "foreignobject"} == set()
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "xlink:href", "src"):
                assert value.startswith(("#", "data:image/png;base64,")), (tag, name, value)
            if not name.startswith("xmlns"):
                assert "//" not in value.partition("base64,")[0], (tag, name, value)
    for style in page.styles:
        assert "@import" not in style
        assert set(re.findall(r"url\((.)", style)) <= {"#"}


def test_every_picture_has_a_text_alternative(page: Page) -> None:
    """Each SVG is an image with a title and a description, and its words stand below it."""
    pictures = page.all("svg")
    assert len(pictures) == 12  # each wide and narrow
    for picture in pictures:
        assert picture["role"] == "img"
        title, words = picture["aria-labelledby"].split()
        assert {title, words} <= set(page.ids)
    assert page.text.count("Loss falls from 1 to 0.1.") >= 6  # in the picture and below it
    assert page.text.count("Activations. Only two layers.") == 3


def test_a_narrow_window_has_pictures_of_its_own(page: Page) -> None:
    """Each picture stands there twice, the second with its panels one below the other; the window shows one of them."""
    kinds = [
        attributes["class"] for attributes in page.all("div") if attributes.get("class") in ("scroll full", "narrow")
    ]
    assert kinds == ["scroll full", "narrow"] * 6
    assert all(float(one["width"]) < 400 for one in page.all("svg")[1::2])
    (style,) = (one for one in page.styles if ".narrow" in one)
    assert re.search(r"\.narrow \{ display: none;", style)
    narrow = style[style.index("@media (max-width: 44rem)") :]
    assert re.search(r"\.full \{ display: none; \}\s+\.narrow \{ display: block; \}", narrow)


def test_a_picture_is_never_squeezed(page: Page) -> None:
    """Below three quarters of its size it is scrolled inside its own box."""
    boxes = [one["style"] for one in page.all("div") if one.get("class") == "scroll full"]
    widths = [int(one["width"]) for one in page.all("svg")[::2]]
    assert boxes == [f"--least: {round(0.75 * width)}px" for width in widths]
    assert any(".scroll svg { min-width: var(--least); }" in style for style in page.styles)


def test_names_are_harmless(page: Page) -> None:
    """A script tag in the name of a run, a layer or anything else of a finding is text."""
    assert "<script" not in page.source
    assert page.text.count(EVIL) >= 10


def test_the_verdict_comes_first(page: Page) -> None:
    """An index of verdicts leads to the runs, and in each run findings come before pictures."""
    first, second, third = (page.source.index(f'<section id="sheet{place}"') for place in range(3))
    assert page.source.index("<nav") < first < second < third
    assert page.source.index("Likely cause.") < page.source.index("<svg")
    index = page.text[: page.text.index("status finished")]
    assert "✖ alarm sick Dying ReLU hidden1.activation from step 1,240" in index
    assert "✓ ok well 1 checks passed, 1 had not enough data" in index


def test_a_finding_tells_all_it_knows(page: Page) -> None:
    """Message, figures, cause, next step, the picture to look at and what follows from it are all there."""
    start = page.text.index("Findings")
    said = page.text[start : page.text.index("Pictures", start)]
    assert said.strip() == (
        "Findings ✖ alarm Dying ReLU hidden1.activation from step 1,240 ACT001 "
        "30 of 48 units are 0 on every one of 640 samples. "
        "measured 0.625 limit 0.5 samples 640 dead units 30 share 0.625 "
        "Likely cause. The learning rate. What to do. Lower it. See: Activations "
        "1 more follows from it "
        "▲ warn Vanishing gradient hidden0.weight from step 1,240 : It fades. GRD001 "
        "1 worth a look ◆ look Spike hidden2 from step 1,240 : "
        "30 of 48 units are 0 on every one of 640 samples. ACT002 "
        "1 not measured – not measured Overfit : Needs 3. LOS011 "
        "1 passed ✓ ok Saturation : No unit is saturated. ACT003"
    )


def test_a_single_run_needs_no_index(tmp_path: Path) -> None:
    """A report of one run begins with its verdict."""
    page = Page(write_report([sheet()], tmp_path / "report.html"))
    assert page.all("nav") == []
    assert "– not measured No warning and no alarm: none of 0 checks had enough data." in page.text


def test_a_picture_that_fails_does_not_cost_the_report(tmp_path: Path) -> None:
    """The others are drawn, and a note says which failed and why."""
    figures = {"loss.training": curve, "weights.broken": broken}
    page = Page(write_report([sheet(figures=figures)], tmp_path / "report.html"))
    assert len(page.all("figure")) == 1
    note = "The picture weights.broken could not be drawn: ValueError: no <such> layer"
    assert note in page.text


def test_pictures_that_are_too_large_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit into the bytes of a page is left out, a note says so, and what fits is shown."""
    monkeypatch.setattr(build, "MOST_BYTES", 120_000)
    figures = {"weights.noise": heavy, "loss.training": curve}
    page = Page(write_report([sheet(figures=figures)], tmp_path / "report.html"))
    assert len(page.all("figure")) == 1
    assert re.search(r"The picture weights\.noise was left out: it would take \d\.\d MB\.", page.text)


def test_where_the_page_is_full_a_picture_stands_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no room for a second, narrow picture is shown wide, and scrolled in a narrow window."""
    monkeypatch.setattr(build, "MOST_BYTES", int(1.5 * len(curve().svg().encode())))
    page = Page(write_report([sheet(figures={"loss.training": curve})], tmp_path / "report.html"))
    assert len(page.all("svg")) == 1
    assert [one["class"] for one in page.all("div") if one.get("class") in ("scroll", "scroll full", "narrow")] == [
        "scroll"
    ]


def test_no_more_than_seven_pictures_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven pictures are drawn of a run, and fewer of each when many share the page."""
    monkeypatch.setattr(Figure, "svg", lambda *_, **__: '<svg id="pel-0123456789"></svg>')
    figures = {f"weights.{place}": curve for place in range(9)}
    alone = Page(write_report([sheet(figures=figures)], tmp_path / "one.html"))
    many = Page(write_report([sheet(figures=figures)] * 6, tmp_path / "six.html"))
    assert len(alone.all("figure")) == 7
    assert len(many.all("figure")) == 24
    assert len(many.ids) == len(set(many.ids))


def test_progress_names_each_picture(tmp_path: Path) -> None:
    """The callback hears what is done, of how many, and which picture comes."""
    heard: list[tuple[int, int, str]] = []
    write_report([sheet()], tmp_path / "report.html", progress=lambda *one: heard.append(one))
    assert heard == [(0, 2, "exp_001: loss.training"), (1, 2, "exp_001: activations.histograms")]


def test_a_run_without_pictures_says_so(tmp_path: Path) -> None:
    """A run that has nothing to draw yet still makes a page."""
    page = Page(write_report([sheet(figures={})], tmp_path / "report.html"))
    assert "There is nothing to draw yet." in page.text


def test_no_sheet_is_refused(tmp_path: Path) -> None:
    """A report of nothing is an error."""
    with pytest.raises(InputError, match=r"^A report needs at least one run or checkup, got none\.$"):
        write_report([], tmp_path / "report.html")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in the place of the folder is named in the error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        write_report([sheet()], tmp_path / "file" / "report.html")
    assert str(caught.value) == f"Could not make the folder {tmp_path / 'file'}: File exists."


def test_the_same_sheets_give_the_same_bytes(tmp_path: Path) -> None:
    """A report does not change unless the run does."""
    one, other = (write_report([sheet("a", finding())], tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert one == other
