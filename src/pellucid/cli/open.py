"""`pellucid open`: runs in the browser, live."""

import gc
import os
from pathlib import Path
from typing import Annotated

import typer

from pellucid.core.errors import StoreError

EXAMPLES = (
    "\n[bold]Examples[/]\n"
    "  pellucid open                        every run in the folder runs, and those that come\n"
    "  pellucid open runs/a runs/b          two of them\n"
    "  pellucid open --page my_page.py      with a page of your own\n"
    "  pellucid open --no-browser --port 8080"
)
_USUAL = Path("runs")


def open_explorer(
    run: Annotated[
        list[Path] | None, typer.Argument(help="Run directories, or folders directly above them.  \\[default: runs]")
    ] = None,
    *,
    port: Annotated[int | None, typer.Option(help="Port on this machine.  \\[default: 7355 or the next]")] = None,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    page: Annotated[
        list[Path] | None, typer.Option(help="Python file with a page of your own; may be repeated.")
    ] = None,
) -> None:
    """Look at runs in the browser, live while they are written, and at pages to learn from.

    The server answers on this machine only, and only to who has the address
    that it prints. It reads runs and never writes. Ctrl-C ends it.
    """
    from pellucid.outlets.explorer.server import serve

    places = run or [_USUAL]
    for one in run or ():
        if not one.is_dir():
            raise StoreError(_missing(one))
    still_works = serve(places, port=port, own_pages=page or (), opened=_say, browser=browser)
    print("\nClosed.", flush=True)
    if still_works:
        os._exit(0)  # ends no thread in the middle of what it computes, where Python would crash
    gc.freeze()  # else Python looks for garbage in all of torch before it ends, which takes a second


def _missing(place: Path) -> str:
    what = "it is a file, not a directory" if place.exists() else "no such directory"
    return f"There are no runs at {place}: {what}. Leave it away to watch the folder 'runs', which may come later."


def _say(address: str) -> None:
    print(f"Open {address}\nCtrl-C ends it.", flush=True)
