"""What a notebook shows of a stored run: where it stands, the verdict, and the pictures that matter most."""

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from pellucid.core.figure.words import plain
from pellucid.core.notebook import figure_bundle, findings_bundle
from pellucid.outlets.report.sheet import Sheet, sheet_of_run

if TYPE_CHECKING:
    from pellucid.outlets.store import Run

MOST_FIGURES = 2


def run_bundle(run: "Run") -> dict[str, str]:
    """Return a run for a notebook.

    Args:
        run: The run; it may still be written.

    Returns:
        "text/plain" and "text/html"; the HTML needs no network.

    Cost:
        Reads every result of the run once, and draws two pictures.
    """
    sheet = sheet_of_run(run)
    pictures = [_picture(sheet, name) for name in sheet.chosen(MOST_FIGURES)]
    return {"text/plain": str(run), "text/html": _html(sheet, pictures)}


def _picture(sheet: Sheet, name: str) -> str:
    try:
        return figure_bundle(sheet.figures[name]())["text/html"]
    except Exception as error:  # noqa: BLE001 - one drawing that fails, perhaps of an extension, must not cost the verdict
        return f"<p><i>{_words(f'The picture {name} could not be drawn: {type(error).__name__}: {error}')}</i></p>"


def _html(sheet: Sheet, pictures: Iterable[str]) -> str:
    facts = " · ".join(f"{_words(name)} {_words(value)}" for name, value in sheet.facts.items())
    about = f"<br>{_words(sheet.about)}" if sheet.about else ""
    notes = "".join(f"<br><i>{_words(note)}</i>" for note in sheet.notes)
    # Without colours of its own, so that it is readable on every page.
    head = f"<div><b>{_words(sheet.title)}</b>{about}<br>{facts}{notes}</div>"
    return head + findings_bundle(sheet.findings)["text/html"] + "".join(pictures)


def _words(text: str) -> str:
    return escape(plain(text), quote=True)
