"""Reading a report as a browser would, and sheets to make one from."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

import pellucid.windows  # noqa: F401 - the pages name drawings and rules that the windows register
from pellucid.core.figure import Axis, Bars, Figure, Heat, Lines, Panel
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.outlets.report.sheet import Sheet

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}
EVIL = "<script>alert(1)</script>\"'&amp;"


class Page(HTMLParser):
    """What is in a page: tags with attributes, ids, references, text, and whether every tag is closed.

    Args:
        path: The page.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.styles: list[str] = []
        self.texts: list[str] = []
        self.problems: list[str] = []
        self._open: list[str] = []
        self.source = path.read_text("utf-8")
        self.feed(self.source)
        self.close()
        self.problems += [f"{tag} is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an opening tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag that closes itself, as SVG has many."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Take a closing tag."""
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"{tag} closes {self._open[-1:]} in line {self.getpos()[0]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Take text; what a script holds is none."""
        if self._open[-1:] == ["script"]:
            return
        (self.styles if self._open[-1:] == ["style"] else self.texts).append(data)

    @property
    def text(self) -> str:
        """All text, with single spaces."""
        return " ".join(" ".join(self.texts).split())

    @property
    def ids(self) -> list[str]:
        """Every id."""
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every tag of one name."""
        return [attributes for name, attributes in self.tags if name == tag]


def curve(title: str = "Loss") -> Figure:
    """Draw a falling curve."""
    x = np.arange(50.0)
    line = Lines(x=x, y=np.exp(-x / 20), label="training")
    panel = Panel(title=title, marks=(line,), x=Axis(label="step"), y=Axis(label="loss", unit="nats"))
    return Figure(title=title, panels=(panel,), alt=f"{title} falls from 1 to 0.1.", verdict="ok: it falls")


def bars(title: str = "Activations") -> Figure:
    """Draw two histograms, one of a layer with a hostile name."""
    mark = Bars(edges=np.arange(5.0), heights=np.array([1.0, 2.0, 3.0, 1.0]))
    panels = (Panel(title="hidden1", marks=(mark,)), Panel(title=EVIL, marks=(mark,), note=EVIL))
    return Figure(title=title, panels=panels, columns=2, caveat="Only two layers", alt="")


def heavy() -> Figure:
    """Draw a picture that would take most of a page."""
    noise = np.random.default_rng(0).normal(size=(1200, 1200))
    return Figure(title="Noise", panels=(Panel(marks=(Heat(values=noise),)),))


def broken() -> Figure:
    """Fail, as a drawing of an extension may."""
    raise ValueError("no <such> layer")


def finding(code: str = "ACT001", **fields: object) -> Finding:
    """Make an alarm."""
    values: dict[str, object] = {
        "title": "Dying ReLU",
        "level": Level.ALARM,
        "message": "30 of 48 units are 0 on every one of 640 samples.",
        "where": "hidden1.activation",
        "step": 1240,
    }
    return Finding(code=code, **(values | fields))  # pyright: ignore[reportArgumentType]


def sheet(
    title: str = "exp_001",
    *findings: Finding,
    figures: dict[str, Callable[[], Figure]] | None = None,
    notes: tuple[str, ...] = (),
) -> Sheet:
    """Make a sheet with two pictures."""
    return Sheet(
        title=title,
        facts={"status": "finished", "steps": "1,600"},
        findings=Findings(findings),
        figures={"loss.training": curve, "activations.histograms": bars} if figures is None else figures,
        kinds={"loss": "loss.LossCurves", "activations": "activations.ActivationHistograms"},
        notes=notes,
    )
