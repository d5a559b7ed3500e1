"""Progress: what the line says, where it goes, and that it never gets in the way."""

import io
import random
import re
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from pellucid.core import progress
from pellucid.core.errors import InputError
from pellucid.core.progress import Loop, each, telling


class Clock:
    """A clock that is moved by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give a clock to what tells of progress."""
    made = Clock()
    monkeypatch.setattr(progress, "monotonic", made)
    return made


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True

    def lines(self) -> list[str]:
        """Return what stood in the line, one after the other."""
        return [one.rstrip() for one in self.getvalue().split("\r") if one.strip()]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make the error stream a terminal of 60 columns; not in sys, where pytest puts its own between set-up and test."""
    made = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=made))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    return made


def worked(clock: Clock, count: int = 40, *, seconds: float = 1.0, name: str = "curves") -> None:
    """Do jobs that take so long each."""
    for _ in each(range(count), name):
        clock.now += seconds


def test_what_ends_soon_says_nothing(clock: Clock, terminal: Terminal) -> None:
    """Within two seconds."""
    with telling("faithfulness"):
        worked(clock, 19, seconds=0.1)
    assert terminal.getvalue() == ""


def test_on_a_terminal_one_line_is_rewritten_and_taken_away(clock: Clock, terminal: Terminal) -> None:
    """With what is done, how much of it, and how long it still takes; no faster than four times a second."""
    with telling("faithfulness"):
        worked(clock, 40)
        assert terminal.getvalue().split("\r")[1:3] == [
            "faithfulness: curves 2 of 40, about 38 s left",
            "faithfulness: curves 3 of 40, about 37 s left",
        ]
        assert len(terminal.getvalue().split("\r")) == 1 + 39
        assert "\n" not in terminal.getvalue()
        shown = terminal.getvalue().split("\r")[-1]
    assert terminal.getvalue().endswith("\r" + " " * len(shown.rstrip()) + "\r")


def test_a_line_covers_the_one_before_and_fits_on_the_terminal(
    clock: Clock, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shorter one is filled up with blanks, and a long one is cut off."""
    monkeypatch.setenv("COLUMNS", "30")
    with telling("faithfulness"):
        worked(clock, 3, seconds=3, name="a name that is longer than the terminal")
        worked(clock, 2, seconds=3, name="maps")
    first = "faithfulness: a name that is "
    assert terminal.getvalue().split("\r")[3:] == [
        first,
        "faithfulness: maps 1 of 2, ab",
        "faithfulness: maps 2 of 2    ",
        " " * 25,
        "",
    ]


@pytest.mark.parametrize("stream", ["pipe", "dumb terminal"])
def test_elsewhere_a_line_is_added_every_half_minute(
    stream: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends with a newline, so that a log stays readable."""
    written = Terminal() if stream == "dumb terminal" else io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setenv("TERM", "dumb" if stream == "dumb terminal" else "xterm")
    with telling("shortcuts"):
        worked(clock, 60)
    assert written.getvalue() == (
        "shortcuts: curves 2 of 60, about 58 s left\nshortcuts: curves 32 of 60, about 28 s left\n"
    )


def test_a_notebook_is_written_to_in_place(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stream is no terminal, and goes back to the begin of the line all the same."""
    written = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr(sys, "stderr", written)
    with telling("maximize"):
        worked(clock, 4)
    assert written.getvalue().startswith("\rmaximize: curves 2 of 4, about 2 s left\rmaximize: curves 3 of 4")


def test_the_line_goes_after_an_exception(clock: Clock, terminal: Terminal) -> None:
    """And what comes next begins anew."""

    def stopped() -> None:
        for _ in each(range(9), "steps"):
            clock.now += 3
            if clock.now > 110:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), telling("dream"):
        stopped()
    assert terminal.getvalue().endswith(" \r")
    with telling("dream"):
        clock.now += 3
        worked(clock, 2, seconds=0.5, name="steps")
    assert terminal.lines()[-3:] == [
        "dream: steps 0 of 2",
        "dream: steps 1 of 2, about 1 s left",
        "dream: steps 2 of 2",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (59.6, "60 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (9000, "2.5 h")]
)
def test_durations_are_as_long_as_they_must(seconds: float, words: str) -> None:
    """Seconds, minutes or hours."""
    assert progress._duration(seconds) == words


def test_inner_loops_say_how_much_of_a_job_is_done(clock: Clock, terminal: Terminal) -> None:
    """The named one of them is named, by its own count; the time is that of everything."""
    with telling("faithfulness"):
        loop = Loop(100)
        loop.at(0, 20)
        worked(clock, 2, seconds=10, name="boxes")
        loop.at(20, 80)
        for _ in each(range(2), "noisy copies"):
            worked(clock, 2, seconds=20, name="maps")
    assert terminal.lines() == [
        "faithfulness: boxes 1 of 2, about 2 min left",
        "faithfulness: boxes 2 of 2, about 80 s left",
        "faithfulness: noisy copies 0 of 2, about 60 s left",
        "faithfulness: noisy copies 1 of 2, about 40 s left",
        "faithfulness: noisy copies 1 of 2, about 20 s left",
        "faithfulness: noisy copies 2 of 2",
    ]


def test_what_has_no_length_is_counted(clock: Clock, terminal: Terminal) -> None:
    """A loader that does not know how long it is: no share, and no time; what is inside one batch changes nothing."""

    class Loader:
        def __iter__(self) -> Iterator[int]:
            """Yield a few."""
            yield from range(3)

        def __len__(self) -> int:
            """Fail, as loaders of iterable data do."""
            raise TypeError("no length")

    told: list[tuple[int, int]] = []
    for how in (None, lambda *one: told.append(one)):
        with telling("filters", how):
            for _ in each(Loader(), "batches"):
                worked(clock, 2, name="")
    assert terminal.lines() == [f"filters: batches {one}" for one in (0, 1, 1, 2, 2)]
    assert told == [(1, 0), (2, 0), (3, 0)]


def test_a_function_is_called_with_what_is_done_of_all(clock: Clock, terminal: Terminal) -> None:
    """Once for each that is done, also by inner loops; nothing is written."""
    told: list[tuple[int, int]] = []
    with telling("maximize", lambda done, total: told.append((done, total))):
        loop = Loop(8, "steps")
        loop.at(0, 8)
        for _ in each(range(2)):
            worked(clock, 4, name="")
    assert told == [(one, 8) for one in range(1, 9)]
    assert terminal.getvalue() == ""


def test_only_the_outermost_speaks(clock: Clock, terminal: Terminal) -> None:
    """What it calls is silent, and does not take its place; a function is called wherever it is given."""
    told: list[tuple[int, int]] = []
    with telling("shortcuts"):
        for _ in each(range(2), "classes"):
            with telling("saliency"):
                worked(clock, 3, name="maps")
            with telling("saliency", lambda *one: told.append(one)):
                worked(clock, 1)
    names = {line.partition(" of")[0] for line in terminal.lines()}
    assert names == {"shortcuts: classes 1", "shortcuts: classes 2"}
    assert told == [(1, 1), (1, 1)]


def test_false_is_silence(clock: Clock, terminal: Terminal) -> None:
    """Also of what is inside."""
    with telling("shortcuts", progress=False):
        worked(clock)
        with telling("saliency"):
            worked(clock)
    assert terminal.getvalue() == ""


def test_without_anybody_who_tells_nothing_is_said(clock: Clock, terminal: Terminal) -> None:
    """A loop is then a plain one."""
    worked(clock)
    loop = Loop(3)
    loop.at(1, 1)
    assert terminal.getvalue() == ""


class Broken(io.StringIO):
    """A stream that nothing can be written to."""

    def write(self, text: str) -> int:
        """Fail."""
        raise OSError("No space left on device")


def closed() -> io.StringIO:
    """Return a stream that was closed."""
    made = io.StringIO()
    made.close()
    return made


@pytest.mark.parametrize("stream", [None, object(), Broken(), closed()])
def test_a_line_that_cannot_be_written_is_none(stream: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work goes on."""
    monkeypatch.setattr(sys, "stderr", stream)
    done = []
    with telling("faithfulness"):
        for one in each(range(9)):
            clock.now += 5
            done.append(one)
    assert done == list(range(9))


def test_each_thread_tells_for_itself(clock: Clock) -> None:
    """A thread is not inside what another does, and its function hears of its own work only."""
    heard: dict[int, list[int]] = {0: [], 1: []}
    meet = threading.Barrier(2, timeout=60)

    def work(number: int) -> None:
        with telling("saliency", lambda done, _: heard[number].append(done)):
            for _ in each(range(3 + number)):
                meet.wait() if len(heard[number]) < 2 else None

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert heard == {0: [1, 2, 3], 1: [1, 2, 3, 4]}


def test_random_states_stay(clock: Clock, terminal: Terminal) -> None:
    """Nothing is drawn."""
    before = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    with telling("dream"):
        worked(clock)
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert np.random.get_state()[1].tolist() == before[2]  # noqa: NPY002


def test_a_loop_that_is_left_early_leaves_no_trace(clock: Clock) -> None:
    """The next counts from its own begin."""
    told: list[tuple[int, int]] = []
    with telling("shortcuts", lambda *one: told.append(one)):
        for number in each(range(10), "batches"):
            if number == 2:
                break
        worked(clock, 2)
    assert told == [(1, 10), (2, 10), (1, 2), (2, 2)]


@pytest.mark.parametrize("given", ["yes", 1, 0.5])
def test_another_kind_of_progress_is_refused(given: Any) -> None:
    """With what is taken."""
    expected = (
        f"progress={given!r} came; expected None for a line on stderr, False for silence, or a function that is given "
        "(done, in all)."
    )
    with pytest.raises(InputError, match=f"^{re.escape(expected)}$"), telling("dream", given):
        pass
