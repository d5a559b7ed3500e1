"""Baselines: what an input is compared with."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.attribution import Question
from pellucid.methods.attribution.baseline import baselines_of, blurred

HOW = "Expected None, a number, 'blur', 'mean', or a tensor like one example or like the whole batch."


def _of(given: Any, *values: Tensor) -> tuple[Tensor, ...]:
    return baselines_of(given, Question(nn.Identity(), values, 0))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, [[0, 0], [0, 0]]),
        (2, [[2, 2], [2, 2]]),
        (0.5, [[0.5, 0.5], [0.5, 0.5]]),
        (torch.tensor([1, 2]), [[1, 2], [1, 2]]),
        (torch.tensor([[1.0, 2], [3, 4]]), [[1, 2], [3, 4]]),
        ("mean", [[2, 2], [5, 5]]),
        ([3], [[3, 3], [3, 3]]),
    ],
)
def test_every_kind(given: Any, expected: list[list[float]]) -> None:
    """Numbers, one example, a batch, a name; of the type of the input."""
    (found,) = _of(given, torch.tensor([[1.0, 3], [4, 6]], dtype=torch.float64))
    assert found.tolist() == expected
    assert found.dtype == torch.float64


def test_a_mean_is_that_of_each_channel_of_each_example() -> None:
    """An image in the mean colour of itself."""
    images = torch.randn(2, 3, 4, 5)
    (found,) = _of("mean", images)
    torch.testing.assert_close(found[1, 2], images[1, 2].mean().expand(4, 5))


def test_blur_keeps_a_constant_and_the_mean_of_a_middle() -> None:
    """A constant image stays; a point becomes the product of two Gaussians, as wide as a tenth of the image."""
    assert torch.allclose(blurred(torch.full((1, 2, 12, 16), 3.0)), torch.tensor(3.0))
    point = torch.zeros(1, 1, 41, 61, dtype=torch.float64)
    point[0, 0, 20, 30] = 1
    weights = [math.exp(-0.5 * (step / 4.1) ** 2) for step in range(-12, 13)]
    found = blurred(point)[0, 0]
    assert float(found[20, 30]) == pytest.approx(1 / sum(weights) ** 2)
    assert float(found[25, 27]) == pytest.approx(weights[12 + 5] * weights[12 - 3] / sum(weights) ** 2)
    (small,) = _of("blur", torch.randn(1, 3, 2, 2))
    assert small.shape == (1, 3, 2, 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("black", f"baseline='black' came, for an input of shape (2, 3). {HOW} 'blur' is for images."),
        ("blur", f"baseline='blur' came, for an input of shape (2, 3). {HOW} 'blur' is for images."),
        (True, f"baseline=True came. {HOW}"),
        pytest.param(10**400, f"baseline of type int came, larger than torch.float32 holds. {HOW}", id="10**400"),
        (math.nan, f"The baseline holds NaN or infinity. {HOW}"),
        (torch.zeros(4), f"The baseline has shape (4,), the input (2, 3). {HOW}"),
        ([1, 2], "2 baselines came for 1 explained inputs. Give one for each."),
    ],
)
def test_what_does_not_fit_is_refused(given: Any, message: str) -> None:
    """The message says what came and what is possible."""
    with pytest.raises(InputError) as error:
        _of(given, torch.zeros(2, 3))
    assert str(error.value) == message
