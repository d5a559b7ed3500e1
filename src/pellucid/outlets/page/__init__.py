"""What the pages of the report and of the explorer share: the style sheet, and how a verdict is written."""

from functools import cache
from importlib import resources
from typing import Any

from pellucid.core.extras import require
from pellucid.core.figure.words import plain
from pellucid.core.theme import DARK, LEVEL_SYMBOLS, LIGHT, Theme
from pellucid.outlets.page.words import duration, label_words, value_words

_SHARED = "page/"


def page_style() -> str:
    """Return the style sheet with the colours of the theme, light by default and dark where the reader prefers it."""
    text = _read(__name__, "style.css")
    return text.replace("/* light */", _variables(LIGHT)).replace("/* dark */", _variables(DARK))


@cache
def templates(package: str, folder: str = "") -> Any:
    """Return the templates of a package; whatever they are given is escaped.

    Args:
        package: Such as "pellucid.outlets.report"; its templates may import "page/findings.html".
        folder: Where they lie in it.

    Returns:
        A jinja2 environment.
    """
    jinja2: Any = require("jinja2", extra="all", purpose="writing a page")

    def text_of(name: str) -> str:
        if name.startswith(_SHARED):
            return _read(__name__, name.removeprefix(_SHARED))
        return _read(package, f"{folder}/{name}".lstrip("/"))

    made = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(text_of),
    )
    made.filters |= {"value": value_words, "label": label_words, "duration": duration, "plain": plain}
    made.globals |= {"symbols": LEVEL_SYMBOLS}
    return made


def _read(package: str, name: str) -> str:
    return resources.files(package).joinpath(*name.split("/")).read_text(encoding="utf-8")


def _variables(theme: Theme) -> str:
    return " ".join(f"{name}: {colour};" for name, colour in theme.variables().items())


__all__ = ["page_style", "templates"]
