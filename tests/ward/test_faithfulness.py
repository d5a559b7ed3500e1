"""Sick and healthy maps for the rules on faithfulness."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.gallery import recipes, training
from pellucid.methods.attribution import Attribution, Method, Question
from pellucid.windows.gradients import Faithfulness, FaithfulnessOptions
from tests.ward.watching import findings, levels

QUICK = FaithfulnessOptions(steps=12, samples=3, randomisations=1)
HEALTHY = ("gradient", "inputxgradient", "smoothgrad", "integratedgradients", "deeplift", "lrp", "occlusion")
SPATIAL = ("guidedbackprop", "deconvolution", "gradcam", "guidedgradcam")


@dataclass(frozen=True)
class Edges(Method):
    """The edges of the picture, whatever the model is."""

    name: ClassVar[str] = "edges"
    signed: ClassVar[bool] = False

    def attribute(self, question: Question) -> Attribution:
        """Convolve with a Laplacian."""
        kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
        return Attribution(maps=(F.conv2d(question.values[0], kernel, padding=1).abs(),), scores=question.own_scores())


@dataclass(frozen=True)
class Lots(Method):
    """Shares that are drawn by lot."""

    name: ClassVar[str] = "lots"
    contributes: ClassVar[bool] = True

    def attribute(self, question: Question) -> Attribution:
        """Draw."""
        drawn = torch.rand(question.values[0].shape, generator=torch.Generator().manual_seed(1))
        return Attribution(maps=(drawn,), scores=question.own_scores())


@cache
def digits_of(architecture: str) -> tuple[nn.Module, Tensor, Tensor]:
    """A network that has learned the digits, and 24 of them."""
    recipe = recipes.healthy(architecture)
    trainee = recipes.build(replace(recipe, side=16) if architecture == "cnn" else recipe)
    training.train(trainee, evaluate_every=recipe.steps)
    return trainee.model, trainee.split.validation_x[:24], trainee.split.validation_y[:24]


def tried(architecture: str, method: Any, options: FaithfulnessOptions = QUICK) -> Faithfulness:
    """Test methods on black for nothing."""
    model, x, y = digits_of(architecture)
    return pel.gradients.faithfulness(model, x, y, method=method, baseline=float(x.min()), options=options)


@pytest.mark.parametrize(
    ("architecture", "methods"),
    [
        ("mlp", HEALTHY),
        ("cnn", ("gradient", "integratedgradients", "gradcam", "guidedbackprop")),
        pytest.param("cnn", (*HEALTHY, *SPATIAL), marks=pytest.mark.slow),
    ],
)
def test_maps_of_trained_networks_are_not_accused(architecture: str, methods: tuple[str, ...]) -> None:
    """All methods, on digits: no warning; what shares the score out is far better than lots."""
    result = tried(architecture, methods)
    assert result.findings.problems == ()
    assert levels(result, "GRD012") == {"ok"}
    assert levels(result, "GRD014") == {"ok"}
    deleted, inserted = result.gains
    for number, name in enumerate(result.methods):
        if result.shares_out[number]:
            assert float((deleted + inserted)[number].mean()) / 2 > 0.2, name


@pytest.mark.slow
def test_a_transformer_is_not_accused() -> None:
    """Though the plain gradient of one may be no better than lots, which is a look at the most."""
    result = tried("transformer", ("gradient", "integratedgradients", "occlusion", "gradcam"))
    assert result.findings.problems == ()


def test_an_edge_detector_does_not_depend_on_the_model() -> None:
    """Its map stays when every layer is random, and it is the only one that is accused."""
    result = tried("cnn", ("gradient", Edges(), "integratedgradients"))
    (found,) = result.findings.problems
    assert (found.code, found.level, found.where, found.samples) == ("GRD012", "warn", "edges", 24)
    assert found.message == "with every layer random, the map of edges stays as it was: likeness 1.00"
    assert levels(result, "GRD012") == {"ok", "warn"}


def test_shares_that_are_lots_are_no_better_than_lots() -> None:
    """A warning beside a method that shows that the test can tell; alone, a look."""
    options = replace(QUICK, randomisations=0, samples=0)
    beside = tried("cnn", ("integratedgradients", Lots()), options)
    (found,) = beside.findings.problems
    assert (found.code, found.level, found.where) == ("GRD013", "warn", "lots")
    assert levels(beside, "GRD013") == {"ok", "warn"}
    alone = tried("cnn", Lots(), options)
    assert levels(alone, "GRD013") == {"look"}
    assert findings(alone, "GRD013")[0].message.endswith(
        "; no method here does better, so the baseline may be at fault"
    )


def test_a_gradient_that_shatters_is_a_look() -> None:
    """Of a score that goes up and down within the noise, every copy has another map; of a smooth one none."""

    class Waves(nn.Module):
        def __init__(self, frequency: float) -> None:
            super().__init__()
            self.frequency = frequency

        def forward(self, x: Tensor) -> Tensor:
            return torch.sin(self.frequency * x).sum(1)

    x = torch.randn(12, 20, generator=torch.Generator().manual_seed(0))
    options = replace(QUICK, steps=0, perturbations=0, randomisations=0)
    sick = pel.gradients.faithfulness(Waves(300.0), x, options=options)
    assert levels(sick, "GRD014") == {"look"}
    assert levels(pel.gradients.faithfulness(Waves(1.0), x, options=options), "GRD014") == {"ok"}


def dead_mlp(dead: float = -100.0) -> nn.Sequential:
    """A network whose hidden units are all off."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 4))
    nn.init.constant_(model[0].bias, dead)  # pyright: ignore[reportArgumentType]
    return model


def test_maps_of_a_dead_model_leave_nothing_to_test() -> None:
    """The layer is named, of each method, and no other baseline is asked for; of a sound one all gradients arrive."""
    x = torch.rand(12, 20, generator=torch.Generator().manual_seed(0))
    methods = ("gradient", "integratedgradients")
    result = pel.gradients.faithfulness(dead_mlp(), x, 0, method=methods, options=QUICK)
    assert result.silent == (("1",) * 12,) * 2
    said = findings(result, "GRD017")
    assert {(one.level, one.where, one.value) for one in said} == {("warn", "1", 1.0)}
    assert {one.message for one in said} == {
        f"12 of 12 maps of {name} are 0 everywhere; the gradient is lost at 1, and nothing is left to test"
        for name in methods
    }
    assert result.findings.headline.startswith("warn: Tested map is zero at 1: 12 of 12 maps of gradient are 0")
    assert "the gradient is lost at 1" in str(result)
    (curves,) = findings(result, "GRD013")
    assert curves.message == "the score is the same with everything taken away: the gradient is lost, too"
    sound = pel.gradients.faithfulness(dead_mlp(0.0), x, 0, method=methods, options=QUICK)
    assert levels(sound, "GRD017") == {"ok"}


def test_a_few_maps_of_zeros_are_a_look() -> None:
    """One example of twelve lies where every unit is off: what is said of the others stands."""
    x = torch.rand(12, 20, generator=torch.Generator().manual_seed(0))
    model = dead_mlp(0.0)
    with torch.no_grad():
        model[0].weight.abs_()
        x[5] = -x[5]
    (found,) = findings(pel.gradients.faithfulness(model, x, 0, options=QUICK), "GRD017")
    assert (found.level, found.where, found.value, found.evidence["first example"]) == ("look", "1", 1 / 12, 5)
    assert found.message == (
        "1 of 12 maps of gradient is 0 everywhere; the gradient is lost at 1, and nothing is left to test"
    )


def test_a_dead_layer_under_a_class_activation_map_is_named() -> None:
    """The question is asked at the layer that the method chose, or at the one that was named."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))
    with torch.no_grad():
        model[3].weight.zero_()
    options = replace(QUICK, randomisations=0, samples=0)
    for at in (None, "0"):
        result = pel.gradients.faithfulness(model, torch.rand(4, 1, 8, 8), 0, method="gradcam", at=at, options=options)
        assert result.silent == (("3",) * 4,)


@pytest.mark.parametrize(
    ("examples", "places", "why"),
    [
        (8, 12, "12 places, and a correlation of ranks needs 16"),
        (3, 20, "3 examples, and an interval needs 4"),
        (1, 12, "12 places, and a correlation of ranks needs 16; 1 example, and an interval needs 4"),
    ],
)
def test_what_there_is_too_little_of_is_said(examples: int, places: int, why: str) -> None:
    """More examples are not asked for where the places are too few."""
    x = torch.rand(examples, places, generator=torch.Generator().manual_seed(0))
    result = pel.gradients.faithfulness(nn.Linear(places, 3), x, 0, options=replace(QUICK, samples=0))
    (found,) = findings(result, "GRD012")
    assert (found.level, found.message) == ("not-measured", f"too few: {why}")


def test_constant_maps_and_too_few_examples_are_not_judged() -> None:
    """What has no order is said to have none; three examples tell nothing."""
    model, x, y = digits_of("mlp")

    class Flat(Method):
        name: ClassVar[str] = ""

        def attribute(self, question: Question) -> Attribution:
            return Attribution(maps=(torch.ones_like(question.values[0]),), scores=question.own_scores())

    flat = pel.gradients.faithfulness(model, x, y, method=Flat(), options=replace(QUICK, samples=0))
    assert findings(flat, "GRD012")[0].message == "24 of 24 maps of Flat have one value only, and no order"
    assert levels(flat, "GRD012") == {"not-measured"}
    few = pel.gradients.faithfulness(model, x[:3], y[:3], options=QUICK)
    assert levels(few, "GRD012") == levels(few, "GRD013") == {"not-measured"}


def test_a_baseline_that_changes_nothing_is_not_judged() -> None:
    """Where the score is the same with everything gone, there is nothing to gain."""
    model = nn.Sequential(nn.Linear(20, 1, bias=False))
    x = torch.randn(10, 20, generator=torch.Generator().manual_seed(0))
    result = pel.gradients.faithfulness(model, x, baseline=x, options=replace(QUICK, samples=0, randomisations=0))
    (found,) = findings(result, "GRD013")
    assert found.message == "the score is the same with everything taken away: choose another baseline"


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("layer", [1, 3])
def test_a_model_that_is_not_finite_is_not_judged(value: float, layer: int) -> None:
    """None of the tests says ok of it; and of the sound twin nothing is left unjudged for that."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(25, 12), nn.ReLU(), nn.Linear(12, 3))
    x = torch.rand(12, 1, 5, 5)
    sound = pel.gradients.faithfulness(model, x, 0, method=("gradient", "inputxgradient"), options=QUICK)
    assert sound.finite.all()
    with torch.no_grad():
        model[layer].weight[0] = value
    result = pel.gradients.faithfulness(model, x, 0, method=("gradient", "inputxgradient"), options=QUICK)
    said = [one for code in ("GRD012", "GRD013", "GRD014") for one in findings(result, code)]
    assert {(one.level, one.message) for one in said} == {
        ("not-measured", f"12 of 12 maps of {name}, or the scores that they explain, are NaN or infinite")
        for name in ("gradient", "inputxgradient")
    }
    assert len(said) == 6


def test_one_example_that_is_not_finite_leaves_the_others_judged() -> None:
    """Of it nothing is said."""
    x, model = torch.rand(12, 1, 5, 5), nn.Sequential(nn.Flatten(), nn.Linear(25, 12), nn.ReLU(), nn.Linear(12, 3))
    x[3] = 1e30
    with torch.no_grad():
        model[1].weight.mul_(1e10)
    result = pel.gradients.faithfulness(model, x, 0, options=QUICK)
    assert result.finite[0].tolist() == [row != 3 for row in range(12)]
    assert np.isfinite(result.way)
