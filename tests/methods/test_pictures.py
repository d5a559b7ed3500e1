"""Pictures out of loaders: kept, laid out, and refused in words."""

import re
from typing import Any

import pytest
import torch

from pellucid.core.errors import InputError
from pellucid.methods.pictures import first_batch, pictures_of


def batches() -> list[Any]:
    """Three batches, the last one smaller; one label is none, one picture is not finite."""
    x, y = torch.arange(10 * 12.0).reshape(10, 1, 3, 4), torch.tensor([0, 1, 0, 1, -100, 0, 1, 1, 0, 1])
    x[1, 0, 2, 2] = float("nan")
    return [(x[:4], y[:4]), (x[4:8], y[4:8]), (x[8:], y[8:])]


def test_the_first_of_each_class_are_kept_in_order() -> None:
    """Their numbers are those of the data, and what has no label or is not finite is counted and left out."""
    found = pictures_of(batches(), quotas={0: 2, 1: 3})
    assert found.labels.tolist() == [0, 0, 1, 1, 1]
    assert found.numbers.tolist() == [0, 2, 3, 6, 7]
    assert found.left_out == 2
    assert found.shape == (1, 3, 4)
    assert torch.equal(found.as_given(found.planes), found.given)


def test_flat_inputs_are_laid_out_as_told() -> None:
    """Planes have the shape that was named, and go back to the form of the inputs."""
    data = [(x.flatten(1).double(), y) for x, y in batches()]
    found = pictures_of(data, quotas={0: 9, 1: 9}, shape=(3, 4))
    assert found.planes.shape == (8, 1, 3, 4)
    assert found.as_given(found.planes).shape == (8, 12)


def test_one_pair_is_one_batch() -> None:
    """A tuple of pictures and labels is not taken for two batches."""
    pair = batches()[0]
    first, every = first_batch(pair)
    assert first is pair
    assert list(every) == [pair]


REFUSED = {
    "generator": (
        lambda: first_batch(iter(batches())),
        "data is a list_iterator, which can be gone through only once. Give a DataLoader, or list(data).",
    ),
    "no data": (
        lambda: first_batch([]),
        (
            "The batches yield nothing. Expected at least one batch of 1 example or more. Give a list or a DataLoader "
            "that has any; a generator can be gone through only once."
        ),
    ),
    "no labels": (
        lambda: pictures_of([torch.zeros(2, 1, 3, 4)], quotas={0: 1}),
        (
            "No labels came with 2 pictures; expected batches of (pictures, labels), with one class number for each "
            "picture."
        ),
    ),
    "flat": (
        lambda: pictures_of([(torch.zeros(2, 16), torch.zeros(2).long())], quotas={0: 1}),
        (
            "The inputs have shape (2, 16); expected pictures, [N, channel, row, column]. Say how a picture is laid "
            "out in them: shape=(1, 4, 4). Signals are pictures of one row: shape=(channels, 1, length)."
        ),
    ),
    "wrong shape": (
        lambda: pictures_of([(torch.zeros(2, 16), torch.zeros(2).long())], quotas={0: 1}, shape=(3, 5)),
        "shape=(3, 5) holds 15 values, and an input holds 16. (1, 4, 4) would fit.",
    ),
    "tokens": (
        lambda: pictures_of([(torch.zeros(2, 16).long(), torch.zeros(2).long())], quotas={0: 1}),
        (
            "The pictures are torch.int64 of shape (2, 16); expected one tensor of real numbers, [N, channel, row, "
            "column]."
        ),
    ),
    "label": (
        lambda: pictures_of([(torch.zeros(2, 1, 3, 4), torch.tensor([0, 7]))], quotas={0: 1, 1: 1}),
        "The label 7 came, and the model has outputs for classes 0 to 1.",
    ),
    "two sizes": (
        lambda: pictures_of([*batches(), (torch.zeros(1, 1, 9, 4), torch.tensor([1]))], quotas={0: 99, 1: 99, 2: 99}),
        (
            "Pictures of (1, 9, 4) came in batch 4, and of (1, 3, 4) in the first. They are compared place by place: "
            "bring all to one size."
        ),
    ),
    "nothing usable": (
        lambda: pictures_of([(torch.zeros(2, 1, 3, 4), torch.tensor([-1, -1]))], quotas={0: 1}),
        "Of 2 examples none has a label of 0 or more and values that are finite.",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_labelled_picture_is_refused(kind: str) -> None:
    """The error says what came, what was expected and what to do."""
    ask, message = REFUSED[kind]
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        ask()
