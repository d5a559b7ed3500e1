"""Make the pictures of the pages in docs/: run the code of a page, and save the figure that it made.

Run it with `.venv/bin/python docs/pictures.py`; it takes a minute or two.
"""

import contextlib
import re
import tempfile
from pathlib import Path
from typing import Any

import torch

DOCS = Path(__file__).parent
PAGES = ("skip-connections",)
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Write docs/images/<page>-light.png and -dark.png."""
    torch.set_num_threads(1)
    for page in PAGES:
        names: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            for code in _BLOCK.findall((DOCS / f"{page}.md").read_text("utf-8")):
                exec(compile(code, page, "exec"), names)  # noqa: S102 - our own page
        for theme in ("light", "dark"):
            print(names["figure"].save(DOCS / "images" / f"{page}-{theme}.png", theme=theme))


if __name__ == "__main__":
    main()
