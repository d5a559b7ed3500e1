"""From a finished model to the filters of a convolution."""

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.core.progress import Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.attribution.question import layer_named
from pellucid.methods.exciting import Exciting, exciting, stopped_after
from pellucid.probe.address import Address, leaves_of
from pellucid.probe.guard import examined, refuse_complex, refuse_meta
from pellucid.probe.subject import Subject
from pellucid.windows.weights.result import Filters

Array = NDArray[Any]
MOST_PATCHES = 64
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
_ROWS = 512


def filters(
    model: nn.Module | Subject, at: Address | None = None, data: Any = None, *, progress: Progress = None
) -> Filters:
    """Show the filters of a convolution, and the part of the data that excites each of them most.

    Ctrl-C ends it and returns what excites the filters in the batches that were done, which a finding says.

    Args:
        model: A model, or a subject, whose normalization is used to show the data as it was.
        at: The convolution: a name or a module; None for the first that is registered. It may be of one, two or three
            dimensions, grouped, depthwise or transposed.
        data: A loader of batches, or one batch, with or without targets; None for weights alone. What a filter looks
            like is a guess at what it does until it is seen what excites it.
        progress: None for a line on stderr where it takes longer than two seconds, False for silence, or a function
            that is called with the batches done and those in all, 0 where the loader has no length.

    Returns:
        The weights, raw, with the filter nearest to each. It judges itself (`findings`) and draws itself (`figure()`).

    Raises:
        AddressError: There is no such layer.
        InputError: It is no convolution, the model has none, a lazy module has not been run yet, or the weights are
            complex or on the meta device.

    Cost:
        Each filter is compared with every other, in float64; with data one forward pass up to the layer over it.
    """
    subject, begun = Subject.of(model), time.perf_counter()
    name, module = _convolution(subject.model, at)
    with examined(subject.model), torch.no_grad():  # a parametrization in train mode would change what it holds
        kept: Any = module.weight
        refuse_meta([(f"{name}.weight", kept)])
        refuse_complex([(f"{name}.weight", kept)], "no filters can be shown")
        weights = _in_order(module, kept.detach())
        found = _array(weights)
        factors, shifts, norm_layer = _factors(subject.model, name, len(weights))
    flat = weights.flatten(1).to(device="cpu", dtype=torch.float64)
    partners, cosines = _partners(flat, module.groups)
    with telling("filters", progress):
        excited = None if data is None else _excited(subject, name, data, len(weights))
    return Filters(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
            samples=0 if excited is None else excited.samples,
            passes=0 if excited is None else excited.passes,
            seconds=time.perf_counter() - begun,
            stopped=stopped_after(excited),
        ),
        layer=name,
        module=type(module).__name__,
        weights=found,
        groups=module.groups,
        norms=flat.norm(dim=1).numpy(),
        factors=factors,
        norm_layer=norm_layer,
        partners=partners,
        cosines=cosines,
        masked=hasattr(module, "weight_mask"),
        exciting=excited,
        normalization=subject.normalization,
        shifts=shifts,
    )


def _convolution(model: nn.Module, at: Address | None) -> tuple[str, Any]:
    if at is not None:
        name, module = layer_named(model, at)
        if isinstance(module, (*_CONVOLUTIONS, *_TRANSPOSED)):
            return name, module
        dense = isinstance(module, nn.Linear)
        instead = f"Show its rows with pel.weights.templates(model, {name!r})." if dense else "Name a convolution."
        raise InputError(
            f"The layer {name!r} is a {type(module).__name__}, and filters are those of a convolution. {instead}"
        )
    leaves = leaves_of(model).items()
    found = next(((name, one) for name, one in leaves if isinstance(one, (*_CONVOLUTIONS, *_TRANSPOSED))), None)
    if found is None:
        raise InputError(
            f"{type(model).__name__} has no convolution, so that there are no filters to show. Show the rows of a "
            "dense layer with pel.weights.templates(model)."
        )
    return found


def _in_order(module: Any, weight: Tensor) -> Tensor:
    """Return weights as [filter, channel of its group, ...space]."""
    if not isinstance(module, _TRANSPOSED):
        return weight
    divided = weight.reshape(module.groups, weight.shape[0] // module.groups, *weight.shape[1:])
    return divided.transpose(1, 2).flatten(0, 1)


def _factors(model: nn.Module, name: str, count: int) -> tuple[Array, Array, str]:
    """Return what the batch norm that is registered next multiplies each filter with, what it adds, and its name."""
    leaves = list(leaves_of(model).items())
    behind = leaves[[one for one, _ in leaves].index(name) + 1 :]
    if not behind or not isinstance(behind[0][1], _NORMS):
        return np.ones(count), np.zeros(count), ""
    norm: Any = behind[0][1]
    if norm.num_features != count or norm.running_var is None:
        return np.ones(count), np.zeros(count), ""
    scale = torch.ones(count, dtype=torch.float32, device="cpu") if norm.weight is None else norm.weight.detach()
    factors = scale.double().cpu() / (norm.running_var.double().cpu() + norm.eps).sqrt()
    added = torch.zeros_like(factors) if norm.bias is None else norm.bias.detach().double().cpu()
    return factors.numpy(), (added - norm.running_mean.double().cpu() * factors).numpy(), behind[0][0]


def _partners(flat: Tensor, groups: int) -> tuple[Array, Array]:
    """Return for each filter the other of its group that points most nearly the same way, and the cosine."""
    count = len(flat)
    partners, cosines = np.full(count, -1, dtype=np.int64), np.full(count, np.nan)
    # The largest value first: squares of tiny filters would be 0.
    largest = flat.abs().amax(1, keepdim=True) if flat.shape[1] else flat.new_zeros(count, 1)
    sound = (torch.isfinite(flat).all(1) & (largest[:, 0] > 0)).nonzero()[:, 0]
    each = count // groups
    directions = nn.functional.normalize(flat / torch.where(largest > 0, largest, 1.0), dim=1)
    for begin in range(0, count, each):
        own = sound[(sound >= begin) & (sound < begin + each)]
        if len(own) < 2:
            continue
        for rows in own.split(_ROWS):
            cosine = directions[rows] @ directions[own].T
            cosine[rows[:, None] == own[None]] = -torch.inf
            best, place = cosine.max(1)
            partners[rows.numpy()], cosines[rows.numpy()] = own[place].numpy(), best.clamp(-1, 1).numpy()
    return partners, cosines


def _excited(subject: Subject, name: str, data: Any, count: int) -> Exciting:
    return exciting(subject.model, data, name, channels=range(min(count, MOST_PATCHES)))


def _array(tensor: Tensor) -> Array:
    plain = tensor.cpu()
    return (plain.float() if plain.element_size() < 4 else plain).numpy().copy()
