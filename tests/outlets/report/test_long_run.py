"""The report of a run of 100,000 steps."""

from pathlib import Path

import pytest

from pellucid import Run
from pellucid.outlets.report.build import write_report
from pellucid.outlets.report.sheet import sheet_of_run
from tests.outlets.report.long_run import write_long_run
from tests.outlets.report.pages import Page


@pytest.mark.slow
def test_a_run_of_100_000_steps_fits_into_one_page(tmp_path: Path) -> None:
    """Eight pictures, one of them step by step, of 2,000 watched steps and 25 layers take less than 5 MB."""
    run = Run(write_long_run(tmp_path / "long"))
    assert run.steps >= 99_951
    path = write_report([sheet_of_run(run)], tmp_path / "report.html")
    assert path.stat().st_size < 5_000_000
    page = Page(path)
    assert page.problems == []
    assert len(page.all("figure")) == 8
    assert "steps 100,000" in page.text
    assert "could not be drawn" not in page.text
