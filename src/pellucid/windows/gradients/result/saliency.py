"""Maps: how much each part of an input has to do with one number of the output."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.arguments import whole
from pellucid.core.errors import InputError
from pellucid.core.result import Result

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Saliency(Result):
    """What a method of attribution found, as it came: nothing is normalised.

    Attributes:
        maps: One for each explained input, [example, ...] each; that of a layer has the shape of its output, that of a
            class activation map is [example, row, column].
        inputs: What the maps lie over, [example, ...] each.
        places: Where each of these lies in what the model was given ("" for a tensor alone), or the name of the layer.
        method: Name of the method.
        options: Its options, as they were used.
        signed: Whether the sign of a value says for or against.
        layer: Name of the explained layer; "" for the input.
        scores: What was explained, [example].
        targets: Class of each example; () where the target was no class.
        outputs: What the model returned, [example, class]; [example, 0] where that was no row of numbers.
        class_names: Names of the classes; () where unknown.
        check: What `error` is: "completeness", "conservation", "sampling", or "" where nothing can be checked.
        error: [example]: what the sum of a map misses of the difference that it explains, as a share of it; or the
            standard error of the map over its size. NaN without a check. What biases absorbed is missed, too; the
            verdict on "conservation" leaves it out (`notes["lost on the way"]`).
        notes: Further numbers, such as the nodes of a path.
        silent: Name of the layer at which the gradient of each example is lost, or all but lost, going back from the
            output; "" where it reaches the input.
        picture: Where a layer is explained, the picture that the model was given, [example, channel, row, column] or
            [example, row, column]; empty where it was none, and where the input is explained: then `inputs` holds it.
        normalization: (mean, standard deviation) a channel that the inputs were normalised with; () where unknown.
        tokens: The text of each place of the first map, one row an example; () where it lies over no text.
        padded: Which of these places only fill a row up, [example, place]; empty where none is known.
        contributes: Whether a value is a share of the score, and not how steep the score is there.
    """

    maps: tuple[Array, ...]
    inputs: tuple[Array, ...]
    places: tuple[str, ...]
    method: str
    options: dict[str, Any]
    signed: bool
    layer: str
    scores: Array
    targets: tuple[int, ...]
    outputs: Array
    class_names: tuple[str, ...]
    check: str
    error: Array
    notes: dict[str, float]
    silent: tuple[str, ...]
    picture: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    normalization: tuple[tuple[float, ...], ...] = ()
    tokens: tuple[tuple[str, ...], ...] = ()
    padded: Array = field(default_factory=lambda: np.zeros((0, 0), bool))
    contributes: bool = False

    @property
    def map(self) -> Array:
        """The map of the first explained input, [example, ...]."""
        return self.maps[0]

    @property
    def given(self) -> Array:
        """What the model was given, [example, ...]: the first input; empty where only a layer's values are known."""
        return self.picture if self.layer and self.places == (self.layer,) else self.inputs[0]

    def table(self, example: int = 0) -> list[tuple[str, float]]:
        """Return the tokens of an example with one value each, in their order, without what is padded.

        Where a method shares the score out, it is the sum over the dimensions of the token, and keeps its sign. A
        gradient is no share, and its sum over dimensions of opposite sign says nothing: it is its L2 norm.

        Args:
            example: Which.

        Raises:
            InputError: The map lies over no text, or there is no such example.
        """
        whole("example", example, 0, len(self.scores) - 1)
        if not self.tokens:
            raise InputError("The map lies over no text. Name its places: pel.gradients.saliency(..., tokens=...).")
        values = self.map[example].astype(np.float64).reshape(len(self.tokens[example]), -1)
        along = values.sum(axis=1) if self.contributes else np.linalg.norm(values, axis=1)
        padded = self.padded[example] if self.padded.size else np.zeros(len(along), bool)
        rows = zip(self.tokens[example], along.tolist(), padded, strict=True)
        return [(token, value) for token, value, filling in rows if not filling]

    def target_name(self, example: int) -> str:
        """Return what is explained of an example, such as "3" or "espresso"; "" where it is no class."""
        return self.name_of(self.targets[example]) if self.targets else ""

    def name_of(self, target: int) -> str:
        """Return the name of a class, its number where it has none."""
        return self.class_names[target] if target < len(self.class_names) else str(target)

    def is_zero(self, example: int) -> bool:
        """Say whether every value of every map of an example is 0."""
        return not any(bool(np.any(one[example])) for one in self.maps)
