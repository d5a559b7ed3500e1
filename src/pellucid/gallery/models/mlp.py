"""A fully connected network."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from pellucid.gallery.models.parts import ACTIVATIONS, Stage, dropout_of, initialize, norm_of


class MLP(nn.Module):
    """A fully connected classifier: `hidden1`, `hidden2`, ... and `head`.

    Each hidden stage holds `linear`, an optional `norm`, `activation` and an optional `dropout`.

    Args:
        sizes: inputs, then units of each hidden layer, then outputs; at least two numbers.
        activation: one of `ACTIVATIONS`.
        norm: one of `NORMS`.
        initialization: one of `INITIALIZATIONS`.
        dropout: share of hidden values dropped in training, 0 to 1.
    """

    def __init__(
        self,
        sizes: Sequence[int] = (256, 32, 10),
        activation: str = "relu",
        *,
        norm: str = "none",
        initialization: str = "default",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        for index, (fan_in, fan_out) in enumerate(pairwise(sizes[:-1]), start=1):
            stage = Stage(
                linear=nn.Linear(fan_in, fan_out),
                norm=norm_of(norm, fan_out, layout="vector"),
                activation=ACTIVATIONS[activation](),
                dropout=dropout_of(dropout),
            )
            self.add_module(f"hidden{index}", stage)
        self.head = nn.Linear(sizes[-2], sizes[-1])
        initialize(self, initialization)

    def forward(self, x: Float[Tensor, "batch *features"]) -> Float[Tensor, "batch output"]:
        """Compute the logits.

        Args:
            x: samples; everything after the batch axis is flattened.

        Returns:
            One logit for each class.
        """
        x = x.flatten(1)
        for stage in self.children():
            x = stage(x)
        return x
