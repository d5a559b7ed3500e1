"""Sick and healthy ground for the rules on curvature: LOS025 and LOS026."""

from functools import cache

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.finding import Finding
from pellucid.windows.loss import Curvature, CurvatureOptions
from tests.kinds import Net, batch

QUICK = CurvatureOptions(starts=0, directions=0)


def says(result: Curvature, code: str) -> Finding:
    """What one rule says."""
    (found,) = [one for one in result.findings.every if one.code == code]
    return found


def squared(output: Tensor, target: Tensor) -> Tensor:
    """Return the squared error, added up over the classes."""
    return (output - target).square().sum(1).mean()


def digits() -> tuple[Tensor, Tensor]:
    """Return 400 digits and their classes as rows of 0 and 1."""
    data = load_digits()
    return torch.tensor(data.data[:400], dtype=torch.float32) / 16, F.one_hot(torch.tensor(data.target[:400])).float()


@cache
def descended(rate: float, steps: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Return a tanh net after steps of gradient descent on all digits."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10))
    optimizer, (x, y) = torch.optim.SGD(model.parameters(), lr=rate), digits()
    for _ in range(steps):
        optimizer.zero_grad()
        squared(model(x), y).backward()
        optimizer.step()
    optimizer.zero_grad()
    return model, optimizer


@pytest.mark.parametrize(
    ("rate", "word", "low", "high"), [(0.2, "at the edge of", 0.8, 1.2), (0.02, "stable: ", 0.0, 0.8)]
)
@pytest.mark.parametrize("steps", [400, pytest.param(4000, marks=pytest.mark.slow)])
def test_gradient_descent_settles_at_the_edge(rate: float, word: str, low: float, high: float, steps: int) -> None:
    """With a large learning rate the steepest curvature is 2 / lr from step 400 on, with a small one it is below."""
    model, optimizer = descended(rate, steps)
    said = says(pel.loss.curvature(model, digits(), loss=squared, optimizer=optimizer, options=QUICK), "LOS025")
    assert said.level == "ok"
    assert said.message.startswith(word)
    assert said.value is not None
    assert low <= said.value <= high


def test_beyond_the_edge_is_told() -> None:
    """A learning rate five times too large for the ground is looked at, with the limit of its optimizer."""
    model, _ = descended(0.2, 400)
    for made, words in (
        (torch.optim.SGD(model.parameters(), lr=1.0), "of 2 / lr = 2"),
        (torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.5), "of (2 + 2 b) / lr = 3"),
        (torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.5, nesterov=True), "((1 + 2 b) lr) = 1.5"),
    ):
        said = says(pel.loss.curvature(model, digits(), loss=squared, optimizer=made, options=QUICK), "LOS025")
        assert said.level == "look"
        assert said.message.startswith("beyond the edge of stability: ")
        assert words in said.message


def test_without_an_optimizer_the_edge_is_not_measured() -> None:
    """There is no learning rate to compare with."""
    said = says(pel.loss.curvature(Net(), batch(128), options=QUICK), "LOS025")
    assert (said.level, said.message) == ("not-measured", "no optimizer was given")


def test_ground_that_bends_down_is_told() -> None:
    """Before training the loss bends down steeply in some direction; after it hardly."""
    model, _ = descended(0.2, 0)
    before = says(pel.loss.curvature(model, digits(), loss=squared, options=QUICK), "LOS026")
    assert before.level == "look"
    assert before.value is not None
    assert before.value > 0.2
    model, _ = descended(0.2, 400)
    after = says(pel.loss.curvature(model, digits(), loss=squared, options=QUICK), "LOS026")
    assert after.level == "ok"
    rough = CurvatureOptions(starts=0, directions=0, products=2)
    few = says(pel.loss.curvature(model, digits(), loss=squared, options=rough), "LOS026")
    assert few.level == "not-measured"
