"""A plain training loop that takes down what the windows judge: slow, small, and without a session."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.finding import Finding, Level
from pellucid.core.judge import judge
from pellucid.core.learning import Learning
from pellucid.core.result import Result
from pellucid.maths.reduce import reduce
from pellucid.maths.series import TensorSeries
from pellucid.maths.twins import twin_share
from pellucid.probe.listener import Listener
from pellucid.windows.activations import ActivationHistograms
from pellucid.windows.gradients import GradientFlow
from pellucid.windows.weights import WeightHistograms

FAULTS = (Level.WARN, Level.ALARM)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The three results of one run, and its losses."""

    activations: ActivationHistograms
    weights: WeightHistograms
    gradients: GradientFlow
    losses: tuple[float, ...]


def blobs(samples: int = 600, *, features: int = 12, classes: int = 4) -> tuple[Tensor, Tensor]:
    """Return blobs that a small network learns in a few dozen steps, from a generator of their own."""
    generator = torch.Generator().manual_seed(5)
    centres = torch.randn(classes, features, generator=generator) * 1.5
    y = torch.randint(classes, (samples,), generator=generator)
    return centres[y] + torch.randn(samples, features, generator=generator), y


def mlp(
    *hidden: int,
    activation: Callable[[], nn.Module] = nn.ReLU,
    norm: bool = False,
    features: int = 12,
    classes: int = 4,
) -> nn.Sequential:
    """Return a fully connected classifier."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(features, width), *([nn.BatchNorm1d(width)] if norm else []), activation()]
        features = width
    return nn.Sequential(*layers, nn.Linear(features, classes))


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    steps: int = 30,
    batch: int = 200,
    every: int = 1,
    data: tuple[Tensor, Tensor] | None = None,
    before: Callable[[int], None] | None = None,
) -> Watched:
    """Train a model and watch every step, or every few."""
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=3e-3)
    x, y = data or blobs()
    pieces: list[tuple[ActivationHistograms, WeightHistograms, GradientFlow]] = []
    losses: list[float] = []
    listener = Listener(model)
    for step in range(steps):
        if before is not None:
            before(step)
        chosen = (torch.arange(batch) + step * batch) % len(x)
        looking = step % every == 0
        if looking:
            listener.attach()
        loss = F.cross_entropy(model(x[chosen]), y[chosen])
        listener.detach()
        optimizer.zero_grad()
        loss.backward()
        losses.append(float(loss.detach()))
        if looking:
            pieces.append(_look(step, model, optimizer, listener))
        else:
            optimizer.step()
    return Watched(
        activations=ActivationHistograms.join([one[0] for one in pieces]),
        weights=WeightHistograms.join([one[1] for one in pieces]),
        gradients=GradientFlow.join([one[2] for one in pieces]),
        losses=tuple(losses),
    )


def _look(
    step: int, model: nn.Module, optimizer: torch.optim.Optimizer, listener: Listener
) -> tuple[ActivationHistograms, WeightHistograms, GradientFlow]:
    records = listener.drain()
    activations = ActivationHistograms(
        series=TensorSeries.from_reduced(step, {name: one.reduced for name, one in records.items()}),
        types=tuple(one.module for one in records.values()),
        activations=tuple(one.activation for one in records.values()),
        roles=tuple(one.role for one in records.values()),
    )
    parameters = dict(model.named_parameters())
    shapes = tuple(tuple(one.shape) for one in parameters.values())
    twins = [float(twin_share(one)) if one.ndim >= 2 else np.nan for one in parameters.values()]
    series = TensorSeries.from_reduced(step, {name: reduce(one) for name, one in parameters.items()})
    weights = WeightHistograms(series=series, shapes=shapes, twins=np.array([twins]))
    before = {name: one.detach().clone() for name, one in parameters.items()}
    nothing = reduce(torch.zeros(0))
    gradients = {
        name: nothing
        if one.grad is None
        else reduce(one.grad[None].flatten(2), unit_axis=1)
        if one.ndim >= 2
        else reduce(one.grad)
        for name, one in parameters.items()
    }
    rates = {id(one): group["lr"] for group in optimizer.param_groups for one in group["params"]}
    missing = [one.grad is None for one in parameters.values()]
    optimizer.step()
    updates = [float((one.detach() - before[name]).double().square().mean().sqrt()) for name, one in parameters.items()]
    flow = GradientFlow(
        gradients=TensorSeries.from_reduced(step, gradients),
        updates=np.where(np.isfinite([updates]), [updates], np.inf),
        weights=series.rms,
        shapes=shapes,
        trainable=tuple(one.requires_grad for one in parameters.values()),
        owned=tuple(id(one) in rates for one in parameters.values()),
        missing=np.array([missing]),
        carried=np.full((1, len(parameters)), np.nan),
        learning_rates=np.array([[rates.get(id(one), np.nan) for one in parameters.values()]]),
    )
    return activations, weights, flow


def findings(
    result: Result, code: str, *, learning: Learning | None = None, limits: Mapping[str, float] | None = None
) -> list[Finding]:
    """Return what one rule says about a result, folded findings too."""
    chosen = {} if limits is None else {code: limits}
    found = judge([result], learning=learning or Learning(), limits=chosen)
    return [one for one in found.every if one.code == code]


def levels(result: Result, code: str, *, learning: Learning | None = None) -> set[str]:
    """Return the levels of what one rule says about a result."""
    return {one.level.value for one in findings(result, code, learning=learning)}
