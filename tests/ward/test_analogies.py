"""Sick and healthy word vectors for the rule on analogies: EMB007."""

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

import pellucid as pel
from pellucid.core.finding import Finding
from pellucid.windows.embeddings import Analogy

KINDS = ("farm", "sea", "war", "law", "music", "trade", "school", "garden")
Vectors = NDArray[np.float64]


def says(result: Analogy) -> Finding:
    """What the rule says."""
    (found,) = result.findings.every
    assert found.code == "EMB007"
    return found


def corpus(sentences: int = 6000) -> list[list[str]]:
    """Write sentences of a small language: a subject, its verb, its object, and words of its kind around it.

    Each kind has a noun in the singular and in the plural, which agree with other words of all kinds alike. That is the
    relation that is planted: it is never said which plural belongs to which singular.
    """
    source, found = np.random.default_rng(0), []
    for _ in range(sentences):
        kind = KINDS[source.integers(len(KINDS))]
        many = bool(source.integers(2))
        around = [f"{kind}-{source.integers(12)}" for _ in range(4)]
        marks = [f"{'many' if many else 'one'}-{source.integers(6)}" for _ in range(2)]
        noun = f"{kind}{'s' if many else ''}"
        found.append([marks[0], *around[:2], noun, *around[2:], marks[1]])
    return found


def counted(sentences: list[list[str]], dimensions: int = 20) -> tuple[Vectors, list[str]]:
    """Return word vectors: the pointwise mutual information of words of one sentence where it is above 0, shortened."""
    counts = Counter(word for one in sentences for word in one)
    words = sorted(counts)
    place = {word: number for number, word in enumerate(words)}
    together = np.zeros((len(words), len(words)))
    for one in sentences:
        for left in range(len(one)):
            for right in range(len(one)):
                together[place[one[left]], place[one[right]]] += left != right
    sums = together.sum(axis=0)
    expected = np.outer(sums, sums) / together.sum()
    information = np.log(np.maximum(together / expected, 1.0))
    left, sizes, _ = np.linalg.svd(information)
    return left[:, :dimensions] * np.sqrt(sizes[:dimensions]), words


@pytest.fixture(scope="module")
def vectors() -> tuple[Vectors, list[str]]:
    """Vectors of the small language."""
    return counted(corpus())


def test_a_planted_relation_is_found(vectors: tuple[Vectors, list[str]]) -> None:
    """Singular is to plural: one direction, and the answers are right, though those left out would have come first."""
    rows, words = vectors
    pairs = [(kind, f"{kind}s") for kind in KINDS]
    found = pel.embeddings.analogy(rows, "farm", "farms", "sea", words=words, pairs=pairs)
    said = says(found)
    assert said.level == "ok"
    assert said.value is not None
    assert said.value > 0.3
    assert found.answer == "seas"
    assert found.chance < 0.01
    assert found.solved[0] > 0.9


def test_shuffled_partners_are_told(vectors: tuple[Vectors, list[str]]) -> None:
    """The same words with other partners: their sides lie apart, and nothing says which belongs to which."""
    rows, words = vectors
    pairs = [(kind, f"{other}s") for kind, other in zip(KINDS, KINDS[1:] + KINDS[:1], strict=True)]
    found = pel.embeddings.analogy(rows, words=words, pairs=pairs)
    said = says(found)
    assert said.level == "look"
    assert "of 2,000 orders with shuffled partners reach" in said.message
    assert found.solved[0] == 0


def test_vectors_that_were_never_trained_are_told() -> None:
    """Random vectors have no direction in common, with every seed."""
    pairs = [(f"a{place}", f"b{place}") for place in range(6)]
    words = [word for pair in pairs for word in pair]
    for seed in range(20):
        rows = np.random.default_rng(seed).normal(size=(12, 50))
        said = says(pel.embeddings.analogy(rows, words=words, pairs=pairs))
        assert said.level == "look"
        assert said.message.endswith(("the analogy is chance", "but hardly in one direction"))


def test_partners_that_are_only_near_are_told() -> None:
    """Pairs of words that lie beside each other, each in a direction of its own."""
    source = np.random.default_rng(0)
    first = source.normal(size=(8, 60))
    rows = np.concatenate([first, first + 0.3 * source.normal(size=first.shape)])
    words = [f"{side}{place}" for side in "ab" for place in range(8)]
    said = says(pel.embeddings.analogy(rows, words=words, pairs=[(f"a{one}", f"b{one}") for one in range(8)]))
    assert said.level == "look"


@pytest.mark.parametrize("count", [0, 4])
def test_few_pairs_are_not_judged(count: int) -> None:
    """Not even those that agree to the last digit."""
    rows = np.random.default_rng(0).normal(size=(8, 6))
    rows[4:] = rows[:4] + 1
    words = [f"{side}{place}" for side in "ab" for place in range(4)]
    pairs = [(f"a{place}", f"b{place}") for place in range(count)]
    said = says(pel.embeddings.analogy(rows, "a0", "b0", "a1", words=words, pairs=pairs))
    assert said.level == "not-measured"
    assert said.message.startswith(f"{max(count, 1)} pair")
    assert said.next_step == "Give pairs=, 5 or more."
