"""Completeness: whether a map adds up to what it explains."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pellucid.methods.attribution.question import flat, wide

_ROUNDED = 4.0
"""Units in the last place by which a score may be off: it is the end of many sums."""


def missed(maps: Sequence[Tensor], scores: Tensor, before: Tensor | None = None) -> Tensor:
    """Return what the sum of each map misses of a difference of scores, as a share of it.

    Where the scores hardly differ there is nothing to be a share of: then it is one of a tenth of what was
    added up. What may be the rounding of the two scores is not missed.

    Args:
        maps: [examples, ...] each, of one question.
        scores: Of the examples, [examples], as the model gave them.
        before: Of their baselines; None for 0.

    Returns:
        [examples], 0 or more, float32 on the CPU.
    """
    total = torch.stack([flat(one).sum(1) for one in maps]).sum(0)
    size = torch.stack([flat(one.abs()).sum(1) for one in maps]).sum(0)
    before = torch.zeros_like(scores) if before is None else before
    eps = max(torch.finfo(scores.dtype).eps, torch.finfo(before.dtype).eps)
    end, start = (wide(one).to(total.device) for one in (scores, before))
    difference, rounding = end - start, _ROUNDED * eps * (end.abs() + start.abs())
    scale = torch.maximum(difference.abs(), 0.1 * size).clamp(min=torch.finfo(size.dtype).tiny)
    missing = (total - difference).abs()
    return torch.where(missing > rounding, missing / scale, 0.0).detach().float().cpu()
