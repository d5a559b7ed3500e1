"""Small networks that have learned to read digits, trained once a process: for pages that need a finished model."""

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.gallery.data import PIXEL_MEAN, PIXEL_SPREAD, Split, digits
from pellucid.gallery.models import MLP
from pellucid.gallery.models.deep_cnn import DeepCNN
from pellucid.gallery.recipes import Recipe, build, healthy, seeded
from pellucid.gallery.training import train
from pellucid.methods.ground.trajectory import Trajectory

SIDE = 16
"""Rows and columns of the pictures."""
STATES = {"untrained": 0, "1 epoch": 19, "converged": 400, "random labels": 1500}
"""Steps of training to each state of `state_of_training`."""
_STEPS, _BATCH, _RATE, _SNAPSHOTS = 300, 64, 3e-3, 24
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


@dataclass(frozen=True, kw_only=True)
class DeepReader:
    """A deep network that reads digits of 8 x 8 pixels, or does not, and the way that its weights took.

    Attributes:
        model: The network, in eval mode, on the CPU.
        path: Snapshots of its weights from the first step on.
        accuracy: Share of the held-out digits that it reads rightly.
        split: 1,200 digits that it learned from, and 512 held out.
    """

    model: nn.Module
    path: Trajectory
    accuracy: float
    split: Split


@cache
def deep_reader(depth: int, *, skips: bool) -> DeepReader:
    """Train a convolutional network of 8 channels on digits of 8 x 8 pixels, once a process.

    Args:
        depth: Layers with weights, even, 4 or more.
        skips: Whether it has skip connections.

    Returns:
        The network; nobody changes it.

    Raises:
        MissingExtraError: scikit-learn is not installed.

    Cost:
        Of one core 2 s for 8 layers and 10 s for 32, the first time.
    """
    with torch.device("cpu"), seeded(0), torch.enable_grad():
        split, model = digits(), DeepCNN(depth, skips=skips)
        path = Trajectory(model, most=_SNAPSHOTS)
        optimizer = torch.optim.Adam(model.parameters(), lr=_RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=_STEPS)
        for step in range(_STEPS):
            path.take(step)
            rows = torch.randint(0, len(split.train_x), (_BATCH,))
            optimizer.zero_grad()
            F.cross_entropy(model(split.train_x[rows]), split.train_y[rows]).backward()
            optimizer.step()
            schedule.step()
        optimizer.zero_grad()
    with torch.no_grad():
        right = model.eval()(split.validation_x).argmax(1) == split.validation_y
    return DeepReader(model=model, path=path, accuracy=float(right.float().mean()), split=split)


@dataclass(frozen=True, kw_only=True)
class StateOfTraining:
    """A network at some state of its training, and digits.

    Attributes:
        model: In eval mode, on the CPU.
        labels: What it was trained to say of each training digit, [1200]; these are drawn by lot in one state.
        split: 1,200 digits of 8 x 8 pixels that it learned from, and 512 held out, with their true classes.
    """

    model: nn.Module
    labels: Tensor
    split: Split


@cache
def state_of_training(state: str) -> StateOfTraining:
    """Train a network of two hidden layers on digits, once a process: not at all, for an epoch, to the end, or wrongly.

    Args:
        state: One of `STATES`.

    Returns:
        The network; nobody changes it.

    Raises:
        InputError: There is no such state.
        MissingExtraError: scikit-learn is not installed.

    Cost:
        Of one core 0.5 s to the end, and 2 s for labels drawn by lot, which have to be learned by heart.
    """
    if state not in STATES:
        raise InputError(f"There is no state {state!r}. Expected: {', '.join(map(repr, STATES))}.")
    with torch.device("cpu"), seeded(0), torch.enable_grad():
        split, model = digits(), MLP((64, 256, 64, 10))
        labels = split.train_y[torch.randperm(len(split.train_y))] if state == "random labels" else split.train_y
        optimizer = torch.optim.Adam(model.parameters(), lr=_RATE)
        for _ in range(STATES[state]):
            rows = torch.randint(0, len(labels), (_BATCH,))
            optimizer.zero_grad()
            F.cross_entropy(model(split.train_x[rows]), labels[rows]).backward()
            optimizer.step()
        optimizer.zero_grad()
    return StateOfTraining(model=model.eval(), labels=labels, split=split)
