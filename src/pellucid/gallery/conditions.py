"""One deep network in five conditions: healthy first weights, and the same weights made sick in one way."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError, did_you_mean
from pellucid.gallery.data import digits
from pellucid.gallery.models import ACTIVATIONS, MLP

CONDITIONS = ("healthy", "dying", "saturated", "exploding", "vanishing")
"""What the first weights and biases can be like."""
BOUNDED = frozenset({"tanh", "sigmoid"})
"""Activation functions whose values stay between two ends."""

HIDDEN, WIDTH = 6, 96
"""Hidden layers, and units of each."""
DYING_SHARE, DYING_BIAS = 2 / 3, -8.0
"""How many units are pushed down, and how far, in standard deviations of what goes into a healthy one."""
SATURATING, EXPLODING, VANISHING = 12.0, 3.0, 0.2
"""By what the weights of a healthy network are multiplied."""


def conditioned(activation: str, condition: str, *, seed: int = 0) -> nn.Module:
    """Build a network of six hidden layers for the digits, in one condition. It is not trained.

    Healthy is data-dependent initialisation: weights from a normal distribution, scaled layer by layer so that what
    goes into the activation function has a standard deviation of 1 over 512 digits, and biases that centre every unit.
    The other conditions change one thing in it:

    - dying: two thirds of the units get a bias of -8;
    - saturated: the weights are multiplied by 12; of functions without two ends only those of the first layer, for else
      every layer would multiply once more;
    - exploding: the weights are multiplied by 3;
    - vanishing: the weights are multiplied by 0.2.

    Args:
        activation: One of `ACTIVATIONS`.
        condition: One of `CONDITIONS`.
        seed: Decides the weights and which units are pushed down.

    Returns:
        The network, float32 on the CPU whatever the defaults are, in eval mode. Not every function can be in every
        condition: a leaky ReLU does not die.

    Raises:
        InputError: There is no such activation function or condition.
        MissingExtraError: scikit-learn is not installed.

    Cost:
        Two passes over 512 digits: about 5 ms.

    Source:
        D. Mishkin, J. Matas, "All you need is a good init", 2016; P. Krähenbühl et al., "Data-dependent initializations
        of convolutional neural networks", 2016.
    """
    for what, name, known in (
        ("activation function", activation, ACTIVATIONS),
        ("condition", condition, CONDITIONS),
    ):
        if name not in known:
            parts = (f"There is no {what} {name!r}.", did_you_mean(name, known), f"Expected: {', '.join(known)}.")
            raise InputError(" ".join(one for one in parts if one))
    generator = torch.Generator().manual_seed(seed)
    with torch.device("cpu"):  # whatever the default is
        model = _built(activation, seed)
        with torch.no_grad():
            _initialize(model, digits(seed=0).train_x[:512].flatten(1), generator, _factors(activation, condition))
            if condition == "dying":
                for layer in _layers(model):
                    pushed = torch.rand(WIDTH, generator=generator, dtype=torch.float32) < DYING_SHARE
                    layer.bias[pushed] += DYING_BIAS
    return model


def _built(activation: str, seed: int) -> nn.Module:
    """Return the network with torch's own first weights, of which only those of the head are kept.

    Drawn in float32: in another default type the same seed would give other weights.
    """
    with torch.random.fork_rng(devices=[]):
        model = MLP((64, *[WIDTH] * HIDDEN, 10), activation).float()
        torch.manual_seed(seed)
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
    return model.eval().requires_grad_(True)


def _layers(model: nn.Module) -> list[nn.Linear]:
    return [model.get_submodule(f"hidden{index}.linear") for index in range(1, HIDDEN + 1)]  # pyright: ignore[reportReturnType] - hidden1, hidden2 ... are built by MLP


def _factors(activation: str, condition: str) -> list[float]:
    """Return by what the healthy weights of each layer are multiplied."""
    if condition == "saturated":
        return [SATURATING if not layer or activation in BOUNDED else 1.0 for layer in range(HIDDEN)]
    return [{"exploding": EXPLODING, "vanishing": VANISHING}.get(condition, 1.0)] * HIDDEN


def _initialize(model: nn.Module, samples: Tensor, generator: torch.Generator, factors: list[float]) -> None:
    """Draw weights whose scale is right for a healthy network, multiply them, and centre every unit."""
    healthy = sick = samples
    for index, (layer, factor) in enumerate(zip(_layers(model), factors, strict=True), start=1):
        function: Callable[[Tensor], Tensor] = model.get_submodule(f"hidden{index}.activation")
        layer.weight.normal_(generator=generator)
        sums = healthy @ layer.weight.T
        sums -= sums.mean(0)
        scale = sums.std()
        healthy = function(sums / scale)
        layer.weight.mul_(factor / scale)
        sums = sick @ layer.weight.T
        layer.bias.copy_(-sums.mean(0))
        sick = function(sums + layer.bias)


@cache
def pictures(count: int = 768) -> Tensor:
    """Return digits that the weights were not fitted to, [digit, 1, 8, 8]; nobody changes them in place."""
    with torch.device("cpu"):  # it is kept: not on a device that is the default for a while
        return digits(seed=0, train=1000, validation=797).validation_x[:count]
