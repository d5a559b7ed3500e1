"""Direct measurements that a fault is present in a trained network, for each injection."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.gallery import INJECTIONS, Trainee, TrainingRecord, build, healthy, train

CHANCE_LIMIT = 0.1 + 3 * (0.09 / 512) ** 0.5
"""Accuracy that guessing among ten classes exceeds once in 700 times, on 512 samples."""


class Recorder:
    """Stands in for a watch: notes batches' entropy, gradient norms and update ratios."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.ratios: list[float] = []
        self.norms: list[float] = []
        self.entropies: list[float] = []
        self.before = self.copy()

    def copy(self) -> list[Tensor]:
        """Copy the weight matrices."""
        return [p.detach().clone() for p in self.model.parameters() if p.ndim > 1]

    def step(self, **values: Any) -> None:
        """Take note of a step, as a watch does."""
        after = self.copy()
        shares = [
            float((new - old).square().mean().sqrt() / old.square().mean().sqrt().clamp(min=1e-8))
            for new, old in zip(after, self.before, strict=True)
        ]
        self.ratios.append(sorted(shares)[len(shares) // 2])
        self.before = after
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        self.norms.append(math.sqrt(sum(float(g.square().sum()) for g in gradients)))
        if values["target"].dtype == torch.int64:
            self.entropies.append(entropy(values["target"]))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A sick run, before and after training."""

    architecture: str
    place: str | None
    start: nn.Module
    trainee: Trainee
    record: TrainingRecord
    seen: Recorder

    @property
    def model(self) -> nn.Module:
        """The trained network."""
        return self.trainee.model


def run_case(kind: str, architecture: str, *, seed: int = 0) -> Case:
    """Inject a fault, train, and keep what is needed to look for it."""
    injection = INJECTIONS[kind]
    trainee = injection.apply(build(healthy(architecture, seed=seed)))
    start, seen = deepcopy(trainee.model), Recorder(trainee.model)
    record = train(trainee, seen)
    return Case(
        architecture=architecture,
        place=injection.where[architecture],
        start=start,
        trainee=trainee,
        record=record,
        seen=seen,
    )


def entropy(y: Tensor) -> float:
    shares = y.bincount(minlength=10).float() / len(y)
    return float(-(shares * shares.clamp(min=1e-12).log()).sum())


def outputs(case: Case, model: nn.Module, *kinds: type[nn.Module]) -> dict[str, Tensor]:
    """Outputs of all modules of some kinds on the 512 validation samples, in evaluation mode."""
    found: dict[str, Tensor] = {}
    model.eval()
    handles = [
        module.register_forward_hook(lambda _m, _i, output, name=name: found.setdefault(name, output.detach()))
        for name, module in model.named_modules()
        if isinstance(module, kinds)
    ]
    with torch.no_grad():
        model(case.trainee.split.validation_x)
    for handle in handles:
        handle.remove()
    return found


def dead_share(x: Tensor) -> float:
    """Share of units that are zero on every sample."""
    active = x != 0
    active = active.flatten(2).any(-1) if x.ndim == 4 else active.flatten(0, -2)
    return 1 - float(active.any(0).float().mean())


def gradient_sizes(case: Case, model: nn.Module) -> list[float]:
    """Root mean square of each weight's gradient over 512 training samples, in depth order."""
    model.train()
    model.zero_grad()
    split = case.trainee.split
    case.trainee.loss(model(split.train_x[:512]), split.train_y[:512]).backward()
    layers = [module for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    return [0.0 if w.weight.grad is None else float(w.weight.grad.square().mean().sqrt()) for w in layers]


def spreads(case: Case, model: nn.Module, *kinds: type[nn.Module]) -> list[float]:
    return [float(x.square().mean().sqrt()) for x in outputs(case, model, *kinds).values()]


def accuracy_and_loss(case: Case, *, training: bool) -> tuple[float, float]:
    model = deepcopy(case.model).train(training)
    x, y = case.trainee.split.train_x[:512], case.trainee.split.train_y[:512]
    torch.manual_seed(0)
    with torch.no_grad():
        output = model(x)
    return float((output.argmax(-1) == y).float().mean()), float(case.trainee.loss(output, y))


def unchanged(case: Case, place: str) -> bool:
    old = dict(case.start.named_parameters())
    new = [
        (name, p) for name, p in case.model.named_parameters() if f"{name}.".startswith(f"{place}." if place else "")
    ]
    return bool(new) and all(torch.equal(old[name], p) for name, p in new)


def twin_rows(model: nn.Module) -> float:
    """Share of rows of hidden weights that have a twin in their layer."""
    twins, rows = 0, 0
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and name != "head":
            unit = nn.functional.normalize(module.weight.detach().flatten(1).double(), dim=1)
            near = (unit @ unit.T > 1 - 1e-5) & ~torch.eye(len(unit), dtype=torch.bool)
            twins, rows = twins + int(near.any(1).sum()), rows + len(unit)
    return twins / rows


def dying_at_place(case: Case) -> bool:
    return dead_share(outputs(case, case.model, nn.ReLU)[f"{case.place}.activation"]) >= 0.5


def dying_somewhere(case: Case) -> bool:
    shares = [dead_share(x) for x in outputs(case, case.model, nn.ReLU).values()]
    return max(shares) >= 0.5 and bool((case.record.losses < math.inf).all())


def saturated(case: Case) -> bool:
    def share(model: nn.Module) -> float:
        x = outputs(case, model, nn.Tanh, nn.Sigmoid)[f"{case.place}.activation"]
        # Both kinds of unit, brought to -1 ... 1.
        x = x if case.trainee.recipe.activation == "tanh" else 2 * x - 1
        return float((x.abs() >= 0.98).float().mean())

    return min(share(case.start), share(case.model)) >= 0.5


def no_gradient(case: Case) -> bool:
    stuck = [name for name, _ in case.model.named_parameters() if name.endswith("weight") and unchanged(case, name)]
    weights = [name for name, _ in case.model.named_parameters() if name.endswith("weight") and "norm" not in name]
    return len(stuck) >= 0.5 * len(weights)


def blind(case: Case) -> bool:
    model = deepcopy(case.model)
    found: list[Tensor] = []
    model.get_submodule(str(case.place)).register_forward_hook(lambda _m, _i, output: found.append(output.detach()))
    with torch.no_grad():
        model(case.trainee.split.validation_x)
    return float((found[0] - found[0].mean(0)).norm() / found[0].norm()) < 0.05


def chain_growth(case: Case) -> float:
    """How much larger the last hidden layer's values are than the first one's, at the start."""
    found = outputs(case, case.start, nn.Linear, nn.Conv2d)
    if case.architecture == "transformer":
        found = {name: x for name, x in found.items() if "layer" in name}
    sizes = [float(x.square().mean().sqrt()) for name, x in found.items() if name != "head"]
    return sizes[-1] / sizes[0]


def vanishing(case: Case) -> bool:
    profiles = gradient_sizes(case, case.start), gradient_sizes(case, case.model)
    return all(sizes[0] < 1e-3 * max(sizes) for sizes in profiles)


def exploding(case: Case) -> bool:
    profiles = gradient_sizes(case, case.start), gradient_sizes(case, case.model)
    return all(sizes[0] > 100 * sizes[-1] for sizes in profiles)


def spiking(case: Case) -> bool:
    logs = torch.tensor(case.record.losses).log()
    before, at = logs[70:100], logs[100:103].max()
    time = torch.arange(30, dtype=logs.dtype) - 14.5  # a loss that falls quickly is no spread
    rest = before - before.mean() - time * (before @ time) / (time @ time)
    spread = 1.4826 * rest.abs().median()
    return float((at - before[-10:].median()) / spread) >= 8


def diverging(case: Case) -> bool:
    losses = case.record.losses
    return not losses[-10:].mean() <= 1.5 * losses[:10].mean() + 0.5


def starts_badly(case: Case) -> bool:
    return bool(case.record.losses[0] > math.log(10) + 1.5)


def tiny_updates(case: Case) -> bool:
    losses = case.record.validation_losses
    return max(case.seen.ratios) < 1e-5 and abs(losses[-1] / losses[0] - 1) < 0.02


def large_updates(case: Case) -> bool:
    return sorted(case.seen.ratios[:10])[5] > 0.1


def growing_gradient(case: Case) -> bool:
    return max(case.seen.norms) > 5 * case.seen.norms[0] and diverging(case)


def not_finite(case: Case) -> bool:
    return not np.isfinite(case.record.losses[-10:]).any()


def at_chance(case: Case) -> bool:
    return case.record.accuracy <= CHANCE_LIMIT + 0.03 and case.record.validation_losses[-1] > 0.99 * math.log(10)


def memorised(case: Case) -> bool:
    return at_chance(case) and case.record.accuracies[-1] > 0.6 and case.record.validation_losses[-1] > 2.5


def overfit(case: Case) -> bool:
    record = case.record
    gaps = [a - v for a, v in zip(record.accuracies, record.validation_accuracies, strict=True)]
    return min(gaps[-3:]) >= 0.12 and record.validation_losses[-1] > 1.02 * min(record.validation_losses)


def final_outputs(case: Case) -> Tensor:
    model = deepcopy(case.model).eval()
    with torch.no_grad():
        return model(case.trainee.split.validation_x)


def one_answer(case: Case) -> bool:
    counts = final_outputs(case).argmax(-1).bincount(minlength=10)
    return bool(counts.max() >= 0.95 * counts.sum() and case.record.losses[-1] < 0.1 and case.record.accuracy < 0.2)


def modes_differ(case: Case) -> bool:
    (trained, low), (evaluated, high) = (accuracy_and_loss(case, training=mode) for mode in (True, False))
    return trained - evaluated >= 0.15 and high >= 1.5 * low


def noise_wins(case: Case) -> bool:
    (trained, loss), (evaluated, _) = (accuracy_and_loss(case, training=mode) for mode in (True, False))
    return loss > 0.9 * math.log(10) or abs(evaluated - trained) >= 0.15


def inputs_within(low: float, high: float) -> Callable[[Case], bool]:
    def check(case: Case) -> bool:
        return low <= float(case.trainee.split.train_x.std()) <= high

    return check


def norms_shrink(case: Case) -> bool:
    return max(spreads(case, case.start, nn.LayerNorm, nn.GroupNorm)) < 1 / 30


EVIDENCE: dict[str, Callable[[Case], bool]] = {
    "dying-relu-bias": dying_at_place,
    "dying-relu-rate": dying_somewhere,
    "saturated-tanh": saturated,
    "saturated-sigmoid": saturated,
    "constant-weights": lambda case: twin_rows(case.model) >= 0.5,
    "zero-weights": no_gradient,
    "batch-average": blind,
    "activation-growth": lambda case: chain_growth(case) > 30,
    "activation-decay": lambda case: chain_growth(case) < 1 / 30,
    "vanishing-sigmoid": vanishing,
    "fading-tanh": lambda case: chain_growth(case) < 1 / 30,
    "exploding-tanh": exploding,
    "exploding-recurrence": exploding,
    "layer-norm-epsilon": norms_shrink,
    "large-head": starts_badly,
    "biased-head": starts_badly,
    "rate-0.5": large_updates,
    "rate-5": large_updates,
    "rate-1e-8": tiny_updates,
    "left-out-of-optimizer": lambda case: unchanged(case, str(case.place)),
    "detached": lambda case: unchanged(case, str(case.place)),
    "optimizer-of-a-copy": lambda case: unchanged(case, ""),
    "no-zero-grad": growing_gradient,
    "gradient-ascent": diverging,
    "weight-kick": spiking,
    "corrupt-batch": spiking,
    "inputs-times-255": inputs_within(50, 1000),
    "inputs-over-255": inputs_within(1e-6, 0.02),
    "zero-inputs": inputs_within(0, 0),
    "permuted-labels": at_chance,
    "permuted-labels-memorised": memorised,
    "sorted-batches": lambda case: sum(case.seen.entropies) / 160 < 0.6 * entropy(case.trainee.split.train_y),
    "imbalance": lambda case: bool((case.trainee.split.train_y == 0).float().mean() >= 0.99),
    "nan-sample": not_finite,
    "naive-log": not_finite,
    "few-samples": overfit,
    "softmax-head": lambda case: bool(((final_outputs(case).sum(-1) - 1).abs() < 1e-3).all()),
    "single-unit-softmax": lambda case: bool((final_outputs(case) == 1).all()),
    "unreachable-target": lambda case: bool(case.trainee.split.train_y.max() > 5 * final_outputs(case).max()),
    "negative-target": lambda case: bool(case.trainee.split.train_y.min() < -1 < 0 <= final_outputs(case).min()),
    "sign-flip": lambda case: bool(case.record.losses[-1] < -10 and case.record.accuracy <= CHANCE_LIMIT),
    "masked-loss": one_answer,
    "shifted-labels": lambda case: bool(case.record.losses[-1] < 0.5 and case.record.accuracy < 0.06),
    "slow-batch-statistics": modes_differ,
    "dropout-0.95": noise_wins,
}
"""For each fault, a measurement that is True only in a network that really has it."""

__all__ = ["EVIDENCE", "Case", "run_case"]
