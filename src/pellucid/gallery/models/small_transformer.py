"""A small vision transformer with explicit attention."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pellucid.gallery.models.parts import ACTIVATIONS, Stage, dropout_of, initialize, norm_of


class Attention(nn.Module):
    """Multi-head self-attention that computes its weights openly, in the child `weights`.

    Args:
        width: features of a token, a multiple of `heads`.
        heads: number of heads.
        causal: True lets a token read only itself and earlier ones.
    """

    def __init__(self, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.weights = nn.Softmax(dim=-1)
        self.output = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        """Mix the tokens.

        Args:
            x: tokens.

        Returns:
            What each token has read, same shape.
        """
        batch, tokens, width = x.shape
        shape = (batch, tokens, self.heads, width // self.heads)
        query, key, value = (part(x).view(shape).transpose(1, 2) for part in (self.query, self.key, self.value))
        scores = query @ key.transpose(-1, -2) * shape[-1] ** -0.5
        if self.causal:
            future = torch.ones(tokens, tokens, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(future, float("-inf"))
        return self.output((self.weights(scores) @ value).transpose(1, 2).reshape(batch, tokens, width))


class Block(nn.Module):
    """A pre-norm transformer block: attention, then a two-layer network, each added to its input.

    Args:
        width: features of a token.
        heads: number of heads.
        activation: one of `ACTIVATIONS`.
        norm: one of `NORMS`.
        dropout: share of hidden values dropped in training, 0 to 1.
        expansion: hidden features for each feature of a token.
        causal: True lets a token read only itself and earlier ones.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        activation: str = "gelu",
        norm: str = "layer",
        dropout: float = 0.0,
        expansion: int = 2,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.attention_norm = norm_of(norm, width, layout="tokens")
        self.attention = Attention(width, heads, causal=causal)
        self.mlp_norm = norm_of(norm, width, layout="tokens")
        self.mlp = Stage(
            expand=nn.Linear(width, expansion * width),
            activation=ACTIVATIONS[activation](),
            dropout=dropout_of(dropout),
            contract=nn.Linear(expansion * width, width),
        )

    def forward(self, x: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        """Add what attention and the two-layer network find.

        Args:
            x: tokens.

        Returns:
            The tokens with both contributions added.
        """
        x = x + self.attention(x if self.attention_norm is None else self.attention_norm(x))
        return x + self.mlp(x if self.mlp_norm is None else self.mlp_norm(x))


class SmallTransformer(nn.Module):
    """A classifier that reads patches of a picture as tokens.

    Children: `embedding`, `position` (a parameter), `block1`, `block2`, ..., `norm`, `head`.

    Args:
        side: rows and columns of the picture, a multiple of 2 (patches are 2 x 2 pixels).
        width: features of a token, a multiple of 4 (four heads).
        depth: number of blocks.
        activation: one of `ACTIVATIONS`.
        norm: one of `NORMS`.
        initialization: one of `INITIALIZATIONS`.
        dropout: share of hidden values dropped in training, 0 to 1.
    """

    def __init__(
        self,
        *,
        side: int = 8,
        width: int = 32,
        depth: int = 2,
        activation: str = "gelu",
        norm: str = "layer",
        initialization: str = "default",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.embedding = nn.Linear(4, width)
        self.position = nn.Parameter(torch.randn((side // 2) ** 2, width) * 0.3)
        for index in range(1, depth + 1):
            block = Block(width, 4, activation=activation, norm=norm, dropout=dropout)
            self.add_module(f"block{index}", block)
        self.norm = norm_of(norm, width, layout="tokens")
        self.head = nn.Linear(width, 10)
        initialize(self, initialization)

    def forward(self, x: Float[Tensor, "batch 1 side side"]) -> Float[Tensor, "batch output"]:
        """Compute the logits.

        Args:
            x: pictures of one channel.

        Returns:
            One logit for each class.
        """
        rows = x.shape[-1] // 2
        patches = x.view(-1, rows, 2, rows, 2).transpose(2, 3).reshape(-1, rows * rows, 4)
        tokens = self.embedding(patches) + self.position
        for index in range(1, self.depth + 1):
            tokens = self.get_submodule(f"block{index}")(tokens)
        if self.norm is not None:
            tokens = self.norm(tokens)
        return self.head(tokens.mean(1))
