"""Small networks of pictures, whose best pictures are known or whose faults are."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.methods.synthesis import MaximizeOptions, Readout, Sight, sight_of

STILL = {"jitter": 0.0, "zoom": 0.0, "turn": 0.0}


class Functional(nn.Module):
    """A network that calls relu as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 4, 3, padding=1)
        self.end = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Two convolutions with relu behind each."""
        return self.end(F.relu(self.second(F.relu(self.first(x)))))


def small(activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Two convolutions and a dense layer."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        activation(),
        nn.Conv2d(6, 4, 3, padding=1),
        activation(),
        nn.Flatten(),
        nn.Linear(4 * 64, 5),
    )


def edge(height: int = 8, width: int = 8) -> Tensor:
    """A filter of one edge: minus one on the left, one on the right."""
    filter_ = torch.ones(height, width)
    filter_[:, : width // 2] = -1
    return filter_


def matched(filter_: Tensor) -> nn.Sequential:
    """One unit, whose weights are a filter as large as the picture."""
    conv = nn.Conv2d(1, 1, (filter_.shape[0], filter_.shape[1]), bias=False)
    with torch.no_grad():
        conv.weight.copy_(filter_[None, None])
    return nn.Sequential(conv)


def settled(model: nn.Module, at: Any, size: tuple[int, int, int] = (1, 8, 8)) -> tuple[Readout, Sight]:
    """A readout and a sight, inside `ready`."""
    sight, _ = sight_of(size, None)
    readout = Readout(model, at)
    readout.settle(sight.given(torch.full((1, *size), 0.5), readout.dtype), size[1:])
    return readout, sight


def still(**options: Any) -> MaximizeOptions:
    """Options without moves."""
    return MaximizeOptions(**STILL, **options)
