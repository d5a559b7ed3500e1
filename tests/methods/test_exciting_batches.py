"""What excites each channel most, over batches that are not all alike."""

import pytest
import torch
from torch import nn

from pellucid.core.errors import InputError
from pellucid.methods.exciting import exciting
from tests.methods.test_exciting import cnn, images


def test_examples_may_be_of_several_sizes() -> None:
    """The place is that in the grid of its own example; so is what it sees."""
    small, large = images(2)[:, :, :6, :6], images(3)
    large[1, 0, 7, 12] = 90.0
    found = exciting(nn.Sequential(nn.Identity()), [(one, None) for one in (small, large, small)], "0")
    assert (found.examples[0], found.places[0].tolist()) == (3, [7, 12])
    assert found.boxes[0, 1:].tolist() == [[7, 8], [12, 13]]
    assert found.patches[0, 0, 0, 0] == 90.0


def test_an_example_of_which_more_is_seen_is_refused() -> None:
    """Of a unit that sees all of the example; after the largest smaller ones are taken."""
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
    small, large = images(2)[:, :, :6, :6], images(3)
    assert exciting(model, [(large, None), (small, None)], "2").samples == 5
    with pytest.raises(InputError) as caught:
        exciting(model, [(small, None), (large, None)], "2")
    assert str(caught.value) == (
        "Examples of shape (2, 13, 13) came after others, and of them '2' sees a part of shape (2, 13, 13), more than "
        "the (2, 6, 6) of those before. Bring all to one size, or give the largest first."
    )


def test_an_error_of_the_model_comes_with_the_batch() -> None:
    """It stays what the model raised; the notes say what was given, and which batch that was."""
    with pytest.raises(RuntimeError, match="to have 2 channels, but got 3 channels instead") as caught:
        exciting(cnn(), [(images(2), None), (torch.zeros(4, 3, 13, 13), None)], "4")
    assert caught.value.__notes__ == [
        "pellucid called Sequential(torch.float32[4, 3, 13, 13]).",
        "That was batch 2 of the data. Give batches that the model takes.",
    ]
