"""Building a report: the chosen pictures of each sheet, alive, put into the page template."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid.core.errors import InputError, StoreError
from pellucid.core.figure import Figure
from pellucid.core.figure.live import frozen, holds_every_setting, picture_html, place, script
from pellucid.core.figure.words import amount
from pellucid.core.files import write_atomically
from pellucid.core.frame import Frame
from pellucid.outlets.page import page_style, templates
from pellucid.outlets.page.words import size
from pellucid.outlets.report.fitting import LONE, fitting
from pellucid.outlets.report.sheet import Sheet

MOST_FIGURES = 7  # a sheet: more than that nobody reads, and each takes time to draw
FEWEST_FIGURES = 4
MOST_FIGURES_OF_ALL = 28
MOST_BYTES = 4_300_000  # of all pictures together
MOST_OF_PAGE = 5_000_000  # bytes of the page with its words and its script; many runs leave less for pictures
_FEWEST_BYTES = 5_000  # of a picture; where there is less for each, fewer are drawn
_AROUND = 300  # bytes of the page around a picture
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
        whole: Whatever can be set in it can be set here.
    """

    name: str
    anchor: str
    title: str = ""
    html: str = ""
    words: str = ""
    note: str = ""
    problem: str = ""
    whole: bool = True


@dataclass(frozen=True, kw_only=True)
class Part:
    """One sheet as the template wants it.

    Attributes:
        anchor: Its id in the page.
        sheet: What it is about.
        pictures: Those that were drawn, or say why they were not.
        left_out: Names of those that there was no room for.
    """

    anchor: str
    sheet: Sheet
    pictures: tuple[Picture, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether what the sheet says to try can be tried here."""
        return not self.left_out and all(one.whole and not one.problem for one in self.pictures)

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
        Less than a second a picture, at most 8 pictures a sheet, fewer when more than 4 sheets share the page. The page
        stays below 5 MB; where pictures have to be left out for it, those over time go first, and the page names them.
        Only words that are longer than that make it larger, and it says so.
    """
    if not sheets:
        raise InputError("A report needs at least one run, checkup, result or view, got none.")
    script()  # told before anything is drawn
    page = _page(title, *_parts(sheets, title, progress))
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"Could not make the folder {path.parent}: {error.strerror or error}.") from error
    return write_atomically(path, page.encode("utf-8", "replace"))


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """A picture to be drawn: the first of every sheet before the second of any, and those over time of runs last."""

    place: int
    name: str
    rank: int


def _parts(sheets: Sequence[Sheet], title: str, progress: Progress | None) -> tuple[list[Part], list[str]]:
    """Draw what there is room for; also return notes about the whole page."""
    most = min(MOST_FIGURES, max(FEWEST_FIGURES, MOST_FIGURES_OF_ALL // len(sheets)))
    settings = max(_MOST_SETTINGS // len(sheets), 8)
    wishes = [wish for place, sheet in enumerate(sheets) for wish in _wishes(place, sheet, most)]
    words = _length(_page(title, _bound(sheets, wishes, {}), [_larger(0), _missing(len(wishes))]))
    left = max(min(MOST_BYTES, MOST_OF_PAGE - words), 0)
    drawn: dict[_Wish, Picture] = {}
    for done, wish in enumerate(sorted(wishes, key=lambda one: one.rank)):
        expected = min(len(wishes) - done, left // _FEWEST_BYTES)
        if expected < 1:
            break
        sheet = sheets[wish.place]
        if progress is not None:
            progress(done, done + expected, f"{sheet.title}: {wish.name}")
        # What the pictures before left over is shared by those that are still to come.
        share = min(left, 2 * left // expected)
        drawn[wish] = _drawn(sheet, wish.name, f"sheet{wish.place}", most_bytes=share, settings=settings)
        left -= _cost(drawn[wish])
    notes = [_larger(words)] if words > MOST_OF_PAGE else []
    notes += [_missing(len(wishes) - len(drawn))] if len(drawn) < len(wishes) else []
    return _bound(sheets, wishes, drawn), notes


def _wishes(place: int, sheet: Sheet, most: int) -> list[_Wish]:
    chosen = [_Wish(place=place, name=name, rank=rank) for rank, name in enumerate(sheet.chosen(most))]
    return [*chosen, *(_Wish(place=place, name=name, rank=most if sheet.judged else 0) for name in sheet.views)]


def _bound(sheets: Sequence[Sheet], wishes: Sequence[_Wish], drawn: Mapping[_Wish, Picture]) -> list[Part]:
    """Put the pictures to their sheets, in the order in which they are wished for."""
    of_sheet: list[list[_Wish]] = [[] for _ in sheets]
    for wish in wishes:
        of_sheet[wish.place].append(wish)
    return [
        Part(
            anchor=f"sheet{place}",
            sheet=sheet,
            pictures=tuple(drawn[wish] for wish in of_sheet[place] if wish in drawn),
            left_out=tuple(wish.name for wish in of_sheet[place] if wish not in drawn),
        )
        for place, sheet in enumerate(sheets)
    ]


def _larger(words: int) -> str:
    return f"This page is larger than {size(MOST_OF_PAGE)}: its words and its script alone take {size(words)}."


def _missing(count: int) -> str:
    left = f"{amount(count, 'picture')} left out, to keep this page below {size(MOST_OF_PAGE)}"
    return f"{left}: those over time first, then the later ones of each run. Each run names its own."


def _length(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _cost(picture: Picture) -> int:
    """Bytes that a picture takes in the page."""
    return _AROUND + sum(_length(one) for one in (picture.html, picture.words, picture.note, picture.problem))


def _drawn(sheet: Sheet, name: str, prefix: str, *, most_bytes: int, settings: int) -> Picture:
    anchor = f"{prefix}-{re.sub('[^a-z0-9]+', '-', name.lower())}"
    try:
        if name in sheet.views:
            frames = frozen(sheet.views[name], budget_frames=settings, budget_bytes=most_bytes // 2)
        else:
            frames = (Frame(figure=sheet.figures[name]()),)
        figure = frames[0].figure
        fallback, words = picture_html(figure), _words(figure)
        around = _AROUND + _length(fallback) + _length(words)
        content, note = fitting(frames, most_bytes - around)
        whole = name not in sheet.views or (LONE not in note and holds_every_setting(sheet.views[name], frames))
    except Exception as error:  # noqa: BLE001 - one drawing that fails, perhaps of an extension, must not cost the report
        return Picture(name=name, anchor=anchor, problem=f"could not be drawn: {type(error).__name__}: {error}")
    if (needed := len(content) + around) > most_bytes:
        # In kilobytes both may read alike.
        takes, room = (f"{one:,} B" if size(needed) == size(most_bytes) else size(one) for one in (needed, most_bytes))
        problem = f"was left out: it would take {takes}, and there is room for {room}."
        return Picture(name=name, anchor=anchor, problem=problem)
    return Picture(
        name=name,
        anchor=anchor,
        title=figure.title,
        html=place(f"{anchor}-picture", content, fallback_html=fallback),
        words=words,
        note=note,
        whole=whole,
    )


def _words(figure: Figure) -> str:
    """The picture in a paragraph, for those who do not see it."""
    parts = (figure.alt or figure.title, figure.caveat)
    return " ".join(one if one.endswith((".", "!", "?")) else f"{one}." for one in parts if one)


def _page(title: str, parts: Sequence[Part], notes: Sequence[str]) -> str:
    style, code = page_style(), script()
    template = templates("pellucid.outlets.report").get_template("template.html")
    policy = _policy(style, code)
    return str(template.render(title=title, style=style, script=code, policy=policy, parts=parts, notes=notes))


def _policy(style: str, code: str) -> str:
    """What the page may do: run its own script, and nothing else. Pictures are saved by way of data: and blob:."""
    marks = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in (style, code)]
    return (
        f"default-src 'none'; style-src 'sha256-{marks[0]}'; script-src 'sha256-{marks[1]}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
