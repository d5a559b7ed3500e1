"""Tests of several runs side by side: order, noise, settings, and runs on disk."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.core.figure import Parallel
from tests.kinds import Net, batch


def falling(to: float, *, noise: float = 0.01, seed: int = 0, steps: int = 200) -> dict[str, Any]:
    """Return the losses of a training that ends somewhere."""
    generator = np.random.default_rng(seed)
    course = to + (2.3 - to) * np.exp(-np.arange(steps) / 20)
    return {"loss": course + noise * generator.normal(size=steps)}


def test_ends_are_medians_with_the_noise_of_neighbours() -> None:
    """Their standard error is that of a median of normal noise, a trend left out."""
    found = pel.loss.compare({"a": falling(0.5), "b": falling(0.4, seed=1)})
    value, error = found.end("a", "loss")
    assert value == pytest.approx(0.5, abs=0.01)
    assert error == pytest.approx(1.2533 * 0.01 / 40**0.5, rel=0.3)
    assert found.order == ("b", "a")
    assert found.measure == "loss"
    assert found.best("a", "loss")[0] < 0.5


def test_a_clear_best_is_told_from_noise() -> None:
    """A tenth apart is more than the noise, a thousandth is not, and other lengths are to be looked at."""
    for to, steps, message in (
        (0.4, 200, "b ends with the lowest training loss, 0."),
        (0.501, 200, "no clear best: "),
        (0.4, 100, "b ends with the lowest training loss, 0."),
    ):
        runs = {"a": falling(0.5), "b": falling(to, seed=1, steps=steps)}
        (finding,) = [one for one in pel.loss.compare(runs).findings.every if one.code == "LOS031"]
        assert finding.message.startswith(message)
        assert finding.level.name == ("LOOK" if steps == 100 else "OK")
    assert "runs end at steps 99 to 199" in finding.message


def test_held_out_comes_before_training() -> None:
    """The most telling scalar that all runs have; of accuracies the highest is best; without any nothing is said."""
    a = falling(0.5) | {"val_accuracy": ([0, 100, 199], [0.1, 0.8, 0.9])}
    b = falling(0.4) | {"val_accuracy": ([0, 100, 199], [0.1, 0.7, 0.8])}
    found = pel.loss.compare({"b": b, "a": a})
    assert found.measure == "val_accuracy"
    assert found.order == ("a", "b")
    nothing = pel.loss.compare({"a": {"x": [1.0]}, "b": {"y": [1.0]}})
    assert nothing.findings.every[0].message == "there is no loss or accuracy that all runs have"
    assert nothing.order == ("a", "b")


def test_runs_on_disk_bring_settings_and_verdicts(tmp_path: Path) -> None:
    """What differs between them is drawn beside where they ended; the check batch stands for a held-out loss."""
    for rate in (1e-2, 1e-3, 0.0):
        torch.manual_seed(0)
        model, (x, y) = Net(), batch(128)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        options = pel.WatchOptions(on_finding=None)
        with pel.watch(
            model, optimizer, run=tmp_path / f"lr {rate}", every=5, check=(x, y), check_every=5, options=options
        ) as watch:
            for _ in range(20):
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                watch.step(loss=loss)
    found = pel.loss.compare(pel.Run.list(tmp_path))
    assert set(found.runs) == {"lr 0.01", "lr 0.001", "lr 0.0"}
    assert found.settings["lr 0.01"]["lr"] == 0.01
    assert found.measure == "val_loss"
    assert found.order[0] == "lr 0.01"
    assert found.differing == ("lr",)
    figure = found.figure()
    assert any(isinstance(mark, Parallel) for panel in figure.panels for mark in panel.marks)
    assert type(found).load(found.save(tmp_path / "both.safetensors")) == found


def test_many_runs_have_five_colours() -> None:
    """The others are grey, and the caption says so."""
    found = pel.loss.compare({f"run {n}": falling(0.3 + n / 10, seed=n) for n in range(8)})
    figure = found.figure()
    tones = [mark.tone for mark in figure.panels[0].marks]
    assert tones.count("faint") == 3
    assert "The best 5 runs have colours, 3 more are grey." in figure.caveat


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ({"a": falling(0.5)}, r"^compare\(\) got 1 run; expected two or more"),
        ([], r"^compare\(\) got 0 runs; expected two or more"),
        ("runs", r"^compare\(\) got a str; expected runs, such as"),
        ({"a": falling(0.5), "b": {}}, r"^curves\(\) got no curve"),
        ({"a": falling(0.5), "b": 3}, r"^curves\(\) got a int"),
    ],
)
def test_what_cannot_be_compared_is_refused(runs: Any, message: str) -> None:
    """The message says what came and what is expected."""
    with pytest.raises(InputError, match=message):
        pel.loss.compare(runs)


def test_settings_can_be_given_and_must_name_runs() -> None:
    """Numbers that are finite count; a name of no run is refused."""
    runs = {"a": falling(0.5), "b": falling(0.4)}
    found = pel.loss.compare(runs, settings={"a": {"lr": 0.1}, "b": {"lr": float("inf")}})
    assert found.settings == {"a": {"lr": 0.1}, "b": {}}
    with pytest.raises(InputError, match=r"^settings= names 'c', which is none of the runs: a, b\.$"):
        pel.loss.compare(runs, settings={"c": {}})
