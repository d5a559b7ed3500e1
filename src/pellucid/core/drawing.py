"""The registry of drawings: functions from a result to a figure."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pellucid.core.errors import AddressError, did_you_mean
from pellucid.core.figure import Figure
from pellucid.core.result import Result

if TYPE_CHECKING:
    from pellucid.core.judge import Findings

Drawing = Callable[[Any], Figure]
_DRAWINGS: dict[type[Result], dict[str, Drawing]] = {}
_OF_SEVERAL: set[Drawing] = set()


def drawing(result: type[Result], *, over_time: bool = False) -> Callable[[Drawing], Drawing]:
    """Register a function `result -> Figure` under its own name; the first of a kind is its default.

    Args:
        result: The kind of result that it draws.
        over_time: It shows how things change over the steps: of a single one there is nothing to see.

    Returns:
        A decorator that leaves the function as it is.
    """

    def register(function: Drawing) -> Drawing:
        _DRAWINGS.setdefault(result, {})[function.__name__] = function
        if over_time:
            _OF_SEVERAL.add(function)
        return function

    return register


def drawings_of(kind: type[Result]) -> tuple[str, ...]:
    """Return the names of the drawings of one kind of result, default first."""
    return tuple(_DRAWINGS.get(kind, {}))


def drawings_for(result: Result) -> tuple[str, ...]:
    """Return the names of the drawings that show something of a result, default first."""
    known = _DRAWINGS.get(type(result), {})
    several = len(result.watched) > 1
    return tuple(name for name, function in known.items() if several or function not in _OF_SEVERAL)


def drawn_beside(result: Result, name: str, findings: "Findings") -> Figure:
    """Draw a result with the verdict of the examination that it is a part of.

    Args:
        result: What to draw.
        name: Which drawing.
        findings: Of the whole examination: what they say about this kind of result stands with the picture.

    Returns:
        The figure.
    """
    about = findings.about(result)
    return replace(draw(result, name), verdict=about.headline, level=about.level)


def draw(result: Result, name: str | None = None) -> Figure:
    """Draw a result; the verdict in words is added where the drawing left it out.

    Args:
        result: What to draw.
        name: Which drawing; None for the default.

    Returns:
        The figure.

    Raises:
        AddressError: There is no such drawing.
    """
    known = _DRAWINGS.get(type(result), {})
    chosen = name if name is not None else next(iter(known), "")
    if not isinstance(chosen, str) or chosen not in known:
        if not known:
            raise AddressError(f"{result.kind} has no drawing.")
        near = did_you_mean(str(chosen), known)
        sentences = (f"{result.kind} has no drawing {chosen!r}.", near, f"It has: {', '.join(known)}.")
        raise AddressError(" ".join(one for one in sentences if one))
    figure = known[chosen](result)
    if figure.verdict:
        return figure
    findings = result.findings
    return replace(figure, verdict=findings.headline, level=findings.level)
