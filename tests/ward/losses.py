"""A training that leaves curves and held-out evaluations, for the rules on losses."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.finding import Finding, Level
from pellucid.core.judge import judge
from pellucid.maths.curves import entropy
from pellucid.windows.loss import LossCurves, SanityCheck, curves
from pellucid.windows.loss.measure import evaluate
from tests.ward.watching import blobs, mlp

CODES = tuple(f"LOS{number:03}" for number in range(1, 15))
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training left, with its held-out evaluations and without."""

    curves: LossCurves
    check: SanityCheck
    model: nn.Module

    def says(self, code: str) -> list[Finding]:
        """What one rule says about the run, folded findings too."""
        return [one for one in judge([self.check, self.curves], limits={}).every if one.code == code]

    def levels(self, code: str) -> set[Level]:
        """The levels of what one rule says."""
        return {one.level for one in self.says(code)}


def train(
    model: nn.Module | None = None,
    loss: Loss = F.cross_entropy,
    *,
    data: tuple[Tensor, Tensor] | None = None,
    batches: Callable[[int, int], Tensor] | None = None,
    rate: float = 1e-2,
    steps: int = 140,
    optimizer: torch.optim.Optimizer | None = None,
    before: Callable[[int, nn.Module], None] | None = None,
) -> Trained:
    """Train on all but the last 300 samples, 40 a step, and evaluate on those 300 every 20 steps."""
    torch.manual_seed(0)
    model = model or mlp(32, 32)
    x, y = data or blobs(900)
    seen, held = len(x) - 300, (x[-300:], y[-300:])
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=rate)
    generator = torch.Generator().manual_seed(3)
    rows: dict[str, list[float]] = {"loss": [], "accuracy": [], "target_entropy": []}
    labels: list[Tensor] = []
    checks: list[SanityCheck] = []
    for step in range(steps):
        chosen = torch.randint(seen, (40,), generator=generator) if batches is None else batches(step, seen)
        if before is not None:
            before(step, model)
        output = model(x[chosen])
        value = loss(output, y[chosen])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        rows["loss"].append(float(value.detach()))
        if not y.is_floating_point():
            labels.append(y[chosen])
            rows["accuracy"].append(float((output.argmax(1) == y[chosen]).float().mean()))
            rows["target_entropy"].append(entropy(torch.bincount(y[chosen]).numpy()))
        if step % 20 == 0:
            checks.append(evaluate(model, *held, loss, step))
    counts = torch.bincount(torch.cat(labels), minlength=4).numpy() if labels else None
    recorded = {name: values for name, values in rows.items() if values}
    return Trained(curves=curves(recorded, label_counts=counts), check=SanityCheck.join(checks), model=model)


@cache
def healthy() -> Trained:
    """A network that learns."""
    return train()


def sums() -> tuple[Tensor, Tensor]:
    """Return inputs with a real target that bends."""
    x, _ = blobs(900)
    return x, (x[:, :1] - x[:, 1:2]).tanh() * 2


@cache
def regression() -> Trained:
    """A regression that is learned."""
    return train(mlp(32, 32, classes=1), F.mse_loss, data=sums())
