"""Building a report: the chosen pictures of each sheet, put into the page template."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pellucid.core.errors import InputError, StoreError
from pellucid.core.extras import require
from pellucid.core.figure import Figure
from pellucid.core.files import write_atomically
from pellucid.core.theme import DARK, LEVEL_SYMBOLS, LIGHT, Theme
from pellucid.outlets.report.sheet import Sheet
from pellucid.outlets.report.words import label_words, value_words

MOST_FIGURES = 7  # a sheet: more than that nobody reads, and each takes time to draw
FEWEST_FIGURES = 4
MOST_FIGURES_OF_ALL = 28
MOST_BYTES = 4_500_000  # of all pictures together, so that the file stays below 5 MB
_SMALLEST = 0.75  # a picture that is drawn smaller than this has letters of less than 8 pixels

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as the template wants it.

    Attributes:
        name: Result and drawing, "loss.training".
        anchor: Its id in the page.
        title: What is shown.
        svg: The picture; "" where it could not be drawn.
        narrow: The same with its panels one below the other, for a narrow window; "" where it has no room in the page.
        least: Pixels of width below which the letters of `svg` cannot be read: it is scrolled rather.
        words: The picture in a paragraph.
        text: The picture in characters.
        problem: Why it could not be drawn.
    """

    name: str
    anchor: str
    title: str = ""
    svg: str = ""
    narrow: str = ""
    least: int = 0
    words: str = ""
    text: str = ""
    problem: str = ""

    @property
    def bytes(self) -> int:
        """What it takes of the page."""
        return len(self.svg.encode()) + len(self.narrow.encode())


@dataclass(frozen=True, kw_only=True)
class Part:
    """One sheet as the template wants it."""

    anchor: str
    sheet: Sheet
    pictures: tuple[Picture, ...]

    def picture_of(self, code: str) -> Picture | None:
        """Return the first picture of the result that a rule judged; None when none is shown."""
        result = self.sheet.result_of(code)
        return next((one for one in self.pictures if one.svg and one.name.partition(".")[0] == result), None)


def write_report(
    sheets: Sequence[Sheet],
    path: str | Path,
    *,
    title: str = "Pellucid report",
    progress: Progress | None = None,
) -> Path:
    """Write one HTML file: no script, no outside request, light and dark.

    Args:
        sheets: One or more.
        path: Where to; its folder is made when it is missing.
        title: Title of the page.
        progress: Called before each picture with the pictures done, the pictures in all, and its name.

    Returns:
        The path.

    Raises:
        InputError: There is no sheet.
        MissingExtraError: matplotlib is not installed.
        StoreError: The file cannot be written.

    Cost:
        About a second a picture, at most 7 pictures a sheet, fewer when more than 4 sheets share the page.
    """
    if not sheets:
        raise InputError("A report needs at least one run or checkup, got none.")
    require("matplotlib", extra="static", purpose="drawing the pictures of a report")
    parts = _parts(sheets, progress)
    page = _page(title, parts)
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"Could not make the folder {path.parent}: {error.strerror or error}.") from error
    return write_atomically(path, page.encode("utf-8", "replace"))


def _parts(sheets: Sequence[Sheet], progress: Progress | None) -> list[Part]:
    most = min(MOST_FIGURES, max(FEWEST_FIGURES, MOST_FIGURES_OF_ALL // len(sheets)))
    names = [sheet.chosen(most) for sheet in sheets]
    total, done, left = sum(len(one) for one in names), 0, MOST_BYTES
    parts: list[Part] = []
    for place, (sheet, chosen) in enumerate(zip(sheets, names, strict=True)):
        pictures: list[Picture] = []
        for name in chosen:
            if progress is not None:
                progress(done, total, f"{sheet.title}: {name}")
            # What the pictures before left over is shared by those that are still to come.
            picture = _drawn(sheet, name, f"sheet{place}", most_bytes=min(left, 2 * left // (total - done)))
            pictures.append(picture)
            done, left = done + 1, left - picture.bytes
        parts.append(Part(anchor=f"sheet{place}", sheet=sheet, pictures=tuple(pictures)))
    return parts


def _drawn(sheet: Sheet, name: str, prefix: str, *, most_bytes: int) -> Picture:
    anchor = f"{prefix}-{re.sub('[^a-z0-9]+', '-', name.lower())}"
    try:
        figure = sheet.figures[name]()
        svg, narrow = figure.svg(), figure.svg(narrow=True)
    except Exception as error:  # noqa: BLE001 - one drawing that fails, perhaps of an extension, must not cost the report
        return Picture(name=name, anchor=anchor, problem=f"could not be drawn: {type(error).__name__}: {error}")
    if len(svg.encode()) > most_bytes:
        megabytes = len(svg.encode()) / 1e6
        return Picture(name=name, anchor=anchor, problem=f"was left out: it would take {megabytes:.1f} MB.")
    both = len(svg.encode()) + len(narrow.encode()) <= most_bytes
    width = re.search(r' width="(\d+)"', svg)
    return Picture(
        name=name,
        anchor=anchor,
        title=figure.title,
        svg=_with_own_ids(svg, anchor),
        narrow=_with_own_ids(narrow, f"{anchor}-narrow") if both else "",
        least=round(_SMALLEST * int(width[1])) if width else 0,
        words=_words(figure),
        text=figure.text(100),
    )


def _with_own_ids(svg: str, anchor: str) -> str:
    """Equal figures of two sheets have equal ids; in one page no two may be equal."""
    return re.sub(r"\bpel-[0-9a-f]{10}", lambda hit: f"{hit[0]}-{anchor}", svg)


def _words(figure: Figure) -> str:
    """The picture in a paragraph, for those who do not see it."""
    parts = (figure.alt or figure.title, figure.caveat)
    return " ".join(one if one.endswith((".", "!", "?")) else f"{one}." for one in parts if one)


def _page(title: str, parts: Sequence[Part]) -> str:
    jinja2: Any = require("jinja2", extra="all", purpose="writing a report")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"value": value_words, "label": label_words}
    template = environment.from_string(_read("template.html"))
    return str(template.render(title=title, style=_style(), parts=parts, symbols=LEVEL_SYMBOLS))


def _style() -> str:
    """The style sheet with the colours of the theme, light by default and dark where the reader prefers it."""
    return _read("style.css").replace("/* light */", _variables(LIGHT)).replace("/* dark */", _variables(DARK))


def _variables(theme: Theme) -> str:
    return " ".join(f"{name}: {colour};" for name, colour in theme.variables().items())


def _read(name: str) -> str:
    return resources.files("pellucid.outlets.report").joinpath(name).read_text(encoding="utf-8")
