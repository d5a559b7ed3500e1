"""`pellucid rules`: every rule, by order of cause."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.terminal import console, print_json
from pellucid.core.figure.words import number

if TYPE_CHECKING:
    from pellucid.core.judge import Limits
    from pellucid.core.rule import Rule

EXAMPLES = (
    "\n[bold]Examples[/]\n"
    "  pellucid rules            the list; explain CODE tells more about one\n"
    "  pellucid rules --json     the same for a program to read\n\n"
    "Limits are set in pyproject.toml:\n"
    "  \\[tool.pellucid.rules]\n"
    "  ACT001.alarm = 0.6"
)


def list_rules(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False
) -> None:
    """List the rules that judge a run or a model: code, title, window and limits.

    They stand in the order of causes: a finding of a rule further up may explain
    one further down, which is then folded under it. A limit that pyproject.toml
    sets is marked with *.
    """
    from rich import box
    from rich.table import Table

    limits, known = in_order()
    if as_json:
        print_json([described(rule, limits) for rule in known])
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("code", no_wrap=True)
    table.add_column("title", overflow="fold")
    table.add_column("window", no_wrap=True)
    table.add_column("limits", overflow="fold", ratio=1)
    for rule in known:
        table.add_row(rule.code, rule.title, window_of(rule), _limits_in_a_line(rule, limits))
    console().print(table)


def in_order() -> "tuple[Limits, list[Rule]]":
    """Return the configured limits, and every rule by order of cause and then by code."""
    from pellucid.core.judge import configured_limits
    from pellucid.public import rules

    return configured_limits(), sorted(rules(), key=lambda rule: (rule.order, rule.code))


def window_of(rule: "Rule") -> str:
    """Return the name of the window whose results the rule judges."""
    return rule.result.kind.partition(".")[0]


def described(rule: "Rule", limits: "Limits") -> dict[str, Any]:
    """Return everything about a rule as plain values.

    Args:
        rule: Which rule.
        limits: The configured limits by code and name.

    Returns:
        Code, title, window, place in the order of causes, what it explains, limits, and the parts of its reasons.
    """
    configured = limits.get(rule.code, {})
    return {
        "code": rule.code,
        "title": rule.title,
        "window": window_of(rule),
        "order": rule.order,
        "explains": list(rule.explains),
        "limits": {
            name: {"default": default, "value": configured.get(name, default), "configured": name in configured}
            for name, default in rule.limits.items()
        },
        "sections": dict(rule.sections),
    }


def _limits_in_a_line(rule: "Rule", limits: "Limits") -> str:
    configured = limits.get(rule.code, {})
    return ", ".join(
        f"{name} {number(configured.get(name, default))}{'*' if name in configured else ''}"
        for name, default in rule.limits.items()
    )
