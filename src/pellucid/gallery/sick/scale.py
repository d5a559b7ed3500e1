"""Faults of scale: signals and gradients that grow or fade with depth, and a head that starts wrong."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pellucid.gallery.models.parts import ACTIVATIONS, Stage
from pellucid.gallery.recipes import Trainee, seeded
from pellucid.gallery.sick.injection import (
    NOWHERE,
    Injection,
    bias_of,
    hidden_layers,
    rebuilt,
    weighted_layers,
    with_model,
)

HEADS = {"mlp": "head", "cnn": "head", "transformer": "head"}


class Repeated(nn.Module):
    """One stage applied many times, as a recurrent network does.

    Args:
        stage: what is repeated; its input and output have one shape.
        times: number of applications.
    """

    def __init__(self, stage: nn.Module, times: int) -> None:
        super().__init__()
        self.stage = stage
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        """Apply the stage again and again.

        Args:
            x: the first state.

        Returns:
            The last state, same shape.
        """
        for _ in range(self.times):
            x = self.stage(x)
        return x


def _chain(trainee: Trainee, depth: int, *, activation: str, scale: Callable[[Tensor], object]) -> Trainee:
    """Build a plain chain of hidden layers, which a transformer gets in front of its blocks."""
    if trainee.recipe.architecture != "transformer":
        trainee = rebuilt(trainee, activation=activation, depth=depth, norm="none")
        chain = hidden_layers(trainee)
    else:
        width = trainee.recipe.width
        with seeded(trainee.recipe.seed):
            stages = {
                f"layer{index}": Stage(linear=nn.Linear(width, width), activation=ACTIVATIONS[activation]())
                for index in range(1, depth + 1)
            }
        trunk = Stage(patch=trainee.model.get_submodule("embedding"), **stages)
        chain = weighted_layers(trunk)[1:]
        trainee.model.add_module("embedding", trunk)
    with torch.no_grad(), seeded(trainee.recipe.seed + 2):
        for layer in chain:
            scale(layer.weight)
            bias_of(layer).zero_()
    return with_model(trainee, trainee.model)


def _times(factor: float) -> Callable[[Tensor], object]:
    def scale(weight: Tensor) -> None:
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
        weight.mul_(factor)

    return scale


def _spread(gain: float) -> Callable[[Tensor], object]:
    def scale(weight: Tensor) -> None:
        # A 3 x 3 kernel on a 2 x 2 picture sees zeros beyond the border: only its centre and 3 more count.
        taps = 4 if weight.ndim > 2 else 1
        nn.init.normal_(weight, std=gain / (weight.shape[1] * taps) ** 0.5)

    return scale


def _gently(trainee: Trainee) -> Trainee:
    """Lower the learning rate, so that gradients that explode do not wreck the network and vanish."""
    return rebuilt(trainee, optimizer="adam", learning_rate=1e-3)


def _repeat(trainee: Trainee) -> Trainee:
    """Put a recurrent stage of too large a gain behind a hidden stage, or before the blocks."""
    trainee = _gently(trainee)
    architecture, width = trainee.recipe.architecture, trainee.recipe.width
    place = {"mlp": "hidden1", "cnn": "block2", "transformer": "embedding"}[architecture]
    with seeded(trainee.recipe.seed):
        convolution = architecture == "cnn"
        layer = nn.Conv2d(width, width, 3, padding=1) if convolution else nn.Linear(width, width)
        with torch.no_grad():
            _spread(3.0)(layer.weight)
    repeated = Repeated(Stage(layer=layer, activation=nn.Tanh()), 24)
    trainee.model.add_module(place, Stage(inner=trainee.model.get_submodule(place), repeated=repeated))
    return with_model(trainee, trainee.model)


def _epsilon(trainee: Trainee) -> Trainee:
    depth = 4 if trainee.recipe.architecture == "mlp" else trainee.recipe.depth
    trainee = rebuilt(trainee, norm="layer", depth=depth)
    for module in trainee.model.modules():
        if isinstance(module, nn.LayerNorm | nn.GroupNorm):
            module.eps = 1e4
    return trainee


def _scale_head(trainee: Trainee) -> Trainee:
    with torch.no_grad():
        weighted_layers(trainee.model.get_submodule("head"))[0].weight *= 40
    return trainee


def _bias_head(trainee: Trainee) -> Trainee:
    with torch.no_grad():
        bias_of(weighted_layers(trainee.model.get_submodule("head"))[0])[0] = 12.0
    return trainee


INJECTIONS = (
    Injection(
        name="activation-growth",
        intended=("activation-scale", "bad-start"),
        description="Five plain ReLU layers whose weights are 8 times too large.",
        where=NOWHERE,
        inject=lambda trainee: _chain(trainee, 5, activation="relu", scale=_times(8.0)),
    ),
    Injection(
        name="activation-decay",
        intended=("activation-scale", "vanishing-gradient"),
        description="Five plain ReLU layers whose weights are 20 times too small.",
        where=NOWHERE,
        inject=lambda trainee: _chain(trainee, 5, activation="relu", scale=_times(0.05)),
    ),
    Injection(
        name="vanishing-sigmoid",
        intended=("vanishing-gradient",),
        description="Twelve plain sigmoid layers (in front of a transformer's blocks).",
        where=NOWHERE,
        inject=lambda trainee: _chain(trainee, 12, activation="sigmoid", scale=_spread(1.0)),
    ),
    Injection(
        name="fading-tanh",
        intended=("activation-scale", "vanishing-gradient"),
        description="Sixteen plain tanh layers with weights of 0.3 times the right spread.",
        where=NOWHERE,
        inject=lambda trainee: _chain(trainee, 16, activation="tanh", scale=_spread(0.3)),
    ),
    Injection(
        name="exploding-tanh",
        intended=("exploding-gradient",),
        description="Twenty-four plain tanh layers in the chaotic regime (weights of 3.5 times the right spread).",
        where=NOWHERE,
        inject=lambda trainee: _chain(_gently(trainee), 24, activation="tanh", scale=_spread(3.5)),
    ),
    Injection(
        name="exploding-recurrence",
        intended=("exploding-gradient",),
        description="One tanh layer of gain 3 applied 24 times in a row.",
        where={"mlp": "hidden1", "cnn": "block2", "transformer": "embedding"},
        inject=_repeat,
    ),
    Injection(
        name="layer-norm-epsilon",
        intended=("activation-scale", "vanishing-gradient"),
        description="Layer norms with an epsilon of 10,000: each divides its signal by about 100.",
        where=NOWHERE,
        inject=_epsilon,
    ),
    Injection(
        name="large-head",
        intended=("bad-start",),
        description="The weights of the head start 40 times too large: confidently wrong from the first step.",
        where=HEADS,
        inject=_scale_head,
    ),
    Injection(
        name="biased-head",
        intended=("bad-start",),
        description="The head starts with a bias of 12 for one class.",
        where=HEADS,
        inject=_bias_head,
    ),
)
