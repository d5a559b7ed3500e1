"""Exciting: the examples, and the places in them, that excite each channel of a layer most."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.attribution.memory import Chunks
from pellucid.methods.attribution.nest import rebuilt, tensors
from pellucid.methods.field import Field, field_of, whole
from pellucid.methods.prefix import Prefix
from pellucid.probe.address import Address
from pellucid.probe.subject import batch_size, device_of, no_examples, split, to_device

Array = NDArray[Any]
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Exciting:
    """What excites each channel of a layer most, over all the examples that were looked at.

    An example counts once for a channel, with its best place. The best comes first; of equals the earlier one. Where
    there are fewer examples than asked for, values are NaN, examples and labels -1.

    Attributes:
        layer: Dotted name, with "#2" for a second call.
        kind: Type of the layer.
        shape: Of what the layer puts out for one example, channels first: (channels, rows, columns).
        channels: Numbers of the channels below, [channel].
        values: What the layer put out there, [channel, most].
        examples: Number of the example, in the order in which the data came, [channel, most].
        labels: Its target where that is one whole number an example; -1 where it is not, [channel, most].
        places: Where in the output, [channel, most, axis of space]; without such axes [channel, most, 0].
        boxes: What the place sees of the input, first and behind the last along each axis of an example, [channel,
            most, axis, 2]; below 0 or beyond the end where it reaches over the border.
        patches: That part of the example, [channel, most, ...]; NaN beyond the border. [channel, most, 0] without.
        field: How it is known what a place sees: "measured", "whole" (it is all of the input), or "unknown" (it could
            not be measured, and is taken to be all of the input).
        path: Which input the boxes and patches are of, such as "[0]" or ".pixels"; "" for a tensor alone.
        highest: Largest finite value of each channel of the layer, also those that were not asked for, [all channels].
        lowest: Smallest one, [all channels].
        active: Share of the examples on which some place of the channel is not 0, 0 to 1, [all channels].
        broken: Values that are NaN or infinite, [all channels]; they excite nothing.
        samples: Examples that were looked at.
        positions: Places that were looked at in each channel, of all examples.
        passes: Examples that were run up to the layer, those for the field included.
    """

    layer: str
    kind: str
    shape: tuple[int, ...]
    channels: Array
    values: Array
    examples: Array
    labels: Array
    places: Array
    boxes: Array
    patches: Array
    field: str
    path: str
    highest: Array
    lowest: Array
    active: Array
    broken: Array
    samples: int
    positions: int
    passes: int


def exciting(
    model: nn.Module,
    data: Any,
    at: Address,
    *,
    most: int = 1,
    channels: Sequence[int] | None = None,
    patches: bool = True,
    field: Field | None = None,
) -> Exciting:
    """Find the examples, and the places in them, that excite each channel of a layer most.

    The data are gone through once, and only the best are kept, with what their place sees of the input. That part is
    measured (`methods.field`), so that it is right for padding, strides, dilation, pooling and skip connections; of a
    unit behind global pooling, attention or a dense layer it is the whole input. Norms over the whole image are left
    out of this measurement. The model runs in eval mode, up to the layer, and is afterwards as it was.

    Args:
        model: Any module, wrapped or not.
        data: A loader or any other iterable of batches, with or without targets; or one batch.
        at: The layer: a name, a module, or a name with the number of the call, such as "act#2".
        most: How many examples to keep for each channel, 1 or more.
        channels: Numbers of the channels to look at; None for all.
        patches: Whether to keep what the places see.
        field: What the places of this layer see, where that was measured before; None to measure it.

    Returns:
        The best `most` of each channel.

    Raises:
        AddressError: There is no such layer.
        InputError: There is no example; the number of a channel does not exist; or the patches would take more
            than 1 GiB.
        CaptureError: The layer did not run.

    Cost:
        One forward pass up to the layer over the data, and one over as many examples as an input has rows and columns;
        memory for channels x most patches. Ctrl-C ends it, and nothing is kept.

    Source:
        Zeiler and Fergus 2014 (strongest activations and the patches that cause them); the measurement: ours.
    """
    if most < 1:
        raise InputError(f"most is {most}; expected 1 or more.")
    prefix = Prefix(model, at)
    with prefix.asked(), torch.no_grad():
        search = _Search(prefix, most, channels, patches=patches)
        if field is not None:
            search.know(field)
        empty: list[Any] = []
        for batch in batches_of(data):
            if batch_size(batch):
                search.add(batch)
            else:
                empty.append(batch)
        if not search.samples:
            raise no_examples(empty)
    return search.found()


def batches_of(data: Any) -> Iterable[Any]:
    """Return batches from what was given as data.

    Args:
        data: A tensor or a mapping is one batch, and so are a tuple, and a list of tensors as loaders make it for
            (input, target). Tensors that are alike, as `x.split(64)` makes them, are batches, and so is whatever else
            can be iterated.

    Raises:
        InputError: It cannot be iterated.
    """
    if isinstance(data, Tensor | Mapping):
        return (cast("Any", data),)
    if isinstance(data, tuple | list):
        parts = cast("tuple[Any, ...] | list[Any]", data)
        tensors_only = len(parts) > 0 and all(isinstance(one, Tensor) for one in parts)
        if (
            tensors_only
            and min(one.ndim for one in parts) > 1
            and len({(one.dtype, one.shape[1:]) for one in parts}) == 1
        ):
            return parts
        return (parts,) if tensors_only or isinstance(data, tuple) else parts
    if not isinstance(data, Iterable):
        raise InputError(
            f"Data of type {type(data).__name__} came; expected a batch, or a loader or list of batches. Give a "
            "torch.utils.data.DataLoader, or [x1, x2, ...]."
        )
    return cast("Iterable[Any]", data)


@dataclass(frozen=True, kw_only=True)
class _Best:
    """The best so far; see `Exciting`. Places are numbers here, row by row."""

    values: Tensor
    examples: Tensor
    labels: Tensor
    places: Tensor


class _Search:
    """Goes through batches and keeps the best."""

    def __init__(self, prefix: Prefix, most: int, channels: Sequence[int] | None, *, patches: bool) -> None:
        self._prefix, self._most, self._wanted, self._patched = prefix, most, channels, patches
        self._fields: dict[tuple[int, ...], Field] = {}
        self._axis = 1
        self.samples, self._positions, self._passes = 0, 0, 0

    def know(self, field: Field) -> None:
        """Take what was measured before of examples of one shape."""
        self._fields[field.shape] = field

    def add(self, batch: Any) -> None:
        """Look at one batch."""
        given, target = split(batch)
        inputs = to_device(given, device_of(self._prefix.model))
        count = batch_size(inputs)
        labels = _labels(target, count)
        path = picture_in(inputs, count)

        def work(rows: Tensor) -> None:
            some = inputs if len(rows) == count else rows_of(inputs, rows, count)
            self._look(some, path, labels[rows])

        Chunks(count).each(count, work)

    def _look(self, inputs: Any, path: str, labels: Tensor) -> None:
        output = self._prefix.run(inputs)
        images = dict(tensors(inputs))[path]
        if not self.samples:
            self._begin(inputs, images, output, path)
        if len(output) != len(labels):
            raise InputError(
                f"The layer {self._prefix.name!r} returned a tensor of shape {tuple(output.shape)} for {len(labels)} "
                "examples, and its first axis must number them. Name another layer."
            )
        moved = output.movedim(self._axis, 1)
        field = self._field(inputs, images, moved)
        flat = moved.flatten(2) if moved.ndim > 2 else moved[:, :, None]
        flat = flat.float() if flat.element_size() < 4 else flat
        if flat.shape[1] != len(self._highest):
            raise InputError(
                f"The layer {self._prefix.name!r} has {flat.shape[1]} channels for a batch, and {len(self._highest)} "
                "for those before. Name a layer whose channels do not depend on the size of its input."
            )
        finite = torch.isfinite(flat)
        self._count(flat, finite)
        best = torch.where(finite, flat, -torch.inf)[:, self._channels.to(flat.device)]
        places = best.argmax(2)
        values = best.gather(2, places[:, :, None])[:, :, 0]
        self._merge(values.cpu(), places.cpu(), labels, images, field)
        self.samples += len(labels)
        self._positions += len(labels) * flat.shape[2]
        self._passes += len(labels)

    def _begin(self, inputs: Any, images: Tensor, output: Tensor, path: str) -> None:
        """Settle what the first batch tells: where the channels are, how many, and how large a patch is."""
        self._axis = self._prefix.unit_axis(inputs, output, tuple(images.shape[2:]))
        moved = output.movedim(self._axis, 1)
        self._space, self._path = tuple(moved.shape[2:]), path
        total = moved.shape[1]
        self._channels = _channels(self._wanted, total, self._prefix.name)
        count, most = len(self._channels), self._most
        self._window = self._field(inputs, images, moved).window if self._patched else (0,)
        size = count * most * int(np.prod(self._window)) * images.element_size()
        if size > _MOST_BYTES:
            raise InputError(
                f"{count} channels x {most} patches of {' x '.join(map(str, self._window))} values would take "
                f"{size / 2**30:.1f} GiB. Name fewer with channels=, lower most=, or leave them out with patches=False."
            )
        whole_numbers = torch.full((count, most), -1)
        values = torch.full((count, most), -torch.inf, dtype=torch.promote_types(moved.dtype, torch.float32))
        self._best = _Best(values=values, examples=whole_numbers, labels=whole_numbers, places=whole_numbers)
        real = images.is_floating_point()
        kind = torch.promote_types(images.dtype, torch.float32) if real else images.dtype
        self._patches = torch.full((count, most, *self._window), torch.nan if real else 0, dtype=kind)
        self._corners = torch.zeros((count, most, len(images.shape) - 1), dtype=torch.long)
        self._highest = torch.full((total,), -torch.inf, dtype=torch.float64)
        self._lowest = torch.full((total,), torch.inf, dtype=torch.float64)
        self._active, self._broken = (torch.zeros(total, dtype=torch.long) for _ in range(2))

    def _field(self, inputs: Any, images: Tensor, moved: Tensor) -> Field:
        shape = tuple(images.shape[1:])
        if shape not in self._fields:
            if self._patched:
                path = picture_in(inputs, len(images))
                self._fields[shape] = field_of(self._prefix, inputs, path, axis=self._axis)
                self._passes += self._fields[shape].passes
            else:
                places = int(np.prod(moved.shape[2:]))
                self._fields[shape] = whole(shape, moved.shape[1], places, how="unknown")
        return self._fields[shape]

    def _count(self, flat: Tensor, finite: Tensor) -> None:
        for held, take, none in ((self._highest, torch.amax, -torch.inf), (self._lowest, torch.amin, torch.inf)):
            extreme = take(torch.where(finite, flat, none), (0, 2)).double().cpu()
            held.copy_(torch.maximum(held, extreme) if none < 0 else torch.minimum(held, extreme))
        self._active += (flat != 0).any(2).sum(0).cpu()
        self._broken += (~finite).sum((0, 2)).cpu()

    def _merge(self, values: Tensor, places: Tensor, labels: Tensor, images: Tensor, field: Field) -> None:
        """Take what is better than the best so far."""
        before, count = self._best, len(labels)
        numbers = torch.arange(self.samples, self.samples + count).expand(len(self._channels), -1)
        together = replace(
            before,
            values=torch.cat([before.values, values.T.to(before.values)], 1),
            examples=torch.cat([before.examples, numbers], 1),
            labels=torch.cat([before.labels, labels.expand(len(self._channels), -1)], 1),
            places=torch.cat([before.places, places.T], 1),
        )
        order = together.values.argsort(dim=1, descending=True, stable=True)[:, : self._most]
        if self._patched:
            self._cut(order, together, images, field)
        parts = ("values", "examples", "labels", "places")
        self._best = _Best(**{name: getattr(together, name).gather(1, order) for name in parts})

    def _cut(self, order: Tensor, together: _Best, images: Tensor, field: Field) -> None:
        """Put the patches into the order of the best, and cut those that are new out of the images."""
        kept = order.clamp(max=self._most - 1)
        rows = torch.arange(len(order))[:, None]
        patches, corners = self._patches[rows, kept], self._corners[rows, kept]
        fresh = (order >= self._most) & together.values.gather(1, order).isfinite()
        for channel, rank in torch.nonzero(fresh).tolist():
            column = int(order[channel, rank])
            corner = field.corner(int(self._channels[channel]), int(together.places[channel, column]))
            corners[channel, rank] = torch.tensor(corner)
            patches[channel, rank] = _window(images[column - self._most], corner, self._window).to(patches)
        self._patches, self._corners = patches, corners

    def found(self) -> Exciting:
        """Return what was found."""
        empty = self._best.examples < 0
        starts = self._corners[..., None]
        field = next(iter(self._fields.values()))
        size = torch.tensor(self._window if self._patched else field.window)[:, None]
        boxes = torch.cat([starts, starts + size], -1)
        space = np.unravel_index(self._best.places.clamp(min=0).numpy(), self._space) if self._space else ()
        places = np.stack(space, axis=-1) if self._space else np.zeros((*empty.shape, 0), np.int64)
        return Exciting(
            layer=self._prefix.name,
            kind=type(self._prefix.module).__name__,
            shape=(len(self._highest), *self._space),
            channels=self._channels.numpy(),
            values=torch.where(empty, torch.nan, self._best.values).numpy(),
            examples=self._best.examples.numpy(),
            labels=self._best.labels.numpy(),
            places=np.where(empty.numpy()[..., None], -1, places),
            boxes=boxes.numpy(),
            patches=self._patches.numpy(),
            field=field.how,
            path=self._path,
            highest=self._highest.numpy(),
            lowest=self._lowest.numpy(),
            active=self._active.numpy() / self.samples,
            broken=self._broken.numpy(),
            samples=self.samples,
            positions=self._positions,
            passes=self._passes,
        )


def _window(image: Tensor, corner: Sequence[int], window: Sequence[int]) -> Tensor:
    """Return a part of an image; NaN, or 0 for whole numbers, where it reaches over the border."""
    blank = torch.nan if image.is_floating_point() else 0
    patch = torch.full(tuple(window), blank, dtype=image.dtype, device=image.device)
    spans = [
        (max(begin, 0), min(begin + size, length))
        for begin, size, length in zip(corner, window, image.shape, strict=True)
    ]
    if all(low < high for low, high in spans):
        there = tuple(slice(low - begin, high - begin) for (low, high), begin in zip(spans, corner, strict=True))
        patch[there] = image[tuple(slice(*one) for one in spans)]
    return patch


def _channels(wanted: Sequence[int] | None, total: int, layer: str) -> Tensor:
    if wanted is None:
        return torch.arange(total)
    chosen = torch.tensor([int(one) for one in wanted], dtype=torch.long)
    if wrong := [one for one in chosen.tolist() if not 0 <= one < total]:
        raise InputError(f"Channel {wrong[0]} does not exist: {layer!r} has {total}, so expected 0 to {total - 1}.")
    return chosen


def _labels(target: Any, count: int) -> Tensor:
    fits = isinstance(target, Tensor) and target.shape == (count,) and not target.is_floating_point()
    return target.detach().cpu().long() if fits else torch.full((count,), -1)


def picture_in(inputs: Any, count: int) -> str:
    """Return where what is looked at lies in the inputs: the first picture, else the first of real numbers.

    Args:
        inputs: What a model is given.
        count: How many examples there are.

    Returns:
        A place, such as "[0]" or ".pixels"; "" for a tensor alone.
    """
    found = [(path, one) for path, one in tensors(inputs) if one.ndim and len(one) == count]
    real = [path for path, one in found if one.is_floating_point()]
    pictures = [path for path, one in found if one.is_floating_point() and one.ndim > 2]
    return (pictures or real or [path for path, _ in found])[0]


def rows_of(inputs: Any, rows: Tensor, count: int) -> Any:
    """Return some examples of a batch.

    Args:
        inputs: What a model is given.
        rows: Numbers of the examples.
        count: How many there are; what is not as long goes along as it is.
    """

    def some(_: str, value: Any) -> Any:
        per_example = isinstance(value, Tensor) and value.ndim > 0 and len(value) == count
        return value[rows.to(value.device)] if per_example else value

    return rebuilt(inputs, some)
