"""Figure and its marks: a picture as plain data, no pixels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pellucid.core.figure.settled import Array, Settled
from pellucid.core.finding import Level

Scale = Literal["linear", "log", "symlog"]
Tone = Literal["accent", "second", "third", "fourth", "fifth", "faint", "ok", "look", "warn", "alarm", "dead", "sparse"]


@dataclass(frozen=True, kw_only=True)
class Axis(Settled):
    """One axis of a panel.

    Attributes:
        label: What is along it, in words.
        unit: Unit of the values; "" for pure numbers.
        scale: linear, log, or symlog (linear within `threshold` of 0, logarithmic beyond).
        threshold: Half width of the linear part of a symlog axis.
        limits: Lowest and highest value shown; None to fit the marks.
        categories: Names of the places 0, 1, 2 ... on the axis instead of numbers; () for numbers.
    """

    label: str = ""
    unit: str = ""
    scale: Scale = "linear"
    threshold: float = 1.0
    limits: tuple[float, float] | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bars(Settled):
    """A histogram, or bars of unequal width. Several on one panel overlay, or stack where `base` is given.

    Attributes:
        edges: Places of the sides of the bars, [bar + 1].
        heights: [bar].
        base: Where the bars begin, [bar]; None for 0.
        label: Name in the legend; "" for none.
        tone: Role of the colour.
    """

    edges: Array
    heights: Array
    base: Array | None = None
    label: str = ""
    tone: Tone = "accent"


@dataclass(frozen=True, kw_only=True)
class Lines(Settled):
    """One curve.

    Attributes:
        x: [point].
        y: [point]; NaN breaks the curve.
        low: Lower side of a band around it, [point]; None for no band.
        high: Upper side of the band, [point].
        fill: Fill between `low` and `y` (the ridge form) instead of drawing a band.
        label: Name in the legend; "" for none.
        tone: Role of the colour.
        style: solid, dashed or dotted.
        dots: Draw a dot at every point.
    """

    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None
    fill: bool = False
    label: str = ""
    tone: Tone = "accent"
    style: Literal["solid", "dashed", "dotted"] = "solid"
    dots: bool = False


@dataclass(frozen=True, kw_only=True)
class Heat(Settled):
    """A matrix of values as colours. Row 0 is drawn at the bottom when `origin` is "lower".

    Over a picture the colours are a veil: clear at 0 (or at the low end of magnitudes), and denser where the value is
    larger. A matrix with fewer cells than the picture has pixels is smoothed between the middles of its cells as it is
    drawn; what is read and saved stays as it is. In a living picture the opacity can be changed.

    Attributes:
        values: [row, column]; NaN is left blank.
        x: Edges of the columns, [column + 1]; None for 0, 1, 2 ... Over a picture they are evenly spaced.
        y: Edges of the rows, [row + 1]; None for 0, 1, 2 ... Over a picture they are evenly spaced.
        signed: Diverging colours centred on 0 instead of one sequential map.
        label: What the colour means, with unit.
        origin: Where row 0 is drawn.
        under: The picture that the matrix lies over, from its first to its last edge: [height, width] from black to
            white, or [height, width, 3] with colours, in [0, 1]; None for none. It is shown in 256 steps.
        opacity: How dense the colours are over a picture at the most, to 1; with 0 the picture is shown alone, and the
            values are only read.
    """

    values: Array
    x: Array | None = None
    y: Array | None = None
    signed: bool = False
    label: str = ""
    origin: Literal["upper", "lower"] = "upper"
    under: Array | None = None
    opacity: float = 0.8


@dataclass(frozen=True, kw_only=True)
class Tiles(Settled):
    """Many small images.

    Attributes:
        images: [tile, height, width] or [tile, height, width, 3] with colours in [0, 1].
        titles: One a tile; () for none.
        signed: Diverging colours centred on 0.
        shared_scale: One colour scale for all tiles.
        label: What the colour means.
    """

    images: Array
    titles: tuple[str, ...] = ()
    signed: bool = False
    shared_scale: bool = True
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Cloud(Settled):
    """Points in two or three dimensions.

    Attributes:
        points: [point, 2] or [point, 3].
        group: Group of each point, 0 .. groups - 1, [point]; None for one group.
        names: Names of the groups.
        images: What each point stands for, shown while it is pointed at, [point, height, width] or
            [point, height, width, 3] with colours in [0, 1]; None for none.
    """

    points: Array
    group: Array | None = None
    names: tuple[str, ...] = ()
    images: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Surface(Settled):
    """A height over a plane.

    Attributes:
        x: [column].
        y: [row].
        z: [row, column].
        paths: Ways over the surface, each its points in order, [point, 3]; played together, one ball each.
        names: Names of the paths in the legend; () for none.
        label: What the height means, with unit.
    """

    x: Array
    y: Array
    z: Array
    paths: tuple[Array, ...] = ()
    names: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Parallel(Settled):
    """Parallel coordinates: one upright axis a quantity, one line across all of them a row.

    Attributes:
        axes: The quantities, from left to right.
        rows: Values, [row, axis]; NaN breaks the line.
        names: Names of the rows; () for none.
        value: What colours the lines, [row]; NaN draws a faint line, None one colour for all.
        label: What the colour means, with unit.
    """

    axes: tuple[Axis, ...]
    rows: Array
    names: tuple[str, ...] = ()
    value: Array | None = None
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Tokens(Settled):
    """Text shaded by a value a token.

    Attributes:
        text: [token].
        values: [token].
        signed: Diverging colours centred on 0.
        label: What the shade means.
    """

    text: tuple[str, ...]
    values: Array
    signed: bool = False
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Table(Settled):
    """Rows of text.

    Attributes:
        columns: Names of the columns.
        rows: One tuple of texts a row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Event(Settled):
    """Something that happened at a place on the x axis (a finding at its step), or a limit on the y axis.

    Attributes:
        at: Place on the axis.
        text: A few words.
        level: Level of the finding; OK for a plain note.
        axis: The axis that `at` belongs to.
    """

    at: float
    text: str
    level: Level = Level.LOOK
    axis: Literal["x", "y"] = "x"


Mark = Bars | Lines | Heat | Tiles | Cloud | Surface | Parallel | Tokens | Table | Event


@dataclass(frozen=True, kw_only=True)
class Panel(Settled):
    """One frame with its axes.

    Attributes:
        title: A few words; the name of the layer where there is one.
        marks: What is drawn, back to front.
        x: The horizontal axis.
        y: The vertical axis.
        note: A short line of figures under the title ("mean 0.41, std 0.60, 12 % dead").
        level: Colours the title when the panel shows a problem.
        wide: The panel has a row of its own, as wide as the figure.
    """

    title: str = ""
    marks: tuple[Mark, ...] = ()
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    note: str = ""
    level: Level = Level.OK
    wide: bool = False


@dataclass(frozen=True, kw_only=True)
class Figure(Settled):
    """A picture as plain data.

    Attributes:
        title: What is shown.
        panels: Frames, in reading order.
        columns: Frames a row on a wide page.
        verdict: The verdict in words.
        level: Level of the verdict.
        caveat: What the picture cannot show.
        alt: The picture in words, for those who do not see it.
    """

    title: str
    panels: tuple[Panel, ...]
    columns: int = 1
    verdict: str = ""
    level: Level = Level.OK
    caveat: str = ""
    alt: str = ""

    def text(self, width: int = 80) -> str:
        """Draw the figure with characters, `width` columns wide."""
        from pellucid.core.figure.text import figure_text

        return figure_text(self, width)

    def save(self, path: str | Path, *, theme: str = "light") -> Path:
        """Write a static image.

        Args:
            path: Ends in .png, .svg or .pdf.
            theme: "light" or "dark".

        Returns:
            The path.

        Raises:
            MissingExtraError: matplotlib is not installed.
            InputError: Another ending or theme, or the path names no file.
            StoreError: The file cannot be written.
        """
        from pellucid.core.arguments import file_path
        from pellucid.core.figure.static import save

        return save(self, file_path("path", path), theme=theme)

    def svg(self, *, theme: str = "page", narrow: bool = False) -> str:
        """Return the figure as SVG text.

        Args:
            theme: "light", "dark", or "page", which follows the light or dark of the page around it.
            narrow: Put the panels one below the other, for a page that is as narrow as a telephone.

        Returns:
            One `<svg>` element.
        """
        from pellucid.core.figure.static import svg

        return svg(self, theme=theme, narrow=narrow)

    def __str__(self) -> str:
        """The figure as text, 80 columns wide."""
        return self.text()

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, Any]:
        from pellucid.core.notebook import figure_bundle

        return figure_bundle(self)
