"""Layout: which axis of an output numbers the units, and which activation function made it."""

from dataclasses import dataclass
from math import inf, prod
from typing import Any

from torch import Tensor, nn

# Where a bounded function counts as saturated: its slope there is below 2 % (tanh) and 1 % (sigmoid) of 1.
_TANH_LIMIT, _SIGMOID_LOW, _SIGMOID_HIGH = 0.99, 0.01, 0.99


@dataclass(frozen=True, kw_only=True)
class Activation:
    """An activation function, as far as its sicknesses go.

    Attributes:
        name: What PyTorch calls the function, such as "relu".
        saturation: (low, high): an output <= low or >= high is saturated. None when the function has no
            plateau but zero.
        rectifies: Whether a whole range of inputs gives exactly 0 and passes no gradient.
    """

    name: str
    saturation: tuple[float, float] | None = None
    rectifies: bool = False


_TANH = Activation(name="tanh", saturation=(-_TANH_LIMIT, _TANH_LIMIT))
_SIGMOID = Activation(name="sigmoid", saturation=(_SIGMOID_LOW, _SIGMOID_HIGH))
_RELU = Activation(name="relu", rectifies=True)
_RELU6 = Activation(name="relu6", rectifies=True, saturation=(-inf, 6.0))
_HARDSIGMOID = Activation(name="hardsigmoid", saturation=(0.0, 1.0))

_BY_TYPE: dict[type[nn.Module], Activation] = {
    nn.ReLU: _RELU,
    nn.ReLU6: _RELU6,
    nn.LeakyReLU: Activation(name="leaky_relu"),
    nn.PReLU: Activation(name="prelu"),
    nn.RReLU: Activation(name="rrelu"),
    nn.GELU: Activation(name="gelu"),
    nn.SiLU: Activation(name="silu"),
    nn.Mish: Activation(name="mish"),
    nn.Hardswish: Activation(name="hardswish", rectifies=True),
    nn.ELU: Activation(name="elu"),
    nn.SELU: Activation(name="selu"),
    nn.CELU: Activation(name="celu"),
    nn.Softplus: Activation(name="softplus"),
    nn.Tanh: _TANH,
    nn.Softsign: Activation(name="softsign", saturation=(-_TANH_LIMIT, _TANH_LIMIT)),
    nn.Sigmoid: _SIGMOID,
    nn.Hardsigmoid: _HARDSIGMOID,
    nn.LogSigmoid: Activation(name="logsigmoid"),
    nn.Threshold: Activation(name="threshold", rectifies=True),
}

_BY_NODE: dict[str, Activation] = {
    "ReluBackward0": _RELU,
    "LeakyReluBackward0": _BY_TYPE[nn.LeakyReLU],
    "PreluKernelBackward0": _BY_TYPE[nn.PReLU],
    "RreluWithNoiseBackward0": _BY_TYPE[nn.RReLU],
    "GeluBackward0": _BY_TYPE[nn.GELU],
    "SiluBackward0": _BY_TYPE[nn.SiLU],
    "MishBackward0": _BY_TYPE[nn.Mish],
    "HardswishBackward0": _BY_TYPE[nn.Hardswish],
    "EluBackward0": _BY_TYPE[nn.ELU],
    "CeluBackward0": _BY_TYPE[nn.CELU],
    "SoftplusBackward0": _BY_TYPE[nn.Softplus],
    "TanhBackward0": _TANH,
    "SigmoidBackward0": _SIGMOID,
    "HardsigmoidBackward0": _HARDSIGMOID,
    "LogSigmoidBackward0": _BY_TYPE[nn.LogSigmoid],
    "ThresholdBackward0": _BY_TYPE[nn.Threshold],
}

_BY_NAME = {activation.name: activation for activation in _BY_TYPE.values()}

# What may lie between an activation function and the module that is given its values.
_VIEWS = ("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Clone", "ToCopy", "Alias")
_POOLS = ("MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool", "NativeDropout", "FusedDropout")
_LONGEST_WAY = 8

_CONVOLUTIONS = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
_PER_CHANNEL = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.GroupNorm),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.Dropout1d, nn.Dropout2d, nn.Dropout3d),
)
_PER_FEATURE = (nn.Linear, nn.Bilinear, nn.LayerNorm, nn.RMSNorm, nn.Embedding, nn.EmbeddingBag, nn.Flatten)
_PER_FEATURE_SEQUENCE = (nn.RNNBase, nn.MultiheadAttention, nn.Softmax, nn.LogSoftmax)


def activation_of(module: nn.Module) -> Activation | None:
    """Return the activation function that a module is, or None when it is something else.

    Args:
        module: Any module.

    Returns:
        The function with its limits of saturation; None for layers, containers, and functions that are no
        elementwise activation (softmax, GLU).
    """
    if isinstance(module, nn.Hardtanh) and not isinstance(module, nn.ReLU6):
        return _hardtanh(float(module.min_val), float(module.max_val))
    return next((found for kind in type(module).__mro__ if (found := _BY_TYPE.get(kind)) is not None), None)


def activation_named(name: str) -> Activation | None:
    """Return the activation function that PyTorch calls by a name, or None.

    Args:
        name: Such as "relu".

    Returns:
        The function; None also for "hardtanh", whose limits the name does not tell.
    """
    return _BY_NAME.get(name)


def _hardtanh(low: float, high: float) -> Activation:
    return Activation(name="hardtanh", saturation=(low, high))


def unit_axis(module: nn.Module | None, output: Tensor) -> int | None:
    """Return the axis of an output that numbers its units.

    Args:
        module: What made the output, or None when that is not known.
        output: Its output: (batch, unit), (batch, channel, *space) or (batch, token, width).

    Returns:
        1 for channels in front of space, -1 for units at the end, None when there is no axis of samples
        beside them. Where the module says nothing (activation functions, dropout, modules of your own) four
        and five axes are read as channels, two and three as units at the end.
    """
    if output.ndim < 2:
        return None
    if isinstance(module, _CONVOLUTIONS):
        # An image without a batch axis has no samples to count.
        return 1 if output.ndim == module.weight.ndim else None
    if isinstance(module, _PER_CHANNEL) or (isinstance(module, nn.PReLU) and module.num_parameters > 1):
        return 1 if output.ndim > 2 else -1
    if isinstance(module, (*_PER_FEATURE, *_PER_FEATURE_SEQUENCE)):
        return -1
    return 1 if output.ndim in (4, 5) else -1


def says_axis(module: nn.Module) -> bool:
    """Return whether the type of a module decides where its units are, whatever its input was.

    Args:
        module: Any module.

    Returns:
        True for layers, norms and pools; False for activation functions, dropout and modules of your own.
    """
    return isinstance(module, (*_CONVOLUTIONS, *_PER_CHANNEL, *_PER_FEATURE, *_PER_FEATURE_SEQUENCE))


@dataclass(frozen=True, kw_only=True)
class FunctionalActivation:
    """An activation function that was called as a function, found in the history of a tensor.

    Attributes:
        activation: The function.
        node: The node of the autograd graph that it left.
        shape: The shape that its output had, where a view lies in between and the number of values is still
            the same; else None.
    """

    activation: Activation
    node: Any
    shape: tuple[int, ...] | None


def functional_activation(tensor: Tensor, *, tag: str) -> FunctionalActivation | None:
    """Find the activation function called in `forward` that a tensor comes from.

    The history is walked back through views, casts, pools and dropout. It ends at a node whose metadata hold
    `tag`: what was seen already is not found again.

    Args:
        tensor: What a module is given.
        tag: The key under which nodes that were seen are marked.

    Returns:
        The function, or None: nothing is known without a history, such as under no_grad or torch.compile.

    Cost:
        A walk over at most 8 nodes; no values are read and nothing is kept alive.
    """
    node: Any = tensor.grad_fn
    shape: tuple[int, ...] | None = None
    for _ in range(_LONGEST_WAY):
        if node is None or tag in node.metadata:
            return None
        name = node.name()
        activation = _of_node(name, node)
        if activation is not None:
            same = shape is not None and prod(shape) == tensor.numel()
            return FunctionalActivation(activation=activation, node=node, shape=shape if same else None)
        before = _shape_before(name, node)
        shape = before if before is not None else shape
        node = _passed_through(name, node)
    return None


def producer(tensor: Tensor, *, tag: str) -> Any:
    """Return what the nearest marked node says about where a tensor comes from, or None.

    Args:
        tensor: What a module is given.
        tag: The key under which nodes are marked.

    Returns:
        The mark.

    Cost:
        A walk over at most 8 nodes.
    """
    node: Any = tensor.grad_fn
    for _ in range(_LONGEST_WAY):
        if node is None:
            return None
        if tag in node.metadata:
            return node.metadata[tag]
        node = _passed_through(node.name(), node)
    return None


def _of_node(name: str, node: Any) -> Activation | None:
    if name.startswith("HardtanhBackward"):
        low, high = float(node._saved_min_val), float(node._saved_max_val)  # noqa: SLF001 - torch's documented way
        return _RELU6 if (low, high) == (0.0, 6.0) else _hardtanh(low, high)
    return _BY_NODE.get(name)


def _shape_before(name: str, node: Any) -> tuple[int, ...] | None:
    # An image that was flattened for a dense layer is looked at as the image again: its units are channels,
    # and a corner pixel that is always black is no dead unit.
    is_view = name.startswith(("ViewBackward", "UnsafeViewBackward", "ReshapeAliasBackward"))
    sizes = getattr(node, "_saved_self_sym_sizes", None) if is_view else None
    return None if sizes is None else tuple(int(size) for size in sizes)


def _passed_through(name: str, node: Any) -> Any:
    before = [earlier for earlier, _ in node.next_functions if earlier is not None]
    if name.startswith((*_VIEWS, *_POOLS)):
        return before[0] if before else None
    # On a CPU dropout is a product with noise, which has no history of its own.
    return before[0] if name.startswith("MulBackward") and len(before) == 1 else None
