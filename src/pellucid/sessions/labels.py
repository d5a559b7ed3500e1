"""Labels: how balanced the targets are over the run and within each batch, counted on the device."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MOST_CLASSES = 16_384
"""Above this many classes targets are ids, not classes, and are not counted."""


class LabelTally:
    """Counts class targets without waiting for the device, but once: the first batch says how many classes."""

    def __init__(self, earlier: NDArray[Any] | None = None) -> None:
        self.counts: Tensor | None = None
        if earlier is not None and earlier.size:
            self.counts = torch.from_numpy(earlier.astype(np.int64))

    def take(self, output: Tensor | None, target: Tensor) -> dict[str, Tensor]:
        """Count one batch.

        Args:
            output: Logits; the axis whose removal gives the shape of `target` is the class axis.
            target: Class indices, any shape; negative ones (padding) are left out. Float targets are not counted,
                nor are indices of more than 16,384 classes, which are ids.

        Returns:
            "target_entropy" in nats and, where there is an output, "accuracy" from 0 to 1; scalars on the device.
        """
        if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool or target.numel() == 0:
            return {}
        labels = target.detach().reshape(-1).long()
        axis = None if output is None else _class_axis(output, target)
        classes = int(labels.max()) + 1 if axis is None or output is None else output.shape[axis]
        if not 0 < classes <= MOST_CLASSES:
            return {}
        counted = self._count(labels, classes)
        share = counted / counted.sum().clamp(min=1)
        found = {"target_entropy": -torch.xlogy(share, share).sum()}
        if output is not None and axis is not None:
            kept = target >= 0
            right = (output.detach().argmax(axis) == target) & kept
            found["accuracy"] = right.sum() / kept.sum().clamp(min=1)
        return found

    def _count(self, labels: Tensor, classes: int) -> Tensor:
        held = 0 if self.counts is None else self.counts.numel()
        classes = max(classes, held)
        # Padding goes to a place of its own that is cut off again: no look at the values is needed.
        places = torch.where(labels < 0, classes, labels.clamp(max=classes - 1))
        counted = torch.zeros(classes + 1, dtype=torch.int64, device=labels.device)
        counted = counted.scatter_add_(0, places, torch.ones_like(places))[:classes]
        before = counted.new_zeros(classes)
        if self.counts is not None:
            before[:held] = self.counts
        self.counts = before + counted
        return counted.double() if counted.device.type != "mps" else counted.float()


def _class_axis(output: Tensor, target: Tensor) -> int | None:
    """The axis of the classes: (N, C), (N, C, ...) or (..., C)."""
    if output.ndim != target.ndim + 1:
        return None
    for axis in (1, output.ndim - 1):
        if axis < output.ndim and (*output.shape[:axis], *output.shape[axis + 1 :]) == tuple(target.shape):
            return axis
    return None
