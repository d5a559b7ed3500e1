"""EfficientNet-Lite0: a small classifier of photographs, whose trained weights come as a package."""

from itertools import pairwise
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class Stage(NamedTuple):
    """Blocks of one kind that follow each other.

    Attributes:
        repeats: number of blocks.
        kernel: rows and columns of the depthwise convolution.
        stride: of its first block; that of the others is 1.
        expansion: by how much a block widens its input.
        channels: of its output.
    """

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""What lies between stem and head."""
STEM, HEAD = 32, 1280
"""Channels behind the stem, and behind the head."""


class Unit(nn.Module):
    """A convolution, its batch norm and, but for a block's last one, ReLU6.

    Args:
        fan_in: channels of the input.
        fan_out: channels of the output.
        kernel: rows and columns of a filter.
        stride: 1 keeps the picture's size, 2 halves it.
        depthwise: every channel has one filter of its own.
        activation: whether ReLU6 follows.
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        depthwise: bool = False,
        activation: bool = True,
    ) -> None:
        super().__init__()
        groups = fan_in if depthwise else 1
        # With a stride of 1 both sides get the same; otherwise what is missing is added in `forward`.
        padding = kernel // 2 if stride == 1 else 0
        self.convolution = nn.Conv2d(fan_in, fan_out, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(fan_out, eps=1e-3, momentum=0.01)
        self.activation = nn.ReLU6() if activation else None

    def forward(self, x: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch wide high low"]:
        """Compute feature maps.

        Args:
            x: feature maps.

        Returns:
            Feature maps; with a stride of 2 of half the size, rounded up.
        """
        kernel, stride = self.convolution.kernel_size[0], self.convolution.stride[0]
        if stride > 1:
            x = F.pad(x, (*_sides(x.shape[-1], kernel, stride), *_sides(x.shape[-2], kernel, stride)))
        x = self.norm(self.convolution(x))
        return x if self.activation is None else self.activation(x)


def _sides(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and after an axis: the weights were trained with those of TensorFlow, odd one last."""
    missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return missing // 2, missing - missing // 2


class InvertedBottleneck(nn.Module):
    """Widen, look at each channel's neighbourhood, narrow; added to the input where that has the same shape.

    Args:
        fan_in: channels of the input.
        stage: what the block is like.
        stride: 1 keeps the picture's size, 2 halves it.
    """

    def __init__(self, fan_in: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = fan_in * stage.expansion
        self.expand = Unit(fan_in, wide) if stage.expansion > 1 else None
        self.depthwise = Unit(wide, wide, stage.kernel, stride=stride, depthwise=True)
        self.project = Unit(wide, stage.channels, activation=False)
        self.residual = stride == 1 and fan_in == stage.channels

    def forward(self, x: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch wide high low"]:
        """Compute feature maps.

        Args:
            x: feature maps.

        Returns:
            Feature maps; smaller when the stride is 2.
        """
        inner = x if self.expand is None else self.expand(x)
        inner = self.project(self.depthwise(inner))
        return inner + x if self.residual else inner


class EfficientNetLite0(nn.Module):
    """The EfficientNet without squeeze-and-excitation, with ReLU6 in place of SiLU: 4.65 million parameters.

    Branches are never left out at random in training (stochastic depth), as they were when the published weights were
    trained: for what a trained network does it makes no difference.

    Args:
        classes: number of outputs.
        dropout: share of features left out in training, in front of the classifier.

    Source: Tan, Le 2019, "EfficientNet", table 1; R. Liu 2020, "Higher accuracy on vision models with
    EfficientNet-Lite"; the blocks are those of Sandler et al. 2018, "MobileNetV2".
    """

    def __init__(self, classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = Unit(3, STEM, 3, stride=2)
        plan = [(one, one.stride if not index else 1) for one in STAGES for index in range(one.repeats)]
        widths = (STEM, *(stage.channels for stage, _ in plan))
        self.blocks = nn.Sequential(
            *(
                InvertedBottleneck(fan_in, stage, stride)
                for (fan_in, _), (stage, stride) in zip(pairwise(widths), plan, strict=True)
            )
        )
        self.head = Unit(widths[-1], HEAD)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(HEAD, classes)

    def forward(self, x: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch output"]:
        """Compute the logits.

        Args:
            x: pictures of three channels, 224 x 224 pixels as trained, at least 32 x 32.

        Returns:
            One logit for each class.
        """
        maps = self.head(self.blocks(self.stem(x)))
        return self.classifier(self.dropout(self.pool(maps).flatten(1)))
