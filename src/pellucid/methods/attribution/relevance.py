"""Relevance rules: how much of what a layer's output is worth goes to each value of its input.

A rule returns multipliers: relevance over value. In this form relevance passes sums, reshaping, average and maximum
pooling and ReLU by the ordinary derivative, a sum of branches splits it and does not double it, and only layers with
weights need a rule. With z = W x + b, R = z times the multiplier of the output, and s what R is turned into:

    epsilon    R_i = x_i sum_j w_ij R_j / (z_j + epsilon sign z_j)
    gamma      as epsilon, with w + gamma w+ where w x is of the sign of z (w+ where x and z are positive)
    alpha-beta R_i = sum_j (alpha (w_ij x_i)+ / sum (w x)+ - beta (w_ij x_i)- / sum (w x)-) R_j
    w squared  R_i = sum_j w_ij^2 / sum_i w_ij^2 R_j, and flat with 1 in place of w^2
    box        R_i = sum_j (x_i w_ij - low w_ij+ - high w_ij-) / (sum_i of the same) R_j
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from pellucid.core.arguments import LARGEST, Options, real_number, refused
from pellucid.core.errors import InputError
from pellucid.methods.attribution.affine import Affine
from pellucid.probe.subject import is_plain


@runtime_checkable
class Rule(Protocol):
    """How the relevance of an output goes to the input of a layer."""

    def back(self, layer: Affine, value: Tensor, output: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Return the multipliers of the input, and the relevance that the bias absorbs, shaped like the output.

        Args:
            layer: The layer.
            value: Its input.
            output: What it returned.
            grad: The multipliers of its output.
        """
        ...


@runtime_checkable
class FirstRule(Protocol):
    """How the relevance of an output goes to the input of the model, whose values may be 0 and yet matter."""

    def share(self, layer: Affine, value: Tensor, relevance: Tensor) -> Tensor:
        """Return the relevance of the input.

        Args:
            layer: The layer.
            value: Its input.
            relevance: That of its output.
        """
        ...


@dataclass(frozen=True)
class Epsilon(Options):
    """In proportion to what each value brings to the output; an epsilon takes what is too weak to tell.

    Args:
        epsilon: 0 or more, in units of the layer's output. The larger, the less noise, and the more is absorbed.

    Source:
        Bach et al. 2015, "On pixel-wise explanations for non-linear classifier decisions", equation 58.
    """

    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        self.settle(epsilon=(real_number,))

    def back(self, layer: Affine, value: Tensor, output: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
        """See `Rule.back`."""
        made, pull = layer.run(value, layer.weight)
        bias = _bias(layer, made)
        shares = output * grad / stable(made + bias, self.epsilon)
        return pull(shares), shares * bias


@dataclass(frozen=True)
class Gamma(Options):
    """In proportion to what each value brings, with more weight for what agrees with the output.

    Args:
        gamma: 0 (no more weight) or more; very much of it is alpha-beta with 1 and 0.

    Source:
        Montavon et al. 2019, "Layer-wise relevance propagation: an overview"; for values and outputs of either sign as
        in Andéol et al. 2021, "Learning domain invariant representations by joint Wasserstein distance minimization".
    """

    gamma: float = 0.25

    def __post_init__(self) -> None:
        self.settle(gamma=(real_number,))

    def back(self, layer: Affine, value: Tensor, output: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
        """See `Rule.back`."""
        relevance = output * grad
        return _signed(
            layer,
            value,
            lambda one: one + self.gamma * one.clamp(min=0),
            lambda one: one + self.gamma * one.clamp(max=0),
            (relevance * (output > 0), relevance * (output < 0)),
        )


@dataclass(frozen=True)
class AlphaBeta(Options):
    """What speaks for the output and what speaks against it, each shared out by itself.

    Args:
        alpha: Share of what speaks for it, 1 or more.
        beta: Share of what speaks against it, alpha - 1.

    Source:
        Bach et al. 2015, "On pixel-wise explanations for non-linear classifier decisions", equation 60.
    """

    alpha: float = 1.0
    beta: float = 0.0

    def __post_init__(self) -> None:
        self.settle(alpha=(real_number,), beta=(real_number,))
        if not math.isclose(self.alpha - self.beta, 1.0):
            raise InputError(
                f"AlphaBeta(alpha={self.alpha}, beta={self.beta}) came; expected alpha - beta = 1, or relevance would "
                "grow or shrink from layer to layer. Usual are 1 and 0, or 2 and 1."
            )

    def back(self, layer: Affine, value: Tensor, output: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
        """See `Rule.back`."""
        relevance = output * grad
        return _signed(
            layer,
            value,
            lambda one: one.clamp(min=0),
            lambda one: one.clamp(max=0),
            (self.alpha * relevance, -self.beta * relevance),
        )


@dataclass(frozen=True)
class WSquare(Options):
    """In proportion to the squared weights, whatever the values are: for a first layer that sees any real numbers.

    Source:
        Montavon et al. 2017, "Explaining nonlinear classification decisions with deep Taylor decomposition".
    """

    def share(self, layer: Affine, value: Tensor, relevance: Tensor) -> Tensor:
        """See `FirstRule.share`."""
        return _by_weight(layer, value, layer.weight.square(), relevance)


@dataclass(frozen=True)
class Flat(Options):
    """In equal parts to all values that an output sees: no more detail than its field, and no noise of the weights.

    Source:
        Lapuschkin et al. 2019, "Unmasking Clever Hans predictors and assessing what machines really learn".
    """

    def share(self, layer: Affine, value: Tensor, relevance: Tensor) -> Tensor:
        """See `FirstRule.share`."""
        return _by_weight(layer, value, torch.ones_like(layer.weight), relevance)


@dataclass(frozen=True, eq=False)
class Box(Options):
    """For values that are known to lie in a box, such as pixels: in proportion to the way from its far side (z^B).

    Args:
        low: Smallest value, a number or a tensor that goes with the input, such as one a channel.
        high: Largest value.

    Source:
        Montavon et al. 2017, "Explaining nonlinear classification decisions with deep Taylor decomposition".
    """

    low: float | Tensor
    high: float | Tensor

    def __post_init__(self) -> None:
        self.settle(low=(_bound,), high=(_bound,))

    def share(self, layer: Affine, value: Tensor, relevance: Tensor) -> Tensor:
        """See `FirstRule.share`."""
        bounds = [torch.as_tensor(one, device=value.device).to(value) for one in (self.low, self.high)]
        try:
            low, high = (one.expand_as(value) for one in bounds)
        except RuntimeError as error:
            shapes = " and ".join(str(tuple(one.shape)) for one in bounds)
            raise InputError(
                f"Box() came with bounds of shape {shapes} for an input of shape {tuple(value.shape)}; expected "
                "numbers, or tensors that go with the input, such as [channels, 1, 1]."
            ) from error
        if bool((value < low).any()) or bool((value > high).any()):
            raise InputError(
                f"The first layer sees values from {float(value.min()):.4g} to {float(value.max()):.4g}, and Box() "
                "came with bounds inside of that. Give the bounds of what the layer sees, after any normalisation."
            )
        weight = layer.weight
        parts = [(value, weight), (-low, weight.clamp(min=0)), (-high, weight.clamp(max=0))]
        runs = [layer.run(one, some) for one, some in parts]
        shares = relevance / stable(torch.stack([made for made, _ in runs]).sum(0))
        return torch.stack([one * pull(shares) for (one, _), (_, pull) in zip(parts, runs, strict=True)]).sum(0)


def stable(value: Tensor, epsilon: float = 0.0) -> Tensor:
    """Return a denominator moved away from 0 by epsilon; 1 where it is 0 all the same, over which is 0."""
    moved = value + epsilon * torch.where(value < 0, -1.0, 1.0).to(value.dtype)
    return torch.where(moved == 0, 1, moved)


def _signed(
    layer: Affine,
    value: Tensor,
    more: Callable[[Tensor], Tensor],
    less: Callable[[Tensor], Tensor],
    relevance: tuple[Tensor, Tensor],
) -> tuple[Tensor, Tensor]:
    """Share out two kinds of relevance: by what is positive when weights are changed, and by what is negative.

    A weight counts as `more(weight)` in what is positive where the value is positive, and as `less(weight)` where it is
    negative, for then it is the negative weights that make positive products; the other way round in what is negative.
    """
    weights, bias = (more(layer.weight), less(layer.weight)), _bias(layer, relevance[0])
    biases, below = (more(bias), less(bias)), bool((value < 0).any())
    found, absorbed = torch.zeros_like(value), torch.zeros_like(relevance[0])
    for kind, some in enumerate(relevance):
        if not bool(some.any()):  # of what is negative, behind a ReLU
            continue
        made, pull = layer.run(value.clamp(min=0), weights[kind])
        if not below:
            shares = some / stable(made + biases[kind])
            found += pull(shares)
        else:
            against, pull_against = layer.run(value.clamp(max=0), weights[1 - kind])
            shares = some / stable(made + against + biases[kind])
            found += torch.where(value < 0, pull_against(shares), pull(shares))
        absorbed += shares * biases[kind]
    return found, absorbed


def _by_weight(layer: Affine, value: Tensor, weight: Tensor, relevance: Tensor) -> Tensor:
    sums, pull = layer.run(torch.ones_like(value), weight)
    return pull(relevance / stable(sums))


def _bias(layer: Affine, like: Tensor) -> Tensor:
    return torch.zeros_like(like[:1]) if layer.bias is None else layer.broad(layer.bias)


def _bound(name: str, value: Any) -> float | Tensor:
    if not isinstance(value, Tensor):
        return real_number(name, value, -LARGEST)
    if not is_plain(value) or not bool(torch.isfinite(value).all()):
        raise refused(name, value, "a number, or a dense tensor of finite real numbers")
    return value
