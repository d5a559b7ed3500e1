"""Several processes, killed processes, torn files and full disks: no run is ever unreadable."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from pellucid.core.errors import RunLockedError
from pellucid.outlets.store import Run, RunWriter
from tests.outlets.store.samples import Watched, watched

PROGRAM = Path(__file__).with_name("writer_process.py")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9, fork and RLIMIT_FSIZE are POSIX")


@contextmanager
def process(mode: str, path: Path, *more: str) -> Generator[subprocess.Popen[str], None, None]:
    """Start a writer; it is dead when the block is left."""
    command = [sys.executable, str(PROGRAM), mode, str(path), *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def line_of(started: subprocess.Popen[str]) -> str:
    """Wait for the next line."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


def check(path: Path, *, flushed: int) -> None:
    """Assert that everything up to the step that was flushed is there, in order and whole."""
    run = Run(path)
    assert run.status == "killed"
    assert run.steps >= flushed + 1
    results = run.results(most=100_000)
    assert run.problems == ()
    if run.steps:
        steps = run.scalars()["loss"].steps
        np.testing.assert_array_equal(steps, range(run.steps))
        found = results["watched"]
        assert isinstance(found, Watched)
        np.testing.assert_array_equal(found.values, watched(0, run.steps - 1).values)


def kill_at_random(path: Path, seed: int) -> None:
    """Start a writer on what the last one left, kill it at a random moment, and check."""
    with process("endless", path) as started:
        assert line_of(started) == "open"
        time.sleep(random.Random(seed).expovariate(1 / 0.05))
        started.kill()
        assert started.stdout is not None
        said = [line for line in started.stdout.read().split("\n")[:-1] if line]
    check(path, flushed=int(said[-1]) if said else -1)


def test_killed_at_random_moments(tmp_path: Path) -> None:
    """Five writers in a row are killed while they write the same run; each finds it whole and goes on."""
    for seed in range(5):
        kill_at_random(tmp_path / "run", seed)


@pytest.mark.slow
def test_killed_at_fifty_random_moments(tmp_path: Path) -> None:
    """The same fifty times, with a fresh run after every tenth."""
    for seed in range(50):
        kill_at_random(tmp_path / f"run {seed // 10}", 1000 + seed)


@pytest.mark.slow
def test_killed_while_starting(tmp_path: Path) -> None:
    """A writer that is killed before it has made the run leaves a directory that the next one can use."""
    for index in range(20):
        with process("endless", tmp_path) as started:
            time.sleep(0.08 + 0.01 * index)
            started.kill()
        if (tmp_path / "run.sqlite").exists():
            assert Run(tmp_path).status == "killed"
            assert Run(tmp_path).problems == ()
    RunWriter.open(tmp_path, resume=True).close("finished")


def test_read_while_written(tmp_path: Path) -> None:
    """A reader sees a consistent and growing run while another process writes, and does not disturb it."""
    with process("endless", tmp_path) as started:
        assert line_of(started) == "open"
        run, seen = Run(tmp_path), [0]
        while seen[-1] < 60:
            results = run.results(most=100_000)
            assert run.problems == ()
            if "watched" in results:
                steps = getattr(results["watched"], "steps")  # noqa: B009
                np.testing.assert_array_equal(steps, range(len(steps)))
                seen.append(len(steps))
        assert seen == sorted(seen)
        assert run.status == "running"
        assert started.poll() is None


def test_two_writers(tmp_path: Path) -> None:
    """The second is refused with the pid of the first, and may write once the first was killed."""
    with process("hold", tmp_path) as started:
        assert line_of(started) == "open"
        assert Run(tmp_path).status == "running"
        with pytest.raises(RunLockedError) as caught:
            RunWriter.open(tmp_path, resume=True)
        assert str(caught.value) == (
            f"The run {tmp_path} is being written by process {started.pid}. "
            "Wait until it has ended, close it, or write to another directory."
        )
        started.kill()
        started.wait()
        assert Run(tmp_path).status == "killed"
        RunWriter.open(tmp_path, resume=True).close("finished")
    assert Run(tmp_path).status == "finished"


def test_readers_do_not_keep_a_writer_out(tmp_path: Path) -> None:
    """Asking for the status takes the lock for a moment; a writer outwaits that."""
    with process("hold", tmp_path) as started:
        assert line_of(started) == "open"
        started.kill()
    watcher = (
        "import fcntl, sys\nfile = open(sys.argv[1])\nfcntl.flock(file, fcntl.LOCK_SH)\nprint('held', flush=True)\n"
        "import time; time.sleep(0.2)"
    )
    command = [sys.executable, "-c", watcher, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert line_of(reader) == "held"
        RunWriter.open(tmp_path, resume=True).close("finished")


def test_a_forked_child_does_not_write(tmp_path: Path) -> None:
    """In a child every method raises, leaving it ends nothing, and the parent goes on."""
    with process("fork", tmp_path) as started:
        assert started.stdout is not None
        said = started.stdout.read().splitlines()
    message = (
        f"Process CHILD was forked from process PARENT, which writes the run {tmp_path}. "
        "A forked process cannot write it; give it a run directory of its own."
    )
    assert said == [message] * 3
    run = Run(tmp_path)
    assert run.status == "finished"
    np.testing.assert_array_equal(run.scalars()["loss"].values, [1.0, 0.5])


def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A worker process that outlives its killed parent does not keep the run locked."""
    with process("orphan", tmp_path) as started:
        child = int(line_of(started))
        try:
            assert started.stdin is not None
            started.stdin.write("\n")
            started.stdin.flush()
            started.wait()
            os.kill(child, 0)
            assert Run(tmp_path).status == "killed"
            RunWriter.open(tmp_path, resume=True).close("finished")
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_full_disk(tmp_path: Path) -> None:
    """Flushing raises StoreError, what was flushed stays readable, and with room again nothing was lost."""
    with process("small", tmp_path, "200000") as started:
        flushed, said = -1, line_of(started)
        while said.isdigit():
            flushed, said = int(said), line_of(started)
        assert said.startswith(f"Could not write the run {tmp_path}: ")
        assert said.endswith(". What was flushed is still there.")
        run = Run(tmp_path)
        assert len(run.scalars()["scalar 7"].steps) >= flushed + 1 > 0
        assert run.problems == ()
        said = line_of(started)
        file = tmp_path / "results" / "watched-0-99.safetensors"
        assert said == f"Could not write {file}: File too large. What was there before is unchanged."
        assert run.problems == ()
        last = int(line_of(started))
        started.wait()
    assert run.status == "failed"
    np.testing.assert_array_equal(run.scalars()["scalar 499"].steps, range(last + 1))
    found = run.results()["watched"]
    assert isinstance(found, Watched)
    assert found.values.shape == (100, 1000)


def test_a_run_that_may_not_be_written(tmp_path: Path) -> None:
    """A finished run of somebody else, in a directory that may not be written, is read and stays as it is."""
    path = tmp_path / "run"
    writer = RunWriter.open(path)
    writer.scalars([(0, "loss", 1.0)])
    writer.result("watched", watched(0, 3), first=0, last=3)
    writer.close("finished")
    files = sorted(path.rglob("*"))
    for one in files:
        one.chmod(0o555 if one.is_dir() else 0o444)
    path.chmod(0o555)
    for one in (tmp_path, *tmp_path.parents):
        if one != Path(tempfile.gettempdir()) and one.is_relative_to(tempfile.gettempdir()):
            one.chmod(0o755)  # how many there are depends on pytest-xdist
    with process("read", path) as started:
        assert line_of(started) == "(1, ['loss', 'watched'], (), 'finished')"
    path.chmod(0o755)
    assert sorted(path.rglob("*")) == files


def test_a_torn_log(tmp_path: Path) -> None:
    """Cut or scrambled anywhere, the log of the index costs the steps at its end and nothing else."""
    whole = _run_with_log(tmp_path)
    log = (whole / "run.sqlite-wal").read_bytes()
    generator = random.Random(0)
    lengths = set[int]()
    for index in range(40):
        torn = tmp_path / f"torn {index}"
        shutil.copytree(whole, torn)
        (torn / "run.sqlite-shm").unlink()
        place = generator.randrange(len(log))
        damage = log[:place] + (b"" if index % 2 else generator.randbytes(min(5000, len(log) - place)))
        (torn / "run.sqlite-wal").write_bytes(damage)
        run = Run(torn)
        assert run.status == "killed"
        steps = run.scalars()["loss"].steps
        np.testing.assert_array_equal(steps, range(len(steps)))
        assert len(steps) == run.steps
        assert run.results()
        assert run.problems == ()
        lengths.add(len(steps))
        RunWriter.open(torn, resume=True).close("finished")
    assert len(lengths) > 5


def _run_with_log(tmp_path: Path) -> Path:
    """Make a run of 20 steps whose log holds the last 18, as a crash of the machine leaves it."""
    import sqlite3
    from contextlib import closing

    path = tmp_path / "whole"
    writer = RunWriter.open(path)
    writer.scalars([(0, "loss", 1.0), (1, "loss", 1.0)])
    writer.flush()
    with closing(sqlite3.connect(path / "run.sqlite")) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM meta").fetchall()  # what comes after this stays in the log while it is read
        for step in range(2, 20):
            writer.scalars([(step, "loss", 1.0)])
            writer.flush()
        shutil.copytree(path, tmp_path / "copy")
    writer.close("finished")
    return tmp_path / "copy"
