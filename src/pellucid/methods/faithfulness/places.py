"""Places: the parts of an input that can be removed, and the order in which a map would have them removed."""

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.maths.ranks import Values
from pellucid.methods.attribution.grid import enlarged
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.nest import named
from pellucid.methods.attribution.question import Question, array_of

_CHANNELS_FIRST = (nn.Conv1d, nn.BatchNorm1d, nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d)


class Places:
    """Pixels with all their channels, tokens with all their features, or single features.

    Args:
        question: Whose values are looked at. Of values with four axes or more the axis behind the examples is that of
            channels. What a layer returns with three axes is tokens, their features at the end (behind a
            one-dimensional convolution: at the front). Everywhere else each value is a place of its own.

    Attributes:
        shapes: How the places of each of the values are laid out, such as (rows, columns).
        count: How many there are of one example, all values together.
    """

    def __init__(self, question: Question) -> None:
        module = None if question.layer is None else question.layer.module
        self._names = question.places
        self._values = [tuple(one.shape[1:]) for one in question.values]
        self._axes = [_channels(one.ndim, module) for one in question.values]
        self.shapes = tuple(
            tuple(size for axis, size in enumerate(shape, start=1) if axis != channels)
            for shape, channels in zip(self._values, self._axes, strict=True)
        )
        self.count = sum(prod(one) for one in self.shapes)

    def folded(self, values: Sequence[Tensor]) -> Tensor:
        """Return values added up over the channels, those of all inputs side by side, [examples, places]."""
        parts = [
            (one if axis is None else one.sum(axis)).flatten(1) for one, axis in zip(values, self._axes, strict=True)
        ]
        return torch.cat(parts, dim=1)

    def unfolded(self, chosen: Tensor) -> list[Tensor]:
        """Return what holds for places, [examples, places], so that it fits to the values, [examples, ...] each."""
        parts = chosen.split([prod(one) for one in self.shapes], dim=1)
        whole = [one.reshape(len(one), *shape) for one, shape in zip(parts, self.shapes, strict=True)]
        return [one if axis is None else one.unsqueeze(axis) for one, axis in zip(whole, self._axes, strict=True)]

    def removed(self, values: Sequence[Tensor], baselines: Sequence[Tensor], gone: Tensor) -> list[Tensor]:
        """Return values with some places replaced by those of a baseline.

        Args:
            values: [N, ...] each.
            baselines: The same shapes.
            gone: Which places, [N, places].
        """
        return [
            torch.where(mask.to(value.device), baseline, value)
            for value, baseline, mask in zip(values, baselines, self.unfolded(gone), strict=True)
        ]

    def ranked(self, method: Method, found: Attribution) -> Values:
        """Return how much a map makes of each place: what goes first has the highest value.

        Of a method that shares the score out it is the share, sign and all: what speaks against the score goes last. Of
        every other it is the size: a steep place matters, whichever way.

        Args:
            method: Which made the map.
            found: What it found; a coarse map is enlarged.

        Returns:
            [examples, places], float64.

        Raises:
            InputError: The map does not lie over the values.
        """
        maps = [one.detach() for one in found.maps]
        if any(tuple(one.shape[1:]) != shape for one, shape in zip(maps, self._values, strict=False)):
            if len(self.shapes) > 1 and len(maps) == 1:
                raise InputError(
                    f"The map of {method.name} lies over one image, and "
                    f"{named(self._names)} are explained. Name the image alone with only=."
                )
            ranked = self._over_places(method, maps[0]).flatten(1)
        else:
            ranked = self.folded(maps if method.contributes else [one.abs() for one in maps])
        return array_of(ranked).astype(np.float64)

    def _over_places(self, method: Method, found: Tensor) -> Tensor:
        shape = self.shapes[0]
        if tuple(found.shape[1:]) == shape:
            return found
        if found.ndim == len(shape) + 1 and len(shape) in (1, 2, 3):
            return enlarged(found, shape)
        raise InputError(
            f"{method.name} returned a map of shape {tuple(found.shape)} for places of shape "
            f"{shape}. Expected the shape of the values, or one value a place."
        )


def _channels(axes: int, module: nn.Module | None) -> int | None:
    """Return the axis of channels of a tensor with so many axes; None where each value is a place."""
    if axes >= 4:
        return 1
    if axes == 3 and module is not None:
        return 1 if isinstance(module, _CHANNELS_FIRST) else 2
    return None
