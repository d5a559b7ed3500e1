"""The interchangeable parts of the small networks: activations, norms, initializations."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from jaxtyping import Float
from torch import Tensor, nn

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "relu": nn.ReLU,
        "leaky_relu": nn.LeakyReLU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "elu": nn.ELU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
    }
)
"""Activation modules by name, each a hookable child of its layer."""

NORMS = ("none", "batch", "layer")
"""Kinds of normalisation that every small network accepts."""


class ChannelLayerNorm(nn.GroupNorm):
    """Layer norm of a picture: one mean and one variance for each sample.

    Args:
        channels: channels of the picture, at least 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels)


class TokenBatchNorm(nn.BatchNorm1d):
    """Batch norm of tokens: the feature axis is the last one instead of the second."""

    def forward(self, input: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:  # noqa: A002 - torch's own name
        """Normalise each feature over all samples and tokens.

        Args:
            input: tokens.

        Returns:
            The normalised tokens, same shape.
        """
        return super().forward(input.transpose(1, 2)).transpose(1, 2)


def norm_of(kind: str, width: int, *, layout: str) -> nn.Module | None:
    """Make the norm of a layer, or none.

    Args:
        kind: one of `NORMS`.
        width: units, channels or features to normalise.
        layout: "vector" (batch, unit), "picture" (batch, channel, row, column) or
            "tokens" (batch, token, width).

    Returns:
        The module, or None for kind "none".
    """
    makers: dict[tuple[str, str], Callable[[int], nn.Module]] = {
        ("batch", "vector"): nn.BatchNorm1d,
        ("batch", "picture"): nn.BatchNorm2d,
        ("batch", "tokens"): TokenBatchNorm,
        ("layer", "vector"): nn.LayerNorm,
        ("layer", "picture"): ChannelLayerNorm,
        ("layer", "tokens"): nn.LayerNorm,
    }
    return None if kind == "none" else makers[kind, layout](width)


def _he(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _xavier(weight: Tensor) -> None:
    nn.init.xavier_uniform_(weight)


def _orthogonal(weight: Tensor) -> None:
    nn.init.orthogonal_(weight)


INITIALIZATIONS: Mapping[str, Callable[[Tensor], None] | None] = MappingProxyType(
    {"default": None, "he": _he, "xavier": _xavier, "orthogonal": _orthogonal}
)
"""Weight initializations by name; "default" leaves what torch drew."""


def initialize(model: nn.Module, initialization: str) -> None:
    """Draw the weights of every dense and convolution layer but the head anew; biases become 0.

    The head keeps torch's small default, so that training starts near the loss of guessing.

    Args:
        model: network whose last layer is called `head`; changed in place.
        initialization: one of `INITIALIZATIONS`.
    """
    draw = INITIALIZATIONS[initialization]
    if draw is None:
        return
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and name != "head":
            draw(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class Stage(nn.Module):
    """One step of a plain network: weighted sum, then norm, activation, pooling, dropout as given.

    Args:
        parts: child modules by name, run in order; None is left out.
    """

    def __init__(self, **parts: nn.Module | None) -> None:
        super().__init__()
        for name, part in parts.items():
            if part is not None:
                self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        """Run the parts in order.

        Args:
            x: what the first part takes.

        Returns:
            What the last part gives.
        """
        for part in self.children():
            x = part(x)
        return x


def dropout_of(share: float) -> nn.Module | None:
    """Make a dropout layer, or none when nothing is dropped.

    Args:
        share: share of values set to zero in training, 0 to 1.

    Returns:
        The module, or None for 0.
    """
    return nn.Dropout(share) if share > 0 else None
