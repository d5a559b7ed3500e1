"""How the browser is opened: nobody else on the machine learns the token."""

import stat
import sys
import threading
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from pellucid.outlets.explorer.browser import browser_at
from tests.outlets.explorer.serving import Served

ADDRESS = "http://127.0.0.1:7355/?token=secret&x='\"<"


def test_the_browser_is_given_a_file_that_leads_to_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is in the file, which is ours alone and goes at the end, and not in what the browser is called with."""
    opened: list[str] = []
    called = threading.Event()
    monkeypatch.setattr(webbrowser, "open", lambda address: (opened.append(address), called.set()))
    with browser_at(ADDRESS):
        assert called.wait(30)
        assert len(opened) == 1
        assert "secret" not in opened[0]
        parts = urlsplit(opened[0])
        assert parts.scheme == "file"
        file = Path(url2pathname(parts.path))
        assert 'content="0; url=http://127.0.0.1:7355/?token=secret&amp;x=&#x27;&quot;&lt;"' in file.read_text("utf-8")
        if sys.platform != "win32":
            assert [stat.S_IMODE(one.stat().st_mode) for one in (file, file.parent)] == [0o600, 0o700]
    assert not file.parent.exists()


def test_who_comes_from_a_file_is_led_on_by_a_page_of_ours(explorer: Served) -> None:
    """A browser sends no strict cookie along when a page from elsewhere brought it here."""
    fetched = {"Sec-Fetch-Site": "cross-site"}
    answer = explorer.get(f"/compare?run=a&token={explorer.keys.token}&run=b%26", cookie="", **fetched)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<meta http-equiv="refresh" content="0; url=/compare?run=a&amp;run=b%26">' in answer.body
    assert answer.headers["set-cookie"] == f"{explorer.cookie}; HttpOnly; SameSite=Strict; Path=/"
    assert explorer.keys.token not in answer.body
    assert answer.headers["cache-control"] == "no-store"
    refused = explorer.get("/?token=wrong", cookie="", **fetched)
    assert (refused.status, "set-cookie" in refused.headers) == (403, False)
