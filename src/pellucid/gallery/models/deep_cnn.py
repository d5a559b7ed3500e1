"""A convolutional network as deep as you like, with skip connections or without."""

from jaxtyping import Float
from torch import Tensor, nn


class DeepBlock(nn.Module):
    """Two convolutions with norms, and the way around them.

    Args:
        width: channels.
        skips: whether the input is added to what comes out.
    """

    def __init__(self, width: int, *, skips: bool) -> None:
        super().__init__()
        self.skips = skips
        self.convolution1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.activation1 = nn.ReLU()
        self.convolution2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.activation2 = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch channel row column"]:
        """Compute the maps of the block, of the same shape."""
        inner = self.norm2(self.convolution2(self.activation1(self.norm1(self.convolution1(x)))))
        return self.activation2(inner + x if self.skips else inner)


class DeepCNN(nn.Module):
    """A stem, blocks of two convolutions of one width, the mean over all places, and a linear head.

    Args:
        depth: layers with weights, even, 4 or more: the stem, two a block, and the head.
        width: channels of every convolution.
        skips: whether each block adds its input to what comes out.
        classes: number of outputs.
        channels: channels of the input.

    Source: after He et al. 2016; without skips it is their plain network.
    """

    def __init__(
        self, depth: int = 32, width: int = 8, *, skips: bool = True, classes: int = 10, channels: int = 1
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.activation = nn.ReLU()
        self.blocks = nn.Sequential(*(DeepBlock(width, skips=skips) for _ in range((depth - 2) // 2)))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch output"]:
        """Compute the logits of pictures of any size."""
        return self.head(self.pool(self.blocks(self.activation(self.norm(self.convolution(x))))).flatten(1))
