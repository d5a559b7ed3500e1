"""`pellucid demo`: a healthy network and three sick ones are trained, watched and named; a real one is looked into."""

import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pellucid.cli.photograph import look_at_photograph
from pellucid.cli.terminal import console, counting, level_text, verdict_words
from pellucid.core.errors import InputError
from pellucid.core.figure.words import number, percent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pellucid.gallery import Trainee
    from pellucid.outlets.store import Run

EXAMPLES = (
    "\n[bold]Examples[/]\n"
    "  pellucid demo                      writes runs/demo-…, report.html and report-photograph.html\n"
    "  pellucid demo --folder /tmp/runs --report /tmp/report.html --seed 1"
)

MADE_BY = "pellucid demo"
EVERY, CHECK_EVERY, JUDGE_EVERY = 10, 40, 40
INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Patient:
    """One network of the demo.

    Attributes:
        name: Directory of its run.
        about: What was done to it, in a sentence.
        fault: Name of the injection of the gallery; None for the healthy one.
        steps: Training steps.
    """

    name: str
    about: str
    fault: str | None
    steps: int


PATIENTS = (
    Patient(name="demo-healthy", about="A ReLU network with nothing wrong.", fault=None, steps=200),
    Patient(
        name="demo-dying-relu",
        about="The same network, trained by SGD at a learning rate of 0.6.",
        fault="dying-relu-rate",
        steps=200,
    ),
    Patient(
        name="demo-vanishing-gradient",
        about="Twelve plain sigmoid layers.",
        fault="vanishing-sigmoid",
        steps=200,
    ),
    Patient(
        name="demo-random-labels",
        about="The healthy network again, but the labels are shuffled: there is nothing to learn.",
        fault="permuted-labels",
        steps=400,
    ),
)


def run_demo(
    *,
    folder: Annotated[Path, typer.Option("--folder", help="Where the runs go.")] = Path("runs"),
    report: Annotated[Path, typer.Option("--report", help="Where the page goes.")] = Path("report.html"),
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides everything random.")] = 0,
) -> None:
    """Train a healthy network and three sick ones on handwritten digits, and see each of them named.

    Real training in half a minute, each run watched with one line of code.
    Then a real classifier is asked what it sees in a photograph, and where.
    Leaves four runs and two pages. A second demo replaces the runs of the
    first, and no others. Ctrl-C leaves what was done so far.
    """
    from pellucid.core.extras import require

    require("sklearn", extra="gallery", purpose="the digits of the demo")
    screen = console()
    done: list[Path] = []
    try:
        with _one_thread():
            for patient in PATIENTS:
                _make_room(folder / patient.name, patient.about)
                done.append(folder / patient.name)
                _treat(patient, folder / patient.name, seed, screen)
            seen = look_at_photograph(report.with_name(f"{report.stem}-photograph.html"), screen)
        runs, page = _write_report(done, report)
    except KeyboardInterrupt:
        screen.print(f"\nStopped. What was done is kept; list it with: pellucid runs {folder}")
        raise typer.Exit(INTERRUPTED) from None
    # In a virtual environment that is not activated the command goes by its path.
    command = "pellucid" if shutil.which("pellucid") else Path(sys.argv[0])
    for what, how in (
        ("the evidence, the pictures, what to do", f"{page} in a browser"),
        *((("where a classifier of photographs sees an espresso", f"{seen} in a browser"),) if seen else ()),
        ("the same live, runs side by side, pages to learn from", f"{command} open {folder}"),
        ("what a rule looks for", f"{command} explain {_first_code(runs)}"),
    ):
        screen.print(f"{how}\n    {what}", soft_wrap=True)


def _make_room(path: Path, about: str) -> None:
    """Delete the run of an earlier demo, refuse to touch any other, and begin a new one that is marked as ours."""
    from pellucid.core.recorder import open_store
    from pellucid.outlets.store import Run
    from pellucid.outlets.store.layout import is_run

    if is_run(path):
        if Run(path).facts.get("made_by") != MADE_BY:
            raise InputError(f"{path} holds a run that the demo did not make. Give another folder with --folder.")
        Run(path).delete()
    # Marked before it is trained, so that an interrupted run is known as ours as well.
    recorder = open_store(path)
    recorder.describe({"made_by": MADE_BY, "about": about})
    recorder.close("stopped")


@contextmanager
def _one_thread() -> Generator[None]:
    """Train on one thread: networks this small only lose by more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _treat(patient: Patient, path: Path, seed: int, screen: "Console") -> None:
    """Train and watch one network, and print its verdict as soon as it is known."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from pellucid.gallery import train
    from pellucid.sessions.watch import WatchOptions, watch

    trainee = _trainee(patient, seed)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(f"{patient.name:<24}", total=patient.steps)

        def advance(done: int, steps: int) -> None:
            bar.update(task, completed=done)
            if screen.is_terminal and done % JUDGE_EVERY == 0 and done < steps:
                found = watched.findings
                words = f"{patient.name:<24}{verdict_words(found)}" if found.problems else f"{patient.name:<24}"
                bar.update(task, description=words)

        options = WatchOptions(resume=True, on_finding=None)
        with watch(
            trainee.model,
            trainee.optimizer,
            run=path,
            every=EVERY,
            check=trainee.check,
            check_every=CHECK_EVERY,
            loss=trainee.loss,
            options=options,
        ) as watched:
            train(trainee, watched, progress=advance)
    screen.print(_line(patient, path))


def _trainee(patient: Patient, seed: int) -> "Trainee":
    from pellucid.gallery import INJECTIONS, build, healthy

    well = build(replace(healthy("mlp", seed=seed), steps=patient.steps))
    return well if patient.fault is None else INJECTIONS[patient.fault].apply(well)


def _line(patient: Patient, path: Path) -> "Text":
    """How a run ended: its verdict, and below it the numbers that it is about."""
    from rich.text import Text

    from pellucid.outlets.store import Run

    run = Run(path)
    findings, curves = run.findings, run.scalars()
    last = {name: float(curve.values[-1]) for name, curve in curves.items() if len(curve.values)}
    loss, right = number(last.get("loss", float("nan"))), last.get("val_accuracy", float("nan"))
    ended = f"\n{'':<24}loss {loss}, held-out accuracy {percent(right)}"
    return Text(f"{patient.name:<24}") + level_text(findings.level, verdict_words(findings)) + ended


def _write_report(paths: list[Path], report: Path) -> "tuple[list[Run], Path]":
    from pellucid.outlets.report.build import write_report
    from pellucid.outlets.report.sheet import sheet_of_run
    from pellucid.outlets.store import Run

    runs = [Run(path) for path in paths]
    with counting("Drawing the report") as progress:
        sheets = [sheet_of_run(run) for run in runs]
        return runs, write_report(sheets, report, title="Pellucid demo", progress=progress)


def _first_code(runs: "list[Run]") -> str:
    return next((run.findings.problems[0].code for run in runs if run.findings.problems), "ACT001")
