"""Layer-wise relevance propagation: the score is shared out, layer by layer, down to the input."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from pellucid.core.arguments import refused
from pellucid.core.errors import InputError
from pellucid.methods.attribution.completeness import missed
from pellucid.methods.attribution.functions import refuse_scripted, replaced, where
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.propagation import CLOSED, Propagation, nonzero
from pellucid.methods.attribution.question import Question, wide
from pellucid.methods.attribution.relevance import Epsilon, FirstRule, Gamma, Rule
from pellucid.methods.attribution.rows import of_all
from pellucid.probe.address import modules_of


@dataclass(frozen=True)
class LRP(Method):
    """What of the score each value is worth, when every layer shares out what it got among its inputs.

    Each kind of layer has its own rule. Batch norm is merged into the layer in front of it (in copies of the weights);
    ReLU, other activation functions and dropout pass relevance on; max-pooling gives it to the place that won, average
    pooling and sums of branches share it in proportion. Products of two things that depend on the input (attention,
    gates) and normalisation over features have no rule: they are refused, by the name of the layer.

    Biases and epsilons take a part of the relevance, so that a map need not add up to the score: `error` is what is
    missing, and the notes say what the biases took. It misleads where that is much. Alpha-beta with 1 and 0 hardly
    depends on the upper layers: it shows what is bright rather than what is decided.

    Args:
        conv: Rule of convolutions: `Epsilon`, `Gamma` or `AlphaBeta`.
        dense: Rule of dense layers, one of the same.
        first: Rule of the layers that see the explained values themselves: `WSquare`, `Flat` or `Box`; None for the
            rule of their kind.

    Cost:
        A forward pass, and a backward pass in which each layer is run again: once with epsilon, 1 to 4 times with the
        other rules (once behind a ReLU, where values and what counts of the output are positive).

    Source:
        Bach et al. 2015, "On pixel-wise explanations for non-linear classifier decisions"; rules by kind of layer as in
        Montavon et al. 2019, "Layer-wise relevance propagation: an overview".
    """

    name: ClassVar[str] = "lrp"
    caveat: ClassVar[str] = (
        "Rules share the score out layer by layer; biases absorb a part of it, and other rules give other maps."
    )
    contributes: ClassVar[bool] = True
    conv: Rule = field(default_factory=Gamma)
    dense: Rule = field(default_factory=Epsilon)
    first: FirstRule | None = None

    def __post_init__(self) -> None:
        for name, rule in (("conv", self.conv), ("dense", self.dense)):
            if not isinstance(rule, Rule) or isinstance(rule, type):
                raise refused(name, rule, "Epsilon(), Gamma() or AlphaBeta()")
        if self.first is not None and (not isinstance(self.first, FirstRule) or isinstance(self.first, type)):
            raise refused("first", self.first, "None, WSquare(), Flat() or Box(low, high)")

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        scores, taken, *maps = of_all(question, lambda rows: self._shared_out(question, rows))
        error = missed(tuple(maps), scores)
        whole = scores.to(taken.dtype)
        biases = float((taken / torch.where(whole == 0, 1, whole)).mean())
        # With what biases took nothing is left over, unless epsilon takes it or a function that no rule knows.
        lost = float(missed((*maps, taken[:, None]), scores).max())
        notes = {"absorbed by biases": biases, "lost on the way": lost}
        return Attribution(maps=tuple(maps), scores=scores, check="conservation", error=error, notes=notes)

    def _shared_out(self, question: Question, rows: Tensor) -> list[Tensor]:
        """Return the scores of some examples, what biases took of them, and the relevance of the values."""
        values = question.at(rows)
        scale: list[Tensor] = []  # of the gradient, which is not 1 in half precision

        def before(scores: Tensor) -> None:
            scores.register_hook(lambda grad: scale.append(grad.detach().clone()))  # pyright: ignore[reportUnknownLambdaType]

        with _propagated(question, self) as propagation:
            scores, multipliers = question.gradients(values, rows, before=before)
        if self.first is not None and not propagation.began:
            raise InputError(
                f"first={type(self.first).__name__}() came, and no convolution or dense layer sees the explained "
                "values themselves: something is computed from them first. Expected at most that they are moved about. "
                "Normalise in front of the model, explain the layer's input with at=, or leave first=None."
            )
        sizes = [wide(one) if self.first is None else nonzero(wide(one)) for one in values]
        maps = [one * some for one, some in zip(sizes, multipliers, strict=True)]
        taken = propagation.taken(len(rows)).to(maps[0].device) / wide(scale[0])
        return [scores, taken, *maps]


@contextmanager
def _propagated(question: Question, method: LRP) -> Generator[Propagation, None, None]:
    """Have the backward passes of the block carry relevance."""
    refuse_scripted(modules_of(question.model), "LRP needs a rule for every function that is called")
    with where(question.model) as running:
        propagation = Propagation(method.conv, method.dense, method.first, running)
        with replaced(propagation.functions(), closed=CLOSED):
            yield propagation
