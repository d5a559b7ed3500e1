"""Multipliers: what one unit of difference at the input of a function contributes to the difference at its output.

The examples go through the model, then the baselines; in the backward pass each function that is not linear propagates
differences in place of derivatives. Every rule here is complete: the inputs' differences times their multipliers add up
to the difference of the outputs, so whatever is built of such functions is complete, too.
"""

from collections.abc import Callable
from typing import Any, NoReturn, Protocol, runtime_checkable

import torch
from torch import Tensor

from pellucid.core.errors import CaptureError
from pellucid.methods.attribution.question import wide


@runtime_checkable
class Rule(Protocol):
    """A function and its multipliers."""

    def value(self, *inputs: Tensor) -> Tensor:
        """Return what the function returns."""
        ...

    def back(self, inputs: tuple[Tensor, ...], bases: tuple[Tensor, ...], grad: Tensor) -> tuple[Tensor, ...]:
        """Return the multipliers of the inputs.

        Args:
            inputs: What the function was given for the examples.
            bases: The same for the baselines.
            grad: The multipliers of its output.
        """
        ...


class Reference:
    """What the functions are given when the examples go through the model, and then, in the same order, the baselines.

    The order of the calls, and not a place on an axis, tells which baseline belongs to what: a model may lay out its
    examples as it likes, and use a module as often as it likes.
    """

    def __init__(self) -> None:
        self._shapes: list[list[torch.Size]] = []
        self._bases: list[tuple[Tensor, ...]] = []
        self._compared = False

    def begin(self) -> None:
        """Begin a pass, of the examples or of the baselines; one that was broken off begins anew."""
        (self._bases if self._compared else self._shapes).clear()

    def compare(self) -> None:
        """Take what comes from now on for the baselines."""
        self._compared = True

    def call(self, rule: Rule, *inputs: Tensor) -> Tensor:
        """Return what a function returns; for the examples, so that its multipliers are propagated.

        Args:
            rule: The function.
            inputs: What it is given.

        Raises:
            CaptureError: The baselines do not go the way that the examples went.
        """
        shapes = [one.shape for one in inputs]
        if not self._compared:
            self._shapes.append(shapes)
            return _Multiplied.apply(rule, self, len(self._shapes) - 1, *inputs)
        number = len(self._bases)
        if number >= len(self._shapes) or shapes != self._shapes[number]:
            self._refuse(f"call {number + 1} of a function that is not linear was given {_shown(shapes)}")
        self._bases.append(tuple(one.detach().clone() for one in inputs))  # it may be changed in place later
        return rule.value(*inputs)

    def bases(self, number: int) -> tuple[Tensor, ...]:
        """Return what the function of a call was given for the baselines.

        Raises:
            CaptureError: It was not called.
        """
        if number >= len(self._bases):
            self._refuse(f"call {number + 1} of a function that is not linear was not made")
        return self._bases[number]

    def _refuse(self, what: str) -> NoReturn:
        raise CaptureError(
            f"The model does not treat the input and its baseline alike: for the baseline {what}, other than for the "
            f"input, which makes {len(self._shapes)} of them. Expected the same calls for both. Use "
            "IntegratedGradients(), which does not compare them layer by layer."
        )


def _shown(shapes: list[torch.Size]) -> str:
    return " and ".join(str(tuple(one)) for one in shapes)


class _Multiplied(torch.autograd.Function):
    """A function whose backward pass propagates multipliers."""

    @staticmethod
    def forward(ctx: Any, rule: Rule, reference: Reference, number: int, *inputs: Tensor) -> Tensor:
        ctx.rule, ctx.reference, ctx.number = rule, reference, number
        ctx.save_for_backward(*(one.clone() for one in inputs))  # copies: they may be changed in place later
        return rule.value(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        inputs = tuple(wide(one) for one in ctx.saved_tensors)
        bases = tuple(wide(one) for one in ctx.reference.bases(ctx.number))
        found = ctx.rule.back(inputs, bases, wide(grad))
        return (None, None, None, *(one.to(grad.dtype) for one in found))


class Elementwise:
    """A function of each value alone: the ratio of the differences; the derivative half way where there is none.

    Args:
        function: From a tensor to one of the same shape.

    Source:
        Shrikumar et al. 2017, "Learning important features through propagating activation differences", equation 4.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self._function = function

    def value(self, *inputs: Tensor) -> Tensor:
        """See `Rule.value`."""
        return self._function(inputs[0])

    def back(self, inputs: tuple[Tensor, ...], bases: tuple[Tensor, ...], grad: Tensor) -> tuple[Tensor, ...]:
        """See `Rule.back`."""
        value, base = inputs[0], bases[0]
        step = value - base
        # Below this, the difference of the outputs is rounding for the most part, and the derivative is as good as it.
        far = step.abs() > torch.finfo(step.dtype).eps ** 0.5 * (value.abs() + base.abs())
        ratio = (self._function(value) - self._function(base)) / torch.where(far, step, 1)
        if bool(far.all()):
            return (grad * ratio,)
        return (grad * torch.where(far, ratio, self._slope((value + base) / 2)),)

    def _slope(self, value: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = value.detach().requires_grad_()
            return torch.autograd.grad(self._function(leaf).sum(), leaf)[0]


class Product:
    """A function that is linear in each of two inputs: each counts with the mean of the other, which is complete.

    The product of differences is thereby shared equally, as by the Shapley value of the two.

    Args:
        function: From two tensors to one.

    Source:
        Ours: (ab - a'b') = (a - a')(b + b')/2 + (b - b')(a + a')/2.
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._function = function

    def value(self, *inputs: Tensor) -> Tensor:
        """See `Rule.value`."""
        return self._function(*inputs)

    def back(self, inputs: tuple[Tensor, ...], bases: tuple[Tensor, ...], grad: Tensor) -> tuple[Tensor, ...]:
        """See `Rule.back`."""
        with torch.enable_grad():
            means = [((one + base) / 2).requires_grad_() for one, base in zip(inputs, bases, strict=True)]
            return torch.autograd.grad(self._function(*means), means, grad)


class Largest:
    """The largest of several values: the difference goes to the place that is largest where the output is larger.

    That place differs by at least as much as the output does, so that no multiplier exceeds 1; places that several
    windows share get the sum of what these give them.

    Args:
        pool: From a tensor to the largest values and where they are, numbered along the last axes together.
        axes: How many axes these are.

    Source:
        Ours, after the authors' code of Shrikumar et al. 2017; overlapping windows add up.
    """

    def __init__(self, pool: Callable[[Tensor], tuple[Tensor, Tensor]], axes: int) -> None:
        self._pool = pool
        self._axes = axes

    def value(self, *inputs: Tensor) -> Tensor:
        """See `Rule.value`."""
        return self._pool(inputs[0])[0]

    def back(self, inputs: tuple[Tensor, ...], bases: tuple[Tensor, ...], grad: Tensor) -> tuple[Tensor, ...]:
        """See `Rule.back`."""
        (value,), (base,) = inputs, bases
        (top, at), (low, below) = self._pool(value), self._pool(base)
        place = self._flat(torch.where(top >= low, at, below))
        step = self._flat(value - base).gather(-1, place)
        share = torch.where(step == 0, 1, (self._flat(top - low) / torch.where(step == 0, 1, step)).clamp(0, 1))
        found = torch.zeros_like(self._flat(value)).scatter_add(-1, place, self._flat(grad) * share)
        return (found.reshape(value.shape),)

    def _flat(self, tensor: Tensor) -> Tensor:
        return tensor.flatten(-self._axes)


class LogSum:
    """log sum exp along an axis: each term counts by its mean weight, the sum of the weights by the same mean.

    The mean of two weights is the logarithmic one: their difference over the difference of their logarithms.

    Args:
        axis: Along which is summed; it stays, with one value.

    Source:
        Ours: the rule for single values on exp and on log, in a form that neither overflows nor rounds.
    """

    def __init__(self, axis: int) -> None:
        self._axis = axis

    def value(self, *inputs: Tensor) -> Tensor:
        """See `Rule.value`."""
        return torch.logsumexp(inputs[0], self._axis, keepdim=True)

    def back(self, inputs: tuple[Tensor, ...], bases: tuple[Tensor, ...], grad: Tensor) -> tuple[Tensor, ...]:
        """See `Rule.back`."""
        (value,), (base,) = inputs, bases
        whole, before = self.value(value), self.value(base)
        scale = torch.maximum(whole, before)
        return (grad * _mean_weight(value - scale, base - scale) / _mean_weight(whole - scale, before - scale),)


def _mean_weight(one: Tensor, other: Tensor) -> Tensor:
    """Return the logarithmic mean of exp(one) and exp(other)."""
    apart = (one - other).abs().nan_to_num(nan=0.0)  # both are masked with -infinity
    return torch.maximum(one, other).exp() * torch.where(apart == 0, 1, -torch.expm1(-apart) / apart)
