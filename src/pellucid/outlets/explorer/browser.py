"""Opening the browser, without telling everybody on the machine how to get in."""

import os
import tempfile
import threading
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager
from html import escape
from pathlib import Path

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>pellucid</title>
</head>
<body><p><a href="{address}">To the runs</a></p></body>
</html>
"""


def leading_page(address: str) -> str:
    """Return a page that leads to an address at once."""
    return _PAGE.format(address=escape(address))


@contextmanager
def browser_at(address: str) -> Generator[None]:
    """Open an address in the browser.

    Every user of the machine can read the command line of a browser. So it gets the name of a file that nobody else can
    read, and that leads to the address.

    Args:
        address: Holds the token.

    Yields:
        Nothing; the file is there while the block runs.
    """
    with tempfile.TemporaryDirectory(prefix="pellucid-", ignore_cleanup_errors=True) as folder:
        file = Path(folder, "open.html")
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as page:
            page.write(leading_page(address))
        # A browser in a terminal would stand in the way until it is closed.
        threading.Thread(target=webbrowser.open, args=(file.as_uri(),), daemon=True).start()
        yield
