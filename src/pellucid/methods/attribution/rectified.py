"""Backward passes that treat ReLUs otherwise than the gradient does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.methods.attribution.functions import refuse_scripted
from pellucid.methods.attribution.gradient import gradients_of
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.question import Question
from pellucid.probe.address import modules_of

# What a history calls functions that give 0 below 0: the attribute that holds their lower limit, None where it is 0.
_RELUS: dict[str, str | None] = {
    "ReluBackward": None,
    "ThresholdBackward": "_saved_threshold",
    "HardtanhBackward": "_saved_min_val",
    "ClampMinBackward": "_saved_min",
    "ClampBackward": "_saved_min",
}
_OTHERS = (
    "Sigmoid",
    "Hardtanh",
    "Gelu",
    "Silu",
    "Mish",
    "Elu",
    "Celu",
    "LeakyRelu",
    "PreluKernel",
    "Hardswish",
    "Softplus",
    "Tanh",
)
# Histories that hide what was computed inside.
_CLOSED = ("CheckpointFunctionBackward", "CompiledFunctionBackward", "torch::jit")


@dataclass(frozen=True)
class GuidedBackprop(Method):
    """The gradient, with whatever is negative set to 0 at every ReLU on the way back: sharp, and nearly edges.

    It hardly depends on the class and little on the weights of late layers, so it says what is there rather than why
    the model decided. Of what is computed with ReLUs (nn.ReLU, relu, relu_, ReLU6, clamp(min=0), threshold(0)) nothing
    is overlooked, whether it is a module or a call; other activation functions keep their gradient and are noted.

    Cost:
        One forward and one backward pass.

    Source:
        Springenberg et al. 2015, "Striving for simplicity", section 3.4.
    """

    name: ClassVar[str] = "guidedbackprop"
    caveat: ClassVar[str] = "Guided maps are close to edge detection: they depend little on class and later layers."

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        return _attributed(question, Rule(masked=True))


@dataclass(frozen=True)
class Deconvolution(Method):
    """The gradient, with each ReLU on the way back replaced by a ReLU of what comes back.

    It forgets which units were active, so without max-pooling it depends on the input only through its score.
    See `GuidedBackprop` for what counts as a ReLU.

    Cost:
        One forward and one backward pass.

    Source:
        Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 2.1.
    """

    name: ClassVar[str] = "deconvolution"
    caveat: ClassVar[str] = "Deconvolved maps are close to edge detection: they hardly depend on the class."

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        return _attributed(question, Rule(masked=False))


class Rule:
    """What comes back from a ReLU in place of its gradient.

    Args:
        masked: Whether units that were 0 pass nothing, as in the gradient.

    Attributes:
        notes: How many ReLUs were changed, and how many of which other activation functions were not.
    """

    def __init__(self, *, masked: bool) -> None:
        self._masked = masked
        self.notes: dict[str, float] = {}

    def apply(self, scores: Tensor) -> None:
        """Change the backward pass of scores.

        Args:
            scores: [N], with their graph.

        Raises:
            InputError: No ReLU is on the way, or a part of the way cannot be seen.
        """
        notes: dict[str, float] = {}
        for node in nodes_of(scores):
            kind = node.name().partition("Backward")[0]
            if node.name().startswith(_CLOSED):
                raise InputError(
                    f"A part of the model is hidden in {node.name()}, so that its ReLUs cannot be found. Use "
                    "use_reentrant=False for checkpoints, and the model as it was before it was compiled or scripted."
                )
            if is_relu(node):
                node.register_hook(_masked if self._masked else _unmasked)
                notes["ReLUs"] = notes.get("ReLUs", 0.0) + 1
            elif kind in _OTHERS:
                notes[f"unchanged {kind}"] = notes.get(f"unchanged {kind}", 0.0) + 1
        if "ReLUs" not in notes:
            others = ", ".join(one.removeprefix("unchanged ") for one in notes) or "no activation function at all"
            raise InputError(
                f"No ReLU is computed on the way to the score, but {others}: the map would be the plain gradient. Use "
                "Gradient(), SmoothGrad() or IntegratedGradients()."
            )
        self.notes = notes


def _attributed(question: Question, rule: Rule) -> Attribution:
    refuse_scripted(modules_of(question.model), "Every ReLU must be seen")
    scores, maps = gradients_of(question, before=rule.apply)
    return Attribution(maps=maps, scores=scores, notes=rule.notes)


def is_relu(node: Any) -> bool:
    """Say whether a node of a history was left by a function that gives 0 below 0 and passes what is above."""
    for name, limit in _RELUS.items():
        if node.name().startswith(name):
            value = 0 if limit is None else getattr(node, limit)
            return isinstance(value, (int, float)) and value == 0
    return False


# They must not hold on to the graph, which holds on to them.
def _masked(gradients: tuple[Tensor | None, ...], given: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    del given
    return tuple(None if one is None else one.clamp(min=0) for one in gradients)


def _unmasked(gradients: tuple[Tensor | None, ...], given: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    came = given[0]
    return tuple(None if one is None or came is None else came.clamp(min=0) for one in gradients)


def nodes_of(scores: Tensor) -> Iterator[Any]:
    """Yield every node of a graph once."""
    waiting: list[Any] = [scores.grad_fn]
    seen: set[Any] = set(waiting)
    while waiting:
        node = waiting.pop()
        yield node
        for earlier, _ in node.next_functions:
            if earlier is not None and earlier not in seen:
                seen.add(earlier)
                waiting.append(earlier)
