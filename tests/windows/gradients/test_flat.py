"""Flat pictures: with their shape, maps and inputs are returned and drawn as pictures."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.core.figure import Heat


def network(inputs: int = 64) -> nn.Sequential:
    """A dense network of flat pictures, which looks at them as pictures too."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, 4))


class Folding(nn.Module):
    """A convolutional network that folds what is flat itself."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = nn.Conv2d(1, 3, 3, padding=1), nn.Linear(192, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classify."""
        return self.head(self.conv(x.reshape(-1, 1, 8, 8)).relu().flatten(1))


@pytest.mark.parametrize(("inputs", "shape"), [(64, (8, 8)), (64, (1, 8, 8)), (48, (3, 4, 4)), (64, [4, 16])])
def test_maps_and_inputs_have_the_shape(inputs: int, shape: Any) -> None:
    """The values are those of the flat map, and the map lies over the input."""
    x = torch.rand(2, inputs)
    flat = pel.gradients.saliency(network(inputs), x, 1)
    result = pel.gradients.saliency(network(inputs), x, 1, shape=shape)
    assert result.map.shape == result.given.shape == (2, *shape)
    np.testing.assert_array_equal(result.map.reshape(2, -1), flat.map)
    mark = result.figure().panels[1].marks[0]
    assert isinstance(mark, Heat)
    assert mark.under is not None
    assert mark.under.shape[:2] == tuple(shape)[-2:]
    assert not isinstance(flat.figure().panels[0].marks[0], Heat)


def test_a_layer_lies_over_the_picture() -> None:
    """The shape is then that of what the model was given."""
    result = pel.gradients.saliency(Folding(), torch.rand(1, 64), 1, at="conv", shape=(8, 8))
    assert (result.map.shape, result.given.shape) == ((1, 3, 8, 8), (1, 8, 8))
    mark = result.figure().panels[1].marks[0]
    assert isinstance(mark, Heat)
    assert mark.under is not None


def test_the_caveat_says_what_shape_may_fit() -> None:
    """Nothing is guessed: 64 values are drawn as bars, and 12 or 9 are hardly a picture."""

    def caveat(inputs: int, **options: Any) -> str:
        return pel.gradients.saliency(network(inputs), torch.rand(1, inputs), 1, **options).figure().caveat

    assert "Where the 64 values are a picture, shape=(1, 8, 8) draws it." in caveat(64)
    assert "Where the 192 values are a picture, shape=(3, 8, 8) draws it." in caveat(192)
    for few in (caveat(12), caveat(9), caveat(65), caveat(64, shape=(8, 8)), caveat(64, at="0")):
        assert "shape=" not in few


def test_shapes_that_do_not_fit_are_refused() -> None:
    """With the words of the templates of a layer."""
    cases: Any = (
        ((7, 9), torch.rand(1, 64), "shape=(7, 9) holds 63 values, and each example holds 64. (1, 8, 8) would fit."),
        (
            (8, 8),
            torch.rand(1, 65),
            "shape=(8, 8) holds 64 values, and each example holds 65. Give (channels, rows, columns).",
        ),
        (
            (8, 0),
            torch.rand(1, 64),
            "shape=(8, 0) came; expected (channels, rows, columns) or (rows, columns), whole numbers of 1 or more.",
        ),
    )
    for shape, given, words in cases:
        with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
            pel.gradients.saliency(network(given.shape[1]), given, 1, shape=shape)
    picture = nn.Sequential(nn.Flatten(), network())
    words = "shape=(8, 8) is that of a flat input, [example, value], and one of shape (1, 1, 8, 8) came. Leave it out."
    with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
        pel.gradients.saliency(picture, torch.rand(1, 1, 8, 8), 1, shape=(8, 8))
