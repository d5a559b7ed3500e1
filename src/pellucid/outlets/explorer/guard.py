"""Guard: who may ask the server, and what a page of it may do.

Loopback is no boundary: any page in the browser can send requests to it, a name that suddenly leads to 127.0.0.1
makes them look like our own, and other users of the machine reach it too. So every request must name the server as
we do (Host), a WebSocket must come from one of our pages (Origin), and everything needs the token that only this
terminal saw.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from pellucid.outlets.explorer.browser import leading_page

MOST_SOCKETS = 256
_METHODS = ("GET", "HEAD")
_MOST_COOKIES = 64

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Where the server is, and what opens it.

    Attributes:
        port: The port on 127.0.0.1.
        token: What the address in the terminal holds; exchanged for a cookie at once.
        session: What the cookie holds.
    """

    port: int
    token: str = field(default_factory=_secret)
    session: str = field(default_factory=_secret)

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a request may name as Host."""
        names = ("127.0.0.1", "localhost")
        return tuple(f"{name}:{self.port}" for name in names) + (names if self.port == 80 else ())

    @property
    def cookie(self) -> str:
        """Name of the cookie: browsers send cookies to every port of a host, and two servers must not share one."""
        return f"pellucid-{self.port}"

    @property
    def address(self) -> str:
        """What to open in a browser; keep it to yourself."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    def fits(self, cookies: list[str]) -> bool:
        """Whether one of some `Cookie` headers holds the session; takes as long for a near miss as for a far one."""
        pairs = [pair.partition("=") for header in cookies for pair in header.split(";")]
        values = [value.strip() for name, _, value in pairs if name.strip() == self.cookie]
        fitting = [_same(value, self.session) for value in values[:_MOST_COOKIES]]
        return any(fitting)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), known.encode())


def policy(keys: Keys) -> str:
    """Return what a page may load: our own script and style, no inline ones, no evaluation, nothing from outside."""
    sockets = " ".join(f"ws://{host}" for host in keys.hosts)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self' {sockets}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


class Guard:
    """Lets through what may come in, and gives every answer its headers.

    Args:
        app: What answers.
        keys: Where the server is, and what opens it.
        most_sockets: WebSockets at one time.
    """

    def __init__(self, app: Application, keys: Keys, *, most_sockets: int = MOST_SOCKETS) -> None:
        self._app = app
        self._keys = keys
        self._free = most_sockets
        self._headers: Headers = [
            (b"content-security-policy", policy(keys).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-frame-options", b"DENY"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "http":
            await self._request(scope, receive, self._dressed(send))
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if problem := self._foreign_host(scope):
            await _answer(send, 400, problem)
        elif scope["method"] not in _METHODS:
            await _answer(send, 405, "Only GET and HEAD are answered here.", [(b"allow", b"GET, HEAD")])
        elif token := self._token(scope):
            await self._exchange(scope, send, token)
        elif not self._keys.fits(_values(scope, b"cookie")):
            await _answer(send, 403, _STRANGER)
        else:
            await self._app(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        origins = {f"http://{host}" for host in self._keys.hosts}
        origin = _values(scope, b"origin")
        if problem := self._foreign_host(scope):
            await _refuse_socket(send, 400, problem)
        elif len(origin) != 1 or origin[0] not in origins:
            await _refuse_socket(send, 403, "This page is not one of the explorer's: its Origin is another.")
        elif not self._keys.fits(_values(scope, b"cookie")):
            await _refuse_socket(send, 403, _STRANGER)
        elif not self._free:
            await _refuse_socket(send, 503, "Too many pages are open. Close some of them and reload this one.")
        else:
            self._free -= 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._free += 1

    def _foreign_host(self, scope: Scope) -> str:
        named = _values(scope, b"host")
        if len(named) == 1 and named[0].lower() in self._keys.hosts:
            return ""
        return f"This server answers only as {' or '.join(self._keys.hosts[:2])}."

    def _token(self, scope: Scope) -> str:
        pairs = parse_qsl(scope["query_string"].decode("latin-1"))
        return next((value for name, value in pairs if name == "token"), "")

    async def _exchange(self, scope: Scope, send: Send, token: str) -> None:
        """Give the cookie for the token, and lead to the same page without it."""
        if not _same(token, self._keys.token):
            await _answer(send, 403, _WRONG)
            return
        pairs = parse_qsl(scope["query_string"].decode("latin-1"))
        rest = urlencode([(name, value) for name, value in pairs if name != "token"])
        # One slash: a place that begins with two of them would lead to another host.
        place = "/" + quote(str(scope["path"]).lstrip("/\\")) + (f"?{rest}" if rest else "")
        cookie = f"{self._keys.cookie}={self._keys.session}; HttpOnly; SameSite=Strict; Path=/"
        given = (b"set-cookie", cookie.encode())
        if _values(scope, b"sec-fetch-site") == ["cross-site"]:
            # Who comes from elsewhere, as from the file that opened the browser, brings no strict cookie with them when
            # we send them on; coming from a page of ours they do.
            await _answer(send, 200, leading_page(place), [given], kind="html")
        else:
            await _answer(send, 303, "", [given, (b"location", place.encode("ascii"))])

    def _dressed(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                given: Headers = list(message.get("headers", []))
                if all(name.lower() != b"cache-control" for name, _ in given):
                    given.append((b"cache-control", b"no-store"))
                message["headers"] = given + self._headers
            await send(message)

        return sent


_STRANGER = (
    "The explorer does not know this browser yet. Open the address that `pellucid open` printed in the terminal: "
    "it holds a token. If you did just that, coming from another site, load this page once more."
)
_WRONG = "This token is not the one of this server. Open the address that `pellucid open` printed in the terminal."


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _worded(words: str, headers: Headers, kind: str = "plain") -> tuple[Headers, bytes]:
    body = words.encode()
    form = f"text/{kind}; charset=utf-8".encode()
    return [(b"content-type", form), (b"content-length", str(len(body)).encode()), *headers], body


async def _answer(send: Send, status: int, words: str, headers: Headers | None = None, *, kind: str = "plain") -> None:
    all_headers, body = _worded(words, headers or [], kind)
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


async def _refuse_socket(send: Send, status: int, words: str) -> None:
    headers, body = _worded(words, [])
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
