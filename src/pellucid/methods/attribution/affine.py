"""Layers that are linear but for a bias, and what relevance rules need of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Affine:
    """A dense layer or a convolution.

    Attributes:
        function: From an input and a weight to the output without bias.
        weight: [out, in, ...]; of a transposed convolution [in, out / groups, ...].
        bias: [out]; None for none.
        axes: Axes of the output behind its channels, 0 for a dense layer.
        groups: Of a transposed convolution; 0 for anything else.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    weight: Tensor
    bias: Tensor | None
    axes: int
    groups: int = 0

    def broad(self, numbers: Tensor) -> Tensor:
        """Return one number a channel, [out], in a shape that goes with the output."""
        return numbers.reshape(-1, *[1] * self.axes)

    def to(self, kind: torch.dtype) -> "Affine":
        """Return the layer with weights of another type."""
        return replace(self, weight=self.weight.to(kind), bias=None if self.bias is None else self.bias.to(kind))

    def scaled(self, scale: Tensor, shift: Tensor) -> "Affine":
        """Return the layer with an affine map of each channel behind it merged into it; copies, this stays as it is.

        Args:
            scale: [out].
            shift: [out].
        """
        bias = shift if self.bias is None else self.bias * scale + shift
        return replace(self, weight=self._scaled_weight(scale), bias=bias)

    def _scaled_weight(self, scale: Tensor) -> Tensor:
        behind = [1] * (self.weight.ndim - 2)
        if not self.groups:
            return self.weight * scale.reshape(-1, 1, *behind)
        grouped = self.weight.unflatten(0, (self.groups, -1)) * scale.reshape(self.groups, 1, -1, *behind)
        return grouped.flatten(0, 1)

    def run(self, value: Tensor, weight: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return the output without bias for another weight, and a function that carries numbers back to the input.

        Args:
            value: The input.
            weight: Like the layer's.

        Returns:
            W x, and from s, like the output, to W^T s, like the input.
        """
        with torch.enable_grad():
            leaf = value.detach().requires_grad_()
            made = self.function(leaf, weight)
        return made.detach(), lambda numbers: torch.autograd.grad(made, leaf, numbers, retain_graph=True)[0]
