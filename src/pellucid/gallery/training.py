"""The training loop of the gallery: an ordinary one, watched or not."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.gallery.recipes import Recipe, Trainee, seeded

EVALUATE_EVERY = 20
"""Steps between two evaluations: about one pass over 1,200 samples in batches of 64."""


@runtime_checkable
class Watch(Protocol):
    """What `train` needs of a watch: one call for each step."""

    def step(self, **values: Any) -> Any:
        """Take the values of one step.

        Args:
            **values: loss, output and target of the step, and any named scalar.
        """


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """What a run left.

    Attributes:
        losses: training loss of each step.
        evaluated: step numbers, from 1, after which the run was evaluated.
        validation_losses: loss over the validation samples at each evaluation.
        validation_accuracies: share of validation samples that were right, NaN without a metric.
        accuracies: share of training samples that were right, over the steps since the evaluation before.
        cpu_seconds: processor time that the run took, evaluations and watch included.
    """

    losses: np.ndarray[Any, np.dtype[np.float64]]
    evaluated: tuple[int, ...]
    validation_losses: tuple[float, ...]
    validation_accuracies: tuple[float, ...]
    accuracies: tuple[float, ...]
    cpu_seconds: float

    @property
    def accuracy(self) -> float:
        """Validation accuracy at the end, 0 to 1; NaN where there is no metric or no evaluation."""
        return self.validation_accuracies[-1] if self.validation_accuracies else float("nan")


def _factor(recipe: Recipe, step: int) -> float:
    """Give the share of the peak learning rate that a step takes."""
    done = (step + 1) / recipe.steps
    if recipe.schedule == "warmup":
        return min(1.0, done * 4)
    if recipe.schedule == "one-cycle":
        return done * 4 if done < 0.25 else (1 - done) / 0.75 + 0.01
    return 1.0


def evaluate(trainee: Trainee) -> dict[str, float]:
    """Measure loss and accuracy over the validation samples, and leave the model's mode as it was.

    Args:
        trainee: the run.

    Returns:
        `val_loss`, and `val_accuracy` where the run has a metric.

    Cost: one forward pass over the validation samples.
    """
    modes = [(module, module.training) for module in trainee.model.modules()]
    trainee.model.eval()
    try:
        with torch.no_grad():
            output = trainee.model(trainee.split.validation_x)
            target = trainee.split.validation_y
            values = {"val_loss": float(trainee.loss(output, target))}
            if trainee.metric is not None:
                values["val_accuracy"] = float(trainee.metric(output, target))
    finally:
        for module, mode in modes:
            module.training = mode
    return values


def _learn(trainee: Trainee, step: int, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Take one step and give its loss and output."""
    recipe, (x, target) = trainee.recipe, batch
    if recipe.schedule != "constant":
        for group in trainee.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _factor(recipe, step)
    if trainee.before_step is not None:
        trainee.before_step(trainee.model, step)
    output = trainee.model(x)
    loss = trainee.loss(output, target)
    if trainee.zero_gradients:
        trainee.optimizer.zero_grad()
    loss.backward()
    if recipe.clip_norm is not None:
        nn.utils.clip_grad_norm_(trainee.model.parameters(), recipe.clip_norm)
    trainee.optimizer.step()
    return loss, output


def train(
    trainee: Trainee,
    watch: Watch | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    evaluate_every: int = EVALUATE_EVERY,
) -> TrainingRecord:
    """Train a run to the end of its recipe; faulty runs go on through NaN, as real ones do.

    Each step goes to `watch.step(loss=..., output=..., target=...)`; steps with an evaluation add
    `val_loss` and, where the run has a metric, `val_accuracy` and `accuracy`.
    The global random state is the same afterwards as before.

    Args:
        trainee: the run; its model and optimizer are changed in place.
        watch: anything with a `step` method, such as an entered `pel.watch(...)`.
        progress: called with the steps done and the steps in all.
        evaluate_every: steps between two evaluations, 1 or more.

    Returns:
        The curves.

    Cost: `recipe.steps` training steps, and a pass over the validation samples for each evaluation.
    """
    steps, started = trainee.recipe.steps, time.process_time()
    losses: list[Tensor] = []
    shares: list[Tensor] = []
    curve: list[dict[str, float]] = []
    trainee.model.train()
    with seeded(trainee.recipe.seed):
        for step, (x, target) in zip(range(steps), trainee.batches(), strict=False):
            loss, output = _learn(trainee, step, (x, target))
            losses.append(loss.detach())
            if trainee.metric is not None:
                shares.append(trainee.metric(output.detach(), target))
            scalars: dict[str, float] = {}
            if (step + 1) % evaluate_every == 0:
                scalars = evaluate(trainee)
                if shares:
                    scalars["accuracy"] = float(torch.stack(shares).mean())
                    shares.clear()
                curve.append({"step": step + 1, **scalars})
            if watch is not None:
                watch.step(loss=loss, output=output, target=target, **scalars)
            if progress is not None:
                progress(step + 1, steps)
    return _record(losses, curve, time.process_time() - started)


def _record(losses: list[Tensor], curve: list[dict[str, float]], cpu_seconds: float) -> TrainingRecord:
    def column(name: str) -> tuple[float, ...]:
        return tuple(row.get(name, float("nan")) for row in curve)

    return TrainingRecord(
        losses=np.array([float(loss) for loss in losses], dtype=np.float64),
        evaluated=tuple(int(row["step"]) for row in curve),
        validation_losses=column("val_loss"),
        validation_accuracies=column("val_accuracy"),
        accuracies=column("accuracy"),
        cpu_seconds=cpu_seconds,
    )
