"""Print what following costs the server of the explorer: 50 runs that are being written, as curves and as a list.

Run: python benchmarks/following.py
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.outlets.store import RunWriter

RUNS, STEPS, A_SECOND = 50, 2_000, 20
MEASURED_SECONDS = 20.0
FINE = Finding(code="ACT003", title="Saturation", level=Level.OK, message="No unit is saturated.")
MOST_CURVES, MOST_LIST = 0.05, 0.05  # of a core


def begin(folder: Path) -> list[RunWriter]:
    """Begin the runs: a loss and two more scalars of 2,000 steps each."""
    writers = [RunWriter.open(folder / f"run{place:02}") for place in range(RUNS)]
    for writer in writers:
        writer.describe({"model": "MLP", "lr": 0.1})
        writer.findings(Findings((FINE,)), step=0)  # as a watch does: the server judges only what nobody judged
        add(writer, 0, STEPS)
    return writers


def add(writer: RunWriter, first: int, count: int) -> None:
    """Write some steps."""
    rows = [(step, name, 1 / (1 + step)) for step in range(first, first + count) for name in ("loss", "accuracy", "lr")]
    writer.scalars(rows)
    writer.flush()


def go_on(writers: list[RunWriter], ended: threading.Event) -> None:
    """Write 20 steps a second of every run, one after the other, until it is over."""
    step, begun = STEPS, time.monotonic()
    while not ended.is_set():
        for place, writer in enumerate(writers):
            ended.wait(max(0.0, begun + place / RUNS - time.monotonic()))
            add(writer, step, A_SECOND)
        step, begun = step + A_SECOND, max(begun + 1.0, time.monotonic() - 0.1)


@contextmanager
def server(folder: Path) -> Generator[tuple[int, str]]:
    """Start `pellucid open`; yields its process id and address."""
    command = [str(Path(sys.executable).with_name("pellucid")), "open", str(folder), "--no-browser", "--port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield process.pid, process.stdout.readline().split()[1]
        process.terminate()


def spent(process: int) -> float:
    """Return the CPU seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def let_in(address: str) -> tuple[str, str]:
    """Exchange the token for the cookie; returns host and cookie."""
    host, _, path = address.removeprefix("http://").partition("/")
    connection = HTTPConnection(host, timeout=60)
    connection.request("GET", f"/{path}")
    cookie = str(connection.getresponse().getheader("set-cookie")).partition(";")[0]
    connection.close()
    return host, cookie


def opened(host: str, cookie: str) -> ClientConnection:
    """Open a socket as a page does."""
    return connect(
        f"ws://{host}/socket",
        origin=Origin(f"http://{host}"),
        additional_headers={"Cookie": cookie},
        compression=None,
        proxy=None,
        max_size=None,
    )


def measured(process: int, socket: ClientConnection, wishes: list[dict[str, object]]) -> tuple[float, float, float]:
    """Say what is wanted, and return the share of a core, updates a second of each wish, and bytes an update."""
    for wish in wishes:
        socket.send(json.dumps(wish))
    _heard(socket, 5.0)  # the first of each is whole
    before, begun = spent(process), time.monotonic()
    sizes = _heard(socket, MEASURED_SECONDS)
    seconds = time.monotonic() - begun
    share = (spent(process) - before) / seconds
    return share, len(sizes) / seconds / len(wishes), sum(sizes) / max(len(sizes), 1)


def _heard(socket: ClientConnection, seconds: float) -> list[int]:
    end = time.monotonic() + seconds
    sizes: list[int] = []
    while (left := end - time.monotonic()) > 0:
        try:
            sizes.append(len(socket.recv(timeout=left)))
        except TimeoutError:
            break
    return sizes


def keys(host: str, cookie: str) -> list[str]:
    """Return the keys of the runs in the list."""
    connection = HTTPConnection(host, timeout=60)
    connection.request("GET", "/", headers={"Cookie": cookie})
    page = connection.getresponse().read().decode()
    return [one.partition('"')[0] for one in page.split('href="/run/')[1:]]


def main() -> int:
    """Measure; fails beyond twice a target."""
    with tempfile.TemporaryDirectory() as name:
        writers, ended = begin(Path(name)), threading.Event()
        writing = threading.Thread(target=go_on, args=(writers, ended))
        writing.start()
        try:
            with server(Path(name)) as (process, address):
                host, cookie = let_in(address)
                curves: list[dict[str, object]] = [
                    {"id": place, "ask": "view", "view": "curves", "run": key, "follow": True}
                    for place, key in enumerate(keys(host, cookie), 1)
                ]
                time.sleep(8)  # the server loads torch, and draws the pages once
                with opened(host, cookie) as socket:
                    of_curves = measured(process, socket, curves)
                with opened(host, cookie) as socket:
                    of_list = measured(process, socket, [{"id": 1, "ask": "part", "part": "runs"}])
        finally:
            ended.set()
            writing.join()
            for writer in writers:
                writer.close("stopped")
    rows = ((f"{RUNS} runs as curves", of_curves, MOST_CURVES), (f"list of {RUNS} runs", of_list, MOST_LIST))
    for what, (share, rate, size), most in rows:
        print(
            f"{what:18} {100 * share:5.1f} % of a core (target < {100 * most:.0f} %), "
            f"{rate:.2f} updates a second, {size / 1e3:.1f} kB an update, {1e3 * share / rate / RUNS:.2f} ms a run"
        )
    return int(any(share > 2 * most for _, (share, _, _), most in rows))


if __name__ == "__main__":
    sys.exit(main())
