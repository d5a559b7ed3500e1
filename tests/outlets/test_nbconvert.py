"""A notebook that is run and turned into a page without JupyterLab: the pictures are there, each complete in itself."""

import base64
import re
import zlib
from html import unescape
from typing import Any

import pytest

from pellucid.core.errors import MissingScriptError
from pellucid.core.figure.live import script
from pellucid.core.frame import unpack, unpack_book

CODE = (
    """
import numpy as np
from typing import Annotated
from pellucid.extend import Bars, Figure, Panel, Range, view

bars = Bars(edges=np.arange(4.0), heights=np.arange(3.0))
Figure(title="</script><b>bold", panels=(Panel(title="</script><b>layer", marks=(bars,)),))
""",
    """
@view
def sized(size: Annotated[int, Range(0, 3)] = 1) -> Figure:
    return Figure(title=f"size {size}", panels=(Panel(marks=(bars,)),))

sized
""",
)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # other people's
def test_a_notebook_is_run_and_turned_into_html() -> None:
    """A figure and a view stand in the page as sandboxes that hold script and frames."""
    nbformat: Any = pytest.importorskip("nbformat")
    nbclient: Any = pytest.importorskip("nbclient")
    nbconvert: Any = pytest.importorskip("nbconvert")
    pytest.importorskip("ipykernel")
    try:
        script()
    except MissingScriptError:
        pytest.skip("the script is not built: make web")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CODE])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    pages = [unescape(one) for one in re.findall(r'srcdoc="([^"]*)"', html)]
    assert len(pages) == 2
    contents = [_frame(page) for page in pages]
    assert unpack(contents[0]).figure.title == "</script><b>bold"
    assert [one.figure.title for one in unpack_book(contents[1])] == ["size 1", "size 0", "size 2", "size 3"]
    for page in pages:
        assert "<b>" not in page
        assert _inflated(page, "code").decode() == script()
    assert html.count('sandbox="allow-scripts allow-downloads"') == 2


def _frame(page: str) -> bytes:
    return _inflated(page, "picture")


def _inflated(page: str, identity: str) -> bytes:
    found = re.search(rf'<script type="application/octet-stream" id="{identity}">([^<]*)</script>', page)
    assert found
    return zlib.decompress(base64.b64decode(found[1]))
