"""Sick and healthy networks for the rules on weights."""

import pytest
import torch
from torch import nn

from pellucid.core.learning import Learning
from pellucid.windows.weights import histograms
from tests.ward.watching import findings, levels, mlp, train


def _filled(value: float) -> nn.Module:
    model = mlp(16, 16)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
    return model


@pytest.mark.parametrize("value", [0.1, 0.0])
def test_constant_weights_are_found(value: float) -> None:
    """A hidden layer that was filled with one value, also 0, stays symmetric and raises an alarm."""
    found = findings(train(_filled(value), steps=5).weights, "WGT001")
    assert found[0].level == "alarm"
    assert (found[0].where, found[0].step, found[0].value) == ("0.weight", 0, 1.0)


def test_random_weights_are_not_accused() -> None:
    """A healthy network has no twins, in a run and as it is."""
    model = mlp(64, 64)
    assert levels(train(model, steps=5).weights, "WGT001") == {"ok"}
    assert levels(histograms(model), "WGT001") == {"ok"}
    assert levels(histograms(model), "WGT002") == {"ok"}


def test_a_head_that_began_at_zero_is_not_accused() -> None:
    """All rows are twins before the first step and differ after it."""
    model = mlp(32, 32)
    nn.init.zeros_(model[4].weight)
    assert levels(histograms(model), "WGT001") == {"look"}
    assert levels(train(model, steps=5).weights, "WGT001") == {"ok"}


def test_an_adapter_that_stays_zero_in_a_model_that_learns_is_only_looked_at() -> None:
    """A matrix of zeros that nobody trains is no symmetry of a model that learns well."""
    result = train(_filled(0.0), steps=5).weights
    learned = Learning(accuracy=0.95, chance=0.25)
    assert {one.level.value for one in findings(result, "WGT001", learning=learned)} == {"look"}


def test_rows_of_zeros_are_only_looked_at() -> None:
    """Pruned rows, and words that no batch held, are twins without being symmetric units."""
    model = nn.Sequential(nn.Linear(12, 40), nn.ReLU(), nn.Linear(40, 4))
    with torch.no_grad():
        model[0].weight[:30] = 0
    (found,) = findings(histograms(model), "WGT001")
    assert found.level == "look"
    assert found.message == "75 % of 40 rows point the same way as another row, most of them because they are zero"


@pytest.mark.parametrize(
    "layer",
    [nn.Linear(1, 64), nn.Linear(2, 600), nn.Conv2d(16, 16, 3, groups=16), nn.LayerNorm(16)],
    ids=["one column", "two columns", "depthwise", "norm"],
)
def test_rows_that_cannot_but_agree_are_left_out(layer: nn.Module) -> None:
    """Rows of one or two values, depthwise kernels and vectors are not compared."""
    with torch.no_grad():
        layer.weight.fill_(1.0)
    assert levels(histograms(layer), "WGT001") == {"not-measured"}


def test_two_watched_steps_are_too_few() -> None:
    """A verdict on a run takes three watched steps."""
    (found,) = findings(train(_filled(0.1), steps=2).weights, "WGT001")
    assert (found.level, found.message) == ("not-measured", "2 sound watched steps, and 3 are needed")


def test_weights_that_are_not_finite() -> None:
    """The first parameter and step are named, and nothing is said of twins that NaN made."""
    model = mlp(16, 16)

    def spoil(step: int) -> None:
        if step == 3:
            with torch.no_grad():
                model[2].weight.fill_(float("nan"))

    result = train(model, steps=8, before=spoil).weights
    (found,) = findings(result, "WGT002")
    assert (found.level, found.where, found.step, found.value) == ("alarm", "2.weight", 3, 256.0)
    assert levels(result, "WGT001") == {"ok"}
