"""The pictures that maps lie over, as they are seen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure import Heat
from pellucid.core.figure.scales import shrunk
from pellucid.windows.gradients.result import Saliency

Array = NDArray[Any]
_GREY = np.array([0.2126, 0.7152, 0.0722])
_CELLS = 56  # of a map over a photograph, along its shorter side
MOST_PIXELS = 320  # a side of a picture under a map: a panel is hardly wider


@dataclass(frozen=True)
class Pictures:
    """What the model was given, as pictures.

    Attributes:
        images: [example, row, column] from black to white, or [example, row, column, 3], in [0, 1].
        note: What was done to the values to show them; "" for nothing.
    """

    images: Array
    note: str

    @property
    def grey(self) -> Array:
        """[example, row, column]: over a picture without colours those of a map can be told."""
        return self.images @ _GREY if self.images.ndim == 4 else self.images


def plane(values: Array) -> Array | None:
    """Return maps or inputs as matrices, [example, row, column]; None where they are not laid out in a plane.

    Channels are added up, so that what the map adds up to stays.
    """
    if values.ndim == 4:
        values = values.sum(axis=1)
    return values.astype(np.float32) if values.ndim == 3 and min(values.shape[1:]) > 1 else None


def pictures_of(result: Saliency) -> Pictures | None:
    """Return the pictures that the maps of a result lie over.

    Args:
        result: What was explained.

    Returns:
        The pictures; None where the model was given none, or where the maps do not lie in their plane, such as those of
        the tokens of a layer.
    """
    given, mapped = result.given, result.map
    if result.tokens or plane(given) is None or plane(mapped) is None or len(given) != len(mapped):
        return None
    lies_over = mapped.shape == given.shape or mapped.ndim == 4 or mapped.shape != result.inputs[0].shape
    if not lies_over:
        return None
    values = np.nan_to_num(given.astype(np.float64), posinf=0.0, neginf=0.0)
    images = values.transpose(0, 2, 3, 1) if values.ndim == 4 else values[..., None]
    return _shown(images, result.normalization)


def _shown(images: Array, normalization: tuple[tuple[float, ...], ...]) -> Pictures:
    """Turn values into shares of full light; a guess is named."""
    channels, note = images.shape[-1], ""
    if channels not in (1, 3):
        images, note = images.mean(axis=-1, keepdims=True), f"the mean of {channels} channels, "
    if normalization and all(len(one) in (1, channels) for one in normalization) and not note:
        mean, deviation = (np.array(one) for one in normalization)
        images = (images * deviation + mean).clip(0, 1)
    elif images.size and (images.min() < 0 or images.max() > 1):
        low, high = (end(images, axis=(1, 2, 3), keepdims=True) for end in (np.min, np.max))
        images = (images - low) / np.where(high > low, high - low, 1)
        note += "each stretched from its darkest to its brightest value"
    return Pictures(images if images.shape[-1] == 3 else images[..., 0], note.removesuffix(", "))


def block_of(size: tuple[int, ...]) -> int:
    """Return the side of the blocks of pixels that are added up to see a fine map over a photograph.

    Single pixels of a map of 200 rows can hardly be seen, and neighbours of opposite sign look like noise.

    Args:
        size: Rows and columns of the map.

    Returns:
        1 where it has fewer than 112 rows or columns, or where no blocks fill it.
    """
    wanted = max(1, min(size) // _CELLS)
    return next((one for one in range(wanted, 1, -1) if not any(side % one for side in size)), 1)


def overlay(values: Array, picture: Array, *, signed: bool, label: str) -> Heat:
    """Return a map over the picture that it explains, in pixels of the picture.

    Args:
        values: [row, column]; see `block_of` for fine ones.
        picture: [row, column].
        signed: Whether 0 is the middle.
        label: What the values mean.
    """
    block = block_of(values.shape)
    rows, columns = (side // block for side in values.shape)
    values = values.reshape(rows, block, columns, block).sum((1, 3))
    rows, columns = (
        None if cells == pixels else np.linspace(-0.5, pixels - 0.5, cells + 1)
        for cells, pixels in zip(values.shape, picture.shape, strict=True)
    )
    under = shrunk(picture, MOST_PIXELS)
    return Heat(values=values, y=rows, x=columns, signed=signed, label=label, under=under)
