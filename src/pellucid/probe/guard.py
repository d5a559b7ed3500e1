"""Guard: whatever happens to a model inside, it comes out as it went in."""

import os
import random
from collections import OrderedDict, deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import RLock
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pellucid.core.errors import CaptureError, InputError
from pellucid.probe.address import unwrap
from pellucid.probe.contents import PutBack, container_back, generator_back, tensor_back
from pellucid.probe.hooks import begun_here
from pellucid.probe.lent import as_written
from pellucid.probe.patience import Patience, patient

_CORE: Any = vars(torch)["_C"]
_DEEPEST = 8
"""How many containers inside one another are looked into."""
_DICTIONARIES = (dict, OrderedDict)
_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
# Modes and hooks of a model, the random state and torch's own switches are everybody's: threads take turns.
_turn = {"of": RLock()}
if hasattr(os, "register_at_fork"):
    # A process that is forked from another thread would wait for one that it does not have.
    os.register_at_fork(after_in_child=lambda: _turn.update(of=RLock()))


@contextmanager
def untouched(model: nn.Module) -> Generator[None, None, None]:
    """Put a model back as it was, bit for bit, when the block is left, also by an exception or Ctrl-C.

    Restored are the values of parameters, buffers, gradients and every other tensor that a module holds; which
    tensor each of them is, and whether a gradient is None; requires_grad; the mode and every other attribute of
    every module; the contents of its lists, dictionaries, sets, deques and NumPy arrays, up to eight deep; its
    generators of random numbers; hooks; and the random state of Python, NumPy, PyTorch on the CPU and on every
    CUDA device that is in use. Whatever cannot be put back, everything else is. Ctrl-C ends the block, but neither what
    is done before it begins nor the putting back: there it waits (`patience.py`).

    What was compiled runs as it was written meanwhile, in every thread of the process, and no graph is added to those
    that it has. Threads take turns: a block in one waits for that in another, of whatever model, and must not wait for
    a thread that enters one. A thread that uses the model without this (one that trains it) is not held up, and sees it
    as it is inside: explain a copy of a model that is being trained at the same time.

    Not restored are the insides of other objects that a module holds (an iterator, a file, an object of a class
    of your own), arrays mapped from a file, module-level variables, and what the model changes outside itself.

    Args:
        model: Any module, wrapped or not.

    Yields:
        None.

    Raises:
        InputError: A lazy module has not been run yet, so that its parameters are still to come.
        CaptureError: Something could not be put back; everything else was.

    Cost:
        One copy of all parameters, buffers, gradients and other tensors, and on leaving one comparison with it.
        What did not change is not written to.

    Source:
        Ours.
    """
    refuse_uninitialized(model)
    with _turn["of"], patient() as patience, as_written(), begun_here():
        yield from _put_back(model, patience)


def _put_back(model: nn.Module, patience: Patience) -> Generator[None, None, None]:
    # Random state is read first and put back last: nothing in between may draw from it.
    random_state = list(_random_state())
    undo = [*_Held(model).undo, *_switches(), *random_state]
    try:
        patience.work()
        yield
        patience.wait()
    except BaseException as error:
        patience.wait()
        for failure in _all_back(undo):
            error.add_note(f"Besides, a part of the model could not be put back: {failure!r}")
        raise
    failures = _all_back(undo)
    if failures:
        raise CaptureError(
            f"{len(failures)} of {len(undo)} parts of {type(model).__name__} could not be put back as they were, the "
            f"first because of {type(failures[0]).__name__}: {failures[0]} Everything else was put back."
        ) from failures[0]


@contextmanager
def undisturbed() -> Generator[None, None, None]:
    """Keep the random state while a function of ours runs, and let it ask for gradients under inference mode.

    For what happens outside `untouched`, such as asking a loader for data: it draws a seed, shuffled or not. It can
    stand above a function, too. Threads take turns; see `untouched`.

    Yields:
        None.
    """
    with _turn["of"], patient() as patience:
        undo = list(_random_state())
        try:
            with torch.inference_mode(mode=False):
                patience.work()
                yield
        finally:
            patience.wait()
            for put_back in undo:
                put_back()


def _all_back(undo: list[PutBack]) -> list[BaseException]:
    failures: list[BaseException] = []
    for put_back in undo:
        try:
            put_back()
        except BaseException as error:  # noqa: BLE001 - one part that stays changed must not keep others changed
            failures.append(error)
    interrupt = next((one for one in failures if not isinstance(one, Exception)), None)
    if interrupt is not None:
        raise interrupt
    return failures


def refuse_uninitialized(model: nn.Module) -> None:
    """Raise where a lazy module has no parameters yet.

    Args:
        model: Any module, wrapped or not.

    Raises:
        InputError: It has such a module.
    """
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            raise InputError(
                f"{name!r} has no shape yet: it belongs to a lazy module that has not been run. Expected parameters "
                "with values. Run the model on one batch first: model(x)."
            )


def refuse_meta(named: Iterable[tuple[str, Tensor]]) -> None:
    """Raise where a tensor is on the meta device.

    Args:
        named: Parameters or buffers that are needed, with their names.

    Raises:
        InputError: One has no values.
    """
    for name, tensor in named:
        if tensor.is_meta:
            raise InputError(f"{name!r} is on the meta device and has no values. Give a model with weights.")


def refuse_complex(named: Iterable[tuple[str, Tensor]], what: str) -> None:
    """Raise where a tensor holds complex numbers.

    Args:
        named: Parameters that are needed, with their names.
        what: Cannot be made of complex numbers, such as "no picture can be drawn".

    Raises:
        InputError: One does.
    """
    for name, tensor in named:
        if tensor.is_complex():
            raise InputError(
                f"{name!r} holds complex numbers ({tensor.dtype}), of which {what}. Expected real numbers. "
                "pel.weights.histograms(model) shows the magnitudes, pel.weights.spectra(model) the singular values."
            )


def refuse_inference(model: nn.Module) -> None:
    """Raise where a model cannot be differentiated, since it was made under inference mode.

    Args:
        model: Any module, wrapped or not.

    Raises:
        InputError: A parameter or a buffer was, or a lazy module has not been run yet.
    """
    refuse_uninitialized(model)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_inference():
            raise InputError(
                f"{name!r} was made or loaded under torch.inference_mode(), and PyTorch computes no gradients through "
                "such a tensor, not even those of the input. Make the model outside of it, or give a copy that was "
                "made outside: copy.deepcopy(model)."
            )


def _random_state() -> Iterator[PutBack]:
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global state is what is kept
    yield lambda: random.setstate(python)
    yield lambda: np.random.set_state(legacy)  # noqa: NPY002 - the same
    state = torch.get_rng_state()
    yield lambda: torch.set_rng_state(state)
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states = torch.cuda.get_rng_state_all()
        yield lambda: torch.cuda.set_rng_state_all(states)


def _modes() -> int:
    """Return how many TorchFunctionModes are entered."""
    return int(_CORE._len_torch_function_stack())  # noqa: SLF001 - PyTorch shows this stack nowhere else


def _pop_modes(kept: int) -> None:
    while _modes() > kept:
        _CORE._pop_torch_function_stack()  # noqa: SLF001 - the same


def _switches() -> Iterator[PutBack]:
    """Keep switches of PyTorch that our own work turns, should it be cut off before it turns them back."""
    modes = _modes()
    yield partial(_pop_modes, modes)
    fused, cudnn = torch.backends.mha.get_fastpath_enabled(), torch.backends.cudnn
    yield partial(torch.backends.mha.set_fastpath_enabled, fused)
    flags = {name: getattr(cudnn, name) for name in ("enabled", "benchmark", "deterministic", "allow_tf32")}
    for name, flag in flags.items():
        yield partial(setattr, cudnn, name, flag)


def _tensor_of_script(module: nn.Module, name: str, tensor: Tensor) -> PutBack:
    """Keep a tensor of a ScriptModule, which is not in a dictionary where Python sees it."""
    contents = tensor_back(tensor)

    def put_back() -> None:
        if getattr(module, name) is not tensor:
            setattr(module, name, tensor)
        contents()

    return put_back


class _Held:
    """Everything that the modules of a model hold, each object once, with how to put it back."""

    def __init__(self, model: nn.Module) -> None:
        self._empty: list[dict[Any, Any]] = []  # most are: each module has a dozen for its hooks
        self.undo: list[PutBack] = [self._emptied]
        # Held on to, because a freed object may leave its id to another.
        self._seen: dict[int, Any] = {}
        for module in model.modules():
            self._take(module, depth=0)
            if isinstance(module, torch.jit.ScriptModule):  # it keeps its flags where Python does not see them
                self._take_script(module)

    def _take_script(self, module: nn.Module) -> None:
        if hasattr(module, "training"):  # a frozen one has no modes
            self.undo.append(partial(setattr, module, "training", module.training))
        tensors = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        for name, tensor in tensors:
            self._keep(tensor, _tensor_of_script(module, name, tensor))

    def _take(self, value: Any, *, depth: int) -> None:
        if type(value) in _PLAIN or id(value) in self._seen or depth > _DEEPEST:
            return
        if type(value) in _DICTIONARIES and not value:
            self._seen[id(value)] = value
            self._empty.append(value)
        elif isinstance(value, Tensor):
            self._keep(value, tensor_back(value))
        elif isinstance(value, nn.Module):
            # Parameters, buffers, children and all kinds of hooks sit in dictionaries of the module.
            self._seen[id(value)] = value
            self._take(vars(value), depth=0)
        elif (put_back := container_back(value) or generator_back(value)) is not None:
            self._keep(value, put_back)
            self._take_parts(value, depth=depth)
        elif isinstance(value, tuple | frozenset):
            self._seen[id(value)] = value
            self._take_parts(value, depth=depth)

    def _emptied(self) -> None:
        for one in self._empty:
            one.clear()

    def _keep(self, value: Any, put_back: PutBack) -> None:
        self._seen[id(value)] = value
        self.undo.append(put_back)

    def _take_parts(self, value: Any, *, depth: int) -> None:
        if isinstance(value, dict):
            value = list(cast("dict[Any, Any]", value).values())
        if isinstance(value, list | tuple | set | frozenset | deque):
            for part in cast("list[Any]", value):
                self._take(part, depth=depth + 1)


@contextmanager
def examined(model: nn.Module) -> Generator[nn.Module, None, None]:
    """Have a model in eval mode while the block runs, computed alike with and without gradients; see `untouched`.

    Args:
        model: Any module, wrapped or not.

    Yields:
        The model without what is wrapped round it.

    Raises:
        InputError: A lazy module has not been run yet.
        CaptureError: Something could not be put back.
    """
    bare = unwrap(model)
    with torch.inference_mode(mode=False), untouched(bare):
        # Without gradients PyTorch fuses attention: its parts are not called, and what is padded comes out otherwise.
        torch.backends.mha.set_fastpath_enabled(False)
        for module in bare.modules():
            if hasattr(module, "training"):  # a frozen ScriptModule has no mode
                module.training = False
        yield bare
