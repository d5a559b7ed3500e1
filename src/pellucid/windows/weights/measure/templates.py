"""From a finished model to the rows of a dense layer as images."""

import time
from collections.abc import Sequence
from math import isqrt
from typing import Any

import torch
from torch import nn

from pellucid.core.errors import InputError
from pellucid.core.result import Provenance
from pellucid.methods.attribution.question import layer_named
from pellucid.methods.pictures import picture_shape, square_pictures
from pellucid.probe.address import Address, leaves_of
from pellucid.probe.guard import examined, refuse_complex, refuse_meta, refuse_uninitialized
from pellucid.probe.subject import Subject
from pellucid.windows.weights.result import Templates

_BEFORE_IT_IS_AN_IMAGE = (nn.Flatten, nn.Identity, nn.Dropout, nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)


def templates(model: nn.Module | Subject, at: Address | None = None, shape: Sequence[int] | None = None) -> Templates:
    """Show the rows of a dense layer as images of what it is given: what each unit is on the look-out for.

    Args:
        model: A model, or a subject, whose class names are used where there is one for each unit.
        at: The dense layer: a name or a module; None for the first that is registered.
        shape: (channels, rows, columns) or (rows, columns) of what the layer is given; None to tell it from the number
            of its inputs, which is done for the first layer of a model alone: a square of one or three channels.

    Returns:
        The rows, raw.

    Raises:
        AddressError: There is no such layer.
        InputError: It is no dense layer, its inputs are no such image, or its weights are complex or on the meta
            device.

    Cost:
        One reading of the weights; no forward pass.
    """
    subject, begun = Subject.of(model), time.perf_counter()
    refuse_uninitialized(subject.model)
    name, module = _dense(subject.model, at)
    fitting = _shape(subject.model, name, module.in_features, shape)
    with examined(subject.model), torch.no_grad():  # a parametrization in train mode would change what it holds
        refuse_meta([(f"{name}.weight", module.weight)])
        refuse_complex([(f"{name}.weight", module.weight)], "no templates can be shown")
        weight = module.weight.detach().cpu()
        held: Any = module.bias  # the annotation of torch leaves out that it may be None
        bias = torch.zeros(len(weight), dtype=torch.float32, device="cpu") if held is None else held.detach().cpu()
        wide = torch.promote_types(weight.dtype, torch.float32)
        images = weight.to(wide).reshape(-1, *fitting).numpy().copy()
        biases = bias.to(wide).numpy().copy()
    names = subject.class_names or ()
    return Templates(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
            seconds=time.perf_counter() - begun,
        ),
        layer=name,
        images=images,
        biases=biases,
        inferred=shape is None,
        unit_names=tuple(names) if len(names) == len(images) else (),
    )


def _dense(model: nn.Module, at: Address | None) -> tuple[str, nn.Linear]:
    if at is not None:
        name, module = layer_named(model, at)
        if isinstance(module, nn.Linear):
            return name, module
        raise InputError(
            f"The layer {name!r} is a {type(module).__name__}, and templates are rows of a dense layer (nn.Linear)."
        )
    found = next(((name, one) for name, one in leaves_of(model).items() if isinstance(one, nn.Linear)), None)
    if found is None:
        raise InputError(
            f"{type(model).__name__} has no dense layer (nn.Linear). Show convolutions with pel.weights.filters(model)."
        )
    return found


def _shape(model: nn.Module, name: str, inputs: int, shape: Sequence[int] | None) -> tuple[int, int, int]:
    """Return channels, rows and columns of what a layer is given."""
    if shape is not None:
        return picture_shape(shape, inputs, f"{name!r} is given")
    fits = square_pictures(inputs)
    before = next(
        (one for one, module in leaves_of(model).items() if not isinstance(module, _BEFORE_IT_IS_AN_IMAGE)), name
    )
    if before != name:
        raise InputError(
            f"{name!r} is not the first layer of {type(model).__name__}: what it is given comes from {before!r} and "
            f"need be no image. Give the shape of what it is given: shape=(channels, rows, columns) of {inputs} values."
        )
    if not fits:
        raise InputError(
            f"{name!r} is given {inputs} values, which are no square image of 1 or 3 channels. Give the shape: "
            f"shape=(channels, rows, columns), such as {_example(inputs)}."
        )
    return fits[0]


def _example(inputs: int) -> str:
    rows = max(one for one in range(1, isqrt(inputs) + 1) if inputs % one == 0)
    return str((1, rows, inputs // rows))
