"""Small networks of one function, and what the tests of DeepLIFT and of relevance ask of a map."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pellucid.methods.attribution import Attribution

DOUBLE = torch.float64


def missed(found: Attribution, check: str) -> float:
    """Return the largest error of a map that has the check."""
    assert found.check == check
    assert found.error is not None
    return float(found.error.max())


def one_hot(column: int, count: int) -> list[float]:
    """Return 1 in one column and 0 in the others."""
    return [float(place == column) for place in range(count)]


def draw(*shape: int) -> Tensor:
    """Return standard normal numbers."""
    return torch.randn(*shape, dtype=DOUBLE)


class Way(nn.Module):
    """A function between two dense layers."""

    def __init__(self, way: Callable[[Tensor], Tensor], inside: int = 8, behind: int = 8) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(5, inside, dtype=DOUBLE), nn.Linear(behind, 3, dtype=DOUBLE)
        self.way = way

    def forward(self, x: Tensor) -> Tensor:
        """Go the way."""
        return self.last(self.way(self.first(x)))


class Plain(nn.Module):
    """A function, and the modules that it uses."""

    def __init__(self, function: Callable[[Tensor], Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, v: Tensor) -> Tensor:
        """Call the function."""
        return self.function(v)
