"""Slow twins of the tests of faithfulness, in float64, one example, one place and one number at a time."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tests.reference.attribution import Function


def ranks(values: Sequence[float]) -> list[float]:
    """Count what is smaller, and half of what else is equal."""
    return [sum(other < one for other in values) + (sum(other == one for other in values) - 1) / 2 for one in values]


def pearson(first: Sequence[float], second: Sequence[float]) -> float:
    """Correlate two rows of numbers."""
    a, b = (np.array(one, dtype=np.float64) - np.mean(one) for one in (first, second))
    return float(sum(a * b) / math.sqrt(sum(a * a) * sum(b * b)))


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Correlate ranks."""
    return pearson(ranks(first), ranks(second))


def beyond(first: Sequence[float], second: Sequence[float], third: Sequence[float]) -> float:
    """Correlate what a straight line through the ranks of a third leaves of the ranks of two."""
    against = np.stack([ranks(third), np.ones(len(third))], axis=1)
    rest = []
    for one in (first, second):
        whole = np.array(ranks(one))
        rest.append(whole - against @ np.linalg.lstsq(against, whole, rcond=None)[0])
    return pearson(rest[0], rest[1])


def removal(
    score: Function, example: Tensor, baseline: Tensor, order: Sequence[int], counts: Sequence[int]
) -> list[float]:
    """Take away the first places of an order, with all their channels, and return the score after each count.

    Args:
        score: From one example to a number.
        example: [channel, row, column].
        baseline: The same shape.
        order: Places, row after row, the first to go in front.
        counts: How many are gone.
    """
    found = []
    for count in counts:
        changed = example.clone()
        for place in order[:count]:
            row, column = divmod(int(place), example.shape[-1])
            changed[:, row, column] = baseline[:, row, column]
        found.append(float(score(changed).detach()))
    return found


def insertion(
    score: Function, example: Tensor, baseline: Tensor, order: Sequence[int], counts: Sequence[int]
) -> list[float]:
    """Put the first places of an order back into the baseline, and return the score after each count."""
    return removal(score, baseline, example, order, counts)


def area(shares: Sequence[float], curve: Sequence[float]) -> float:
    """Add up trapezoids."""
    return sum(
        (shares[place + 1] - shares[place]) * (curve[place] + curve[place + 1]) / 2 for place in range(len(shares) - 1)
    )


def infidelity(score: Function, example: Tensor, told: Tensor, changes: Sequence[Tensor]) -> float:
    """Take the mean over changes I of (sum of I times map, less f(x) - f(x - I)) squared: definition 2.1."""
    found = []
    for change in changes:
        said = sum(float(a) * float(b) for a, b in zip(change.reshape(-1), told.reshape(-1), strict=True))
        found.append((said - float((score(example) - score(example - change)).detach())) ** 2)
    return sum(found) / len(found)


def sensitivity(explain: Function, example: Tensor, noises: Sequence[Tensor]) -> float:
    """Take the largest |map(x + noise) - map(x)| / |map(x)|: definition 3.1, over the size of the map."""
    told = explain(example)
    return max(float(torch.linalg.norm(explain(example + noise) - told) / torch.linalg.norm(told)) for noise in noises)


def pointed(told: Sequence[float], mask: Sequence[bool]) -> float:
    """Say whether the one highest place lies in the mask; of several, the share that does; of all, none."""
    top = [place for place, value in enumerate(told) if value == max(told)]
    return 0.0 if len(top) == len(told) else sum(bool(mask[place]) for place in top) / len(top)
