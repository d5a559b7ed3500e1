"""Class activation maps: where on the image the channels of a late layer speak for the score."""

from abc import abstractmethod
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pellucid.core.arguments import flag
from pellucid.core.errors import InputError
from pellucid.methods.attribution.functions import refuse_scripted
from pellucid.methods.attribution.gradient import gradients_of
from pellucid.methods.attribution.grid import enlarged, grid_at, space_of, spatial_layer
from pellucid.methods.attribution.method import Attribution, Method
from pellucid.methods.attribution.nest import named, rebuilt, tensors
from pellucid.methods.attribution.question import Question, derivatives, layer_named, wide
from pellucid.methods.attribution.rectified import Rule
from pellucid.probe.address import Address, modules_of
from pellucid.probe.hooks import in_backward

_WEIGHED = (
    ": the channels, each weighed by its mean gradient, add up to less than 0 at every place, and that is cut off; "
    "where a dense layer follows, which weighs each place by itself, the mean says little. See relu=False"
)


@dataclass(frozen=True)
class _CAM(Method):
    """What the methods of this file share: a map is a weighted sum of the channels of one layer."""

    caveat: ClassVar[str] = "As coarse as the layer that it is taken from."
    cut: ClassVar[str] = _WEIGHED
    needs_grid: ClassVar[bool] = True
    needs_layer: ClassVar[bool] = True
    relu: bool = True

    def __post_init__(self) -> None:
        self.settle(relu=(flag,))

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        if question.layer is not None:
            return self._at(question, chosen="")
        name = spatial_layer(question)
        with question.moved(name) as there:
            return self._at(there, chosen=name)

    def _at(self, question: Question, *, chosen: str) -> Attribution:
        scores, (gradient,) = gradients_of(question)
        assert question.layer is not None  # noqa: S101 - seen by the caller
        grid = grid_at(question.layer.name, question.layer.module, question.values[0], space_of(question))
        mapped = self.map_of(grid.folded(wide(question.values[0])), grid.folded(gradient))
        return Attribution(maps=(mapped,), scores=scores, layer=chosen)

    def map_of(self, values: Tensor, gradient: Tensor) -> Tensor:
        """Return the map.

        Args:
            values: What the layer returned, [examples, channels, ...].
            gradient: Of the score, the same shape.

        Returns:
            [examples, ...].
        """
        space = tuple(range(2, values.ndim))
        weights = self.weights_of(values, gradient, space)
        summed = (weights * values).sum(1)
        return summed.clamp(min=0) if self.relu else summed

    @abstractmethod
    def weights_of(self, values: Tensor, gradient: Tensor, space: tuple[int, ...]) -> Tensor:
        """Return the weight of each channel, [examples, channels, 1, ...].

        Args:
            values: See `map_of`.
            gradient: See `map_of`.
            space: The axes of space.
        """


@dataclass(frozen=True)
class GradCAM(_CAM):
    """Where the channels of a layer, each weighted by its mean gradient, speak for the score.

    Coarse, but it depends on the class and on the weights. One weight for all places of a channel: what speaks for the
    score in one place and against it in another cancels out, and where the head is not a mean over places the map may
    light places that do not matter. A map of zeros means that everything speaks against the score: look at it with
    relu=False. In front of the last attention of a transformer a token holds what it has read from others.

    Args:
        relu: Whether what speaks against the score is cut off, as in the paper.

    Cost:
        One forward pass, and the backward pass of what follows the layer; see `spatial_layer` where none is named.

    Source:
        Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2.
    """

    name: ClassVar[str] = "gradcam"

    def weights_of(self, values: Tensor, gradient: Tensor, space: tuple[int, ...]) -> Tensor:
        """See `_CAM.weights_of`."""
        del values
        return gradient.mean(space, keepdim=True)


@dataclass(frozen=True)
class GradCAMPlusPlus(_CAM):
    """Grad-CAM with each place of a channel weighted for itself, so that several small objects are all lit.

    Its weights assume that the score is an exponential of the output and are never negative where the layer's values
    are not: a channel that speaks against the score is left out rather than subtracted.

    Args:
        relu: See `GradCAM`.

    Cost:
        See `GradCAM`.

    Source:
        Chattopadhay et al. 2018, "Grad-CAM++", equations 10 and 19.
    """

    name: ClassVar[str] = "gradcamplusplus"

    def weights_of(self, values: Tensor, gradient: Tensor, space: tuple[int, ...]) -> Tensor:
        """See `_CAM.weights_of`."""
        # g^2 / (2 g^2 + sum(A) g^3), with g^2 taken out of it: its powers leave the range of float32.
        below = 2 + values.sum(space, keepdim=True) * gradient
        shares = torch.where(below == 0, 0, 1 / torch.where(below == 0, 1, below))
        return (shares * gradient.clamp(min=0)).sum(space, keepdim=True)


@dataclass(frozen=True)
class GuidedGradCAM(Method):
    """Guided backpropagation, only where Grad-CAM lights up.

    The detail is that of `GuidedBackprop`, near to edge detection; only the rough place depends on the class.

    Args:
        layer: The layer of Grad-CAM; None for the last one with a grid.

    Cost:
        One forward and one backward pass, and the backward pass of what follows the layer; see `spatial_layer` where
        none is named.

    Source:
        Selvaraju et al. 2017, "Grad-CAM", section 3.2.
    """

    name: ClassVar[str] = "guidedgradcam"
    caveat: ClassVar[str] = (
        "Guided maps are close to edge detection; the class enters by a coarse map that weighs them."
    )
    cut: ClassVar[str] = _WEIGHED
    needs_grid: ClassVar[bool] = True
    layer: Address | None = None

    def attribute(self, question: Question) -> Attribution:
        """See `Method.attribute`."""
        if question.layer is not None:
            raise InputError(
                f"GuidedGradCAM explains the input, and at={question.layer.name!r} came. Name the layer of its class "
                f"activation map in the method: GuidedGradCAM(layer={question.layer.name!r})."
            )
        name = spatial_layer(question) if self.layer is None else layer_named(question.model, self.layer)[0]
        modules = modules_of(question.model)
        refuse_scripted(modules, "Every ReLU must be seen")
        space, rule, cams = space_of(question), Rule(masked=True), list[Tensor]()
        for place, one in zip(question.places, question.values, strict=True):
            if one.shape[2:] != space:
                raise InputError(
                    f"{named([place])} has shape {tuple(one.shape)} and is no image of {' x '.join(map(str, space))}. "
                    "Name the image alone with only=."
                )

        def before(scores: Tensor) -> None:
            value = kept.pop()
            (gradient,) = derivatives(scores, [value], keep=True)
            grid = grid_at(name, modules[name], value, space)
            cams.append(enlarged(GradCAM().map_of(grid.folded(wide(value.detach())), grid.folded(gradient)), space))
            rule.apply(scores)

        with _kept(question.model, name) as kept:
            scores, maps = gradients_of(question, before=before)
        question.passes += 1
        cam = torch.cat(cams)[:, None]
        chosen = name if self.layer is None else ""
        return Attribution(maps=tuple(one * cam for one in maps), scores=scores, layer=chosen, notes=rule.notes)


@contextmanager
def _kept(model: nn.Module, name: str) -> Generator[list[Tensor], None, None]:
    """Keep what a layer first returns in each forward pass of the block, with its graph.

    Yields:
        A list with that in it.
    """
    kept: list[Tensor] = []

    def begin(module: nn.Module, given: Any) -> None:
        del module, given
        kept.clear()

    def keep(module: nn.Module, given: Any, output: Any) -> Any:
        del module, given
        found = next(((path, one) for path, one in tensors(output) if one.is_floating_point()), None)
        if kept or found is None or in_backward():
            return None
        kept.append(found[1])
        return rebuilt(output, lambda path, one: one.clone() if path == found[0] else one)  # it may be changed in place

    handles = [model.register_forward_pre_hook(begin), modules_of(model)[name].register_forward_hook(keep)]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()
