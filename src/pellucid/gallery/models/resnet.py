"""ResNet-18 and ResNet-20 with the stem for 32 x 32 pictures, for benchmarks."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions whose result is added to the input.

    Args:
        fan_in: channels of the input.
        fan_out: channels of the output.
        stride: 1 keeps the picture's size, 2 halves it.
    """

    def __init__(self, fan_in: int, fan_out: int, stride: int) -> None:
        super().__init__()
        self.convolution1 = nn.Conv2d(fan_in, fan_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(fan_out)
        self.activation1 = nn.ReLU()
        self.convolution2 = nn.Conv2d(fan_out, fan_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(fan_out)
        same = stride == 1 and fan_in == fan_out
        self.shortcut = None if same else nn.Conv2d(fan_in, fan_out, 1, stride, bias=False)
        self.shortcut_norm = None if same else nn.BatchNorm2d(fan_out)
        self.activation2 = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch wide high low"]:
        """Add the convolutions' result to the input.

        Args:
            x: feature maps.

        Returns:
            Feature maps; smaller when the stride is 2.
        """
        inner = self.activation1(self.norm1(self.convolution1(x)))
        inner = self.norm2(self.convolution2(inner))
        if self.shortcut is not None and self.shortcut_norm is not None:
            x = self.shortcut_norm(self.shortcut(x))
        return self.activation2(inner + x)


def _blocks(widths: Sequence[int]) -> nn.Sequential:
    """Return a block from each width to the next; where it grows the picture halves."""
    return nn.Sequential(
        *(ResidualBlock(fan_in, fan_out, 1 if fan_in == fan_out else 2) for fan_in, fan_out in pairwise(widths))
    )


class ResNet18(nn.Module):
    """The 18-layer residual network with a 3 x 3 stem and no first pooling.

    Args:
        classes: number of outputs.
        channels: channels of the input.

    Source: He et al. 2016, "Deep residual learning", sections 3.3 and 4.2.
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, 64, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(64)
        self.activation = nn.ReLU()
        self.blocks = _blocks((64, 64, 64, 128, 128, 256, 256, 512, 512))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(512, classes)

    def forward(self, x: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch output"]:
        """Compute the logits.

        Args:
            x: pictures, 32 x 32 pixels as designed, at least 8 x 8.

        Returns:
            One logit for each class.
        """
        maps = self.blocks(self.activation(self.norm(self.convolution(x))))
        return self.head(self.pool(maps).flatten(1))


class ResNet20(nn.Module):
    """The 20-layer residual network of three stages with 16, 32 and 64 channels.

    Where a stage begins the shortcut is a 1 x 1 convolution with a norm (option B).

    Args:
        classes: number of outputs.
        channels: channels of the input.

    Source: He et al. 2016, "Deep residual learning", section 4.2.
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.activation = nn.ReLU()
        self.blocks = _blocks((16, 16, 16, 16, 32, 32, 32, 64, 64, 64))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(64, classes)

    def forward(self, x: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch output"]:
        """Compute the logits.

        Args:
            x: pictures, 32 x 32 pixels as designed, at least 4 x 4.

        Returns:
            One logit for each class.
        """
        maps = self.blocks(self.activation(self.norm(self.convolution(x))))
        return self.head(self.pool(maps).flatten(1))
