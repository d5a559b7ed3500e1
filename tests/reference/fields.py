"""Slow twins of `pellucid.methods.field` and `pellucid.methods.exciting`, in float64, one number at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Step:
    """A convolution or a pool: how far its window reaches along one axis."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


def geometry(steps: Sequence[Step], place: int) -> tuple[int, int]:
    """Return the span that a place sees, first and behind the last, by the arithmetic of windows; not cut off."""
    low = high = place
    for one in reversed(steps):
        low = low * one.stride - one.padding
        high = high * one.stride - one.padding + (one.kernel - 1) * one.dilation
    return low, high + 1


def sees(steps: Sequence[Step], place: int, size: int) -> list[int]:
    """Return every place of an axis of `size` that one output depends on, followed step by step through the zeros."""
    sizes = [size]
    for one in steps:
        sizes.append((sizes[-1] + 2 * one.padding - (one.kernel - 1) * one.dilation - 1) // one.stride + 1)
    found = {place}
    for one, length in zip(reversed(steps), reversed(sizes[:-1]), strict=True):
        reached = {at * one.stride - one.padding + tap * one.dilation for at in found for tap in range(one.kernel)}
        found = {at for at in reached if 0 <= at < length}
    return sorted(found)


def best(model: nn.Module, images: Tensor, channel: int) -> tuple[float, int, tuple[int, ...]]:
    """Return (value, example, place) of the example that excites a channel most, each run by itself in float64."""
    slow = model.double().eval()
    found: list[tuple[float, int, tuple[int, ...]]] = []
    for number, image in enumerate(images.double()):
        with torch.no_grad():
            values = slow(image[None])[0, channel].numpy()
        place = np.unravel_index(int(np.argmax(values)), values.shape) if values.ndim else ()
        found.append((float(values.max()), number, tuple(int(one) for one in place)))
    return min(found, key=lambda one: (-one[0], one[1]))


def patch(image: Tensor, low: Sequence[int], high: Sequence[int]) -> np.ndarray:
    """Cut rows low[0] .. high[0], columns low[1] .. high[1] out of every channel, one by one; NaN beyond the border."""
    cut = np.full((len(image), high[0] - low[0], high[1] - low[1]), np.nan)
    for channel in range(len(image)):
        for row in range(low[0], high[0]):
            for column in range(low[1], high[1]):
                if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
                    cut[channel, row - low[0], column - low[1]] = float(image[channel, row, column])
    return cut
