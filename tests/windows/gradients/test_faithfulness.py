"""Faithfulness against slow twins and captum, and its pictures."""

import copy
import math
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.methods.attribution import Attribution, Question
from pellucid.methods.faithfulness import Places, boxes, order_of
from pellucid.methods.faithfulness.perturbed import shivering
from tests.reference import faithfulness as reference
from tests.windows.gradients.tried import CURVES, NOTHING, Given, cnn, everything, images

# ------------------------------------------------------------------------------------------------- against the twins


@pytest.mark.parametrize("method", ["gradient", "inputxgradient"])
@pytest.mark.parametrize("baseline", [None, 0.3, "mean"])
def test_curves_are_those_of_taking_places_away_one_by_one(method: str, baseline: Any) -> None:
    """Of the probability; sizes are ranked without their sign, shares with it."""
    net, x, target = cnn(), images(), [0, 2, 1]
    result = pel.gradients.faithfulness(net, x, target, method=method, baseline=baseline, options=CURVES)
    maps = torch.as_tensor(pel.gradients.saliency(net, x, target, method=method).map)
    ranked = (maps.abs() if method == "gradient" else maps).sum(1).flatten(1)
    empty = x.mean((2, 3), keepdim=True).expand_as(x) if baseline == "mean" else torch.full_like(x, baseline or 0.0)
    counts = [0, 10, 21, 32, 42]
    assert result.measured == "probability"
    assert result.shares.tolist() == [one / 42 for one in counts]
    for row, column in enumerate(target):

        def score(one: Tensor, column: int = column) -> Tensor:
            return net(one[None]).softmax(1)[0, column]

        order = ranked[row].argsort(descending=True).tolist()
        gone = reference.removal(score, x[row], empty[row], order, counts)
        back = reference.insertion(score, x[row], empty[row], order, counts)
        np.testing.assert_allclose(result.deletion[0, row], gone, rtol=1e-9)
        np.testing.assert_allclose(result.insertion[0, row], back, rtol=1e-9)
        assert result.deletion_areas[0, row] == pytest.approx(reference.area(result.shares.tolist(), gone))
        assert result.insertion_areas[0, row] == pytest.approx(reference.area(result.shares.tolist(), back))


def test_of_a_linear_score_the_curves_are_known() -> None:
    """Taken away in the order of its share, the score falls by the largest first."""
    net = nn.Linear(4, 1, bias=False).double()
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[1.0, 4.0, 3.0, 2.0]]))
    options = replace(CURVES, steps=4)
    result = pel.gradients.faithfulness(net, torch.ones(1, 4).double(), method="inputxgradient", options=options)
    assert result.measured == "score"
    assert result.deletion[0, 0].tolist() == [10, 6, 3, 1, 0]
    assert result.insertion[0, 0].tolist() == [0, 4, 7, 9, 10]
    assert result.way == 10


def test_infidelity_is_that_of_the_definition() -> None:
    """Of a gradient and of shares, for every example; a class activation map has no unit."""
    net, x, target = cnn(), images(), [0, 2, 1]
    methods = ("gradient", "inputxgradient", "gradcam")
    options = replace(NOTHING, perturbations=7)
    result = pel.gradients.faithfulness(net, x, target, method=methods, baseline=0.2, options=options)
    gone = boxes(Places(Question(net, x, target)), 7, 0).reshape(7, 1, 7, 6)
    maps = torch.as_tensor(pel.gradients.saliency(net, x, target).map)
    for row, column in enumerate(target):
        changes = [(x[row] - 0.2) * torch.as_tensor(one) for one in gone]

        def score(one: Tensor, column: int = column) -> Tensor:
            return net(one[None])[0, column]

        slow = reference.infidelity(score, x[row], maps[row], changes)
        assert result.infidelity[0, row] == pytest.approx(slow, rel=1e-9)
        shares = maps[row] * x[row] / (x[row] - 0.2)
        assert result.infidelity[1, row] == pytest.approx(
            reference.infidelity(score, x[row], shares, changes), rel=1e-9
        )
    assert np.isnan(result.infidelity[2]).all()
    assert ((result.unforetold >= 0) & (result.unforetold <= 1)).all()


def test_a_map_that_foretells_everything_is_faithful_at_any_scale() -> None:
    """Of a linear model nothing is missed, and of twice its map only the scale."""
    torch.manual_seed(0)
    net = nn.Linear(6, 2).double()
    x = torch.randn(4, 6, dtype=torch.float64)
    right = (net.weight[0].detach() * x).abs()

    class Twice(pel.gradients.InputXGradient):
        name: ClassVar[str] = ""

        def attribute(self, question: Question) -> Attribution:
            found = super().attribute(question)
            return replace(found, maps=tuple(2 * one for one in found.maps))

    options = replace(NOTHING, perturbations=9)
    result = pel.gradients.faithfulness(net, x, 0, method=("gradient", "inputxgradient", Twice()), options=options)
    assert right.sum() > 0
    np.testing.assert_allclose(result.infidelity[:2], 0, atol=1e-25)
    assert (result.infidelity[2] > 1e-3).all()
    np.testing.assert_allclose(result.unforetold, 0, atol=1e-12)
    assert result.methods == ("gradient", "inputxgradient", "Twice")


def test_sensitivity_is_that_of_the_definition() -> None:
    """With the noise of the same draws, relative to the range of each example."""
    net, x, target = cnn(), images(), [0, 2, 1]
    result = pel.gradients.faithfulness(net, x, target, options=replace(NOTHING, samples=3, radius=0.1))
    question = Question(net, x, target)
    noises = [shivering(question, 0.1, draw, 0) - x for draw in range(3)]
    for row, column in enumerate(target):

        def explain(one: Tensor, column: int = column) -> Tensor:
            leaf = one.clone().requires_grad_()
            return torch.autograd.grad(net(leaf[None])[0, column], leaf)[0]

        slow = reference.sensitivity(explain, x[row], [one[row] for one in noises])
        assert result.sensitivity[0, row] == pytest.approx(slow, rel=1e-9)
        reach = 0.1 * float(x[row].max() - x[row].min())
        assert all(float(one[row].abs().max()) <= reach for one in noises)


def test_likeness_is_the_correlation_with_a_random_model() -> None:
    """Layer after layer from the output back, with weights of a seed, plain and beyond the size of the input."""
    net, x, target = cnn(), images(), [0, 2, 1]
    result = pel.gradients.faithfulness(net, x, target, options=replace(NOTHING, randomisations=1, seed=3))
    assert result.stages == ("6", "2", "0")
    first = pel.gradients.saliency(net, x, target).map
    other = copy.deepcopy(net)
    for stage, name in enumerate(result.stages):
        torch.manual_seed(3000 * 1000 + stage)
        other.get_submodule(name).reset_parameters()
        then = pel.gradients.saliency(other, x, target).map
        for row in range(3):
            a, b, c = (np.abs(one[row]).sum(0).ravel() for one in (first, then, x.numpy()))
            assert result.alike[0, 0, stage, row] == pytest.approx(reference.spearman(a.tolist(), b.tolist()))
            slow = reference.beyond(a.tolist(), b.tolist(), c.tolist())
            assert result.beyond[0, 0, stage, row] == pytest.approx(slow)


def test_the_pointing_game_is_fair_to_ties() -> None:
    """A hit, a miss, two of which one hits, a constant map, no mask, and NaN."""
    maps = torch.zeros(6, 1, 2, 3)
    maps[0, 0, 0, 0] = maps[1, 0, 1, 1] = maps[2, 0, 0, 0] = maps[2, 0, 1, 1] = maps[4, 0, 0, 0] = 1.0
    maps[3], maps[5, 0, 0, 0] = 2.0, math.nan
    masks = torch.zeros(6, 2, 3, dtype=torch.bool)
    masks[:, 0] = True
    masks[4] = False
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    result = pel.gradients.faithfulness(net, torch.randn(6, 1, 2, 3), method=Given(maps), masks=masks, options=NOTHING)
    np.testing.assert_array_equal(result.pointing[0], [1, 0, 0.5, 0, np.nan, np.nan])
    np.testing.assert_array_equal(result.mass[0], [1, 0, 0.5, 0.5, np.nan, np.nan])
    assert result.area.tolist() == [0.5] * 4 + [0, 0.5]
    assert result.constant[0].tolist() == [False, False, False, True, False, False]
    for row in range(4):
        slow = reference.pointed(maps[row].flatten().tolist(), masks[row].flatten().tolist())
        assert result.pointing[0, row] == slow


def test_ties_are_drawn_by_lot() -> None:
    """What is equal keeps no order of its own, the same lots for every example; NaN goes last."""
    turns = order_of(np.array([[0.0] * 50, [0.0] * 49 + [1.0], [math.nan] + [0.0] * 49]), seed=0)
    assert sorted(turns[0]) == list(range(50))
    assert abs(np.corrcoef(turns[0], np.arange(50))[0, 1]) < 0.4
    assert turns[1, 49] == 0
    assert turns[2, 0] == 49
    assert not (order_of(np.zeros((1, 50)), seed=1) == turns[:1]).all()


# ------------------------------------------------------------------------------------------------------------ captum


def test_infidelity_is_that_of_captum() -> None:
    """With the same boxes; and the share that is missed is its normalised value over the mean square of the losses."""
    metrics = pytest.importorskip("captum.metrics", exc_type=ImportError)
    net, x, target = cnn(), images(), [0, 2, 1]
    gone = torch.as_tensor(boxes(Places(Question(net, x, target)), 8, 0)).reshape(8, 1, 7, 6).double()
    result = pel.gradients.faithfulness(net, x, target, options=replace(NOTHING, perturbations=8))
    maps = torch.as_tensor(pel.gradients.saliency(net, x, target).map)

    def perturbed(repeated: Tensor) -> tuple[Tensor, Tensor]:
        change = repeated * gone.repeat(3, 1, 1, 1)
        return change, repeated - change

    theirs = metrics.infidelity(net, perturbed, x, maps, target=target, n_perturb_samples=8)
    np.testing.assert_allclose(result.infidelity[0], theirs.detach().numpy(), rtol=1e-6)
    scaled = metrics.infidelity(net, perturbed, x, maps, target=target, n_perturb_samples=8, normalize=True)
    with torch.no_grad():
        lost = torch.stack([net(x)[range(3), target] - net(x * (1 - one))[range(3), target] for one in gone])
    share = (scaled / lost.square().mean(0)).numpy()
    positive = np.isclose(result.unforetold[0], share, rtol=1e-6)
    assert positive.all() or (result.unforetold[0][~positive] == 1).all()  # captum lets the scale be negative


@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")
def test_sensitivity_is_that_of_captum() -> None:
    """With the same noise."""
    metrics, attr = (pytest.importorskip(f"captum.{one}", exc_type=ImportError) for one in ("metrics", "attr"))
    net, x, target = cnn(), images(), [0, 2, 1]
    question = Question(net, x, target)
    noise = torch.stack([shivering(question, 0.02, draw, 0) - x for draw in range(4)], dim=1).flatten(0, 1)
    result = pel.gradients.faithfulness(net, x, target, options=replace(NOTHING, samples=4))
    explain = attr.InputXGradient(net).attribute
    both = pel.gradients.faithfulness(net, x, target, method="inputxgradient", options=replace(NOTHING, samples=4))
    theirs = metrics.sensitivity_max(explain, x, lambda one: one + noise, n_perturb_samples=4, target=target)
    np.testing.assert_allclose(both.sensitivity[0], theirs.detach().numpy(), rtol=1e-6)
    assert (result.sensitivity[0] != both.sensitivity[0]).all()


# ---------------------------------------------------------------------------------------------------------- pictures


def test_the_picture_has_curves_randomisation_and_tables() -> None:
    """One line a method and one by lot; every number of the tables is a mean with its interval."""
    figure = everything().figure()
    assert [one.title for one in figure.panels] == [
        "Deletion",
        "Insertion",
        "Randomisation",
        "Against chance",
        "Against other weights, boxes and noise",
    ]
    deletion, _, randomised, chance, alone = figure.panels
    assert [mark.label for mark in deletion.marks] == ["gradient", "integratedgradients", "gradcam", "by lot"]
    assert deletion.y.label == "probability of the class"
    assert randomised.x.categories == ("none", "6", "2", "0")
    assert [mark.y[0] for mark in randomised.marks] == [1, 1, 1]
    assert chance.marks[0].columns == ("method", "area of deletion", "of insertion", "points at mask", "mass in it")
    assert [row[0] for row in chance.marks[0].rows] == [*everything().methods, "by lot"]
    assert alone.marks[0].rows[2][3].count("±") == 1


def test_what_was_left_out_is_not_drawn() -> None:
    """Only the curves, or nothing at all but what was asked."""
    curves = pel.gradients.faithfulness(cnn(), images(), options=CURVES).figure()
    assert [one.title for one in curves.panels] == ["Deletion", "Insertion", "Against chance"]
    nothing = pel.gradients.faithfulness(cnn(), images(), options=NOTHING)
    assert nothing.figure().panels == ()
    assert str(nothing.figure())
