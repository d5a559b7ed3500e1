"""`pellucid runs`: the runs in a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.terminal import console, level_text, print_json, verdict_words
from pellucid.core.figure.words import number, plain

if TYPE_CHECKING:
    from rich.table import Table

    from pellucid.outlets.store import Run

EXAMPLES = (
    "\n[bold]Examples[/]\n"
    "  pellucid runs                  every run in the folder runs\n"
    "  pellucid runs sweeps/width     another folder\n"
    "  pellucid runs --json           the same for a program to read"
)


def list_runs(
    folder: Annotated[Path, typer.Argument(help="Folder with run directories in it, or one run.")] = Path("runs"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """List the runs directly in a folder, newest first: status, verdict, steps, last loss, duration and size.

    A run is a directory that pel.watch(..., run="runs/name") wrote. Runs that
    are being written, and runs that were killed, are listed with the verdict
    as far as it goes.
    """
    found = runs_in(folder)
    if as_json:
        print_json([_row(run) for run in found])
    elif found:
        console().print(_table(found))
    else:
        print(f"No runs in {folder}. Write one with: pel.watch(model, optimizer, run='{folder}/name')")


def runs_in(path: Path) -> "list[Run]":
    """Return the runs in a folder, or the one run that the path is.

    Args:
        path: A folder of runs, or a run directory.

    Returns:
        The runs, newest first; may be empty.

    Raises:
        StoreError: There is no such folder or run.
    """
    from pellucid.outlets.store import Run
    from pellucid.outlets.store.layout import is_run

    # Of a path that leads nowhere Run says what is near.
    return Run.list(path) if path.is_dir() and not is_run(path) else [Run(path)]


def _last_loss(run: "Run") -> float | None:
    curves = run.scalars()
    return float(curves["loss"].values[-1]) if "loss" in curves and len(curves["loss"].values) else None


def _row(run: "Run") -> dict[str, Any]:
    findings, started = run.findings, run.started
    return {
        "name": run.name,
        "path": str(run.path),
        "status": run.status,
        "verdict": findings.level.value,
        "headline": findings.headline,
        "steps": run.steps,
        "last_loss": _last_loss(run),
        "seconds": run.seconds,
        "bytes": run.bytes,
        "started": started.isoformat() if started is not None else None,
        "findings": [one.as_dict() for one in findings.problems],
    }


def _table(runs: "list[Run]") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from pellucid.outlets.page.words import duration, size

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    # The verdict stands below the name: beside it there is no room in 80 columns.
    table.add_column("run and verdict", overflow="fold", ratio=1)
    table.add_column("status", no_wrap=True)
    for name in ("steps", "last loss", "time", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    for run in runs:
        findings, loss = run.findings, _last_loss(run)
        verdict = level_text(findings.level, verdict_words(findings))
        table.add_row(
            Text(f"{plain(run.name)}\n", style="bold") + verdict,
            run.status,
            f"{run.steps:,}",
            "–" if loss is None else number(loss),
            duration(run.seconds),
            size(run.bytes),
        )
    return table
