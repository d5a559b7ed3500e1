"""Readout: how active a unit is, wherever it lies, and that nothing behind the layer runs."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pellucid.core.errors import AddressError, InputError
from pellucid.gallery.models import SmallTransformer
from pellucid.methods.synthesis import Readout, units_of
from tests.methods.synthesis.nets import Functional, small

Untouched = Callable[[nn.Module], AbstractContextManager[None]]


def x(rows: int = 3) -> Tensor:
    """Pictures of 8 x 8."""
    return torch.rand(rows, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def activity(model: nn.Module, at: Any, units: list[int], *, centre: bool = False) -> tuple[int, Tensor]:
    """How many units there are, and how active one of each row is."""
    readout = Readout(model, at)
    with readout.ready():
        count = readout.settle(x(1), (8, 8))
        return count, readout.activity(readout.run(x(len(units))), torch.tensor(units), centre=centre)


def test_a_channel_is_read_as_its_mean_or_in_the_middle() -> None:
    """Each row its own channel."""
    model = small()
    output = model[:2](x())
    assert activity(model, "1", [0, 4, 2])[0] == 6
    torch.testing.assert_close(activity(model, "1", [0, 4, 2])[1], output[range(3), [0, 4, 2]].mean((1, 2)))
    torch.testing.assert_close(activity(model, "1", [0, 4, 2], centre=True)[1], output[range(3), [0, 4, 2], 4, 4])


def test_a_neuron_and_a_class_are_read_as_they_are() -> None:
    """Of a dense layer, and of the model itself."""
    model = small()
    for at in ("5", None):
        count, found = activity(model, at, [4, 0, 1])
        assert count == 5
        torch.testing.assert_close(found, model(x())[range(3), [4, 0, 1]])


def test_tokens_are_places() -> None:
    """A unit of a transformer is read as its mean over the tokens."""
    model = SmallTransformer()
    count, found = activity(model, "block1.mlp.activation", [63, 0])
    seen: list[Tensor] = []
    model.get_submodule("block1.mlp.activation").register_forward_hook(lambda *given: seen.append(given[2]))
    model(x(2))
    assert count == 64
    torch.testing.assert_close(found, seen[0][[0, 1], :, [63, 0]].mean(1))


def test_one_number_a_picture_is_one_unit() -> None:
    """A score, without an axis of units."""

    class Score(nn.Module):
        def forward(self, given: Tensor) -> Tensor:
            return given.sum((1, 2, 3))

    count, found = activity(Score(), None, [0, 0])
    assert count == 1
    torch.testing.assert_close(found, x(2).sum((1, 2, 3)))


def test_nothing_behind_the_layer_runs_and_no_weight_gets_a_gradient(model_is_untouched: Untouched) -> None:
    """The model stops at the layer, in eval mode, and is as it was afterwards."""
    model = small()
    model[5].register_forward_pre_hook(lambda *_: pytest.fail("it ran"))
    with model_is_untouched(model):
        readout = Readout(model, "2")
        with readout.ready():
            readout.settle(x(1), (8, 8))
            picture = x(1).requires_grad_()
            output = readout.run(picture)
            assert not model.training
            assert not any(one.requires_grad for one in model.parameters())
            output.sum().backward()
            assert all(one.grad is None for one in model.parameters())
            assert picture.grad is not None


def test_a_checkpoint_is_computed_once_more() -> None:
    """What is behind the layer in the checkpoint is left out; the gradient is the same."""

    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small()

        def forward(self, given: Tensor) -> Tensor:
            return checkpoint(self.inner, given, use_reentrant=False)

    found: list[Tensor] = []
    for model, at in ((small(), "2"), (Checkpointed(), "inner.2")):
        readout = Readout(model, at)
        with readout.ready():
            readout.settle(x(1), (8, 8))
            picture = x(2).requires_grad_()
            found += torch.autograd.grad(readout.run(picture).square().sum(), picture)
    torch.testing.assert_close(found[0], found[1])


def test_the_output_is_told_from_what_comes_before() -> None:
    """The model itself and its last leaf are; names of classes belong to those only."""
    assert Readout(small(), None).is_output
    assert Readout(small(), "5").is_output
    assert not Readout(Functional(), "second").is_output


def test_units_are_named_in_many_ways() -> None:
    """One, several, as a tensor, or the first."""
    assert units_of(3, 5, layer="a", most=2) == (3,)
    assert units_of(torch.tensor([4, 1]), 5, layer="a", most=2) == (4, 1)
    assert units_of(range(3), 5, layer="a", most=2) == (0, 1, 2)
    assert units_of(None, 5, layer="a", most=2) == (0, 1)


@pytest.mark.parametrize(
    ("units", "kind", "words"),
    [
        (5, AddressError, "No unit 5 in 'a', which has 5: 0 to 4."),
        ([0, -1], AddressError, "No unit -1 in 'a', which has 5: 0 to 4."),
        ([], InputError, "units=[] came; expected a whole number such as 3, or several such as [3, 17]."),
        ("b", InputError, "units='b' came; expected a whole number such as 3, or several such as [3, 17]."),
        (1.5, InputError, "units=1.5 came; expected a whole number such as 3, or several such as [3, 17]."),
        ([1, 1], InputError, "units=[1, 1] names a unit twice. Name each once; another seed gives another picture."),
    ],
)
def test_units_that_are_not_there_are_refused(units: Any, kind: type[Exception], words: str) -> None:
    """With how many there are."""
    with pytest.raises(kind) as told:
        units_of(units, 5, layer="a", most=2)
    assert str(told.value) == words
