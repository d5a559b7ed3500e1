"""Frames inside a page: deflated text in a script element, and for a notebook a page of its own in a sandbox."""

import base64
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from html import escape
from math import ceil

from pellucid.core.controls import Control
from pellucid.core.errors import InputError
from pellucid.core.figure.grid import rows_of_panels
from pellucid.core.figure.live.script import script
from pellucid.core.figure.live.thinning import embedded
from pellucid.core.figure.marks import Figure, Table
from pellucid.core.figure.text import figure_text
from pellucid.core.figure.words import plain
from pellucid.core.frame import Frame, pack, pack_book
from pellucid.core.stored import Pictures
from pellucid.core.theme import scheme

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_TALLEST = 4_000

# A page that fetches nothing, whatever a picture says; blob: and data: are for saving it.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

# Inflates the script of the page, and runs it.
_START = (
    "(async()=>{const code=document.getElementById('code').textContent,"
    "bytes=Uint8Array.from(atob(code),one=>one.charCodeAt(0)),"
    "stream=new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate')),"
    "script=document.createElement('script');"
    "script.textContent=await new Response(stream).text();document.head.append(script)})()"
)

# Makes the page in the sandbox light or dark when the notebook says so.
_FOLLOW = (
    "addEventListener('message',({source,data})=>{if(source!==parent||!data||data.pellucid!=='theme')return;"
    "const name=data.dark===true?'dark':'light',root=document.documentElement;"
    "root.dataset.theme=root.style.colorScheme=name})"
)

# Makes the sandbox as high as what is inside, and tells it whether the notebook is dark: by what JupyterLab and VS Code
# say, else by the colour of the text around it, which is light on dark paper only. It hears that frame alone, and takes
# nothing but a height from it; the frame speaks first, so that none is told before it listens.
_LISTEN = (
    "(()=>{const frame=document.currentScript.previousElementSibling,{body}=document,"
    "preference=matchMedia('(prefers-color-scheme: dark)'),"
    "isDark=()=>{const{classList,dataset}=body;if(dataset.jpThemeLight)return dataset.jpThemeLight==='false';"
    "for(const name of['dark','light'])if(classList.contains('vscode-'+name))return name==='dark';"
    "const{color}=getComputedStyle(frame.parentElement);if(!color.startsWith('rgb'))return preference.matches;"
    "const[red,green,blue]=color.match(/[\\d.]+/g);return .3*red+.59*green+.11*blue>127},"
    "tell=()=>{if(!frame.isConnected)return;const dark=isDark();frame.style.colorScheme=dark?'dark':'light';"
    "frame.contentWindow.postMessage({pellucid:'theme',dark},'*')};"
    "addEventListener('message',({source,data})=>{"
    "if(source!==frame.contentWindow||!data||data.pellucid!=='height'||!Number.isFinite(data.height))return;"
    "frame.style.height=Math.min(Math.max(data.height,40),20000)+'px';tell()});"
    "for(const one of[document.documentElement,body])new MutationObserver(tell).observe(one,{attributes:true});"
    "preference.addEventListener('change',tell);tell()})()"
)


def carried(frames: Sequence[Frame], *, pictures: Pictures | None = None) -> str:
    """Return frames as text for a script element.

    Args:
        frames: At least one; several are a book, the first shown first.
        pictures: Store every picture in fewer bytes, see `pack`.

    Returns:
        Base64 of the deflated bytes.
    """
    packed = [pack(one, pictures=pictures) for one in frames]
    return _deflated(packed[0] if len(packed) == 1 else pack_book(packed))


def place(identity: str, content: str, *, fallback_html: str = "") -> str:
    """Return the HTML of a picture for a page that holds `script()`.

    Args:
        identity: An id that no other element of the page has: letters, digits, "-" and "_", a letter first.
        content: What `carried` returned.
        fallback_html: What stands there until the picture is drawn, and for readers without script; trusted HTML.

    Returns:
        A place, and the frames.

    Raises:
        InputError: An id that could not be an id.
    """
    if not _ID.fullmatch(identity):
        raise InputError(f"{identity!r} is no id: letters, digits, '-' and '_', a letter first.")
    return (
        f'<div data-pellucid-frame="{identity}">{fallback_html}</div>'
        f'<script type="application/octet-stream" id="{identity}">{content}</script>'
    )


def picture_html(figure: Figure, *, width: int = 100) -> str:
    """Return a figure in characters, as HTML: the fallback of the living picture."""
    alt = escape(plain(figure.alt or figure.title), quote=True)
    return f'<pre role="img" aria-label="{alt}" tabindex="0">{escape(figure_text(figure, width))}</pre>'


def notebook_html(frames: Sequence[Frame], *, height: int | None = None) -> str:
    """Return a picture for a notebook: complete in itself, shut in, as light or dark as its notebook.

    Args:
        frames: At least one; several are a book. Of curves with more than 20,000 points every peak is kept, and the
            caveat says so.
        height: Pixels until the picture tells its own; None to reckon it from the figure.

    Returns:
        An `<iframe>` and the few lines that keep it as high as the picture.

    Raises:
        MissingScriptError: The script was not built.
    """
    identity = f"pel-{secrets.token_hex(6)}"
    frames = [replace(one, figure=embedded(one.figure)) for one in frames]
    first = frames[0]
    title = escape(plain(first.figure.title), quote=True)
    page = (
        f'<!doctype html><html lang="en" data-pellucid-embedded="{identity}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title>'
        "<style>:root{color-scheme:light dark}body{margin:0}pre{overflow:auto;font-size:12px}</style></head><body>"
        f"{place('picture', carried(frames), fallback_html=picture_html(first.figure))}"
        f'<script type="application/octet-stream" id="code">{_code()}</script>'
        f"<script>{_FOLLOW};{_START}</script></body></html>"
    )
    pixels = _height(first.figure, first.controls) if height is None else height
    return (
        f"<style>{scheme('.pellucid-frame')}</style>"
        f'<iframe class="pellucid-frame" id="{identity}" title="{title}" sandbox="allow-scripts allow-downloads" '
        f'style="display:block;width:100%;height:{pixels}px;border:0" srcdoc="{escape(page, quote=True)}"></iframe>'
        f"<script>{_LISTEN}</script>"
    )


@cache
def _code() -> str:
    return _deflated(script().encode())


def _deflated(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def _height(figure: Figure, controls: Sequence[Control]) -> int:
    """Guess how high a picture will be on a page of about 900 pixels; it corrects it by itself."""
    across = max(1, min(figure.columns, 4))
    rows = rows_of_panels(figure.panels, across)
    tables = [mark for panel in figure.panels for mark in panel.marks if isinstance(mark, Table)]
    high = 150 + (400 if across == 1 else 290) * len(rows) + 30 * sum(len(one.rows) for one in tables)
    return min(high + 50 * ceil(len(controls) / 3), _TALLEST)
