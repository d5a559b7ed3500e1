"""Values: what a loss returned as one number, and data that gradients can be computed through."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, cast

import torch
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.probe.subject import is_plain

_FEWEST_PARTS = 4


def loss_value(found: Any) -> Tensor:
    """Return what a loss returned as a tensor without axes; several numbers are averaged.

    Raises:
        InputError: It is neither a number nor a tensor of real numbers, or a tensor without any.
    """
    if isinstance(found, Real):
        return torch.tensor(float(found), dtype=torch.float64, device="cpu")
    if not isinstance(found, Tensor) or not is_plain(found) or not found.numel():
        kind = f"{found.dtype} tensor of shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found)
        raise InputError(
            f"The loss returned a {kind if isinstance(kind, str) else kind.__name__}; expected one real number, as a "
            "tensor or plain, or a tensor of them, which is averaged. Give loss=lambda output, target: ... that "
            "returns one."
        )
    real = found if found.is_floating_point() else found.double()
    return real.mean() if real.ndim else real


def outside_inference(batch: Any) -> Any:
    """Return a batch in which tensors that were made under inference mode are copies that gradients go through."""
    if isinstance(batch, Tensor):
        return batch.clone() if batch.is_inference() else batch
    if isinstance(batch, Mapping):
        return {key: outside_inference(one) for key, one in cast("Mapping[str, Any]", batch).items()}
    if isinstance(batch, (list, tuple)):
        parts = [outside_inference(one) for one in cast("list[Any]", batch)]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    return batch


def error_of_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return the standard error of a weighted mean over parts of the data; NaN with fewer than 4 of them.

    Args:
        values: [..., part].
        weights: How much each part counts, [part].

    Returns:
        [...].
    """
    if len(weights) < _FEWEST_PARTS:
        return torch.full(values.shape[:-1], torch.nan, dtype=torch.float64, device="cpu")
    shares = weights / weights.sum()
    mean = (values * shares).sum(-1, keepdim=True)
    variance = (shares * (values - mean).square()).sum(-1) / (1 - shares.square().sum())
    return (variance * shares.square().sum()).sqrt()
