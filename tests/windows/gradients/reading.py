"""What the tests of maps over text share: ids, a mask, a tokenizer and a model that reads."""

import torch
from torch import Tensor, nn

from pellucid.gallery.models.small_transformer import Block

IDS = torch.tensor([[1, 2, 3, 4, 0, 0], [5, 4, 3, 2, 1, 6]])
MASK = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])
WORDS = ["[PAD]", "<b>a</b>", "Ġnot", "##ing", "", "x" * 200, "\n"]


class Reader(nn.Module):
    """Classifies text: an embedding, a block of a transformer, and the mean of what is no padding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.block, self.head = nn.Embedding(7, 8), Block(8, 2), nn.Linear(8, 3)

    def forward(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Classify."""
        embedded = self.embedding(input_ids) if inputs_embeds is None else inputs_embeds
        kept = torch.ones(embedded.shape[:2]) if attention_mask is None else attention_mask
        kept = kept.unsqueeze(-1).to(embedded.dtype)
        return self.head((self.block(embedded) * kept).sum(1) / kept.sum(1))


def words(ids: list[int]) -> list[str]:
    """What a tokenizer does."""
    return [WORDS[one] for one in ids]
