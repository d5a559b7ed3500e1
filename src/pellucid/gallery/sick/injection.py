"""What a fault injection is, and the few things that all of them do."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import nn

from pellucid.core.errors import InputError
from pellucid.gallery.recipes import Trainee, build, build_optimizer

STAGES: Mapping[str, str] = MappingProxyType({"mlp": "hidden1", "cnn": "block2", "transformer": "block1.mlp"})
"""The hidden stage of each architecture at which faults of a single layer are put."""

NOWHERE: Mapping[str, str | None] = MappingProxyType({"mlp": None, "cnn": None, "transformer": None})
"""Places of a fault that is in no single layer."""


@dataclass(frozen=True, kw_only=True)
class Injection:
    """A fault that can be put into a healthy run.

    Attributes:
        name: the key in `INJECTIONS`.
        intended: diagnoses that name this fault rightly; the first is the closest.
        description: what is done, in one sentence.
        where: architectures that can have the fault, each with the layer at fault (a finding there or
            in a child of it is in the right place), or None where no single layer is at fault.
        inject: makes the sick run out of a copy of the healthy one.
    """

    name: str
    intended: tuple[str, ...]
    description: str
    where: Mapping[str, str | None]
    inject: Callable[[Trainee], Trainee]

    def apply(self, trainee: Trainee) -> Trainee:
        """Make a sick run out of a healthy one, which stays as it is.

        Args:
            trainee: a run that has not been trained.

        Returns:
            The sick run, named `architecture/fault`.

        Raises:
            InputError: the architecture cannot have this fault.
        """
        architecture = trainee.recipe.architecture
        if architecture not in self.where:
            able = ", ".join(repr(one) for one in self.where)
            msg = f"The fault {self.name!r} cannot be put into architecture {architecture!r}. Use one of {able}."
            raise InputError(msg)
        sick = self.inject(with_model(trainee, deepcopy(trainee.model)))
        return replace(sick, name=f"{architecture}/{self.name}")


def with_model(trainee: Trainee, model: nn.Module) -> Trainee:
    """Give a run another network, and an optimizer over it.

    Args:
        trainee: the run.
        model: its new network.

    Returns:
        The changed run.
    """
    optimizer = build_optimizer(trainee.recipe, model.parameters())
    return replace(trainee, model=model, optimizer=optimizer)


def rebuilt(trainee: Trainee, **changes: Any) -> Trainee:
    """Build a run anew from its recipe with some entries changed.

    Args:
        trainee: the run.
        **changes: fields of the recipe.

    Returns:
        The new run.
    """
    return build(replace(trainee.recipe, **changes))


def stage_of(trainee: Trainee) -> nn.Module:
    """Find the hidden stage at which faults of a single layer are put.

    Args:
        trainee: the run.

    Returns:
        The stage: a weighted layer, its activation and what belongs to them.
    """
    return trainee.model.get_submodule(STAGES[trainee.recipe.architecture])


def weighted_layers(module: nn.Module) -> list[nn.Linear | nn.Conv2d]:
    """List the dense and convolution layers of a module.

    Args:
        module: any module.

    Returns:
        The layers, in the order in which they were made.
    """
    return [part for part in module.modules() if isinstance(part, nn.Linear | nn.Conv2d)]


def bias_of(layer: nn.Linear | nn.Conv2d) -> torch.Tensor:
    """Give the bias of a layer of the gallery, which always has one.

    Args:
        layer: the layer.

    Returns:
        The bias, a live parameter.
    """
    return cast("torch.Tensor", layer.bias)


def hidden_layers(trainee: Trainee) -> list[nn.Linear | nn.Conv2d]:
    """List the dense and convolution layers of a run's network, without the head.

    Args:
        trainee: the run.

    Returns:
        The layers, in order.
    """
    return [layer for layer in weighted_layers(trainee.model) if layer is not trainee.model.get_submodule("head")]
