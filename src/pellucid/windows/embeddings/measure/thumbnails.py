"""Thumbnails: what a model was given, small, for pictures in which a point stands for an example."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from pellucid.core.arguments import Normalization

Array = NDArray[Any]
MOST = 5000
"""Examples that get one, the first."""
_SIDE = 32
_CHANNELS = (1, 3)


def is_pictures(given: Tensor) -> bool:
    """Say whether inputs are pictures that can be shown: [N, 1 or 3, row, column], real numbers or bytes."""
    numbers = given.is_floating_point() or given.dtype is torch.uint8
    return numbers and given.ndim == 4 and given.shape[1] in _CHANNELS and min(given.shape[2:]) > 1


def small(pictures: Tensor) -> Array:
    """Return pictures of at most 32 pixels a side, float16, [picture, row, column, 1 or 3]."""
    rows, columns = pictures.shape[2:]
    share = min(1.0, _SIDE / max(rows, columns))
    if share < 1:
        size = max(1, round(rows * share)), max(1, round(columns * share))
        pictures = F.interpolate(pictures.float(), size=size, mode="area")
    return pictures.movedim(1, -1).float().cpu().numpy()


def shown(parts: list[Array], normalization: Normalization | None) -> Array:
    """Return pictures as brightness or colours from 0 to 1, [picture, row, column] or [picture, row, column, 3].

    Args:
        parts: As `small` makes them.
        normalization: (mean, standard deviation) a channel that the inputs were normalised with; None where it is not
            known: values that are not within 0 and 1 then reach from the lowest to the highest of all.
    """
    if not parts or len({one.shape[1:] for one in parts}) > 1:
        return np.zeros((0, 0, 0), dtype=np.float16)
    found = np.nan_to_num(np.concatenate(parts)[:MOST], posinf=0.0, neginf=0.0)
    if normalization is not None:
        mean, deviation = (np.asarray(one, dtype=np.float32) for one in normalization)
        if mean.size in (1, found.shape[-1]) and deviation.size in (1, found.shape[-1]):
            found = found * deviation + mean
    low, high = float(found.min()), float(found.max())
    if normalization is None and (low < 0 or high > 1):
        found = (found - low) / max(high - low, 1e-30)
    found = np.clip(found, 0, 1).astype(np.float16)
    return found[..., 0] if found.shape[-1] == 1 else found
