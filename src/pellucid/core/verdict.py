"""The verdict as text: what was found in full; what passed and what was not measured in a line, or in full too."""

from collections import Counter
from collections.abc import Iterable

from pellucid.core.figure.text import findings_text
from pellucid.core.figure.words import amount, fit, plain, wrap
from pellucid.core.finding import Finding, Level
from pellucid.core.theme import LEVEL_SYMBOLS

SPOKEN = (Level.LOOK, Level.WARN, Level.ALARM)
"""Levels whose findings are always shown in full."""
QUIET = ((Level.NOT_MEASURED, "not measured"), (Level.OK, "passed"))
"""The other levels, in the order in which they are shown, and what is said of their checks."""
HOW = "print(findings.text(all=True))"
"""What a reader types who holds the findings by that name."""


def verdict_text(findings: Iterable[Finding], *, width: int = 100, in_full: bool = False, how: str = HOW) -> str:
    """Write a verdict as text without colour.

    Args:
        findings: In the order in which they are to be read.
        width: Columns a line.
        in_full: Whether what passed and what was not measured is listed one by one, with figures and reasons.
        how: What the reader types to get it in full; named where something was left out.

    Returns:
        The text.
    """
    given = list(findings)
    spoken = [one for one in given if any(deep.level in SPOKEN for deep in one.all)]
    blocks = [findings_text(spoken, width)] if spoken or not given else []
    lines: list[str] = []
    left_out = False
    for level, words in QUIET:
        ones = [deep for one in given for deep in one.all if deep.level is level]
        if not ones:
            continue
        head = f"{LEVEL_SYMBOLS[level]} {amount(len(ones), 'check')} {words}:"
        if in_full:
            lines += [fit(head, width), *(line for one in ones for line in _entry(one, width))]
        else:
            line, complete = _titles(head, ones, width)
            lines.append(line)
            left_out |= not complete or level is Level.NOT_MEASURED
    if left_out:
        lines += wrap(f"With figures and reasons: {how}", width)
    return "\n\n".join([*blocks, *(["\n".join(lines)] if lines else [])])


def _titles(head: str, ones: list[Finding], width: int) -> tuple[str, bool]:
    """Name as many checks in one line as fit, and count the others; say whether all are named."""
    counts = Counter(plain(f"{one.title} [{one.code}]") for one in ones)
    line, named, left = head.removesuffix(":"), "", len(ones)
    for title, count in counts.items():
        named += f", {title}" if named else f" {title}"
        left -= count
        longer = head + named + (f" and {left} more" if left else "")
        if len(fit(longer, width)) < len(longer):
            return fit(line, width), False
        line = longer
    return line, True


def _entry(finding: Finding, width: int) -> list[str]:
    place = f" at {finding.where}" if finding.where else ""
    lines = wrap(f"{finding.title}{place} [{finding.code}]: {finding.message}", width - 2, indent="  ")
    if finding.next_step:
        lines += [f"  {line}" for line in wrap(f"Next: {finding.next_step}", width - 4)]
    return [f"  {line}" for line in lines]
