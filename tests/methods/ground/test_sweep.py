"""Tests of sweeps: on which scale a surface is smooth, and how sure it must be."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid.methods.ground import Ground
from pellucid.methods.ground.survey import Survey
from pellucid.methods.ground.sweep import Plane, Sweep
from pellucid.probe.filters import filters_of


class Point(nn.Module):
    """Two weights, which are its output."""

    def __init__(self) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.zeros(1, 2, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Return the weights."""
        return self.at[0] + 0 * x.sum()


def swept(height: Callable[[Tensor, Tensor], Tensor], tolerance: float) -> Plane:
    """Return what a sweep finds of a surface over two weights."""
    model, axis = Point(), np.linspace(-1, 1, 33)
    axes = [torch.eye(2, dtype=torch.float64)[[n]] for n in (0, 1)]
    parts = [(torch.zeros(1, 1), None, 1.0)]
    with Ground(model, filters_of(model), parts, lambda output, _: height(*output)).walked() as ground:
        return Sweep(Survey(ground), ([axes[0]], [axes[1]]), axis, axis, tolerance=tolerance).run()


def truth(height: Callable[[Tensor, Tensor], Tensor]) -> np.ndarray:
    """Return the surface in every cell, [row, column]."""
    axis = torch.linspace(-1, 1, 33, dtype=torch.float64)
    return height(axis[None, :], axis[:, None]).numpy()


@pytest.mark.parametrize(
    "height",
    [
        lambda a, b: (0.2 + 3 * a**2 + b**2 + a * b) ** 2,
        lambda a, b: (0.2 + 3 * a**2 + b**2 + a * b) ** 4,
        lambda a, b: torch.exp(3 * a**2 + b**3),
        lambda a, b: a**3 - b**2 + a * b,
    ],
    ids=["square", "fourth power", "exponential", "below 0"],
)
def test_a_surface_is_smooth_on_its_own_scale(height: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Squares, fourth powers and exponentials of cubics, and cubics themselves, are met exactly with 100 points."""
    found = swept(height, 1e-6)
    assert found.measured.sum() == 100
    np.testing.assert_allclose(found.losses, truth(height), rtol=1e-9, atol=1e-9)


def test_the_worst_of_all_cells_may_be_farther_off_than_those_that_were_tried() -> None:
    """A surface is believed where one and a half times the worst error that was seen is within the tolerance."""

    def height(a: Tensor, b: Tensor) -> Tensor:
        return 2 + torch.sin(4 * a) * torch.cos(5 * b)

    seen = swept(height, 0.5).missed.max()
    assert seen > 1e-4
    assert swept(height, 1.6 * seen).measured.sum() == 100
    closer = swept(height, 1.4 * seen)
    assert 300 < closer.measured.sum() < 330
    assert closer.missed.max() < 0.2 * seen
