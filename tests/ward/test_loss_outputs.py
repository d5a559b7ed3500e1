"""Sick and healthy trainings for the rules on what goes in, what comes out, and how it starts."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.finding import Level
from pellucid.windows.loss import sanity
from tests.ward.losses import sums, train
from tests.ward.watching import FAULTS, blobs, mlp


class _Average(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(0, keepdim=True).expand_as(x) + 0.001 * x


def test_a_collapse_is_found_with_its_layer() -> None:
    """The layer that averages over the batch, not the ones before it; being stuck follows from it."""
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), _Average(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
    sick = train(model)
    assert "2" in {one.where for one in sick.says("LOS006") if one.level == "alarm"}
    assert sick.levels("LOS004") == {"look"}


def test_a_constant_answer_is_a_collapse() -> None:
    """One class has all predictions; a finished model is only warned about."""
    model = mlp(32, 32)
    with torch.no_grad():
        model[-1].bias[2] = 100.0
    sick = train(model, rate=1e-5)
    assert "predictions" in {one.where for one in sick.says("LOS006") if one.level == "alarm"}
    finished = sanity(sick.model, blobs(300))
    assert {one.level for one in finished.findings.every if one.code == "LOS006"} == {"warn"}


def test_answers_no_better_than_guessing_are_found() -> None:
    """A finished model that was never trained is an alarm, a trained one passes, and few samples tell nothing."""

    def level(model: nn.Module, count: int = 300) -> set[Level]:
        return {one.level for one in sanity(model, blobs(count)).findings.every if one.code == "LOS014"}

    assert level(nn.Sequential(nn.Linear(12, 4), nn.Tanh(), nn.Linear(4, 4))) == {"alarm"}
    assert level(train(mlp(32, 32), rate=1e-2).model) == {"ok"}
    assert level(mlp(32, 32), count=60) == {"not-measured"}


def test_a_softmax_before_cross_entropy_is_found() -> None:
    """In a run and in a finished model; without a loss it is a warning, for another loss a look."""
    model = nn.Sequential(*mlp(32, 32), nn.Softmax(1))
    sick = train(model)
    assert sick.levels("LOS007") == {"alarm"}

    def level(loss: Any) -> set[Level]:
        return {one.level for one in sanity(model, blobs(300), loss).findings.every if one.code == "LOS007"}

    assert level(nn.CrossEntropyLoss()) == {"alarm"}
    assert level(None) == {"look"}
    assert level(lambda output, target: F.nll_loss(output.log(), target)) == {"look"}


@pytest.mark.parametrize(("scale", "rate"), [(255.0, 1e-2), (1 / 2000, 1e-3), (0.0, 1e-2)])
def test_inputs_far_from_one_are_found(scale: float, rate: float) -> None:
    """Too large, too small, all the same."""
    x, y = blobs(900)
    sick = train(data=(x * scale, y), rate=rate, steps=80)
    found = [one for one in sick.says("LOS008") if one.where == "input"]
    assert {one.level for one in found} <= {*FAULTS}


def test_a_model_that_normalises_its_inputs_is_not_accused() -> None:
    """Inputs of 0 to 255 that are learned well are a look."""

    class Normalising(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = mlp(32, 32)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x / 100)

    x, y = blobs(900)
    fine = train(Normalising(), data=(x * 100, y))
    assert fine.levels("LOS008") == {"look", "ok"}


@pytest.mark.parametrize("head", [nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.Softmax(1)])
def test_outputs_that_cannot_reach_their_targets_are_found(head: nn.Module) -> None:
    """Every bounded head below targets from -2 to 2, and a softmax over one output."""
    model = nn.Sequential(*mlp(32, 32, classes=1), head)
    x, y = sums()
    sick = train(model, F.mse_loss, data=(x, 3 * y), rate=3e-2)
    assert {one.level for one in sick.says("LOS008") if one.where == "5"} == {"alarm"}


@pytest.mark.parametrize("head", [nn.Sigmoid(), nn.ReLU(), nn.Identity()])
def test_outputs_that_reach_their_targets_are_fine(head: nn.Module) -> None:
    """A bounded head over targets within its bounds."""
    x, y = sums()
    fine = train(nn.Sequential(*mlp(32, 32, classes=1), head), F.mse_loss, data=(x, (y + 2.2) / 4.4))
    assert {one.level for one in fine.says("LOS008") if one.where == "5"} == {"ok"}


def test_a_head_that_is_sure_of_itself_is_a_bad_start() -> None:
    """While learning succeeds it is a warning; dropout in the head is none."""
    model = mlp(32, 32)
    with torch.no_grad():
        model[-1].weight *= 200
    assert train(model).levels("LOS009") == {"warn"}
    noisy = nn.Sequential(*list(mlp(32, 32))[:-1], nn.Dropout(0.97), nn.Linear(32, 4))
    assert train(noisy).levels("LOS009") == {"ok"}


def test_statistics_that_were_not_learned_are_a_mismatch() -> None:
    """Batch norm with a momentum of nearly 0; with the usual one all is well."""
    x, y = blobs(900)
    for momentum, expected in ((1e-4, "alarm"), (0.1, "ok")):
        model = mlp(32, 32, norm=True)
        for module in model:
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = momentum
        assert train(model, data=(x + 6, y)).levels("LOS010") == {expected}


def test_dropout_of_nearly_everything_is_a_mismatch() -> None:
    """It guesses in train mode and not in eval mode."""
    model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Dropout(0.995), nn.Linear(64, 4))
    assert train(model, steps=200).levels("LOS010") == {"warn"}
