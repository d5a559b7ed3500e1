"""Many different healthy runs: the controls on which a diagnosis must stay silent."""

import random
from collections.abc import Iterator
from dataclasses import replace

from pellucid.gallery.recipes import ARCHITECTURES, Recipe, healthy

SMOOTH = ("leaky_relu", "gelu", "silu", "elu")

RATES = {
    ("mlp", "adam"): (2e-3, 4e-3, 8e-3),
    ("mlp", "sgd"): (0.03, 0.06, 0.1),
    ("cnn", "adam"): (5e-3, 8e-3, 1.2e-2),
    ("cnn", "sgd"): (0.04, 0.06, 0.08),
    ("transformer", "adam"): (3e-3, 5e-3, 7e-3),
}
"""Learning rates with which an architecture learns the digits under an optimizer."""

SIZES = {
    "mlp": ((32, 48, 64, 96), (1, 2, 3)),
    "cnn": ((12, 16, 24), (2, 3)),
    "transformer": ((32, 40), (2,)),
}
"""Widths and depths of each architecture."""


def healthy_zoo(seed: int, count: int) -> Iterator[Recipe]:
    """Draw varied recipes of runs that learn: the three architectures in turn.

    Activation, norm, initialization, optimizer, learning rate, width, depth, schedule and the recipe's own
    seed all vary. Only combinations that learn the digits to at least 90 % are drawn.

    Args:
        seed: decides the draw; the same seed gives the same recipes.
        count: number of recipes.

    Yields:
        One recipe after the other.
    """
    draw = random.Random(seed)  # noqa: S311 - an experiment, not a secret
    for index in range(count):
        architecture = ARCHITECTURES[index % len(ARCHITECTURES)]
        yield _DRAWERS[architecture](draw, replace(healthy(architecture), seed=draw.randrange(2**31)))


def _trained(draw: random.Random, recipe: Recipe, optimizers: tuple[str, ...]) -> Recipe:
    """Draw how a network is trained, and its size."""
    optimizer = draw.choice(optimizers)
    widths, depths = SIZES[recipe.architecture]
    return replace(
        recipe,
        optimizer=optimizer,
        learning_rate=draw.choice(RATES[recipe.architecture, "sgd" if optimizer == "sgd" else "adam"]),
        weight_decay=1e-2 if optimizer == "adamw" else 0.0,
        schedule=draw.choice(("constant", "constant", "warmup")),
        width=draw.choice(widths),
        depth=draw.choice(depths),
    )


def _mlp(draw: random.Random, recipe: Recipe) -> Recipe:
    recipe = replace(
        recipe,
        activation=draw.choice(("relu", "relu", "tanh", *SMOOTH)),
        norm=draw.choice(("none", "batch", "layer")),
        initialization=draw.choice(("default", "he", "xavier", "orthogonal")),
        steps=200,
    )
    return _trained(draw, recipe, ("adam", "adamw", "sgd"))


def _cnn(draw: random.Random, recipe: Recipe) -> Recipe:
    recipe = replace(
        recipe,
        activation=draw.choice(("relu", "relu", "tanh", *SMOOTH)),
        norm=draw.choice(("none", "batch", "layer")),
        initialization=draw.choice(("he", "xavier", "orthogonal")),
        steps=200,
    )
    return _trained(draw, recipe, ("adam", "adamw", "sgd"))


def _transformer(draw: random.Random, recipe: Recipe) -> Recipe:
    recipe = replace(
        recipe,
        activation=draw.choice(("relu", "gelu", "silu")),
        norm=draw.choice(("layer", "layer", "batch")),
        initialization=draw.choice(("default", "xavier")),
        steps=240,
    )
    return _trained(draw, recipe, ("adam", "adamw"))


_DRAWERS = {"mlp": _mlp, "cnn": _cnn, "transformer": _transformer}
