"""A real server in a thread of the test, and the plainest clients there are."""

import http.client
import json
import re
import struct
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from pellucid.core.finding import Finding, Level
from pellucid.core.frame import Frame, unpack
from pellucid.core.judge import Findings
from pellucid.outlets.explorer.app import application
from pellucid.outlets.explorer.desk import Desk
from pellucid.outlets.explorer.guard import Keys
from pellucid.outlets.explorer.server import taken_port, uvicorn_server
from pellucid.outlets.store import RunWriter

PATIENCE = 30.0
DYING = Finding(
    code="ACT001", title="Dying ReLU", level=Level.ALARM, message="44 of 48 units are dead.", where="h1", step=3
)
FINE = Finding(code="ACT003", title="Saturation", level=Level.OK, message="No unit is saturated.")


@dataclass
class Answer:
    """One answer to a request."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Served:
    """A server that runs, and who may talk to it."""

    keys: Keys
    desk: Desk
    server: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """What we call it."""
        return f"127.0.0.1:{self.keys.port}"

    @property
    def cookie(self) -> str:
        """What a browser that was let in sends."""
        return f"{self.keys.cookie}={self.keys.session}"

    def get(self, path: str, *, method: str = "GET", cookie: str | None = None, **headers: str) -> Answer:
        """Ask for one page; `Host="evil"` and the like replace what a browser would send, cookie="" sends none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.keys.port, timeout=PATIENCE)
        try:
            sent = {"Host": self.host, "Cookie": self.cookie if cookie is None else cookie} | headers
            connection.putrequest(method, path, skip_host=True)
            for name, value in sent.items():
                if value:
                    connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            text = answer.read().decode()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
        finally:
            connection.close()

    def socket(
        self, *, origin: str | None = "", cookie: str | None = None, host: str = "", **options: Any
    ) -> ClientConnection:
        """Open a socket as a page would; the arguments replace what a browser would send."""
        headers = {"Cookie": self.cookie if cookie is None else cookie}
        return connect(
            f"ws://{host or self.host}/socket",
            address=("127.0.0.1", self.keys.port),
            origin=f"http://{self.host}" if origin == "" else origin,
            additional_headers={name: value for name, value in headers.items() if value},
            compression=None,
            proxy=None,
            max_size=None,
            open_timeout=PATIENCE,
            **options,
        ).__enter__()

    def key(self, name: str) -> str:
        """The key of a run."""
        return next(row.key for row in self.desk.shelf.rows() if row.name == name)


@contextmanager
def served(*places: Path, own_pages: Sequence[Path] = ()) -> Generator[Served]:
    """Serve while the block runs."""
    desk = Desk(places, own_pages=own_pages)
    taken = taken_port(0)
    keys = Keys(port=taken.getsockname()[1])
    server = uvicorn_server(application(desk, keys))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield Served(keys, desk, server)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        taken.close()
        assert not thread.is_alive(), "the server did not end"


def wait_until(true: Any) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def ask(socket: ClientConnection, **message: Any) -> Any:
    """Say something and return the next answer."""
    socket.send(json.dumps(message))
    return hear(socket)


def hear(socket: ClientConnection) -> Any:
    """Return the next message: (id, frame) of a picture, or what was said."""
    message = socket.recv(timeout=PATIENCE)
    return json.loads(message) if isinstance(message, str) else picture(message)


def picture(message: bytes) -> tuple[int, Frame]:
    """Return id and frame of a binary message."""
    number, zero = struct.unpack_from("<II", message)
    assert zero == 0
    return number, unpack(message[8:])


def write_run(
    path: Path, *, steps: int = 5, loss: float = 2.0, status: str | None = "finished", **facts: Any
) -> RunWriter:
    """A run with a falling loss and a verdict; still open when `status` is None."""
    writer = RunWriter.open(path)
    writer.describe({"model": "MLP", "lr": 0.1} | facts)
    add_steps(writer, range(steps), loss=loss)
    writer.findings(Findings((DYING, FINE)), step=steps - 1)
    writer.flush()
    if status is not None:
        writer.close(status)
    return writer


def add_steps(writer: RunWriter, steps: range, *, loss: float = 2.0) -> None:
    """Write the loss of some steps."""
    writer.scalars((step, "loss", loss / (1 + step)) for step in steps)
    writer.flush()


def keys_in(html: str) -> list[str]:
    """Return the keys of the runs that a page links to."""
    return re.findall(r'href="/run/([^"/]+)"', html)
