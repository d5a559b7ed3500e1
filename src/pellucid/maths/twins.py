"""Twins: rows of a weight matrix that point the same way, so that their units compute the same thing."""

import torch
from jaxtyping import Float, Float32, Shaped
from torch import Tensor

from pellucid.core.errors import InputError

TWIN_COSINE = 1 - 1e-5
"""Two rows are twins when the cosine of the angle between them is larger: less than 0.26 degrees apart."""

_PROJECTIONS = 8
_NEIGHBOURS = 4


def twin_share(weight: Shaped[Tensor, "row *column"]) -> Float[Tensor, ""]:
    """Measure the share of the rows whose direction another row shares.

    Units with the same incoming weights compute the same function, get the same gradient and stay the same: a
    layer that was filled with a constant has the capacity of a single unit. Rows of nothing but zeros count as
    twins of each other; a row with NaN or infinity is nobody's twin.

    The rows are projected on eight fixed directions and sorted along two of them. Each row is compared, value
    for value, with the one among its 16 neighbours that looks most like it. Exact copies are always found;
    rows that are only nearly alike may be missed when very many rows crowd between them.

    Args:
        weight: A weight, one row for each unit; any further axes are flattened. Any floating type.

    Returns:
        Share of the rows, 0 (all differ) to 1 (every row has a twin), on the device of `weight`; 0 when there
        is a single row.

    Raises:
        InputError: The weight has fewer than two axes.

    Cost:
        About three readings of the weight and two sorts of as many numbers as it has rows; one copy of it in
        float32. No synchronisation, no random state.

    Source:
        Ours; the neighbours are found as in M. Charikar, "Similarity estimation techniques from rounding
        algorithms", STOC 2002, with sorted projections in place of rounded ones.
    """
    if weight.ndim < 2:
        raise InputError(
            f"A weight of shape {tuple(weight.shape)} has no rows to compare: expected two axes or more. "
            "Leave biases and norm parameters out."
        )
    count = weight.shape[0]
    rows, empty = _directions(weight)
    if count < 2 or rows.shape[1] == 0:
        return torch.zeros((), dtype=torch.float32, device=weight.device)
    sketch = rows @ _projection(rows.shape[1], rows.device)
    partner = _most_alike(sketch)
    cosine = (rows * rows[partner]).sum(1)
    return ((cosine > TWIN_COSINE) | (empty & (empty.sum() > 1))).to(torch.float32).mean()


def _directions(weight: Tensor) -> tuple[Float32[Tensor, "row column"], Shaped[Tensor, "row"]]:
    """Return the rows scaled to length 1, and which of them hold nothing but zeros."""
    rows = weight.detach().flatten(1).to(torch.float32)
    if rows.numel() == 0:
        return rows, torch.zeros(rows.shape[0], dtype=torch.bool, device=rows.device)
    largest = rows.abs().amax(1, keepdim=True)
    empty = largest == 0
    # Scaling by the largest value first keeps the squares of tiny and huge rows inside float32.
    rows = rows / torch.where(empty, 1.0, largest)
    return rows / torch.where(empty, 1.0, rows.square().sum(1, keepdim=True).sqrt()), empty[:, 0]


def _projection(width: int, device: torch.device) -> Float32[Tensor, "column projection"]:
    """Return fixed numbers between -1 and 1 that look random, made from their place alone."""
    number = torch.arange(1, width * _PROJECTIONS + 1, dtype=torch.int64, device=device)
    # Two rounds of multiply and shift, as in a congruential generator; whole numbers wrap around at 2**64.
    for _ in range(2):
        number = number * 6364136223846793005 + 1442695040888963407
        number = number ^ (number >> 33)
    return ((number & 0xFFFF).to(torch.float32) / 32767.5 - 1).view(width, _PROJECTIONS)


def _most_alike(sketch: Float32[Tensor, "row projection"]) -> Shaped[Tensor, "row"]:
    """Return for each row the one with the nearest sketch among its neighbours along two projections."""
    count = sketch.shape[0]
    near_by = torch.arange(1, _NEIGHBOURS + 1, device=sketch.device)
    offsets = torch.cat([-near_by, near_by])
    candidates: list[Tensor] = []
    for column in (0, 1):
        order = sketch[:, column].argsort()
        place = torch.empty_like(order).scatter_(0, order, torch.arange(count, device=sketch.device))
        candidates.append(order[(place[:, None] + offsets).clamp(0, count - 1)])
    near = torch.cat(candidates, dim=1)
    distance = (sketch[near] - sketch[:, None]).square().sum(2)
    # At the ends of the order a row meets itself: that one does not count.
    itself = near == torch.arange(count, device=sketch.device)[:, None]
    distance = torch.where(itself | distance.isnan(), torch.inf, distance)
    return near.gather(1, distance.argmin(1, keepdim=True))[:, 0]
