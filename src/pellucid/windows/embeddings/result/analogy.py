"""What was measured of an analogy between word vectors."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result
from pellucid.maths import analogies

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Analogy(Result):
    """Which words answer "a is to b as c is to ?", and whether several pairs share a direction.

    Attributes:
        source: Where the vectors come from, such as "'embedding' of CharacterGPT".
        vocabulary: Words that may be an answer.
        dimensions: Of a vector.
        left_out: Words that may not, since their vectors are 0, NaN or infinite.
        unit: Whether vectors were scaled to the length 1 first.
        method: "add" or "mul".
        asked: (a, b, c); () where only pairs were given.
        answers: Words that score highest, the words asked about left out.
        scores: Theirs, [answer]: for "add" the cosine with b - a + c.
        open_answers: The same with nothing left out.
        open_scores: Theirs.
        words: Words that were named, and the first answer behind those asked about, [word].
        neighbours: Nearest words to each of them, the nearest first.
        cosines: Theirs, [word, neighbour]; NaN where there are fewer.
        points: The words on the plane that shows most of their differences, [word, 2].
        explained: Share of the differences along each axis, [2].
        pairs: Pairs that are to share a direction, from the first to the second word of each.
        alike: Cosines of their offsets, [pair, pair].
        shuffled: Mean cosine of two offsets when the second words are shuffled, [order].
        ranks: How many words score higher than the second word of a pair (column) when its first word is asked about
            with another pair (row), the words asked about left out, [pair, pair]; -1 where that is no question.
        open_ranks: The same with nothing left out.
        near_ranks: How many words are nearer to the first word than its partner, the same ones left out.
    """

    source: str
    vocabulary: int
    dimensions: int
    left_out: int = 0
    unit: bool = True
    method: str = "add"
    asked: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    scores: Array
    open_answers: tuple[str, ...] = ()
    open_scores: Array
    words: tuple[str, ...] = ()
    neighbours: tuple[tuple[str, ...], ...] = ()
    cosines: Array
    points: Array
    explained: Array
    pairs: tuple[tuple[str, str], ...] = ()
    alike: Array
    shuffled: Array
    ranks: Array
    open_ranks: Array
    near_ranks: Array

    @property
    def answer(self) -> str:
        """Return the word that scores highest, of those that were not asked about; "" where nothing was asked."""
        return self.answers[0] if self.answers else ""

    @property
    def is_artefact(self) -> bool:
        """Say whether one of the words asked about would have been the answer, had it not been left out."""
        return bool(self.open_answers) and self.open_answers[0] in self.asked

    @cached_property
    def agreement(self) -> tuple[float, float, float]:
        """Return the mean cosine of two offsets with its 95 % interval; NaN where there are too few pairs."""
        return analogies.agreement(self.alike)

    @cached_property
    def chance(self) -> float:
        """Return how often pairs with shuffled partners agree as well; NaN with fewer than 2 pairs."""
        return analogies.chance(self.agreement[0], self.shuffled, len(self.pairs))

    @property
    def as_high(self) -> int:
        """Return in how many of the orders the partners agree as well as the true ones."""
        return analogies.as_high(self.agreement[0], self.shuffled)

    @property
    def is_whole(self) -> bool:
        """Say whether `shuffled` holds every order, the true one among them, and not a draw."""
        return analogies.is_whole(self.shuffled, len(self.pairs))

    @property
    def questions(self) -> int:
        """Return how many questions the pairs make with each other."""
        return int((self.ranks >= 0).sum())

    @property
    def solved(self) -> tuple[float, float, float]:
        """Return the share of these that is answered rightly; with nothing left out; and by the nearest word alone."""
        asked = self.ranks >= 0
        if not asked.any():
            return float("nan"), float("nan"), float("nan")
        shares = [float((one[asked] == 0).mean()) for one in (self.ranks, self.open_ranks, self.near_ranks)]
        return shares[0], shares[1], shares[2]

    @property
    def usual(self) -> tuple[float, float]:
        """Return the middle of the mean cosines with shuffled partners, and what 95 % of them stay below."""
        if not len(self.shuffled):
            return float("nan"), float("nan")
        return float(np.median(self.shuffled)), float(np.quantile(self.shuffled, 0.95))
