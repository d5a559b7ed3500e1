"""A disk without room: what is small is still written, and a run that could not begin leaves nothing."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.core.errors import StoreError
from pellucid.core.judge import Findings
from pellucid.outlets.store import Run, RunWriter, beginning, writer
from tests.outlets.store.samples import Watched, watched


def test_a_piece_that_is_too_large_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scalars, facts, verdict, status and the other pieces are written, and flushing says which file was not."""
    whole = writer.write_piece

    def without_room(path: Path, piece: Any, content: bytes) -> None:
        if piece.name == "large":
            raise StoreError(f"Could not write {piece.file}: File too large.")
        whole(path, piece, content)

    monkeypatch.setattr(writer, "write_piece", without_room)
    run = RunWriter.open(tmp_path)
    run.scalars([(step, "loss", 1.0) for step in range(8)])
    run.result("large", watched(0, 7), first=0, last=7)
    run.result("small", watched(0, 7), first=0, last=7)
    run.describe({"lr": 0.5})
    with pytest.raises(StoreError, match=r"^Could not write large-0-7\.safetensors: File too large\.$"):
        run.flush()
    found = Run(tmp_path)
    assert (found.steps, sorted(found.results()), found.facts) == (8, ["loss", "small"], {"lr": 0.5})
    run.findings(Findings(), step=7)
    with pytest.raises(StoreError, match=r"^Could not write large-0-7\.safetensors: File too large\.$"):
        run.close("finished")
    assert (found.status, found.steps, found.problems) == ("finished", 8, ())


def test_the_piece_is_written_when_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept for the next flush."""
    run = RunWriter.open(tmp_path)
    run.result("large", watched(0, 7), first=0, last=7)

    def full(*_: Any) -> None:
        raise StoreError("No room.")

    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_piece", full)
        with pytest.raises(StoreError, match=r"^No room\.$"):
            run.flush()
    run.close("finished")
    found = Run(tmp_path).results()["large"]
    assert isinstance(found, Watched)
    np.testing.assert_array_equal(found.steps, range(8))


@pytest.mark.parametrize("stage", ["create", "read_state"])
def test_a_run_that_cannot_begin_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """Folders and files that were made on the way are gone again, and what was there before is not."""
    (tmp_path / "notes.txt").write_text("mine")

    def full(path: Path) -> None:
        raise StoreError(errno.EFBIG, f"Could not write the run {path}: disk I/O error.")

    monkeypatch.setattr(beginning, stage, full)
    for path in (tmp_path / "a" / "b", tmp_path):
        with pytest.raises(StoreError, match="disk I/O error"):
            RunWriter.open(path)
        assert [one.name for one in tmp_path.rglob("*")] == ["notes.txt"]
