"""What the layers do on a batch: how much they differ between samples, and which units are always zero."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.probe.address import Address
from pellucid.probe.capture import capture
from pellucid.probe.rectified import Rectified

FEWEST_SAMPLES = 8
"""Below this many samples, how much they differ is chance."""


class Moments(NamedTuple):
    """What is kept of one output: the sum over its samples, and the sum of all squares."""

    samples: int
    total: Float[Tensor, "..."]
    squares: Float[Tensor, ""]


def moments_of(values: Shaped[Tensor, "..."]) -> Moments | None:
    """Sum an output over its first axis and square it; None for what is no output of samples."""
    if not values.is_floating_point() or values.ndim == 0:
        return None
    exact = torch.float32 if values.device.type == "mps" else torch.float64
    wide = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    squares = wide.square().sum(dtype=exact)
    return Moments(samples=len(values), total=wide.sum(dim=0, dtype=exact), squares=squares)


class LayerSums:
    """Adds up, part of a batch by part, what is needed of every layer: one activation of one sample each.

    Args:
        model: The model.
        at: The layers whose spread is measured; dead units are counted wherever a rectifying activation function is
            called, as a module or as a function.
    """

    def __init__(self, model: nn.Module, at: Address) -> None:
        self._model = model
        self._at = at
        self._rectified = Rectified(model)
        self._moments: dict[str, Moments] = {}

    def prepare(self, forward: Callable[[], Any]) -> None:
        """Find the activation functions that are called in `forward`.

        Args:
            forward: Runs the model on two samples.
        """
        self._rectified.find(forward)

    def take(self, samples: int, forward: Callable[[], Any]) -> Any:
        """Run the model on the next part of the batch and add up what its layers put out.

        Args:
            samples: Samples in this part; outputs whose first axis has another length are passed over.
            forward: Runs the model.

        Returns:
            What `forward` returns.
        """
        with capture(self._model, self._at, keep=moments_of) as tape, self._rectified.noting():
            output = forward()
        for name, moments in tape.items():
            self._add(name, moments, samples)
        return output

    def _add(self, name: str, moments: Moments | None, samples: int) -> None:
        if moments is None or moments.samples != samples:
            return
        before = self._moments.get(name)
        if before is not None and before.total.shape != moments.total.shape:
            return  # such as a sequence of another length
        if before is not None:
            moments = Moments(
                samples=before.samples + samples,
                total=before.total + moments.total,
                squares=before.squares + moments.squares,
            )
        self._moments[name] = moments

    def spread(self) -> tuple[tuple[str, ...], NDArray[Any]]:
        """Return the layers and the share of their squared norm that differs between samples.

        Returns:
            Names in execution order, and [layer] from 0 (every sample the same) to 1 (nothing in common); 0 for a
            layer that is 0 everywhere, NaN with fewer than 8 samples.
        """
        shares = [spread_of(one) for one in self._moments.values()]
        return tuple(self._moments), np.array(shares, dtype=np.float64)

    def dead(self) -> tuple[tuple[str, ...], NDArray[Any]]:
        """Return the rectified outputs and the share of their units that were never anything but 0, [layer]."""
        active = self._rectified.active
        shares = [1 - float(one.cpu().double().mean()) for one in active.values()]
        return tuple(active), np.array(shares, dtype=np.float64)


def spread_of(moments: Moments) -> float:
    """Return the share of the squared norm that differs between samples.

    It is the sum of the squared distances from the mean over the sum of the squared norms.

    Args:
        moments: Sums over the samples.

    Returns:
        0 to 1; 0 when everything is 0, NaN with fewer than 8 samples.
    """
    squares = float(moments.squares)
    if moments.samples < FEWEST_SAMPLES:
        return float("nan")
    if squares == 0:
        return 0.0
    common = float(moments.total.square().sum()) / moments.samples
    return float(np.clip((squares - common) / squares, 0.0, 1.0))
