"""Slow twins, in float64 and straight from the definitions, of what is computed of curves, labels and layers."""

import itertools
import math
from collections import Counter

import torch
from torch import Tensor


def smoothed(values: list[float], memory: float) -> list[float]:
    """Weigh every value before by (1 - b) b^age, and divide by 1 - b^t as Adam does."""
    result = []
    for t in range(1, len(values) + 1):
        total = math.fsum((1 - memory) * memory ** (t - 1 - i) * values[i] for i in range(t))
        result.append(total / (1 - memory**t))
    return result


def surprises(values: list[float], window: int, floor: float) -> list[float]:
    """Hold every value against median and median absolute deviation of the window before it."""
    result = [math.nan] * min(window, len(values))
    for t in range(window, len(values)):
        before = sorted(values[t - window : t])
        middle = _median(before)
        deviation = 1.4826 * _median(sorted(abs(one - middle) for one in before))
        result.append((values[t] - middle) / max(deviation, floor))
    return result


def _median(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def entropy_of(counts: list[int]) -> float:
    """Sum -p ln p."""
    total = sum(counts)
    return -math.fsum(one / total * math.log(one / total) for one in counts if one)


def entropy_of_random_batches(counts: list[int], samples: int) -> float:
    """Go through every batch there can be, each with its probability."""
    shares = [one / sum(counts) for one in counts]
    total = 0.0
    for labels in itertools.product(range(len(counts)), repeat=samples):
        probability = math.prod(shares[label] for label in labels)
        total += probability * entropy_of(list(Counter(labels).values()))
    return total


def spread_of_samples(values: Tensor) -> float:
    """Squared distances from the mean sample over squared norms, sample by sample."""
    rows = values.detach().double().flatten(1)
    mean = sum(row for row in rows) / len(rows)
    between = math.fsum(float(((row - mean) ** 2).sum()) for row in rows)
    return between / math.fsum(float((row**2).sum()) for row in rows)


def cross_entropy_of(logits: Tensor, labels: Tensor) -> float:
    """Mean of the logarithm of the softmax's denominator minus the right logit, row by row."""
    rows = [row for row in zip(logits.double(), labels.tolist(), strict=True) if row[1] >= 0]
    return math.fsum(float(torch.logsumexp(row, 0) - row[label]) for row, label in rows) / len(rows)
