"""Slow twins of analogies: one word and one pair at a time, in float64, as the papers write them."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

Vectors = Mapping[str, np.ndarray]


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Return the cosine of two vectors; 0 where one is 0."""
    sizes = math.sqrt(float(one @ one)) * math.sqrt(float(other @ other))
    return float(one @ other) / sizes if sizes else 0.0


def score(vectors: Vectors, asked: tuple[str, str, str], word: str, method: str) -> float:
    """Return how well a word answers "a is to b as c is to ?", as 3CosAdd or 3CosMul."""
    a, b, c = (vectors[one] / np.linalg.norm(vectors[one]) for one in asked)
    x = vectors[word]
    if method == "add":
        return cosine(x, b - a + c)
    near = [(1 + cosine(x, one)) / 2 for one in (a, b, c)]
    return near[1] * near[2] / (near[0] + 0.001)


def ordered(vectors: Vectors, asked: tuple[str, str, str], method: str, without: Sequence[str] = ()) -> list[str]:
    """Return all words, the best answer first."""
    words = [one for one in vectors if one not in without]
    return sorted(words, key=lambda one: -score(vectors, asked, one, method))


def neighbours(vectors: Vectors, word: str) -> list[str]:
    """Return the other words, the nearest first."""
    return sorted((one for one in vectors if one != word), key=lambda one: -cosine(vectors[one], vectors[word]))


def mean_cosine(offsets: Sequence[np.ndarray]) -> float:
    """Return the mean cosine of two different offsets."""
    return float(np.mean([cosine(one, other) for one, other in itertools.combinations(offsets, 2)]))


def chance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share of all orders of the second words that agree as well as the true one."""
    true = mean_cosine(list(second - first))
    orders = list(itertools.permutations(range(len(first))))
    return sum(mean_cosine(list(second[list(one)] - first)) >= true - 1e-9 for one in orders) / len(orders)


def jackknife(offsets: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the mean of the pseudo-values of the mean cosine, and their standard error."""
    count, whole = len(offsets), mean_cosine(offsets)
    pseudo = [
        count * whole - (count - 1) * mean_cosine([one for place, one in enumerate(offsets) if place != left])
        for left in range(count)
    ]
    return float(np.mean(pseudo)), float(np.std(pseudo, ddof=1) / math.sqrt(count))
