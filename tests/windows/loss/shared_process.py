"""One rank of shared measurements; started by test_ranks.py."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F

import pellucid as pel
from pellucid.core.errors import PellucidError
from tests.kinds import Net, batch

LINES = pel.loss.LandscapeOptions(lines=2)
NONE = pel.loss.LandscapeOptions(lines=0)
BENT = pel.loss.CurvatureOptions(products=6, starts=2, steps=4, directions=3)


def made(seed: int = 0) -> nn.Module:
    """Return the same network on every rank and in every process."""
    torch.manual_seed(seed)
    return Net().eval()


def walk() -> tuple[nn.Module, list[dict[str, Tensor]]]:
    """Return a network, and where its weights were while it was trained."""
    model, (x, y) = made(), batch(64)
    optimizer, states = torch.optim.SGD(model.parameters(), lr=0.1), []
    for _ in range(6):
        states.append({name: one.clone() for name, one in model.state_dict().items()})
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model, states


def adam(model: nn.Module) -> torch.optim.Optimizer:
    """Return an optimizer that has stepped once, the network as it was."""
    optimizer, (x, y) = torch.optim.Adam(model.parameters(), lr=0.0), batch(64)
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.1
    model.zero_grad()
    return optimizer


def questions(**shared: Any) -> dict[str, Callable[[], Any]]:
    """Return what is measured, with or without others."""
    model, data = made(), batch(96)
    trained, states = walk()
    options = replace(NONE, tolerance=1e-9)
    ground, bent = pel.loss.landscape, pel.loss.curvature
    anew = replace(LINES, recalibrated=True)
    return {
        "smooth": lambda: ground(model, data, options=LINES, **shared),
        "rough": lambda: ground(model, data, resolution=17, options=options, **shared),
        "anew": lambda: ground(model, data, resolution=5, options=anew, **shared),
        "synced": lambda: ground(
            nn.SyncBatchNorm.convert_sync_batchnorm(made()), data, resolution=3, options=anew, **shared
        ),
        "steepest": lambda: ground(model, data, directions="hessian", resolution=5, options=NONE, **shared),
        "path": lambda: ground(trained, data, directions=states, resolution=5, options=NONE, **shared),
        "one part": lambda: ground(model, batch(8), resolution=3, options=NONE, **shared),
        "bent": lambda: bent(model, data, options=BENT, **shared),
        "adam": lambda: bent(model, data, optimizer=adam(model), options=BENT, **shared),
    }


class Turned(nn.Module):
    """A network to which something happens when it has been run a number of times."""

    def __init__(self, after: int, happens: Callable[[], None]) -> None:
        super().__init__()
        self.inner, self.left, self.happens = made(), after, happens

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        self.left -= 1
        if not self.left:
            self.happens()
        return self.inner(x)


def fail() -> None:
    """Fail."""
    raise RuntimeError("out of ink")


def interrupt() -> None:
    """Press Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def broken(rank: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches; on rank 1 none after the first."""
    yield batch(64)
    if rank == 1:
        fail()
    yield batch(64)


def troubles(rank: int, folder: Path) -> dict[str, Callable[[], Any]]:
    """Return what goes wrong on rank 1, where a rank must not wait for another."""
    data, ground, bent = batch(96), pel.loss.landscape, pel.loss.curvature
    lines = 15 + 6 * (49 if dist.get_world_size() == 2 else 33)  # forward passes of rank 1 for the plane, and some
    kept: dict[str, Any] = {"options": NONE, "group": "world", "resume": folder / "kept"}

    def turned(after: int, happens: Callable[[], None] = interrupt) -> nn.Module:
        return Turned(after if rank == 1 else 0, happens)

    return {
        "failing": lambda: ground(turned(150, fail), data, options=NONE, group="world"),
        "failing product": lambda: bent(turned(12, fail), data, options=BENT, group="world"),
        "failing loader": lambda: ground(made(), broken(rank), options=NONE, group="world"),
        "other weights": lambda: ground(made(seed=rank), data, options=NONE, group="world"),
        "other options": lambda: ground(made(), data, options=replace(NONE, seed=rank), group="world"),
        "other data": lambda: bent(made(), batch(64 + rank), options=BENT, group="world"),
        "stopped": lambda: ground(turned(150), data, options=NONE, group="world"),
        "stopped lines": lambda: ground(turned(lines), data, options=LINES, group="world"),
        "stopped product": lambda: bent(turned(26), data, options=BENT, group="world"),
        "stopped at once": lambda: ground(Turned(5 - 5 * rank, interrupt), data, options=NONE, group="world"),
        "kept": lambda: ground(turned(150), data, **kept),
        "gone on": lambda: ground(turned(10**6), data, **kept),
    }


def main() -> None:
    """Measure together, fail where asked, and write down what came."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(seconds=100))
    folder, rank = Path(sys.argv[1]), dist.get_rank()
    asked = questions(group="world") | (troubles(rank, folder) if dist.get_world_size() > 1 else {})
    for kind, ask in asked.items():
        stem = folder / f"{kind}-{rank}"
        try:
            ask().save(stem.with_suffix(".safetensors"))
        except (PellucidError, RuntimeError, KeyboardInterrupt) as error:
            stem.with_suffix(".txt").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
    dist.barrier()  # who ends first takes away what the other still asks
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
    os._exit(0)  # threads of gloo that are still alive may abort a process that is taken down in good order
