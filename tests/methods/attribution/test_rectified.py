"""Guided backpropagation and deconvolution change the backward pass of every ReLU, however it is written."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from pellucid.core.errors import InputError
from pellucid.methods.attribution import Deconvolution, Gradient, GuidedBackprop
from tests.reference import attribution as reference

METHODS = {"guided": GuidedBackprop(), "deconvolution": Deconvolution()}


def _layers() -> list[nn.Module]:
    return [
        *(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(20, 12), nn.ReLU(), nn.Linear(12, 3)),
    ]


@pytest.mark.parametrize("rule", METHODS)
def test_it_is_the_twin(rule: str) -> None:
    """A stack of layers walked back by hand; no plain gradient."""
    layers, x = _layers(), torch.randn(3, 2, 8, 8, dtype=torch.float64)
    net = nn.Sequential(*layers).double()
    found, question = reference.ask(net, x, [0, 1, 2], METHODS[rule])
    plain, _ = reference.ask(net, x, [0, 1, 2], Gradient())
    for row in range(3):
        twin = reference.rectified(layers, x[row], row, rule)
        torch.testing.assert_close(found.maps[0][row], twin, rtol=1e-10, atol=1e-14)
    assert not torch.allclose(found.maps[0], plain.maps[0])
    assert (found.notes, question.passes) == ({"ReLUs": 3.0}, 2.0)


WAYS = {
    "module": nn.ReLU(),
    "module in place": nn.ReLU(inplace=True),
    "F.relu": F.relu,
    "F.relu in place": lambda x: F.relu(x, inplace=True),
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(),
    "clamp": lambda x: x.clamp(min=0),
    "clamp_min": lambda x: x.clamp_min(0.0),
    "threshold": lambda x: F.threshold(x, 0.0, 0.0),
    "relu6": F.relu6,
    "ReLU6": nn.ReLU6(),
    "hardtanh": lambda x: F.hardtanh(x, 0.0, 1e9),
    "checkpoint": lambda x: checkpoint(torch.relu, x, use_reentrant=False),
}


class _Way(nn.Module):
    def __init__(self, way: str) -> None:
        super().__init__()
        self.first, self.last, self.way = nn.Linear(6, 9), nn.Linear(9, 3), way

    def forward(self, x: Tensor) -> Tensor:
        return self.last(WAYS[self.way](self.first(x)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rule", METHODS)
def test_every_way_of_writing_a_relu_is_found(way: str, rule: str) -> None:
    """Modules, functions and methods, in place or not, give the map of the stack with nn.ReLU."""
    net, x = _Way(way), torch.randn(4, 6)
    found, _ = reference.ask(net, x, 1, METHODS[rule])
    for row in range(4):
        twin = reference.rectified([net.first, nn.ReLU(), net.last], x[row], 1, rule)
        torch.testing.assert_close(found.maps[0][row].double(), twin, rtol=1e-5, atol=1e-6)
    assert found.notes == {"ReLUs": 1.0}


def test_other_activations_keep_their_gradient_and_are_noted() -> None:
    """A GELU beside a ReLU: the ReLU is changed, the GELU said to be left."""
    net = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    found, _ = reference.ask(net, torch.randn(3, 4), 0, GuidedBackprop())
    assert found.notes == {"ReLUs": 1.0, "unchanged Gelu": 1.0}


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, 2)), "Silu, Gelu"),
        (nn.Linear(4, 2), "no activation function at all"),
        (nn.Sequential(nn.Linear(4, 8), nn.Hardtanh(), nn.Linear(8, 2)), "Hardtanh"),
    ],
)
def test_a_model_without_relu_is_refused(net: nn.Module, words: str) -> None:
    """Its map would be the plain gradient under another name."""
    with pytest.raises(InputError) as error:
        reference.ask(net, torch.randn(2, 4), 0, GuidedBackprop())
    assert str(error.value) == (
        f"No ReLU is computed on the way to the score, but {words}: the map would be the plain gradient. Use "
        "Gradient(), SmoothGrad() or IntegratedGradients()."
    )


def test_what_cannot_be_seen_is_refused() -> None:
    """A checkpoint of the older kind hides its ReLUs."""

    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stack = nn.Sequential(nn.Linear(4, 8), nn.ReLU())

        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(self.stack, x, use_reentrant=True).relu()

    with pytest.raises(InputError) as error:
        reference.ask(Hidden(), torch.randn(2, 4), 0, Deconvolution())
    assert str(error.value) == (
        "A part of the model is hidden in CheckpointFunctionBackward, so that its ReLUs cannot be found. Use "
        "use_reentrant=False for checkpoints, and the model as it was before it was compiled or scripted."
    )


def test_deconvolution_forgets_which_units_were_active() -> None:
    """Without pools two inputs have one map."""
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    found, _ = reference.ask(net, torch.randn(2, 4), 0, Deconvolution())
    torch.testing.assert_close(found.maps[0][0], found.maps[0][1])
