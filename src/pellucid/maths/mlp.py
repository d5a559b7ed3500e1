"""The gradient by hand: a network with one hidden layer, its scores and its saliency map, in NumPy alone.

    x [256] -> z1 = W1 x + b1 [32] -> h = max(z1, 0) -> logits = W2 h + b2 [10]

Example:
    >>> import numpy as np
    >>> model = Mlp.random(np.random.default_rng(0))
    >>> logits, z1, h = model.forward(np.ones(256))
    >>> logits.shape, z1.shape, h.shape, model.saliency(np.ones(256), 3).shape
    ((10,), (32,), (32,), (16, 16))
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.errors import InputError

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Mlp:
    """A network with one hidden layer of rectified units.

    Attributes:
        w1: Weights of the hidden layer, [hidden, inputs]: row i is what hidden unit i is tuned to.
        b1: Its biases, [hidden].
        w2: Weights of the output, [classes, hidden]: row c says which hidden units speak for class c.
        b2: Its biases, [classes].

    Raises:
        InputError: The shapes do not fit together.
    """

    w1: Values
    b1: Values
    w2: Values
    b2: Values

    def __post_init__(self) -> None:
        """Check the shapes."""
        shapes = tuple(one.shape for one in (self.w1, self.b1, self.w2, self.b2))
        fits = self.w1.ndim == self.w2.ndim == 2 and self.w2.shape[1] == len(self.w1)
        if not fits or self.b1.shape != self.w1.shape[:1] or self.b2.shape != self.w2.shape[:1]:
            raise InputError(
                f"Arrays of shapes {shapes} came; expected w1 [hidden, inputs], b1 [hidden], w2 [classes, hidden], "
                "b2 [classes]."
            )

    @classmethod
    def random(cls, rng: np.random.Generator, *, inputs: int = 256, hidden: int = 32, classes: int = 10) -> "Mlp":
        """Return a network with first weights as He et al. chose them for rectified units, and biases 0.

        Args:
            rng: Draws the weights.
            inputs: Values of an input.
            hidden: Hidden units.
            classes: Outputs.
        """
        w1 = rng.normal(size=(hidden, inputs)) * np.sqrt(2 / inputs)
        w2 = rng.normal(size=(classes, hidden)) * np.sqrt(2 / hidden)
        return cls(w1, np.zeros(hidden), w2, np.zeros(classes))

    def forward(self, x: Values) -> tuple[Values, Values, Values]:
        """Compute the scores, and keep what was in between: the map needs it.

        Args:
            x: One input, [inputs], or several, [examples, inputs].

        Returns:
            (logits [classes], z1 [hidden], h [hidden]), with the axis of the examples before where there is one.

        Raises:
            InputError: An input has another size.
        """
        if x.ndim not in (1, 2) or x.shape[-1] != self.w1.shape[1]:
            raise InputError(f"An input of shape {x.shape} came, expected [{self.w1.shape[1]}] values.")
        z1 = x @ self.w1.T + self.b1
        h = np.maximum(z1, 0)
        return h @ self.w2.T + self.b2, z1, h

    def gradient(self, x: Values, target: int) -> Values:
        """Return d logits[target] / d x: pick a row, mask it, multiply.

        Args:
            x: One input, [inputs], or several, [examples, inputs].
            target: The class.

        Returns:
            The shape of x.

        Raises:
            InputError: There is no such class, or an input has another size.
        """
        if not 0 <= target < len(self.w2):
            raise InputError(f"target={target} came, expected 0 to {len(self.w2) - 1}.")
        _, z1, _ = self.forward(x)
        row = self.w2[target]  # which hidden units speak for the class
        masked = np.where(z1 > 0, row, 0)  # only those that are on; at 0 the slope is 0, as in torch
        return masked @ self.w1  # what each of them is tuned to, added up

    def saliency(self, x: Values, target: int, *, shape: tuple[int, int] = (16, 16)) -> Values:
        """Return the gradient as a picture: which pixels to brighten (above 0) or darken, to raise the score.

        Args:
            x: One input, [inputs].
            target: The class.
            shape: Rows and columns of the input.

        Returns:
            The shape that was asked for.

        Raises:
            InputError: There is no such class, or the input does not fill the shape.
        """
        if x.shape != (shape[0] * shape[1],):
            raise InputError(
                f"An input of shape {x.shape} came; a picture of {shape} has {shape[0] * shape[1]} pixels."
            )
        return self.gradient(x, target).reshape(shape)
