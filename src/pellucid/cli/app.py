"""The command line put together; each subcommand is in the file of its name and imports what it needs when called."""

import sys
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pellucid.cli import checkup, demo, explain, report, rules, runs
from pellucid.cli import open as opening
from pellucid.cli.terminal import say_error
from pellucid.core.errors import PellucidError

REFUSED = 2
"""Exit status of everything that could not be done; 1 is left to `checkup`, where it means an alarm."""


class _Commands(TyperGroup):
    """Subcommands whose refusals are one line on the error stream."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order in which they were added, which is the order of a first reading."""
        del ctx
        return list(self.commands)

    def invoke(self, ctx: Any) -> Any:
        """Run a subcommand; what pellucid refuses becomes a sentence and an exit status."""
        try:
            return super().invoke(ctx)
        except PellucidError as error:
            say_error(str(error))
            raise typer.Exit(REFUSED) from error


app = typer.Typer(
    name="pellucid",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "\n[bold]Where to begin[/]\n"
        "  pellucid demo                       see what it does, in half a minute\n"
        "  pellucid runs                       the runs that pel.watch(...) left\n"
        "  pellucid open                       look at them in the browser, live\n"
        "  pellucid report runs/first          one of them as a page that opens offline\n"
        "  pellucid checkup my_module:make     one verdict on a finished model, for CI\n"
        "  pellucid explain ACT001             why a rule spoke, and its limits"
    ),
)


def _show_version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        print(f"pellucid {version('pellucid')}")
        raise typer.Exit
    return wanted


@app.callback()
def about(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """See inside PyTorch models: pictures of what a network does, each with a verdict and its evidence."""
    del version


app.command("demo", epilog=demo.EXAMPLES)(demo.run_demo)
app.command("runs", epilog=runs.EXAMPLES)(runs.list_runs)
app.command("open", epilog=opening.EXAMPLES)(opening.open_explorer)
app.command("report", epilog=report.EXAMPLES)(report.make_report)
app.command("checkup", epilog=checkup.EXAMPLES)(checkup.examine)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain_rule)
app.command("rules", epilog=rules.EXAMPLES)(rules.list_rules)


def main() -> None:
    """Run the command line; ends the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a sign gets a question mark, not a crash.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="pellucid")
