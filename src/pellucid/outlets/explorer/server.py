"""The server: a port on this machine, and what answers there until Ctrl-C."""

import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from pellucid.core.errors import InputError
from pellucid.core.extras import require
from pellucid.outlets.explorer.noise import Quiet

FIRST_PORT = 7355
_PORTS = 50
_HOST = "127.0.0.1"
MOST_CONNECTIONS = 256
_LEAVE_SECONDS = 5.0  # a page that is told to go and does not read is cut off
_QUIT_SECONDS = 1


def taken_port(port: int | None) -> socket.socket:
    """Take a port on this machine.

    Args:
        port: Which; None for 7355 or the next one that is free, 0 for any.

    Returns:
        A socket that is bound to 127.0.0.1 and nothing else.

    Raises:
        InputError: The port is taken, not allowed, or no port.
    """
    if port is not None and not 0 <= port < 65_536:
        raise InputError(f"A port is a number from 1 to 65535, got {port}.")
    for one in [port] if port is not None else range(FIRST_PORT, FIRST_PORT + _PORTS):
        try:
            return _bound(one)
        except OSError as error:
            if port is not None:
                raise InputError(_why(port, error)) from error
    return _bound(0)


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left may be used again
        made.bind((_HOST, port))
        made.listen(128)
    except BaseException:
        made.close()
        raise
    return made


def _why(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken, perhaps by another `pellucid open`. "
            "Leave --port away to get a free one, or choose another."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is not allowed to you. Choose one above 1023."
    return f"Port {port} cannot be used: {error.strerror or error}."


def serve(
    places: Sequence[Path],
    *,
    port: int | None = None,
    own_pages: Sequence[Path] = (),
    opened: Callable[[str], None] = lambda _: None,
    browser: bool = True,
) -> bool:
    """Answer on this machine until Ctrl-C, or until the process is asked to end.

    Args:
        places: Run directories, and folders of them.
        port: See `taken_port`.
        own_pages: Python files with pages of the user.
        opened: Called with the address, which holds the token, once the port is taken.
        browser: Open it in a browser.

    Returns:
        Whether a thread still works on something, such as a picture, which nothing can stop.

    Raises:
        MissingExtraError: The extra "explorer" is not installed.
        InputError: The port cannot be used, or a page cannot be read.
    """
    for module in ("anyio", "starlette", "uvicorn", "websockets"):
        require(module, extra="explorer", purpose="the explorer")
    from pellucid.outlets.explorer.app import application
    from pellucid.outlets.explorer.browser import browser_at
    from pellucid.outlets.explorer.desk import Desk
    from pellucid.outlets.explorer.guard import Keys

    desk = Desk(places, own_pages=own_pages)
    if own_pages:
        desk.pages()  # what is wrong with one is told here, not to the first who looks at it
    with contextlib.closing(taken_port(port)) as taken:
        keys = Keys(port=taken.getsockname()[1])
        server = uvicorn_server(application(desk, keys))
        opened(keys.address)
        with _interruptible(), browser_at(keys.address) if browser else contextlib.nullcontext():
            server.run(sockets=[taken])
    return desk.leaves_work()


@contextlib.contextmanager
def _interruptible() -> Generator[None]:
    """End the block without a trace on Ctrl-C, and as well when the process is asked to end, so that all is closed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def uvicorn_server(app: Any) -> Any:
    """Return the server for an application: plain asyncio, no compression, no log of addresses, bounded everywhere."""
    import uvicorn

    from pellucid.outlets.explorer.messages import MOST_BYTES

    _quiet()
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws=_cutting_protocol(),
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,  # what travels is floats, on this machine: packing them only takes time
        lifespan="on",
        log_config=None,
        access_log=False,  # it would write the token down
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS + 1,
        timeout_graceful_shutdown=_QUIT_SECONDS,
        h11_max_incomplete_event_size=32_768,
    )
    return uvicorn.Server(config)


def _quiet() -> None:
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        for old in [one for one in logger.filters if isinstance(one, Quiet)]:
            logger.removeFilter(old)
        logger.addFilter(Quiet())


def _cutting_protocol() -> type[Any]:
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    class CuttingProtocol(WebSocketsSansIOProtocol):
        """Cuts off who does not read when the conversation is over, where the original waits for ever."""

        async def run_asgi(self) -> None:
            try:
                await super().run_asgi()
            finally:
                self.loop.call_later(_LEAVE_SECONDS, self.transport.abort)

        def keepalive_timeout(self) -> None:
            super().keepalive_timeout()
            self.loop.call_later(_LEAVE_SECONDS, self.transport.abort)

    return CuttingProtocol
