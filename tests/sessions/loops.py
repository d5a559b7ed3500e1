"""Training loops of every kind, each the same with and without a watch."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import pellucid as pel

Loop = Callable[["Setting", Any], list[float]]
QUIET = pel.WatchOptions(on_finding=None)


class Network(nn.Module):
    """Convolution, BatchNorm, in-place ReLU, a functional ReLU, a shared module, dropout; optionally checkpointed."""

    def __init__(self, *, recompute: bool = False) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.activation = nn.ReLU(inplace=True)
        self.hidden = nn.Linear(256, 16)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(16, 5)
        self.recompute = recompute

    def features(self, x: Tensor) -> Tensor:
        """Return what the convolution and the norm make of the image."""
        return self.activation(self.norm(self.convolution(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        found = checkpoint(self.features, x, use_reentrant=False) if self.recompute else self.features(x)
        return self.head(self.activation(self.drop(F.relu(self.hidden(found.flatten(1))))))


class Setting:
    """Model, optimiser and data, the same each time that they are made."""

    def __init__(self, *, recompute: bool = False, optimizer: str = "AdamW", compiled: str = "") -> None:
        torch.manual_seed(11)
        self.plain = Network(recompute=recompute)
        self.model: Any = torch.compile(self.plain, backend=compiled) if compiled else self.plain
        self.optimizer: torch.optim.Optimizer = getattr(torch.optim, optimizer)(self.plain.parameters(), lr=0.01)
        source = torch.Generator().manual_seed(5)
        self.batches = [
            (torch.randn(8, 1, 8, 8, generator=source), torch.randint(5, (8,), generator=source)) for _ in range(6)
        ]

    def state(self) -> list[Tensor]:
        """Return parameters, buffers, optimiser state, gradients and the state of the random numbers."""
        states = [value for one in self.optimizer.state.values() for value in one.values() if isinstance(value, Tensor)]
        gradients = [one.grad for one in self.plain.parameters() if one.grad is not None]
        return [*self.plain.state_dict().values(), *states, *gradients, torch.get_rng_state()]


def plain(setting: Setting, watch: Any) -> list[float]:
    """The loop of every tutorial."""
    losses = []
    for x, y in setting.batches:
        loss = F.cross_entropy(setting.model(x), y)
        setting.optimizer.zero_grad()
        loss.backward()
        setting.optimizer.step()
        losses.append(loss.item())
        if watch is not None:
            watch.step(loss=loss, target=y)
    return losses


def accumulating(setting: Setting, watch: Any) -> list[float]:
    """Two batches a step of the optimiser, one call of the watch a batch."""
    losses = []
    for index, (x, y) in enumerate(setting.batches):
        loss = F.cross_entropy(setting.model(x), y) / 2
        loss.backward()
        if index % 2:
            setting.optimizer.step()
            setting.optimizer.zero_grad()
        losses.append(loss.item())
        if watch is not None:
            watch.step(loss=loss)
    return losses


def scaled(setting: Setting, watch: Any) -> list[float]:
    """Automatic mixed precision with a GradScaler."""
    scaler, losses = torch.amp.GradScaler("cpu", init_scale=256.0), []
    for x, y in setting.batches:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(setting.model(x).float(), y)
        setting.optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(setting.optimizer)
        scaler.update()
        losses.append(loss.item())
        if watch is not None:
            watch.step(loss=loss)
    return losses


def closures(setting: Setting, watch: Any) -> list[float]:
    """An optimiser that evaluates inside its step."""
    losses = []
    for x, y in setting.batches:

        def closure(x: Tensor = x, y: Tensor = y) -> Tensor:
            setting.optimizer.zero_grad()
            loss = F.cross_entropy(setting.model(x), y)
            loss.backward()
            return loss

        loss = setting.optimizer.step(closure)
        losses.append(float(loss.detach()))
        if watch is not None:
            watch.step(loss=loss)
    return losses


def watching(setting: Setting, **options: Any) -> AbstractContextManager[Any]:
    """Return a watch of a setting, quiet."""
    return pel.watch(setting.model, setting.optimizer, every=2, options=QUIET, **options)


def run(loop: Loop, *, watched: bool, check: bool = False, **options: Any) -> tuple[list[float], list[Tensor]]:
    """Train once; return the losses and everything that training leaves."""
    setting = Setting(**options)
    held_out = (torch.ones(6, 1, 8, 8), torch.arange(6) % 5) if check else None
    with watching(setting, check=held_out, check_every=2) if watched else nullcontext() as watch:
        losses = loop(setting, watch)
    return losses, setting.state()
