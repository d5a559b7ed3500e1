"""What is done to the SVG that matplotlib writes, so that many of them live on one page, light or dark."""

import hashlib
import re
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

import numpy as np

from pellucid.core.figure.marks import Figure, Tone
from pellucid.core.figure.words import plain
from pellucid.core.theme import DARK, LIGHT, Theme

_FONT = "var(--font,system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif)"
_MONO = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace"


def _page() -> Theme:
    """A theme of colours that occur nowhere else, to be replaced by variables once the SVG is written."""
    ground = ("paper", "ink", "muted", "faint")
    marks = {name: f"#fe01{place:02x}" for place, name in enumerate(ground)}
    tones: dict[Tone, str] = {tone: f"#fe02{place:02x}" for place, tone in enumerate(LIGHT.tones)}
    return Theme(name="page", **marks, tones=tones)


PAGE = _page()
"""Every colour is a place holder for a CSS variable of the page."""


def fingerprint(figure: Figure, theme: str) -> str:
    """Return an identifier that two figures share only when they look the same: "pel-" and ten characters."""
    digest = hashlib.sha256(theme.encode())
    _feed(digest, figure)
    return "pel-" + digest.hexdigest()[:10]


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value):
        digest.update(type(value).__name__.encode())
        for one in fields(value):
            _feed(digest, getattr(value, one.name))
    elif isinstance(value, tuple):
        digest.update(f"({len(value)}".encode())
        for one in value:
            _feed(digest, one)
    else:
        digest.update(repr(value).encode("utf-8", "replace") + b";")


def finish(raw: str, figure: Figure, name: str, theme: Theme) -> str:
    """Turn matplotlib's SVG into one that a page can hold.

    Args:
        raw: What matplotlib wrote.
        figure: For the title and the description.
        name: Identifier of the picture; every id in it begins with it.
        theme: With `PAGE`, colours become variables.

    Returns:
        SVG without prolog, metadata, date or line breaks between elements.
    """
    text = raw[raw.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    # Rules for every element of the page become rules for this picture; its own style replaces them.
    text = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r">\s+<", "><", text)
    tags = re.findall(_TAG, text)
    ids = _own_ids("".join(tags), name)
    # Only tags are touched: the name of a layer may look like anything, and stays as it is.
    text = re.sub(_TAG, lambda tag: _tidy(tag[0], ids, theme), text)
    variables = _used(text) if theme is PAGE else []
    return _root(text, figure, name, variables)


_TAG = r"<[a-zA-Z][^>]*>"  # matplotlib escapes ">" in texts and attributes


def _tidy(tag: str, ids: dict[str, str], theme: Theme) -> str:
    tag = re.sub(r' id="([^"]+)"', lambda hit: f' id="{ids[hit[1]]}"' if hit[1] in ids else "", tag)
    tag = re.sub(r'(url\(#|href="#)([^")]+)', lambda hit: hit[1] + ids.get(hit[2], hit[2]), tag)
    tag = re.sub(r' (d|x|y|width|height|points)="([^"]*)"', _rounded, tag)
    # matplotlib 3.9 writes "font: 700 10px Family", 3.11 "font-family: Family".
    tag = re.sub(r"(font: (?:\w+ )*[\d.]+px |font-family: )([^;\"]*)", _font, tag)
    if theme is PAGE and "#fe0" in tag:
        for variable, holder in PAGE.variables().items():
            tag = tag.replace(holder, f"var(--pel{variable[1:]})")
    return tag


def _used(text: str) -> list[str]:
    return [variable for variable in PAGE.variables() if f"var(--pel{variable[1:]})" in text]


def _own_ids(tags: str, name: str) -> dict[str, str]:
    """Return the new name of every id that something refers to; the others are dropped."""
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', tags))
    every = dict.fromkeys(re.findall(r' id="([^"]+)"', tags))
    return {old: f"{name}-{place}" for place, old in enumerate(one for one in every if one in used)}


def _rounded(hit: re.Match[str]) -> str:
    short = re.sub(r"-?\d+\.\d{3,}", lambda one: f"{float(one[0]):.2f}".rstrip("0").rstrip("."), hit[2])
    return f' {hit[1]}="{" ".join(short.split())}"'


def _font(hit: re.Match[str]) -> str:
    # The letters of the page, not those of the machine that drew it.
    return hit[1] + (_MONO if "Mono" in hit[2] else _FONT)


def _style(name: str, used: list[str]) -> str:
    """The page's own variable where it has one; else our light or dark, as the reader prefers."""
    base = f"#{name} *{{stroke-linejoin:round;stroke-linecap:butt}}"
    if not used:
        return base
    light, dark = LIGHT.variables(), DARK.variables()
    sets = [";".join(f"--pel{one[1:]}:var({one},{colours[one]})" for one in used) for colours in (light, dark)]
    return f"{base}#{name}{{{sets[0]}}}@media (prefers-color-scheme:dark){{#{name}{{{sets[1]}}}}}"


def _root(text: str, figure: Figure, name: str, used: list[str]) -> str:
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    width, height = (float(size[1]), float(size[2])) if size else (0.0, 0.0)
    words = figure.alt or " ".join(part for part in (figure.title, figure.verdict) if part)
    pixels = f'width="{width * 4 / 3:.0f}" height="{height * 4 / 3:.0f}"'
    fluid = ' style="max-width:100%;height:auto"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" id="{name}" {pixels} '
        f'viewBox="0 0 {width:g} {height:g}"{fluid} role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(plain(figure.title))}</title>'
        f'<desc id="{name}-desc">{escape(plain(words))}</desc><style>{_style(name, used)}</style>'
    )
    return head + text[text.index(">") + 1 :].strip()
