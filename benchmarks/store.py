"""Print what the store of a run costs for 100,000 scalars, and a list of 200 runs, each beside plain SQLite.

Run: python benchmarks/store.py
"""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pellucid import Run
from pellucid.outlets.store.writer import RunWriter

STEPS, AT_ONCE, RUNS = 100_000, 5_000, 200
MOST_MICROSECONDS_A_ROW, MOST_READ_SECONDS, MOST_LIST_SECONDS = 50.0, 1.0, 1.0


def measured(work: Callable[[], object]) -> float:
    """Return the CPU seconds of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def write_run(path: Path) -> None:
    """Write one scalar a step, with a flush every 5,000."""
    writer = RunWriter.open(path)
    values = np.random.default_rng(0).standard_normal(STEPS)
    for first in range(0, STEPS, AT_ONCE):
        writer.scalars((step, "loss", values[step]) for step in range(first, first + AT_ONCE))
        writer.flush()
    writer.close("finished")


def write_plain(path: Path) -> None:
    """Write the same rows with sqlite3 alone."""
    values = np.random.default_rng(0).standard_normal(STEPS)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE scalars (step INTEGER, name TEXT, value REAL, PRIMARY KEY (step, name))")
    for first in range(0, STEPS, AT_ONCE):
        rows = [(step, "loss", float(values[step])) for step in range(first, first + AT_ONCE)]
        with connection:
            connection.executemany("INSERT INTO scalars VALUES (?, ?, ?)", rows)
    connection.close()


def read_plain(path: Path, query: str = "SELECT * FROM scalars") -> None:
    """Open a database, ask one thing and close it again, with sqlite3 alone."""
    connection = sqlite3.connect(path)
    connection.execute(query).fetchall()
    connection.close()


def main() -> None:
    """Measure each beside its floor."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows = {
            "write 100,000": (measured(lambda: write_run(home / "run")), measured(lambda: write_plain(home / "plain"))),
            "read 100,000": (
                measured(lambda: Run(home / "run").scalars()),
                measured(lambda: read_plain(home / "plain")),
            ),
        }
        runs = home / "runs"
        for index in range(RUNS):
            shutil.copytree(home / "run", runs / f"run {index:03}")
        rows["list 200 runs"] = (
            measured(lambda: [(run.name, run.status, run.steps) for run in Run.list(runs)]),
            measured(lambda: [read_plain(home / "plain", "SELECT max(step) FROM scalars") for _ in range(RUNS)]),
        )
    for name, (ours, floor) in rows.items():
        print(f"{name:14} {ours:6.3f} CPU s   floor {floor:6.3f}   {ours / floor:6.2f} x")
    took = [ours for ours, _ in rows.values()]
    assert took[0] / STEPS * 1e6 < MOST_MICROSECONDS_A_ROW, f"{took[0]:.2f} CPU seconds to write {STEPS:,} rows"
    assert took[1] < MOST_READ_SECONDS, f"{took[1]:.2f} CPU seconds to read {STEPS:,} rows"
    assert took[2] < MOST_LIST_SECONDS, f"{took[2]:.2f} CPU seconds to list {RUNS} runs"


if __name__ == "__main__":
    main()
