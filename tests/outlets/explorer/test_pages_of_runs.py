"""What the pages hold: landmarks, headings in order, the verdict first, the pictures of each window."""

import html
import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

import pellucid as pel
from tests.outlets.explorer.serving import Served, ask, keys_in, served, write_run


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of a small network, whose hidden layer is dead."""
    folder = tmp_path_factory.mktemp("watched")
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    with torch.no_grad():
        model[0].bias.fill_(-50)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.randn(600, 8), torch.randint(4, (600,))
    with pel.watch(model, optimizer, run=folder / "dead", every=5) as watch:
        for _ in range(20):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            watch.step(loss=loss, lr=0.1)
    return folder


def headings(body: str) -> list[int]:
    """The levels of the headings of a page, in order."""
    return [int(one) for one in re.findall(r"<h([1-6])[ >]", body)]


def whole(explorer: Served, path: str) -> str:
    """A page with its parts in place, as a browser would put them there."""
    body = explorer.get(path).body
    with explorer.socket() as socket:
        for number, name in enumerate(re.findall(r'data-pellucid-part="([^"]+:[^"]+)"', body), 1):
            said = ask(socket, id=number, ask="part", part=html.unescape(name))["html"]
            body = re.sub(f'(data-pellucid-part="{name}"[^>]*>)', lambda found, said=said: found[1] + said, body)
    return body


@pytest.mark.parametrize("path", ["/", "/pages", "/page/loss-surface", "/run/{0}", "/compare?run={0}&run={1}", "/nope"])
def test_a_page_can_be_walked_through(explorer: Served, path: str) -> None:
    """One main landmark, a skip link to it, a banner, a navigation with a name, one h1, no level left out, a title."""
    body = whole(explorer, path.format(*(explorer.key(name) for name in ("one", "two"))))
    assert body.count("<main") == body.count('<main id="main" tabindex="-1">') == 1
    assert '<a class="skip" href="#main">' in body
    assert body.count("<header") == body.count('<nav aria-label="Explorer">') == body.count("<footer") == 1
    levels = headings(body)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    title = re.search("<title>(.*)</title>", body)
    assert title is not None
    assert len(title[1]) > len(" · pellucid")
    ids = re.findall(r' id="([^"]+)"', body)
    assert len(ids) == len(set(ids))


def test_the_list_says_what_matters(explorer: Served) -> None:
    """Name, status, verdict, last loss, steps, duration, newest first, with a box to choose each."""
    body = explorer.get("/").body
    assert keys_in(body) == [explorer.key("two"), explorer.key("one")]
    row = re.sub(
        r"\s+", " ", re.sub("<[^>]+>", " ", body[body.index("<tbody>") : body.index("</tr>", body.index("<tbody>"))])
    )
    assert re.fullmatch(r" two finished ✖ alarm Dying ReLU at h1, step 3 0\.2 5 0\.\d s ", row)
    assert f'<input type="checkbox" name="run" value="{explorer.key("one")}"' in body
    assert '<form action="/compare" method="get"' in body


def test_runs_are_compared_without_script(explorer: Served) -> None:
    """The form of the list leads to a page that names each run with its verdict; a run that is gone is counted."""
    body = explorer.get(f"/compare?run={explorer.key('one')}&run={explorer.key('two')}&run=gone-1").body
    assert "<h1>2 runs compared</h1>" in body
    assert body.count("Dying ReLU at h1, step 3") == 2
    assert "1 of the chosen runs is not here any more." in body
    assert f'data-pellucid-view="overlaid" data-runs="{explorer.key("one")},{explorer.key("two")}"' in body
    assert "Choose two or more runs in" in explorer.get("/compare").body


def test_verdicts_stand_beside_each_other(explorer: Served) -> None:
    """One row a rule that spoke, one column a run."""
    body = whole(explorer, f"/compare?run={explorer.key('one')}&run={explorer.key('two')}")
    table = body[body.index('<table class="verdicts">') :]
    assert table.count('<th scope="row">') == 2
    assert table.count("<code>h1</code>") == 2
    assert "ACT003" not in table


def test_the_verdict_comes_first_and_leads_to_its_picture(watched: Path) -> None:
    """The link of a finding is the id of a picture on the same page, and all four windows are there."""
    with served(watched) as explorer:
        key = explorer.key("dead")
        body = whole(explorer, f"/run/{key}")
        assert body.index("Dying ReLU") < body.index("data-pellucid-view")
        link = re.search(r'<a id="see-1" href="#([^"]+)">See: ([^<]+)</a>', body)
        assert link is not None
        assert link[2] == "Activations: histograms over time"
        assert f'<figure id="{link[1]}"' in body
        assert re.findall(r'<h2 id="window-\d">([^<]+)</h2>', body) == ["Loss", "Activations", "Gradients", "Weights"]
        views = re.findall(r'data-pellucid-view="([^"]+)"', body)
        assert views[:2] == ["curves", "loss.training"]
        with explorer.socket() as socket:
            for number, view in enumerate(views, 1):
                answer = ask(socket, id=number, ask="view", view=view, run=key)
                assert answer[0] == number, answer
                assert answer[1].view == view
                text = explorer.get(f"/run/{key}/text/{view}")
                assert text.status == 200
                assert answer[1].figure.title in text.body


def test_histograms_are_scrubbed_by_step(watched: Path) -> None:
    """The steps that were watched are the stops of a control, and the picture follows it."""
    with served(watched) as explorer, explorer.socket() as socket:
        wish = {"ask": "view", "view": "activations.scrubbed", "run": explorer.key("dead")}
        last = ask(socket, id=1, **wish)[1]
        (step,) = last.controls
        assert (step.name, step.stops, step.value) == ("step", (0, 5, 10, 15), 15)
        first = ask(socket, id=1, **wish, parameters={"step": 5})[1]
        assert first.figure.title.endswith("up to step 5")


def test_a_view_that_there_is_not(explorer: Served) -> None:
    """Each kind in its own words."""
    key = explorer.key("one")
    with explorer.socket() as socket:

        def words(**wish: object) -> str:
            return str(ask(socket, id=1, ask="view", **wish)["error"])

        near = "Closest: 'loss-surface', 'loss-landscape'."
        assert words(view="loss-surfaces") == f"There is no page 'loss-surfaces'. {near}"
        assert words(view="los.training", run=key) == "The run 'one' has nothing called 'los'. Closest: 'loss'."
        assert words(view="loss.trainig", run=key) == (
            "loss.LossCurves has no drawing 'trainig'. Closest: 'training'. It has: training."
        )
        assert words(view="curves", runs=[key, explorer.key("two")]) == (
            "Several runs have no picture 'curves'. They have: overlaid, parallel."
        )
        said = ask(socket, id=2, ask="part", part="everything:one")
        assert said["error"] == "There is no run 'one' here."


def test_names_that_no_encoding_has(tmp_path: Path) -> None:
    """A directory may be called by bytes that are no text."""
    odd = tmp_path / "caf\udce9"
    try:
        write_run(odd)
    except OSError:
        pytest.skip("this file system takes only text")
    with served(tmp_path) as explorer:
        body = explorer.get("/").body
        assert "caf\ufffd" in body
        assert explorer.get(f"/run/{keys_in(body)[0]}").status == 200


def test_a_page_says_where_it_does_not_show_all(watched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run with more watched steps than pictures have room for."""
    words = (
        "Pictures of activations and gradients and weights show 3 watched steps, evenly spread where there are more."
    )
    with served(watched) as explorer:
        assert "evenly spread" not in whole(explorer, f"/run/{explorer.key('dead')}")
    monkeypatch.setattr("pellucid.outlets.explorer.live.MOST_STEPS", 3)
    with served(watched) as explorer:
        assert words in whole(explorer, f"/run/{explorer.key('dead')}")


def test_a_long_description_is_cut_with_a_sign(tmp_path: Path) -> None:
    """So that nobody takes it for the whole."""
    write_run(tmp_path / "one", about="a" * 300, model="b" * 200)
    with served(tmp_path) as explorer:
        body = whole(explorer, f"/run/{explorer.key('one')}")
    assert f"{'a' * 199}…" in body
    assert "a" * 200 not in body
    assert "b" * 200 in body
