"""Functions of torch are replaced however a model calls them, and never twice."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from pellucid.core.errors import CaptureError
from pellucid.methods.attribution.functions import replaced, where

WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "module": nn.ReLU(),
    "module in place": nn.ReLU(inplace=True),
    "function": F.relu,
    "function in place": lambda x: F.relu(x, inplace=True),
    "torch": torch.relu,
    "torch in place": torch.relu_,
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(),
}


def _minus(_: Any, value: Tensor, *rest: Any) -> Tensor:
    assert not rest
    return -value


@pytest.mark.parametrize("name", WAYS)
def test_every_way_of_calling_is_replaced(name: str) -> None:
    """By modules, functions and methods; what writes in place writes the other result, and nothing stays behind."""
    x = torch.tensor([1.0, -2.0])
    given = x.clone()
    with replaced({"relu": _minus}):
        made = WAYS[name](given)
    assert made.tolist() == [-1.0, 2.0]
    assert (made is given) == name.endswith("in place")
    assert given.tolist() == ([-1.0, 2.0] if name.endswith("in place") else [1.0, -2.0])
    assert WAYS[name](x.clone()).tolist() == [1.0, 0.0]


def test_an_operator_in_place_keeps_its_gradient() -> None:
    """The graph is that of the replacement."""
    x = torch.tensor([3.0], requires_grad=True)
    with replaced({"mul": lambda _, one, other: one + other}):
        y = x.clone()
        y *= 5
    assert y.item() == 8
    assert torch.autograd.grad(y, x)[0].item() == 1


def test_functions_written_in_python_are_opened() -> None:
    """What attention calls inside is seen; a closed one is replaced as a whole."""
    seen: list[str] = []

    def note(function: Any, *given: Any, **options: Any) -> Any:
        seen.append(function.__name__)
        return function(*given, **options)

    attend, x = nn.MultiheadAttention(4, 2), torch.randn(3, 1, 4)
    with replaced(dict.fromkeys(("linear", "softmax", "bmm", "baddbmm"), note)):
        attend(x, x, x)
    assert seen == ["linear", "bmm", "softmax", "bmm", "linear"]
    with replaced({"softsign": lambda *_: "whole", "div": lambda *_: "inside"}, closed=frozenset({"softsign"})):
        assert F.softsign(x) == "whole"  # pyright: ignore[reportUnnecessaryComparison]
    with replaced({"div": lambda *_: "inside"}):
        assert F.softsign(x) == "inside"  # pyright: ignore[reportUnnecessaryComparison]


def test_what_is_not_replaced_runs_as_ever() -> None:
    """Also functions that dispatch among others, and those that are no functions of tensors."""
    x = torch.randn(1, 1, 6, 6)
    with replaced({}):
        made = F.max_pool2d(F.dropout(x, 0.5, training=False), 2).flatten(1).norm(dim=1)
        assert (x.shape, x.size(0), torch.is_grad_enabled()) == ((1, 1, 6, 6), 1, True)
    torch.testing.assert_close(made, F.max_pool2d(x, 2).flatten(1).norm(dim=1))


def test_checkpoints_are_refused() -> None:
    """What is computed again in the backward pass would be computed without the replacements."""
    x = torch.randn(3, requires_grad=True)
    with pytest.raises(CaptureError) as caught, replaced({}):
        checkpoint(torch.tanh, x, use_reentrant=False)
    assert str(caught.value) == (
        "A part of the model is checkpointed, or moves what it keeps for the backward pass elsewhere, and this method "
        "must see each function once. Switch checkpointing off, or use IntegratedGradients()."
    )
    assert checkpoint(torch.tanh, x, use_reentrant=False).shape == (3,)


def test_other_errors_come_through() -> None:
    """As they are."""
    with pytest.raises(RuntimeError, match=r"^mine$"), replaced({}):
        raise RuntimeError("mine")


class _Fails(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


def test_it_is_known_which_module_runs(
    model_is_untouched: Callable[[nn.Module], AbstractContextManager[None]],
) -> None:
    """Also after one that raised; no hook stays."""
    net, x = _Fails(), torch.randn(1, 2)
    seen: list[str] = []

    def note(function: Any, *given: Any) -> Any:
        seen.append(running())
        return function(*given)

    with model_is_untouched(net), where(net) as running, replaced({"linear": note}):
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            net(x)
        seen.append(running())
    assert seen == ["inner.0", "inner.1", ""]
