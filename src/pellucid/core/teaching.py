"""What the docstring of a view tells its reader: a line, paragraphs that teach, what to try, help for the controls."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SECTION = re.compile(r"(Try|Args|Returns|Raises|Cost|Source|Example|Examples|Note|Attributes):$")
_ARGUMENT = re.compile(r"\*{0,2}(\w+)(?: \([^)]*\))?:\s*(.*)")


@dataclass(frozen=True, kw_only=True)
class Teaching:
    """A docstring, taken apart.

    Attributes:
        summary: Its first line.
        teaches: Its paragraphs, before the sections.
        tries: What stands below "Try:".
        help: What stands below "Args:", by name.
    """

    summary: str = ""
    teaches: tuple[str, ...] = ()
    tries: tuple[str, ...] = ()
    help: Mapping[str, str]


def teaching_of(text: str) -> Teaching:
    """Take a docstring apart.

    Args:
        text: In Google's form, without the common indent.

    Returns:
        Its parts; broken lines are joined.
    """
    sections: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.splitlines():
        found = _SECTION.match(line)
        if found:
            name = found[1]
        sections.setdefault(name, [])
        if not found:
            sections[name].append(line)
    summary, *teaches = _paragraphs(sections[""]) or [""]
    return Teaching(
        summary=summary,
        teaches=tuple(teaches),
        tries=tuple(one.removeprefix("- ") for one in _items(sections.get("Try", []))),
        help=_help(_items(sections.get("Args", []))),
    )


def _paragraphs(lines: Sequence[str]) -> list[str]:
    blocks = "\n".join(line.strip() for line in lines).split("\n\n")
    return [" ".join(block.split()) for block in blocks if block.strip()]


def _items(lines: Sequence[str]) -> list[str]:
    """Join lines that are indented deeper than the first to the item that they go on."""
    items: list[str] = []
    depth = next((len(line) - len(line.lstrip()) for line in lines if line.strip()), 0)
    for line in lines:
        if not line.strip():
            continue
        if len(line) - len(line.lstrip()) > depth and items:
            items[-1] += f" {line.strip()}"
        else:
            items.append(line.strip())
    return items


def _help(items: Sequence[str]) -> dict[str, str]:
    found = [_ARGUMENT.match(item) for item in items]
    return {one[1]: one[2] for one in found if one}
