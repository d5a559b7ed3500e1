"""Everything of a model, and of the process around it, that watching must not change."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def state_of(model: nn.Module) -> dict[str, Any]:
    """Write down a model bit for bit, with its gradients, hooks and modes, random state and global flags.

    Args:
        model: read, never run.

    Returns:
        Named values. Two of these are equal exactly when nothing changed in between: tensors are kept as
        their bytes, other objects as themselves.
    """
    state: dict[str, Any] = dict(_process())
    for name, module in model.named_modules(remove_duplicate=False):
        for attribute, value in vars(module).items():
            state[f"{name}.{attribute}"] = _plain(value)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        state.update({f"{name}:{part}": value for part, value in _tensor(tensor)})
    return state


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Name what differs between two states, sorted; an empty list when nothing does."""
    missing = object()
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name, missing) != after.get(name, missing))


class _Same:
    """An object that equals only itself; held, because a freed object may leave its id to another."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, bool | int | float | str | None):
        return value
    return _Same(value)


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _tensor(tensor: Tensor) -> Iterator[tuple[str, Any]]:
    yield "values", (tensor.shape, tensor.dtype, tensor.device, _bytes(tensor))
    yield "requires_grad", tensor.requires_grad
    yield "backward_hooks", dict(tensor._backward_hooks or {})
    yield "post_accumulate_hooks", dict(getattr(tensor, "_post_accumulate_grad_hooks", None) or {})
    gradient = tensor.grad if tensor.is_leaf else None
    yield "gradient", None if gradient is None else (_Same(gradient), gradient.dtype, _bytes(gradient))


def _process() -> Iterator[tuple[str, Any]]:
    yield "random: torch", _bytes(torch.get_rng_state())
    if torch.cuda.is_available():
        yield "random: cuda", [_bytes(state) for state in torch.cuda.get_rng_state_all()]
    yield "random: numpy", repr(np.random.get_state())  # noqa: NPY002 - the global state is what is watched
    yield "random: python", random.getstate()
    yield "flag: gradients", (torch.is_grad_enabled(), torch.is_inference_mode_enabled())
    yield "flag: default dtype", torch.get_default_dtype()
    yield "flag: threads", torch.get_num_threads()
    yield "flag: deterministic", torch.are_deterministic_algorithms_enabled()
    yield "flag: anomaly", torch.is_anomaly_enabled()
