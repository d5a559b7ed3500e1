"""Finding: one verdict with its place, its evidence, its likely cause and the next step."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Plain = str | int | float | bool | None
UNJUDGED = "no rule judges this"
"""What is said wherever there is no finding at all: of a view, or of a run without results."""


class Level(StrEnum):
    """How much a finding asks of the reader."""

    OK = "ok"
    NOT_MEASURED = "not-measured"
    LOOK = "look"
    WARN = "warn"
    ALARM = "alarm"

    @property
    def rank(self) -> int:
        """0 for ok, rising to 4 for alarm."""
        return list(Level).index(self)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One verdict.

    Attributes:
        code: The rule that spoke, such as "ACT001".
        title: The rule's title, such as "Dying ReLU".
        level: ok, look, warn, alarm, or not-measured.
        message: One sentence: the fact, with its figures.
        where: Layer, tensor or curve at fault; "" when it is the whole run.
        step: Training step of the onset; None for a finished model.
        value: The measured figure that was judged.
        limit: The limit that it was held against.
        samples: On how many samples, steps or values the figure rests.
        evidence: Further plain figures, by name.
        cause: The likely cause.
        next_step: What to do now.
        folded: Findings that follow from this one.
    """

    code: str
    title: str
    level: Level
    message: str
    where: str = ""
    step: int | None = None
    value: float | None = None
    limit: float | None = None
    samples: int | None = None
    evidence: Mapping[str, Plain] = field(default_factory=dict[str, Plain])
    cause: str = ""
    next_step: str = ""
    folded: tuple["Finding", ...] = ()

    @property
    def line(self) -> str:
        """The finding in one line, without colour."""
        place = f" at {self.where}" if self.where else ""
        onset = f" from step {self.step}" if self.step is not None else ""
        return f"{self.level.value}: {self.title}{place}{onset}: {self.message}"

    @property
    def all(self) -> tuple["Finding", ...]:
        """This finding and everything folded under it, depth first."""
        return (self, *(deep for one in self.folded for deep in one.all))

    def fold(self, *others: "Finding") -> "Finding":
        """Return a copy with `others` added to what follows from this finding."""
        return replace(self, folded=(*self.folded, *others))

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON-ready values; `from_dict` reads them back."""
        plain = {name: getattr(self, name) for name in _PLAIN_FIELDS}
        return plain | {
            "level": self.level.value,
            "evidence": dict(self.evidence),
            "folded": [one.as_dict() for one in self.folded],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Finding":
        """Build a finding from what `as_dict` returned."""
        folded = tuple(cls.from_dict(one) for one in plain["folded"])
        fields = {name: plain[name] for name in _PLAIN_FIELDS}
        return cls(**fields, level=Level(plain["level"]), evidence=dict(plain["evidence"]), folded=folded)


_PLAIN_FIELDS = (
    "code",
    "title",
    "message",
    "where",
    "step",
    "value",
    "limit",
    "samples",
    "cause",
    "next_step",
)
