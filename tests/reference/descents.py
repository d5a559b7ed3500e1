"""Slow twins of surfaces and optimizers: derivatives by autograd, steps by torch.optim, all in float64."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

FORMULAS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bowl": lambda x, y: 2.5 * (x**2 + y**2),
    "ravine": lambda x, y: 0.05 * x**2 + 2.5 * y**2,
    "saddle": lambda x, y: x**2 / 2 - y**2 / 2 + y**4 / 32,
    "non-convex": lambda x, y: (x**2 - 4) ** 2 / 16 + 0.15 * x + y**2 / 2,
    "himmelblau": lambda x, y: ((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2) / 100,
}
"""The surfaces as the papers write them."""


def derivatives(name: str, x: float, y: float) -> tuple[float, list[float], list[list[float]]]:
    """Return value, gradient and Hessian of a surface at one point."""
    point = torch.tensor([x, y], dtype=torch.float64, requires_grad=True)
    height = FORMULAS[name](point[0], point[1])
    (gradient,) = torch.autograd.grad(height, point, create_graph=True)
    rows = [torch.autograd.grad(one, point, retain_graph=True, allow_unused=True)[0] for one in gradient]
    hessian = [[0.0, 0.0] if row is None else row.tolist() for row in rows]
    return float(height.detach()), gradient.tolist(), hessian


def walk(
    name: str, start: tuple[float, float], optimizer: type[torch.optim.Optimizer], steps: int, **given: Any
) -> Tensor:
    """Let an optimizer of torch walk down a surface; the path, [point, 2]."""
    place = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    moving = optimizer([place], **given)
    path = [place.detach().clone()]
    for _ in range(steps):
        moving.zero_grad()
        FORMULAS[name](place[0], place[1]).backward()
        moving.step()
        path.append(place.detach().clone())
    return torch.stack(path)
