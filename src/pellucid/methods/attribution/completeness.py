"""Completeness: whether a map adds up to what it explains."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pellucid.methods.attribution.question import flat


def missed(maps: Sequence[Tensor], difference: Tensor) -> Tensor:
    """Return what the sum of each map misses of a difference of scores, as a share of it.

    Where the scores hardly differ there is nothing to be a share of: then it is one of a tenth of what was
    added up.

    Args:
        maps: [examples, ...] each, of one question.
        difference: What they should add up to, [examples].

    Returns:
        [examples], 0 or more, float32 on the CPU.
    """
    total = torch.stack([flat(one).sum(1) for one in maps]).sum(0)
    size = torch.stack([flat(one.abs()).sum(1) for one in maps]).sum(0)
    difference = difference.to(total.device)
    scale = torch.maximum(difference.abs(), 0.1 * size).clamp(min=torch.finfo(size.dtype).tiny)
    return ((total - difference).abs() / scale).detach().float().cpu()
