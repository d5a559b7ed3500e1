"""State that is neither parameter nor buffer comes back as well, and nothing that fails keeps the rest changed."""

import copy
import random
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import CaptureError, InputError
from pellucid.probe.contents import same_bits
from pellucid.probe.guard import untouched


def _same(first: Any, second: Any) -> bool:
    return repr(first) == repr(second)


HELD: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    # what is held, what is done to it, what is read of it
    "generator of PyTorch": (
        lambda: torch.Generator().manual_seed(3),
        lambda held: torch.rand(2, generator=held),
        lambda held: held.get_state().tolist(),
    ),
    "generator of NumPy": (
        lambda: np.random.default_rng(3),
        lambda held: held.random(),
        lambda h: h.bit_generator.state,
    ),
    "old generator of NumPy": (lambda: np.random.RandomState(3), lambda held: held.rand(), lambda h: h.get_state()),
    "generator of Python": (lambda: random.Random(3), lambda held: held.random(), lambda held: held.getstate()),
    "tensor": (lambda: torch.zeros(3), lambda held: held.add_(1), copy.deepcopy),
    "array": (lambda: np.zeros(3), lambda held: held.__iadd__(1), copy.deepcopy),
    "list": (lambda: [1], lambda held: held.append(2), copy.deepcopy),
    "deque": (lambda: deque([1, 2], maxlen=2), lambda held: held.append(3), copy.deepcopy),
    "set": (lambda: {1}, lambda held: held.add(2), copy.deepcopy),
    "dictionary": (lambda: {"a": 1}, lambda held: held.update(a=2, b=3), copy.deepcopy),
    "nest": (lambda: ({"a": [torch.zeros(2)]},), lambda held: held[0]["a"][0].add_(1), copy.deepcopy),
    "list of modules": (
        lambda: [nn.Linear(2, 2)],
        lambda held: held[0].weight.data.zero_(),
        lambda held: held[0].weight.tolist(),
    ),
}


@pytest.mark.parametrize("kind", HELD)
def test_held_state_comes_back(kind: str) -> None:
    """What a module holds besides parameters and buffers is the same object with the same contents."""
    make, change, read = HELD[kind]
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].held = held = make()
    before = read(held)
    with untouched(model):
        change(held)
        assert not _same(read(held), before)
    assert model[0].held is held
    assert _same(read(held), before)


class _Broken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2, 2), nn.Linear(2, 2)


def _break(model: _Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Tensor.copy_

    def refusing(tensor: Tensor, *args: Any) -> Tensor:
        if tensor.data_ptr() == model.first.weight.data_ptr():
            raise RuntimeError("no.")
        return real(tensor, *args)

    monkeypatch.setattr(Tensor, "copy_", refusing)
    for parameter in model.parameters():
        parameter.data.zero_()
    torch.manual_seed(99)


def test_one_failure_leaves_the_rest_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one tensor cannot be put back, all others and the random state are, and the failure is told."""
    model = _Broken()
    last, state = model.last.weight.clone(), torch.get_rng_state()
    with pytest.raises(CaptureError) as error, untouched(model):
        _break(model, monkeypatch)
    assert torch.equal(model.last.weight, last)
    assert torch.equal(torch.get_rng_state(), state)
    start, end = str(error.value).split(" of ", 1)
    assert start == "1"
    assert end.split(" parts ", 1)[1] == (
        "of _Broken could not be put back as they were, the first because of RuntimeError: no. Everything else was "
        "put back."
    )


def test_failure_is_a_note_on_what_ended_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of the block goes on its way, with a note of what could not be put back."""
    model = _Broken()
    last = model.last.weight.clone()

    def spoil() -> None:
        with untouched(model):
            _break(model, monkeypatch)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as error:
        spoil()
    assert torch.equal(model.last.weight, last)
    assert error.value.__notes__ == ["Besides, a part of the model could not be put back: RuntimeError('no.')"]


def test_sparse_gradient_comes_back() -> None:
    """A sparse gradient is the same tensor with the same entries, whatever was done to it."""
    model = nn.Embedding(5, 2, sparse=True)
    model(torch.tensor([1, 1, 3])).sum().backward()
    gradient = model.weight.grad
    before = gradient.detach().clone()
    with untouched(model):
        model(torch.tensor([1])).sum().backward()
        gradient._values().mul_(7)
        model.weight.grad = None
    assert model.weight.grad is gradient
    assert same_bits(gradient.data, before)


def test_expanded_buffer_comes_back() -> None:
    """A buffer that shows one number three times is put back through that one number."""
    model = nn.BatchNorm1d(3)
    model.running_mean = torch.zeros(1).expand(3)
    with untouched(model):
        model.running_mean[:1].add_(5)
    assert model.running_mean.tolist() == [0, 0, 0]
    assert model.running_mean.stride() == (0,)


def test_meta_model_passes() -> None:
    """A model without memory has no contents to put back; its mode is."""
    model = nn.Linear(2, 2, device="meta")
    with untouched(model):
        model.eval()
    assert model.training


def test_lazy_model_is_refused() -> None:
    """A model whose parameters are still to come is refused, with what to do."""
    with pytest.raises(InputError) as error, untouched(nn.Sequential(nn.LazyLinear(3))):
        pass
    assert str(error.value) == (
        "'0.weight' has no shape yet: it belongs to a lazy module that has not been run. Expected parameters with "
        "values. Run the model on one batch first: model(x)."
    )
