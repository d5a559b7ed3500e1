"""DeepLIFT: differences from a baseline, propagated in place of derivatives."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pellucid.methods.attribution.baseline import COMPARED, baselines_of
from pellucid.methods.attribution.completeness import missed
from pellucid.methods.attribution.differences import CLOSED, functions_of
from pellucid.methods.attribution.functions import refuse_scripted, replaced
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.multipliers import Reference
from pellucid.methods.attribution.question import Question, wide
from pellucid.methods.attribution.rows import of_all
from pellucid.probe.address import modules_of


@dataclass(frozen=True)
class DeepLift(Method):
    """How much of the difference to the baseline's score each value brings about, layer by layer (rescale rule).

    At each activation function the ratio of the differences takes the place of the derivative, so that a saturated unit
    still counts. Max-pooling gives its difference to the place that wins; the factors of a product share theirs
    equally, and softmax, division, attention and normalisation over features are taken apart into sums, products and
    functions of one value. All of these add up exactly: the sum of a map is the score less the score of the baseline.

    Not everything is seen: functions with a backward pass of their
    own, fused recurrent layers, sorting, and conditions on values (`torch.where`) pass the derivative on. The error
    then says how much is missed. It misleads where units cancel each other, since it does not look at the sign of what
    comes in (the "reveal cancel" rule does), and it depends on how a function is written: two networks that compute the
    same can get different maps.

    Args:
        baseline: What the input is compared with: see `IntegratedGradients`.

    Cost:
        A forward pass of the baselines, and a forward and backward pass of the examples; three times the memory of a
        gradient.

    Source:
        Shrikumar et al. 2017, "Learning important features through propagating activation differences".
    """

    name: ClassVar[str] = "deeplift"
    caveat: ClassVar[str] = COMPARED
    contributes: ClassVar[bool] = True
    baseline: Any = None

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        refuse_scripted(modules_of(question.model), "DeepLift must see every function that is not linear")
        baselines = baselines_of(self.baseline, question)
        scores, before, *multipliers = of_all(question, lambda rows: _multipliers(question, baselines, rows))
        maps = tuple(
            (wide(value) - wide(base)) * one
            for value, base, one in zip(question.values, baselines, multipliers, strict=True)
        )
        error = missed(maps, scores, before)
        return Attribution(maps=maps, scores=scores, check="completeness", error=error)


def _multipliers(question: Question, baselines: tuple[Tensor, ...], rows: Tensor) -> list[Tensor]:
    """Return the scores of some examples, those of their baselines, and the multipliers."""
    reference = Reference()
    before: list[Tensor] = []

    def compare(_: Tensor) -> None:
        reference.compare()
        with torch.no_grad():
            before.append(question.scores([one[rows.to(one.device)] for one in baselines], rows))

    with _begun(question.model, reference), replaced(functions_of(reference), closed=CLOSED):
        scores, found = question.gradients(question.at(rows), rows, before=compare)
    return [scores, *before, *found]


@contextmanager
def _begun(model: nn.Module, reference: Reference) -> Generator[None, None, None]:
    """Have every pass of the model begin the reference: one that was broken off is followed by another."""

    def begin(*_: Any) -> None:
        reference.begin()

    handle = model.register_forward_pre_hook(begin, prepend=True)
    try:
        yield
    finally:
        handle.remove()
