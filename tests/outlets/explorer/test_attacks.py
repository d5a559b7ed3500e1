"""Each attack against a real server: who has no business here is refused, and the others are served."""

import json
import socket as sockets
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.outlets.explorer import socket as conversation
from pellucid.outlets.explorer.guard import MOST_SOCKETS
from pellucid.outlets.explorer.messages import MOST_BYTES
from tests.outlets.explorer.serving import PATIENCE, Served, ask, hear, served, wait_until, write_run

PAGES = ("/", "/pages", "/page/loss-surface", "/compare", "/assets/picture.js", "/assets/style.css", "/run/x", "/nope")
EVIL = "<script>alert(1)</script>"


def status_of(explorer: Served, **attack: str | None) -> int:
    """The status with which a socket is refused; 101 when it is not."""
    try:
        explorer.socket(**attack).close()
    except InvalidStatus as refused:
        return refused.response.status_code
    return 101


@pytest.mark.parametrize("path", PAGES)
def test_without_a_token_nothing_is_answered(explorer: Served, path: str) -> None:
    """Not even whether there is such a page."""
    answer = explorer.get(path, cookie="")
    assert answer.status == 403
    assert "Open the address that `pellucid open` printed in the terminal" in answer.body


def test_a_wrong_token_is_refused(explorer: Served) -> None:
    """And brings no cookie."""
    answer = explorer.get(f"/?token={explorer.keys.token[:-1]}", cookie="")
    assert answer.status == 403
    assert answer.body == (
        "This token is not the one of this server. Open the address that `pellucid open` printed in the terminal."
    )
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "cookie", ["pellucid-{port}=", "pellucid-{port}=x", "pellucid-1={session}", "pellucid-{port}={token}"]
)
def test_a_wrong_cookie_is_refused(explorer: Served, cookie: str) -> None:
    """Nor is the token one: it was only worth the cookie."""
    keys = explorer.keys
    wrong = cookie.format(port=keys.port, session=keys.session, token=keys.token)
    assert explorer.get("/", cookie=wrong).status == 403
    assert status_of(explorer, cookie=wrong) == 403


def test_the_token_is_exchanged_for_a_cookie(explorer: Served) -> None:
    """By a redirect, so that it stays in no address, history or referrer."""
    answer = explorer.get(f"/compare?run=a&token={explorer.keys.token}&run=b%26", cookie="")
    assert (answer.status, answer.headers["location"]) == (303, "/compare?run=a&run=b%26")
    assert answer.headers["set-cookie"] == (
        f"pellucid-{explorer.keys.port}={explorer.keys.session}; HttpOnly; SameSite=Strict; Path=/"
    )
    assert answer.headers["cache-control"] == "no-store"
    assert explorer.keys.session != explorer.keys.token


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example", "/%5cevil.example", "///evil.example/%0d%0aX:1"]
)
def test_the_redirect_leads_nowhere_else(explorer: Served, path: str) -> None:
    """A place that begins with two slashes would be another host."""
    place = explorer.get(f"{path}?token={explorer.keys.token}", cookie="").headers["location"]
    assert place.startswith("/evil.example")
    assert "\n" not in place


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "[::1]:{port}",
        "",
    ],
)
def test_a_foreign_host_is_refused(explorer: Served, host: str) -> None:
    """Even with the cookie: what a browser calls us is what its page is called."""
    answer = explorer.get("/", Host=host.format(port=explorer.keys.port))
    assert answer.status == 400


def test_both_names_of_this_machine_are_ours(explorer: Served) -> None:
    """A reader may type either."""
    assert explorer.get("/", Host=f"localhost:{explorer.keys.port}").status == 200
    assert explorer.get("/", Host=f"127.0.0.1:{explorer.keys.port}").status == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "http://127.0.0.1", "null", None],
)
def test_a_foreign_origin_opens_no_socket(explorer: Served, origin: str | None) -> None:
    """The browser sends our cookie from any page; the origin says from which."""
    assert status_of(explorer, origin=origin and origin.format(port=explorer.keys.port)) == 403


def test_without_the_cookie_no_socket_is_opened(explorer: Served) -> None:
    """Whatever the origin."""
    assert status_of(explorer, cookie="") == 403
    assert status_of(explorer) == 101


def test_a_name_that_was_bound_anew_is_refused(explorer: Served) -> None:
    """DNS rebinding: the evil page is its own origin, and its name leads to us; Host and Origin agree."""
    evil = f"evil.example:{explorer.keys.port}"
    assert explorer.get("/", Host=evil).status == 400
    assert explorer.get(f"/?token={explorer.keys.token}", Host=evil).status == 400
    assert status_of(explorer, host=evil, origin=f"http://{evil}") == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_written(explorer: Served, method: str) -> None:
    """The server only shows."""
    answer = explorer.get("/", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/run/../../../../etc/passwd",
        "/run/..%2f..%2f..%2fetc%2fpasswd",
        "/run/%2e%2e/%2e%2e/etc/passwd",
        "/run/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/run/..%5c..%5cwindows",
        "/run/one",
        "/run/%00",
        "/run/{secret}",
        "/run/one/../../secret",
        "/assets/../guard.py",
        "/assets/..%2fguard.py",
        "/assets/%2e%2e/%2e%2e/run.sqlite",
        "/page/..%2f..%2fsecret",
        "/page/os",
        "/run/{key}/text/..%2f..%2fsecret",
        "/run/{key}/text/results%2f..%2frun.sqlite",
    ],
)
def test_no_path_is_taken_from_the_browser(tmp_path: Path, explorer: Served, path: str) -> None:
    """Keys and names are looked up, and nothing else is there."""
    write_run(tmp_path / "secret")
    answer = explorer.get(path.format(secret=str(tmp_path / "secret").replace("/", "%2f"), key=explorer.key("one")))
    assert answer.status == 404
    assert "root:" not in answer.body


@pytest.mark.parametrize("run", ["../one", "one", "/etc/passwd", "..", "", "one-1/../one-1", "\0"])
def test_no_path_is_taken_from_a_message(explorer: Served, run: str) -> None:
    """A run is named by its key or not at all."""
    with explorer.socket() as socket:
        said = ask(socket, id=1, ask="view", view="curves", run=run)
        assert said == {"id": 1, "error": f"There is no run {run.replace(chr(0), chr(0xFFFD))!r} here."}
        said = ask(socket, id=2, ask="part", part=f"run:{run}")
        assert said["id"] == 2
        assert "error" in said


def test_names_and_errors_are_text(tmp_path: Path) -> None:
    """HTML in the name of a run, a layer, a fact, a rule, a scalar, a result or a request stays words."""
    name = "<img src=x onerror=alert(1)>"
    writer = write_run(tmp_path / name, status=None, model=EVIL, about=EVIL)
    writer.scalars([(0, EVIL, 1.0)])
    bad = Finding(
        code=EVIL, title=EVIL, level=Level.ALARM, message=EVIL, where=EVIL, step=1, evidence={EVIL: EVIL}, cause=EVIL
    )
    writer.findings(Findings((bad.fold(bad),)), step=1)
    writer.close("failed")
    with served(tmp_path) as explorer, explorer.socket() as socket:
        key = explorer.key(name)
        texts = [
            explorer.get(path).body for path in ("/", f"/run/{key}", f"/compare?run={key}&run={key}", f"/page/{EVIL}")
        ]
        texts += [
            ask(socket, id=n, ask="part", part=part)["html"]
            for n, part in enumerate(["runs", f"run:{key}", f"pictures:{key}", f"compare:{key}"], 1)
        ]
        for text in texts:
            assert EVIL not in text
            assert name not in text
        assert "&lt;script&gt;" in texts[5]
        assert "&lt;img" in texts[0]
        text = explorer.get(f"/run/{key}/text")
        assert text.headers["content-type"] == "text/plain; charset=utf-8"  # and the browser may not guess


def test_a_page_may_load_only_what_is_ours(explorer: Served) -> None:
    """No inline script or style, no evaluation, no other host, no frame around us."""
    answer = explorer.get("/")
    rules = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert (rules["script-src"], rules["style-src"]) == ("'self'", "'self'")
    assert (rules["frame-ancestors"], rules["base-uri"]) == ("'none'", "'none'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


def test_no_page_needs_more_than_that(explorer: Served) -> None:
    """No page holds a script, a style or a handler of its own."""
    for path in ("/", "/pages", "/page/loss-surface", f"/run/{explorer.key('one')}", "/nope"):
        body = explorer.get(path).body
        assert "<style" not in body
        assert " style=" not in body
        assert " onclick=" not in body
        assert body.count("<script") == body.count('<script src="/assets/picture.js') == 1


def test_an_oversized_message_ends_the_conversation(explorer: Served) -> None:
    """And only this one."""
    with explorer.socket() as socket, explorer.socket() as other:
        socket.send(json.dumps({"id": 1, "ask": "part", "part": "x" * MOST_BYTES}))
        with pytest.raises(ConnectionClosed) as closed:
            hear(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert ask(other, id=1, ask="part", part="runs")["id"] == 1


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("{", "This message is not JSON: JSONDecodeError."),
        ("[" * 30_000, "This message is not JSON: RecursionError."),
        ("[]", "This message is a list, expected an object."),
        ("{}", "This message asks for None, expected one of: view, part, value, stop."),
        ('{"ask": ["view"]}', "This message asks for ['view'], expected one of: view, part, value, stop."),
        ('{"ask": "part", "part": "runs"}', "'id' is None, expected a whole number from 1 to 2147483647."),
        ('{"id": 1.5, "ask": "stop"}', "'id' is 1.5, expected a whole number from 1 to 2147483647."),
        ('{"id": true, "ask": "stop"}', "'id' is True, expected a whole number from 1 to 2147483647."),
        ('{"id": 1, "ask": "part", "part": 3}', "'part' is 3, expected a text of at most 8000 characters."),
        ('{"id": 1, "ask": "view", "view": null}', "'view' is None, expected a text of at most 300 characters."),
        (
            '{"id": 1, "ask": "view", "view": "x", "runs": {"a": 1}}',
            "'runs' is {'a': 1}, expected a list of at most 64 names.",
        ),
        (
            '{"id": 1, "ask": "view", "view": "x", "parameters": [1]}',
            "'parameters' is [1], expected an object of at most 100.",
        ),
        (
            '{"id": 1, "ask": "value", "of": 1, "array": -1, "index": []}',
            "'array' is -1, expected a whole number from 0 to 2147483647.",
        ),
        (
            '{"id": 1, "ask": "value", "of": 1, "array": 0, "index": 3}',
            "'index' is 3, expected a list of at most 8 whole numbers.",
        ),
        (b"\x00\x01", "This message is binary, expected JSON as text."),
    ],
)
def test_a_malformed_message_is_named_and_ends_the_conversation(
    explorer: Served, message: str | bytes, words: str
) -> None:
    """No page of ours says such a thing."""
    with explorer.socket() as socket:
        socket.send(message)
        assert hear(socket) == {"id": 0, "error": words}
        with pytest.raises(ConnectionClosed) as closed:
            hear(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize("value", ["1e999", "NaN", '"fast"', "true", "-5", "[1]", "1" * 5000])
def test_parameters_are_checked(explorer: Served, value: str) -> None:
    """Whatever comes, it is an answer and not an accident."""
    with explorer.socket() as socket:
        socket.send(f'{{"id": 1, "ask": "view", "view": "loss-surface", "parameters": {{"learning_rate": {value}}}}}')
        said = hear(socket)
        assert said["id"] in (0, 1)
        assert "learning_rate" in said["error"] or "not JSON" in said["error"]


def test_too_many_wishes_end_the_conversation(explorer: Served) -> None:
    """A page of ours has a few dozen."""
    with explorer.socket() as socket:
        for number in range(1, conversation.MOST_WISHES + 2):
            socket.send(json.dumps({"id": number, "ask": "part", "part": "runs"}))
        said = hear(socket)
        while said["id"]:
            said = hear(socket)
        assert said["error"] == "A page may want 128 things at one time. Say stop for some of them."
        with pytest.raises(ConnectionClosed):
            hear(socket)


def _silent(explorer: Served) -> sockets.socket:
    """A client that asks for pictures and reads nothing."""
    raw = sockets.create_connection(("127.0.0.1", explorer.keys.port))
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.sendall(
        f"GET /socket HTTP/1.1\r\nHost: {explorer.host}\r\n"
        f"Origin: http://{explorer.host}\r\nCookie: {explorer.cookie}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    return raw


def _masked(text: str) -> bytes:
    body = text.encode()
    return bytes([0x81, 0xFE]) + len(body).to_bytes(2, "big") + bytes(4) + body


def test_who_does_not_read_holds_one_message_and_is_left(explorer: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing gathers for a slow client, the others are served, and in the end it is cut off."""
    monkeypatch.setattr(conversation, "PATIENCE_SECONDS", 1.0)
    drawn: list[int] = []
    original = explorer.desk.frame
    monkeypatch.setattr(explorer.desk, "frame", lambda *given: (drawn.append(1), original(*given))[1])
    with _silent(explorer) as raw, explorer.socket() as other:
        for number in range(1, 61):
            words = {
                "id": number,
                "ask": "view",
                "view": "loss-surface",
                "parameters": {"steps": 500, "surface": "himmelblau"},
            }
            raw.sendall(_masked(json.dumps(words)))
        for number in range(1, 6):
            assert ask(other, id=number, ask="view", view="curves", run=explorer.key("one"))[0] == number
        slow = explorer.server.server_state.connections
        wait_until(lambda: len(slow) == 1)  # the other one
        # What fits into the buffers of the system was sent; after that nothing was even drawn.
        assert len(drawn) < 60


def test_two_hundred_pages_are_served_at_one_time(explorer: Served) -> None:
    """And one more than the most is told so."""
    with ExitStack() as stack:
        pages = [stack.enter_context(explorer.socket()) for _ in range(200)]
        for socket in pages:
            socket.send(
                json.dumps({"id": 1, "ask": "view", "view": "curves", "run": explorer.key("one"), "follow": True})
            )
        assert [hear(socket)[0] for socket in pages] == [1] * 200
        assert explorer.get("/").status == 200
    wait_until(lambda: not explorer.server.server_state.connections)


def test_more_than_the_most_are_refused(explorer: Served) -> None:
    """With words, and those that are in stay in."""
    with ExitStack() as stack:
        pages = [stack.enter_context(explorer.socket(ping_interval=None)) for _ in range(MOST_SOCKETS)]
        with pytest.raises(InvalidStatus) as refused:
            explorer.socket()
        assert refused.value.response.status_code == 503
        assert refused.value.response.body == b"Too many pages are open. Close some of them and reload this one."
        assert explorer.get("/").status == 503
        assert ask(pages[-1], id=1, ask="part", part="runs")["id"] == 1
    wait_until(lambda: not explorer.server.server_state.connections)
    assert explorer.get("/").status == 200


def test_a_request_of_endless_headers_is_cut_off(explorer: Served) -> None:
    """Nobody waits for its end."""
    with sockets.create_connection(("127.0.0.1", explorer.keys.port), timeout=PATIENCE) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000)
        assert raw.recv(100).startswith(b"HTTP/1.1 400")


def test_the_secrets_are_compared_in_constant_time() -> None:
    """By the function that is made for it, and by nothing else."""
    source = Path(conversation.__file__).with_name("guard.py").read_text()
    assert "hmac.compare_digest" in source
    assert "== self._keys.token" not in source
    assert "== self.session" not in source
