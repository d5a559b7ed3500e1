"""Faults between output and loss, and between training and evaluation."""

from collections import OrderedDict
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.gallery.models.parts import Stage
from pellucid.gallery.recipes import Measure, Trainee, seeded
from pellucid.gallery.sick.injection import (
    NOWHERE,
    Injection,
    bias_of,
    hidden_layers,
    rebuilt,
    weighted_layers,
    with_model,
)

HEADS = {"mlp": "head", "cnn": "head", "transformer": "head"}


def _cover_head(trainee: Trainee, cover: nn.Module, *, outputs: int = 10) -> Trainee:
    """Put an activation behind the head, which gets as many outputs as asked."""
    head = weighted_layers(trainee.model.get_submodule("head"))[0]
    with seeded(trainee.recipe.seed):
        linear = head if outputs == head.weight.shape[0] else nn.Linear(head.weight.shape[1], outputs)
    name = type(cover).__name__.lower()
    trainee.model.add_module("head", nn.Sequential(OrderedDict([("linear", linear), (name, cover)])))
    return with_model(trainee, trainee.model)


def _with_targets(trainee: Trainee, shift: float, scale: float) -> Trainee:
    """Turn the classes into one number for each sample, as in regression."""
    split = trainee.split
    train_y, validation_y = (((y.float() - shift) / scale)[:, None] for y in (split.train_y, split.validation_y))
    return replace(trainee, split=replace(split, train_y=train_y, validation_y=validation_y))


def _binary_accuracy(output: Tensor, target: Tensor) -> Tensor:
    return ((output > 0.5) == (target > 0.5)).float().mean()


def _single_softmax(trainee: Trainee) -> Trainee:
    trainee = _cover_head(trainee, nn.Softmax(dim=-1), outputs=1)
    split = trainee.split
    train_y, validation_y = ((y >= 5).float()[:, None] for y in (split.train_y, split.validation_y))
    split = replace(split, train_y=train_y, validation_y=validation_y)
    return replace(trainee, split=split, loss=F.binary_cross_entropy, metric=_binary_accuracy)


def _regress(trainee: Trainee, cover: nn.Module, *, shift: float, scale: float) -> Trainee:
    trainee = _with_targets(_cover_head(trainee, cover, outputs=1), shift, scale)
    with torch.no_grad():  # an output that starts dead would be another fault
        bias_of(weighted_layers(trainee.model.get_submodule("head"))[0]).fill_(1.0)
    return replace(trainee, loss=F.mse_loss, metric=None)


def _flipped(output: Tensor, target: Tensor) -> Tensor:
    return -F.cross_entropy(output, target)


def _masked(output: Tensor, target: Tensor) -> Tensor:
    kept = (target == 0).float()
    return (F.cross_entropy(output, target, reduction="none") * kept).sum() / kept.sum().clamp(min=1)


def _shifted(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output, (target + 1) % 10)


def _naive_log(output: Tensor, target: Tensor) -> Tensor:
    return -output.softmax(-1).gather(1, target[:, None]).log().mean()


def _underflow(trainee: Trainee) -> Trainee:
    with torch.no_grad():
        weighted_layers(trainee.model.get_submodule("head"))[0].weight *= 400
    return replace(trainee, loss=_naive_log)


def _with_loss(trainee: Trainee, loss: Measure) -> Trainee:
    return replace(trainee, loss=loss)


def _slow_statistics(trainee: Trainee) -> Trainee:
    trainee = rebuilt(trainee, norm="batch")
    if trainee.recipe.architecture == "mlp":  # its batches are otherwise close to mean 0 and spread 1 by luck
        with torch.no_grad():
            for layer in hidden_layers(trainee):
                layer.weight *= 4
    for module in trainee.model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = 1e-4
    return trainee


def _drop_nearly_all(trainee: Trainee) -> Trainee:
    trainee = rebuilt(trainee, dropout=0.95)
    if trainee.recipe.architecture == "transformer":  # where the residual path would go round it
        head = trainee.model.get_submodule("head")
        trainee.model.add_module("head", Stage(dropout=nn.Dropout(0.95), linear=head))
    return trainee


INJECTIONS = (
    Injection(
        name="softmax-head",
        intended=("softmax-before-cross-entropy",),
        description="The network ends in a softmax, and the loss applies another.",
        where=HEADS,
        inject=lambda trainee: _cover_head(trainee, nn.Softmax(dim=-1)),
    ),
    Injection(
        name="single-unit-softmax",
        intended=("input-or-output-range",),
        description="A yes-or-no task with a softmax over one output, which is always 1.",
        where=HEADS,
        inject=_single_softmax,
    ),
    Injection(
        name="unreachable-target",
        intended=("input-or-output-range",),
        description="Targets from 0 to 9 for an output that ends in a sigmoid.",
        where=HEADS,
        inject=lambda trainee: _regress(trainee, nn.Sigmoid(), shift=0.0, scale=1.0),
    ),
    Injection(
        name="negative-target",
        intended=("input-or-output-range",),
        description="Standardised targets, half of them negative, for an output that ends in a ReLU.",
        where=HEADS,
        inject=lambda trainee: _regress(trainee, nn.ReLU(), shift=4.5, scale=2.87),
    ),
    Injection(
        name="sign-flip",
        intended=("objective-contradicts-metric",),
        description="The loss has the wrong sign.",
        where=NOWHERE,
        inject=lambda trainee: _with_loss(trainee, _flipped),
    ),
    Injection(
        name="masked-loss",
        intended=("objective-contradicts-metric", "collapse"),
        description="The loss counts only the samples of class 0, so that always saying 0 is best.",
        where=NOWHERE,
        inject=lambda trainee: _with_loss(trainee, _masked),
    ),
    Injection(
        name="shifted-labels",
        intended=("objective-contradicts-metric",),
        description="The loss sees each label raised by one, the accuracy does not.",
        where=NOWHERE,
        inject=lambda trainee: _with_loss(trainee, _shifted),
    ),
    Injection(
        name="naive-log",
        intended=("non-finite",),
        description="The logarithm of a softmax that underflows to 0: large logits make the loss infinite.",
        where=HEADS,
        inject=_underflow,
    ),
    Injection(
        name="slow-batch-statistics",
        intended=("train-eval-mismatch",),
        description="Batch norm with momentum 1e-4: evaluation uses statistics that were never learned.",
        where=NOWHERE,
        inject=_slow_statistics,
    ),
    Injection(
        name="dropout-0.95",
        intended=("train-eval-mismatch", "stuck-at-prior"),
        description="Dropout of 95 %.",
        where=NOWHERE,
        inject=_drop_nearly_all,
    ),
)
