"""Carriers: complete in themselves, shut in, and deaf to hostile names."""

import base64
import re
import zlib
from collections.abc import Generator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pellucid.core.errors import InputError, MissingScriptError
from pellucid.core.figure import Figure, Panel
from pellucid.core.figure.live import carried, carrying, notebook_html, picture_html, place
from pellucid.core.figure.live import script as built
from pellucid.core.frame import Frame, unpack, unpack_book
from tests.core.figure.pictures import histograms

EVIL = "</script><b>\"'&<!--<script>alert(1)</script>"
SCRIPT = "globalThis.pellucid = '</script>' + \"<!--\";"


class Tags(HTMLParser):
    """Elements with their attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element."""
        self.found.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_data(self, data: str) -> None:
        """Take text."""
        if self.found:
            self.found[-1][2].append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str], str]]:
        """Return attributes and text of every element of one name."""
        return [(attributes, "".join(text)) for name, attributes, text in self.found if name == tag]


@pytest.fixture(autouse=True)
def small_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[None]:
    """Stand in for the built script, with everything in it that could end a script element."""
    (tmp_path / "picture.js").write_text(SCRIPT)
    module = __import__("pellucid.core.figure.live.script", fromlist=["script"])
    monkeypatch.setattr(module.resources, "files", lambda _: tmp_path)
    module.script.cache_clear()
    carrying._code.cache_clear()
    yield
    module.script.cache_clear()
    carrying._code.cache_clear()


def inflated(text: str) -> bytes:
    """Read what was carried."""
    return zlib.decompress(base64.b64decode(text))


def evil() -> Frame:
    """Return a figure whose every name is hostile."""
    return Frame(figure=Figure(title=EVIL, panels=(Panel(title=EVIL, note=EVIL),), alt=EVIL, caveat=EVIL))


def test_the_script_cannot_end_its_element() -> None:
    """Neither by the end of a script nor by the start of a comment."""
    assert built() == "globalThis.pellucid = '<\\/script>' + \"<\\!--\";"


def test_a_script_that_was_not_built_is_told(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "picture.js").unlink()
    with pytest.raises(MissingScriptError) as caught:
        built()
    assert str(caught.value) == (
        f"The script that draws living pictures, {tmp_path / 'picture.js'}, was not built. In a checkout of pellucid "
        "run `make web`, or install it anew with `pip install -e .`."
    )


def test_a_frame_or_a_book_is_carried() -> None:
    """One frame as it is, several as a book."""
    one = Frame(figure=histograms(1), view="one")
    assert unpack(inflated(carried([one]))).view == "one"
    assert [each.view for each in unpack_book(inflated(carried([one, Frame(figure=histograms(2), view="two")])))] == [
        "one",
        "two",
    ]


def test_a_place_has_its_frame_and_its_fallback() -> None:
    """The page of `script()` finds one by the other; hostile names stay text."""
    tags = Tags(place("sheet0-a", carried([evil()]), fallback_html=picture_html(evil().figure)))
    assert [name for name, _, _ in tags.found] == ["div", "pre", "script"]
    assert tags.all("div")[0][0] == {"data-pellucid-frame": "sheet0-a"}
    ((attributes, content),) = tags.all("script")
    assert attributes == {"type": "application/octet-stream", "id": "sheet0-a"}
    assert unpack(inflated(content)).figure.title == EVIL
    ((attributes, text),) = tags.all("pre")
    assert attributes["aria-label"] == EVIL
    assert EVIL in text


@pytest.mark.parametrize("identity", ["", "1a", "a b", 'a"b', "a<b", "é", "a\n"])
def test_odd_ids_are_refused(identity: str) -> None:
    """What could end an attribute, or not be found by its name."""
    with pytest.raises(InputError) as caught:
        place(identity, "")
    assert str(caught.value) == f"{identity!r} is no id: letters, digits, '-' and '_', a letter first."


def test_a_notebook_gets_a_page_in_a_sandbox() -> None:
    """It holds script and frames, may fetch nothing, and cannot reach the notebook."""
    html = notebook_html([evil()])
    outer = Tags(html)
    assert [name for name, _, _ in outer.found] == ["style", "iframe", "script"]
    ((frame, _),) = outer.all("iframe")
    assert frame["sandbox"] == "allow-scripts allow-downloads"
    assert frame["title"] == EVIL
    assert "src" not in frame
    page = frame["srcdoc"]
    inner = Tags(page)
    assert inner.all("html")[0][0]["data-pellucid-embedded"] == frame["id"]
    policy = inner.all("meta")[1][0]["content"]
    assert policy.startswith("default-src 'none';")
    assert EVIL not in page.replace(unescape(page), "")
    scripts = inner.all("script")
    assert [attributes.get("id") for attributes, _ in scripts] == ["picture", "code", None]
    assert unpack(inflated(scripts[0][1])).figure.title == EVIL
    assert inflated(scripts[1][1]).decode() == built()
    assert "alert" not in scripts[2][1]
    assert not inner.all("b")
    references = re.findall(r"(?:src|href)=", page)
    assert references == []


def test_two_outputs_do_not_share_an_id() -> None:
    """The same figure may stand in a notebook twice."""
    ids = {Tags(notebook_html([evil()])).all("iframe")[0][0]["id"] for _ in range(3)}
    assert len(ids) == 3


def test_the_sandbox_is_as_light_or_dark_as_its_notebook() -> None:
    """Its scheme follows the frame's, which the notebook's own switch sets."""
    ((_, style),) = Tags(notebook_html([evil()])).all("style")
    assert ".pellucid-frame{color-scheme:light dark}" in style
    assert '[data-jp-theme-light="false"] .pellucid-frame{color-scheme:dark}' in style
    assert ".vscode-light .pellucid-frame{color-scheme:light}" in style


def test_the_first_height_is_near() -> None:
    """It is given, or reckoned from the panels."""

    def height(html: str) -> int:
        found = re.search(r"height:(\d+)px", html)
        assert found
        return int(found[1])

    assert height(notebook_html([evil()], height=321)) == 321
    one, many = (height(notebook_html([Frame(figure=histograms(count))])) for count in (4, 12))
    assert 300 < one < 700
    assert 800 < many < 1300
