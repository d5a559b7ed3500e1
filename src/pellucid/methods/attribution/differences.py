"""Which functions propagate differences, and by which rule."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn import functional as F

from pellucid.methods.attribution.functions import names
from pellucid.methods.attribution.multipliers import Elementwise, Largest, LogSum, Product, Reference
from pellucid.methods.attribution.question import wide

_ELEMENTWISE = names(
    """
    relu gelu sigmoid tanh silu elu celu selu leaky_relu rrelu rrelu_with_noise softplus hardtanh relu6 hardswish
    hardsigmoid mish log_sigmoid logsigmoid softsign tanhshrink softshrink hardshrink threshold
    clamp clamp_min clamp_max clip exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal abs
    sin cos tan asin acos atan sinh cosh asinh
    acosh atanh erf erfc erfinv logit expit pow float_power special_expit nan_to_num
    """
)
_POOLS = tuple(f"{kind}max_pool{axes}d" for kind in ("", "adaptive_") for axes in (1, 2, 3))
CLOSED = frozenset({"softsign", *(f"{name}_with_indices" for name in _POOLS)})
"""What torch writes as several steps, or under several names, and is replaced as a whole."""


def functions_of(reference: Reference) -> dict[str, Callable[..., Any]]:
    """Return what is called in place of the functions that are not linear.

    Products, division, normalisation and attention are taken apart into sums, products and functions of one value.
    """
    known = _Known(reference)
    table: dict[str, Callable[..., Any]] = dict.fromkeys(_ELEMENTWISE, known.elementwise)
    table |= dict.fromkeys(("mul", "multiply", "matmul", "bmm", "mm", "mv", "dot", "inner", "rmatmul"), known.product)
    for name in _POOLS:
        table[name] = table[f"{name}_with_indices"] = partial(known.pool, getattr(F, f"{name}_with_indices"))
    table |= {"max": known.max, "min": known.min, "amax": known.amax, "amin": known.amin}
    table |= {"maximum": known.maximum, "minimum": known.minimum, "logsumexp": known.logsumexp}
    table |= {"prelu": known.prelu, "div": known.div, "true_divide": known.div, "divide": known.div}
    table |= {
        "addmm": known.addmm,
        "baddbmm": known.addmm,
        "addcmul": known.addcmul,
        "einsum": known.einsum,
        "glu": known.glu,
    }
    table |= {"linalg_vector_norm": known.norm}
    for name in ("softmax", "log_softmax", "var", "std", "layer_norm", "rms_norm", "group_norm", "instance_norm"):
        table[name] = partial(_widely, getattr(known, name))
    table["scaled_dot_product_attention"] = partial(_widely, known.attention)
    return table


class _Known:
    """The functions, each called with the one that it replaces and that one's arguments."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    def elementwise(self, function: Any, *given: Any, **options: Any) -> Any:
        places = [place for place, one in enumerate(given) if _varies(one)]
        if len(places) != 1 or any(map(_varies, options.values())):
            return function(*given, **options)
        front, behind = given[: places[0]], given[places[0] + 1 :]
        options.pop("inplace", None)
        return self._one(lambda one: function(*front, one, *behind, **options), given[places[0]])

    def prelu(self, function: Any, value: Tensor, weight: Tensor) -> Tensor:
        return self._one(lambda one: function(one, weight.to(one.dtype)), value)

    def product(self, function: Any, one: Any, other: Any, **options: Any) -> Any:
        if not (_varies(one) and _varies(other)):
            return function(one, other, **options)
        return self._reference.call(Product(function), one, other)

    def div(self, function: Any, one: Any, other: Any, **options: Any) -> Any:
        if not _varies(other) or options.get("rounding_mode") is not None:
            return function(one, other, **options)
        inverse = self._one(torch.reciprocal, other)
        return self._times(one, inverse) if _varies(one) else one * inverse

    def addmm(self, function: Any, added: Tensor, one: Tensor, other: Tensor, **options: Any) -> Tensor:
        if not (_varies(one) and _varies(other)):
            return function(added, one, other, **options)
        made = self._reference.call(Product(torch.matmul), one, other)
        return options.get("beta", 1) * added + options.get("alpha", 1) * made

    def addcmul(self, _: Any, added: Tensor, one: Tensor, other: Tensor, *, value: float = 1) -> Tensor:
        return added + value * self._times(one, other)

    def einsum(self, function: Any, equation: Any, *parts: Any, **options: Any) -> Any:
        several = parts[0] if len(parts) == 1 and isinstance(parts[0], (list, tuple)) else parts
        if isinstance(equation, str) and len(several) == 2 and all(map(_varies, several)):
            return self._reference.call(Product(lambda one, other: torch.einsum(equation, one, other)), *several)
        return function(equation, *parts, **options)

    def glu(self, _: Any, value: Tensor, dim: int = -1) -> Tensor:
        kept, gate = value.chunk(2, dim)
        return self._times(kept, self._one(torch.sigmoid, gate))

    # The largest of several.

    def pool(self, with_places: Any, function: Any, value: Tensor, *rest: Any, **options: Any) -> Any:
        also = function.__name__.endswith("_with_indices") or function is torch.adaptive_max_pool1d
        both = options.pop("return_indices", False) or also
        axes = int(with_places.__name__.removesuffix("d_with_indices")[-1])
        pooled = self._reference.call(Largest(lambda one: with_places(one, *rest, **options), axes), value)
        return (pooled, with_places(value, *rest, **options)[1]) if both else pooled

    def max(self, function: Any, value: Tensor, *rest: Any, **options: Any) -> Any:
        place = rest[0] if rest else options.get("dim", options.get("other"))
        if isinstance(place, Tensor):
            return self.maximum(function, value, place)
        if place is None:
            return self.amax(function, value)
        places = function(value, *rest, **options)
        keep = rest[1] if len(rest) > 1 else options.get("keepdim", False)
        return type(places)((self.amax(function, value, place, keep), places.indices))

    def min(self, function: Any, value: Tensor, *rest: Any, **options: Any) -> Any:
        place = rest[0] if rest else options.get("dim", options.get("other"))
        if isinstance(place, Tensor):
            return self.minimum(function, value, place)
        if place is None:
            return self.amin(function, value)
        places = function(value, *rest, **options)
        keep = rest[1] if len(rest) > 1 else options.get("keepdim", False)
        return type(places)((self.amin(function, value, place, keep), places.indices))

    def amax(self, _: Any, value: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
        axes = _axes(value, dim)
        behind = value.movedim(axes, tuple(range(-len(axes), 0))).flatten(-len(axes)) if axes else value[..., None]
        made = self._reference.call(Largest(_along_last, 1), behind)[..., 0]
        return _kept(made, axes) if keepdim else made

    def amin(self, function: Any, value: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
        return -self.amax(function, -value, dim, keepdim)

    def maximum(self, _: Any, one: Tensor, other: Tensor) -> Tensor:
        both = torch.stack(torch.broadcast_tensors(one, other), dim=-1)
        return self._reference.call(Largest(_along_last, 1), both)[..., 0]

    def minimum(self, function: Any, one: Tensor, other: Tensor) -> Tensor:
        return -self.maximum(function, -one, -other)

    # Shares.

    def logsumexp(self, _: Any, value: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
        axes = _axes(value, dim)
        behind = value.movedim(axes, tuple(range(-len(axes), 0))).flatten(-len(axes))
        made = self._reference.call(LogSum(-1), behind)[..., 0]
        return _kept(made, axes) if keepdim else made

    def log_softmax(self, _: Any, value: Tensor, dim: Any = -1, dtype: Any = None, **__: Any) -> Tensor:
        value = value if dtype is None else value.to(dtype)
        return value - self._reference.call(LogSum(dim), value)

    def softmax(self, function: Any, value: Tensor, dim: Any = -1, dtype: Any = None, **_: Any) -> Tensor:
        return self._one(torch.exp, self.log_softmax(function, value, dim, dtype))

    def attention(self, _: Any, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **options: Any) -> Tensor:
        given = dict(zip(("attn_mask", "dropout_p", "is_causal"), rest, strict=False)) | options
        if given.get("enable_gqa"):
            groups = query.shape[-3] // key.shape[-3]
            key, value = key.repeat_interleave(groups, -3), value.repeat_interleave(groups, -3)
        scale = given.get("scale") or query.shape[-1] ** -0.5
        match = self._reference.call(Product(torch.matmul), query * scale, key.transpose(-2, -1))
        mask = given.get("attn_mask")
        if given.get("is_causal"):
            mask = torch.ones(match.shape[-2:], dtype=torch.bool, device=match.device).tril()
        if mask is not None:
            match = match.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else match + mask
        return self._reference.call(Product(torch.matmul), self.softmax(None, match), value)

    # Spread, and what is normalised by it.

    def var(self, _: Any, value: Tensor, *rest: Any, **options: Any) -> Tensor:
        place, correction, keep = _spread(rest, options)
        axes = _axes(value, place)
        squares = self._one(torch.square, value - value.mean(axes, keepdim=True))
        count = squares[0].numel() if not axes else torch.Size(value.shape[one] for one in axes).numel()
        return squares.sum(axes, keepdim=keep) / max(0, count - correction)

    def std(self, function: Any, value: Tensor, *rest: Any, **options: Any) -> Tensor:
        return self._one(torch.sqrt, self.var(function, value, *rest, **options))

    def norm(self, function: Any, value: Tensor, order: Any = 2, dim: Any = None, *rest: Any, **options: Any) -> Tensor:
        if order != 2:
            return function(value, order, dim, *rest, **options)
        keep = rest[0] if rest else options.get("keepdim", False)
        return self._one(torch.sqrt, self._one(torch.square, value).sum(_axes(value, dim), keepdim=keep))

    def layer_norm(
        self, _: Any, value: Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, *__: Any
    ) -> Tensor:
        axes = tuple(range(-len(shape), 0))
        return _moved(self._normal(value - value.mean(axes, keepdim=True), axes, eps), weight, bias)

    def rms_norm(self, _: Any, value: Tensor, shape: Any, weight: Any = None, eps: Any = None) -> Tensor:
        least = torch.finfo(value.dtype).eps if eps is None else eps
        return _moved(self._normal(value, tuple(range(-len(shape), 0)), least), weight, None)

    def group_norm(
        self, _: Any, value: Tensor, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5, *__: Any
    ) -> Tensor:
        grouped = value.reshape(len(value), groups, -1)
        made = self._normal(grouped - grouped.mean(-1, keepdim=True), (-1,), eps).reshape(value.shape)
        shape = (-1, *[1] * (value.ndim - 2))
        return _moved(made, *(None if one is None else one.reshape(shape) for one in (weight, bias)))

    def instance_norm(self, function: Any, value: Tensor, *rest: Any, **options: Any) -> Tensor:
        places = ("weight", "bias", "running_mean", "running_var", "use_input_stats", "momentum", "eps")
        given = dict(zip(places, rest, strict=False)) | options
        if not given.get("use_input_stats", True):
            return function(value, *rest, **options)
        return self.group_norm(
            None, value, value.shape[1], given.get("weight"), given.get("bias"), given.get("eps", 1e-5)
        )

    def _normal(self, centred: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
        spread = self._one(torch.square, centred).mean(axes, keepdim=True)
        return self._times(centred, self._one(torch.rsqrt, spread + eps))

    def _one(self, function: Callable[[Tensor], Tensor], value: Tensor) -> Tensor:
        return self._reference.call(Elementwise(function), value)

    def _times(self, one: Tensor, other: Tensor) -> Tensor:
        return self._reference.call(Product(torch.mul), one, other)


def _widely(function: Any, replaced: Any, value: Tensor, *rest: Any, **options: Any) -> Tensor:
    """Return what a function of several steps finds in float32 at least, as torch's own does inside; rounded once."""
    kind = options.get("dtype") or value.dtype
    narrow = value.dtype in (torch.float16, torch.bfloat16)
    if narrow:
        value, rest = wide(value), tuple(wide(one) if _is_real(one) else one for one in rest)
        options = {name: wide(one) if _is_real(one) else one for name, one in options.items()}
    return function(replaced, value, *rest, **options).to(kind)


def _is_real(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _varies(value: Any) -> bool:
    """Say whether something may depend on the input: a tensor of real numbers that is no parameter."""
    return _is_real(value) and not isinstance(value, Parameter)


def _along_last(value: Tensor) -> tuple[Tensor, Tensor]:
    top, place = value.max(-1, keepdim=True)
    return top, place


def _axes(value: Tensor, dim: Any) -> tuple[int, ...]:
    """Return axes as numbers from 0 up, sorted; all of them for none."""
    given = (dim,) if isinstance(dim, int) else tuple(dim or ())
    return tuple(sorted(one % value.ndim for one in given)) if given else tuple(range(value.ndim))


def _kept(value: Tensor, axes: tuple[int, ...]) -> Tensor:
    for axis in axes:
        value = value.unsqueeze(axis)
    return value


def _moved(value: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    value = value if weight is None else value * weight
    return value if bias is None else value + bias


def _spread(rest: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, float, bool]:
    """Return axes, correction and keepdim of the several ways in which var and std are called."""
    if rest and isinstance(rest[0], bool):
        return (), float(rest[0]), False
    dim = rest[0] if rest else options.get("dim")
    unbiased = rest[1] if len(rest) > 1 else options.get("unbiased", True)
    keep = rest[2] if len(rest) > 2 else options.get("keepdim", False)
    correction = options.get("correction", 1 if unbiased else 0)
    return dim, float(1 if correction is None else correction), bool(keep)
