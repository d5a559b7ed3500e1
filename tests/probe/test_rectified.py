"""Units that are 0 on every sample are found behind modules and behind functions, without a history and a trace."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.probe.rectified import Rectified
from tests.reference.model_state import differences, state_of


class Functional(nn.Module):
    """Functions on images that are pooled and flattened, on a shared layer, and beside a module."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.hidden = nn.Conv2d(1, 4, 3), nn.Linear(16, 16)
        self.act, self.head = nn.ReLU(), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        h = F.max_pool2d(F.relu(self.conv(x)), 2).flatten(1)
        h = F.relu(self.hidden(h))
        h = torch.tanh(self.hidden(h))
        return self.head(self.act(self.hidden(h)))


class Tokens(nn.Module):
    """A function on units at the end of four axes, where channels would be looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Classify every cell."""
        return self.head(F.relu(self.first(x)))


def kill(layer: Any, units: list[int]) -> None:
    """Push the bias of some units so low that they never fire."""
    with torch.no_grad():
        layer.bias[units] = -100.0


def noted(model: nn.Module, x: Tensor) -> dict[str, list[bool]]:
    """Find functions on two samples, and note the whole batch in three parts without a history."""
    rectified = Rectified(model)
    with torch.no_grad():
        rectified.find(lambda: model(x[:2]))
        for part in x.tensor_split(3):
            with rectified.noting():
                model(part)
    return {name: active.tolist() for name, active in rectified.active.items()}


def test_functions_and_modules_are_seen_under_the_names_of_a_listener() -> None:
    """A flattened image has its channels as units; a layer that is called again has a number."""
    model = Functional().eval()
    kill(model.conv, [1])
    kill(model.hidden, [0, 5])
    x = torch.randn(30, 1, 6, 6)
    found = noted(model, x)
    assert list(found) == ["hidden.input", "hidden#2.input", "act"]
    pooled = F.relu(model.conv(x))
    assert found["hidden.input"] == (pooled > 0).transpose(0, 1).flatten(1).any(1).tolist()
    assert found["hidden.input"][1] is False
    hidden = F.relu(model.hidden(F.max_pool2d(pooled, 2).flatten(1)))
    assert found["hidden#2.input"] == (hidden > 0).any(0).tolist()
    assert (found["act"][0], found["act"][5]) == (False, False)


def test_units_lie_where_the_layer_before_has_them() -> None:
    """Also where an activation on four axes would be taken for an image."""
    model = Tokens()
    kill(model.first, [2])
    assert noted(model, torch.randn(9, 5, 5, 4)) == {"head.input": [True, True, False, True, True, True]}


def test_functions_behind_frozen_layers_are_found() -> None:
    """They are frozen again afterwards."""
    model = Tokens().requires_grad_(False)
    assert list(noted(model, torch.randn(9, 4))) == ["head.input"]
    assert not any(one.requires_grad for one in model.parameters())


class Inference(nn.Module):
    """Changes a parameter in its forward, which PyTorch refuses where gradients are on."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.act, self.head = nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        self.first.bias.mul_(1.0)
        return self.head(F.relu(self.act(self.first(x)) - 1))


def test_a_model_that_runs_without_gradients_only_is_noted_all_the_same() -> None:
    """Its modules are; its functions stay unseen."""
    assert list(noted(Inference(), torch.randn(9, 4))) == ["act"]


@pytest.mark.parametrize("make", [lambda: torch.compile(Functional(), backend="eager"), Functional])
def test_nothing_stays_on_the_model(make: Callable[[], nn.Module]) -> None:
    """Hooks, modes and requires_grad are as before, also of a compiled model, whose modules are seen."""
    model, x = make(), torch.randn(6, 1, 6, 6)
    with torch.no_grad():
        model(x[:2])
    before = state_of(model)
    found = noted(model, x)
    assert "act" in found
    assert not differences(before, state_of(model))
