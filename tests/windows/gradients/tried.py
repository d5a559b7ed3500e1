"""What the tests of faithfulness share: a network, pictures, a given map, and how thorough the tests are."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.methods.attribution import Attribution, Method, Question
from pellucid.windows.gradients import Faithfulness, FaithfulnessOptions

QUICK = FaithfulnessOptions(steps=4, chances=2, randomisations=1, perturbations=6, samples=2)
CURVES = replace(QUICK, randomisations=0, perturbations=0, samples=0)
NOTHING = replace(CURVES, steps=0)


@dataclass(frozen=True)
class Given(Method):
    """A map that was made before."""

    name: ClassVar[str] = "given"
    signed: ClassVar[bool] = False
    values: Any = None

    def attribute(self, question: Question) -> Attribution:
        """Return it."""
        return Attribution(maps=(self.values,), scores=question.own_scores())


def cnn() -> nn.Sequential:
    """A small convolutional network in float64."""
    torch.manual_seed(0)
    parts = (nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    return nn.Sequential(*parts, nn.Linear(20, 3)).double()


def images(count: int = 3) -> Tensor:
    """Pictures of two channels."""
    return torch.randn(count, 2, 7, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@cache
def everything() -> Faithfulness:
    """One result with everything in it."""
    masks = torch.zeros(3, 7, 6, dtype=torch.bool)
    masks[:, :3] = True
    return pel.gradients.faithfulness(
        cnn(), images(), [0, 1, 2], method=("gradient", "integratedgradients", "gradcam"), masks=masks, options=QUICK
    )
