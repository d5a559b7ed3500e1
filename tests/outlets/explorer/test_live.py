"""What is shown of runs while they are written, deleted, damaged or not there."""

import json
import shutil
import sqlite3
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pellucid.core.figure import Lines
from pellucid.core.finding import Level
from pellucid.core.frame import pack
from pellucid.core.judge import Findings
from pellucid.outlets.explorer import live
from pellucid.outlets.explorer.desk import Wanted
from pellucid.outlets.explorer.drawings import frame_of_run
from pellucid.outlets.explorer.live import LiveRun
from pellucid.outlets.explorer.paper import Paper
from pellucid.outlets.explorer.shelf import Shelf
from pellucid.outlets.store import RunWriter
from pellucid.windows.loss.measure import evaluate
from tests.outlets.explorer.serving import DYING, FINE, Served, add_steps, ask, hear, picture, served, write_run


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the disk whenever asked."""
    monkeypatch.setattr(live, "_LOOK_SECONDS", -1.0)
    monkeypatch.setattr("pellucid.outlets.explorer.shelf._LOOK_SECONDS", -1.0)
    monkeypatch.setattr("pellucid.outlets.explorer.socket._PAUSE_SECONDS", 0.05)


def test_only_new_points_are_sent(tmp_path: Path) -> None:
    """What is added to a curve comes as a frame to append, whose bytes do not grow with the run."""
    writer = write_run(tmp_path / "one", steps=5_000, status=None)
    with served(tmp_path) as explorer, explorer.socket() as socket:
        socket.send(json.dumps({"id": 7, "ask": "view", "view": "curves", "run": explorer.key("one"), "follow": True}))
        whole = socket.recv(timeout=30)
        assert isinstance(whole, bytes)
        first = picture(whole)[1]
        assert (first.append, len(_line(first).x)) == (False, 5_000)
        add_steps(writer, range(5_000, 5_010))
        more = socket.recv(timeout=30)
        assert isinstance(more, bytes)
        number, added = picture(more)
        assert (number, added.append) == (7, True)
        assert _line(added).x.tolist() == list(range(5_000, 5_010))
        assert "5,010 steps so far" in added.figure.alt
        assert len(more) < 2_500
        assert len(whole) > 20_000
    writer.close("finished")


def _line(frame: object) -> Lines:
    mark = frame.figure.panels[0].marks[0]  # type: ignore[attr-defined]
    assert isinstance(mark, Lines)
    return mark


def test_a_run_that_goes_back_is_sent_anew(tmp_path: Path) -> None:
    """A resumed run takes steps back that were shown."""
    writer = write_run(tmp_path / "one", steps=10, status=None)
    with served(tmp_path) as explorer, explorer.socket() as socket:
        wish = {"id": 1, "ask": "view", "view": "curves", "run": explorer.key("one"), "follow": True}
        assert len(_line(ask(socket, **wish)[1]).x) == 10
        writer.rewind(4)
        found = hear(socket)[1]
        assert (found.append, _line(found).x.tolist()) == (False, [0, 1, 2, 3])
    writer.close("stopped")


def test_a_new_run_appears_and_its_row_moves(tmp_path: Path) -> None:
    """The list is a part of the page that is sent again when it changes."""
    folder = tmp_path / "later"
    with served(folder) as explorer, explorer.socket() as socket:
        said = ask(socket, id=1, ask="part", part="runs")
        assert "There is no run in" in said["html"]
        writer = write_run(folder / "fresh", steps=3, status=None)
        while "fresh" not in said["html"]:
            said = hear(socket)
        assert '<span class="status running">' in said["html"]
        add_steps(writer, range(3, 400))
        while ">400<" not in said["html"]:
            said = hear(socket)
        writer.close("finished")
        while '<span class="status finished">' not in said["html"]:
            said = hear(socket)


def test_a_run_that_nobody_judged_is_judged(tmp_path: Path) -> None:
    """A run that is being written has no verdict in its index yet."""
    writer = RunWriter.open(tmp_path / "one")
    add_steps(writer, range(50))
    with served(tmp_path) as explorer, explorer.socket() as socket:
        said = ask(socket, id=1, ask="part", part="runs")
        while "being judged" in said["html"]:
            said = hear(socket)
        assert 'class="badge' in said["html"]
    writer.close("stopped")


def test_a_run_that_is_deleted_while_it_is_watched(tmp_path: Path) -> None:
    """Its pictures say so once, its page is gone, and it comes back when it is written again."""
    write_run(tmp_path / "one")
    with served(tmp_path) as explorer, explorer.socket() as socket:
        key = explorer.key("one")
        wish = {"id": 1, "ask": "view", "view": "curves", "run": key, "follow": True}
        assert ask(socket, **wish)[0] == 1
        shutil.rmtree(tmp_path / "one")
        assert hear(socket) == {"id": 1, "error": "The run 'one' is not there any more: it was deleted or moved."}
        answer = explorer.get(f"/run/{key}")
        assert answer.status == 404
        assert "There is no such run. It may have been deleted, moved or renamed." in answer.body
        write_run(tmp_path / "one", steps=8)
        while "8 steps" not in hear(socket)[1].figure.alt:
            pass


def test_a_damaged_run_is_listed_with_its_reason(tmp_path: Path) -> None:
    """And those beside it are shown as ever."""
    write_run(tmp_path / "sound")
    write_run(tmp_path / "broken")
    (tmp_path / "broken" / "run.sqlite").write_bytes(b"not a database" * 100)
    with served(tmp_path) as explorer, explorer.socket() as socket:
        html = ask(socket, id=1, ask="part", part="runs")["html"]
        assert '<span class="status damaged">damaged</span>' in html
        assert "is damaged: file is not a database." in html
        assert "Dying ReLU at h1, step 3" in html
        key = explorer.key("broken")
        assert explorer.get(f"/run/{key}").status == 200
        said = ask(socket, id=2, ask="view", view="curves", run=key)
        assert "is damaged: file is not a database." in said["error"]


def test_a_folder_without_runs_says_how_to_make_one(tmp_path: Path) -> None:
    """Also when the folder is not there yet."""
    with served(tmp_path / "runs") as explorer:
        body = explorer.get("/").body
        assert f"There is no run in <code>{tmp_path / 'runs'}</code> yet." in body
        assert "pel.watch(model, optimizer, run=&#34;runs/first&#34;)" in body or 'run="runs/first"' in body


def test_the_latest_wish_wins(explorer: Served) -> None:
    """Of twenty wishes under one id the last is answered, and not all of the others are."""
    with explorer.socket() as socket:
        for steps in range(10, 210, 10):
            wish = {"id": 3, "ask": "view", "view": "loss-surface", "parameters": {"steps": steps}}
            socket.send(json.dumps(wish))
        answers = 0
        while True:
            frame = hear(socket)[1]
            answers += 1
            if frame.parameters["steps"] == 200:
                break
        assert answers <= 20
        assert ask(socket, id=4, ask="part", part="runs")["id"] == 4  # nothing of the 20 is left behind


def test_an_exact_number_is_as_it_was_computed(explorer: Served) -> None:
    """Where the picture travels with fewer digits."""
    with explorer.socket() as socket:
        frame = ask(socket, id=1, ask="view", view="curves", run=explorer.key("one"))[1]
        assert ask(socket, id=2, ask="value", of=1, array=1, index=[2]) == {"id": 2, "value": 2.0 / 3}
        assert _line(frame).y[2] == np.float32(2.0 / 3)
        said = ask(socket, id=3, ask="value", of=1, array=1, index=[99])
        assert said == {"id": 3, "error": "The array 1 has the shape (5,), and no such place."}
        said = ask(socket, id=4, ask="value", of=9, array=0, index=[0])
        assert said == {"id": 4, "error": "The picture 9 has 0 arrays, and no array 0."}


def test_after_stop_nothing_comes(tmp_path: Path) -> None:
    """A picture that was scrolled away costs nothing."""
    writer = write_run(tmp_path / "one", status=None)
    with served(tmp_path) as explorer, explorer.socket() as socket:
        wish = {"id": 1, "ask": "view", "view": "curves", "run": explorer.key("one"), "follow": True}
        assert ask(socket, **wish)[0] == 1
        socket.send(json.dumps({"id": 1, "ask": "stop"}))
        add_steps(writer, range(5, 20))
        assert ask(socket, id=2, ask="part", part="runs")["id"] == 2
        add_steps(writer, range(20, 30))
        while "html" not in (said := hear(socket)) or ">30<" not in said["html"]:
            assert not isinstance(said, tuple), "a picture came after stop"
    writer.close("stopped")


def test_what_did_not_change_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither rows nor results, however often somebody looks."""
    write_run(tmp_path / "one")
    shelf, run = Shelf([tmp_path]), LiveRun(tmp_path / "one", "one")
    monkeypatch.setattr("pellucid.outlets.explorer.glance._TICK_NANOSECONDS", -(10**18))
    shelf.rows()
    version = run.refresh()
    opened: list[Path] = []
    for module in ("live", "glance"):
        monkeypatch.setattr(f"pellucid.outlets.explorer.{module}.reading", opened.append)
    assert (shelf.rows()[0].name, run.refresh()) == ("one", version)
    assert not opened


def test_an_index_stays_open_while_it_is_followed_and_no_longer(tmp_path: Path) -> None:
    """Of a run that is being written, also when its list shows it; all are closed when the server ends."""
    writer = write_run(tmp_path / "one", status=None)
    write_run(tmp_path / "ended")
    with served(tmp_path) as explorer, explorer.socket() as socket:
        indexes = explorer.desk.indexes
        for number, name in enumerate(("one", "ended"), 1):
            wish = {"id": number, "ask": "view", "view": "curves", "run": explorer.key(name), "follow": True}
            assert ask(socket, **wish)[0] == number
        for steps in (10, 20):
            add_steps(writer, range(steps - 5, steps))
            assert hear(socket)[0] == 1
        assert indexes.count == 1
    assert indexes.count == 0
    writer.close("finished")


def test_rows_that_no_writer_makes_are_passed_over(tmp_path: Path) -> None:
    """Anybody may have written the index."""
    writer = write_run(tmp_path / "one", steps=3, status=None)
    with sqlite3.connect(tmp_path / "one" / "run.sqlite") as other:
        rows = [("loss", 2**62 + 1, 1.0), ("loss", "x", 1.0), ("loss", 3, "x"), ("loss", 4, b"x"), ("loss", 5, None)]
        other.executemany("INSERT INTO scalars (name, step, value) VALUES (?, ?, ?)", rows)
    other.close()
    run = LiveRun(tmp_path / "one", "one")
    run.refresh()
    assert run.curves()["loss"].steps.tolist() == [0, 1, 2, 5]
    writer.close("finished")


def test_only_rows_that_changed_are_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long list few move."""
    writers = [write_run(tmp_path / name, steps=3, status=None) for name in ("one", "two")]
    paper = Paper(Shelf([tmp_path]))
    paper.runs()
    before = {row.name: line for (row, _), line in paper._lines.items()}
    add_steps(writers[1], range(3, 9))
    html = paper.runs()
    after = {row.name: line for (row, _), line in paper._lines.items()}
    assert (after["one"] is before["one"], after["two"] is before["two"]) == (True, False)
    assert (">3<" in after["one"], ">9<" in after["two"]) == (True, True)
    assert all(line in html for line in after.values())
    for writer in writers:
        writer.close("finished")


def test_curves_grow_and_what_was_handed_out_stays(tmp_path: Path) -> None:
    """Also a name that comes late, NaN, and more points than there was room for."""
    writer = write_run(tmp_path / "one", steps=3, status=None)
    run = LiveRun(tmp_path / "one", "one")
    run.refresh()
    before = run.curves()["loss"]
    writer.scalars([(3, "loss", float("nan")), (3, "late", 1.0)])
    add_steps(writer, range(4, 500))
    run.refresh()
    after = run.curves()
    assert (len(before), len(after["loss"]), len(after["late"])) == (3, 500, 1)
    assert np.isnan(after["loss"].values[3])
    assert after["loss"].steps.tolist() == list(range(500))
    assert before.steps.tolist() == [0, 1, 2]
    writer.close("finished")


def test_a_key_is_the_same_after_a_restart(tmp_path: Path) -> None:
    """So that an address can be kept; and two runs of one name have two."""
    for name in ("a/Exp 1 ü", "b/Exp 1 ü", "a/💥"):
        write_run(tmp_path / name)
    first, second = (Shelf([tmp_path / "a", tmp_path / "b"]).rows() for _ in range(2))
    assert [row.key for row in first] == [row.key for row in second]
    assert len({row.key for row in first}) == 3
    assert sorted(row.key.rpartition("-")[0] for row in first) == ["exp-1", "exp-1", "run"]


def test_the_head_of_a_picture(explorer: Served) -> None:
    """Four bytes of id, four of nothing, then the frame: arrays stay at multiples of 8."""
    with explorer.socket() as socket:
        socket.send(json.dumps({"id": 2**31 - 1, "ask": "view", "view": "curves", "run": explorer.key("one")}))
        message = socket.recv(timeout=30)
        assert isinstance(message, bytes)
        assert message[:8] == struct.pack("<II", 2**31 - 1, 0)
        assert message[8:] == pack(picture(message)[1])


def _run_with_one_evaluation(path: Path) -> RunWriter:
    """A run whose only evaluation is that before the first step, as good as guessing."""
    writer = RunWriter.open(path)
    model, x, y = torch.nn.Linear(4, 10), torch.randn(512, 4), torch.randint(10, (512,))
    writer.result("sanity", evaluate(model, x, y, None, step=0), first=0, last=0)
    add_steps(writer, range(40))
    return writer


def test_a_picture_says_what_the_list_says(tmp_path: Path) -> None:
    """The first evaluation of a run is not that of a finished model, which its picture alone cannot know."""
    writer = _run_with_one_evaluation(tmp_path / "one")
    run = LiveRun(tmp_path / "one", "one")
    run.refresh()
    assert run.results()["sanity"].findings.level is Level.ALARM
    assert run.findings().problems == ()
    shown = frame_of_run(run, "sanity.evaluations", {}).figure
    assert (shown.verdict, shown.level) == ("", Level.OK)
    better = replace(FINE, code="LOS014", title="No better than guessing")
    writer.findings(Findings((DYING, better)), step=39)
    writer.close("finished")
    run.refresh()
    assert frame_of_run(run, "sanity.evaluations", {}).figure.verdict == Findings((better,)).headline


def test_no_picture_of_a_run_that_is_written_says_that_all_is_well(tmp_path: Path) -> None:
    """It may be older than the list of findings; what is wrong is said, also when only the verdict is new."""
    run = LiveRun(tmp_path / "one", "one")
    writer = write_run(tmp_path / "one", status=None)
    wanted = Wanted("curves", (run,))
    before = wanted.versions()
    run._verdict = ((), Findings((FINE,)))
    assert frame_of_run(run, "curves", {}).figure.verdict == ""
    run._verdict = ((), Findings((DYING,)))
    assert frame_of_run(run, "curves", {}).figure.verdict == Findings((DYING,)).headline
    run.findings()
    after = wanted.versions()
    assert after[1] == before[1] + 1
    writer.close("finished")


def test_the_head_of_a_run_is_a_part_of_its_own(tmp_path: Path) -> None:
    """Steps and status are sent without anything being judged."""
    writer = write_run(tmp_path / "one", steps=40, status=None)
    with served(tmp_path) as explorer, explorer.socket() as socket:
        key = explorer.key("one")
        assert f'data-pellucid-part="head:{key}"' in explorer.get(f"/run/{key}").body
        said = ask(socket, id=1, ask="part", part=f"head:{key}")["html"]
        assert "<dt>steps</dt><dd>40</dd>" in said
        add_steps(writer, range(40, 80))
        while "<dt>steps</dt><dd>80</dd>" not in said:
            said = hear(socket)["html"]
        assert explorer.desk.run(key).known_findings() is None
    writer.close("finished")
