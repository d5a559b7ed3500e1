"""The port, the limits, the end; and pages of one's own."""

import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pellucid.core import view as registry
from pellucid.core.errors import AddressError, InputError
from pellucid.core.figure import Figure
from pellucid.core.view import View
from pellucid.outlets.explorer import pages as explorer_of_pages
from pellucid.outlets.explorer.desk import Desk, Wanted
from pellucid.outlets.explorer.server import FIRST_PORT, taken_port
from tests.outlets.explorer.serving import PATIENCE, ask, served, wait_until, write_run

PAGE = '''
"""A page of a user."""

from typing import Annotated

from pellucid.extend import Figure

from pellucid.core.view import Range, view


@view(title="Mine", page=True)
def my_page(size: Annotated[int, Range(1, 9)] = 3) -> Figure:
    """What I want to see.

    It teaches.

    Try:
        - Another size.
    """
    return Figure(title=f"size {size}", panels=())
'''


@pytest.fixture
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that a test adds are forgotten after it."""
    monkeypatch.setattr(registry, "_PAGES", dict(explorer_of_pages.pages()))


def test_a_taken_port_is_named() -> None:
    """With what to do."""
    with taken_port(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError) as refused:
            taken_port(port)
        assert str(refused.value) == (
            f"Port {port} is taken, perhaps by another `pellucid open`. "
            "Leave --port away to get a free one, or choose another."
        )


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none(port: int) -> None:
    """Before anything is tried."""
    with pytest.raises(InputError) as refused:
        taken_port(port)
    assert str(refused.value) == f"A port is a number from 1 to 65535, got {port}."


def test_without_a_port_the_next_free_one_is_taken() -> None:
    """So that two explorers need no thought; both on this machine only."""
    with taken_port(None) as one, taken_port(None) as other:
        addresses = [one.getsockname(), other.getsockname()]
    assert addresses[0] != addresses[1]
    assert all(host == "127.0.0.1" and port >= FIRST_PORT for host, port in addresses)


def test_nobody_outside_reaches_the_port() -> None:
    """It is bound to loopback, not to every address of the machine."""
    with taken_port(0) as taken, socket.socket() as other:
        other.settimeout(5)
        try:
            outside = socket.gethostbyname(socket.gethostname())
        except OSError:
            pytest.skip("this machine does not know its address")
        if outside.startswith("127."):
            pytest.skip("this machine has no other address")
        assert other.connect_ex((outside, taken.getsockname()[1])) != 0


def test_two_servers_stand_beside_each_other(tmp_path: Path) -> None:
    """Their cookies have names of their own, and neither opens the other."""
    write_run(tmp_path / "a" / "one")
    write_run(tmp_path / "b" / "two")
    with served(tmp_path / "a") as first, served(tmp_path / "b") as second:
        both = f"{first.cookie}; {second.cookie}"
        assert ">one</a>" in first.get("/", cookie=both).body
        assert ">two</a>" in second.get("/", cookie=both).body
        assert second.get("/", cookie=first.cookie).status == 403
        with pytest.raises(Exception, match="403"):
            second.socket(origin=f"http://{first.host}")


@pytest.mark.usefixtures("_registered")
def test_a_page_of_ones_own_is_one_file(tmp_path: Path) -> None:
    """Listed, taught and drawn like those of pellucid."""
    file = tmp_path / "my_page.py"
    file.write_text(PAGE)
    with served(tmp_path, own_pages=[file]) as explorer, explorer.socket() as page:
        assert '<a href="/page/my-page">Mine</a>' in explorer.get("/pages").body
        body = explorer.get("/page/my-page").body
        assert all(words in body for words in ("What I want to see.", "<p>It teaches.</p>", "<li>Another size.</li>"))
        frame = ask(page, id=1, ask="view", view="my-page", parameters={"size": 5})[1]
        assert frame.figure.title == "size 5"
    assert explorer_of_pages.page("my-page").title == "Mine"


@pytest.mark.usefixtures("_registered")
def test_what_is_no_page(tmp_path: Path) -> None:
    """Each in its own words."""
    for name, text in {"empty.py": "", "fails.py": "1 / 0", "words.txt": PAGE}.items():
        (tmp_path / name).write_text(text)

    def words(name: str) -> str:
        with pytest.raises(InputError) as refused:
            explorer_of_pages.add_page(tmp_path / name)
        return str(refused.value).replace(str(tmp_path), "")

    assert words("empty.py") == (
        "'/empty.py' has no page: put `@view(title=..., page=True)` above the function that draws it."
    )
    assert words("fails.py") == "The page '/fails.py' failed: ZeroDivisionError: division by zero (fails.py, line 1)"
    assert words("words.txt") == "A page is a Python file, and '/words.txt' is none."
    assert words("none.py") == "A page is a Python file, and '/none.py' is none."


def test_a_page_that_there_is_not() -> None:
    """The nearest is named."""
    with pytest.raises(AddressError) as refused:
        explorer_of_pages.page("loss-surfac")
    known = ", ".join(explorer_of_pages.pages())
    near = "Closest: 'loss-surface', 'loss-landscape'."
    assert str(refused.value) == f"There is no page 'loss-surfac'. {near} There are: {known}."


def test_our_pages_are_drawn_before_anybody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that who opens one does not wait for what it loads; those of a user are not, nobody knows what they take."""
    drawn: list[str] = []
    monkeypatch.setattr("pellucid.outlets.explorer.desk.Desk.rehearse", lambda _, name: drawn.append(name))
    with served(tmp_path) as explorer:
        wait_until(lambda: len(drawn) == len(explorer_of_pages.pages()))
        assert sorted(drawn) == sorted(explorer_of_pages.pages())
        assert explorer.desk.rehearsed() == drawn


def test_who_asks_does_not_wait_for_what_is_drawn_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal of another page that takes for ever keeps nobody waiting."""
    go_on = threading.Event()
    monkeypatch.setattr("pellucid.outlets.explorer.desk.Desk.rehearse", lambda *_: go_on.wait(PATIENCE))
    try:
        with served(tmp_path) as explorer, explorer.socket() as page:
            wait_until(explorer.desk.leaves_work)
            assert ask(page, id=1, ask="view", view="loss-surface", parameters={})[1].view == "loss-surface"
    finally:
        go_on.set()


@pytest.mark.usefixtures("_registered")
def test_a_page_is_not_drawn_twice_at_one_time(tmp_path: Path) -> None:
    """Who asks for the page that is being rehearsed waits for its rehearsal: two would disturb each other."""
    file = tmp_path / "my_page.py"
    file.write_text(PAGE)
    explorer_of_pages.add_page(file)
    desk = Desk([tmp_path])
    begun, go_on = threading.Event(), threading.Event()
    drawn: list[str] = []

    def slow(size: int) -> Figure:
        drawn.append(f"begun {size}")
        begun.set()
        go_on.wait(PATIENCE)
        drawn.append(f"done {size}")
        return Figure(title="slow", panels=())

    registry._PAGES["my-page"] = replace(registry._PAGES["my-page"], function=slow)
    rehearsing = threading.Thread(target=desk.rehearse, args=("my-page",))
    asking = threading.Thread(target=desk.frame, args=(Wanted("my-page"), {"size": 7}))
    rehearsing.start()
    assert begun.wait(PATIENCE)
    asking.start()
    asking.join(0.2)
    go_on.set()
    rehearsing.join(PATIENCE)
    asking.join(PATIENCE)
    assert drawn == ["begun 3", "done 3", "begun 7", "done 7"]


def test_a_page_that_fails_ahead_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next is rehearsed, and who opens the one that failed is told why."""
    rehearsed: list[str] = []
    page = explorer_of_pages.pages()["loss-surface"]

    def drawn(name: str) -> View:
        def function(**_: object) -> Figure:
            rehearsed.append(name)
            raise ArithmeticError(name)

        return replace(page, name=name, function=function)

    def rehearsed_pages(_: Desk) -> list[str]:
        return ["one", "other"]

    monkeypatch.setattr(registry, "_PAGES", {name: drawn(name) for name in ("one", "other")})
    monkeypatch.setattr(Desk, "rehearsed", rehearsed_pages)
    with served(tmp_path) as explorer, explorer.socket() as socket:
        wait_until(lambda: rehearsed == ["one", "other"])
        said = ask(socket, id=1, ask="view", view="one")
        assert said["error"].startswith("ArithmeticError: one (test_server.py, line ")
