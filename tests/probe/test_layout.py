"""Units lie where a reader expects them, and activation functions are known by module and by history."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.probe.layout import activation_named, activation_of, functional_activation, producer, unit_axis

TAG = "test"


@pytest.mark.parametrize(
    ("module", "shape", "axis"),
    [
        (nn.Linear(3, 4), (5, 4), -1),
        (nn.Linear(3, 4), (5, 7, 4), -1),
        (nn.Linear(3, 4), (4,), None),
        (nn.Linear(3, 4), (5, 2, 2, 4), -1),
        (nn.Conv1d(1, 4, 3), (5, 4, 9), 1),
        (nn.Conv2d(1, 4, 3), (5, 4, 9, 9), 1),
        (nn.Conv2d(1, 4, 3), (4, 9, 9), None),
        (nn.ConvTranspose2d(1, 4, 3), (5, 4, 9, 9), 1),
        (nn.BatchNorm1d(4), (5, 4), -1),
        (nn.BatchNorm1d(4), (5, 4, 9), 1),
        (nn.GroupNorm(2, 4), (5, 4, 9), 1),
        (nn.LayerNorm(4), (5, 2, 2, 4), -1),
        (nn.PReLU(4), (5, 4, 9), 1),
        (nn.ReLU(), (5, 4), -1),
        (nn.ReLU(), (5, 7, 4), -1),
        (nn.ReLU(), (5, 4, 9, 9), 1),
        (None, (5, 4, 3, 9, 9), 1),
        (nn.Softmax(-1), (5, 2, 7, 7), -1),
    ],
)
def test_unit_axis(module: nn.Module | None, shape: tuple[int, ...], axis: int | None) -> None:
    """Channels stand in front of space, everything else at the end; without samples there are no units."""
    assert unit_axis(module, torch.zeros(shape)) == axis


@pytest.mark.parametrize(
    ("module", "name", "saturation", "rectifies"),
    [
        (nn.ReLU(), "relu", None, True),
        (nn.ReLU6(), "relu6", (float("-inf"), 6.0), True),
        (nn.LeakyReLU(), "leaky_relu", None, False),
        (nn.GELU(), "gelu", None, False),
        (nn.SiLU(), "silu", None, False),
        (nn.ELU(), "elu", None, False),
        (nn.Softplus(), "softplus", None, False),
        (nn.Tanh(), "tanh", (-0.99, 0.99), False),
        (nn.Sigmoid(), "sigmoid", (0.01, 0.99), False),
        (nn.Hardtanh(-2, 3), "hardtanh", (-2.0, 3.0), False),
        (nn.Hardsigmoid(), "hardsigmoid", (0.0, 1.0), False),
    ],
)
def test_activation_modules(
    module: nn.Module, name: str, saturation: tuple[float, float] | None, rectifies: bool
) -> None:
    """Each activation module is known with its limits of saturation."""
    found = activation_of(module)
    assert found is not None
    assert (found.name, found.saturation, found.rectifies) == (name, saturation, rectifies)


def test_subclass_is_what_it_derives_from() -> None:
    """A subclass of an activation is that activation, and a layer is none."""

    class Mine(nn.Tanh):
        pass

    assert activation_of(Mine()) is activation_of(nn.Tanh())
    assert activation_of(nn.Linear(1, 1)) is None
    assert activation_of(nn.Softmax(-1)) is None


def test_activation_by_name() -> None:
    """A function is known by PyTorch's name for it, unless the name does not tell its limits."""
    assert activation_named("relu") is activation_of(nn.ReLU())
    assert activation_named("hardtanh") is None
    assert activation_named("linear") is None


def _image() -> Tensor:
    return torch.randn(2, 3, 4, 4, requires_grad=True)


@pytest.mark.parametrize(
    ("made", "name", "shape"),
    [
        (F.relu, "relu", None),
        (lambda x: x.clone().relu_(), "relu", None),
        (F.gelu, "gelu", None),
        (F.silu, "silu", None),
        (F.elu, "elu", None),
        (F.leaky_relu, "leaky_relu", None),
        (F.softplus, "softplus", None),
        (F.mish, "mish", None),
        (F.hardswish, "hardswish", None),
        (F.relu6, "relu6", None),
        (F.hardtanh, "hardtanh", None),
        (torch.tanh, "tanh", None),
        (torch.sigmoid, "sigmoid", None),
        (lambda x: F.relu(x).flatten(1), "relu", (2, 3, 4, 4)),
        (lambda x: F.max_pool2d(F.relu(x), 2), "relu", None),
        (lambda x: F.max_pool2d(F.relu(x), 2).flatten(1), "relu", (2, 3, 2, 2)),
        (lambda x: F.dropout(F.relu(x)), "relu", None),
        (lambda x: F.relu(x).bfloat16(), "relu", None),
        (lambda x: F.adaptive_avg_pool2d(torch.tanh(x), 2), "tanh", None),
    ],
)
def test_functional_activation(made: Callable[[Tensor], Tensor], name: str, shape: tuple[int, ...] | None) -> None:
    """A function called in forward is found behind views, casts, pools and dropout."""
    found = functional_activation(made(_image()), tag=TAG)
    assert found is not None
    assert (found.activation.name, found.shape) == (name, shape)


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x,
        lambda x: F.relu(x) + x,
        lambda x: F.relu(x) * torch.sigmoid(x),
        lambda x: F.layer_norm(F.relu(x), (4,)),
        lambda x: F.relu(x).detach(),
        lambda x: F.conv2d(F.relu(x), torch.ones(1, 3, 1, 1)),
    ],
)
def test_no_functional_activation(made: Callable[[Tensor], Tensor]) -> None:
    """What came after the function, or has no history, is not taken for it."""
    assert functional_activation(made(_image()), tag=TAG) is None


def test_what_was_seen_is_not_found_again() -> None:
    """A marked node ends the walk, and says what was marked."""
    seen = F.relu(_image())
    seen.grad_fn.metadata[TAG] = "act"
    assert functional_activation(seen.flatten(1), tag=TAG) is None
    assert producer(seen.flatten(1), tag=TAG) == "act"
    assert producer(seen + 1, tag=TAG) is None
    assert functional_activation(seen, tag="another") is not None
