"""Guard: whatever happens to a model inside, it comes out as it went in."""

import random
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def untouched(model: nn.Module) -> Generator[None, None, None]:
    """Put a model back as it was, bit for bit, when the block is left, also by an exception or Ctrl-C.

    Restored are the values of parameters, buffers and gradients; which tensor each of them is, and whether a
    gradient is None; requires_grad; the mode and every other attribute of every module; hooks; and the random
    state of Python, NumPy, PyTorch on the CPU and on every CUDA device that is in use. Not restored are the
    insides of other objects that a module holds.

    Args:
        model: Any module, wrapped or not.

    Yields:
        None.

    Cost:
        One copy of all parameters, buffers and gradients, and on leaving one comparison with it. What did not
        change is not written to.

    Source:
        Ours.
    """
    # Random state is read first and put back last: nothing in between may draw from it.
    random_state = list(_random_state())
    undo = [*_structure(model), *_tensors(model), *random_state]
    try:
        yield
    finally:
        for put_back in undo:
            put_back()


def _random_state() -> Iterator[Callable[[], None]]:
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global state is what is kept
    yield lambda: random.setstate(python)
    yield lambda: np.random.set_state(legacy)  # noqa: NPY002 - the same
    state = torch.get_rng_state()
    yield lambda: torch.set_rng_state(state)
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states = torch.cuda.get_rng_state_all()
        yield lambda: torch.cuda.set_rng_state_all(states)


def _structure(model: nn.Module) -> Iterator[Callable[[], None]]:
    for module in model.modules():
        attributes = vars(module)
        yield _entries_back(attributes, dict(attributes))
        for value in attributes.values():
            # Parameters, buffers, children and all kinds of hooks sit in dictionaries of the module.
            if isinstance(value, dict):
                yield _entries_back(value, dict(value))
            elif isinstance(value, set):
                yield _members_back(value, set(value))


def _entries_back(entries: dict[Any, Any], before: dict[Any, Any]) -> Callable[[], None]:
    def put_back() -> None:
        _restore_entries(entries, before)

    return put_back


def _members_back(members: set[Any], before: set[Any]) -> Callable[[], None]:
    def put_back() -> None:
        if members != before:
            members.clear()
            members.update(before)

    return put_back


def _restore_entries(entries: dict[Any, Any], before: dict[Any, Any]) -> None:
    # In place: the handle of a hook holds on to the dictionary itself.
    same = list(entries) == list(before) and all(entries[key] is value for key, value in before.items())
    if not same:
        entries.clear()
        entries.update(before)


def _tensors(model: nn.Module) -> Iterator[Callable[[], None]]:
    seen: set[int] = set()
    for tensor in (*model.parameters(), *model.buffers()):
        if id(tensor) not in seen:
            seen.add(id(tensor))
            yield _tensor_back(tensor)


def _tensor_back(tensor: Tensor) -> Callable[[], None]:
    contents = _contents_back(tensor)
    gradient, requires_grad = tensor.grad, tensor.requires_grad
    gradient_contents = None if gradient is None else _contents_back(gradient)
    hooks = {name: dict(getattr(tensor, name) or {}) for name in _tensor_hooks(tensor)}

    def put_back() -> None:
        contents()
        if tensor.is_leaf and tensor.requires_grad != requires_grad:
            tensor.requires_grad_(requires_grad)
        if gradient_contents is not None:
            gradient_contents()
        if tensor.grad is not gradient:
            tensor.grad = gradient
        for name, before in hooks.items():
            now: dict[int, Any] | None = getattr(tensor, name)
            if now is not None:
                _restore_entries(now, before)

    return put_back


def _tensor_hooks(tensor: Tensor) -> tuple[str, ...]:
    return ("_backward_hooks", "_post_accumulate_grad_hooks") if tensor.is_leaf else ()


def _contents_back(tensor: Tensor) -> Callable[[], None]:
    # `data` shares the memory and counts no change: a graph that the caller holds stays good for backward.
    storage = tensor.data
    copy = storage.clone()

    def put_back() -> None:
        now = tensor.data
        if now.data_ptr() != storage.data_ptr() or now.shape != storage.shape or now.dtype != storage.dtype:
            tensor.data = storage
        if not _same_bits(storage, copy):
            storage.copy_(copy)

    return put_back


def _same_bits(first: Tensor, second: Tensor) -> bool:
    # Bytes, not numbers: NaN differs from itself, and 0.0 does not differ from -0.0.
    if first.layout is not torch.strided:
        return False
    return torch.equal(first.reshape(-1).view(torch.uint8), second.reshape(-1).view(torch.uint8))
