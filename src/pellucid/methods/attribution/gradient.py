"""The gradient of the score, plain or times the input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.question import Question, wide
from pellucid.methods.attribution.rows import of_all

_LOCAL = "A gradient is local: it says what a small nudge would do, not what the network has seen."


@dataclass(frozen=True)
class Gradient(Method):
    """d score / d input: which values to nudge, and which way.

    It is local: where the network is flat (saturated, or a dead unit in the way) it is 0 however much the input
    matters.

    Cost:
        One forward and one backward pass.

    Source:
        Simonyan et al. 2013, "Deep inside convolutional networks".
    """

    name: ClassVar[str] = "gradient"
    caveat: ClassVar[str] = _LOCAL
    slope: ClassVar[bool] = True

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        scores, maps = gradients_of(question)
        return Attribution(maps=maps, scores=scores)


@dataclass(frozen=True)
class InputXGradient(Method):
    """Gradient times input: what each value contributes, if the network were linear here.

    Of a network without biases whose activations are piecewise linear the sum is the score.

    Cost:
        One forward and one backward pass.

    Source:
        Shrikumar et al. 2016, "Not just a black box".
    """

    name: ClassVar[str] = "inputxgradient"
    caveat: ClassVar[str] = _LOCAL
    contributes: ClassVar[bool] = True
    slope: ClassVar[bool] = True

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        scores, maps = gradients_of(question)
        values = [wide(one) for one in question.values]
        return Attribution(maps=tuple(a * b for a, b in zip(maps, values, strict=True)), scores=scores)


def gradients_of(
    question: Question, *, before: Callable[[Tensor], None] | None = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the scores of the examples, [examples], and their gradients; in chunks only where it must be.

    Args:
        question: Which is being asked.
        before: See `Question.gradients`.
    """

    def work(rows: Tensor) -> list[Tensor]:
        scores, maps = question.gradients(None, rows, before=before)
        return [scores, *maps]

    scores, *maps = of_all(question, work)
    return scores, tuple(maps)
