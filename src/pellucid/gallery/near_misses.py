"""Healthy runs that look sick to a hasty rule."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.gallery.models import MLP
from pellucid.gallery.recipes import ARCHITECTURES, Trainee, build, build_optimizer, healthy, seeded
from pellucid.gallery.sick.injection import bias_of, rebuilt, weighted_layers, with_model
from pellucid.gallery.training import train


@dataclass(frozen=True, kw_only=True)
class NearMiss:
    """A change that makes a healthy run look sick without making it so.

    Attributes:
        name: the key in `NEAR_MISSES`.
        description: what is done, and what it looks like.
        architectures: those that can have it.
        change: makes the run out of a healthy one.
    """

    name: str
    description: str
    architectures: tuple[str, ...]
    change: Callable[[Trainee], Trainee]

    def prepare(self, architecture: str, *, seed: int = 0) -> Trainee:
        """Make the run.

        Args:
            architecture: one of `architectures`.
            seed: decides everything random.

        Returns:
            A run that is ready to train, named `architecture/near miss`.
        """
        trainee = self.change(build(healthy(architecture, seed=seed)))
        return replace(trainee, name=f"{architecture}/{self.name}")


def near_misses(seed: int = 0) -> Iterator[Trainee]:
    """Prepare every near miss for every architecture that can have it, each healthy.

    Args:
        seed: decides everything random.

    Yields:
        One run after the other, ready to train.
    """
    for miss in NEAR_MISSES.values():
        for architecture in miss.architectures:
            yield miss.prepare(architecture, seed=seed)


class OneHotLike(nn.Module):
    """Keeps of each unit only what exceeds a high threshold that the unit's own spread sets.

    Args:
        units: number of units.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(units, affine=False)
        self.threshold = nn.Parameter(torch.full((units,), 1.65))
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Standardise each unit and rectify what lies above its threshold.

        Args:
            x: pre-activations.

        Returns:
            Values of which about 19 in 20 are 0, though every unit is active for some samples.
        """
        return self.activation(self.norm(x) - self.threshold)


def _sparse(trainee: Trainee) -> Trainee:
    """Give the first hidden stage units that are active for one sample in twenty."""
    with seeded(trainee.recipe.seed):
        model = MLP((trainee.recipe.side**2, 512, 48, 10), initialization="he")
    model.get_submodule("hidden1").add_module("activation", OneHotLike(512))
    return with_model(trainee, model)


def _freeze(trainee: Trainee) -> Trainee:
    """Train a run, freeze all but the head, draw the head anew."""
    train(trainee)
    for parameter in trainee.model.parameters():
        parameter.requires_grad_(False)
    head = weighted_layers(trainee.model.get_submodule("head"))[0]
    with seeded(trainee.recipe.seed):
        head.reset_parameters()
    for parameter in head.parameters():
        parameter.requires_grad_(True)
    optimizer = build_optimizer(replace(trainee.recipe, learning_rate=1e-2), head.parameters())
    return replace(trainee, optimizer=optimizer)


def _fine_tune(trainee: Trainee) -> Trainee:
    """Train a run, then go on at a low rate with paler pictures."""
    train(trainee)
    recipe, split = replace(trainee.recipe, learning_rate=2e-4), trainee.split
    paler = replace(split, train_x=split.train_x * 0.8, validation_x=split.validation_x * 0.8)
    return with_model(replace(trainee, recipe=recipe, split=paler), trainee.model)


def _one_class(trainee: Trainee) -> Trainee:
    chosen = trainee.split.validation_y == 3
    split = trainee.split
    x, y = split.validation_x[chosen], split.validation_y[chosen]
    return replace(trainee, split=replace(split, validation_x=x, validation_y=y))


def _regress(trainee: Trainee) -> Trainee:
    """Predict the standardised digit as a number."""
    split, head = trainee.split, weighted_layers(trainee.model.get_submodule("head"))[0]
    with seeded(trainee.recipe.seed):
        trainee.model.add_module("head", nn.Linear(head.weight.shape[1], 1))
    train_y, validation_y = (((y.float() - 4.5) / 2.87)[:, None] for y in (split.train_y, split.validation_y))
    trainee = with_model(trainee, trainee.model)
    split = replace(split, train_y=train_y, validation_y=validation_y)
    return replace(trainee, split=split, loss=F.mse_loss, metric=None)


def _zero_head(trainee: Trainee) -> Trainee:
    head = weighted_layers(trainee.model.get_submodule("head"))[0]
    with torch.no_grad():
        head.weight.zero_()
        bias_of(head).zero_()
    return trainee


def _zero_branches(trainee: Trainee) -> Trainee:
    """Start every residual branch at zero, as many transformers do."""
    trainee = rebuilt(trainee, steps=240)
    with torch.no_grad():
        for name, module in trainee.model.named_modules():
            if isinstance(module, nn.Linear) and name.endswith(("contract", "output")):
                module.weight.zero_()
    return trainee


def _changed(**changes: object) -> Callable[[Trainee], Trainee]:
    return partial(rebuilt, **changes)


NEAR_MISSES: Mapping[str, NearMiss] = MappingProxyType(
    {
        miss.name: miss
        for miss in (
            NearMiss(
                name="sparse-but-alive",
                description="ReLU outputs are 0 for 95 % of the samples, but no unit is always 0.",
                architectures=("mlp",),
                change=_sparse,
            ),
            NearMiss(
                name="small-batch-norm",
                description="Batch norm over batches of 8: noisy statistics.",
                architectures=ARCHITECTURES,
                change=_changed(norm="batch", batch=8, learning_rate=2e-3, steps=300),
            ),
            NearMiss(
                name="warm-up",
                description="The learning rate starts at almost 0: the first updates are tiny.",
                architectures=ARCHITECTURES,
                change=_changed(schedule="warmup", steps=200),
            ),
            NearMiss(
                name="one-cycle",
                description="The learning rate ends at almost 0: the last updates are tiny.",
                architectures=ARCHITECTURES,
                change=_changed(schedule="one-cycle", steps=200),
            ),
            NearMiss(
                name="frozen-backbone",
                description="Everything but the head has requires_grad=False, as in transfer learning.",
                architectures=ARCHITECTURES,
                change=_freeze,
            ),
            NearMiss(
                name="fine-tune",
                description="A trained network goes on at a low rate with paler pictures: the loss hardly falls.",
                architectures=ARCHITECTURES,
                change=_fine_tune,
            ),
            NearMiss(
                name="one-class-validation",
                description="The validation samples are all of one class: all predictions agree.",
                architectures=ARCHITECTURES,
                change=_one_class,
            ),
            NearMiss(
                name="label-smoothing",
                description="Label smoothing of 0.2: the loss cannot come near 0.",
                architectures=ARCHITECTURES,
                change=_changed(label_smoothing=0.2),
            ),
            NearMiss(
                name="regression",
                description="One output, no classes, no accuracy.",
                architectures=ARCHITECTURES,
                change=_regress,
            ),
            NearMiss(
                name="weight-decay",
                description="AdamW with a weight decay of 0.1: weights shrink.",
                architectures=ARCHITECTURES,
                change=_changed(optimizer="adamw", weight_decay=0.1),
            ),
            NearMiss(
                name="clipping",
                description="The gradient is clipped to a norm of 0.5 at most steps.",
                architectures=ARCHITECTURES,
                change=_changed(clip_norm=0.5),
            ),
            NearMiss(
                name="dropout-0.5",
                description="Dropout of 50 %: training accuracy is below validation accuracy.",
                architectures=ARCHITECTURES,
                change=_changed(dropout=0.5, steps=240),
            ),
            NearMiss(
                name="zero-head",
                description="The head starts at 0, so that the first gradient reaches nothing else.",
                architectures=ARCHITECTURES,
                change=_zero_head,
            ),
            NearMiss(
                name="zero-branches",
                description="Every residual branch starts at 0, as many transformers do.",
                architectures=("transformer",),
                change=_zero_branches,
            ),
        )
    }
)
"""Every near miss by name."""
