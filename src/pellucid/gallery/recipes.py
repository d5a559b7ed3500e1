"""Recipes of small training runs, and what they are built into."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import InputError, did_you_mean
from pellucid.gallery.data import Split, digits
from pellucid.gallery.models import ACTIVATIONS, INITIALIZATIONS, MLP, NORMS, SmallCNN, SmallTransformer

ARCHITECTURES = ("mlp", "cnn", "transformer")
OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("constant", "warmup", "one-cycle")

Measure = Callable[[Tensor, Tensor], Tensor]
"""A function of output and target that gives one number: a loss, or an accuracy."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a small training run on the digits.

    Attributes:
        architecture: one of `ARCHITECTURES`.
        activation: one of `models.ACTIVATIONS`.
        norm: one of `models.NORMS`.
        initialization: one of `models.INITIALIZATIONS`.
        width: units of a hidden layer; channels of a late convolution; features of a token.
        depth: hidden layers, convolutions or blocks.
        dropout: share of hidden values dropped in training, 0 to 1.
        optimizer: one of `OPTIMIZERS`; SGD runs with momentum 0.9.
        learning_rate: step size, at the peak of the schedule.
        weight_decay: strength of the pull of weights to 0.
        schedule: one of `SCHEDULES`; warm-up takes a quarter of the steps.
        clip_norm: largest norm of the whole gradient, or None for no clipping.
        label_smoothing: share of the target spread over all classes, 0 to 1.
        batch: samples of a step.
        steps: steps of the run.
        side: rows and columns of the pictures.
        seed: decides the split, the first weights, the batches and dropout.
    """

    architecture: str = "mlp"
    activation: str = "relu"
    norm: str = "none"
    initialization: str = "he"
    width: int = 48
    depth: int = 2
    dropout: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    schedule: str = "constant"
    clip_norm: float | None = None
    label_smoothing: float = 0.0
    batch: int = 64
    steps: int = 160
    side: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        choices: Mapping[str, tuple[str, ...]] = {
            "architecture": ARCHITECTURES,
            "activation": tuple(ACTIVATIONS),
            "norm": NORMS,
            "initialization": tuple(INITIALIZATIONS),
            "optimizer": OPTIMIZERS,
            "schedule": SCHEDULES,
        }
        for name, allowed in choices.items():
            _one_of(getattr(self, name), allowed, what=f"Recipe({name}=...)")


def _one_of(value: str, allowed: tuple[str, ...], *, what: str) -> None:
    if value not in allowed:
        listed = ", ".join(repr(one) for one in allowed)
        near = did_you_mean(value, allowed)
        sentences = (f"{what} got {value!r}.", near, f"Choose one of {listed}.")
        raise InputError(" ".join(sentence for sentence in sentences if sentence))


HEALTHY: Mapping[str, Recipe] = MappingProxyType(
    {
        "mlp": Recipe(architecture="mlp"),
        "cnn": Recipe(architecture="cnn", width=16, learning_rate=8e-3),
        "transformer": Recipe(
            architecture="transformer",
            activation="gelu",
            norm="layer",
            initialization="default",
            width=32,
            learning_rate=5e-3,
        ),
    }
)
"""The recipe of a healthy run for each architecture."""


def healthy(architecture: str, *, seed: int = 0) -> Recipe:
    """Give the recipe of a run that learns the digits to at least 90 % in seconds.

    Args:
        architecture: one of `ARCHITECTURES`.
        seed: decides everything random.

    Returns:
        The recipe; change it with `dataclasses.replace`.

    Raises:
        InputError: there is no such architecture.
    """
    _one_of(architecture, ARCHITECTURES, what="healthy()")
    return replace(HEALTHY[architecture], seed=seed)


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Draw from a known state of torch's generator, and put the old state back afterwards.

    Args:
        seed: the known state.

    Yields:
        Nothing.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def accuracy(output: Float[Tensor, "batch output"], target: Shaped[Tensor, "batch *ignored"]) -> Float[Tensor, ""]:
    """Measure the share of samples whose largest logit is the right one.

    Args:
        output: logits.
        target: classes.

    Returns:
        A share, 0 to 1.
    """
    return (output.argmax(-1) == target).float().mean()


def same_batch(step: int, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG001 - the shape of a spoiler
    """Leave a batch as it is.

    Args:
        step: number of the step, from 0.
        x: samples.
        y: targets.

    Returns:
        The same samples and targets.
    """
    return x, y


@dataclass(frozen=True, kw_only=True)
class Trainee:
    """A training run that is ready to start; injections replace its parts.

    Attributes:
        name: what it is, for people.
        recipe: what it was built from.
        model: the network, changed in place by training.
        optimizer: the optimizer over its parameters.
        loss: training loss of output and target.
        metric: accuracy of output and target, or None where there is none (regression).
        split: samples.
        order: "shuffled" draws each epoch anew; "sorted" goes through the classes one after the other.
        zero_gradients: False forgets to clear the gradients between steps.
        before_step: called with the model and the step number before each forward pass.
        spoil: called with step, samples and targets of each batch; gives what is trained on.
    """

    name: str
    recipe: Recipe
    model: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Measure
    metric: Measure | None = accuracy
    split: Split
    order: Literal["shuffled", "sorted"] = "shuffled"
    zero_gradients: bool = True
    before_step: Callable[[nn.Module, int], None] | None = None
    spoil: Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]] = field(default=same_batch)

    @property
    def check(self) -> tuple[Tensor, Tensor]:
        """The validation samples and targets, as `pel.watch(check=...)` takes them."""
        return self.split.validation_x, self.split.validation_y

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Draw training batches without end, from a generator of their own.

        Yields:
            Samples and targets of one step; an epoch's incomplete last batch is left out.
        """
        generator = torch.Generator().manual_seed(self.recipe.seed + 1)
        x, y = self.split.train_x, self.split.train_y
        size = min(self.recipe.batch, len(x))
        step = 0
        while True:
            order = torch.randperm(len(x), generator=generator)
            if self.order == "sorted":
                order = order[y[order].argsort(stable=True)]
            for start in range(0, len(x) - size + 1, size):
                chosen = order[start : start + size]
                yield self.spoil(step, x[chosen], y[chosen])
                step += 1


def build_model(recipe: Recipe) -> nn.Module:
    """Build the network of a recipe, with its first weights drawn from the recipe's seed.

    Args:
        recipe: what to build.

    Returns:
        The network, in training mode.
    """
    options = {name: getattr(recipe, name) for name in ("activation", "norm", "initialization", "dropout")}
    with seeded(recipe.seed):
        if recipe.architecture == "mlp":
            return MLP((recipe.side**2, *[recipe.width] * recipe.depth, 10), **options)
        if recipe.architecture == "cnn":
            channels = (max(recipe.width // 2, 1), *[recipe.width] * (recipe.depth - 1))
            return SmallCNN(channels, side=recipe.side, width=2 * recipe.width, **options)
        return SmallTransformer(side=recipe.side, width=recipe.width, depth=recipe.depth, **options)


def build_optimizer(recipe: Recipe, parameters: Iterator[nn.Parameter]) -> torch.optim.Optimizer:
    """Build the optimizer of a recipe.

    Args:
        recipe: names the optimizer, its learning rate and weight decay.
        parameters: what it shall change.

    Returns:
        The optimizer, at the learning rate of the schedule's peak.
    """
    if recipe.optimizer == "sgd":
        maker = partial(torch.optim.SGD, momentum=0.9)
    else:
        maker = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return maker(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def build(recipe: Recipe) -> Trainee:
    """Build a run: data, network, optimizer and loss.

    Args:
        recipe: what to build.

    Returns:
        A run that is ready to train.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    model = build_model(recipe)
    return Trainee(
        name=recipe.architecture,
        recipe=recipe,
        model=model,
        optimizer=build_optimizer(recipe, model.parameters()),
        loss=partial(F.cross_entropy, label_smoothing=recipe.label_smoothing),
        split=digits(recipe.side, seed=recipe.seed),
    )
