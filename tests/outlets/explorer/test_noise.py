"""What the server says in the terminal while others ask it nonsense."""

import asyncio
import logging
import socket

import pytest

from pellucid.outlets.explorer import noise
from pellucid.outlets.explorer.noise import Quiet
from tests.outlets.explorer.serving import PATIENCE, Served, wait_until

NONSENSE = "pellucid: some program asks this port for what no page of pellucid asks for; it is refused."
MANY = "pellucid: too many connections are open, further ones are refused. Close pages that nobody looks at."


def said(quiet: Quiet, level: int, message: str, error: BaseException | None = None) -> str | None:
    """What stands in the terminal of one record; None for nothing."""
    trace = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("uvicorn.error", level, "", 0, message, (), trace)
    return logging.Formatter().format(record) if quiet.filter(record) else None


def test_one_line_of_a_kind_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often somebody asks; what is not a complaint passes as it is."""
    now = [100.0]
    monkeypatch.setattr(noise.time, "monotonic", lambda: now[0])
    quiet = Quiet()
    invalid = [said(quiet, logging.WARNING, "Invalid HTTP request received.") for _ in range(100)]
    assert invalid == [NONSENSE, *[None] * 99]
    assert said(quiet, logging.WARNING, "Exceeded concurrency limit.") == MANY
    assert said(quiet, logging.WARNING, "Exceeded concurrency limit.") is None
    assert said(quiet, logging.INFO, "Started") == "Started"
    now[0] += 61
    assert said(quiet, logging.WARNING, "Invalid HTTP request received.") == NONSENSE


def test_a_fault_is_one_line_with_its_place() -> None:
    """No screens full of other people's code; one that attackers bring about in the protocol counts as theirs."""
    from h11 import LocalProtocolError

    quiet = Quiet()
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        line = said(quiet, logging.ERROR, "Exception in ASGI application\n", error)
    assert line is not None
    assert line.startswith("pellucid: a request could not be answered: ValueError in test_noise.py, line ")
    assert "\n" not in line
    assert said(quiet, logging.ERROR, "Exception in ASGI application\n", LocalProtocolError("no")) == NONSENSE


def test_what_is_broken_off_at_the_end_is_no_fault() -> None:
    """Nothing is said of it."""
    quiet = Quiet()
    assert said(quiet, logging.ERROR, "Cancel %s running task(s), timeout graceful shutdown exceeded") is None
    assert said(quiet, logging.ERROR, "Exception in ASGI application\n", asyncio.CancelledError()) is None


def test_the_terminal_stays_readable(explorer: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Of many broken requests to a real server, one line."""
    broken = (b"\x00\xff garbage\r\n\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n")
    for attack in broken * 5:
        with socket.create_connection(("127.0.0.1", explorer.keys.port), timeout=PATIENCE) as raw:
            raw.sendall(attack)
            raw.recv(100)
    wait_until(lambda: not explorer.server.server_state.connections)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [NONSENSE]
