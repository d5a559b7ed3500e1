"""Findings as a list to read: what is wrong, where, why, and what to do now."""

from collections.abc import Iterable

from pellucid.core.figure.words import wrap
from pellucid.core.finding import UNJUDGED, Finding, Level
from pellucid.core.theme import LEVEL_SYMBOLS

_SPOKEN = (Level.LOOK, Level.WARN, Level.ALARM)


def findings_text(findings: Iterable[Finding], width: int = 100) -> str:
    """Write findings as text without colour.

    Args:
        findings: In the order in which they are to be read; a `Findings` is.
        width: Columns a line.

    Returns:
        Every finding that asks for something with its level, title, place, step, message, cause and next step;
        what follows from another is indented below it. What passed and what was not measured is left out; see
        `core.verdict`.
    """
    given = list(findings)
    blocks = [_block(one, width, "") for one in given if _speaks(one)]
    lines = [line for block in blocks for line in [*block, ""]]
    if not given:
        lines.append(f"{LEVEL_SYMBOLS[Level.NOT_MEASURED]} not-measured: {UNJUDGED}.")
    return "\n".join(lines).rstrip()


def _speaks(finding: Finding) -> bool:
    return any(one.level in _SPOKEN for one in finding.all)


def _block(finding: Finding, width: int, indent: str) -> list[str]:
    place = f" at {finding.where}" if finding.where else ""
    onset = f" from step {finding.step:,}" if finding.step is not None else ""
    symbol = LEVEL_SYMBOLS[finding.level]
    head = f"{symbol} {finding.level.value}: {finding.title}{place}{onset} [{finding.code}]"
    inner = indent + "  "
    lines = _indented(head, width, indent, "  ")
    lines += _indented(finding.message, width, inner)
    if finding.cause:
        lines += _indented(f"Cause: {finding.cause}", width, inner, "  ")
    if finding.next_step:
        lines += _indented(f"Next:  {finding.next_step}", width, inner, "  ")
    if finding.folded:
        lines += _folded(finding, width, inner)
    return lines


def _folded(finding: Finding, width: int, indent: str) -> list[str]:
    """The same rule in other places takes one line a place: cause and next step were said above."""
    lines = _indented(f"Follows from it ({len(finding.folded)}):", width, indent)
    for one in finding.folded:
        if one.code == finding.code and not one.folded:
            place = " ".join(
                part for part in (one.where, f"from step {one.step:,}" if one.step is not None else "") if part
            )
            text = f"{LEVEL_SYMBOLS[one.level]} {one.level.value}: {place + ': ' if place else ''}{one.message}"
            lines += _indented(text, width, indent + "  ", "  ")
        else:
            lines += _block(one, width, indent + "  ")
    return lines


def _indented(text: str, width: int, indent: str, hanging: str = "") -> list[str]:
    # However deep the folding, twenty columns are left for the words.
    indent = indent[: max(0, width - 20)]
    return [indent + line for line in wrap(text, max(width - len(indent), 10), indent=hanging)]
