"""Relevance rules: each against a twin of dense matrices, for every kind of layer."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from torch import nn

from pellucid.methods.attribution import LRP, AlphaBeta, Box, Epsilon, Flat, Gamma, WSquare
from tests.methods.attribution.small import draw, missed
from tests.reference import attribution as reference
from tests.reference import attribution_rules as twins

ASK = reference.ask
error = partial(missed, check="conservation")


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "dense": (lambda: nn.Linear(6, 4), (6,)),
    "dense without bias": (lambda: nn.Linear(6, 4, bias=False), (6,)),
    "dense on positions": (lambda: nn.Linear(3, 4), (2, 3)),
    "conv 1d": (lambda: nn.Conv1d(2, 3, 3, stride=2, padding=1), (2, 7)),
    "conv 2d": (lambda: nn.Conv2d(2, 4, 3, padding=1, groups=2), (2, 4, 4)),
    "conv 2d same": (lambda: nn.Conv2d(1, 2, 3, padding="same", dilation=2), (1, 5, 5)),
    "conv 3d": (lambda: nn.Conv3d(1, 2, 2, bias=False), (1, 3, 3, 3)),
    "transposed 1d": (lambda: nn.ConvTranspose1d(2, 3, 3, stride=2), (2, 4)),
    "transposed 2d": (lambda: nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2, output_padding=1), (4, 2, 2)),
    "transposed 3d": (lambda: nn.ConvTranspose3d(1, 2, 2), (1, 2, 2, 2)),
}
RULES = {
    "epsilon": (Epsilon(0.1), twins.by_epsilon(0.1)),
    "epsilon 0": (Epsilon(0.0), twins.by_epsilon(0.0)),
    "gamma": (Gamma(0.25), twins.by_gamma(0.25)),
    "gamma 3": (Gamma(3.0), twins.by_gamma(3.0)),
    "alpha 1 beta 0": (AlphaBeta(), twins.by_alpha_beta(1, 0)),
    "alpha 2 beta 1": (AlphaBeta(2, 1), twins.by_alpha_beta(2, 1)),
}
FIRST = {
    "w squared": (WSquare(), twins.by_weight(2)),
    "flat": (Flat(), twins.by_weight(0)),
    "box": (Box(-4.0, 5.0), twins.by_box(-4, 5)),
}


@pytest.mark.parametrize("signs", ["both", "positive"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_rule_is_the_twin(layer: str, rule: str, signs: str) -> None:
    """Of every kind of layer with weights, for values and outputs of both signs, with and without bias."""
    make, shape = LAYERS[layer]
    net, (ours, twin) = make().double(), RULES[rule]
    x = draw(2, *shape) if signs == "both" else draw(2, *shape).clamp(min=0)
    out = draw(*net(x).shape[1:])
    found, _ = ASK(net, x, lambda made: (made * out).flatten(1).sum(1), LRP(conv=ours, dense=ours))
    dense = twins.dense_of(net, shape)
    for row in range(2):
        slow = twins.slow_relevance([dense], x[row].flatten().tolist(), out.flatten().tolist(), [twin])
        assert found.maps[0][row].flatten().tolist() == pytest.approx(slow, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("rule", FIRST)
@pytest.mark.parametrize("layer", ["dense", "conv 2d", "transposed 1d"])
def test_a_first_rule_is_the_twin(layer: str, rule: str) -> None:
    """Also where the input is 0, which other rules give nothing; all of the relevance arrives."""
    make, shape = LAYERS[layer]
    net, (ours, twin) = make().double(), FIRST[rule]
    x = draw(2, *shape).clamp(-3, 3)
    x[:, 0] = 0
    out = draw(*net(x).shape[1:])
    found, _ = ASK(net, x, lambda made: (made * out).flatten(1).sum(1), LRP(first=ours))
    dense = twins.dense_of(net, shape)
    for row in range(2):
        slow = twins.slow_relevance([dense], x[row].flatten().tolist(), out.flatten().tolist(), [twin])
        assert found.maps[0][row].flatten().tolist() == pytest.approx(slow, rel=1e-5, abs=1e-7)
    assert float(found.maps[0][:, 0].abs().max()) > 0
    assert error(found) < 1e-5


MERGED = {
    "dense": (lambda: (nn.Linear(6, 4), nn.BatchNorm1d(4)), (6,)),
    "conv": (lambda: (nn.Conv2d(2, 4, 3, groups=2), nn.BatchNorm2d(4)), (2, 5, 5)),
    "transposed": (
        lambda: (nn.ConvTranspose2d(4, 6, 2, groups=2, bias=False), nn.BatchNorm2d(6, affine=False)),
        (4, 3, 3),
    ),
}


@pytest.mark.parametrize("rule", ["epsilon", "gamma", "alpha 2 beta 1"])
@pytest.mark.parametrize("layer", MERGED)
def test_batch_norm_is_merged_into_the_layer_in_front(layer: str, rule: str) -> None:
    """The two are one affine layer, and follow its rule."""
    make, shape = MERGED[layer]
    front, norm = make()
    for one in (norm.running_mean, norm.weight, norm.bias):
        if one is not None:
            one.data.uniform_(-1, 1)
    net, (ours, twin) = nn.Sequential(front, norm).double().eval(), RULES[rule]
    x = draw(1, *shape)
    out = draw(*net(x).shape[1:])
    found, _ = ASK(net, x, lambda made: (made * out).flatten(1).sum(1), LRP(conv=ours, dense=ours))
    steps: list[Any] = [twins.dense_of(net, shape)]
    slow = twins.slow_relevance(steps, x[0].flatten().tolist(), out.flatten().tolist(), [twin])
    assert found.maps[0].flatten().tolist() == pytest.approx(slow, rel=1e-5, abs=1e-7)
