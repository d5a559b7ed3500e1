"""Gradients at noisy copies of the input: their mean and their variance."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from pellucid.core.arguments import LARGEST, MOST_SEED, flag, real_number, whole
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.question import Question, along, flat, wide

MOST_SAMPLES = 100_000
_NOISE = (real_number, 0.0, LARGEST, "a share of the range, such as 0.15")
_SEED = (whole, 0, MOST_SEED)


class Spread:
    """Mean and variance of maps, by Chan's merge of Welford's sums: the variance is never negative.

    Args:
        like: Maps, [examples, ...] each.

    Attributes:
        mean: The mean so far, [examples, ...] each.
        count: How many maps of each example were added, [examples].
    """

    def __init__(self, like: tuple[Tensor, ...]) -> None:
        self.mean = [torch.zeros_like(one) for one in like]
        self._squares = [torch.zeros_like(one) for one in like]  # sums of squared deviations
        self.count = torch.zeros(len(like[0]), dtype=torch.float32, device=like[0].device)

    def add(self, rows: Tensor, maps: tuple[Tensor, ...]) -> None:
        """Add maps, [N, ...] each, of the examples that `rows` names."""
        rows = rows.to(self.count.device)
        added = torch.zeros_like(self.count).index_add_(0, rows, torch.ones_like(self.count[rows]))
        whole = self.count + added
        for mean, squares, one in zip(self.mean, self._squares, maps, strict=True):
            new = _mean_of(rows, one, along(added.clamp(min=1), mean))
            share = along(added / whole.clamp(min=1), mean)
            squares.index_add_(0, rows, (one - new[rows]).square())
            squares.add_((new - mean).square() * share * along(self.count, mean))
            mean.add_((new - mean) * share)
        self.count = whole

    def variance(self) -> tuple[Tensor, ...]:
        """Return the unbiased variance, 0 or more."""
        return tuple(one / along((self.count - 1).clamp(min=1), one) for one in self._squares)

    def error(self) -> Tensor:
        """Return the size of the standard error of the mean map over the size of the map, [examples]."""
        errors = [flat(one / along(self.count, one)).sum(1) for one in self.variance()]
        sizes = [flat(one.square()).sum(1) for one in self.mean]
        return (_sum(errors) / _sum(sizes).clamp(min=torch.finfo(sizes[0].dtype).tiny)).sqrt()


def _mean_of(rows: Tensor, maps: Tensor, counts: Tensor) -> Tensor:
    """Return the mean of the maps of each example; taken twice, as sums of large numbers round."""
    mean = torch.zeros(counts.shape[:1] + maps.shape[1:], dtype=maps.dtype, device=maps.device)
    for _ in range(2):
        mean += torch.zeros_like(mean).index_add_(0, rows, maps - mean[rows]) / counts
    return mean


def _sum(parts: list[Tensor]) -> Tensor:
    return torch.stack(parts).sum(0)


@dataclass(frozen=True)
class SmoothGrad(Method):
    """The mean gradient over noisy copies: what stays when the input shivers.

    Args:
        samples: Noisy copies, 1 to 100,000.
        noise: Standard deviation of the noise, as a share of each example's own range (largest less smallest value).
        antithetic: Use each noise with both signs, so that what is odd in it cancels; an odd number of samples becomes
            the next even one.
        seed: Of the noise, which is the same for every example, so that a map does not depend on its batch.

    Cost:
        `samples` forward and backward passes.

    Source:
        Smilkov et al. 2017, "SmoothGrad".
    """

    name: ClassVar[str] = "smoothgrad"
    caveat: ClassVar[str] = "The mean over noisy copies: what is steep for a single copy only is averaged out."
    slope: ClassVar[bool] = True
    samples: int = 50
    noise: float = 0.15
    antithetic: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        self.settle(samples=(whole, 1, MOST_SAMPLES), noise=_NOISE, antithetic=(flag,), seed=_SEED)

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        scores, spread = _sampled(question, self, (1.0, -1.0) if self.antithetic else (1.0,))
        known = bool((spread.count > 1).all())
        error = spread.error() if known else None
        return Attribution(maps=tuple(spread.mean), scores=scores, check="sampling" if known else "", error=error)


@dataclass(frozen=True)
class VarGrad(Method):
    """The variance of the gradient over noisy copies: where the map cannot be relied on, or edges of what is decided.

    Args:
        samples: Noisy copies, 2 to 100,000.
        noise: See `SmoothGrad`.
        seed: See `SmoothGrad`.

    Cost:
        `samples` forward and backward passes.

    Source:
        Adebayo et al. 2018, "Local explanation methods for deep neural networks lack sensitivity to parameter values".
    """

    name: ClassVar[str] = "vargrad"
    caveat: ClassVar[str] = "A variance has no sign: it says where the gradient changes under noise."
    signed: ClassVar[bool] = False
    samples: int = 50
    noise: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        self.settle(samples=(whole, 2, MOST_SAMPLES), noise=_NOISE, seed=_SEED)

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        scores, spread = _sampled(question, self, (1.0,))
        return Attribution(maps=spread.variance(), scores=scores)


def _sampled(question: Question, method: "SmoothGrad | VarGrad", signs: tuple[float, ...]) -> tuple[Tensor, Spread]:
    """Return the scores without noise, and the spread of the gradients at noisy copies, one for each of the signs.

    The gradients of one noise with several signs are averaged before they are added.
    """
    scores = question.own_scores()
    spread = Spread(tuple(wide(one) for one in question.values))
    sizes = [method.noise * _range(one) for one in question.values]

    def work(jobs: Tensor) -> None:
        draws, rows = jobs // question.rows, jobs % question.rows
        noises = _noise(question.values, draws, method.seed)
        noisy = [
            torch.cat([(wide(one)[rows] + sign * size[rows] * noise).to(one.dtype) for sign in signs])
            for one, size, noise in zip(question.values, sizes, noises, strict=True)
        ]
        _, maps = question.gradients(noisy, rows.repeat(len(signs)))
        spread.add(rows, tuple(torch.stack(one.chunk(len(signs))).mean(0) for one in maps))

    question.chunks.each(-(-method.samples // len(signs)) * question.rows, work, rows=len(signs))
    return scores, spread


def _noise(values: tuple[Tensor, ...], draws: Tensor, seed: int) -> list[Tensor]:
    """Return unit noise by the number of the draw, [draws, ...] each: the same for every example and in every chunk."""
    numbers = draws.tolist()
    made: dict[int, list[Tensor]] = {}
    for number in sorted(set(numbers)):
        source = torch.Generator().manual_seed(seed * MOST_SAMPLES + number)
        made[number] = [
            torch.randn(one.shape[1:], generator=source, dtype=wide(one).dtype, device="cpu") for one in values
        ]
    return [torch.stack([made[number][place] for number in numbers]).to(one.device) for place, one in enumerate(values)]


def _range(values: Tensor) -> Tensor:
    """Return the largest less the smallest value of each example, [examples, 1, ...]."""
    row = flat(wide(values))
    return (row.amax(1) - row.amin(1)).reshape(-1, *[1] * (values.ndim - 1))
