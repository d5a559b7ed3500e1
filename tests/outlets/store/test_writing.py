"""The writer: what it takes comes back, one process writes at a time, and a failed flush loses nothing."""

import math
import os
import re
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.core.errors import InputError, RunLockedError, StoreError
from pellucid.core.finding import Finding, Level
from pellucid.core.judge import Findings
from pellucid.core.recorder import open_store
from pellucid.outlets.store import Run, RunWriter, compacting
from tests.outlets.store.samples import Photograph, Watched, WatchedCut, watched


def verdict(message: str = "41 % of the units are dead") -> Findings:
    """Make a verdict with everything in it that must come back."""
    effect = Finding(code="GRD001", title="Vanishing gradient", level=Level.WARN, message="small", value=math.inf)
    cause = Finding(
        code="ACT001", title="Dying ReLU", level=Level.ALARM, message=message, step=3, evidence={"a": 1, "b": None}
    )
    return Findings((cause.fold(effect),))


def test_everything_comes_back(tmp_path: Path) -> None:
    """Scalars, results, facts and the verdict are read as they were written."""
    writer = open_store(tmp_path / "run")
    assert writer.first_step == 0
    assert writer.results() == {}
    writer.scalars([(0, "loss", 2.5), (1, "loss", math.nan), (2, "loss", math.inf), (1, "lr", -math.inf)])
    writer.scalars([(0, "loss", 2.25)])
    writer.result("watched", watched(0, 3), first=0, last=3)
    writer.result("watched", watched(4, 9), first=4, last=9)
    writer.result("photograph", Photograph(share=0.25), first=9, last=9)
    writer.findings(verdict("the first"), step=4)
    writer.findings(verdict(), step=9)
    writer.close("finished")
    run = Run(tmp_path / "run")
    curves = run.scalars()
    assert list(curves) == ["loss", "lr"]
    np.testing.assert_array_equal(curves["loss"].steps, [0, 1, 2])
    np.testing.assert_array_equal(curves["loss"].values, [2.25, math.nan, math.inf])
    np.testing.assert_array_equal(curves["lr"].values, [-math.inf])
    results = run.results()
    assert sorted(results) == ["loss", "photograph", "watched"]
    found = results["watched"]
    assert isinstance(found, Watched)
    np.testing.assert_array_equal(found.values, watched(0, 9).values)
    photograph = results["photograph"]
    assert isinstance(photograph, Photograph)
    assert photograph.share == 0.25
    assert run.findings == verdict()
    assert (run.status, run.steps, run.problems) == ("finished", 10, ())


def test_facts_become_plain_values(tmp_path: Path) -> None:
    """Hyper-parameters of any type are kept, numbers as numbers and the rest as text."""
    facts: Mapping[str, Any] = {
        "lr": np.float32(0.5),
        "label_counts": np.array([3, 4]),
        "data": Path("a/b"),
        "nested": {"betas": (0.9, 0.99), 1: None},
        "nan": math.nan,
        "<script>alert(1)</script> 'é\"": True,
    }
    writer = RunWriter.open(tmp_path)
    writer.describe({"lr": 1})
    writer.describe(facts)
    writer.scalars([(0, "loss", 1.0)])
    writer.close("finished")
    run = Run(tmp_path)
    found = run.facts
    assert math.isnan(found.pop("nan"))
    assert found == {
        "lr": 0.5,
        "label_counts": [3, 4],
        "data": str(Path("a/b")),
        "nested": {"betas": [0.9, 0.99], "1": None},
        "<script>alert(1)</script> 'é\"": True,
    }
    np.testing.assert_array_equal(getattr(run.results()["loss"], "label_counts"), [3, 4])  # noqa: B009


def test_nothing_is_on_disk_before_the_flush_and_all_of_it_after(tmp_path: Path) -> None:
    """A reader sees what was flushed, no more and no less."""
    writer = RunWriter.open(tmp_path)
    run = Run(tmp_path)
    writer.scalars([(0, "loss", 1.0)])
    writer.result("watched", watched(0, 3), first=0, last=3)
    assert (run.scalars(), run.results(), run.steps) == ({}, {}, 0)
    writer.flush()
    assert (list(run.scalars()), list(run.results()), run.steps) == (["loss"], ["loss", "watched"], 4)
    assert run.status == "running"
    writer.close("stopped")
    assert run.status == "stopped"


def test_a_piece_is_a_copy(tmp_path: Path) -> None:
    """Arrays may be overwritten after they were handed over."""
    writer = RunWriter.open(tmp_path)
    piece = watched(0, 3)
    writer.result("watched", piece, first=0, last=3)
    piece.values[:] = -1
    writer.close("finished")
    found = Run(tmp_path).results()["watched"]
    assert isinstance(found, Watched)
    np.testing.assert_array_equal(found.values, watched(0, 3).values)


def test_threads_may_share_a_writer(tmp_path: Path) -> None:
    """Four threads that write and flush at once lose no row."""
    writer = RunWriter.open(tmp_path)

    def work(thread: int) -> None:
        for step in range(20):
            writer.scalars([(step, f"scalar {thread}", float(step))])
            writer.result(f"watched {thread}", watched(step, step), first=step, last=step)
            writer.flush()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close("finished")
    run = Run(tmp_path)
    assert [len(run.scalars()[f"scalar {index}"].steps) for index in range(4)] == [20] * 4
    results = run.results()
    assert [len(getattr(results[f"watched {index}"], "steps")) for index in range(4)] == [20] * 4  # noqa: B009


def test_a_second_writer_in_this_process_is_refused(tmp_path: Path) -> None:
    """The message names the process, and the lock is free after closing."""
    first = RunWriter.open(tmp_path)
    first.scalars([(0, "loss", 1.0)])
    message = (
        f"The run {tmp_path} is being written by process {os.getpid()} (this one). "
        "Wait until it has ended, close it, or write to another directory."
    )
    with pytest.raises(RunLockedError, match=f"^{re.escape(message)}$"):
        RunWriter.open(tmp_path, resume=True)
    with pytest.raises(RunLockedError, match=f"^{re.escape(message)}$"):
        Run(tmp_path).delete()
    first.close("failed")
    second = RunWriter.open(tmp_path, resume=True)
    assert second.first_step == 1
    second.close("finished")


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    """A directory that holds steps is refused unless the run is resumed; one that holds none is begun anew."""
    empty = RunWriter.open(tmp_path)
    empty.describe({"lr": 1})
    empty.close("failed")
    writer = RunWriter.open(tmp_path)
    writer.scalars([(step, "loss", 1.0) for step in range(1200)])
    writer.close("stopped")
    assert Run(tmp_path).facts == {}
    message = (
        f"{tmp_path} already holds a run of 1,200 steps (stopped). "
        "Pass options=pel.WatchOptions(resume=True) to go on with it, delete it with "
        "pel.Run(...).delete(), or write to another directory."
    )
    with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
        RunWriter.open(tmp_path)
    RunWriter.open(tmp_path, resume=True).close("finished")


def test_resuming_goes_on(tmp_path: Path) -> None:
    """A resumed run keeps what is there, its beginning and its seconds, and says where it goes on."""
    first = RunWriter.open(tmp_path, resume=True)
    first.scalars([(step, "loss", 1.0) for step in range(5)])
    first.result("watched", watched(0, 4), first=0, last=4)
    first.findings(verdict(), step=4)
    first.close("stopped")
    started, seconds = Run(tmp_path).started, Run(tmp_path).seconds
    second = RunWriter.open(tmp_path, resume=True)
    assert second.first_step == 5
    assert sorted(second.results()) == ["loss", "watched"]
    assert Run(tmp_path).status == "running"
    second.scalars([(5, "loss", 0.5)])
    second.result("watched", watched(5, 5), first=5, last=5)
    second.close("finished")
    run = Run(tmp_path)
    np.testing.assert_array_equal(run.scalars()["loss"].steps, range(6))
    np.testing.assert_array_equal(getattr(run.results()["watched"], "steps"), range(6))  # noqa: B009
    assert (run.steps, run.started) == (6, started)
    assert run.seconds > seconds > 0


@pytest.mark.parametrize(("kind", "kept"), [(Watched, 4), (WatchedCut, 6)])
def test_rewinding_drops_the_end(tmp_path: Path, kind: type[Watched], kept: int) -> None:
    """Steps from the checkpoint on are gone; a piece that straddles it is cut where its kind can be."""
    writer = RunWriter.open(tmp_path)
    for first in (0, 4, 8):
        writer.scalars([(step, "loss", 1.0) for step in range(first, first + 4)])
        writer.result("watched", watched(first, first + 3, kind=kind), first=first, last=first + 3)
    writer.findings(verdict(), step=11)
    writer.close("stopped")
    writer = RunWriter.open(tmp_path, resume=True)
    writer.rewind(6)
    assert writer.first_step == 6
    run = Run(tmp_path)
    np.testing.assert_array_equal(run.scalars()["loss"].steps, range(6))
    np.testing.assert_array_equal(getattr(run.results()["watched"], "steps"), range(kept))  # noqa: B009
    assert run.steps == 6
    assert len(list((tmp_path / "results").iterdir())) == (2 if kept == 6 else 1)
    writer.result("watched", watched(6, 9, kind=kind), first=6, last=9)
    writer.close("finished")
    steps = [*range(kept), *range(6, 10)]
    np.testing.assert_array_equal(getattr(run.results()["watched"], "steps"), steps)  # noqa: B009
    assert (run.steps, run.problems) == (10, ())


@pytest.mark.parametrize(("kind", "files"), [(Watched, 42), (WatchedCut, 2 + 2 + 2)])
def test_small_pieces_are_joined(
    tmp_path: Path, kind: type[Watched], files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """42 flushes leave a few files, where the kind can be cut again, and every step can still be rewound to."""
    monkeypatch.setattr(compacting, "FEW", 4)
    writer = RunWriter.open(tmp_path)
    for step in range(42):
        writer.result("watched", watched(step, step, kind=kind), first=step, last=step)
        writer.flush()
    assert len(list((tmp_path / "results").iterdir())) == files
    run = Run(tmp_path)
    np.testing.assert_array_equal(getattr(run.results()["watched"], "values"), watched(0, 41).values)  # noqa: B009
    writer.rewind(13)
    np.testing.assert_array_equal(getattr(run.results()["watched"], "values"), watched(0, 12).values)  # noqa: B009
    assert (run.problems, run.steps) == ((), 13)
    writer.close("finished")


@pytest.mark.parametrize("damage", ["remove", "overlap", "mixed"])
def test_pieces_that_do_not_fit_are_not_joined(tmp_path: Path, damage: str) -> None:
    """A piece that is damaged, overlaps another or is of another kind leaves all as they are."""
    writer = RunWriter.open(tmp_path)
    for step in range(compacting.FEW):
        if damage == "remove" and step == 3:
            (tmp_path / "results" / "watched-2-2.safetensors").unlink()
        last = step + (damage == "overlap" and step == 3)
        kind = Watched if damage == "mixed" and step == 3 else WatchedCut
        writer.result("watched", watched(step, last, kind=kind), first=step, last=last)
        writer.flush()
    assert len(list((tmp_path / "results").iterdir())) == compacting.FEW - (damage == "remove")
    writer.close("finished")


def test_rewinding_to_the_beginning(tmp_path: Path) -> None:
    """Step 0 leaves an empty run, and a negative step is refused."""
    writer = RunWriter.open(tmp_path)
    writer.scalars([(0, "loss", 1.0)])
    writer.rewind(0)
    assert (Run(tmp_path).steps, Run(tmp_path).scalars()) == (0, {})
    with pytest.raises(InputError, match=r"^Cannot rewind to step -1; expected 0 or more\.$"):
        writer.rewind(-1)
    writer.close("finished")


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    """Steps out of order, the reserved name and an unknown ending each say what was expected."""
    writer = RunWriter.open(tmp_path)
    with pytest.raises(InputError, match=r"^A piece of 'a' covers steps 3 to 2; expected 0 <= first <= last\.$"):
        writer.result("a", Photograph(share=0), first=3, last=2)
    with pytest.raises(
        InputError, match=r"^A result cannot be called 'loss': that one is made from the scalars of the run\.$"
    ):
        writer.result("loss", Photograph(share=0), first=0, last=0)
    with pytest.raises(InputError, match=r"^A run cannot end as 'dead'; expected one of: finished, stopped, failed\.$"):
        writer.close("dead")
    writer.close("finished")
    writer.close("failed")
    assert Run(tmp_path).status == "finished"
    message = f"The run {tmp_path} is closed. Open it again with resume=True to go on with it."
    for attempt in (writer.flush, lambda: writer.scalars([]), lambda: writer.describe({})):
        with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
            attempt()


def test_a_directory_that_was_removed_is_noticed(tmp_path: Path) -> None:
    """Flushing into a directory that is gone raises, with pieces and without, and closing frees the lock."""
    path = tmp_path / "run"
    writer = RunWriter.open(path)
    shutil.rmtree(path)
    writer.scalars([(0, "loss", 1.0)])
    with pytest.raises(
        StoreError, match=f"^{re.escape(f'Could not write the run {path}: its run.sqlite is not there any more.')}$"
    ):
        writer.flush()
    writer.result("watched", watched(0, 1), first=0, last=1)
    file = path / "results" / "watched-0-1.safetensors"
    message = f"Could not write {file}: No such file or directory. What was there before is unchanged."
    with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
        writer.flush()
    assert not path.exists()
    with pytest.raises(StoreError):
        writer.close("failed")
    RunWriter.open(path).close("finished")


def test_a_directory_that_was_replaced_is_noticed(tmp_path: Path) -> None:
    """A writer never writes into another run that took the place of its own."""
    path = tmp_path / "run"
    writer = RunWriter.open(path)
    shutil.rmtree(path)
    other = RunWriter.open(path)
    writer.scalars([(0, "loss", 1.0)])
    message = f"The run {path} was replaced by another while it was being written."
    with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
        writer.flush()
    other.close("finished")
    assert Run(path).scalars() == {}


def test_what_a_failed_flush_left_is_written_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk that has room again costs nothing."""
    writer = RunWriter.open(tmp_path)
    writer.scalars([(0, "loss", 1.0)])
    writer.result("watched", watched(0, 1), first=0, last=1)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        file = tmp_path / "results" / "watched-0-1.safetensors"
        message = f"Could not write {file}: No space left on device. What was there before is unchanged."
        with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
            writer.flush()
    writer.scalars([(1, "loss", 0.5), (0, "loss", 0.75)])
    writer.close("finished")
    run = Run(tmp_path)
    np.testing.assert_array_equal(run.scalars()["loss"].values, [0.75, 0.5])
    assert list(run.results()) == ["loss", "watched"]


def test_a_place_that_is_no_directory(tmp_path: Path) -> None:
    """A file in the way is named."""
    (tmp_path / "file").write_text("")
    message = f"Could not make the directory {tmp_path / 'file'}: Not a directory."
    with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
        RunWriter.open(tmp_path / "file")
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize(
    "name",
    ["with space", "quote'\"s", "ünïcødé 模型", "<script>alert(1)</script>", "50%?#&", "-rf", "a;b`c$d", "x" * 200],
)
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    """Directories, scalars and results may be called anything that a file system takes."""
    path = tmp_path / name.replace("/", "∕")
    writer = RunWriter.open(path)
    writer.scalars([(0, name, 1.0)])
    for one in (name, name.upper(), name + "/../../x"):
        writer.result(one, watched(0, 0), first=0, last=0)
    writer.close("finished")
    run = Run(path)
    assert (run.name, run.status) == (path.name, "finished")
    assert list(run.scalars()) == [name]
    assert set(run.results()) - {"loss"} == {name, name.upper(), name + "/../../x"}
    assert run.problems == ()
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    run.delete()
    assert list(tmp_path.iterdir()) == []


def test_relative_paths_survive_a_change_of_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script may change its directory while it trains."""
    monkeypatch.chdir(tmp_path)
    writer = RunWriter.open("runs/a")
    run = Run("runs/a")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    writer.scalars([(0, "loss", 1.0)])
    writer.close("finished")
    assert run.steps == 1
    assert run.path == tmp_path / "runs" / "a"
