"""Faults of the data: its scale, its labels, its order, its amount."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from pellucid.gallery.recipes import Trainee
from pellucid.gallery.sick.injection import NOWHERE, Injection, rebuilt

CORRUPTED_AT = 100
"""Step whose batch is corrupted, from 0."""


def _change_inputs(trainee: Trainee, change: Callable[[Tensor], Tensor]) -> Trainee:
    split = trainee.split
    split = replace(split, train_x=change(split.train_x), validation_x=change(split.validation_x))
    return replace(trainee, split=split)


def _permute_labels(trainee: Trainee, keep: int) -> Trainee:
    generator = torch.Generator().manual_seed(trainee.recipe.seed)

    def permuted(y: Tensor) -> Tensor:
        return y[torch.randperm(len(y), generator=generator)]

    split = trainee.split
    changed = replace(
        split,
        train_x=split.train_x[:keep],
        train_y=permuted(split.train_y[:keep]),
        validation_y=permuted(split.validation_y),
    )
    return replace(trainee, split=changed)


def _choose(trainee: Trainee, chosen: Tensor) -> Trainee:
    split = trainee.split
    return replace(trainee, split=replace(split, train_x=split.train_x[chosen], train_y=split.train_y[chosen]))


def _few(trainee: Trainee) -> Trainee:
    if trainee.recipe.architecture == "mlp":  # a smaller one settles before it overfits visibly
        trainee = rebuilt(trainee, width=96, learning_rate=1e-2)
    return _choose(trainee, torch.arange(96 if trainee.recipe.architecture == "transformer" else 48))


def _imbalance(trainee: Trainee) -> Trainee:
    generator = torch.Generator().manual_seed(trainee.recipe.seed)
    y = trainee.split.train_y
    common, rare = (y == 0).nonzero()[:, 0], (y != 0).nonzero()[:, 0]
    repeats = torch.randint(len(common), (len(y) * 99 // 100,), generator=generator)
    return _choose(trainee, torch.cat([common[repeats], rare[: len(y) - len(repeats)]]))


def _poison(trainee: Trainee) -> Trainee:
    poisoned = trainee.split.train_x.clone()
    poisoned[7, 0, 3, 3] = float("nan")
    return replace(trainee, split=replace(trainee.split, train_x=poisoned))


def _corrupt_batch(trainee: Trainee) -> Trainee:
    def corrupt(step: int, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return (3 * x, (y + 1) % 10) if step == CORRUPTED_AT else (x, y)

    return replace(trainee, spoil=corrupt)


INJECTIONS = (
    Injection(
        name="inputs-times-255",
        intended=("input-or-output-range",),
        description="The pictures are 255 times too large.",
        where=NOWHERE,
        inject=lambda trainee: _change_inputs(trainee, lambda x: x * 255),
    ),
    Injection(
        name="inputs-over-255",
        intended=("input-or-output-range",),
        description="The pictures are 255 times too small.",
        where=NOWHERE,
        inject=lambda trainee: _change_inputs(trainee, lambda x: x / 255),
    ),
    Injection(
        name="zero-inputs",
        intended=("input-or-output-range", "stuck-at-prior"),
        description="Every picture is black.",
        where=NOWHERE,
        inject=lambda trainee: _change_inputs(trainee, torch.zeros_like),
    ),
    Injection(
        name="permuted-labels",
        intended=("labels-not-learnable", "stuck-at-prior"),
        description="The labels of all 1,200 pictures are shuffled.",
        where=NOWHERE,
        inject=lambda trainee: _permute_labels(trainee, len(trainee.split.train_y)),
    ),
    Injection(
        name="permuted-labels-memorised",
        intended=("labels-not-learnable",),
        description="The labels are shuffled, and the pictures are so few (192) that they are learned by heart.",
        where=NOWHERE,
        inject=lambda trainee: _permute_labels(trainee, 192),
    ),
    Injection(
        name="sorted-batches",
        intended=("batch-order-or-imbalance",),
        description="Batches go through the classes one after the other.",
        where=NOWHERE,
        inject=lambda trainee: replace(trainee, order="sorted"),
    ),
    Injection(
        name="imbalance",
        intended=("batch-order-or-imbalance",),
        description="99 % of the training pictures are of one class.",
        where=NOWHERE,
        inject=_imbalance,
    ),
    Injection(
        name="nan-sample",
        intended=("non-finite",),
        description="One pixel of one training picture is NaN.",
        where=NOWHERE,
        inject=_poison,
    ),
    Injection(
        name="corrupt-batch",
        intended=("loss-spike",),
        description="The batch of step 100 is three times too bright and has wrong labels.",
        where=NOWHERE,
        inject=_corrupt_batch,
    ),
    Injection(
        name="few-samples",
        intended=("overfit",),
        description="Only 48 training pictures (96 for a transformer).",
        where=NOWHERE,
        inject=_few,
    ),
)
