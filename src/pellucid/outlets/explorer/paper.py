"""Paper: the pages and pieces of pages as HTML. Whatever a run, a layer or an error is called, it is escaped."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from hashlib import blake2s
from importlib import resources
from typing import TYPE_CHECKING, Any

from pellucid.core.errors import PellucidError
from pellucid.core.figure.words import amount, number, plain
from pellucid.outlets.explorer.shelf import Row, Shelf
from pellucid.outlets.page import page_style, templates
from pellucid.outlets.page.words import duration, setting

if TYPE_CHECKING:
    from pellucid.core.judge import Findings
    from pellucid.core.result import Result
    from pellucid.core.view import View
    from pellucid.outlets.explorer.live import LiveRun

_LONGEST_FACT = 200
_FACTS = ("about", "model", "optimizer", "lr", "batch_size", "every")


class Paper:
    """Writes the pages of the explorer.

    Args:
        shelf: The runs that they list.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._list: tuple[Any, str] | None = None
        self._lines: dict[tuple[Row, bool], Any] = {}

    def home(self, views: "Sequence[View]") -> str:
        """Return the first page: the runs, and the pages to learn from; these are empty until they are loaded."""
        return _render("list.html", title="Runs", here="runs", list=self.runs(), views=views)

    def cards(self, views: "Sequence[View]") -> str:
        """Return the list of the pages to learn from, as a piece of the first page."""
        return _render("views.html", views=views)

    def runs(self) -> str:
        """Return the list of runs; written anew only when it changed."""
        rows = self._shelf.rows()
        if self._list is None or self._list[0] != rows:
            folders = [str(plain(str(place))) for place in self._shelf.places]
            several = len({row.folder for row in rows}) > 1
            line = _environment().get_template("macros.html").module.run_line
            # Of many runs few change: the others are not written again.
            self._lines = {(row, several): self._lines.get((row, several)) or line(row, several) for row in rows}
            self._list = (rows, _render("part_runs.html", lines=list(self._lines.values()), folders=folders))
        return self._list[1]

    def run(self, row: Row) -> str:
        """Return the page of a run; its findings and pictures come when they are read."""
        return _render("run.html", title=f"Run {row.name}", here="runs", row=row)

    def head(self, run: "LiveRun") -> str:
        """Return where a run stands: little to read and to write, so that it goes on while the pictures do."""
        return _render("part_head.html", row=self._shelf.row(run.key), about=_facts(run))

    def findings(self, run: "LiveRun") -> str:
        """Return the verdicts of a run, the worst first, each with a link to the picture that shows it."""
        from pellucid.outlets.explorer.drawings import anchor_of, evidence_of, words_for

        results, findings = run.results(), run.findings()
        codes = {one.code for root in findings.problems for one in root.all}
        views = {code: evidence_of(code, results) for code in codes}
        pictures = {code: (anchor_of(view), words_for(view)) for code, view in views.items() if view}
        return _render(
            "part_run.html",
            row=self._shelf.row(run.key),
            findings=findings,
            pictures=pictures,
            notes=(*run.problems(), *_thinned(results)),
        )

    def pictures(self, run: "LiveRun") -> str:
        """Return the places of the pictures of a run, window by window."""
        from pellucid.outlets.explorer.drawings import windows_of

        return _render("part_pictures.html", key=run.key, windows=windows_of(run))

    def compare(self, rows: Sequence[Row], *, missing: int = 0, left_out: int = 0) -> str:
        """Return the page of several runs side by side.

        Args:
            rows: The runs.
            missing: How many of those that were chosen are not here any more.
            left_out: How many there is no room for.
        """
        title = f"{amount(len(rows), 'run')} compared"
        return _render("compare.html", title=title, here="runs", rows=rows, missing=missing, left_out=left_out)

    def verdicts(self, found: "Mapping[LiveRun, Findings]", left_out: "Mapping[LiveRun, str]") -> str:
        """Return the table of what the rules say about several runs, and below it why some are not in it."""
        codes: dict[str, str] = {}
        for findings in found.values():
            for one in findings.every:
                if one.level.value in ("warn", "alarm", "look"):
                    codes.setdefault(one.code, one.title)
        cells = {
            code: {
                run: max(
                    (one for one in findings.every if one.code == code), key=lambda one: one.level.rank, default=None
                )
                for run, findings in found.items()
            }
            for code in codes
        }
        return _render("part_compare.html", found=found, codes=codes, cells=cells, left_out=left_out)

    def page(self, view: "View") -> str:
        """Return a page to learn from."""
        return _render("page.html", title=view.title, here="pages", view=view)

    def pages(self, views: "Sequence[View]") -> str:
        """Return the list of the pages to learn from."""
        return _render("pages.html", title="Pages to learn from", here="pages", views=views)

    def problem(self, title: str, words: str) -> str:
        """Return a page that says what is wrong."""
        return _render("problem.html", title=title, here="", words=words)


@cache
def style() -> str:
    """Return the style sheet of all pages: that of the report, and what only the explorer has."""
    own = resources.files("pellucid.outlets.explorer").joinpath("templates", "explorer.css").read_text(encoding="utf-8")
    return page_style() + own


@cache
def script() -> str:
    """Return the script that draws the pictures.

    Raises:
        MissingScript: It was not built.
    """
    from pellucid.core.figure.live.script import script as built

    return built()


@cache
def _version() -> str:
    """A mark of script and style in their addresses, so that a browser may keep them and yet never has old ones."""
    try:
        return blake2s((style() + script()).encode(), digest_size=8).hexdigest()
    except PellucidError:
        return "none"


def _facts(run: "LiveRun") -> dict[str, str]:
    state, described = run.state(), run.facts()
    facts = {"steps": f"{state.last + 1:,}", "duration": duration(state.seconds)}
    if state.started:
        facts["started"] = f"{datetime.fromisoformat(state.started).astimezone():%Y-%m-%d %H:%M}"
    facts |= {name.replace("_", " "): _cut(setting(described[name])) for name in _FACTS if described.get(name)}
    return facts


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST_FACT else f"{words[: _LONGEST_FACT - 1]}…"


def _thinned(results: "Mapping[str, Result]") -> list[str]:
    """Say that pictures do not show every watched step, where there are more than they have room for."""
    from pellucid.outlets.explorer.live import MOST_STEPS

    full = [name for name, one in results.items() if name != "loss" and len(one.watched) == MOST_STEPS]
    names = " and ".join(plain(one) for one in full)
    return [f"Pictures of {names} show {MOST_STEPS} watched steps, evenly spread where there are more."] if full else []


def loss_words(loss: float | None) -> str:
    """Return a loss in a few figures; a dash for none."""
    return "–" if loss is None else number(loss)


@cache
def _environment() -> Any:
    made = templates("pellucid.outlets.explorer", "templates")
    made.filters["loss"] = loss_words
    return made


def _render(name: str, **values: Any) -> str:
    return str(_environment().get_template(name).render(version=_version(), **values))
