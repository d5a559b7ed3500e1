"""Sight: what a model is given, as pictures in [0, 1] of a known size."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, cast

import torch
from torch import Tensor

from pellucid.core.arguments import Normalization
from pellucid.core.errors import InputError
from pellucid.methods.attribution.nest import places, rebuilt
from pellucid.methods.exciting import batches_of
from pellucid.probe.subject import is_plain, no_examples, split

_ADVICE = (
    "Give like=(channels, height, width), a batch of pictures [examples, channels, height, width], or a loader of such."
)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """How pictures in [0, 1] become what a model is given, and back.

    Attributes:
        shape: (channels, height, width).
        low: What black is to the model, [channel].
        high: What white is to it, [channel].
        known: Where low and high come from: "normalization", "examples", or "" where [0, 1] was assumed.
        nest: A batch of the model's with a picture in it; the picture alone where the model takes one tensor.
    """

    shape: tuple[int, int, int]
    low: Tensor
    high: Tensor
    known: str
    nest: Any

    def given(self, pictures: Tensor, dtype: torch.dtype) -> Any:
        """Return what the model is given for pictures in [0, 1], [row, channel, row, column]: normalised, then cast."""
        made = (self._low(pictures) + self._span(pictures) * pictures).to(dtype)
        return rebuilt(self.nest, lambda _, one: made if isinstance(one, Tensor) else one)

    def seen(self, inputs: Tensor) -> Tensor:
        """Return what the model was given as pictures; in [0, 1] unless it goes beyond black or white."""
        return (inputs - self._low(inputs)) / self._span(inputs)

    def _low(self, like: Tensor) -> Tensor:
        return self.low.to(like.dtype).to(like.device)[:, None, None]

    def _span(self, like: Tensor) -> Tensor:
        return (self.high - self.low).to(like.dtype).to(like.device)[:, None, None]


def sight_of(like: Any, normalization: Normalization | None) -> tuple[Sight, Iterable[Any] | None]:
    """Return how a model sees, and the batches of examples where there are any.

    Args:
        like: (channels, height, width), a batch, or batches that can be gone through again and again.
        normalization: (mean, standard deviation) a channel, of pictures in [0, 1]; None where it is not known.

    Returns:
        The sight; and batches, or None for a size alone.

    Raises:
        InputError: There is no picture in what came, or its normalisation does not fit.
    """
    if _is_size(like):
        size = cast("tuple[int, int, int]", tuple(int(one) for one in like))
        return _sight(torch.zeros(0, *size, dtype=torch.float32, device="cpu"), normalization), None
    if isinstance(like, Iterator) or not isinstance(like, Iterable):
        raise InputError(f"like of type {type(like).__name__} came, which cannot be gone through twice. {_ADVICE}")
    batches = batches_of(like)
    first = next((one for one in batches if len(pictures_in(split(one)[0]))), None)
    if first is None:
        raise no_examples(list(batches))
    inputs = split(first)[0]
    found = _sight(pictures_in(inputs), normalization)
    return Sight(shape=found.shape, low=found.low, high=found.high, known=found.known, nest=inputs), batches


def pictures_in(inputs: Any) -> Tensor:
    """Return the one tensor of pictures in what a model is given, [examples, channels, height, width].

    Raises:
        InputError: There is none, or there are further tensors.
    """
    found = [one for _, one in places(inputs) if isinstance(one, Tensor)]
    if not all(is_plain(one) for one in found):
        raise InputError(f"A tensor that is not a dense one of real numbers came: {_ADVICE[0].lower()}{_ADVICE[1:]}")
    shapes = " and ".join(str(tuple(one.shape)) for one in found) or type(inputs).__name__
    if len(found) != 1 or found[0].ndim != 4:
        raise InputError(
            f"Inputs of shape {shapes} came, expected one tensor of pictures [examples, channels, height, width]: "
            f"only pictures have waves to be made of. {_ADVICE}"
        )
    if not found[0].is_floating_point():
        raise InputError(
            f"Pictures of {found[0].dtype} came. Give what the model takes: real numbers, after its normalisation."
        )
    if 0 in found[0].shape[1:]:
        raise InputError(f"Pictures without a pixel came, of shape {shapes}. {_ADVICE}")
    return found[0]


def _is_size(like: Any) -> bool:
    plain = isinstance(like, (tuple, list)) and all(isinstance(one, Integral) for one in cast("Sequence[Any]", like))
    if plain and (len(like) != 3 or min(like) < 1 or any(isinstance(one, bool) for one in like)):
        raise InputError(f"like={tuple(like)} came. {_ADVICE}")
    return plain


def _sight(examples: Tensor, normalization: Normalization | None) -> Sight:
    channels = examples.shape[1]
    shape = cast("tuple[int, int, int]", tuple(examples.shape[1:]))
    low, high, known = torch.zeros(channels, device="cpu"), torch.ones(channels, device="cpu"), ""
    if normalization is not None:
        mean, deviation = (torch.tensor(one, dtype=torch.float64, device="cpu") for one in normalization)
        _check(mean, deviation, channels)
        low, high, known = (0 - mean) / deviation, (1 - mean) / deviation, "normalization"
    elif examples.numel() and (reached := _range(examples.detach().cpu().double())) is not None:
        (low, high), known = reached, "examples"
    return Sight(shape=shape, low=low.double(), high=high.double(), known=known, nest=examples)


def _check(mean: Tensor, deviation: Tensor, channels: int) -> None:
    fits = len(mean) in (1, channels) and len(deviation) in (1, channels)
    if not fits or not bool(torch.isfinite(mean).all()) or not bool((deviation > 0).all()):
        raise InputError(
            f"normalization=({mean.tolist()}, {deviation.tolist()}) came for pictures of {channels} channels. Expected "
            "(mean, standard deviation): one number a channel each, the second above 0."
        )


def _range(examples: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return the lowest and the highest value of each channel; of all where a channel is constant; None without any."""
    values = examples.movedim(1, 0).flatten(1)
    values = values[:, torch.isfinite(values).all(0)]
    if not values.numel():
        return None
    low, high = values.min(1).values, values.max(1).values
    whole = float(low.min()), float(high.max())
    if not math.isfinite(whole[1] - whole[0]) or whole[0] == whole[1]:
        return None
    flat = low == high
    return low.masked_fill(flat, whole[0]), high.masked_fill(flat, whole[1])
