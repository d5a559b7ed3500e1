"""Exciting: the example, and the place in it, that excites each channel of a layer most."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.core.figure.words import amount
from pellucid.core.progress import each
from pellucid.methods.attribution.memory import Chunks
from pellucid.methods.attribution.nest import picture_in, rows_of, tensors
from pellucid.methods.field import Field, field_of
from pellucid.methods.prefix import Prefix
from pellucid.probe.address import Address
from pellucid.probe.batches import batch_told
from pellucid.probe.subject import batch_size, device_of, no_examples, split, to_device

Array = NDArray[Any]
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Exciting:
    """What excites each channel of a layer most, over all the examples that were looked at.

    Of equals it is the earlier one. Where no value of a channel is finite, it is NaN, example, label and place are -1.

    Attributes:
        layer: Dotted name, with "#2" for a second call.
        kind: Type of the layer.
        shape: Of what the layer puts out for one example, channels first: (channels, rows, columns).
        channels: Numbers of the channels below, [channel]: the first of those asked for whose patches fit into 1 GiB.
        values: The most that the layer put out there, [channel].
        examples: Number of the example, in the order in which the data came, [channel].
        labels: Its target where that is one whole number an example; -1 where it is not, [channel].
        places: Where in the output, [channel, axis of space]; without such axes [channel, 0].
        boxes: What the place sees of the input, first and behind the last along each axis of an example, [channel,
            axis, 2]; below 0 or beyond the end where it reaches over the border.
        patches: That part of the example, [channel, ...]; NaN beyond the border.
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
        stopped: Whether Ctrl-C ended it before the data did.
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
    stopped: bool = False


def stopped_after(found: Exciting | None) -> str:
    """Say after how many examples Ctrl-C ended it; "" where it went to the end."""
    if found is None or not found.stopped:
        return ""
    return f"stopped with Ctrl-C after {amount(found.samples, 'example')}"


def exciting(
    model: nn.Module,
    data: Any,
    at: Address,
    *,
    channels: Sequence[int] | None = None,
    field: Field | None = None,
) -> Exciting:
    """Find the example, and the place in it, that excites each channel of a layer most.

    The data are gone through once, and only the best are kept, with what their place sees of the input. That part is
    measured (`methods.field`), so that it is right for padding, strides, dilation, pooling and skip connections; of a
    unit behind global pooling, attention or a dense layer it is the whole input. Norms over the whole image are left
    out of this measurement. The model runs in eval mode, up to the layer, and is afterwards as it was.

    Args:
        model: Any module, wrapped or not.
        data: A loader or any other iterable of batches, with or without targets; or one batch.
        at: The layer: a name, a module, or a name with the number of the call, such as "act#2".
        channels: Numbers of the channels to look at; None for all.
        field: What the places of this layer see, where that was measured before; None to measure it.

    Returns:
        The best of each channel. After Ctrl-C that of the batches that were done; it is raised where there is none.

    Raises:
        AddressError: There is no such layer.
        InputError: There is no example, or the number of a channel does not exist.
        CaptureError: The layer did not run.

    Cost:
        One forward pass up to the layer over the data, and one over as many examples as an input has rows and columns;
        memory for a patch a channel, 1 GiB at the most.

    Source:
        Zeiler and Fergus 2014 (strongest activations and the patches that cause them); the measurement: ours.
    """
    prefix = Prefix(model, at)
    with prefix.asked(), torch.no_grad():
        search = _Search(prefix, channels)
        if field is not None:
            search.know(field)
        search.walk(batches_of(data))
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


class _Search:
    """Goes through batches and keeps the best."""

    def __init__(self, prefix: Prefix, channels: Sequence[int] | None) -> None:
        self._prefix, self._wanted = prefix, channels
        self._fields: dict[tuple[int, ...], Field] = {}
        self._axis = 1
        self.samples, self._positions, self._passes, self._stopped = 0, 0, 0, False

    def know(self, field: Field) -> None:
        """Take what was measured before of examples of one shape."""
        self._fields[field.shape] = field

    def walk(self, batches: Iterable[Any]) -> None:
        """Look at all batches, or at those that come before Ctrl-C."""
        empty: list[Any] = []
        whole: dict[str, Any] = {}  # how it was after the last batch: what is begun may be half in it
        try:
            for number, batch in enumerate(each(batches, "batches"), 1):
                if batch_size(batch):
                    with batch_told(number):
                        self._add(batch)
                    whole = dict(vars(self))
                else:
                    empty.append(batch)
        except KeyboardInterrupt:
            if not whole:
                raise
            vars(self).update(whole, _stopped=True)
        if not self.samples:
            raise no_examples(empty)

    def _add(self, batch: Any) -> None:
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
        field = self._field(inputs, images)
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
        self._merge(values.cpu(), places.cpu(), labels, images, field, space=tuple(moved.shape[2:]))
        self.samples += len(labels)
        self._positions += len(labels) * flat.shape[2]
        self._passes += len(labels)

    def _begin(self, inputs: Any, images: Tensor, output: Tensor, path: str) -> None:
        """Settle what the first batch tells: where the channels are, how many, and how large a patch is."""
        self._axis = self._prefix.unit_axis(inputs, output, tuple(images.shape[2:]))
        moved = output.movedim(self._axis, 1)
        self._space, self._path, total = tuple(moved.shape[2:]), path, moved.shape[1]
        self._window = self._field(inputs, images).window
        real = images.is_floating_point()
        kind = torch.promote_types(images.dtype, torch.float32) if real else images.dtype
        fitting = max(1, _MOST_BYTES // max(1, prod(self._window) * kind.itemsize))
        self._channels = _channels(self._wanted, total, self._prefix.name)[:fitting]
        count, wide = len(self._channels), torch.promote_types(moved.dtype, torch.float32)
        self._values = torch.full((count,), -torch.inf, dtype=wide, device="cpu")
        self._examples = self._labels = torch.full((count,), -1, device="cpu")
        self._places = torch.full((count, len(self._space)), -1, device="cpu")
        self._patches = torch.full((count, *self._window), torch.nan if real else 0, dtype=kind, device="cpu")
        self._corners = torch.zeros((count, images.ndim - 1), dtype=torch.long, device="cpu")
        self._highest = torch.full((total,), -torch.inf, dtype=torch.float64, device="cpu")
        self._lowest = torch.full((total,), torch.inf, dtype=torch.float64, device="cpu")
        self._active, self._broken = (torch.zeros(total, dtype=torch.long, device="cpu") for _ in range(2))

    def _field(self, inputs: Any, images: Tensor) -> Field:
        shape = tuple(images.shape[1:])
        if shape not in self._fields:
            found = field_of(self._prefix, inputs, picture_in(inputs, len(images)), axis=self._axis)
            if self.samples and not _holds(self._window, found.window):
                raise InputError(
                    f"Examples of shape {shape} came after others, and of them {self._prefix.name!r} sees a part of "
                    f"shape {found.window}, more than the {self._window} of those before. Bring all to one size, or "
                    "give the largest first."
                )
            self._fields[shape] = found
            self._passes += found.passes
        return self._fields[shape]

    def _count(self, flat: Tensor, finite: Tensor) -> None:
        # Nothing is changed in place, so that `walk` can go back to what was after the last batch.
        highest = torch.where(finite, flat, -torch.inf).amax((0, 2)).double().cpu()
        lowest = torch.where(finite, flat, torch.inf).amin((0, 2)).double().cpu()
        self._highest, self._lowest = torch.maximum(self._highest, highest), torch.minimum(self._lowest, lowest)
        self._active = self._active + (flat != 0).any(2).sum(0).cpu()
        self._broken = self._broken + (~finite).sum((0, 2)).cpu()

    def _merge(
        self, values: Tensor, places: Tensor, labels: Tensor, images: Tensor, field: Field, *, space: tuple[int, ...]
    ) -> None:
        """Take what is better than the best so far, of [example, channel]; in place nothing: see `_count`."""
        highest, rows = values.to(self._values).max(0)
        better = highest > self._values
        chosen = places.gather(0, rows[None])[0]
        self._values = torch.where(better, highest, self._values)
        self._examples = torch.where(better, self.samples + rows, self._examples)
        self._labels = torch.where(better, labels[rows], self._labels)
        if space:  # of this batch: examples may be of several sizes
            found = torch.stack(torch.unravel_index(chosen, space), -1)
            self._places = torch.where(better[:, None], found, self._places)
        self._patches, self._corners = self._patches.clone(), self._corners.clone()
        for one in torch.nonzero(better).flatten().tolist():
            corner = field.corner(int(self._channels[one]), int(chosen[one]))
            self._corners[one] = torch.tensor(corner, device="cpu")
            self._patches[one] = _window(images[int(rows[one])], corner, self._window).to(self._patches)

    def found(self) -> Exciting:
        """Return what was found."""
        empty = self._examples < 0
        boxes = torch.stack([self._corners, self._corners + torch.tensor(self._window, device="cpu")], -1)
        return Exciting(
            layer=self._prefix.name,
            kind=type(self._prefix.module).__name__,
            shape=(len(self._highest), *self._space),
            channels=self._channels.numpy(),
            values=torch.where(empty, torch.nan, self._values).numpy(),
            examples=self._examples.numpy(),
            labels=self._labels.numpy(),
            places=self._places.numpy(),
            boxes=boxes.numpy(),
            patches=self._patches.numpy(),
            field=next(iter(self._fields.values())).how,
            path=self._path,
            highest=self._highest.numpy(),
            lowest=self._lowest.numpy(),
            active=self._active.numpy() / self.samples,
            broken=self._broken.numpy(),
            samples=self.samples,
            positions=self._positions,
            passes=self._passes,
            stopped=self._stopped,
        )


def _holds(window: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Say whether another part of an example is no larger along any axis."""
    return len(other) == len(window) and all(size <= most for size, most in zip(other, window, strict=True))


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
        return torch.arange(total, device="cpu")
    chosen = torch.tensor([int(one) for one in wanted], dtype=torch.long, device="cpu")
    if wrong := [one for one in chosen.tolist() if not 0 <= one < total]:
        raise InputError(f"Channel {wrong[0]} does not exist: {layer!r} has {total}, so expected 0 to {total - 1}.")
    return chosen


def _labels(target: Any, count: int) -> Tensor:
    fits = isinstance(target, Tensor) and target.shape == (count,) and not target.is_floating_point()
    return target.detach().cpu().long() if fits else torch.full((count,), -1, device="cpu")
