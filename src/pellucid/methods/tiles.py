"""Tiles: examples and parts of them as small pictures, brought back from how they were normalised for the model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.arguments import Normalization

Array = NDArray[Any]
AS_THEY_ARE: Normalization = ((0.0,), (1.0,))
"""The normalization of what lies between 0, black, and 1, white."""

_BEYOND = (0.60, 0.66, 0.74)
"""What stands for what lies beyond the border of an image: no grey, which an image may have."""


def as_tiles(values: Array, normalization: Normalization | None) -> Array | None:
    """Return examples, or parts of them, as pictures.

    Args:
        values: [..., channel, row, column]; NaN beyond a border.
        normalization: (mean, standard deviation) of each channel that they were normalised with; None where that is
            not known: colours are then spread over their range.

    Returns:
        Colours between 0 and 1, [picture, row, column, 3]: greys for anything but three channels, of which the mean is
        taken. None where they are not laid out in a plane.
    """
    if values.ndim < 3 or not values.size:
        return None
    found = values.reshape(-1, *values.shape[-3:]).astype(np.float32)
    found = found if normalization is None else _restored(found, normalization)
    found = found if found.shape[1] == 3 else found.mean(axis=1, keepdims=True)
    if normalization is None:
        known = found[np.isfinite(found)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        found = (found - low) / (high - low or 1.0)
    colours = np.broadcast_to(found.transpose(0, 2, 3, 1), (len(found), *found.shape[2:], 3))
    return np.clip(np.where(np.isfinite(colours), colours, _BEYOND), 0, 1)


def _restored(values: Array, normalization: Normalization) -> Array:
    """Return values as they were before they were normalised; as they are where the channels do not fit."""
    if len(normalization[0]) not in (1, values.shape[1]):
        return values
    mean, spread = (np.asarray(one, dtype=np.float32).reshape(1, -1, 1, 1) for one in normalization)
    return values * spread + mean


def in_a_row(images: Sequence[Array], gap: int = 1) -> Array:
    """Return images of one height side by side, with blank columns in between.

    Args:
        images: [row, column] each.
        gap: Blank columns.

    Returns:
        [row, columns].
    """
    blank = np.full((images[0].shape[0], gap), np.nan, dtype=np.float32)
    parts = [part for one in images for part in (blank, one)]
    return np.concatenate(parts[1:], axis=1)


def in_a_column(images: Sequence[Array], gap: int = 1) -> Array:
    """Return images of one width one below the other, with blank rows in between.

    Args:
        images: [row, column] each.
        gap: Blank rows.

    Returns:
        [rows, column].
    """
    return in_a_row([one.T for one in images], gap).T
