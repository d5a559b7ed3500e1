"""A small convolutional network."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from pellucid.gallery.models.parts import ACTIVATIONS, Stage, dropout_of, initialize, norm_of

POOLED_STAGES = 2


class SmallCNN(nn.Module):
    """A convolutional classifier of one-channel pictures: `block1`, `block2`, ..., `dense`, `head`.

    The first two blocks halve the picture, so any depth works from 4 x 4 pixels on.

    Args:
        channels: channels of each 3 x 3 convolution.
        activation: one of `ACTIVATIONS`.
        side: rows and columns of the picture, a multiple of 4.
        width: units of the dense layer.
        norm: one of `NORMS`, after each convolution and the dense layer.
        initialization: one of `INITIALIZATIONS`.
        dropout: share of dense values dropped in training, 0 to 1.
    """

    def __init__(
        self,
        channels: Sequence[int] = (8, 16),
        activation: str = "relu",
        *,
        side: int = 8,
        width: int = 32,
        norm: str = "none",
        initialization: str = "default",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        fan_in = 1
        for index, fan_out in enumerate(channels, start=1):
            pooled = index <= POOLED_STAGES
            stage = Stage(
                convolution=nn.Conv2d(fan_in, fan_out, 3, padding=1),
                norm=norm_of(norm, fan_out, layout="picture"),
                activation=ACTIVATIONS[activation](),
                pool=nn.MaxPool2d(2) if pooled else None,
            )
            self.add_module(f"block{index}", stage)
            fan_in, side = fan_out, side // 2 if pooled else side
        self.dense = Stage(
            linear=nn.Linear(fan_in * side * side, width),
            norm=norm_of(norm, width, layout="vector"),
            activation=ACTIVATIONS[activation](),
            dropout=dropout_of(dropout),
        )
        self.head = nn.Linear(width, 10)
        initialize(self, initialization)

    def forward(self, x: Float[Tensor, "batch 1 side side"]) -> Float[Tensor, "batch output"]:
        """Compute the logits.

        Args:
            x: pictures of one channel.

        Returns:
            One logit for each class.
        """
        for name, stage in self.named_children():
            x = stage(x.flatten(1) if name == "dense" else x)
        return x
