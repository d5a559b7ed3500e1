"""From a finished model and one example to what each channel of a layer makes of it."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import whole
from pellucid.core.errors import InputError
from pellucid.core.progress import Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.attribution.nest import picture_in, rows_of, tensors
from pellucid.methods.exciting import exciting, stopped_after
from pellucid.methods.field import Field, field_of
from pellucid.methods.prefix import Prefix
from pellucid.probe.address import Address
from pellucid.probe.subject import Subject, batch_size, device_of, no_examples, split, to_device
from pellucid.windows.activations.result import FeatureMaps

Array = NDArray[Any]
MOST_PATCHES = 64


def feature_maps(
    model: nn.Module | Subject,
    x: Any,
    at: Address,
    data: Any = None,
    *,
    example: int = 0,
    progress: Progress = None,
) -> FeatureMaps:
    """Show what each channel of a layer puts out for one example, and what excites it most over the data.

    The model runs in eval mode, up to the layer, and is afterwards as it was, bit for bit. Ctrl-C ends it and returns
    what excites the channels in the batches that were done, which a finding says.

    Args:
        model: A model, or a subject, whose normalization is used to show examples as they were.
        x: A batch, with or without targets, of which one example is looked at.
        at: The layer: a name, a module, or a name with the number of the call, such as "act#2".
        data: A loader of batches, or one batch; None for the one example alone. Channels are called dead on 512
            examples or more.
        example: Which of the batch.
        progress: None for a line on stderr where it takes longer than two seconds, False for silence, or a function
            that is called with the batches done and those in all, 0 where the loader has no length.

    Returns:
        The maps, raw, with the channels' order. It judges itself (`findings`) and draws itself (`figure()`).

    Raises:
        AddressError: There is no such layer.
        InputError: There is no such example, or the layer's output has no axis of channels.
        CaptureError: The layer did not run.

    Cost:
        One forward pass up to the layer, and one over as many examples as the input has rows and columns, to measure
        what a place sees; with data one pass over it besides.
    """
    subject, begun = Subject.of(model), time.perf_counter()
    inputs = split(x)[0]
    count = batch_size(inputs)
    if count == 0:
        raise no_examples([inputs])
    example = whole("example", example, 0, count - 1, f"the batch holds {count}")
    one = rows_of(inputs, torch.tensor([example], device="cpu"), count)
    prefix = Prefix(subject.model, at)
    with prefix.asked(), torch.no_grad(), _hinted(inputs):
        here = _here(prefix, to_device(one, device_of(prefix.model)))
    most_active = here.order[:MOST_PATCHES].tolist()
    with telling("feature_maps", progress):
        excited = (
            None if data is None else exciting(subject.model, data, prefix.name, channels=most_active, field=here.field)
        )
    return FeatureMaps(
        provenance=Provenance(
            model=f"{subject.title} {sum(each.numel() for each in subject.model.parameters()):,} parameters",
            samples=1 if excited is None else excited.samples,
            passes=here.passes + (0 if excited is None else excited.passes),
            seconds=time.perf_counter() - begun,
            stopped=stopped_after(excited),
        ),
        layer=prefix.name,
        module=type(prefix.module).__name__,
        maps=here.maps,
        order=here.order,
        given=here.given,
        boxes=here.boxes,
        field=here.field.how,
        exciting=excited,
        normalization=subject.normalization,
    )


@contextmanager
def _hinted(inputs: Any) -> Generator[None, None, None]:
    """Add to what is raised meanwhile what to do where one picture came and not a batch."""
    try:
        yield
    except Exception as error:
        if isinstance(inputs, Tensor) and inputs.ndim == 3:
            shape = tuple(inputs.shape)
            error.add_note(f"x of shape {shape} is a batch of {shape[0]} examples. Give x[None] if it is one picture.")
        raise


@dataclass(frozen=True, kw_only=True)
class _Here:
    """What the layer makes of the one example; see `FeatureMaps`."""

    maps: Array
    order: Array
    given: Array
    boxes: Array
    field: Field
    passes: int


def _here(prefix: Prefix, inputs: Any) -> _Here:
    output = prefix.run(inputs)
    path = picture_in(inputs, 1)
    given = dict(tensors(inputs))[path]
    axis = prefix.unit_axis(inputs, output, tuple(given.shape[2:]))
    if len(output) != 1:
        raise InputError(
            f"The layer {prefix.name!r} returned a tensor of shape {tuple(output.shape)} for 1 example, and its first "
            "axis must number them. Name another layer."
        )
    maps = array(output.movedim(axis, 1)[0])
    field = field_of(prefix, inputs, path, axis=axis)
    flat = maps.reshape(len(maps), -1)
    places = np.argmax(np.where(np.isfinite(flat), flat, -np.inf), axis=1)
    corners = np.array([field.corner(channel, int(one)) for channel, one in enumerate(places)], dtype=np.int64)
    strength = np.abs(np.where(np.isfinite(flat), flat, 0).astype(np.float64)).mean(axis=1)
    return _Here(
        maps=maps,
        order=np.argsort(-strength, kind="stable").astype(np.int64),
        given=array(given[0]),
        boxes=np.stack([corners, corners + np.array(field.window)], axis=-1),
        field=field,
        passes=1 + field.passes,
    )


def array(tensor: Tensor) -> Array:
    """Return a tensor as an array, float32 at least where it holds real numbers."""
    plain = tensor.detach().cpu()
    return (plain.float() if plain.is_floating_point() and plain.element_size() < 4 else plain).numpy().copy()
