"""Redirected: gradients that pass activation functions at which they end or turn, so that a sleeping unit can wake."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pellucid.methods.attribution.rectified import is_relu, nodes_of

Gradients = tuple[Tensor | None, ...]
_DIPPED = ("GeluBackward", "SiluBackward", "MishBackward", "HardswishBackward")
"""What a history calls functions that fall before they rise."""


def redirect(values: Tensor, asleep: Tensor) -> None:
    """Change the backward pass of values that are to rise: see `_woken` and `_lifted`.

    It is done to the nodes of the history, so that functions and modules are seen alike; what a checkpoint or compiled
    code hides stays as it is.

    Args:
        values: [row], with their graph; what is ascended.
        asleep: Which rows it is done for, [row].
    """
    for node in nodes_of(values):
        if is_relu(node):
            node.register_hook(_hook(asleep, _woken))
        elif node.name().startswith(_DIPPED):
            node.register_hook(_hook(asleep, _lifted))


def _hook(
    asleep: Tensor, change: Callable[[Tensor, Tensor, Tensor], Tensor]
) -> Callable[[Gradients, Gradients], Gradients]:
    """Return what is called with the gradients that leave a function and that come to it."""

    def hook(left: Gradients, came: Gradients) -> Gradients:
        if len(left) == 0 or left[0] is None or came[0] is None:
            return left
        first, rows = left[0], len(asleep)
        if first.ndim == 0 or len(first) % rows:
            return left  # rows are not numbered on the first axis: nobody knows whose these are
        changed = change(first.reshape(rows, -1), came[0].reshape(rows, -1), asleep[:, None])
        return (changed.reshape(first.shape), *left[1:])

    return hook


def _woken(left: Tensor, came: Tensor, asleep: Tensor) -> Tensor:
    """Let a gradient past a ReLU.

    Where nothing of a row passes, all its units that anything comes for are off. What would raise them is passed then:
    a positive gradient. What would lower them is not, since they are as low as they get.

    Source:
        The gradient overrides of lucid (Olah et al. 2017), which let such gradients pass for the first 16 steps.
    """
    lost = asleep & ~(left != 0).any(1, keepdim=True)
    return torch.where(lost, came.clamp(min=0), left)


def _lifted(left: Tensor, came: Tensor, asleep: Tensor) -> Tensor:
    """Let a gradient lift a unit over the dip of GELU, SiLU and their like.

    Left of their lowest point they fall, so that the gradient of a unit that is to rise leads it away, towards 0 from
    below, for good. What would raise it is passed as if the function rose there, too.

    Source:
        Ours: of the units of small networks with these functions one in twenty was stuck there.
    """
    return torch.where(asleep & (came > 0) & (left <= 0), came, left)


def is_still(trace: Tensor) -> Any:
    """Return which rows never moved, [row]: all values of a trace, [row, step], are the first one."""
    return (trace == trace[:, :1]).all(1)
