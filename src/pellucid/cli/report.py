"""`pellucid report`: runs as one page that opens offline."""

from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli.runs import runs_in
from pellucid.cli.terminal import counting
from pellucid.core.errors import InputError

EXAMPLES = (
    "\n[bold]Examples[/]\n"
    "  pellucid report runs/first                        writes report.html\n"
    "  pellucid report runs/first runs/second -o compare.html\n"
    "  pellucid report runs                              every run in the folder"
)


def make_report(
    run: Annotated[list[Path], typer.Argument(help="Run directories, or folders of them.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the page.")] = Path("report.html"),
) -> None:
    """Write runs as one HTML page: the verdicts first, then their evidence and the pictures.

    The page is one file that asks nothing of the network: send it,
    or keep it with the run.
    """
    from pellucid.outlets.report.build import write_report
    from pellucid.outlets.report.sheet import sheet_of_run

    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"A report is an HTML page, and '{output}' does not end in .html.")
    found = {one.path: one for path in run for one in runs_in(path)}  # a run that is named twice comes once
    if not found:
        raise InputError(f"There are no runs in {', '.join(str(path) for path in run)}. List them with: pellucid runs")
    title = f"Run {next(iter(found.values())).name}" if len(found) == 1 else f"{len(found)} runs"
    with counting("Drawing") as progress:
        path = write_report([sheet_of_run(one) for one in found.values()], output, title=title, progress=progress)
    print(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB).")
