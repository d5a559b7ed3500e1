"""A subject holds what is examined and lists its modules; batches reach the model in every usual form."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.probe.subject import Subject, batch_size, call, device_of, split, to_device, up_to

X, Y = torch.arange(12.0).reshape(4, 3), torch.arange(4)


class Adder(nn.Module):
    """Adds its arguments."""

    def forward(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        """Add."""
        return a if b is None else a + b


def test_printed_subject_lists_all_modules() -> None:
    """Printing a subject shows every module with its type and parameter count."""
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    assert str(Subject(torch.compile(model, backend="eager"), name="small")) == (
        "small: 2 modules\n"
        "(model)  Sequential             8\n"
        "0        Linear                 8\n"
        "1        ReLU                   0"
    )


def test_subject_from_plain_arguments() -> None:
    """A model, a batch and a loss make a subject; a subject is changed only where something is given."""
    model, loss = nn.Linear(3, 2), nn.functional.mse_loss
    subject = Subject.of(model, (X, Y), loss=loss)
    assert (subject.model, subject.loss, subject.batches, subject.title) == (model, loss, ((X, Y),), "Linear")
    assert Subject.of(subject) == subject
    assert Subject.of(subject, X).batches == (X,)
    assert Subject.of(subject, X).loss is loss


def test_subject_of_something_else() -> None:
    """What is neither a model nor a subject is refused."""
    wrong: Any = object()
    with pytest.raises(InputError) as error:
        Subject.of(wrong)
    assert str(error.value) == (
        "An object of type object came where a model or a pel.Subject was expected. Give the nn.Module, or "
        "pel.Subject(model)."
    )


@pytest.mark.parametrize(("inputs", "total"), [(X, X), ((X, X), 2 * X), ([X, X], 2 * X), ({"a": X, "b": X}, 2 * X)])
def test_call(inputs: Any, total: Tensor) -> None:
    """A tensor is the one argument, a tuple or list positional ones, a mapping named ones."""
    assert torch.equal(call(Adder(), inputs), total)


def test_split() -> None:
    """The target is the last of a tuple, or what has a target's name in a mapping."""
    assert split((X, Y)) == (X, Y)
    assert split([X, X, Y]) == ((X, X), Y)
    assert split({"ids": X, "labels": Y}) == ({"ids": X}, Y)
    assert split({"ids": X}) == ({"ids": X}, None)
    assert split((X,)) == (X, None)
    assert split(X) == (X, None)


def test_batches_up_to_a_count() -> None:
    """Batches are yielded until the count is reached and the last one is cut, in every part."""
    loader = [(X, {"y": Y}), (X, {"y": Y})]
    sizes = [(len(x), len(rest["y"])) for x, rest in up_to(loader, 6)]
    assert sizes == [(4, 4), (2, 2)]
    assert len(list(up_to(loader, 100))) == 2
    with pytest.raises(InputError) as error:
        list(up_to(loader, 0))
    assert str(error.value) == "samples=0 came; expected a whole number, 1 or more."


def test_no_more_batches_are_taken_than_are_needed() -> None:
    """A loader is not asked for a batch that would not be used."""
    taken: list[int] = []

    def loader() -> Iterator[Tensor]:
        for place in range(3):
            taken.append(place)
            yield X

    assert len(list(up_to(loader(), 8))) == 2
    assert taken == [0, 1]


def test_batch_without_tensors() -> None:
    """Samples that cannot be counted are an error."""
    with pytest.raises(InputError) as error:
        batch_size({"a": [1, 2]})
    assert str(error.value) == (
        "A batch of type dict holds no tensor with an axis of samples. Give a tensor, or a tuple, list or "
        "mapping of tensors, such as x[None] for one image."
    )


def test_batch_keeps_its_form_on_a_device() -> None:
    """Every tensor is moved, everything else stays."""
    moved = to_device({"x": (X, ["text", Y])}, torch.device("meta"))
    assert moved["x"][0].device.type == "meta"
    assert moved["x"][1][0] == "text"
    with pytest.raises(
        InputError, match=r"^'weight' is on the meta device and has no values\. Give a model with weights\.$"
    ):
        device_of(nn.Linear(1, 1, device="meta"))
    assert device_of(nn.ReLU()).type == "cpu"


def test_half_of_a_surrogate_pair_is_refused() -> None:
    """A name that no file can take is refused where it comes in."""
    model = nn.Module()
    model.register_parameter("a\ud800", nn.Parameter(torch.zeros(2)))
    with pytest.raises(InputError) as error:
        Subject.of(model)
    assert str(error.value) == (
        "The name 'a\\ud800' holds half of a surrogate pair, which no file and no screen can take. Give the module or "
        "parameter another name."
    )


def test_lazy_modules_are_listed() -> None:
    """A lazy module that has not been run says that its size is not yet known."""
    assert "not yet known" in str(Subject(nn.Sequential(nn.LazyLinear(3))))
