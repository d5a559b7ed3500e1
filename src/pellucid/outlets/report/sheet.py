"""Sheet: one run or one checkup, ready to be shown; its pictures are drawn when they are asked for."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pellucid.core.drawing import drawings_of
from pellucid.core.errors import AddressError
from pellucid.core.figure import Figure
from pellucid.core.judge import Findings
from pellucid.core.result import Result
from pellucid.core.rule import rule_of
from pellucid.outlets.report.words import duration, size

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
    """One run or one checkup.

    Attributes:
        title: Name of the run or of the model.
        about: What it is, in a sentence; "" for nothing.
        facts: A few plain facts by name, such as steps and duration.
        findings: The verdict.
        figures: What draws each picture, by "result.drawing".
        kinds: Kind of each result, by its name in `figures`; lets a finding lead to its picture.
        notes: What the reader should know about the sheet itself, such as damaged pieces.
    """

    title: str
    about: str = ""
    facts: Mapping[str, str]
    findings: Findings
    figures: Mapping[str, Callable[[], Figure]]
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()

    def chosen(self, most: int) -> list[str]:
        """Choose the pictures that matter.

        Args:
            most: How many at the most.

        Returns:
            Names of pictures: those of the results with problems first, by cause, then what a first reading needs.
        """
        troubled = list(dict.fromkeys(self.result_of(one.code) for root in self.findings.problems for one in root.all))
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
    facts |= {name: str(described[name]) for name in ("model", "optimizer") if described.get(name)}
    if described.get("every"):
        facts["watched"] = f"every {described['every']:,} steps" if described["every"] != 1 else "every step"
    facts["size"] = size(run.bytes)
    results = run.results(most=_MOST_STEPS)
    return Sheet(
        title=run.name,
        about=str(described.get("about", "")),
        facts=facts,
        findings=run.findings,
        figures=_drawers(results),
        kinds=_kinds(results),
        notes=tuple(run.problems),
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
        figures=_drawers(checkup.results),
        kinds=_kinds(checkup.results),
        notes=notes,
    )


def _kinds(results: Mapping[str, Result]) -> dict[str, str]:
    return {name: type(result).kind for name, result in results.items()}


def _drawers(results: Mapping[str, Result]) -> dict[str, Callable[[], Figure]]:
    return {
        f"{name}.{drawing}": partial(result.figure, drawing)
        for name, result in results.items()
        for drawing in drawings_of(type(result))
    }
