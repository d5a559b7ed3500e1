"""Faults of the training step: its size, its sign, and what it reaches."""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn

from pellucid.gallery.recipes import Trainee, build_optimizer
from pellucid.gallery.sick.injection import (
    NOWHERE,
    STAGES,
    Injection,
    rebuilt,
    stage_of,
    weighted_layers,
    with_model,
)

KICKED_AT = 100
"""Step before which the weights are kicked, from 0."""


class Detached(nn.Module):
    """Cuts the gradient behind a module.

    Args:
        inner: the module that no gradient shall reach.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """Run the module and forget how.

        Args:
            x: its input.

        Returns:
            Its output, detached.
        """
        return self.inner(x).detach()


def _leave_out(trainee: Trainee) -> Trainee:
    chosen = set(stage_of(trainee).parameters())
    others = (parameter for parameter in trainee.model.parameters() if parameter not in chosen)
    return replace(trainee, optimizer=build_optimizer(trainee.recipe, others))


DETACHED = {"mlp": "hidden1", "cnn": "block1", "transformer": "embedding"}


def _detach(trainee: Trainee) -> Trainee:
    place = DETACHED[trainee.recipe.architecture]
    trainee.model.add_module(place, Detached(trainee.model.get_submodule(place)))
    return with_model(trainee, trainee.model)


def _optimize_copy(trainee: Trainee) -> Trainee:
    return replace(trainee, optimizer=build_optimizer(trainee.recipe, deepcopy(trainee.model).parameters()))


def _accumulate(trainee: Trainee) -> Trainee:
    rate = 0.005 if trainee.recipe.architecture == "transformer" else 0.05
    trainee = rebuilt(trainee, optimizer="sgd", learning_rate=rate)
    return replace(trainee, zero_gradients=False)


def _ascend(trainee: Trainee) -> Trainee:
    for group in trainee.optimizer.param_groups:
        group["maximize"] = True
    return trainee


def _kick(trainee: Trainee) -> Trainee:
    generator = torch.Generator().manual_seed(trainee.recipe.seed)

    def kick(model: nn.Module, step: int) -> None:
        if step != KICKED_AT:
            return
        with torch.no_grad():
            for layer in weighted_layers(model):
                size = layer.weight.square().mean().sqrt()
                layer.weight += 6 * size * torch.randn(layer.weight.shape, generator=generator)

    return replace(trainee, before_step=kick)


INJECTIONS = (
    Injection(
        name="rate-0.5",
        intended=("update-too-large",),
        description="Adam with a learning rate of 0.5.",
        where=NOWHERE,
        inject=lambda trainee: rebuilt(trainee, optimizer="adam", learning_rate=0.5),
    ),
    Injection(
        name="rate-5",
        intended=("update-too-large", "diverging", "non-finite"),
        description="Adam with a learning rate of 5.",
        where=NOWHERE,
        inject=lambda trainee: rebuilt(trainee, optimizer="adam", learning_rate=5.0),
    ),
    Injection(
        name="rate-1e-8",
        intended=("update-too-small",),
        description="A learning rate of 1e-8.",
        where=NOWHERE,
        inject=lambda trainee: rebuilt(trainee, learning_rate=1e-8),
    ),
    Injection(
        name="left-out-of-optimizer",
        intended=("frozen",),
        description="The parameters of one stage were never given to the optimizer.",
        where=STAGES,
        inject=_leave_out,
    ),
    Injection(
        name="detached",
        intended=("frozen",),
        description="The forward pass detaches the output of the first stage: no gradient reaches it.",
        where=DETACHED,
        inject=_detach,
    ),
    Injection(
        name="optimizer-of-a-copy",
        intended=("frozen",),
        description="The optimizer was made over a copy of the network: nothing changes.",
        where=NOWHERE,
        inject=_optimize_copy,
    ),
    Injection(
        name="no-zero-grad",
        intended=("gradients-not-cleared",),
        description="Gradients are never cleared, so each step adds all earlier ones (SGD).",
        where=NOWHERE,
        inject=_accumulate,
    ),
    Injection(
        name="gradient-ascent",
        intended=("diverging",),
        description="The optimizer maximizes the loss.",
        where=NOWHERE,
        inject=_ascend,
    ),
    Injection(
        name="weight-kick",
        intended=("loss-spike",),
        description="Before step 100 noise of 6 times their size is added to the weights.",
        where=NOWHERE,
        inject=_kick,
    ),
)
