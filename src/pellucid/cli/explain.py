"""`pellucid explain`: one rule, with its reasons."""

from typing import Annotated

import typer

from pellucid.cli.rules import described, in_order, window_of
from pellucid.cli.terminal import console, print_json
from pellucid.core.figure.words import number, wrap

EXAMPLES = (
    "\n[bold]Examples[/]\n"
    "  pellucid explain ACT001           what it looks for, why, and where its limit comes from\n"
    "  pellucid explain act001 --json    the same for a program to read"
)


def explain_rule(
    code: Annotated[str, typer.Argument(help="Code of the rule, as a finding names it; case does not matter.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Explain a rule: what it looks for, why it matters, its limits and their origin, when it errs, what to do."""
    from rich.text import Text

    from pellucid.core.rule import rule_of

    limits, _ = in_order()
    rule = rule_of(code)
    if as_json:
        print_json(described(rule, limits))
        return
    screen = console()
    screen.print(Text(f"{rule.code}  {rule.title}", style="bold"))
    screen.print(f"window {window_of(rule)}, place {rule.order} in the order of causes", style="dim")
    for name, text in rule.sections.items():
        screen.print(Text(f"\n{name}", style="bold"))
        for line in wrap(text[:1].upper() + text[1:], screen.width - 2):
            screen.print(f"  {line}")
    if rule.limits:
        configured = limits.get(rule.code, {})
        screen.print(Text("\nLimits", style="bold"))
        width = max(len(name) for name in rule.limits)
        for name, default in rule.limits.items():
            changed = f"  set to {number(configured[name])} in pyproject.toml" if name in configured else ""
            screen.print(f"  {name:<{width}}  {number(default)}{changed}")
        first, default = next(iter(rule.limits.items()))
        screen.print("\nTo change one, in pyproject.toml:", style="dim")
        screen.print(f"  [tool.pellucid.rules]\n  {rule.code}.{first} = {default:g}", style="dim")
