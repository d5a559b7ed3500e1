"""Layers over depth, of one model and of several."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.figure import Event, Figure, Lines
from pellucid.core.result import Provenance
from pellucid.methods.depth import depth_of, fair_shares, models_of
from tests.ward.watching import mlp

SEVERAL = Provenance(models=("generator", "judge", "judge.head"))
NAMES = ("generator.0", "judge.0", "generator.2", "judge.2", "judge.4")


def test_the_model_is_what_stands_before_the_name() -> None:
    """Only where several models were watched: the blocks of a single one are no models."""
    assert models_of(NAMES, SEVERAL) == ("generator", "judge", "generator", "judge", "judge")
    assert models_of(("judge", "judge.head", "judge.head.0", "judges.0"), SEVERAL) == (
        "judge",
        "judge.head",
        "judge.head",
        "",
    )
    assert models_of(NAMES, Provenance()) == ("",) * 5


def test_models_stand_one_after_the_other() -> None:
    """With a gap between them, their names where they begin, and layers called as in their own model."""
    depth = depth_of(NAMES, models_of(NAMES, SEVERAL), range(5))
    assert depth.order == (0, 2, 1, 3, 4)
    assert depth.at == (0, 1, 3, 4, 5)
    assert depth.axis.categories == ("0", "2", "", "0", "2", "4")
    assert [(one.at, one.text) for one in depth.names] == [(0.0, "generator"), (2.5, "judge")]
    np.testing.assert_array_equal(depth.spread(np.arange(5.0)), [0, 1, np.nan, 2, 3, 4])


def test_a_single_model_has_no_gap() -> None:
    """Its layers keep their names while they are few, and numbers when they are many."""
    few = depth_of(("a", "b", "c"), ("",) * 3, (0, 2))
    assert (few.order, few.at, few.names, few.axis.categories) == ((0, 2), (0, 1), (), ("a", "c"))
    many = [f"layer{one}" for one in range(30)]
    assert depth_of(many, ("",) * 30, range(30)).axis.categories == ()
    both = depth_of(many * 2, ("a",) * 30 + ("b",) * 30, range(60))
    assert both.axis.categories[28:33] == ("28", "29", "", "0", "1")
    assert depth_of((), (), ()).across.size == 0


@pytest.mark.parametrize(
    ("counts", "accused", "most", "shares"),
    [
        ([3, 4], [0, 0], 16, [3, 4]),
        ([30, 30], [0, 0], 16, [8, 8]),
        ([2, 30], [0, 0], 16, [2, 14]),
        ([30, 30], [12, 0], 16, [12, 4]),
        ([30, 30], [30, 0], 16, [15, 1]),
        ([9, 9, 9], [0, 0, 0], 2, [1, 1, 0]),
    ],
)
def test_places_are_shared_fairly(counts: list[int], accused: list[int], most: int, shares: list[int]) -> None:
    """Each model is seen, those with findings more, and no place is left empty while there are layers."""
    assert fair_shares(counts, accused, most) == shares


@pytest.fixture(scope="module")
def results() -> dict[str, pel.Result]:
    """Two models that were watched together."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6))
    judge = mlp(8, 8, 8, 8, features=6, classes=2)
    optimizers = [torch.optim.SGD(one.parameters(), lr=0.1) for one in (generator, judge)]
    with pel.watch({"generator": generator, "judge": judge}, optimizers) as watch:
        for _ in range(3):
            loss = F.cross_entropy(judge(generator(torch.randn(16, 4))), torch.ones(16, dtype=torch.long))
            for one in optimizers:
                one.zero_grad()
            loss.backward()
            for one in optimizers:
                one.step()
            watch.step(loss=loss)
    return dict(watch.results)


def _lines(figure: Figure, label: str) -> list[Lines]:
    return [
        mark
        for panel in figure.panels
        for mark in panel.marks
        if isinstance(mark, Lines) and mark.label.startswith(label)
    ]


@pytest.mark.parametrize(("result", "label"), [("gradients", "median"), ("activations", "root mean square")])
def test_a_profile_keeps_watched_models_apart(results: dict[str, pel.Result], result: str, label: str) -> None:
    """The line is broken between the models of a watch, and the name of each stands where its layers begin."""
    figure = results[result].figure("depth_profile")
    assert any(np.isnan(line.y[1:-1]).any() for line in _lines(figure, label))
    names = [mark.text for mark in figure.panels[0].marks if isinstance(mark, Event)]
    assert names == ["generator", "judge"]


def test_each_watched_model_is_drawn(results: dict[str, pel.Result]) -> None:
    """Of seven matrices five are drawn, of both models."""
    names = [line.label for line in _lines(results["gradients"].figure("update_ratio"), "")]
    assert sum(name.startswith("generator.") for name in names) == 2
    assert sum(name.startswith("judge.") for name in names) == 3
