"""`pellucid checkup`: one verdict on a finished model, with an exit status for CI."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.loading import load_subject
from pellucid.cli.terminal import console, counting, level_text, print_json, verdict_words, working
from pellucid.core.finding import Level

if TYPE_CHECKING:
    from pellucid.sessions.checkup import Checkup

EXAMPLES = (
    "\n[bold]Examples[/]\n"
    "  pellucid checkup my_project.models:make_subject\n"
    "  pellucid checkup my_project.models:make_subject -o checkup.html\n"
    "  pellucid checkup my_project.models:make_subject --json | jq .headline\n\n"
    "[bold]my_project/models.py[/]\n"
    "  def make_subject():\n"
    "      model = load_my_model()\n"
    "      loader = DataLoader(held_out, 256)    # (input, target), 512 or more\n"
    "      return model, loader, torch.nn.functional.cross_entropy\n\n"
    "[bold]Exit status[/]\n"
    "  0 no alarm    1 an alarm    2 it could not be examined"
)


def examine(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:CALLABLE",
            help="A callable without arguments that returns a pel.Subject, or (model, loader, loss).",
        ),
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the checkup as an HTML page.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Held-out examples to use at the most.")] = 1024,
    in_full: Annotated[
        bool, typer.Option("--all", help="Also list what passed and what was not measured, and why.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Examine a finished model on held-out data, and say what is wrong with it.

    The working directory is importable. Nothing is trained, and the model is
    not changed. The exit status is 1 when there is an alarm, so that a pipeline
    can stop there.
    """
    # What the user's code prints while it loads goes to the error stream: standard output is the verdict alone.
    with redirect_stdout(sys.stderr):
        found = _examined(target, samples)
        page = None if output is None else _page(found, output)
    if as_json:
        print_json(_plain(found, page))
    else:
        _show(found, page, target=target, in_full=in_full)
    if found.findings.level is Level.ALARM:
        raise typer.Exit(1)


def _examined(target: str, samples: int) -> "Checkup":
    from pellucid.sessions.checkup import checkup

    with working("Looking") as progress:
        subject = load_subject(target, Path.cwd())
        return checkup(subject, samples=samples, progress=progress)


def _page(found: "Checkup", output: Path) -> Path:
    from pellucid.outlets.report.build import write_report
    from pellucid.outlets.report.sheet import sheet_of_checkup

    with counting("Drawing") as progress:
        return write_report([sheet_of_checkup(found)], output, title=f"Checkup of {found.name}", progress=progress)


def _plain(found: "Checkup", page: Path | None) -> dict[str, Any]:
    return {
        "name": found.name,
        "verdict": found.findings.level.value,
        "headline": found.findings.headline,
        "seconds": found.seconds,
        "findings": found.findings.as_dicts(),
        "skipped": dict(found.skipped),
        "report": None if page is None else str(page),
    }


def _show(found: "Checkup", page: Path | None, *, target: str, in_full: bool) -> None:
    from rich.text import Text

    from pellucid.core.figure.words import plain
    from pellucid.core.theme import LEVEL_STYLES
    from pellucid.core.verdict import verdict_text

    screen = console()
    screen.print(Text(f"Checkup of {plain(found.name)} ({found.seconds:.1f} s)", style="bold"))
    screen.print(level_text(found.findings.level, verdict_words(found.findings)))
    screen.print()
    styles = {f"{level.value}: ": LEVEL_STYLES[level] for level in Level}
    how = f"pellucid checkup {target} --all"
    for line in verdict_text(found.findings, width=screen.width, in_full=in_full, how=how).splitlines():
        words = line.lstrip().partition(" ")[2]
        style = next((look for start, look in styles.items() if words.startswith(start)), "")
        screen.print(Text(line, style=style))
    for window, reason in found.skipped.items():
        screen.print(Text(plain(f"not looked at: {window}: {reason}"), style="dim"))
    if page is not None:
        print(f"\nWrote {page}.")
