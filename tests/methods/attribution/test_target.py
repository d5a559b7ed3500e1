"""Targets: which number of the output is explained."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.methods.attribution.target import Score, output_of

HOW = (
    "Give a class number, one number (or tuple of numbers) an example, None where the output is one number an "
    "example, or a function from the output to one number an example."
)
EVERY = torch.arange(3)
FLAT = torch.arange(12.0).reshape(3, 4)
DEEP = torch.arange(24.0).reshape(3, 2, 4)
COMPLEX = (
    "which a map cannot explain. Give a function to real ones as the target, such as "
    "target=lambda output: output.abs()[:, 3]."
)


@pytest.mark.parametrize(
    ("target", "output", "expected"),
    [
        (1, FLAT, [1, 5, 9]),
        (torch.tensor(1), FLAT, [1, 5, 9]),
        ([0, 3, 2], FLAT, [0, 7, 10]),
        (torch.tensor([0, 3, 2]), FLAT, [0, 7, 10]),
        ([(0, 1), (1, 0), (1, 3)], DEEP, [1, 12, 23]),
        ((1, 2), DEEP, [6, 14, 22]),
        (1, DEEP, [22, 54, 86]),
        (lambda output: output.sum(1), FLAT, [6, 22, 38]),
        (None, FLAT[:, 0], [0, 4, 8]),
        (None, FLAT[:, :1], [0, 4, 8]),
        (2, {"logits": FLAT, "loss": FLAT[0, 0]}, [2, 6, 10]),
        (2, (FLAT, None), [2, 6, 10]),
    ],
)
def test_every_kind_of_target(target: Any, output: Any, expected: list[float]) -> None:
    """Numbers, places, one of them an example, functions, None; of class maps the sum over places."""
    assert Score(target, 3).of(output, EVERY).tolist() == expected


def test_rows_have_the_target_of_their_example() -> None:
    """Several rows of one example, in any order."""
    assert Score([0, 3, 2], 3).of(FLAT[[2, 2, 0]], torch.tensor([2, 2, 0])).tolist() == [10, 10, 0]


def test_the_highest_class_is_settled_by_the_first_output() -> None:
    """None with a row of classes: what the examples themselves score highest, whatever comes later."""
    score = Score(None, 3)
    score.settle(torch.tensor([[0.0, 1], [3, 2], [0, 5]]))
    assert score.chosen() == (1, 0, 1)
    assert score.of(-FLAT[:, :2], EVERY).tolist() == [-1, -4, -9]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("cat", f"target='cat' came. {HOW}"),
        (True, f"The target is a tensor of shape () and type torch.bool. {HOW}"),
        (1.5, f"The target is a tensor of shape () and type torch.float32. {HOW}"),
        ([0, 1], f"The target is for 2 examples, and 3 came. {HOW}"),
        (torch.zeros(3), f"The target is a tensor of shape (3,) and type torch.float32. {HOW}"),
    ],
)
def test_what_is_no_target_is_refused(target: Any, message: str) -> None:
    """At once, before the model is run."""
    with pytest.raises(InputError) as error:
        Score(target, 3)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("target", "output", "message"),
    [
        (
            9,
            FLAT,
            "The target 9 does not exist: the output has shape (3, 4), so expected 0 to 3 on axis 1.",
        ),
        (
            -1,
            FLAT,
            "The target -1 does not exist: the output has shape (3, 4), so expected 0 to 3 on axis 1.",
        ),
        (
            (0, 1),
            FLAT,
            f"The output has shape (3, 4), and the target names 2 places behind its first axis. {HOW}",
        ),
        (
            None,
            DEEP,
            f"With target=None, the output is of shape (3, 2, 4), expected one number for each of 3 rows. {HOW}",
        ),
        (
            lambda output: output,
            FLAT,
            f"The target function returned of shape (3, 4), expected one number for each of 3 rows. {HOW}",
        ),
        (
            lambda _: 1.0,
            FLAT,
            f"The target function returned a float, expected a tensor with one number a row. {HOW}",
        ),
        (
            0,
            FLAT.to(torch.complex64),
            f"The model returned complex numbers (torch.complex64), {COMPLEX}",
        ),
        (
            lambda output: output[:, 0] * 1j,
            FLAT,
            f"The target function returned complex numbers (torch.complex64), {COMPLEX}",
        ),
        (0, FLAT[:2], "The output has 2 rows, expected one for each of 3 that came."),
    ],
)
def test_what_does_not_fit_the_output_is_refused(target: Any, output: Tensor, message: str) -> None:
    """The message says what the output is."""
    with pytest.raises(InputError) as error:
        Score(target, 3).of(output, EVERY)
    assert str(error.value) == message


class _Pair(NamedTuple):
    logits: Tensor
    hidden: Tensor


def test_the_tensor_that_an_output_means() -> None:
    """Itself, what is called logits, or the only one."""
    assert output_of(_Pair(FLAT, DEEP)) is FLAT
    assert output_of({"a": {"b": FLAT}}) is FLAT
    with pytest.raises(InputError) as error:
        output_of((FLAT, DEEP))
    assert str(error.value) == (
        "The model returned a tuple with 2 tensors, and none is called logits. Give a function as the target, such as "
        "target=lambda output: output[0][:, 3]."
    )
