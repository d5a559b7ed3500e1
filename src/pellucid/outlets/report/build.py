"""Building a report: the chosen pictures of each sheet, alive, put into the page template."""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid.core.errors import InputError, StoreError
from pellucid.core.figure import Figure
from pellucid.core.figure.live import frozen, picture_html, place, script
from pellucid.core.files import write_atomically
from pellucid.core.frame import Frame
from pellucid.outlets.page import page_style, templates
from pellucid.outlets.report.fitting import fitting
from pellucid.outlets.report.sheet import Sheet

MOST_FIGURES = 7  # a sheet: more than that nobody reads, and each takes time to draw
FEWEST_FIGURES = 4
MOST_FIGURES_OF_ALL = 28
MOST_BYTES = 4_300_000  # of all pictures together, so that the file with script and words stays below 5 MB
_MOST_SETTINGS = 48  # of a view

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as the template wants it.

    Attributes:
        name: Result and drawing, "loss.training".
        anchor: Its id in the page.
        title: What is shown.
        html: The place of the picture with what it is drawn from, and the picture in characters; "" where it could not
            be drawn.
        words: The picture in a paragraph.
        note: What was done to make it fit; "" for nothing.
        problem: Why it could not be drawn.
    """

    name: str
    anchor: str
    title: str = ""
    html: str = ""
    words: str = ""
    note: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One sheet as the template wants it."""

    anchor: str
    sheet: Sheet
    pictures: tuple[Picture, ...]

    def evidence_of(self, code: str) -> tuple[str, str] | None:
        """Return anchor and title of the first picture of the result that a rule judged; None when none is shown."""
        result = self.sheet.result_of(code)
        shown = (one for one in self.pictures if one.html and one.name.partition(".")[0] == result)
        return next(((one.anchor, one.title) for one in shown), None)


def write_report(
    sheets: Sequence[Sheet],
    path: str | Path,
    *,
    title: str = "Pellucid report",
    progress: Progress | None = None,
) -> Path:
    """Write one HTML file: living pictures, light and dark, and a policy that lets it fetch nothing.

    Args:
        sheets: One or more.
        path: Where to; its folder is made when it is missing.
        title: Title of the page.
        progress: Called before each picture with the pictures done, the pictures in all, and its name.

    Returns:
        The path.

    Raises:
        InputError: There is no sheet.
        MissingScriptError: The script that draws the pictures was not built.
        StoreError: The file cannot be written.

    Cost:
        Less than a second a picture, at most 8 pictures a sheet, fewer when more than 4 sheets share the page.
    """
    if not sheets:
        raise InputError("A report needs at least one run, checkup or view, got none.")
    script()  # told before anything is drawn
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
    settings = max(_MOST_SETTINGS // len(sheets), 8)
    names = [[*sheet.chosen(most), *sheet.views] for sheet in sheets]
    total, done, left = sum(len(one) for one in names), 0, MOST_BYTES
    parts: list[Part] = []
    for number, (sheet, chosen) in enumerate(zip(sheets, names, strict=True)):
        pictures: list[Picture] = []
        for name in chosen:
            if progress is not None:
                progress(done, total, f"{sheet.title}: {name}")
            # What the pictures before left over is shared by those that are still to come.
            share = min(left, 2 * left // (total - done))
            picture = _drawn(sheet, name, f"sheet{number}", most_bytes=share, settings=settings)
            pictures.append(picture)
            done, left = done + 1, left - len(picture.html)
        parts.append(Part(anchor=f"sheet{number}", sheet=sheet, pictures=tuple(pictures)))
    return parts


def _drawn(sheet: Sheet, name: str, prefix: str, *, most_bytes: int, settings: int) -> Picture:
    anchor = f"{prefix}-{re.sub('[^a-z0-9]+', '-', name.lower())}"
    try:
        if name in sheet.views:
            frames = frozen(sheet.views[name], budget_frames=settings, budget_bytes=most_bytes // 2)
        else:
            frames = (Frame(figure=sheet.figures[name]()),)
        figure = frames[0].figure
        content, note = fitting(frames, most_bytes)
        fallback, words = picture_html(figure), _words(figure)
    except Exception as error:  # noqa: BLE001 - one drawing that fails, perhaps of an extension, must not cost the report
        return Picture(name=name, anchor=anchor, problem=f"could not be drawn: {type(error).__name__}: {error}")
    if len(content) > most_bytes:
        megabytes = len(content) / 1e6
        return Picture(name=name, anchor=anchor, problem=f"was left out: it would take {megabytes:.1f} MB.")
    return Picture(
        name=name,
        anchor=anchor,
        title=str(figure.title),
        html=place(f"{anchor}-picture", content, fallback_html=fallback),
        words=words,
        note=note,
    )


def _words(figure: Figure) -> str:
    """The picture in a paragraph, for those who do not see it."""
    parts = (figure.alt or figure.title, figure.caveat)
    return " ".join(one if one.endswith((".", "!", "?")) else f"{one}." for one in parts if one)


def _page(title: str, parts: Sequence[Part]) -> str:
    style, code = page_style(), script()
    template = templates("pellucid.outlets.report").get_template("template.html")
    return str(template.render(title=title, style=style, script=code, policy=_policy(style, code), parts=parts))


def _policy(style: str, code: str) -> str:
    """What the page may do: run its own script, and nothing else. Pictures are saved by way of data: and blob:."""
    marks = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in (style, code)]
    return (
        f"default-src 'none'; style-src 'sha256-{marks[0]}'; script-src 'sha256-{marks[1]}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
