"""Sheet: one run, checkup, result or view, ready to be shown; its pictures are drawn when they are asked for."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from pellucid.core.drawing import drawings_for, drawn_beside
from pellucid.core.errors import AddressError
from pellucid.core.figure import Figure
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.core.result import Result
from pellucid.core.rule import rule_of
from pellucid.core.view import View
from pellucid.outlets.page.words import duration, setting, size
from pellucid.outlets.run_views import has_histograms, scrubbed

if TYPE_CHECKING:
    from pellucid.outlets.store import Run
    from pellucid.sessions.checkup import Checkup

FIRST = (
    "loss.training",
    "activations.histograms",
    "gradients.depth_profile",
    "gradients.update_ratio",
    "activations.dead_over_time",
    "weights.histograms",
    "sanity.evaluations",
    "activations.over_time",
)
"""What a first reading needs, in this order, where no finding asks for another."""

_MOST_STEPS = 200  # watched steps in a picture: its frames are no more than 200 points wide


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One run, one checkup, one result, one picture or one view.

    Attributes:
        title: Name of the run, of the model, of what a result shows, or of the view.
        about: What it is, in a sentence; "" for nothing.
        facts: A few plain facts by name, such as steps and duration.
        findings: The verdict.
        figures: What draws each picture, by "result.drawing".
        kinds: Kind of each result, by its name in `figures`; lets a finding lead to its picture.
        notes: What the reader should know about the sheet itself, such as damaged pieces.
        views: Pictures with controls, by "result.view"; they come after the others.
        teaches: Paragraphs that teach.
        tries: What to try.
        judged: It is something that rules judge; a view is not.
        level: That of a picture with a verdict of its own; None for anything else.
    """

    title: str
    about: str = ""
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    findings: Findings = field(default_factory=lambda: Findings(()))
    figures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict[str, Callable[[], Figure]])
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
    views: Mapping[str, View] = field(default_factory=dict[str, View])
    teaches: tuple[str, ...] = ()
    tries: tuple[str, ...] = ()
    judged: bool = True
    level: Level | None = None

    def chosen(self, most: int) -> list[str]:
        """Choose the pictures that matter.

        Args:
            most: How many at the most.

        Returns:
            Names of pictures: those of the results with problems first, by cause, then what a first reading needs.
        """
        troubled = self.troubled
        wanted = {name: place for place, name in enumerate(FIRST)}

        def place(name: str) -> tuple[int, int]:
            result = name.partition(".")[0]
            rank = troubled.index(result) if result in troubled else len(troubled)
            return rank, wanted.get(name, len(FIRST))

        # One picture of each result before a second of any: a finding is better seen from several sides.
        order = sorted(self.figures, key=place)
        seen: Counter[str] = Counter()
        rounds: dict[str, int] = {}
        for name in order:
            rounds[name] = seen[name.partition(".")[0]]
            seen[name.partition(".")[0]] += 1
        return sorted(order, key=lambda name: rounds[name])[:most]

    @property
    def troubled(self) -> list[str]:
        """Names of the results with problems, by cause."""
        return list(dict.fromkeys(self.result_of(one.code) for root in self.findings.problems for one in root.all))

    def result_of(self, code: str) -> str:
        """Return the name of the result that a rule judged; "" when it is not among the pictures."""
        try:
            kind = rule_of(code).result.kind
        except AddressError:  # a rule of an older pellucid, in a stored verdict
            return ""
        return next((name for name, one in self.kinds.items() if one == kind), "")


def sheet_of_run(run: "Run") -> Sheet:
    """Return the sheet of one stored run.

    Args:
        run: The run; it may still be written.

    Returns:
        The sheet.

    Cost:
        Reads every result of the run once.
    """
    facts, described = {"status": run.status, "steps": f"{run.steps:,}", "duration": duration(run.seconds)}, run.facts
    if run.started is not None:
        facts["started"] = f"{run.started.astimezone():%Y-%m-%d %H:%M}"
    told = (name for name in ("model", "optimizer", "lr", "batch_size") if described.get(name))
    facts |= {name.replace("_", " "): setting(described[name]) for name in told}
    if described.get("every"):
        facts["watched"] = f"every {described['every']:,} steps" if described["every"] != 1 else "every step"
    facts["size"] = size(run.bytes)
    results = run.results(most=_MOST_STEPS)
    sheet = Sheet(
        title=run.name,
        about=str(described.get("about", "")),
        facts=facts,
        findings=run.findings,
        figures=_drawers(results, run.findings),
        kinds=_kinds(results),
        notes=tuple(run.problems),
    )
    return replace(sheet, views=_over_time(sheet, results))


def _over_time(sheet: Sheet, results: Mapping[str, Result]) -> dict[str, View]:
    """The histograms of one result, step by step: of the one at fault, else of the activations."""
    able = [name for name in (*sheet.troubled, "activations", *results) if name in results]
    name = next((one for one in able if has_histograms(results[one])), None)
    return {} if name is None else {f"{name}.{scrubbed.name}": scrubbed.bind(result=results[name])}


def sheet_of_view(view: View) -> Sheet:
    """Return the sheet of one view: its picture, what it teaches and what to try."""
    return Sheet(
        title=view.title,
        about=view.summary,
        views={view.name: view},
        teaches=view.teaches,
        tries=view.tries,
        judged=False,
    )


def sheet_of_checkup(checkup: "Checkup") -> Sheet:
    """Return the sheet of one checkup."""
    provenances = [result.provenance for result in checkup.results.values()]
    facts = {
        "model": next((one.model for one in provenances if one.model), checkup.name),
        "samples": f"{max((one.samples for one in provenances), default=0):,}",
        "duration": duration(checkup.seconds),
    }
    notes = tuple(f"{window} was not looked at: {reason}" for window, reason in checkup.skipped.items())
    return Sheet(
        title=checkup.name,
        facts=facts,
        findings=checkup.findings,
        figures=_drawers(checkup.results, checkup.findings),
        kinds=_kinds(checkup.results),
        notes=notes,
    )


def sheet_of_result(result: Result) -> Sheet:
    """Return the sheet of one result: what its first picture shows, its findings, and all its pictures."""
    made = result.provenance
    facts = {
        "model": made.model,
        "samples": f"{made.samples:,}" if made.samples else "",
        "passes": f"{made.passes:,}" if made.passes else "",
        "duration": duration(made.seconds) if made.seconds else "",
    }
    name = type(result).__name__
    results, findings = {name: result}, result.findings
    return Sheet(
        title=_shown(result) or name,
        facts={word: fact for word, fact in facts.items() if fact},
        findings=findings,
        figures=_drawers(results, findings),
        kinds=_kinds(results),
    )


def sheet_of_figure(figure: Figure) -> Sheet:
    """Return the sheet of one picture, such as maps side by side: the verdict stands with it."""
    return Sheet(title=figure.title, figures={"figure.picture": lambda: figure}, judged=False, level=figure.level)


def _shown(result: Result) -> str:
    """Return the title of the first picture; "" where it cannot be drawn, which the report says in its place."""
    try:
        return result.figure().title if drawings_for(result) else ""
    except Exception:  # noqa: BLE001 - a drawing, perhaps of an extension, must not cost the report
        return ""


def _kinds(results: Mapping[str, Result]) -> dict[str, str]:
    return {name: type(result).kind for name, result in results.items()}


def _drawers(results: Mapping[str, Result], findings: Findings) -> dict[str, Callable[[], Figure]]:
    return {
        f"{name}.{drawing}": partial(drawn_beside, result, drawing, findings)
        for name, result in results.items()
        for drawing in drawings_for(result)
    }
