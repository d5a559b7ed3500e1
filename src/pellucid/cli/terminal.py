"""What every subcommand prints with: consoles, levels, plain JSON, progress."""

import json
import math
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from pellucid.core.figure.words import plain
from pellucid.core.finding import Level
from pellucid.core.theme import LEVEL_STYLES, LEVEL_SYMBOLS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pellucid.core.judge import Findings


def console(*, stderr: bool = False) -> "Console":
    """Return a console: colour only on a terminal that wants it, 80 columns where there is none.

    Args:
        stderr: Write to the error stream.

    Returns:
        A console of rich that takes every text as it is.
    """
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def say_error(message: str) -> None:
    """Print one line on the error stream."""
    print(f"pellucid: {plain(message)}", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print plain JSON; what JSON has no number for (NaN, infinity) becomes null."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    # Half a character, which UTF-8 has no bytes for, becomes the escape that JSON has for it.
    print(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def finite(value: Any) -> Any:
    """Return plain values with null in place of NaN and infinity.

    Args:
        value: Mappings, lists, tuples and plain values.

    Returns:
        The same nesting.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(one) for key, one in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in cast("list[Any]", value)]
    return value


def level_text(level: Level, words: str) -> "Text":
    """Return words after the symbol of a level, in its colour."""
    from rich.text import Text

    return Text(f"{LEVEL_SYMBOLS[level]} {plain(words)}", style=LEVEL_STYLES[level])


def verdict_words(findings: "Findings") -> str:
    """Return the verdict in a few words: the first problem with its place and step, or how the checks went."""
    if findings.problems:
        first = findings.problems[0]
        place = f" at {first.where}" if first.where else ""
        onset = f", step {first.step:,}" if first.step is not None else ""
        return f"{first.title}{place}{onset}"
    return findings.tally or "not enough data yet"


@contextmanager
def working(what: str) -> Generator[Callable[[str], None]]:
    """Show on the error stream that something goes on, while it does, when that is a terminal.

    Args:
        what: What is done, in a few words.

    Yields:
        A function to call with the name of each step.
    """
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield lambda _: None
        return
    with screen.status(what) as status:
        yield lambda step: status.update(f"{what}: {plain(step)}")


@contextmanager
def counting(what: str) -> Generator[Callable[[int, int, str], None]]:
    """Show a progress bar on the error stream, when that is a terminal.

    Args:
        what: What is done, in a few words.

    Yields:
        A function to call with the steps done, the steps in all, and the name of the step that begins.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    screen = console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int, step: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{what}: {plain(step)}")

        yield show
