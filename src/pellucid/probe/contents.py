"""Contents: the bits of tensors, generators and containers, kept and put back in place."""

import operator
import random
from collections import OrderedDict, deque
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PutBack = Callable[[], None]


def tensor_back(tensor: Tensor) -> PutBack:
    """Keep a tensor with its gradient, flags and hooks.

    Args:
        tensor: Of any layout, on any device; expanded and meta tensors as well.

    Returns:
        A function that puts all of it back, in place; what did not change is not written to.
    """
    contents = _contents_back(tensor)
    leaf, requires_grad = tensor.is_leaf, tensor.requires_grad
    # The gradient of a tensor that is no leaf cannot even be asked for without a warning.
    gradient = tensor.grad if leaf else None
    gradient_contents = None if gradient is None else _contents_back(gradient)
    hooks = {name: dict(getattr(tensor, name) or {}) for name in _tensor_hooks(tensor)}

    def put_back() -> None:
        contents()
        if tensor.is_leaf and tensor.requires_grad != requires_grad:
            with torch.inference_mode(mode=tensor.is_inference()):  # elsewhere PyTorch refuses it to such a tensor
                tensor.requires_grad_(requires_grad)
        if gradient_contents is not None:
            gradient_contents()
        if leaf and tensor.is_leaf and tensor.grad is not gradient:
            tensor.grad = gradient
        for name, before in hooks.items():
            now: dict[int, Any] | None = getattr(tensor, name)
            if now is not None:
                _restore_entries(now, before)

    return put_back


def _tensor_hooks(tensor: Tensor) -> tuple[str, ...]:
    return ("_backward_hooks", "_post_accumulate_grad_hooks") if tensor.is_leaf else ()


def _contents_back(tensor: Tensor) -> PutBack:
    # `data` shares the memory and counts no change: a graph that the caller holds stays good for backward.
    if tensor.layout is not torch.strided:
        return _sparse_back(tensor)
    storage = tensor.data
    once = _each_value_once(storage)
    copy = once.clone()

    def put_back() -> None:
        now = tensor.data
        if _place(now) != _place(storage):
            tensor.data = storage
        if not same_bits(once, copy):
            once.copy_(copy)

    return put_back


def _place(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device


def _each_value_once(tensor: Tensor) -> Tensor:
    # An expanded tensor shows the same memory many times and cannot be written to as it is.
    if 0 not in tensor.stride():
        return tensor
    sizes = [min(size, 1) if step == 0 else size for size, step in zip(tensor.shape, tensor.stride(), strict=True)]
    return tensor.as_strided(sizes, [step or 1 for step in tensor.stride()])


def _sparse_back(tensor: Tensor) -> PutBack:
    copy = tensor.data.clone()

    def put_back() -> None:
        now = tensor.data
        if now.layout is not copy.layout or now.shape != copy.shape or not same_bits(now, copy):
            tensor.data = copy

    return put_back


def same_bits(first: Tensor, second: Tensor) -> bool:
    """Say whether two tensors of one layout hold the same bytes.

    Bytes, not numbers: NaN differs from itself, and 0.0 does not differ from -0.0. Meta tensors hold nothing.

    Args:
        first: A tensor.
        second: Another of the same layout.

    Returns:
        Whether they do.
    """
    if first.layout is torch.sparse_coo and first.is_coalesced() != second.is_coalesced():
        return False
    pairs = zip(_strided_parts(first), _strided_parts(second), strict=True)
    return all(_same_bytes(one, other) for one, other in pairs)


def _strided_parts(tensor: Tensor) -> tuple[Tensor, ...]:
    if tensor.layout is torch.strided:
        return (tensor,)
    if tensor.layout is torch.sparse_coo:
        return tensor._indices(), tensor._values()  # noqa: SLF001 - the public ones refuse what is not coalesced
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.crow_indices(), tensor.col_indices(), tensor.values()
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return tensor.ccol_indices(), tensor.row_indices(), tensor.values()
    return (tensor.to_dense(),)


def _same_bytes(first: Tensor, second: Tensor) -> bool:
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    if first.is_meta:
        return True
    flat = [_as_whole_numbers(one) for one in (first, second)]
    return torch.equal(flat[0], flat[1])


def _as_whole_numbers(tensor: Tensor) -> Tensor:
    """Return the bytes of a tensor as whole numbers, as large as they can be: they compare fast, NaN and -0 too."""
    flat, size = tensor.resolve_conj().resolve_neg().reshape(-1), tensor.element_size()
    widest = flat.numel() * size % 8 == 0 == flat.storage_offset() * size % 8
    return flat.view(torch.int64 if widest else {1: torch.uint8, 2: torch.int16, 4: torch.int32}.get(size, torch.int64))


def container_back(value: Any) -> PutBack | None:
    """Keep which objects a list, dictionary, set or deque holds.

    Args:
        value: Anything.

    Returns:
        A function that puts the same objects back into the same container; None for what is no such container.
    """
    if isinstance(value, dict):
        entries = cast("dict[Any, Any]", value)
        kept = dict(entries)
        return lambda: _restore_entries(entries, kept)
    if isinstance(value, set):
        members = cast("set[Any]", value)
        return _members_back(members, set(members))
    if isinstance(value, list | deque):
        items = cast("list[Any] | deque[Any]", value)
        return _items_back(items, list(items))
    return None


def _items_back(items: list[Any] | deque[Any], before: list[Any]) -> PutBack:
    def put_back() -> None:
        if not _same_objects(list(items), before):
            items.clear()
            items.extend(before)

    return put_back


def _members_back(members: set[Any], before: set[Any]) -> PutBack:
    def put_back() -> None:
        if {id(one) for one in members} != {id(one) for one in before}:
            members.clear()
            members.update(before)

    return put_back


def _restore_entries(entries: dict[Any, Any], before: dict[Any, Any]) -> None:
    # In place: the handle of a hook holds on to the dictionary itself.
    # A Counter adds and a transformers output refuses where a plain dictionary would overwrite.
    kind: Any = OrderedDict if isinstance(entries, OrderedDict) else dict
    # What holds the same keys is never empty meanwhile: another thread may be using the module that it belongs to.
    if not _same_objects(list(entries), list(before)):
        kind.clear(entries)
    for key, value in before.items():
        if not kind.__contains__(entries, key) or kind.__getitem__(entries, key) is not value:
            kind.__setitem__(entries, key, value)


def _same_objects(first: list[Any], second: list[Any]) -> bool:
    return len(first) == len(second) and all(map(operator.is_, first, second))


def generator_back(value: Any) -> PutBack | None:
    """Keep where a generator of random numbers stands, or what a NumPy array holds.

    Args:
        value: Anything.

    Returns:
        A function that puts it back; None for what is neither a generator of PyTorch, NumPy or Python nor an array.
    """
    if isinstance(value, torch.Generator):
        state = value.get_state()
        return lambda: _discard(value.set_state(state))
    if isinstance(value, random.Random):
        drawn = value.getstate()
        return lambda: value.setstate(drawn)
    if isinstance(value, np.random.RandomState):
        legacy = value.get_state()
        return lambda: value.set_state(legacy)
    if isinstance(value, np.random.Generator | np.random.BitGenerator):
        bits = value.bit_generator if isinstance(value, np.random.Generator) else value
        return _bit_generator_back(bits, deepcopy(bits.state))
    if isinstance(value, np.ndarray) and not isinstance(value, np.memmap) and value.flags.writeable:
        return _array_back(cast("NDArray[Any]", value))
    return None


def _discard(_: object) -> None:
    """Return None from a call that returns something else."""


def _bit_generator_back(bits: np.random.BitGenerator, state: Any) -> PutBack:
    def put_back() -> None:
        bits.state = state

    return put_back


def _array_back(array: NDArray[Any]) -> PutBack:
    copy = array.copy()

    def put_back() -> None:
        if array.tobytes() != copy.tobytes():
            array[...] = copy

    return put_back
