"""Expected gradients: the mean over draws that are the same for every example, and how far it still wavers."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from pellucid.core.errors import InputError
from pellucid.methods.attribution import ExpectedGradients
from tests.reference import attribution as reference


def _net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 3))


def test_it_is_the_twin() -> None:
    """Draw by draw: the mean and its standard error over its size."""
    net, x = _net().double(), torch.randn(3, 4, dtype=torch.float64)
    data = torch.randn(7, 4, dtype=torch.float64)
    found, question = reference.ask(net, x, [0, 1, 2], ExpectedGradients(data=data, samples=20, seed=5))
    assert found.check == "sampling"
    assert found.error is not None
    for row in range(3):
        draws = torch.stack(reference.expected(reference.scored(net, row), x[row], data, samples=20, seed=5))
        torch.testing.assert_close(found.maps[0][row], draws.mean(0), rtol=1e-10, atol=1e-14)
        error = math.sqrt(float((draws.var(0) / 20).sum()) / float((draws.mean(0) ** 2).sum()))
        assert float(found.error[row]) == pytest.approx(error, rel=1e-9)
    assert question.passes == pytest.approx(1 + 40)


def test_a_linear_model_is_complete_as_soon_as_all_data_were_drawn() -> None:
    """Each of the baselines is drawn once before any a second time."""
    net, x = nn.Linear(4, 2).double(), torch.randn(2, 4, dtype=torch.float64)
    data = torch.randn(10, 4, dtype=torch.float64)
    found, _ = reference.ask(net, x, 1, ExpectedGradients(data=data, samples=10))
    expected = net(x)[:, 1] - net(data)[:, 1].mean()
    torch.testing.assert_close(found.maps[0].sum(1), expected.detach(), rtol=1e-10, atol=1e-12)


def test_sums_approach_the_difference_to_the_mean_score() -> None:
    """With 1,000 draws the sum is within three standard errors of it."""
    net, x, data = _net().double(), torch.randn(1, 4, dtype=torch.float64), torch.randn(50, 4, dtype=torch.float64)
    found, _ = reference.ask(net, x, 0, ExpectedGradients(data=data, samples=1000))
    draws = torch.stack(reference.expected(reference.scored(net, 0), x[0], data, samples=1000)).sum(1)
    expected = float((net(x)[0, 0] - net(data)[:, 0].mean()).detach())
    assert float(found.maps[0].sum()) == pytest.approx(expected, abs=3 * float(draws.std()) / math.sqrt(1000))


def test_several_inputs_take_one_baseline_together() -> None:
    """A draw takes the same row of each of the data."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(3, 2), nn.Linear(5, 2)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.a(a) * self.b(b)

    net = Two().double()
    x = (torch.randn(2, 3).double(), torch.randn(2, 5).double())
    data = (torch.randn(6, 3).double(), torch.randn(6, 5).double())
    found, _ = reference.ask(net, x, 0, ExpectedGradients(data=data, samples=12))

    class Joined(nn.Module):
        def forward(self, joined: torch.Tensor) -> torch.Tensor:
            return net(joined[:, :3], joined[:, 3:])

    joined, _ = reference.ask(Joined(), torch.cat(x, 1), 0, ExpectedGradients(data=torch.cat(data, 1), samples=12))
    torch.testing.assert_close(torch.cat(found.maps, 1), joined.maps[0])


HOW = (
    "Give some of the training data, in the shape of what is explained: "
    "method=pel.gradients.ExpectedGradients(data=x_train[:100])."
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, f"No data to take baselines from came. {HOW}"),
        (
            {"data": [1, 2]},
            f"Data of int, int came, expected a dense tensor of real numbers for each of 1 inputs. {HOW}",
        ),
        (
            {"data": torch.zeros(5, 3)},
            (
                "Data of shape (5, 3) came for an input of shape (2, 4); the first axis numbers the baselines, the "
                f"others must agree. {HOW}"
            ),
        ),
        (
            {"data": torch.zeros(0, 4)},
            (
                "Data of shape (0, 4) came for an input of shape (2, 4); the first axis numbers the baselines, the "
                f"others must agree. {HOW}"
            ),
        ),
        ({"data": torch.full((5, 4), math.nan)}, f"The data hold NaN or infinity. {HOW}"),
        ({"data": torch.zeros(5, 4), "samples": 1}, "samples=1 came; expected a whole number, 2 to 100,000."),
    ],
)
def test_data_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    """The message says what came and what to give."""
    with pytest.raises(InputError) as error:
        reference.ask(_net(), torch.randn(2, 4), 0, ExpectedGradients(**options))
    assert str(error.value) == message
