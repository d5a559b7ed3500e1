"""Deletion and insertion: what the score does while the places of a map are taken away, or put back, in its order."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pellucid.maths.ranks import Values
from pellucid.methods.attribution.question import Question, wide
from pellucid.methods.faithfulness.places import Places


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Scores along the way.

    Attributes:
        shares: Share of the places that were taken away or put back, 0 to 1, [point].
        deletion: Score with the first places of each order gone, [order, example, point].
        insertion: Score of the baseline with the first places of each order put back, [order, example, point].
    """

    shares: Values
    deletion: Values
    insertion: Values


def order_of(ranked: Values, seed: int) -> Values:
    """Return the turn of each place, 0 for the first: the highest value, ties drawn by lot.

    Args:
        ranked: [example, place], finite or not: NaN goes last.
        seed: Of the lots, which are the same for every example.

    Returns:
        [example, place], whole numbers.
    """
    lots = np.random.default_rng(seed).permutation(ranked.shape[1])
    turns = np.empty(ranked.shape, dtype=np.int32)
    for row, turn in zip(np.nan_to_num(ranked, nan=-np.inf), turns, strict=True):
        turn[np.lexsort((lots, -row))] = np.arange(len(row), dtype=np.int32)
    return turns


def chance_orders(examples: int, places: int, draws: int, seed: int) -> Values:
    """Return orders drawn by lot, others for each example, [draw, example, place].

    One order for all would be a map, too, and a good or a bad one.
    """
    turns = np.broadcast_to(np.arange(places, dtype=np.int32), (draws, examples, places))
    return np.random.default_rng((seed, 1)).permuted(turns, axis=2)


def removal_curves(
    question: Question, places: Places, baselines: tuple[Tensor, ...], turns: Values, steps: int
) -> Curves:
    """Take places away, and put them back into a baseline, in several orders.

    Args:
        question: Which is being asked; its score is followed.
        places: Of its values.
        baselines: What stands in place of what is gone, [examples, ...] each.
        turns: The turn of each place, [order, example, place].
        steps: Equal parts of the way.

    Returns:
        The curves.

    Cost:
        Two forward passes a step and order, less the ends, which all have in common.
    """
    gone = np.unique(np.linspace(0, places.count, steps + 1).round().astype(np.int64))
    orders, examples, inner = len(turns), question.rows, gone[1:-1]
    found = torch.zeros(2, orders, examples, len(gone), dtype=torch.float64, device="cpu")
    orders_of = torch.as_tensor(turns, device="cpu")
    with torch.no_grad():
        whole = wide(question.scores(question.values, question.every)).cpu().double()
        empty = wide(question.scores(baselines, question.every)).cpu().double()
    for way, (start, end) in enumerate(((whole, empty), (empty, whole))):
        found[way, :, :, 0], found[way, :, :, -1] = start, end
    flat = found[..., 1:-1].reshape(-1) if len(inner) else None

    def work(jobs: Tensor) -> None:
        # Neighbours are of one example count, so that a chunk holds different points of the same inputs.
        point, rest = jobs % len(inner), jobs // len(inner)
        rows, rest = rest % examples, rest // examples
        order, way = rest % orders, rest // orders
        first = orders_of[order, rows] < torch.as_tensor(inner, device="cpu")[point][:, None]
        away = first ^ (way == 1)[:, None]
        values = places.removed(question.at(rows), [one[rows.to(one.device)] for one in baselines], away)
        with torch.no_grad():
            scores = wide(question.scores(values, rows)).cpu().double()
        assert flat is not None  # noqa: S101 - there is a point
        flat[jobs] = scores

    if flat is not None:
        question.chunks.each(len(flat), work, name="points of the curves")
        found[..., 1:-1] = flat.reshape(2, orders, examples, len(inner))
    return Curves(shares=gone / places.count, deletion=found[0].numpy(), insertion=found[1].numpy())
