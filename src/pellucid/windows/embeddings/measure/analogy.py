"""From word vectors to the answer of an analogy, and to whether pairs share a direction."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pellucid.core.arguments import MOST_SEED, Options, flag, instance, refused, several, whole
from pellucid.core.errors import InputError
from pellucid.core.figure.words import amount
from pellucid.core.progress import Loop, Progress, telling
from pellucid.core.result import Provenance
from pellucid.maths import analogies
from pellucid.probe.subject import Subject
from pellucid.windows.embeddings.measure.tokens import Table, Words, table_of
from pellucid.windows.embeddings.result.analogy import Analogy

Array = NDArray[Any]
Pairs = Sequence[tuple[str, str]]
_FEWEST, _MOST_PAIRS = 4, 100
_PAIRS = f"pairs of two different words, 1 to {_MOST_PAIRS}, such as [('man', 'woman'), ('king', 'queen')]"


@dataclass(frozen=True, kw_only=True)
class AnalogyOptions(Options):
    """How an analogy is solved.

    Attributes:
        method: "add" looks for the word that is nearest to b - a + c, "mul" for that which is near to b and to c and
            far from a, by products: one large cosine cannot outweigh the others.
        unit: Whether every vector is scaled to the length 1 first, as is usual; else b - a + c and the offsets of pairs
            are made of the vectors as they are. "mul" is of cosines either way.
        most: Answers that are kept.
        neighbours: Nearest words that are kept of each.
        draws: How often partners are shuffled.
        seed: Of that.
    """

    method: str = "add"
    unit: bool = True
    most: int = 10
    neighbours: int = 5
    draws: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.method, str) or self.method not in analogies.METHODS:
            raise refused("method", self.method, '"add" or "mul"')
        self.settle(
            unit=(flag,),
            most=(whole, 1, 1000),
            neighbours=(whole, 1, 1000),
            draws=(whole, 100, 100_000),
            seed=(whole, 0, MOST_SEED),
        )


def analogy(
    vectors: Any,
    a: str | None = None,
    b: str | None = None,
    c: str | None = None,
    *,
    words: Words = None,
    pairs: Pairs = (),
    options: AnalogyOptions | None = None,
    progress: Progress = None,
) -> Analogy:
    """Ask vectors "a is to b as c is to ?", and whether pairs of words share a direction.

    The three words are left out of the answers: the nearest word to b - a + c is usually c itself, which the result
    says. One answer says little; with pairs, every pair is asked about with every other, and the mean cosine of their
    offsets is compared with that of shuffled partners. Vectors are read, never changed.

    Args:
        vectors: An array or a tensor, [word, dimension]; a mapping from words to vectors; an nn.Embedding; a text model
            or a subject, whose embedding of tokens is found as `tokens` finds it (`result.source` says which); or the
            features that `tokens` returns.
        a: The first word of the known pair; None to look at pairs only.
        b: The second.
        c: The word whose partner is looked for.
        words: What the rows stand for, where `vectors` does not say: a list of one text a row, a mapping from texts to
            rows such as `tokenizer.get_vocab()`, or a function from ids to texts such as
            `tokenizer.convert_ids_to_tokens`. Rows without a word are no answers.
        pairs: Pairs that are to share a direction, such as [("man", "woman"), ("king", "queen")]; 5 or more can be
            judged. (a, b) is put in front.
        options: How.
        progress: None for a line on stderr where it takes longer than two seconds, False for silence, or a function
            that is given (done, in all).

    Returns:
        Answers, neighbours, and how the offsets of the pairs agree. Words whose vectors are 0, NaN or infinite are no
        answers; `result.left_out` counts them.

    Raises:
        InputError: Nothing was asked; words are unknown, given twice or the same; fewer than 4 can be used; or the
            vector of one that was asked about is 0, not finite, or the same as its partner's.

    Cost:
        Three readings of all vectors, and with n pairs n * (n - 1) scores a word. Memory: 100 MB beside the vectors.

    Source:
        Mikolov et al. 2013, "Linguistic regularities in continuous space word representations"; Linzen 2016, "Issues
        in evaluating semantic spaces using word analogies", for what leaving words out hides; Fournier et al. 2020,
        "Analogies minus analogy test", for shuffled pairs.

    Example:
        >>> import numpy as np
        >>> import pellucid as pel
        >>> words = ["man", "woman", "king", "queen", "tree"]
        >>> vectors = np.array([[1.0, 0, 0.2], [1, 1, 0.2], [1, 0, 2], [1, 1, 2], [-3, 0, 1]])
        >>> pel.embeddings.analogy(vectors, "man", "woman", "king", words=words).answer
        'queen'
    """
    begun, chosen = time.perf_counter(), instance("options", options, AnalogyOptions)
    table = table_of(vectors, words)
    asked = _asked(a, b, c, table)
    known = _pairs(pairs, asked, table)
    if not asked and not known:
        raise InputError("Nothing was asked. Give three words, a is to b as c is to ?, or pairs=, or both.")
    with telling("analogy", progress):
        found = _found(table, chosen, asked, known)
    return Analogy(
        provenance=Provenance(
            model=_title(vectors, table),
            samples=int(table.usable.sum()),
            seconds=time.perf_counter() - begun,
            seed=chosen.seed if known else None,
        ),
        source=table.source,
        vocabulary=int(table.usable.sum()),
        dimensions=table.rows.shape[1],
        left_out=int((~table.usable).sum()),
        unit=chosen.unit,
        method=chosen.method,
        asked=asked,
        pairs=known,
        **found,
    )


def _title(vectors: Any, table: Table) -> str:
    """Return what the vectors are called, with what a model holds."""
    if not isinstance(vectors, (nn.Module, Subject)):
        return f"{table.source} {table.rows.size:,} numbers"
    subject = Subject.of(vectors)
    return f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters"


def _asked(a: Any, b: Any, c: Any, table: Table) -> tuple[str, ...]:
    """Return the words that were asked about, each of which can be."""
    if int(table.usable.sum()) < _FEWEST:
        raise InputError(
            f"{amount(int(table.usable.sum()), 'word')} with a vector that is finite and not 0 came, "
            f"{len(table.rows):,} in all; an analogy needs {_FEWEST} or more."
        )
    given = (a, b, c)
    if all(one is None for one in given):
        return ()
    for name, word in zip("abc", given, strict=True):
        table.find(word, name)
    if len(set(given)) < 3:
        raise InputError(f"a={a!r}, b={b!r} and c={c!r} came; expected three different words.")
    _refuse_alike(table, a, b)
    return given


def _pairs(pairs: Any, asked: tuple[str, ...], table: Table) -> tuple[tuple[str, str], ...]:
    """Return the pairs that are to share a direction, that which was asked about in front."""
    found = [(asked[0], asked[1])] if asked else []
    for pair in several("pairs", pairs, _PAIRS):
        first, second = _two(pair)
        for word in (first, second):
            table.find(word, "A word of pairs")
        if first == second:
            raise InputError(f"pairs= holds {(first, second)!r}; expected {_PAIRS}.")
        if (first, second) == tuple(asked[:2]):
            continue
        if (first, second) in found:
            raise InputError(f"pairs= holds {(first, second)!r} twice; expected each once.")
        _refuse_alike(table, first, second)
        found.append((first, second))
    if len(found) > _MOST_PAIRS:
        raise InputError(f"{len(found):,} pairs came; expected {_PAIRS}.")
    return tuple(found)


def _two(pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(f"pairs= holds {pair!r:.60}; expected {_PAIRS}.")
    return pair[0], pair[1]


def _refuse_alike(table: Table, first: str, second: str) -> None:
    one, other = analogies.unit(np.stack([table.rows[table.find(word, "a word")] for word in (first, second)]))
    if np.array_equal(one, other):
        raise InputError(
            f"The vectors of {first!r} and {second!r} point the same way, so that nothing leads from one to the other. "
            "Give two words that the vectors tell apart."
        )


@dataclass(frozen=True, kw_only=True)
class _Named:
    """Words of a table that questions are made of.

    Attributes:
        words: [word].
        rows: Where they stand in the table, [word].
        vectors: Theirs, of length 1 or as they are but for one factor, [word, dimension].
    """

    words: tuple[str, ...]
    rows: Array
    vectors: Array

    @classmethod
    def of(cls, table: Table, words: Sequence[str], *, unit: bool) -> "_Named":
        """Look words up."""
        several = tuple(dict.fromkeys(words))
        rows = np.array([table.find(one, "a word") for one in several], dtype=np.int64)
        wide = np.asarray(table.rows[rows], dtype=np.float64)
        vectors = analogies.unit(wide) if unit else wide / np.abs(wide).max(initial=np.finfo(np.float64).tiny)
        return cls(words=several, rows=rows, vectors=vectors)

    def places(self, words: Sequence[str]) -> list[int]:
        """Return the numbers of words."""
        return [self.words.index(one) for one in words]

    def sizes(self, queries: Array) -> Array:
        """Return the lengths that `analogies.scores` asks for."""
        a, b, c = queries.T
        together = self.vectors[b] - self.vectors[a] + self.vectors[c]
        return np.concatenate([analogies.lengths(self.vectors), analogies.lengths(together)])


def _found(
    table: Table, chosen: AnalogyOptions, asked: tuple[str, ...], pairs: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """Return what the result holds, after three goes through the vocabulary."""
    answered = _answered(table, chosen, asked)
    words = (*asked, *answered["answers"][:1], *(word for pair in pairs for word in pair))
    named = _Named.of(table, words, unit=chosen.unit)
    first, second = (named.vectors[named.places([pair[side] for pair in pairs])] for side in (0, 1))
    points, explained = analogies.flattened(named.vectors)
    return {
        **answered,
        **_neighbours(table, chosen, named),
        **_ranks(table, chosen, named, pairs),
        "words": named.words,
        "points": points,
        "explained": explained,
        "alike": analogies.alikeness(second - first),
        "shuffled": analogies.shuffled(first, second, draws=chosen.draws, seed=chosen.seed),
    }


def _scan(table: Table, named: _Named, score: Callable[[Array], Array], wide: int) -> Iterator[tuple[int, Array]]:
    """Go through the vocabulary, and tell how far it is."""
    loop = Loop(len(table.rows), "words")
    for start, scores in analogies.scanned(table.rows, table.usable, named.vectors, score, wide):
        yield start, scores
        loop.at(start + len(scores))


def _answered(table: Table, chosen: AnalogyOptions, asked: tuple[str, ...]) -> dict[str, Any]:
    """Return what lies nearest to b - a + c, with the words asked about and without them."""
    if not asked:
        return {"answers": (), "scores": np.zeros(0), "open_answers": (), "open_scores": np.zeros(0)}
    named, queries = _Named.of(table, asked, unit=chosen.unit), np.array([[0, 1, 2]])
    sizes = named.sizes(queries)
    scan = _scan(table, named, lambda one: analogies.scores(one, sizes, queries, chosen.method), wide=1)
    places, scores = (one[:, 0] for one in analogies.best(scan, chosen.most + len(asked)))
    whole = (places >= 0) & (np.cumsum(places >= 0) <= chosen.most)
    others = (places >= 0) & ~np.isin(places, named.rows)
    others &= np.cumsum(others) <= chosen.most
    return {
        "answers": tuple(table.words[one] for one in places[others]),
        "scores": scores[others],
        "open_answers": tuple(table.words[one] for one in places[whole]),
        "open_scores": scores[whole],
    }


def _neighbours(table: Table, chosen: AnalogyOptions, named: _Named) -> dict[str, Any]:
    """Return the words with the largest cosines to each of those that were named."""
    sizes = analogies.lengths(named.vectors)
    scan = _scan(table, named, lambda one: one / sizes, wide=len(sizes))
    places, scores = analogies.best(scan, chosen.neighbours + 1)
    words = list[tuple[str, ...]]()
    cosines = np.full((len(sizes), chosen.neighbours), np.nan)
    for column, own in enumerate(named.rows):
        kept = np.flatnonzero((places[:, column] >= 0) & (places[:, column] != own))[: chosen.neighbours]
        words.append(tuple(table.words[one] for one in places[kept, column]))
        cosines[column, : len(kept)] = np.clip(scores[kept, column], -1.0, 1.0)
    return {"neighbours": tuple(words), "cosines": cosines}


def _ranks(table: Table, chosen: AnalogyOptions, named: _Named, pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Ask about every pair with every other, and return how many words score higher than the right one."""
    ranks = {name: np.full((len(pairs), len(pairs)), -1) for name in ("ranks", "open_ranks", "near_ranks")}
    asked = [(i, j) for i, j in permutations(range(len(pairs)), 2) if len({*pairs[i], *pairs[j]}) == 4]
    if not asked:
        return ranks
    rows, columns = np.array(asked).T
    ends = np.array([named.places(pair) for pair in pairs])
    queries = np.stack([ends[rows, 0], ends[rows, 1], ends[columns, 0]], axis=1)
    sizes, right, count = named.sizes(queries), ends[columns, 1], len(queries)

    def score(products: Array) -> Array:
        near = products[:, queries[:, 2]] / sizes[queries[:, 2]]
        return np.concatenate([analogies.scores(products, sizes, queries, chosen.method), near], axis=1)

    own = score(analogies.unit(named.vectors) @ named.vectors.T)
    limits = own[np.tile(right, 2), np.arange(2 * count)]
    higher = analogies.above(_scan(table, named, score, wide=2 * count), limits)
    # Of those asked about the ones that score higher count only where nothing is left out.
    given = analogies.is_above(own[np.tile(queries.T, 2), np.arange(2 * count)], limits).sum(axis=0)
    ranks["ranks"][rows, columns] = (higher - given)[:count]
    ranks["open_ranks"][rows, columns] = higher[:count]
    ranks["near_ranks"][rows, columns] = (higher - given)[count:]
    return ranks
