"""Faults of units: dead, saturated, all alike, or blind to the sample."""

import torch
from torch import Tensor, nn

from pellucid.gallery.models.parts import Stage
from pellucid.gallery.recipes import Trainee
from pellucid.gallery.sick.injection import (
    NOWHERE,
    STAGES,
    Injection,
    bias_of,
    hidden_layers,
    rebuilt,
    stage_of,
    weighted_layers,
    with_model,
)


class BatchAverage(nn.Module):
    """Averages over the samples, where an average over something else was meant."""

    def forward(self, x: Tensor) -> Tensor:
        """Give every sample the mean of the batch.

        Args:
            x: anything with samples along the first axis.

        Returns:
            The mean, repeated, same shape.
        """
        return x.mean(0, keepdim=True).expand_as(x)


def _dying_by_bias(trainee: Trainee) -> Trainee:
    trainee = rebuilt(trainee, activation="relu")
    bias = bias_of(weighted_layers(stage_of(trainee))[0])
    with torch.no_grad():
        bias[: int(0.75 * len(bias))] = -8.0 if trainee.recipe.architecture != "cnn" else -30.0
    return trainee


def _dying_by_rate(trainee: Trainee) -> Trainee:
    return rebuilt(trainee, activation="relu", optimizer="sgd", learning_rate=0.6)


def _saturate(trainee: Trainee, activation: str) -> Trainee:
    trainee = rebuilt(trainee, activation=activation, initialization="xavier")
    with torch.no_grad():
        weighted_layers(stage_of(trainee))[0].weight *= 25 if activation == "tanh" else 50
    return trainee


def _constant(trainee: Trainee, value: float) -> Trainee:
    with torch.no_grad():
        for layer in weighted_layers(trainee.model):
            layer.weight.fill_(value)
            bias_of(layer).zero_()
    return trainee


def _zero(trainee: Trainee) -> Trainee:
    with torch.no_grad():
        for layer in hidden_layers(trainee):
            layer.weight.zero_()
            bias_of(layer).zero_()
    return trainee


def _average_batch(trainee: Trainee) -> Trainee:
    name = AVERAGED[trainee.recipe.architecture]
    parent, _, child = name.rpartition(".")
    healthy = trainee.model.get_submodule(name)
    setattr(trainee.model.get_submodule(parent), child, Stage(inner=healthy, average=BatchAverage()))
    return with_model(trainee, trainee.model)


AVERAGED = {"mlp": "hidden2", "cnn": "dense", "transformer": "norm"}

INJECTIONS = (
    Injection(
        name="dying-relu-bias",
        intended=("dying-relu",),
        description="A bias of -8 (convolution: -30) on three quarters of the units of one ReLU layer.",
        where=STAGES,
        inject=_dying_by_bias,
    ),
    Injection(
        name="dying-relu-rate",
        intended=("dying-relu", "update-too-large"),
        description="SGD with momentum at a learning rate of 0.6 kills most ReLU units in the first steps.",
        where={"mlp": None, "cnn": None},  # a transformer's norms keep its units alive, or it overflows
        inject=_dying_by_rate,
    ),
    Injection(
        name="saturated-tanh",
        intended=("saturation",),
        description="The weights of one tanh layer are 25 times too large.",
        where=STAGES,
        inject=lambda trainee: _saturate(trainee, "tanh"),
    ),
    Injection(
        name="saturated-sigmoid",
        intended=("saturation",),
        description="The weights of one sigmoid layer are 50 times too large.",
        where=STAGES,
        inject=lambda trainee: _saturate(trainee, "sigmoid"),
    ),
    Injection(
        name="constant-weights",
        intended=("symmetric-units",),
        description="Every weight starts at 0.02, so that the units of a layer are copies of one another.",
        where=NOWHERE,
        inject=lambda trainee: _constant(trainee, 0.02),
    ),
    Injection(
        name="zero-weights",
        intended=("symmetric-units", "frozen"),
        description="Every hidden weight starts at 0, so that no gradient reaches any of them.",
        where=NOWHERE,
        inject=_zero,
    ),
    Injection(
        name="batch-average",
        intended=("collapse",),
        description="A layer averages over the samples instead of over positions: all samples look alike.",
        where=AVERAGED,
        inject=_average_batch,
    ),
)
