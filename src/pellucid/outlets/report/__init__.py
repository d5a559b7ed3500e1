"""The report: one HTML file that opens offline, the verdict first and then the pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.core.errors import InputError

if TYPE_CHECKING:
    from pellucid.outlets.store import Run
    from pellucid.sessions.checkup import Checkup


def report(*subjects: "Run | Checkup", to: str | Path, title: str = "Pellucid report") -> Path:
    """Write runs and checkups as one HTML file: the verdicts first, then their evidence and the pictures.

    Args:
        subjects: Stored runs (`pel.Run(path)`) and checkups, in any mixture.
        to: Where to write the page; its name ends in .html.
        title: Title of the page.

    Returns:
        The path.

    Raises:
        InputError: There is nothing to report, or something else than a run or a checkup, or another ending.
        MissingExtraError: matplotlib is not installed.
        StoreError: The file cannot be written.

    Cost:
        About a second a picture, at most 7 pictures each.
    """
    from pellucid.outlets.report.build import write_report
    from pellucid.outlets.report.sheet import sheet_of_checkup, sheet_of_run
    from pellucid.outlets.store import Run
    from pellucid.sessions.checkup import Checkup

    if Path(to).suffix.lower() not in (".html", ".htm"):
        raise InputError(f"A report is an HTML page, and {str(to)!r} does not end in .html.")
    for one in subjects:
        if not isinstance(one, Run | Checkup):
            raise InputError(f"report() takes runs and checkups, got {type(one).__name__}. Pass pel.Run(path).")
    sheets = [sheet_of_run(one) if isinstance(one, Run) else sheet_of_checkup(one) for one in subjects]
    return write_report(sheets, to, title=title)


__all__ = ["report"]
