"""Receptive fields: which part of an input a place of a layer's output can depend on, measured with NaN.

A NaN that is put into the input arrives wherever there is a way: through a weight of 0, a ReLU that is off, a maximum
that another value wins, padding, strides, dilation, skip connections and attention. So the field is that of the
architecture and not of one input. Gradients would stop at each unit that is off. Two things are done about the limits
of it. What a norm takes over the whole image is left out (`without_statistics`). And where the NaN was lost (a
`torch.where`, a comparison) what was found is too small: so it is tried whether other values outside of it change the
output, and if they do, the field is the whole input.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import isqrt, prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.methods.attribution.memory import Chunks
from pellucid.methods.attribution.nest import rebuilt, tensors
from pellucid.methods.prefix import Prefix, without_statistics

Array = NDArray[Any]
_SINGLY = 32
"""An axis up to this length is probed place by place."""
_MOST_PROBES = 2048
_AT_ONCE = 16
_CHECKED = 6
_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Field:
    """Where the outputs of a layer lie on the input.

    Attributes:
        boxes: First place and the one behind the last along each axis of an example, [axis, 2, channel, place], cut off
            at the borders of the input; places are numbered row by row.
        window: Size of the largest field along each axis, which is that of a place away from the borders.
        shape: Of an example.
        how: "measured"; "whole" where that is the whole input for every place; "unknown" where it could not be
            measured and is taken to be the whole input.
        passes: Examples that were run.
    """

    boxes: Array
    window: tuple[int, ...]
    shape: tuple[int, ...]
    how: str
    passes: int

    def corner(self, channel: int, place: int) -> tuple[int, ...]:
        """Return where the window of a place begins along each axis, below 0 where it reaches over the border.

        Args:
            channel: Number of the channel.
            place: Number of the place.
        """
        return tuple(
            _begin(int(low), int(high), window, size)
            for (low, high), window, size in zip(self.boxes[:, :, channel, place], self.window, self.shape, strict=True)
        )


def _begin(low: int, high: int, window: int, size: int) -> int:
    """Return where a window begins whose part inside of 0 .. size is low .. high."""
    missing = window - (high - low)
    if low == 0 and high < size:
        return low - missing
    return low if high == size else low - missing // 2


def whole(shape: tuple[int, ...], channels: int, places: int, *, how: str, passes: int = 0) -> Field:
    """Return the field of places that depend on all of an input.

    Args:
        shape: Of an example.
        channels: How many there are.
        places: How many there are.
        how: See `Field`.
        passes: Examples that were run to find out.
    """
    ends = np.array([[0, size] for size in shape], dtype=np.int32).reshape(len(shape), 2, 1, 1)
    boxes = np.broadcast_to(ends, (len(shape), 2, channels, places))
    return Field(boxes=boxes, window=shape, shape=shape, how=how, passes=passes)


def field_of(prefix: Prefix, inputs: Any, path: str, *, axis: int) -> Field:
    """Measure which part of an input each place of a layer's output depends on.

    Args:
        prefix: The model up to the layer, while it is asked.
        inputs: A batch of examples: one of them is changed, and as many are run at one time as there are, or 16.
        path: Where the tensor that is looked at lies in the inputs; see `nest.places`.
        axis: Which axis of the output numbers the channels.

    Returns:
        A field for each channel and place. Channels of the input are not told apart: the box holds all of them. The
        examples' own axis is left out. Of an input without further axes than one it is the whole.

    Cost:
        As many examples as the input has rows and columns, up to the layer; a field that is small beside a long axis
        takes fewer.
    """
    given = dict(tensors(inputs))[path]
    with ExitStack() as stack, torch.no_grad():
        stack.enter_context(without_statistics(prefix.model))
        stack.enter_context(_plain_convolutions())
        probe = _Probe(prefix, inputs, path, axis=axis)
        if not given.is_floating_point() or given.ndim < 3 or not probe.sound:
            how = "whole" if given.is_floating_point() and given.ndim == 2 else "unknown"
            return whole(probe.shape, *probe.outputs, how=how, passes=probe.passes)
        axes = range(len(probe.shape))
        ends = [probe.ends(one) if one or len(probe.shape) == 2 else None for one in axes]
        boxes = np.stack([_full(probe, one) if found is None else found for one, found in zip(axes, ends, strict=True)])
        if (boxes[:, 0] >= boxes[:, 1]).any() or not probe.holds(boxes):
            return whole(probe.shape, *probe.outputs, how="unknown", passes=probe.passes)
    window = tuple(int(one) for one in (boxes[:, 1] - boxes[:, 0]).max(axis=(1, 2), initial=1))
    smallest = (boxes[:, 1] - boxes[:, 0]).min(axis=(1, 2), initial=max(probe.shape))
    how = "whole" if tuple(smallest.tolist()) == probe.shape else "measured"
    return Field(boxes=boxes, window=window, shape=probe.shape, how=how, passes=probe.passes)


@contextmanager
def _plain_convolutions() -> Generator[None, None, None]:
    """Have convolutions computed as sums of products; Winograd and Fourier ones spread a NaN over whole blocks.

    On a CPU those of oneDNN are such sums, and those of NNPACK are not. On a GPU nobody says what cuDNN chooses.
    """
    enabled: bool = torch.backends.cudnn.enabled
    with torch.backends.nnpack.flags(enabled=False):
        try:
            torch.backends.cudnn.enabled = False
            yield
        finally:
            torch.backends.cudnn.enabled = enabled


def _full(probe: "_Probe", axis: int) -> Array:
    ends = np.array([0, probe.shape[axis]], dtype=np.int32).reshape(2, 1, 1)
    return np.broadcast_to(ends, (2, *probe.outputs))


class _Probe:
    """One example, changed in places, and where that arrives.

    Attributes:
        shape: Of an example.
        outputs: How many channels and places the layer's output has.
        sound: Whether the output is free of NaN as long as nothing is changed.
        passes: Examples that were run.
    """

    def __init__(self, prefix: Prefix, inputs: Any, path: str, *, axis: int) -> None:
        self._prefix, self._inputs, self._path, self._axis = prefix, inputs, path, axis
        given = dict(tensors(inputs))[path]
        self._rows = len(given)
        self._example = torch.nan_to_num(given[:1], posinf=0.0, neginf=0.0) if given.is_floating_point() else given[:1]
        self.shape = tuple(given.shape[1:])
        self.passes = 0
        self._base = self._run(self._example)[0]
        self.outputs: tuple[int, int] = (self._base.shape[0], self._base.shape[1])
        self.sound = not bool(self._base.isnan().any())

    def _run(self, examples: Tensor) -> Tensor:
        """Return what the layer puts out for some examples, [examples, channel, place]."""
        self.passes += len(examples)

        def along(place: str, value: Any) -> Any:
            if place == self._path:
                return examples
            per_example = isinstance(value, Tensor) and value.ndim > 0 and len(value) == self._rows
            return value[:1].expand(len(examples), *value.shape[1:]) if per_example else value

        output = self._prefix.run(rebuilt(self._inputs, along))
        return output.movedim(self._axis, 1).flatten(2) if output.ndim > 2 else output[:, :, None]

    def ends(self, axis: int) -> Array:
        """Return where the field of each channel and place begins and ends along an axis, [2, channel, place]."""
        size = self.shape[axis]
        block = 1 if size <= _SINGLY else isqrt(size)
        if size > _SINGLY and self._is_whole(axis):
            return _full(self, axis)
        ends = self._swept(axis, [range(begin, min(begin + block, size)) for begin in range(0, size, block)])
        if block == 1:
            return ends
        # Places that are further apart than any field is wide can be probed together: each output sees one of them.
        apart = max(1, int((ends[1] - ends[0]).max(initial=1)))
        if apart > _MOST_PROBES:
            return ends
        return self._combed(axis, ends, min(apart, size))

    def _is_whole(self, axis: int) -> bool:
        """Say whether both ends of an axis reach every output."""
        ends = self._swept(axis, [range(1), range(self.shape[axis] - 1, self.shape[axis])])
        return bool((ends[0] == 0).all() and (ends[1] == self.shape[axis]).all())

    def _swept(self, axis: int, stripes: Sequence[range]) -> Array:
        """Return the first and the last stripe that reaches each output; nothing between 0 and 0 where none does."""
        ends = np.stack([np.full(self.outputs, self.shape[axis], np.int32), np.zeros(self.outputs, np.int32)])

        def note(number: int, reached: Array) -> None:
            low, high = stripes[number][0], stripes[number][-1] + 1
            ends[0] = np.where(reached, np.minimum(ends[0], low), ends[0])
            ends[1] = np.where(reached, np.maximum(ends[1], high), ends[1])

        self._probed(axis, [np.array(one) for one in stripes], note)
        return ends

    def _combed(self, axis: int, coarse: Array, apart: int) -> Array:
        """Return ends to the place, where they are known to a block."""
        size = self.shape[axis]
        ends = np.stack([np.full(self.outputs, size, np.int32), np.zeros(self.outputs, np.int32)])

        def note(tooth: int, reached: Array) -> None:
            # The one place of this comb that lies in the block of each output.
            place = coarse[0] + (tooth - coarse[0]) % apart
            reached = reached & (place < coarse[1])
            ends[0] = np.where(reached, np.minimum(ends[0], place), ends[0])
            ends[1] = np.where(reached, np.maximum(ends[1], place + 1), ends[1])

        self._probed(axis, [np.arange(tooth, size, apart) for tooth in range(apart)], note)
        return ends

    def _probed(self, axis: int, stripes: Sequence[Array], note: Callable[[int, Array], None]) -> None:
        """Put NaN into stripes along an axis, and say which outputs of which stripe became NaN, [channel, place]."""

        def work(rows: Tensor) -> None:
            examples = self._example.repeat(len(rows), *[1] * len(self.shape))
            for row, number in enumerate(rows.tolist()):
                examples[row].index_fill_(axis, torch.as_tensor(stripes[number], device=examples.device), torch.nan)
            for number, one in zip(rows.tolist(), self._run(examples).isnan().cpu().numpy(), strict=True):
                note(number, one)

        Chunks(max(self._rows, _AT_ONCE)).each(len(stripes), work)

    def holds(self, boxes: Array) -> bool:
        """Say whether other values outside of the field leave the output as it is, at a few places."""
        channels, places = self.outputs
        spread = np.unique(np.linspace(0, channels * places - 1, _CHECKED).astype(int))
        chosen = [(int(one) // places, int(one) % places) for one in spread]
        noise = torch.Generator().manual_seed(0)
        drawn = torch.randn((1, *self.shape), generator=noise, dtype=torch.float32, device="cpu").to(self._example)
        other = self._example + drawn * (self._example.std() + 1)
        usual = float(self._base.float().abs().mean())
        for channel, place in chosen:
            inside = torch.zeros(self.shape, dtype=torch.bool, device="cpu")
            inside[tuple(slice(*one) for one in boxes[:, :, channel, place].tolist())] = True
            example = torch.where(inside.to(self._example.device), self._example, other)
            before, after = (float(one[channel, place]) for one in (self._base, self._run(example)[0]))
            if not abs(after - before) <= _TOLERANCE * (abs(before) + usual):
                return False
        return prod(self.outputs) > 0
