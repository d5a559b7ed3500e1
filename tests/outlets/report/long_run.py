"""A long run on disk, as a real watch would leave it: 50 steps of real training, told over and over."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.judge import judge
from pellucid.core.recorder import open_store
from pellucid.core.result import Result
from pellucid.maths.series import TensorSeries
from pellucid.windows.activations.result import ActivationHistograms
from pellucid.windows.gradients.result import GradientFlow
from pellucid.windows.weights.result import WeightHistograms

Steps = NDArray[np.int64]
WATCHED = 50


def write_long_run(path: Path, *, steps: int = 100_000, every: int = 50, layers: int = 12) -> Path:
    """Write a run with curves, activations, weights and gradients.

    Args:
        path: The run directory.
        steps: Training steps, a multiple of 50 times `every`.
        every: Watched steps are those that this divides.
        layers: Hidden layers of the network.

    Returns:
        The path.
    """
    recorder = open_store(path)
    fall = 2.3 * np.exp(-np.arange(steps) / (steps / 5)) + 0.05
    noisy = fall * np.random.default_rng(0).lognormal(sigma=0.1, size=steps)
    recorder.scalars((step, "loss", float(value)) for step, value in enumerate(noisy))
    recorder.scalars((step, "val_loss", float(fall[step] + 0.05)) for step in range(0, steps, 500))
    recorder.scalars((step, "val_accuracy", float(1 - fall[step] / 2.6)) for step in range(0, steps, 500))
    recorder.describe({"label_counts": [steps] * 10, "every": every, "model": "MLP", "optimizer": "Adam"})
    results = _fifty_steps(layers)
    for first in range(0, steps, WATCHED * every):
        at = np.arange(first, first + WATCHED * every, every)
        for name, result in results.items():
            recorder.result(name, _moved(result, at), first=int(at[0]), last=int(at[-1]))
        recorder.flush()
    recorder.findings(judge(results.values()), step=steps)
    recorder.close("finished")
    return path


def _fifty_steps(layers: int) -> dict[str, Result]:
    torch.manual_seed(0)
    width = 48
    stages = [module for _ in range(layers) for module in (nn.Linear(width, width), nn.ReLU())]
    model = nn.Sequential(*stages, nn.Linear(width, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    x, y = torch.randn(512, width), torch.randint(10, (512,))
    with pel.watch(model, optimizer, every=1, options=pel.WatchOptions(on_finding=None)) as watch:
        for _ in range(WATCHED):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            watch.step(loss=loss)
    return {name: result for name, result in watch.results.items() if name != "loss"}


def _moved(result: Result, at: Steps) -> Result:
    """The same measurements at other steps."""
    if isinstance(result, ActivationHistograms | WeightHistograms):
        return replace(result, series=_at(result.series, at))
    assert isinstance(result, GradientFlow)
    return replace(result, gradients=_at(result.gradients, at), updates=result.updates)


def _at(series: TensorSeries, at: Steps) -> TensorSeries:
    assert len(series.steps) == len(at)
    return replace(series, steps=at)
