"""The report as a page: complete, harmless, and readable without eyes."""

import base64
import hashlib
import re
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest

from pellucid.core.errors import InputError, MissingScriptError, StoreError
from pellucid.core.figure import Figure, Heat, Lines, Panel
from pellucid.core.finding import Level
from pellucid.core.frame import Frame, unpack, unpack_book
from pellucid.core.view import Range, view
from pellucid.outlets.report import build
from pellucid.outlets.report.build import write_report
from pellucid.outlets.report.sheet import sheet_of_view
from tests.outlets.report.pages import EVIL, Page, broken, curve, finding, heavy, sheet

SCRIPT = "globalThis.pellucid = 0;"


@pytest.fixture(scope="module", autouse=True)
def script() -> Generator[None]:
    """Stand in for the script, which may not be built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "script", lambda: SCRIPT)
        yield


@view(title="Moving about")
def moving(size: Annotated[int, Range(0, 3)] = 2) -> Figure:
    """Show a size.

    It teaches.

    Try:
        - move it

    Args:
        size: How large.
    """
    return Figure(title=f"Size {size}", panels=(Panel(marks=curve().panels[0].marks),))


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


def test_nothing_is_fetched(page: Page) -> None:
    """No handler, no frame, no reference to anything outside the file, and a policy that forbids all but its script."""
    tags = {tag for tag, _ in page.tags}
    assert tags & {"iframe", "object", "embed", "link", "img", "base", "form", "foreignobject", "svg"} == set()
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style", (tag, value)  # the policy would forbid it
            if name in ("href", "src"):
                assert value.startswith("#"), (tag, name, value)
            assert "//" not in value, (tag, name, value)
    (style,) = page.styles
    assert "@import" not in style
    assert "url(" not in style
    (policy,) = (one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    marks = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in (style, SCRIPT)]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{marks[0]}'; script-src 'sha256-{marks[1]}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert page.source.endswith(f"<script>{SCRIPT}</script>\n</body>\n</html>")
    scripts = [one for one in page.all("script") if one.get("type") != "application/octet-stream"]
    assert scripts == [{}]


def frames_of(page: Page) -> dict[str, tuple[Frame, ...]]:
    """Read every picture of a page."""
    found = re.findall(r'<script type="application/octet-stream" id="([^"]+)">([^<]*)</script>', page.source)
    contents = {name: zlib.decompress(base64.b64decode(text)) for name, text in found}
    return {name: unpack_book(one) if one[:4] == b"PELB" else (unpack(one),) for name, one in contents.items()}


def test_every_picture_has_its_frame_and_a_text_alternative(page: Page) -> None:
    """Each place finds its frame by its id; the picture in characters stands there, and its words below it."""
    places = [one["data-pellucid-frame"] for one in page.all("div") if "data-pellucid-frame" in one]
    frames = frames_of(page)
    assert places == list(frames)
    assert len(places) == 6
    titles = [frames[one][0].figure.title for one in places]
    words = {"Activations": "Activations", "Loss": "Loss falls from 1 to 0.1."}
    assert titles == ["Activations", "Loss", "Loss", "Activations", "Activations", "Loss"]
    pictures = page.all("pre")
    assert [one["aria-label"] for one in pictures] == [words[one] for one in titles]
    assert all(one["role"] == "img" and one["tabindex"] == "0" for one in pictures)
    assert page.text.count("Loss falls from 1 to 0.1.") == 3
    assert page.text.count("Activations. Only two layers.") == 3


def test_names_are_harmless(page: Page) -> None:
    """A script tag in the name of a run, a layer or anything else of a finding is text."""
    assert "<script>alert" not in page.source
    assert page.text.count(EVIL) >= 10


def test_the_verdict_comes_first(page: Page) -> None:
    """An index of verdicts leads to the runs, and in each run findings come before pictures."""
    first, second, third = (page.source.index(f'<section id="sheet{place}"') for place in range(3))
    assert page.source.index("<nav") < first < second < third
    assert page.source.index("Likely cause.") < page.source.index("data-pellucid-frame")
    index = page.text[: page.text.index("status finished")]
    assert "✖ alarm sick Dying ReLU hidden1.activation from step 1,240" in index
    assert "✓ ok well 1 check passed, 1 not measured" in index


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
    assert "– not measured No warning and no alarm: no rule judges this." in page.text


def test_a_picture_that_fails_does_not_cost_the_report(tmp_path: Path) -> None:
    """The others are drawn, and a note says which failed and why."""
    figures = {"loss.training": curve, "weights.broken": broken}
    page = Page(write_report([sheet(figures=figures)], tmp_path / "report.html"))
    assert len(page.all("figure")) == 1
    note = "The picture weights.broken could not be drawn: ValueError: no <such> layer"
    assert note in page.text


def test_a_large_picture_is_rounded_before_it_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First its colours are kept in fewer steps, and a note says so; what still does not fit is left out."""
    figures = {"weights.noise": heavy, "loss.training": curve}
    for most, note in ((3_000_000, ""), (2_000_000, "The colours are rounded to 256 steps, to save space.")):
        monkeypatch.setattr(build, "MOST_BYTES", most)
        page = Page(write_report([sheet(figures=figures)], tmp_path / "report.html"))
        assert len(page.all("figure")) == 2
        assert page.texts.count(note) == bool(note)
        assert len(page.source) < most + 100_000
    monkeypatch.setattr(build, "MOST_BYTES", 120_000)
    page = Page(write_report([sheet(figures=figures)], tmp_path / "report.html"))
    assert len(page.all("figure")) == 1
    assert re.search(
        r"weights\.noise was left out: it would take \d\.\d MB, and there is room for 11\d kB\.", page.text
    )


def test_a_view_is_a_book(tmp_path: Path) -> None:
    """With its line, what it teaches and what to try, its settings, and no verdict of rules."""
    page = Page(write_report([sheet("run"), sheet_of_view(moving)], tmp_path / "report.html"))
    assert page.problems == []
    (book,) = (frames for frames in frames_of(page).values() if len(frames) > 1)
    assert [frame.parameters["size"] for frame in book] == [2, 0, 1, 3]
    assert [frame.figure.title for frame in book] == ["Size 2", "Size 0", "Size 1", "Size 3"]
    start = page.text.rindex("Moving about Show a size.")
    assert page.text[start:].startswith("Moving about Show a size. It teaches. What to try move it Picture Size 2 ═")
    assert "to explore Moving about Show a size." in page.text


def test_what_a_page_cannot_set_is_tried_elsewhere(tmp_path: Path) -> None:
    """The list says where, as soon as one control is fixed or has lost values."""

    @view
    def fine(rate: Annotated[float, Range(0.01, 1, log=True)] = 0.3) -> Figure:
        """Show a rate.

        Try:
            - set the rate to 0.0123
        """
        return Figure(title=f"Rate {rate}", panels=(Panel(marks=curve().panels[0].marks),))

    page = Page(write_report([sheet_of_view(fine)], tmp_path / "report.html"))
    assert "What to try in pellucid open set the rate to 0.0123 Picture" in page.text


def test_a_view_that_is_too_large_keeps_its_usual_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the page says so."""

    @view
    def large(size: Annotated[int, Range(0, 3)] = 2) -> Figure:
        rows = 20 if size == 2 else 300
        values = np.random.default_rng(size).normal(size=(rows, rows))
        return Figure(title=f"Size {size}", panels=(Panel(marks=(Heat(values=values),)),))

    monkeypatch.setattr(build, "MOST_BYTES", 100_000)
    page = Page(write_report([sheet_of_view(large)], tmp_path / "report.html"))
    ((frame,),) = frames_of(page).values()
    assert frame.figure.title == "Size 2"
    assert "Only the usual setting is here, to save space." in page.text


def test_no_more_than_seven_pictures_a_run(tmp_path: Path) -> None:
    """Seven pictures are drawn of a run, and fewer of each when many share the page."""
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


def test_a_script_that_was_not_built_is_told_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any picture is drawn."""

    def missing() -> str:
        raise MissingScriptError("not built")

    monkeypatch.setattr(build, "script", missing)
    heard: list[int] = []
    with pytest.raises(MissingScriptError, match="not built"):
        write_report([sheet()], tmp_path / "report.html", progress=lambda *_: heard.append(1))
    assert heard == []


def test_no_sheet_is_refused(tmp_path: Path) -> None:
    """A report of nothing is an error."""
    with pytest.raises(InputError, match=r"^A report needs at least one run, checkup, result or view, got none\.$"):
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


def test_a_view_that_gives_no_figure_costs_only_its_picture(tmp_path: Path) -> None:
    """A report of two views is written when one of them is broken, and says which."""

    @view(title="Broken")
    def broken_view() -> Any:
        return Figure(title="bad", panels=(Panel(marks=(Lines(x=np.arange(3), y=np.arange(4)),)),))

    @view(title="Good")
    def good_view() -> Figure:
        return Figure(title="A good one", panels=(Panel(marks=(Lines(x=np.arange(3), y=np.arange(3)),)),))

    page = write_report([sheet_of_view(broken_view), sheet_of_view(good_view)], tmp_path / "page.html").read_text(
        "utf-8"
    )
    assert "could not be drawn" in page
    assert "A good one" in page
