"""The sheet that a figure is drawn on: text, boxes and frames placed in points from the top left corner."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import UInt8

from pellucid.core.extras import require
from pellucid.core.figure.marks import Array, Tone
from pellucid.core.figure.words import plain
from pellucid.core.theme import Theme

PURPOSE = "drawing a static image"
MONO = ("DejaVu Sans Mono",)


@dataclass(frozen=True)
class Box:
    """A rectangle in points, from the top left corner of the sheet.

    Attributes:
        left: Distance from the left edge.
        top: Distance from the upper edge.
        width: Extent to the right.
        height: Extent downwards.
    """

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Type:
    """How a piece of text is set.

    Attributes:
        size: Height of the letters, points.
        bold: Heavy letters.
        mono: Letters of one width.
    """

    size: float = 8.5
    bold: bool = False
    mono: bool = False


TITLE = Type(size=15, bold=True)
VERDICT = Type(size=10)
PANEL = Type(size=9.5, bold=True)
LABEL = Type(size=8)
SMALL = Type(size=7.5)
TOKEN = Type(size=9, mono=True)
CELL = Type(size=8.5)


def matplotlib(module: str) -> Any:
    """Return a module of matplotlib, or say how to install it."""
    return require(f"matplotlib.{module}" if module else "matplotlib", extra="static", purpose=PURPOSE)


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """Return the installed families of letters, best first; the last is part of matplotlib itself."""
    installed = {font.name for font in matplotlib("font_manager").fontManager.ttflist}
    wished = ("Inter", "Source Sans 3", "Open Sans", "Helvetica Neue", "Arial", "Liberation Sans")
    further = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "PingFang SC", "Microsoft YaHei")
    first = next((name for name in wished if name in installed), "DejaVu Sans")
    return tuple(dict.fromkeys((first, "DejaVu Sans", *(name for name in further if name in installed))))


@lru_cache(maxsize=32)
def font(kind: Type) -> Any:
    """Return the font properties of a type."""
    names = MONO if kind.mono else families()
    weight = "bold" if kind.bold else "normal"
    return matplotlib("font_manager").FontProperties(family=list(names), size=kind.size, weight=weight)


@lru_cache(maxsize=8192)
def width_of(text: str, kind: Type) -> float:
    """Return how wide a line of text is at the most, in points: that of wide letters, since a page brings its own."""
    names = MONO if kind.mono else ("DejaVu Sans",)
    weight = "bold" if kind.bold else "normal"
    wide = matplotlib("font_manager").FontProperties(family=list(names), size=kind.size, weight=weight)
    measure = matplotlib("textpath").text_to_path.get_text_width_height_descent
    return float(measure(text, wide, False)[0]) if text else 0.0


def clip(text: str, kind: Type, room: float) -> str:
    """Return the text cut to `room` points, with "…" where something is missing."""
    text = plain(text)
    if width_of(text, kind) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width_of(text[:middle] + "…", kind) <= room else (low, middle - 1)
    return text[:low].rstrip() + "…"


def shortened(text: str, kind: Type, room: float) -> str:
    """Return the text cut to `room` points in its middle: names of layers differ at their ends."""
    text = plain(text)
    kept = len(text)
    short = text
    while kept > 1 and width_of(short, kind) > room:
        kept -= 1
        short = text[: kept // 2] + "…" + text[len(text) - (kept + 1) // 2 :]
    return short


def broken(text: str, kind: Type, room: float) -> list[str]:
    """Break a paragraph into lines of at most `room` points."""
    lines, current = list[str](), ""
    for word in plain(text).split():
        longer = f"{current} {word}".strip()
        if current and width_of(longer, kind) > room:
            lines.append(current)
            current = word
        else:
            current = longer
    return [clip(line, kind, room) for line in [*lines, current] if line]


class Sheet:
    """A sheet of matplotlib, addressed in points from the top left."""

    def __init__(self, width: float, height: float, theme: Theme, *, clear: bool) -> None:
        self.width, self.height, self.theme = width, height, theme
        ground = "none" if clear else theme.paper
        self.figure: Any = matplotlib("figure").Figure(figsize=(width / 72, height / 72), facecolor=ground)
        self._lines: Any = matplotlib("lines")
        self._patches: Any = matplotlib("patches")

    def tone(self, tone: Tone) -> str:
        """Return the colour of a role."""
        return self.theme.tones[tone]

    def text(self, left: float, top: float, words: str, kind: Type, **look: Any) -> None:
        """Write one line; `top` is its baseline. look: colour, align (left, center, right), alpha."""
        self.figure.text(
            left / self.width,
            1 - top / self.height,
            plain(words),
            fontproperties=font(kind),
            color=look.get("colour", self.theme.ink),
            horizontalalignment=look.get("align", "left"),
            verticalalignment="baseline",
            parse_math=False,  # "$" in the name of a layer is a dollar sign
        )

    def box(self, box: Box, colour: str, *, alpha: float = 1.0) -> None:
        """Fill a rectangle."""
        shape: Mapping[str, Any] = {"facecolor": colour, "edgecolor": "none", "alpha": alpha, "linewidth": 0}
        place = (box.left / self.width, 1 - (box.top + box.height) / self.height)
        patch = self._patches.Rectangle(place, box.width / self.width, box.height / self.height, **shape)
        patch.set_transform(self.figure.transFigure)
        self.figure.add_artist(patch)

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: str, **look: Any) -> None:
        """Draw a straight line between two places; look is that of matplotlib's lines."""
        across = [start[0] / self.width, end[0] / self.width]
        up = [1 - start[1] / self.height, 1 - end[1] / self.height]
        look = {"linewidth": 0.6} | look
        self.figure.add_artist(self._lines.Line2D(across, up, color=colour, transform=self.figure.transFigure, **look))

    def frame(self, box: Box, x: tuple[float, float], y: tuple[float, float]) -> Any:
        """Return axes without any decoration over a box, with the given ends."""
        place = (
            box.left / self.width,
            1 - (box.top + box.height) / self.height,
            box.width / self.width,
            box.height / self.height,
        )
        axes = self.figure.add_axes(place, frameon=False)
        axes.axis("off")
        axes.set_xlim(*x)
        axes.set_ylim(*y)
        return axes

    def picture(self, box: Box, pixels: UInt8[np.ndarray, "row column 4"]) -> None:
        """Put an image over a box; it is stored pixel by pixel, and every pixel stays a sharp rectangle."""
        axes = self.frame(box, (0, 1), (0, 1))
        show_pixels(axes, pixels, (0, 1, 0, 1))


def show_pixels(axes: Any, pixels: Array, extent: tuple[float, float, float, float]) -> None:
    """Show an image in axes; `extent` is left, right, bottom, top, and row 0 is at the top."""
    axes.imshow(pixels, extent=extent, interpolation="none", aspect="auto", origin="upper", zorder=1)
