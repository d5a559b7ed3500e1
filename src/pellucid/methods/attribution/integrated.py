"""Gradients added up along a path from a baseline: what each value contributes to the difference of the scores."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from pellucid.core.arguments import ABOVE_0, LARGEST, flag, real_number, whole
from pellucid.maths.quadrature import gauss_legendre
from pellucid.methods.attribution.baseline import COMPARED, baselines_of
from pellucid.methods.attribution.completeness import missed
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.question import Question, along, wide

_FIRST = 8
"""Nodes to begin with. Even: an odd rule has a node in the middle, where paths from 0 like to have a kink."""


@dataclass(frozen=True)
class IntegratedGradients(Method):
    """(input - baseline) times the mean gradient on the way from the baseline: complete, as no plain gradient is.

    The sum of a map is the score less the score of the baseline. The integral is computed by Gauss-Legendre rules of 8,
    16, 32 ... nodes until that holds within the tolerance: smooth networks are done with 8, those of ReLUs need more.

    Args:
        baseline: What the input is compared with: None or a number (0 for None) for a constant, a tensor of the input's
            shape (with or without the examples' axis), one of these for each explained input, or "blur" or "mean"
            (of each example's own channels). It is a part of the question.
        tolerance: Completeness error at which to stop, as a share of the difference of the scores.
        nodes: Nodes at the most, for each example: 8 to 4,096; exactly so many where `exact` is set.
        exact: Take this many nodes at once, from 1.

    Cost:
        Twice the nodes of the last rule in forward and backward passes, since the rules share no node; two forward
        passes for the check.

    Source:
        Sundararajan et al. 2017, "Axiomatic attribution for deep networks".
    """

    name: ClassVar[str] = "integratedgradients"
    caveat: ClassVar[str] = COMPARED
    contributes: ClassVar[bool] = True
    baseline: Any = None
    tolerance: float = 0.01
    nodes: int = 512
    exact: bool = False

    def __post_init__(self) -> None:
        share = "a share of the difference of the scores, such as 0.01"
        self.settle(tolerance=(real_number, ABOVE_0, LARGEST, share), exact=(flag,))
        self.settle(nodes=(whole, 1 if self.exact else _FIRST, 4096))

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        path = Path(question, question.own_scores(), baselines_of(self.baseline, question))
        count = self.nodes if self.exact else min(_FIRST, self.nodes)
        path.take(question.every, count)
        while not self.exact and count < self.nodes:
            count = min(2 * count, self.nodes)
            left = torch.nonzero(path.error > self.tolerance).flatten()
            if not len(left):
                break
            path.take(left, count)
        return path.attribution()


class Path:
    """Straight ways from baselines to the examples, and what was integrated along them.

    Args:
        question: Which is being asked.
        scores: Of the examples, [examples].
        baselines: [examples, ...] each.

    Attributes:
        error: What the sum of each map misses of the difference of the scores, as a share of it, [examples].
    """

    def __init__(self, question: Question, scores: Tensor, baselines: tuple[Tensor, ...]) -> None:
        self._question, self._baselines = question, baselines
        self._steps = [wide(one) - wide(base) for one, base in zip(question.values, baselines, strict=True)]
        self.scores = scores
        with torch.no_grad():
            self._before = question.scores(baselines, question.every)
        self._maps = [torch.zeros_like(one) for one in self._steps]
        self.error = torch.full((question.rows,), math.inf, dtype=torch.float32, device="cpu")
        self._nodes = torch.zeros(question.rows, dtype=torch.float32, device="cpu")

    def take(self, rows: Tensor, nodes: int) -> None:
        """Integrate the ways of some examples with so many nodes."""
        places, weights = (torch.tensor(one, dtype=torch.float64, device="cpu") for one in gauss_legendre(nodes))
        sums = [torch.zeros_like(one) for one in self._maps]

        def work(jobs: Tensor) -> None:
            node, chosen = jobs // len(rows), rows[jobs % len(rows)]
            _, maps = self._question.gradients(self._points(chosen, places[node]), chosen)
            for total, one in zip(sums, maps, strict=True):
                weighted = one * along(weights[node], one)
                total.index_add_(0, chosen.to(one.device), weighted)

        self._question.chunks.each(nodes * len(rows), work)
        for kept, total, step in zip(self._maps, sums, self._steps, strict=True):
            here = rows.to(kept.device)
            kept[here] = (total * step)[here]
        self._nodes[rows] = nodes
        self.error = torch.where(
            torch.isin(self._question.every, rows), missed(self._maps, self.scores, self._before), self.error
        )

    def attribution(self) -> Attribution:
        """Return what was found."""
        return Attribution(
            maps=tuple(self._maps),
            scores=self.scores,
            check="completeness",
            error=self.error,
            notes={"nodes": float(self._nodes.max())},
        )

    def _points(self, rows: Tensor, places: Tensor) -> list[Tensor]:
        return [
            (wide(base)[rows] + along(places, step) * step[rows]).to(base.dtype)
            for base, step in zip(self._baselines, self._steps, strict=True)
        ]
