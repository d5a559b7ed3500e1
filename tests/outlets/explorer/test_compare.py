"""Several runs side by side, also when some of them cannot be read, or when there are too many."""

import shutil
from pathlib import Path

import pytest

from pellucid.core.figure import Lines, Parallel
from pellucid.outlets.explorer.live import LiveRun
from pellucid.outlets.explorer.messages import MOST_RUNS
from pellucid.outlets.explorer.views import curves, overlaid, parallel
from tests.outlets.explorer.serving import Served, ask, hear, served, write_run


def damage(run: Path) -> str:
    """Make the index of a run unreadable, and return what is said of it."""
    (run / "run.sqlite").write_bytes(b"not a database" * 100)
    return (
        f"The index {run / 'run.sqlite'} is damaged: file is not a database. "
        "pellucid.Run still reads the results beside it; to write, choose another directory."
    )


def keys_of(explorer: Served, *names: str) -> list[str]:
    """The keys of runs, in this order."""
    return [explorer.key(name) for name in names]


def test_a_damaged_run_leaves_the_others_drawn(tmp_path: Path) -> None:
    """The pictures and the verdicts are those of the sound ones, and the damaged one is named with its fault."""
    for place, name in enumerate(("one", "two", "broken")):
        write_run(tmp_path / name, lr=10.0**-place)
    words = damage(tmp_path / "broken")
    with served(tmp_path) as explorer, explorer.socket() as socket:
        keys = keys_of(explorer, "one", "broken", "two")
        drawn = ask(socket, id=1, ask="view", view="overlaid", runs=keys)[1].figure
        assert [one.label for one in drawn.panels[0].marks if isinstance(one, Lines)] == ["one", "two"]
        assert drawn.caveat == f"1 run is left out. {words}"
        drawn = ask(socket, id=2, ask="view", view="parallel", runs=keys)[1].figure
        (mark,) = drawn.panels[0].marks
        assert isinstance(mark, Parallel)
        assert mark.names == ("one", "two")
        assert drawn.caveat.startswith(f"1 run is left out. {words} That two things go together")
        table = ask(socket, id=3, ask="part", part=f"compare:{','.join(keys)}")["html"]
        assert table.count('<th scope="col">') == 3
        assert f'href="/run/{keys[1]}">broken</a> is left out. {words}</p>' in table


def test_when_none_can_be_read_the_first_few_say_why(tmp_path: Path) -> None:
    """Instead of an empty picture."""
    names = [f"run{place}" for place in range(5)]
    words: list[str] = []
    for name in names:
        write_run(tmp_path / name)
        words.append(damage(tmp_path / name))
    with served(tmp_path) as explorer, explorer.socket() as socket:
        keys = keys_of(explorer, *names)
        said = ask(socket, id=1, ask="view", view="overlaid", runs=keys)
        assert said == {"id": 1, "error": f"5 runs are left out. {' '.join(words[:3])} And 2 more."}
        table = ask(socket, id=2, ask="part", part=f"compare:{','.join(keys)}")["html"]
        assert "<table" not in table
        assert all(one in table for one in words)


def test_a_run_that_is_deleted_while_it_is_compared(tmp_path: Path) -> None:
    """It leaves the picture with a word, and comes back when it is written again."""
    write_run(tmp_path / "one")
    write_run(tmp_path / "two")
    with served(tmp_path) as explorer, explorer.socket() as socket:
        keys = keys_of(explorer, "one", "two")
        whole = ask(socket, id=1, ask="view", view="overlaid", runs=keys, follow=True)[1].figure
        assert len(whole.panels[0].marks) == 2
        shutil.rmtree(tmp_path / "two")
        left = hear(socket)[1].figure
        assert [one.label for one in left.panels[0].marks if isinstance(one, Lines)] == ["one"]
        assert left.caveat == "1 run is left out. The run 'two' is not there any more: it was deleted or moved."
        write_run(tmp_path / "two")
        assert len(hear(socket)[1].figure.panels[0].marks) == 2


def test_what_is_wrong_with_a_run_is_said_once_on_its_page(tmp_path: Path) -> None:
    """Where its verdict would be; the place of its pictures is empty."""
    write_run(tmp_path / "broken")
    words = damage(tmp_path / "broken")
    with served(tmp_path) as explorer, explorer.socket() as socket:
        key = explorer.key("broken")
        assert ask(socket, id=1, ask="part", part=f"run:{key}") == {"id": 1, "error": words}
        assert ask(socket, id=2, ask="part", part=f"pictures:{key}") == {"id": 2, "html": "\n"}


def test_more_runs_than_fit_are_counted(tmp_path: Path) -> None:
    """And the page says what to do."""
    first = write_run(tmp_path / "run00").path
    for place in range(1, MOST_RUNS + 3):
        shutil.copytree(first, tmp_path / f"run{place:02}")
    with served(tmp_path) as explorer:
        keys = [row.key for row in explorer.desk.shelf.rows()]
        body = explorer.get("/compare?" + "&".join(f"run={key}" for key in ["gone-1", *keys])).body
        assert "<h1>64 runs compared</h1>" in body
        assert (
            "3 more are left out: the first 64 of those that were chosen are compared. Choose fewer to see the others."
        ) in body
        assert "1 of the chosen runs is not here any more." in body
        body = explorer.get("/compare?" + "&".join(f"run={key}" for key in keys[:MOST_RUNS])).body
        assert "left out" not in body


def refreshed(path: Path, **facts: object) -> LiveRun:
    """A run of five steps, read."""
    write_run(path, **facts)
    run = LiveRun(path, path.name)
    run.refresh()
    return run


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """By their folders; and long names are cut in the middle, where they are still told apart then."""
    runs = [refreshed(tmp_path / folder / "same") for folder in ("a", "b")]
    runs += [refreshed(tmp_path / ("n" * 60 + end)) for end in "xy"]
    drawn = overlaid.bind(runs=runs)()
    n = "n" * 20
    labels = [one.label for one in drawn.panels[0].marks if isinstance(one, Lines)]
    assert labels == ["a/same", "b/same", f"{n}…{n[1:]}x", f"{n}…{n[1:]}y"]
    assert drawn.panels[0].note == "Every run is at 0.4."
    alike = [refreshed(tmp_path / f"{'m' * 30}{middle}{'m' * 30}") for middle in "xy"]
    drawn = overlaid.bind(runs=alike)()
    assert [one.label for one in drawn.panels[0].marks if isinstance(one, Lines)] == [one.name for one in alike]


def test_settings_without_an_axis_are_counted(tmp_path: Path) -> None:
    """The caveat says how many differ beside those that are drawn."""
    facts = [{name: ord(name) + place for name in "abcdefghijk"} for place in range(2)]
    runs = [refreshed(tmp_path / f"run{place}", **one) for place, one in enumerate(facts)]
    drawn = parallel.bind(runs=runs)()
    (mark,) = drawn.panels[0].marks
    assert isinstance(mark, Parallel)
    assert [axis.label for axis in mark.axes] == [*"abcdefghi", "last training loss"]
    assert drawn.panels[0].note == "11 settings differ between 2 runs"
    assert drawn.caveat.endswith("There is room for 9 settings, 2 more have no axis.")


def test_of_very_many_scalars_the_first_that_are_asked_for_are_read(tmp_path: Path) -> None:
    """And the caveat counts the others, also those that were not read."""
    writer = write_run(tmp_path / "one", status=None)
    writer.scalars((0, f"aux{number:03}", 1.0) for number in range(300))
    writer.close("finished")
    run = LiveRun(tmp_path / "one", "one")
    run.refresh()
    drawn = curves.bind(run=run)()
    assert drawn.panels[0].title == "Loss"
    assert (len(drawn.panels), drawn.caveat) == (12, "289 further scalars are not shown.")


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "a\u202eb", "\U0001f525", "{{7*7}}"])
def test_names_are_text_in_the_table_of_verdicts(tmp_path: Path, name: str) -> None:
    """Whether a run can be read or not."""
    for folder in ("sound", "broken"):
        write_run(tmp_path / folder / name)
    damage(tmp_path / "broken" / name)
    with served(tmp_path / "sound", tmp_path / "broken") as explorer, explorer.socket() as socket:
        keys = [row.key for row in explorer.desk.shelf.rows()]
        table = ask(socket, id=1, ask="part", part=f"compare:{','.join(keys)}")["html"]
        assert "<img" not in table
        assert "\u202e" not in table
        assert ">49<" not in table
        assert "is left out. The index" in table
