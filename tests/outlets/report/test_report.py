"""`pel.report`: what it takes."""

import re
from pathlib import Path
from typing import Any

import pytest

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.outlets.report import build
from tests.cli.runs_on_disk import FINE, make_run


def test_lists_are_taken_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of runs, beside others, is the same as the runs one by one; what is in none of them is refused."""
    for name in ("a", "b"):
        make_run(tmp_path / name, FINE)
    titles: list[str] = []

    def written(sheets: Any, to: Path, *, title: str) -> Path:
        titles.extend(one.title for one in sheets)
        return to

    monkeypatch.setattr(build, "write_report", written)
    a, b = pel.Run(tmp_path / "a"), pel.Run(tmp_path / "b")
    pel.report([a, (b,)], pel.page("loss-surface"), to=tmp_path / "page.html")
    assert titles == ["a", "b", "Loss surface with a ball"]
    words = "report() takes runs, checkups and views, got str. Pass pel.Run(path)."
    bad: Any = ["runs/a"]
    with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
        pel.report(bad, to=tmp_path / "page.html")
