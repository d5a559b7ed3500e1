"""Small networks that have learned to read digits, trained once a process: for pages that need a finished model."""

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.gallery.data import PIXEL_MEAN, PIXEL_SPREAD, Split
from pellucid.gallery.recipes import Recipe, build, healthy
from pellucid.gallery.training import train

SIDE = 16
"""Rows and columns of the pictures."""
_RECIPES = {
    "mlp": replace(healthy("mlp"), side=SIDE, width=32, depth=1, steps=300, schedule="one-cycle", learning_rate=1e-2),
    "cnn": replace(healthy("cnn"), side=SIDE, steps=300),
}


@dataclass(frozen=True, kw_only=True)
class DigitReader:
    """A network that reads digits, and digits that it has not seen.

    Attributes:
        model: The network, in eval mode, on the CPU: brightness 0 to 1, [N, 1, 16, 16], to ten scores, [N, 10].
        recipe: How it was trained.
        accuracy: Share of the held-out digits that it reads rightly.
        split: Digits as brightness 0 (black) to 1 (white): those that it learned from, and 512 held out.
    """

    model: nn.Module
    recipe: Recipe
    accuracy: float
    split: Split

    def held_out(self, digit: int, number: int) -> Tensor:
        """Return a held-out picture of a digit, [1, 1, 16, 16].

        Args:
            digit: 0 to 9.
            number: Which of them, from 0.

        Raises:
            InputError: There are fewer.
        """
        found = self.split.validation_x[self.split.validation_y == digit]
        if not 0 <= number < len(found):
            raise InputError(f"Held-out picture {number} of a {digit} was asked for; there are {len(found)}, from 0.")
        return found[number : number + 1]


@cache
def digit_reader(architecture: str) -> DigitReader:
    """Train a network on digits of 16 x 16 pixels, once a process; whoever asks again gets the same.

    It is given brightness itself, nothing standardised, so that a gradient is one per unit of brightness, 0 is black,
    and what a convolution is padded with is black as well.

    Args:
        architecture: "mlp", one hidden layer of 32 ReLUs, or "cnn", two convolutions of 8 and 16 channels.

    Returns:
        The network and its digits; nobody changes them.

    Raises:
        InputError: There is no such network.
        MissingExtraError: scikit-learn is not installed.

    Cost:
        0.3 s of one core for the MLP and 1.5 s for the CNN, the first time.
    """
    if architecture not in _RECIPES:
        raise InputError(f"There is no trained network {architecture!r}. Expected: {', '.join(_RECIPES)}.")
    with torch.device("cpu"):  # whatever the default is
        trainee = build(_RECIPES[architecture])
        split = replace(
            trainee.split,
            train_x=_brightness(trainee.split.train_x),
            validation_x=_brightness(trainee.split.validation_x),
        )
        record = train(replace(trainee, split=split), evaluate_every=trainee.recipe.steps)
    model = trainee.model.eval()
    return DigitReader(model=model, recipe=trainee.recipe, accuracy=record.accuracy, split=split)


def _brightness(standardised: Tensor) -> Tensor:
    return (standardised * PIXEL_SPREAD + PIXEL_MEAN).clamp(0, 1)
