"""A process that writes a run. Tests start it, and kill it. It takes modes and a run directory.

    endless PATH     scalars and pieces, flushed again and again; prints the last step after every flush
    hold PATH        opens the run, prints "open", and waits for a line
    fork PATH        opens the run, forks, and prints what the child may do
    orphan PATH      opens the run, forks a child that lives on, prints its pid, and kills itself
    read PATH        reads the run as a user without rights; prints what it found
    small PATH SIZE  may write no file beyond SIZE bytes; prints how flushing ends

It does not run pellucid/__init__, and with it torch, so that it starts in a tenth of a second.
"""

import os
import signal
import sys
import time
import types
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))
package = types.ModuleType("pellucid")
package.__path__ = [str(ROOT / "src" / "pellucid")]
sys.modules["pellucid"] = package

from pellucid.core.errors import StoreError  # noqa: E402
from pellucid.outlets.store import compacting  # noqa: E402
from pellucid.outlets.store.writer import RunWriter  # noqa: E402
from tests.outlets.store.samples import WatchedCut, watched  # noqa: E402

PIECE = 4


def say(text: object) -> None:
    """Write one line to whoever started us."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write(writer: RunWriter, step: int) -> None:
    """Write the scalars and the piece of the steps that begin with `step`, and flush."""
    writer.scalars((one, "loss", 1 / (one + 1)) for one in range(step, step + PIECE))
    piece = watched(step, step + PIECE - 1, kind=WatchedCut)
    writer.result("watched", piece, first=step, last=step + PIECE - 1)
    writer.flush()


def endless(path: str) -> None:
    """Write until killed; pieces are joined as soon as there are three."""
    compacting.FEW = 3
    writer = RunWriter.open(path, resume=True)
    step = writer.first_step
    say("open")
    while True:
        write(writer, step)
        step += PIECE
        say(step - 1)


def hold(path: str) -> None:
    """Hold the lock until told."""
    writer = RunWriter.open(path, resume=True)
    say("open")
    sys.stdin.readline()
    writer.close("finished")


def fork(path: str) -> None:
    """Try to write from a forked child."""
    writer = RunWriter.open(path)
    writer.scalars([(0, "loss", 1.0)])
    if os.fork() == 0:
        for attempt in (writer.flush, lambda: writer.scalars([(1, "loss", 2.0)]), lambda: writer.describe({"a": 1})):
            try:
                attempt()
                say("written")
            except StoreError as error:
                say(str(error).replace(str(os.getpid()), "CHILD").replace(str(os.getppid()), "PARENT"))
        writer.close("failed")
        sys.exit(0)
    os.wait()
    writer.scalars([(1, "loss", 0.5)])
    writer.close("finished")


def orphan(path: str) -> None:
    """Die and leave a forked child behind."""
    writer = RunWriter.open(path)
    write(writer, 0)
    if os.fork() == 0:
        say(os.getpid())
        os.close(1)
        time.sleep(60)
        os._exit(0)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)


def read(path: str) -> None:
    """Read as somebody who may not write."""
    from pellucid.outlets.store.run import Run

    run = Run(path)
    run.results()  # imports everything while we may still read the source
    if os.getuid() == 0:
        os.setuid(65534)
    say((len(run.scalars()["loss"].steps), sorted(run.results()), run.problems, run.status))


def small(path: str, size: str) -> None:
    """Write until a file may not grow further, then once more with room."""
    import resource

    writer = RunWriter.open(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), hard))
    step = 0
    try:
        while True:
            writer.scalars((step, f"scalar {index}", index) for index in range(500))
            writer.flush()
            say(step)
            step += 1
    except StoreError as error:
        say(error)
    try:
        writer.result("watched", watched(0, 99, layers=1000), first=0, last=99)
        writer.flush()
    except StoreError as error:
        say(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    writer.flush()
    say(step)
    writer.close("failed")


if __name__ == "__main__":
    {"endless": endless, "hold": hold, "fork": fork, "orphan": orphan, "read": read, "small": small}[sys.argv[1]](
        *sys.argv[2:]
    )
