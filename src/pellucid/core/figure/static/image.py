"""PNG, SVG and PDF of a figure. matplotlib's global state is as before when a function here returns."""

import io
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pellucid.core.errors import InputError
from pellucid.core.figure.marks import Figure
from pellucid.core.figure.static.page import drawn
from pellucid.core.figure.static.sheet import Sheet, matplotlib
from pellucid.core.figure.static.svg import PAGE, fingerprint, finish
from pellucid.core.files import write_atomically
from pellucid.core.theme import Theme, theme_of

DPI = 144
_ONE_AT_A_TIME = threading.Lock()


def save(figure: Figure, path: Path, *, theme: str = "light") -> Path:
    """Write a static image.

    Args:
        figure: What to draw.
        path: Ends in .png, .svg or .pdf.
        theme: "light" or "dark".

    Returns:
        The path.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: Another ending or theme.
        StoreError: The file cannot be written; what was there before is still there.

    Cost:
        About 0.02 s a panel.
    """
    makers = {".png": _png, ".svg": _svg, ".pdf": _pdf}
    ending = path.suffix.lower()
    if ending not in makers:
        raise InputError(f"Cannot write {path.name!r}: the ending {ending!r} is not one of .png, .svg, .pdf.")
    return write_atomically(path, makers[ending](figure, theme_of(theme)))


def png(figure: Figure, theme: str = "light") -> bytes:
    """Return a figure as PNG, 144 dots an inch.

    Args:
        figure: What to draw.
        theme: "light" or "dark".

    Returns:
        The bytes of the file.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: Another theme.
    """
    return _png(figure, theme_of(theme))


def svg(figure: Figure, *, theme: str = "page", narrow: bool = False) -> str:
    """Return a figure as SVG, to be put into a page.

    Args:
        figure: What to draw.
        theme: "light", "dark", or "page": the colours of text, axes and curves are the page's variables --ink,
            --muted, --faint, --paper and --tone-accent, --tone-alarm ..., and where the page has none, light or
            dark as the reader prefers.
        narrow: Put the panels one below the other on a narrow sheet.

    Returns:
        One `<svg>` element without prolog. Text is text; images of cells and of many points are embedded.
        The same figure gives the same bytes, and two figures share no id.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: Another theme.
    """
    return _svg(figure, PAGE if theme == "page" else theme_of(theme), narrow=narrow).decode()


def _png(figure: Figure, theme: Theme) -> bytes:
    with _clean(fingerprint(figure, theme.name)):
        sheet = drawn(figure, theme, clear=False)
        return _print(sheet, "agg", "print_png", metadata={"Software": None}, dpi=DPI)


def _pdf(figure: Figure, theme: Theme) -> bytes:
    with _clean(fingerprint(figure, theme.name)):
        sheet = drawn(figure, theme, clear=False)
        return _print(sheet, "pdf", "print_pdf", metadata={"CreationDate": None, "Title": figure.title}, dpi=DPI)


def _svg(figure: Figure, theme: Theme, *, narrow: bool = False) -> bytes:
    name = fingerprint(figure, f"{theme.name} narrow" if narrow else theme.name)
    with _clean(name):
        sheet = drawn(figure, theme, clear=theme is PAGE, narrow=narrow)
        raw = _print(sheet, "svg", "print_svg", metadata={"Date": None}, dpi=DPI)
    return finish(raw.decode(), figure, name, theme).encode()


def _print(sheet: Sheet, kind: str, method: str, *, metadata: dict[str, Any], dpi: int) -> bytes:
    canvases = {"agg": "FigureCanvasAgg", "pdf": "FigureCanvasPdf", "svg": "FigureCanvasSVG"}
    canvas = getattr(matplotlib(f"backends.backend_{kind}"), canvases[kind])(sheet.figure)
    sheet.figure.set_dpi(dpi)
    into = io.BytesIO()
    getattr(canvas, method)(into, metadata=metadata)
    return into.getvalue()


@contextmanager
def _clean(name: str) -> Generator[None]:
    """Use matplotlib's own defaults and our few settings while drawing, and the user's settings again afterwards.

    Some settings of the SVG writer can only be given globally. Drawing in several threads takes turns.
    """
    whole = matplotlib("")
    private = ("backend", "backend_fallback", "interactive", "toolbar", "timezone")
    settings = {key: value for key, value in dict.items(whole.rcParamsDefault) if key not in private}
    settings |= {"svg.fonttype": "none", "svg.hashsalt": name, "pdf.fonttype": 42, "path.simplify_threshold": 0.2}
    changed = {key: value for key, value in settings.items() if dict.get(whole.rcParams, key) != value}
    before = {key: dict.__getitem__(whole.rcParams, key) for key in changed}
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # A letter that no installed font has is drawn as a box; in SVG the reader's browser may well have it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        try:
            for key, value in changed.items():
                dict.__setitem__(whole.rcParams, key, value)
            yield
        finally:
            for key, value in before.items():
                dict.__setitem__(whole.rcParams, key, value)
