"""The report: one HTML file that opens offline, the verdict first and then the pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pellucid.core.arguments import file_path
from pellucid.core.errors import InputError

if TYPE_CHECKING:
    from pellucid.core.figure import Figure
    from pellucid.core.result import Result
    from pellucid.core.view import View
    from pellucid.outlets.report.sheet import Sheet
    from pellucid.outlets.store import Run
    from pellucid.sessions.checkup import Checkup


def report(
    *subjects: "Run | Checkup | View | Result | Figure | str | Path | Sequence[Run | Checkup | View | Result | Figure]",
    to: str | Path | None = None,
    title: str = "Pellucid report",
) -> Path:
    """Write runs, checkups, results, figures and views as one HTML file: verdicts first, then evidence and pictures.

    The pictures are alive: they can be zoomed, turned and read off, and what has controls can be moved. The page needs
    no network.

    Args:
        subjects: Stored runs (`pel.Run(path)`), checkups, single results (such as of `pel.gradients.saliency`),
            figures (such as of `pel.gradients.side_by_side`), and views (`pel.page(name)`), in any mixture; also lists
            of them.
        to: Where to write the page; its name ends in .html. It may also come last: `pel.report(result, "maps.html")`.
        title: Title of the page.

    Returns:
        The path.

    Raises:
        InputError: There is nothing to report, or something else than these, or no place to write to, or another
            ending.
        MissingScriptError: The script that draws the pictures was not built.
        StoreError: The file cannot be written.

    Cost:
        Less than a second a picture, at most 8 each; of a view up to 48 settings are drawn.
    """
    from pellucid.outlets.report.build import write_report

    if to is None and subjects and isinstance(last := subjects[-1], str | Path):
        subjects, to = subjects[:-1], last
    if to is None:
        raise InputError('report() was not told where to write. Give to="report.html".')
    to = file_path("to", to)
    if to.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"A report is an HTML page, and {str(to)!r} does not end in .html.")
    return write_report([_sheet(one) for one in _each(subjects)], to, title=title)


def _each(subjects: Sequence[object]) -> Iterator[object]:
    """Lists, such as `pel.Run.list` returns, are taken apart."""
    for one in subjects:
        if isinstance(one, list | tuple):
            yield from _each(cast("Sequence[Any]", one))
        else:
            yield one


def _sheet(subject: object) -> "Sheet":
    from pellucid.core.figure import Figure
    from pellucid.core.result import Result
    from pellucid.core.view import View
    from pellucid.outlets.report.sheet import (
        sheet_of_checkup,
        sheet_of_figure,
        sheet_of_result,
        sheet_of_run,
        sheet_of_view,
    )
    from pellucid.outlets.store import Run
    from pellucid.sessions.checkup import Checkup

    if isinstance(subject, Run):
        return sheet_of_run(subject)
    if isinstance(subject, Checkup):
        return sheet_of_checkup(subject)
    if isinstance(subject, View):
        return sheet_of_view(subject)
    if isinstance(subject, Figure):
        return sheet_of_figure(subject)
    if isinstance(subject, Result):
        return sheet_of_result(subject)
    raise InputError(
        "report() takes runs (pel.Run(path)), checkups, results (such as pel.gradients.saliency returns), figures, "
        f"views (pel.page(name)) and lists of these, got {type(subject).__name__}."
    )


__all__ = ["report"]
