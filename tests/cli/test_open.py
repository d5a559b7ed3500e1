"""`pellucid open`: the command in a process of its own."""

import http.client
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.cli.runs_on_disk import DYING, make_run, pellucid


def begun(folder: Path, *arguments: str, **variables: str) -> tuple["subprocess.Popen[str]", str, str]:
    """Start the command; return it with host and path of the address that it prints."""
    command = [sys.executable, "-c", "from pellucid.cli import main; main()", "open", "--no-browser", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | variables
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    address = re.fullmatch(r"Open http://(127\.0\.0\.1:\d+)(/\?token=[\w-]{43})\n", process.stdout.readline())
    assert address is not None
    assert process.stdout.readline() == "Ctrl-C ends it.\n"
    return process, address[1], address[2]


def let_in(host: str, path: str) -> tuple[str, str]:
    """Open an address as a browser does; return the cookie that it gives, and the place it leads to."""
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("GET", path)
    first = connection.getresponse()
    first.read()
    connection.close()
    return str(first.getheader("set-cookie")).partition(";")[0], str(first.getheader("location"))


def fetched(host: str, path: str) -> str:
    """Open an address as a browser does: once for the cookie, once for the page."""
    cookie, place = let_in(host, path)
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("GET", place, headers={"Cookie": cookie})
    text = connection.getresponse().read().decode()
    connection.close()
    return text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to one process alone")
def test_runs_are_opened_until_control_c(tmp_path: Path) -> None:
    """The address leads to the runs; Ctrl-C ends it with a word and without a trace."""
    make_run(tmp_path / "runs" / "one", DYING)
    process, host, path = begun(tmp_path)
    try:
        text = fetched(host, path)
        assert ">one</a>" in text
        assert "Dying ReLU at hidden1.activation, step 10" in text
    finally:
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "\nClosed.\n", "")


ENDLESS = """
import time

from pellucid.extend import Figure, view


@view(title="Endless", page=True)
def endless() -> Figure:
    \"\"\"Never drawn.\"\"\"
    print("computing", flush=True)
    while True:
        time.sleep(0.01)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to one process alone")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_picture_that_is_being_computed_is_left(tmp_path: Path, ending: signal.Signals) -> None:
    """The end waits for no view, says nothing of it, and leaves no file with the token behind."""
    (tmp_path / "endless.py").write_text(ENDLESS)
    left = tmp_path / "left"
    left.mkdir()
    process, host, path = begun(tmp_path, "--browser", "--page", "endless.py", TMPDIR=str(left), BROWSER="true")
    try:
        cookie, _ = let_in(host, path)
        with connect(f"ws://{host}/socket", origin=f"http://{host}", additional_headers={"Cookie": cookie}) as socket:
            socket.send('{"id": 1, "ask": "view", "view": "endless"}')
            assert process.stdout is not None
            assert process.stdout.readline() == "computing\n"
            assert list(left.glob("pellucid-*/open.html"))
            process.send_signal(ending)
            output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, output, errors) == (0, "\nClosed.\n", "")
    assert not list(left.glob("pellucid-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to one process alone")
def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    """The second of two on one port says what to do, and the first goes on."""
    process, host, path = begun(tmp_path)
    try:
        port = host.partition(":")[2]
        second = pellucid("open", "--no-browser", "--port", port, folder=tmp_path)
        assert (second.returncode, second.stdout) == (2, "")
        assert second.stderr == (
            f"pellucid: Port {port} is taken, perhaps by another `pellucid open`. "
            "Leave --port away to get a free one, or choose another.\n"
        )
        assert "There is no run in" in fetched(host, path)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_a_place_without_runs_is_refused(tmp_path: Path) -> None:
    """Only the usual folder may come later."""
    (tmp_path / "file").write_text("")
    missing = pellucid("open", "nowhere", folder=tmp_path)
    assert missing.returncode == 2
    assert missing.stderr == (
        "pellucid: There are no runs at nowhere: no such directory. "
        "Leave it away to watch the folder 'runs', which may come later.\n"
    )
    assert "it is a file, not a directory." in pellucid("open", "file", folder=tmp_path).stderr


def test_a_page_that_is_none_is_refused(tmp_path: Path) -> None:
    """Before a port is taken."""
    refused = pellucid("open", "--no-browser", "--page", "mine.py", folder=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == "pellucid: A page is a Python file, and 'mine.py' is none.\n"
