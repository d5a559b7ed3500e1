"""Relevance propagation through a model: which rule each function follows, and which functions have none."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from pellucid.core.errors import CaptureError
from pellucid.methods.attribution.affine import Affine
from pellucid.methods.attribution.functions import names
from pellucid.methods.attribution.question import flat, wide
from pellucid.methods.attribution.relevance import Epsilon, FirstRule, Rule
from pellucid.probe.address import ROOT

_PASSED = names(
    """
    gelu sigmoid tanh silu elu celu selu softplus hardtanh relu6 hardswish hardsigmoid mish log_sigmoid logsigmoid
    softsign tanhshrink softshrink hardshrink threshold clamp clamp_min clamp_max clip
    """
)
_REFUSED = names(
    """
    softmax log_softmax logsumexp layer_norm rms_norm group_norm instance_norm scaled_dot_product_attention exp log sqrt
    rsqrt square pow reciprocal sin cos var std linalg_vector_norm glu lstm gru rnn_tanh rnn_relu lstm_cell gru_cell
    rnn_tanh_cell rnn_relu_cell cosine_similarity cdist local_response_norm prod
    """
)
_PRODUCTS = names("mul multiply bmm mv dot inner div true_divide divide einsum baddbmm addcmul bilinear")
_MOVES = names(
    """
    Alias Cat Clone ConstantPadNd Expand Flip Index IndexSelect Narrow Permute ReshapeAlias Select Slice Split
    SplitWithSizes Squeeze Stack T ToCopy Transpose Unbind Unsqueeze UnsafeView View
    """
)
"""What a history calls functions that only move values about, without the "Backward" behind."""
CLOSED = frozenset({"softsign", "tanhshrink", "local_response_norm", "cosine_similarity"})


class Propagation:
    """How relevance goes through a model, and what is absorbed on the way.

    Args:
        conv: Rule of convolutions.
        dense: Rule of dense layers.
        first: Rule of layers that see the explained values themselves, moved about at the most; None for no other one.
        running: Returns the name of the module that runs.

    Attributes:
        absorbed: Relevance that biases took in one pass, by layer, each shaped like the layer's output.
        began: Whether any layer saw the explained values themselves.
    """

    def __init__(self, conv: Rule, dense: Rule, first: FirstRule | None, running: Callable[[], str]) -> None:
        self._conv, self._dense, self._first = conv, dense, first
        self._running = running
        self._layers: Any = WeakTensorKeyDictionary()
        self.absorbed: list[Tensor] = []
        self.began = False

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return what is called in place of the functions that need a rule, or have none."""
        table: dict[str, Callable[..., Any]] = {name: partial(self._conv_of, int(name[-2])) for name in _convolutions()}
        table |= {"linear": self._linear, "matmul": self._matmul, "mm": self._matmul, "addmm": self._addmm}
        table |= {"batch_norm": self._batch_norm} | dict.fromkeys(_PASSED, self._pass)
        return table | dict.fromkeys(_REFUSED, self._refuse) | dict.fromkeys(_PRODUCTS, self._product)

    def taken(self, rows: int) -> Tensor:
        """Return what biases absorbed of the relevance of each example, [rows]."""
        sums = [flat(one.reshape(rows, -1)).sum(1) for one in self.absorbed if one.numel() % rows == 0]
        return torch.stack(sums).sum(0) if sums else torch.zeros(rows, dtype=torch.float32, device="cpu")

    def _conv_of(self, axes: int, function: Any, value: Tensor, weight: Tensor, *rest: Any, **options: Any) -> Tensor:
        if not value.requires_grad:
            return function(value, weight, *rest, **options)
        bias = rest[0] if rest else options.pop("bias", None)
        more = rest[1:]
        transposed = "transpose" in function.__name__
        groups = (more[3] if len(more) > 3 else options.get("groups", 1)) if transposed else 0

        def run(one: Tensor, some: Tensor) -> Tensor:
            return function(one, some, None, *more, **options)

        layer = Affine(function=run, weight=weight, bias=bias, axes=axes, groups=groups)
        return self._run(layer, value, lambda: function(value, weight, bias, *more, **options))

    def _linear(self, function: Any, value: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if not value.requires_grad:
            return function(value, weight, bias)
        return self._run(
            Affine(function=function, weight=weight, bias=bias, axes=0), value, lambda: function(value, weight, bias)
        )

    def _matmul(self, function: Any, value: Tensor, other: Tensor, **options: Any) -> Any:
        if other.requires_grad or not value.requires_grad or other.ndim != 2 or value.ndim < 2 or options:
            return self._product(function, value, other, **options)
        return self._linear(torch.nn.functional.linear, value, other.t())

    def _addmm(self, function: Any, added: Tensor, value: Tensor, other: Tensor, **options: Any) -> Any:
        if added.requires_grad or added.ndim != 1 or other.requires_grad or options:
            return self._product(function, added, value, other, **options)
        return self._linear(torch.nn.functional.linear, value, other.t(), added)

    def _batch_norm(self, function: Any, value: Tensor, *rest: Any, **options: Any) -> Tensor:
        places = ("weight", "bias", "running_mean", "running_var", "training", "momentum", "eps")
        given = dict(zip(places, rest, strict=False)) | options
        if not value.requires_grad:
            return function(value, *rest, **options)
        if given.get("training") or given.get("running_var") is None:
            return self._refuse(function, value)
        scale = (given["running_var"] + given.get("eps", 1e-5)).rsqrt()
        scale = scale if given.get("weight") is None else scale * given["weight"]
        shift = -given["running_mean"] * scale
        shift = shift if given.get("bias") is None else shift + given["bias"]

        def run() -> Tensor:
            return function(value, *rest, **options)

        found = self._layers.get(value)
        if found is not None and found[2] == value._version and _channels(found[0], value):  # noqa: SLF001
            return self._run(found[0].scaled(scale, shift), found[1], run)
        alone = Affine(
            function=lambda one, some: one * some, weight=_behind(scale, value), bias=shift, axes=value.ndim - 2
        )
        return self._run(alone, value, run, rule=Epsilon())

    def _run(self, layer: Affine, value: Tensor, run: Callable[[], Tensor], *, rule: Rule | None = None) -> Tensor:
        """Return the output of a layer, whose relevance follows a rule; remember the layer, to merge others into it."""
        first = _is_explained(value)
        self.began |= first
        chosen = rule or (self._conv if layer.axes else self._dense)
        call = _Call(layer, run, chosen, self._first if first and rule is None else None, self.absorbed)
        made = _Ruled.apply(call, value)
        if rule is None:
            self._layers[made] = (layer, value, made._version)  # noqa: SLF001
        return made

    def _pass(self, function: Any, value: Tensor, *rest: Any, **options: Any) -> Tensor:
        options.pop("inplace", None)
        if not value.requires_grad:
            return function(value, *rest, **options)

        def run(one: Tensor) -> Tensor:
            return function(one, *rest, **options)

        return _Passed.apply(run, value)

    def _product(self, function: Any, *given: Any, **options: Any) -> Any:
        parts = [one for some in given for one in (some if isinstance(some, (tuple, list)) else (some,))]
        asking = [isinstance(one, Tensor) and one.requires_grad for one in parts]
        divides = "div" in function.__name__ and any(asking[1:])
        return self._refuse(function, *given, **options) if sum(asking) > 1 or divides else function(*given, **options)

    def _refuse(self, function: Any, *given: Any, **options: Any) -> Any:
        parts = [one for some in given for one in (some if isinstance(some, (tuple, list)) else (some,))]
        if not any(isinstance(one, Tensor) and one.requires_grad for one in (*parts, *options.values())):
            return function(*given, **options)
        name = self._running()
        place = {"": "the target", ROOT: "the model itself"}.get(name, f"the layer {name!r}")
        raise CaptureError(
            f"LRP has no rule for {function.__name__.strip('_')}(), which {place} calls: it is neither linear, nor "
            "of one value alone. Expected convolutions, dense layers, batch norm, pooling, activation functions and "
            "sums. Use DeepLift() or IntegratedGradients(); if it is a softmax at the end, explain what goes into it."
        )


@dataclass(frozen=True)
class _Call:
    """A layer that is called, what computes its output, and which rule carries its relevance."""

    layer: Affine
    run: Callable[[], Tensor]
    rule: Rule
    first: FirstRule | None
    absorbed: list[Tensor]


class _Ruled(torch.autograd.Function):
    """A layer whose backward pass carries multipliers by a rule."""

    @staticmethod
    def forward(ctx: Any, call: _Call, value: Tensor) -> Tensor:
        ctx.call = call
        made = call.run()
        ctx.save_for_backward(value.clone(), made.clone())  # they may be changed in place later
        return made

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (value, output), call = map(wide, ctx.saved_tensors), ctx.call
        layer = call.layer.to(value.dtype)
        if call.first is not None:
            found = call.first.share(layer, value, output * grad) / nonzero(value)
        else:
            found, absorbed = call.rule.back(layer, value, output, wide(grad))
            call.absorbed.append(absorbed)
        return None, found.to(grad.dtype)


class _Passed(torch.autograd.Function):
    """A function of each value alone, which takes and gives the same relevance."""

    @staticmethod
    def forward(ctx: Any, function: Callable[[Tensor], Tensor], value: Tensor) -> Tensor:
        ctx.function = function
        ctx.save_for_backward(value.clone())
        return function(value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        value = wide(ctx.saved_tensors[0])
        return None, (wide(grad) * ctx.function(value) / nonzero(value)).to(grad.dtype)


def nonzero(value: Tensor) -> Tensor:
    """Return values of which none is too near to 0 to carry relevance as a multiplier."""
    least = torch.finfo(value.dtype).tiny ** 0.5
    return torch.where(value.abs() < least, least, value)


def _convolutions() -> list[str]:
    return [f"conv{kind}{axes}d" for kind in ("", "_transpose") for axes in (1, 2, 3)]


def _channels(layer: Affine, value: Tensor) -> bool:
    """Say whether the channels of a layer's output are those that batch norm counts."""
    return value.ndim == layer.axes + 2


def _behind(numbers: Tensor, value: Tensor) -> Tensor:
    return numbers.reshape(-1, *[1] * (value.ndim - 2))


def _is_explained(value: Tensor) -> bool:
    """Say whether a tensor holds the explained values themselves: whether nothing but moves made it of leaves."""
    nodes = [value.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node.name().endswith("AccumulateGrad"):
            continue
        if node.name().rstrip("0123456789").removesuffix("Backward") not in _MOVES:
            return False
        nodes += [one for one, _ in node.next_functions if one is not None]
    return True
