"""Redirected gradients: sleeping units wake, whether their function is a module or a call."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.methods.synthesis import MaximizeOptions
from pellucid.methods.synthesis.redirected import redirect
from tests.methods.synthesis.nets import edge, still
from tests.methods.synthesis.test_ascent import climbed


class Sleeping(nn.Module):
    """A unit that fires for an edge only, and is off for noise."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.function = nn.Conv2d(1, 1, 8), function
        with torch.no_grad():
            self.conv.weight.copy_(edge()[None, None])
            self.conv.bias.fill_(-6.0)

    def forward(self, x: Tensor) -> Tensor:
        """The function of the filter."""
        return self.function(self.conv(x))


FUNCTIONS: list[Callable[[Tensor], Tensor]] = [
    nn.ReLU(),
    nn.ReLU(inplace=True),
    nn.ReLU6(),
    F.relu,
    torch.relu_,
    lambda x: x.clamp(min=0),
    lambda x: F.threshold(x, 0.0, 0.0),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_sleeping_unit_wakes(function: Callable[[Tensor], Tensor]) -> None:
    """Only with help; without it, nothing ever moves."""
    model = Sleeping(function)
    helped = climbed(model, None, (0,), still(), steps=50)
    assert float(helped.first) == 0
    assert float(helped.last) > 2
    alone = climbed(model, None, (0,), still(redirected=0), steps=50)
    assert float(alone.last) == 0
    assert torch.equal(alone.trace, torch.zeros(1, 50))


def test_a_unit_that_sleeps_longer_is_helped_longer() -> None:
    """With a small rate the first steps are not enough."""
    slow = MaximizeOptions(rate=0.02, jitter=0, zoom=0, turn=0, redirected=4)
    assert float(climbed(Sleeping(F.relu), None, (0,), slow, steps=60).last) > 0


@pytest.mark.parametrize("function", [F.gelu, F.silu, F.mish, F.hardswish, nn.GELU()])
def test_a_unit_is_lifted_over_the_dip(function: Callable[[Tensor], Tensor]) -> None:
    """Left of its lowest point the true gradient leads away."""
    model = Sleeping(function)
    with torch.no_grad():
        model.conv.bias.fill_(-2.5)
    assert float(climbed(model, None, (0,), still(), steps=50).last) > 2
    assert float(climbed(model, None, (0,), still(redirected=0), steps=50).last) < 0.1


def test_one_row_is_changed_and_not_the_other() -> None:
    """A row through which something passes keeps its gradient; so does one that is awake."""
    x = torch.tensor([[-1.0, 2.0, -3.0], [-1.0, -2.0, -3.0], [-1.0, -2.0, -3.0]], requires_grad=True)
    weights = torch.tensor([1.0, 5.0, -4.0])
    values = (x.relu() * weights).sum(1)
    redirect(values, torch.tensor([True, True, False]))
    (found,) = torch.autograd.grad(values.sum(), x)
    assert found.tolist() == [[0, 5, 0], [1, 5, 0], [0, 0, 0]]


def test_rows_that_are_not_on_the_first_axis_are_left_alone() -> None:
    """Nobody could say whose gradient is whose."""
    x = -torch.ones(3, 2, requires_grad=True)
    values = x.relu().sum(0)
    redirect(values, torch.ones(2, dtype=torch.bool))
    assert not torch.autograd.grad(values.sum(), x)[0].any()


def test_a_dead_unit_stays_dead() -> None:
    """No picture between black and white reaches it."""
    model = Sleeping(F.relu)
    with torch.no_grad():
        model.conv.bias.fill_(-1000.0)
    found = climbed(model, None, (0,), still(), steps=80)
    assert (float(found.first), float(found.last)) == (0, 0)
    assert not found.trace.any()
