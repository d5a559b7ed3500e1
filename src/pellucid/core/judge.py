"""Judging: run every rule that applies, order what they say by cause, fold what follows from what."""

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from pellucid.core.errors import FormatError, did_you_mean
from pellucid.core.figure.words import amount
from pellucid.core.finding import UNJUDGED, Finding, Level
from pellucid.core.learning import Learning
from pellucid.core.result import Result
from pellucid.core.rule import Case, Rule, rules

Limits = Mapping[str, Mapping[str, float]]


@runtime_checkable
class Teaches(Protocol):
    """A result that can say how training goes."""

    def learning(self) -> Learning:
        """Return what is known about learning."""
        ...


@runtime_checkable
class Consults(Protocol):
    """A result that is judged better with the other results of its run at hand."""

    def beside(self, others: Sequence[Result]) -> Result:
        """Return the result with what it takes from the others."""
        ...


@dataclass(frozen=True)
class Findings(Sequence[Finding]):
    """Findings of one examination, ordered by cause; what follows from another is folded under it."""

    items: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    @property
    def every(self) -> tuple[Finding, ...]:
        """All findings, also the folded ones, depth first."""
        return tuple(deep for one in self.items for deep in one.all)

    def about(self, result: Result) -> "Findings":
        """Return what the rules for the kind of a result found, none folded under another.

        Judged on its own, a result may get another verdict: rules know from the whole examination whether it learns.
        """
        codes = {one.code for one in rules() if isinstance(result, one.result)}
        return Findings(tuple(replace(one, folded=()) for one in self.every if one.code in codes))

    @property
    def level(self) -> Level:
        """The level that stands for all, in accord with the headline.

        The worst of the warnings and alarms; without any, ok as soon as one rule could judge, else not-measured.
        """
        levels = {one.level for one in self.every}
        if troubling := levels & {Level.WARN, Level.ALARM}:
            return max(troubling, key=lambda level: level.rank)
        return Level.OK if levels & {Level.OK, Level.LOOK} else Level.NOT_MEASURED

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The warnings and alarms that are not folded under another finding, by cause."""
        return tuple(one for one in self.items if one.level in (Level.WARN, Level.ALARM))

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        if self.problems:
            first = self.problems[0]
            others = len([one for one in self.every if one.level in (Level.WARN, Level.ALARM)]) - 1
            return first.line + (f" ({others} more follow or stand beside it)" if others else "")
        missing = len(self.at(Level.NOT_MEASURED))
        if not self.tally and missing == 1:
            return f"not-measured: {self.at(Level.NOT_MEASURED)[0].message}"
        if not self.tally:
            why = f"none of {missing} checks could be measured" if missing else UNJUDGED
            return f"not-measured: {why}"
        return f"ok: {self.tally}" + (f", {missing} not measured" if missing else "")

    @property
    def tally(self) -> str:
        """How many checks passed and how many ask for a look; "" where neither is any.

        Whoever counts checks says it in these words, so that a list, a headline and a verdict in full agree.
        """
        passed, looks = len(self.at(Level.OK)), len(self.at(Level.LOOK))
        said = [f"{amount(passed, 'check')} passed" if passed else "", f"{looks} to look at" if looks else ""]
        return ", ".join(one for one in said if one)

    def at(self, level: Level | str) -> tuple[Finding, ...]:
        """Return the findings of one level, also the folded ones."""
        return tuple(one for one in self.every if one.level == level)

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return plain JSON-ready values."""
        return [one.as_dict() for one in self.items]

    @classmethod
    def from_dicts(cls, plain: Iterable[Mapping[str, Any]]) -> "Findings":
        """Build findings from what `as_dicts` returned."""
        return cls(tuple(Finding.from_dict(one) for one in plain))

    def text(self, *, all: bool = False, width: int = 100) -> str:  # noqa: A002 - short, and read at the call only
        """Write the verdict as text.

        Args:
            all: Whether what passed and what was not measured is listed too, each with its figures or its reason.
            width: Columns a line, 20 or more.

        Returns:
            Every finding that asks for something in full; of the others a line of titles, unless `all`.
        """
        from pellucid.core.verdict import verdict_text

        return verdict_text(self, width=width, in_full=all)

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from pellucid.core.notebook import findings_bundle

        return findings_bundle(self)


def judge(results: Iterable[Result], *, learning: Learning | None = None, limits: Limits | None = None) -> Findings:
    """Apply every rule to every result that it is registered for.

    Args:
        results: Results of one run or one examination.
        learning: What is known about learning; None to ask the results.
        limits: Limits by rule code and name; None to read `[tool.pellucid.rules]` of the nearest pyproject.toml.

    Returns:
        The findings, ordered by cause. A rule that raises is reported as a finding, and the others still run.

    Raises:
        FormatError: The configuration names a rule or a limit that does not exist.
    """
    examined = list(results)
    limits = configured_limits() if limits is None else limits
    examined = [one.beside(examined) if isinstance(one, Consults) else one for one in examined]
    learning = _merged(examined) if learning is None else learning
    said: list[Finding] = []
    for one in examined:
        for rule in rules():
            if isinstance(one, rule.result):
                said += _apply(
                    rule,
                    one,
                    Case(rule=rule, limits={**rule.limits, **limits.get(rule.code, {})}, learning=learning),
                )
    return order(said)


def _merged(results: Iterable[Result]) -> Learning:
    """Merge what the results know of learning: what the first leaves out is filled by the next that knows it.

    Losses, labels and accuracy are each taken whole from one result: the first loss of one curve says nothing
    beside the last of another.
    """
    known = [one.learning() for one in results if isinstance(one, Teaches)]
    known.sort(key=lambda one: one.steps is None)  # the curves of a run know more than evaluations of one batch
    merged = Learning()
    for names in (("steps",), ("first", "last"), ("prior", "classes"), ("accuracy", "chance"), ("head",)):
        telling = (one for one in known if all(getattr(one, name) is not None for name in names))
        chosen = next(
            telling, next((one for one in known if any(getattr(one, name) is not None for name in names)), None)
        )
        if chosen is not None:
            merged = replace(merged, **{name: getattr(chosen, name) for name in names})
    return merged


def _apply(rule: Rule, result: Result, case: Case) -> list[Finding]:
    try:
        return list(rule.judge(result, case))
    except Exception as error:  # noqa: BLE001 - a rule of an extension must not silence the others
        return [
            case.not_measured(
                f"the rule failed: {type(error).__name__}: {error}",
                next_step=f"Report it, or mend rule {rule.code}.",
            )
        ]


def order(findings: Iterable[Finding]) -> Findings:
    """Order findings by cause and fold what follows from another.

    Problems (warnings and alarms) of one rule in several places are folded under the worst and first of them.
    Of what is left, the next is the one with the earliest place in the order of causes among those that had
    begun when the first alarm had: what begins later does not explain it. Non-finite values, and findings about
    the whole run, are always among them. A problem is folded under one that comes before it when it began no earlier,
    and its place is later or the other rule names it in `explains`. What is not a problem keeps its level order.

    Args:
        findings: In any order.

    Returns:
        The ordered findings: problems first, then look, not-measured and ok.
    """
    found = list(findings)
    roots: list[Finding] = []
    for one in _by_cause(_leaders(one for one in found if one.level in (Level.WARN, Level.ALARM))):
        parent = next((index for index, root in enumerate(roots) if _explains(root, one)), None)
        if parent is None:
            roots.append(one)
        else:
            roots[parent] = roots[parent].fold(one)
    rest = sorted(
        (one for one in found if one.level not in (Level.WARN, Level.ALARM)),
        key=lambda one: _REST.index(one.level),
    )
    return Findings((*roots, *rest))


_REST = [Level.LOOK, Level.NOT_MEASURED, Level.OK]
_MAY_LEAD = 3  # the last place from which a mere warning may lead an alarm
_NON_FINITE = 0  # the place of non-finite values in the order of causes


def _place(finding: Finding) -> int:
    return next((rule.order for rule in rules() if rule.code == finding.code), 99)


def _leaders(problems: Iterable[Finding]) -> list[Finding]:
    """Fold the problems of each rule under the worst of them, the earliest, the first by depth."""
    by_code: dict[str, list[Finding]] = {}
    for one in problems:
        by_code.setdefault(one.code, []).append(one)
    leaders: list[Finding] = []
    for ones in by_code.values():
        first, *others = sorted(ones, key=lambda one: (-one.level.rank, one.step or 0))
        leaders.append(first.fold(*others))
    return leaders


def _by_cause(leaders: list[Finding]) -> Iterator[Finding]:
    remaining = sorted(leaders, key=lambda one: (_rank(one), one.step or 0))
    while remaining:
        begun = min((one.step for one in remaining if one.step is not None and one.level is Level.ALARM), default=None)
        chosen = next((one for one in remaining if _had_begun(one, begun)), remaining[0])
        remaining.remove(chosen)
        yield chosen


def _rank(finding: Finding) -> int:
    """Place in the order of causes; a warning comes after every alarm, but for data, code and first weights."""
    place = _place(finding)
    return place if finding.level is Level.ALARM or place <= _MAY_LEAD else place + 100


def _had_begun(finding: Finding, step: int | None) -> bool:
    """Whether a finding was there at a step; onsets are known to within the watched steps, so with some slack."""
    if finding.step is None or step is None or _place(finding) == _NON_FINITE:
        return True
    return finding.step <= 2 * step + 20


def _explains(cause: Finding, effect: Finding) -> bool:
    if cause.step is not None and effect.step is not None and not _had_begun(cause, effect.step):
        return False
    named = next((rule.explains for rule in rules() if rule.code == cause.code), ())
    return effect.code in named or _rank(cause) < _rank(effect)


def configured_limits(start: Path | None = None) -> dict[str, dict[str, float]]:
    """Read `[tool.pellucid.rules]` of the nearest pyproject.toml: `ACT001.alarm = 0.6`.

    Args:
        start: Folder to start from; None for the working directory.

    Returns:
        Limits by rule code and name; empty when nothing is configured.

    Raises:
        FormatError: The file names a rule or a limit that does not exist, or a limit that is not a number.
    """
    here = (start or Path.cwd()).resolve()
    path = next((one / "pyproject.toml" for one in (here, *here.parents) if (one / "pyproject.toml").is_file()), None)
    if path is None:
        return {}
    try:
        written = path.stat()
        table: Any = _parsed(path, (written.st_ino, written.st_mtime_ns, written.st_size))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
        return {}  # somebody else's broken file is not ours to judge
    for name in ("tool", "pellucid", "rules"):
        table = cast("dict[str, Any]", table).get(name, {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        return {}
    chosen = cast("dict[str, Any]", table)
    check_limits(chosen, path)
    return {code: {name: float(value) for name, value in values.items()} for code, values in chosen.items()}


@lru_cache(maxsize=4)
def _parsed(path: Path, stamp: tuple[int, ...]) -> dict[str, Any]:  # noqa: ARG001 - another stamp, another content
    """Parse a file once: it may take longer than judging does, and a slider judges at each move."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def check_limits(table: Mapping[str, Any], path: Path | str) -> None:
    """Refuse names of rules and limits that do not exist, and limits that are no numbers.

    Args:
        table: Limits by rule code and name.
        path: Where they come from, for the error.

    Raises:
        FormatError: One of them does not exist or is no number.
    """
    known = {rule.code: rule.limits for rule in rules()}
    for code, values in table.items():
        if code not in known:
            near = did_you_mean(code, known)
            raise FormatError(f"{path} sets limits for rule {code!r}, which does not exist. {near}".strip())
        if not isinstance(values, dict):
            name = next(iter(known[code]), "name")
            raise FormatError(
                f"{path} sets {code} = {values!r}; expected a limit by name, such as {code}.{name} = 0.5."
            )
        for name, value in cast("dict[str, Any]", values).items():
            if name not in known[code]:
                raise FormatError(f"{path} sets {code}.{name}; {code} has: {', '.join(known[code]) or 'no limits'}.")
            if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
                raise FormatError(f"{path} sets {code}.{name} = {value!r}; expected a number.")
