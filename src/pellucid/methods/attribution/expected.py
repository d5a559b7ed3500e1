"""Integrated gradients from many baselines: a sample of the data in place of one reference."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from pellucid.core.arguments import MOST_SEED, whole
from pellucid.core.errors import InputError
from pellucid.methods.attribution.baseline import COMPARED
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.question import Question, along, wide
from pellucid.methods.attribution.smooth import MOST_SAMPLES, Spread
from pellucid.probe.subject import is_plain


@dataclass(frozen=True, eq=False)
class ExpectedGradients(Method):
    """(input - baseline) times the gradient in between, averaged over baselines from the data and over the way.

    What each value contributes to the difference between this score and the mean score of the data: no constant image
    plays a part, and a black pixel can matter. The sum of a map is that difference only on average over the draws; the
    error says how far the map still wavers. It explains a difference to these data: other data, another map.

    Args:
        data: Baselines, [N, ...], in the shape of what is explained; a tuple of these for several inputs.
        samples: Draws for each example, 2 to 100,000: each of the baselines once before any a second time, and a place
            on the way, uniform.
        seed: Of the draws, which are the same for every example, so that a map does not depend on its batch.

    Cost:
        `samples` forward and backward passes, and a forward pass.

    Source:
        Erion et al. 2021, "Improving performance of deep learning models with axiomatic attribution priors and expected
        gradients", equation 3.
    """

    name: ClassVar[str] = "expectedgradients"
    caveat: ClassVar[str] = COMPARED
    contributes: ClassVar[bool] = True
    data: Any = None
    samples: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        self.settle(samples=(whole, 2, MOST_SAMPLES), seed=(whole, 0, MOST_SEED))

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        scores = question.own_scores()
        data = _data(self.data, question)
        picks, places = self._draws(len(data[0]))
        spread = Spread(tuple(wide(one) for one in question.values))

        def work(jobs: Tensor) -> None:
            draws, rows = jobs // question.rows, jobs % question.rows
            bases = [wide(one[picks[draws].to(one.device)].to(value)) for one, value in zip(data, values, strict=True)]
            steps = [wide(one) - base for one, base in zip(question.at(rows), bases, strict=True)]
            points = [
                (base + along(places[draws], step) * step).to(value.dtype)
                for base, step, value in zip(bases, steps, values, strict=True)
            ]
            _, maps = question.gradients(points, rows)
            spread.add(rows, tuple(one * step for one, step in zip(maps, steps, strict=True)))

        values = question.values
        question.chunks.each(self.samples * question.rows, work)
        return Attribution(maps=tuple(spread.mean), scores=scores, check="sampling", error=spread.error())

    def _draws(self, count: int) -> tuple[Tensor, Tensor]:
        """Return which baseline and which place on the way each draw takes, [samples] each."""
        source = torch.Generator().manual_seed(self.seed)
        rounds = -(-self.samples // count)
        picks = torch.cat([torch.randperm(count, generator=source, device="cpu") for _ in range(rounds)])[
            : self.samples
        ]
        return picks, torch.rand(self.samples, generator=source, dtype=torch.float64, device="cpu")


def _data(given: Any, question: Question) -> tuple[Tensor, ...]:
    how = (
        "Give some of the training data, in the shape of what is explained: "
        "method=pel.gradients.ExpectedGradients(data=x_train[:100])."
    )
    if given is None:
        raise InputError(f"No data to take baselines from came. {how}")
    several = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if len(several) != len(question.values) or not all(isinstance(one, Tensor) and is_plain(one) for one in several):
        kinds = ", ".join(type(one).__name__ for one in several)
        raise InputError(
            f"Data of {kinds} came, expected a dense tensor of real numbers for each of {len(question.values)} inputs. "
            f"{how}"
        )
    for one, value in zip(several, question.values, strict=True):
        if not one.ndim or one.shape[1:] != value.shape[1:] or len(one) != len(several[0]) or not len(one):
            raise InputError(
                f"Data of shape {tuple(one.shape)} came for an input of shape {tuple(value.shape)}; the first axis "
                f"numbers the baselines, the others must agree. {how}"
            )
        if not bool(torch.isfinite(one).all()):
            raise InputError(f"The data hold NaN or infinity. {how}")
    return several
