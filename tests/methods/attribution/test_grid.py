"""Grids are told from sizes: convolutions, channels at the end, tokens with whatever stands in front of them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.gallery.models.small_cnn import SmallCNN
from pellucid.gallery.models.small_transformer import Block, SmallTransformer
from pellucid.methods.attribution import GradCAM, Question, enlarged, spatial_layer
from pellucid.methods.attribution.grid import Grid, grid_of
from tests.reference import attribution as reference


@pytest.mark.parametrize(
    ("shape", "space", "expected"),
    [
        ((2, 64, 7, 7), (224, 224), Grid(size=(7, 7))),
        ((2, 64, 7, 14), (224, 448), Grid(size=(7, 14))),
        ((2, 56, 56, 96), (224, 224), Grid(size=(56, 56), last=True)),
        ((2, 7, 14, 768), (224, 448), Grid(size=(7, 14), last=True)),
        ((2, 96, 96, 16), (100, 20), Grid(size=(96, 16))),
        ((2, 512, 1, 1), (224, 224), None),
        ((2, 197, 768), (224, 224), Grid(size=(14, 14), extras=1)),
        ((2, 196, 768), (224, 224), Grid(size=(14, 14), extras=0)),
        ((2, 198, 192), (224, 224), Grid(size=(14, 14), extras=2)),
        ((2, 201, 384), (224, 224), Grid(size=(14, 14), extras=5)),
        ((2, 1370, 384), (518, 518), Grid(size=(37, 37), extras=1)),
        ((2, 1374, 384), (518, 518), Grid(size=(37, 37), extras=5)),
        ((2, 578, 768), (384, 384), Grid(size=(24, 24), extras=2)),
        ((2, 393, 768), (224, 448), Grid(size=(14, 28), extras=1)),
        ((2, 50, 768), (224, 224), Grid(size=(7, 7), extras=1)),
        ((2, 485, 384), (224, 224), Grid(size=(22, 22), extras=1)),  # patches of 16 that overlap, every 10
        ((2, 50, 32), (3, 224), None),
        ((2, 10), (28, 28), None),
        ((2, 16, 50), (200,), Grid(size=(50,))),
        ((2, 16, 4, 4, 4), (16, 16, 16), Grid(size=(4, 4, 4))),
    ],
)
def test_grids_from_sizes(shape: tuple[int, ...], space: tuple[int, ...], expected: Grid | None) -> None:
    """Proportions decide, and whole square patches."""
    assert grid_of(shape, space) == expected


def test_the_module_decides_where_sizes_say_nothing() -> None:
    """8 x 8 places with 8 channels: behind a layer norm channels are at the end."""
    assert grid_of((2, 8, 8, 8), (32, 32)) == Grid(size=(8, 8))
    assert grid_of((2, 8, 8, 8), (32, 32), nn.LayerNorm(8)) == Grid(size=(8, 8), last=True)
    assert grid_of((2, 50, 50), (200,), nn.Linear(3, 50)) == Grid(size=(50,), last=True)


def test_folding_drops_what_is_no_patch() -> None:
    """Patches are numbered row by row, behind the tokens that stand in front."""
    tokens = torch.arange(2 * 8 * 3).reshape(2, 8, 3)
    folded = Grid(size=(2, 3), extras=2).folded(tokens)
    assert folded.shape == (2, 3, 2, 3)
    assert folded[1, 2].tolist() == [
        [tokens[1, 2 + 3 * row + column, 2].item() for column in range(3)] for row in (0, 1)
    ]
    last = torch.randn(2, 4, 5, 3)
    assert torch.equal(Grid(size=(4, 5), last=True).folded(last)[:, 1], last[..., 1])


def test_enlarging_is_linear_between_the_middles() -> None:
    """Two places over four: the ends are kept, and a quarter and three quarters lie between."""
    assert enlarged(torch.tensor([[0.0, 1.0]]), (4,)).tolist() == [[0.0, 0.25, 0.75, 1.0]]
    assert enlarged(torch.ones(2, 3, 3), (7, 9)).shape == (2, 7, 9)
    assert enlarged(torch.ones(2, 2, 2, 2), (4, 4, 4)).shape == (2, 4, 4, 4)


class _ViT(nn.Module):
    """Patches of 4 pixels with tokens in front; reads its class token, or the mean of the patches."""

    def __init__(self, *, extras: int = 1, mean: bool = False, kind: str = "") -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.front = nn.Parameter(torch.randn(1, extras, 8))
        self.mean, self.extras = mean, extras
        makes: dict[str, Callable[[], nn.Module]] = {
            "": _Block,
            "built in": lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True),
            "open": lambda: Block(8, 2),
        }
        self.blocks = nn.Sequential(makes[kind](), makes[kind]())
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = self.norm(self.blocks(torch.cat([self.front.expand(len(x), -1, -1), tokens], dim=1)))
        return self.head(tokens[:, self.extras :].mean(1) if self.mean else tokens[:, 0])


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm1(x)
        x = x + self.attention(inner, inner, inner)[0]
        return x + self.mlp(self.norm2(x))


class _Swin(nn.Module):
    """Maps with channels at the end, halved once."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 2, 2)
        self.first, self.merge = nn.LayerNorm(8), nn.Linear(32, 16)
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.patches(x).permute(0, 2, 3, 1))
        parts = [x[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
        return self.head(self.norm(nn.functional.gelu(self.merge(torch.cat(parts, -1)))).mean((1, 2)))


class _Shared(nn.Module):
    """One activation and one pool, called behind every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 4, 3), nn.Linear(16, 5)
        self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.first(x)))
        return self.head(self.pool(self.relu(self.second(x))).flatten(1))


@pytest.mark.parametrize(
    ("model", "shape", "layer", "grid"),
    [
        (SmallCNN(), (1, 8, 8), "block2", (2, 2)),
        (SmallTransformer(), (1, 8, 8), "norm", (4, 4)),
        (_ViT(extras=1), (3, 16, 24), "blocks.1.norm1", (4, 6)),
        (_ViT(extras=5), (3, 16, 16), "blocks.1.norm1", (4, 4)),
        (_ViT(extras=1, kind="built in"), (3, 16, 16), "blocks.1.norm1", (4, 4)),
        (_ViT(extras=1, kind="open"), (3, 16, 16), "blocks.1.attention_norm", (4, 4)),
        (_ViT(extras=3, mean=True), (3, 16, 16), "norm", (4, 4)),
        (_Swin(), (3, 16, 32), "norm", (4, 8)),
        (_Shared(), (1, 14, 14), "second", (4, 4)),
    ],
    ids=["cnn", "patches", "class token", "registers", "built in", "open", "mean", "channels last", "shared modules"],
)
def test_the_last_layer_with_places(
    model: nn.Module, shape: tuple[int, ...], layer: str, grid: tuple[int, int]
) -> None:
    """Where tokens in front are read, it is the last norm in front of attention: behind it no patch has a gradient."""
    found, _ = reference.ask(model, torch.randn(2, *shape), 1, GradCAM(relu=False))
    assert found.layer == layer
    assert found.maps[0].shape == (2, *grid)
    assert float(found.maps[0].abs().max()) > 0


def test_a_model_without_places_is_refused() -> None:
    """Nothing of a dense network lies on the image."""
    question = Question(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), torch.zeros(2, 1, 4, 4), 0)
    with question.asked(), pytest.raises(InputError) as error:
        spatial_layer(question)
    assert str(error.value) == (
        "No module of Sequential returns a grid over an input of 4 x 4, one example to each row. Name a layer with at=."
    )


def test_an_input_without_places_is_refused() -> None:
    """Vectors are no image."""
    with pytest.raises(InputError) as error:
        reference.ask(nn.Linear(4, 3), torch.zeros(2, 4), 0, GradCAM())
    assert str(error.value) == (
        "Inputs of shape (2, 4) came, and a class activation map needs an image: [examples, channels, rows, columns]. "
        "Use IntegratedGradients() for other inputs."
    )
