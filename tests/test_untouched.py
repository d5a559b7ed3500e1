"""The fixture that says "nothing changed" would notice a change."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch
from torch import nn

from tests.shapes import check

Untouched = Callable[[nn.Module], AbstractContextManager[None]]


def _model() -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    model(torch.ones(4, 3)).sum().backward()
    return model


def _flip_a_bit(model: nn.Module) -> None:
    with torch.no_grad():
        model[0].weight[0, 0] = torch.nextafter(model[0].weight[0, 0], torch.tensor(9.0))


def _replace_a_gradient(model: nn.Module) -> None:
    model[0].weight.grad = model[0].weight.grad.clone()


CHANGES = {
    "0.weight:values": _flip_a_bit,
    "0.weight:gradient": _replace_a_gradient,
    "0.bias:gradient": lambda model: setattr(model[0].bias, "grad", None),
    "0.bias:requires_grad": lambda model: model[0].bias.requires_grad_(False),
    "0.bias:backward_hooks": lambda model: model[0].bias.register_hook(lambda gradient: gradient),
    "1.running_mean:values": lambda model: model[1].running_mean.add_(1),
    "1.training": lambda model: model[1].eval(),
    "0._forward_hooks": lambda model: model[0].register_forward_hook(lambda *_: None),
    "0.forward": lambda model: setattr(model[0], "forward", lambda x: x),
    "random: torch": lambda _: torch.rand(1),
    "random: python": lambda _: random.random(),
}


def test_untouched_model_passes(model_is_untouched: Untouched) -> None:
    """A model that is only read counts as untouched."""
    model = _model()
    with model_is_untouched(model):
        list(model.parameters())


def test_the_checker_of_shapes_draws_nothing() -> None:
    """Checking the items of containers leaves Python's random state as it was, however often."""

    @check
    def total(values: list[int]) -> int:
        return sum(values)

    before = random.getstate()
    assert [total([1, 2, 3]) for _ in range(5)] == [6] * 5
    assert random.getstate() == before


@pytest.mark.parametrize("where", CHANGES)
def test_change_is_named(where: str, model_is_untouched: Untouched) -> None:
    """Whatever changed, the failure names it."""
    model = _model()
    with pytest.raises(AssertionError) as failure, model_is_untouched(model):
        CHANGES[where](model)
    assert where in str(failure.value).split("\n", maxsplit=1)[0]


def test_change_before_an_exception_is_named(model_is_untouched: Untouched) -> None:
    """A change is noticed also when the code inside fails."""
    model = _model()

    def change_and_fail() -> None:
        with model_is_untouched(model):
            model[1].eval()
            raise KeyboardInterrupt

    with pytest.raises(AssertionError, match=r"watching changed 1\.training"):
        change_and_fail()
