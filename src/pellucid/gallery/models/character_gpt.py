"""A small decoder-only language model over characters, for benchmarks."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from pellucid.gallery.models.small_transformer import Block


class CharacterGPT(nn.Module):
    """A causal transformer that predicts the next character.

    Args:
        vocabulary: number of characters.
        width: features of a token, a multiple of `heads`.
        depth: number of blocks.
        heads: heads of each block.
        context: longest text it can read, in characters.
    """

    def __init__(
        self, vocabulary: int = 65, *, width: int = 256, depth: int = 4, heads: int = 8, context: int = 128
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads, expansion=4, causal=True) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens: Int[Tensor, "batch token"]) -> Float[Tensor, "batch token vocabulary"]:
        """Compute the logits of each next character.

        Args:
            tokens: character numbers, 0 to vocabulary - 1, at most `context` of them.

        Returns:
            Logits after each character.
        """
        places = torch.arange(tokens.shape[1], device=tokens.device)
        return self.head(self.norm(self.blocks(self.embedding(tokens) + self.position(places))))
