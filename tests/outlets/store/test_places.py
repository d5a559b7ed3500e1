"""Where a run may be written: files of others stay as they are, and what cannot work is said in a sentence."""

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from pellucid.core.errors import InputError, PellucidError, StoreError
from pellucid.core.recorder import open_store
from pellucid.outlets.store import Run, RunWriter
from tests.outlets.store.samples import watched

THEIRS = save({"weight": np.ones(3)})


def make(path: Path) -> Run:
    """Write a run with one piece."""
    writer = RunWriter.open(path)
    writer.scalars([(0, "loss", 1.0)])
    writer.result("watched", watched(0, 3), first=0, last=3)
    writer.close("finished")
    return Run(path)


def refused(path: Path, message: str, kind: type[PellucidError] = StoreError) -> None:
    """Check that no run can be written to a path, for the reason given."""
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        RunWriter.open(path)


@pytest.mark.parametrize("name", ["model-2024-11.safetensors", ".model-2024-11.safetensors.7.part"])
def test_a_directory_with_files_that_are_called_as_ours(tmp_path: Path, name: str) -> None:
    """A directory that never was a run is refused when a file in it bears a name as pieces have, and keeps it."""
    file = tmp_path / "results" / name
    file.parent.mkdir()
    file.write_bytes(THEIRS)
    refused(
        tmp_path,
        f"Cannot begin a run in {tmp_path}: results/{name} lies there already, "
        "and the run would have files of that kind. Choose another directory.",
    )
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "results", file]
    assert file.read_bytes() == THEIRS


def test_a_lock_of_somebody_else(tmp_path: Path) -> None:
    """A file called lock that no run made is not written over."""
    (tmp_path / "lock").write_text("the combination is 1234")
    refused(
        tmp_path,
        f"Cannot begin a run in {tmp_path}: lock lies there already, "
        "and the run would have files of that kind. Choose another directory.",
    )
    assert (tmp_path / "lock").read_text() == "the combination is 1234"


def test_a_directory_with_other_files(tmp_path: Path) -> None:
    """A directory in which nothing clashes may be used, and deleting the run leaves what was there."""
    for name in ("train.py", "results/table.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    make(tmp_path).delete()
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["results", "table.csv", "train.py"]


def test_sweeping_and_deleting_leave_the_files_of_others(tmp_path: Path) -> None:
    """In a run, too, a file goes only when it has our header, or the index names it, however damaged."""
    run = make(tmp_path)
    results = tmp_path / "results"
    ours = (results / "watched-0-3.safetensors").read_bytes()
    (results / "model-2024-11.safetensors").write_bytes(THEIRS)
    (results / ".model-2024-11.safetensors.7.part").write_bytes(THEIRS)
    (results / "unindexed-0-3.safetensors").write_bytes(ours)
    (results / ".watched-0-9.safetensors.7.part").write_bytes(ours[:20])
    (results / ".watched-0-8.safetensors.7.part").write_bytes(b"")
    RunWriter.open(tmp_path, resume=True).close("finished")
    theirs = [".model-2024-11.safetensors.7.part", "model-2024-11.safetensors"]
    assert sorted(one.name for one in results.iterdir()) == [*theirs, "watched-0-3.safetensors"]
    (results / "watched-0-3.safetensors").write_bytes(bytes(100))
    run.delete()
    assert sorted(one.name for one in results.iterdir()) == theirs


@pytest.mark.parametrize("name", ["results", "run.sqlite", "lock"])
def test_symbolic_links(tmp_path: Path, name: str) -> None:
    """No part of a run may lead out of its directory: neither to begin one, nor to delete it."""
    outside = tmp_path / "outside"
    run = make(tmp_path / "run")
    (run.path / name).rename(outside)
    before = sorted(outside.rglob("*"))
    (run.path / name).symlink_to(outside)
    message = (
        f"{run.path / name} is a symbolic link to {outside}. pellucid writes and deletes only what lies in the run "
        "directory itself. Remove the link, or choose another directory."
    )
    refused(run.path, message)
    with pytest.raises(StoreError, match=f"^{re.escape(message)}$"):
        run.delete()
    assert outside.exists()
    assert sorted(outside.rglob("*")) == before


def test_a_directory_in_place_of_the_index(tmp_path: Path) -> None:
    """Writing and reading say what is there."""
    (tmp_path / "run.sqlite").mkdir()
    refused(
        tmp_path,
        f"{tmp_path / 'run.sqlite'} is in the way: a run has a regular file there. Choose another directory.",
    )
    with pytest.raises(StoreError) as caught:
        Run(tmp_path)
    assert str(caught.value) == f"There is no run at {tmp_path}: its run.sqlite is a directory, not a file."


@pytest.mark.parametrize("path", ["", "."])
def test_no_directory_of_its_own(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty path does not fill the working directory."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        open_store(path)
    assert str(caught.value) == (
        "A run needs a directory of its own, got '.'. Name one, such as 'runs/first'; "
        "pathlib.Path.cwd() makes a run of the working directory."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_names_that_no_file_system_takes(tmp_path: Path, name: str) -> None:
    """They are refused when writing, and lead nowhere when reading."""
    path = tmp_path / name
    refused(
        path, f"A directory cannot be called {str(path)!r}: no file system takes all of its characters.", InputError
    )
    with pytest.raises(StoreError, match="no such directory"):
        Run(path)


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    """The reason is that of the operating system."""
    path = tmp_path / ("n" * 300)
    refused(path, f"Could not make the directory {path}: File name too long.")
    with pytest.raises(StoreError) as caught:
        Run(path)
    assert str(caught.value) == f"There is no run at {path}: File name too long."


def test_a_file_is_no_run(tmp_path: Path) -> None:
    """A file that is there is not said to be missing, and a part of a run leads to the run."""
    make(tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        Run(tmp_path / "file")
    assert str(caught.value) == f"There is no run at {tmp_path / 'file'}: it is a file, not a directory."
    with pytest.raises(StoreError) as caught:
        Run(tmp_path / "run" / "run.sqlite")
    index = tmp_path / "run" / "run.sqlite"
    assert str(caught.value) == f"{index} is a file of a run; the run is the directory {tmp_path / 'run'}."


def test_half_a_character_in_a_name(tmp_path: Path) -> None:
    """Names and facts that UTF-8 has no bytes for are spelt out, and the run goes on."""
    writer = RunWriter.open(tmp_path)
    writer.scalars([(0, "a\ud800", 1.0)])
    writer.result("b\ud800", watched(0, 1), first=0, last=1)
    writer.describe({"c\ud800": "d\ud800"})
    writer.close("finished")
    run = Run(tmp_path)
    assert list(run.scalars()) == ["a\\ud800"]
    assert sorted(run.results()) == ["b\\ud800", "loss"]
    assert run.facts == {"c\\ud800": "d\\ud800"}
