"""What a notebook shows."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Annotated

import pytest

from pellucid.core import drawing
from pellucid.core.errors import AddressError, MissingScriptError
from pellucid.core.figure import Figure
from pellucid.core.figure.live import carrying
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.core.notebook import bundle, figure_bundle, findings_bundle, view_bundle
from pellucid.core.result import Result
from pellucid.core.rule import SECTIONS, Case, rule
from pellucid.core.view import Range, view
from tests.core.figure.pictures import NASTY, histograms


@dataclass(frozen=True, kw_only=True)
class Shown(Result):
    """A result with a drawing."""


@dataclass(frozen=True, kw_only=True)
class Undrawn(Result):
    """A result without a drawing."""


class Outside(HTMLParser):
    """Collects elements and whatever is fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = list[str]()
        self.fetched = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and its addresses."""
        self.tags.append(tag)
        addresses = [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.fetched += [one for one in addresses if not one.startswith(("#", "data:"))]


def read(html: str) -> Outside:
    """Parse HTML."""
    parser = Outside()
    parser.feed(html)
    return parser


@pytest.fixture(autouse=True)
def small_script(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Stand in for the script, which may not be built."""
    monkeypatch.setattr(carrying, "script", lambda: "0;")
    carrying._code.cache_clear()
    yield
    carrying._code.cache_clear()


@pytest.fixture
def picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a drawing for one test."""
    monkeypatch.setattr(drawing, "_DRAWINGS", {})

    @drawing.drawing(Shown)
    def layers(result: Shown) -> Figure:
        return histograms(2)

    @drawing.drawing(Shown)
    def silent(result: Shown) -> Figure:
        return Figure(title="Silent", panels=())


def test_a_figure_for_a_notebook() -> None:
    """A figure is text and a page in a sandbox that is complete in itself."""
    shown = figure_bundle(histograms(2))
    assert shown["text/plain"] == histograms(2).text()
    page = read(shown["text/html"])
    assert page.tags == ["style", "iframe", "script"]
    assert page.fetched == []
    assert "sandbox=" in shown["text/html"]


def test_a_notebook_without_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it was not built, the picture in characters stands in the page."""

    def missing() -> str:
        raise MissingScriptError("not built")

    monkeypatch.setattr(carrying, "script", missing)
    carrying._code.cache_clear()
    shown = figure_bundle(histograms(2))["text/html"]
    assert '<pre role="img" aria-label="Histograms of the activations of twelve layers." tabindex="0">Activ' in shown
    assert {"iframe", "script"} & set(read(shown).tags) == set()


def test_a_view_for_a_notebook() -> None:
    """Its line, the picture with what can be moved, and what it teaches behind a summary."""

    @view(title=NASTY)
    def moved(run: int, size: Annotated[int, Range(0, 2)] = 1) -> Figure:
        """Show <a> thing.

        It <b>teaches</b>.

        Try:
            - <i>this</i>
        """
        return replace(histograms(run), title=f"size {size}")

    shown = view_bundle(moved.bind(run=1))
    assert shown["text/plain"].startswith("Show <a> thing.\n\nsize 1\n")
    html = shown["text/html"]
    assert set(read(html).tags) == {"div", "style", "p", "iframe", "script", "details", "summary", "ul", "li"}
    places = [html.index(one) for one in ("Show &lt;a&gt; thing.", "<iframe", "&lt;i&gt;this", "It &lt;b&gt;teaches")]
    assert places == sorted(places)
    assert ">Try:<" in html
    assert moved.bind(run=1)._repr_mimebundle_()["text/plain"] == shown["text/plain"]
    unbound = view_bundle(moved)
    assert unbound["text/plain"].endswith("Not about anything yet: bind(run).")
    assert "iframe" not in unbound["text/html"]


def test_what_a_notebook_cannot_set_is_tried_elsewhere() -> None:
    """A range that holds more than the settings drawn beforehand."""

    @view
    def fine(rate: Annotated[float, Range(0.01, 1, log=True)] = 0.3) -> Figure:
        """Show a rate.

        Try:
            - set the rate to 0.0123
        """
        return replace(histograms(1), title=f"rate {rate}")

    assert ">Try in pellucid open:<" in view_bundle(fine)["text/html"]


def test_findings_for_a_notebook() -> None:
    """Findings are escaped, and what follows from another stands folded under it."""
    inner = Finding(code="B", title="inner", level=Level.WARN, message="m")
    given = [
        Finding(code="A", title=NASTY, level=Level.ALARM, message=NASTY, cause=NASTY, next_step=NASTY, step=7).fold(
            inner
        ),
        Finding(code="C", title="look", level=Level.LOOK, message="m", where="fc1"),
        Finding(code="D", title="fine", level=Level.OK, message="m"),
        Finding(code="E", title="gone", level=Level.NOT_MEASURED, message="m"),
    ]
    html = findings_bundle(given)["text/html"]
    page = read(html)
    assert "script" not in page.tags
    assert "details" in page.tags
    for words in ("from step 7", "look</b> at fc1", "1 check passed: fine [D]", "1 check not measured: gone [E]"):
        assert words in html
    assert "<p>m</p></li></ul></details>" in html  # the reason, behind the line
    assert "not-measured: no rule judges this." in findings_bundle([])["text/html"]
    assert Findings(tuple(given))._repr_mimebundle_() == findings_bundle(given)


@pytest.mark.usefixtures("no_rules", "picture")
def test_a_result_for_a_notebook() -> None:
    """A result shows its findings and its first picture; without a drawing, its findings alone."""

    def act(result: Result, case: Case) -> Iterable[Finding]:
        return [case.warn("it is so", where="fc1")]

    act.__doc__ = "\n".join(f"{name}: words." for name in SECTIONS)
    rule(Result, code="TST001", title="Test", order=1)(act)
    shown = bundle(Shown())
    assert "iframe" in read(shown["text/html"]).tags
    assert "Test at fc1" in shown["text/plain"]
    assert "blocks.0.mlp" in shown["text/plain"]
    assert str(Shown()) == shown["text/plain"]
    assert "iframe" not in read(bundle(Undrawn())["text/html"]).tags
    assert "Test at fc1" in str(Undrawn())


@pytest.mark.usefixtures("no_rules", "picture")
def test_drawings() -> None:
    """The first drawing is the default, a missing verdict is that of the findings, and a wrong name is refused."""
    assert drawing.drawings_of(Shown) == ("layers", "silent")
    assert list(Shown().figures()) == ["layers", "silent"]
    assert Shown().figure().title == "Activations"
    assert Shown().figure().verdict == "alarm: Dying ReLU at blocks.1.mlp"
    assert Shown().figure("silent").verdict == "not-measured: no rule judges this"
    assert Shown().figure("silent").level is Level.NOT_MEASURED
    with pytest.raises(AddressError) as caught:
        Shown().figure("layer")
    assert str(caught.value) == f"{Shown.kind} has no drawing 'layer'. Closest: 'layers'. It has: layers, silent."
    with pytest.raises(AddressError) as caught:
        Undrawn().figure()
    assert str(caught.value) == f"{Undrawn.kind} has no drawing."
