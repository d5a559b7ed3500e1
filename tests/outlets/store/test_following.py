"""Following a run: its index stays open between two looks, and nobody else notices."""

import shutil
import sqlite3
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from pellucid.core.errors import FormatError, StoreError
from pellucid.outlets.store import Run, RunWriter
from pellucid.outlets.store.following import FollowedIndexes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps none open")
COUNT = "SELECT count(*) FROM scalars"


@pytest.fixture
def indexes() -> Generator[FollowedIndexes]:
    """Room for two."""
    made = FollowedIndexes(most=2)
    yield made
    made.let_go(idle=0.0)


def begun(path: Path, steps: int = 3) -> RunWriter:
    """A run that is being written."""
    writer = RunWriter.open(path)
    go_on(writer, range(steps))
    return writer


def go_on(writer: RunWriter, steps: range) -> None:
    """Write some steps."""
    writer.scalars((step, "loss", 1.0) for step in steps)
    writer.flush()


def count(indexes: FollowedIndexes, path: Path) -> int:
    """Look once, and count the rows."""
    with indexes.reading(path) as connection:
        return int(connection.execute(COUNT).fetchone()[0])


def test_a_run_is_opened_once(tmp_path: Path, indexes: FollowedIndexes, monkeypatch: pytest.MonkeyPatch) -> None:
    """And every look sees what was flushed before it."""
    writer = begun(tmp_path)
    assert (count(indexes, tmp_path), indexes.count) == (3, 1)
    monkeypatch.setattr("pellucid.outlets.store.following.connection_for_reading", None)
    monkeypatch.setattr("pellucid.outlets.store.following.reading", None)
    go_on(writer, range(3, 50))
    assert count(indexes, tmp_path) == 50
    writer.rewind(10)
    assert count(indexes, tmp_path) == 10
    writer.close("finished")
    assert count(indexes, tmp_path) == 10


def test_who_writes_takes_up_its_log(tmp_path: Path, indexes: FollowedIndexes) -> None:
    """The index is complete between two flushes and its log does not grow, while somebody follows."""
    writer = begun(tmp_path / "run")
    sizes: list[int] = []
    for step in range(3, 60):
        count(indexes, tmp_path / "run")
        go_on(writer, range(step, step + 1))
        sizes.append((tmp_path / "run" / "run.sqlite-wal").stat().st_size)
    assert max(sizes) < 100_000
    shutil.copy(tmp_path / "run" / "run.sqlite", tmp_path / "copy")
    copied = sqlite3.connect(tmp_path / "copy")
    assert copied.execute(COUNT).fetchone() == (60,)
    copied.close()
    writer.close("finished")
    indexes.let_go(idle=0.0)
    assert sorted(one.name for one in (tmp_path / "run").iterdir()) == ["lock", "results", "run.sqlite"]


def test_a_look_that_lasts_keeps_nobody_from_writing(tmp_path: Path, indexes: FollowedIndexes) -> None:
    """It sees one state until it is over."""
    writer = begun(tmp_path)
    with indexes.reading(tmp_path) as connection:
        assert connection.execute(COUNT).fetchone() == (3,)
        go_on(writer, range(3, 9))
        assert connection.execute(COUNT).fetchone() == (3,)
    assert count(indexes, tmp_path) == 9
    writer.close("finished")


def test_a_run_that_is_followed_can_be_deleted(tmp_path: Path, indexes: FollowedIndexes) -> None:
    """The next look says so."""
    begun(tmp_path / "run").close("finished")
    count(indexes, tmp_path / "run")
    Run(tmp_path / "run").delete()
    assert not (tmp_path / "run").exists()
    with pytest.raises(StoreError) as refused:
        count(indexes, tmp_path / "run")
    assert str(refused.value) == f"Could not read the run {tmp_path / 'run'}: its run.sqlite is not there any more."
    assert indexes.count == 0


def test_a_run_that_is_replaced(tmp_path: Path, indexes: FollowedIndexes) -> None:
    """The new one is read, and giving up the old one leaves the log of the new one alone."""
    begun(tmp_path / "run").close("finished")
    count(indexes, tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    writer = begun(tmp_path / "run", steps=7)
    other = FollowedIndexes()
    assert count(other, tmp_path / "run") == 7
    log = (tmp_path / "run" / "run.sqlite-wal").stat().st_ino
    assert count(indexes, tmp_path / "run") == 7
    assert (tmp_path / "run" / "run.sqlite-wal").stat().st_ino == log
    go_on(writer, range(7, 20))
    assert (count(other, tmp_path / "run"), count(indexes, tmp_path / "run"), indexes.count) == (20, 20, 1)
    writer.close("finished")
    other.let_go(idle=0.0)


def test_no_more_are_kept_than_there_is_room_for(tmp_path: Path, indexes: FollowedIndexes) -> None:
    """Those that are kept stay; any further one is read all the same."""
    writers = [begun(tmp_path / str(place), steps=place) for place in range(1, 5)]
    for _ in range(2):
        assert [count(indexes, tmp_path / str(place)) for place in range(1, 5)] == [1, 2, 3, 4]
        assert indexes.count == 2
    for writer in writers:
        writer.close("finished")


def test_what_nobody_looks_at_is_given_up(tmp_path: Path, indexes: FollowedIndexes) -> None:
    """After a while, and not before."""
    writer = begun(tmp_path)
    count(indexes, tmp_path)
    indexes.let_go(idle=3600.0)
    assert indexes.count == 1
    indexes.let_go(idle=0.0)
    assert indexes.count == 0
    assert count(indexes, tmp_path) == 3
    writer.close("finished")


def test_tables_of_others_are_refused_also_when_they_come_later(tmp_path: Path, indexes: FollowedIndexes) -> None:
    """A view may run for ever; and what failed once is opened anew."""
    begun(tmp_path).close("finished")
    count(indexes, tmp_path)
    other = sqlite3.connect(tmp_path / "run.sqlite")
    other.execute("CREATE VIEW more AS SELECT 1")
    other.commit()
    with pytest.raises(FormatError) as refused:
        count(indexes, tmp_path)
    assert str(refused.value) == f"The index {tmp_path / 'run.sqlite'} is damaged: 'more' is a view."
    assert indexes.count == 0
    other.execute("DROP VIEW more")
    other.commit()
    other.close()
    assert count(indexes, tmp_path) == 3
