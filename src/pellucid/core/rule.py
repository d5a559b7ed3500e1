"""Rule and the registry of rules: a function from a result to findings, with its limits and its reasons."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.core.errors import AddressError, InputError, did_you_mean
from pellucid.core.finding import Finding, Level
from pellucid.core.learning import Learning
from pellucid.core.result import Result

SECTIONS = (
    "Looks for",
    "Why it matters",
    "Where the limit comes from",
    "False alarms",
    "Likely cause",
    "What to do",
    "Source",
)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A registered rule.

    Attributes:
        code: Such as "ACT001"; three letters of the window and a number.
        title: A few words, sentence case.
        result: The kind of result that it judges.
        limits: Its limits by name, with their default values.
        order: Place in the order of causes, 0 first: a finding of a lower place may explain one of a higher.
        explains: Codes that always follow from this one, whatever their place.
        judge: The function.
        sections: The parts of its docstring, by the names in `SECTIONS`.
    """

    code: str
    title: str
    result: type[Result]
    limits: Mapping[str, float]
    order: int
    explains: tuple[str, ...] = ()
    judge: Callable[[Any, "Case"], Iterable[Finding]]
    sections: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a rule is given beside the result: its limits, and what the loss says about learning.

    A rule speaks through `alarm`, `warn`, `look`, `stopped`, `ok` and `not_measured`; all take the sentence first
    and then the fields of `Finding` (where, step, value, limit, samples, evidence, cause, next_step).
    """

    rule: Rule
    limits: Mapping[str, float]
    learning: Learning = field(default_factory=Learning)

    def _say(self, level: Level, message: str, **fields: Any) -> Finding:
        said: dict[str, Any] = fields
        said.setdefault("cause", self.rule.sections.get("Likely cause", ""))
        said.setdefault("next_step", self.rule.sections.get("What to do", ""))
        return Finding(code=self.rule.code, title=self.rule.title, level=level, message=message, **said)

    def alarm(self, message: str, **fields: Any) -> Finding:
        """The network is sick."""
        return self._say(Level.ALARM, message, **fields)

    def warn(self, message: str, **fields: Any) -> Finding:
        """Something is probably wrong."""
        return self._say(Level.WARN, message, **fields)

    def look(self, message: str, **fields: Any) -> Finding:
        """A fact worth a look; no judgement."""
        return self._say(Level.LOOK, message, **fields)

    def stopped(self, message: str, **fields: Any) -> Finding:
        """Ctrl-C ended the work early; the sentence says after what."""
        return self.look(message, cause="It was stopped with Ctrl-C.", next_step="", **fields)

    def ok(self, message: str, **fields: Any) -> Finding:
        """Measured, and within the limit."""
        return self._say(Level.OK, message, cause="", next_step="", **fields)

    def not_measured(self, message: str, **fields: Any) -> Finding:
        """There is not enough to judge; the sentence says what is missing."""
        return self._say(Level.NOT_MEASURED, message, cause="", **({"next_step": ""} | fields))


_RULES: dict[str, Rule] = {}


def rule(
    result: type[Result],
    *,
    code: str,
    title: str,
    order: int,
    limits: Mapping[str, float] | None = None,
    explains: tuple[str, ...] = (),
) -> Callable[[Callable[[Any, Case], Iterable[Finding]]], Callable[[Any, Case], Iterable[Finding]]]:
    """Register a function `(result, case) -> findings` as a rule.

    Args:
        result: The kind of result that it judges.
        code: Such as "ACT001"; new.
        title: A few words.
        order: Place in the order of causes.
        limits: Limits by name.
        explains: Codes of findings that always follow from this one.

    Returns:
        A decorator that leaves the function as it is.

    Raises:
        InputError: The code is taken or malformed, or the docstring lacks one of `SECTIONS`.
    """

    def register(
        function: Callable[[Any, Case], Iterable[Finding]],
    ) -> Callable[[Any, Case], Iterable[Finding]]:
        if not re.fullmatch(r"[A-Z]{3}\d{3}", code):
            raise InputError(f"Rule code {code!r} is not three capital letters and three digits.")
        if code in _RULES and _RULES[code].judge.__qualname__ != function.__qualname__:
            raise InputError(f"Rule code {code!r} is taken by {_RULES[code].title!r}.")
        sections = _sections(function.__doc__ or "")
        if missing := [name for name in SECTIONS if name not in sections]:
            raise InputError(f"The docstring of rule {code} lacks: {', '.join(missing)}.")
        _RULES[code] = Rule(
            code=code,
            title=title,
            result=result,
            limits=dict(limits or {}),
            order=order,
            explains=explains,
            judge=function,
            sections=sections,
        )
        return function

    return register


def _sections(doc: str) -> dict[str, str]:
    """Split a docstring at the names in `SECTIONS`, each at the start of a line and followed by a colon."""
    names = "|".join(re.escape(name) for name in SECTIONS)
    parts = re.split(rf"^\s*({names}):", doc, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def rules() -> tuple[Rule, ...]:
    """Return every registered rule, by code."""
    return tuple(_RULES[code] for code in sorted(_RULES))


def rule_of(code: str) -> Rule:
    """Return one rule.

    Args:
        code: Such as "ACT001"; case does not matter.

    Returns:
        The rule.

    Raises:
        AddressError: There is no such rule.
    """
    if code.upper() not in _RULES:
        near = did_you_mean(code.upper(), _RULES)
        raise AddressError(f"No rule {code!r}. {near} `pellucid rules` lists all {len(_RULES)}.".replace("  ", " "))
    return _RULES[code.upper()]
