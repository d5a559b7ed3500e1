"""Small runs that were really trained and watched."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

import pellucid as pel
from pellucid import gallery

STEPS = 60


def train_run(path: Path, *, fault: str | None, steps: int = STEPS) -> None:
    """Train the network of the demo on digits, watched every 10 steps, checked every 20."""
    well = gallery.build(replace(gallery.healthy("mlp", seed=0), steps=steps))
    trainee = well if fault is None else gallery.INJECTIONS[fault].apply(well)
    options = pel.WatchOptions(on_finding=None)
    with pel.watch(
        trainee.model,
        trainee.optimizer,
        run=path,
        every=10,
        check=trainee.check,
        check_every=20,
        loss=trainee.loss,
        options=options,
    ) as watch:
        gallery.train(trainee, watch)


def hostile_run(path: Path) -> None:
    """Train a network whose layers have HTML for names."""
    model = nn.Sequential()
    model.add_module("</script><b>first", nn.Linear(8, 16))
    model.add_module("<img src=x onerror=alert(2)>", nn.ReLU())
    model.add_module("{{ last }}", nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(0)
    options = pel.WatchOptions(on_finding=None)
    with pel.watch(model, optimizer, run=path, every=5, options=options) as watch:
        for _ in range(20):
            x = torch.randn(32, 8, generator=generator)
            loss = nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            watch.step(loss=loss)
