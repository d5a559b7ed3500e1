"""Analogies: answers, ranks and neighbours against slow twins, and what vectors may be."""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.core.figure import Heat, Table
from pellucid.gallery import CharacterGPT
from pellucid.windows.embeddings import Analogy, AnalogyOptions
from tests.reference import analogies as reference

Guarded = Callable[[nn.Module], AbstractContextManager[None]]
ROYAL = {
    "man": [1.0, 0.0, 0.2],
    "woman": [1.0, 1.0, 0.2],
    "king": [1.0, 0.0, 2.0],
    "queen": [1.0, 1.0, 2.0],
    "tree": [0.4, 0.3, -1.0],
}
WORDS = list(ROYAL)
ROWS = np.array(list(ROYAL.values()))


def lexicon(count: int = 24, wide: int = 6) -> dict[str, np.ndarray]:
    """Return words and vectors of random lengths, and a relation between those of even and odd numbers."""
    source = np.random.default_rng(0)
    rows = source.normal(size=(count, wide))
    rows[1::2] = rows[::2] + source.normal(size=wide) + 0.7 * source.normal(size=(count // 2, wide))
    return {f"w{place}": row for place, row in enumerate(rows)}


def asked(**given: Any) -> Analogy:
    """Ask the royal family."""
    return pel.embeddings.analogy(**{"vectors": ROYAL, "a": "man", "b": "woman", "c": "king", **given})


# ----------------------------------------------------------------------------------------------------- what it finds


@pytest.mark.parametrize("method", ["add", "mul"])
def test_a_parallelogram_is_found(method: str) -> None:
    """King - man + woman is queen, whichever word it starts from."""
    for a, b, c, right in (("man", "woman", "king", "queen"), ("queen", "king", "woman", "man")):
        found = asked(a=a, b=b, c=c, options=AnalogyOptions(method=method))
        assert found.answer == right
        assert found.method == method
        assert not set(found.answers) & {a, b, c}
        assert len(found.answers) == 2
        assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("method", ["add", "mul"])
def test_answers_are_those_of_the_slow_twin(method: str) -> None:
    """All answers, with and without the words asked about, and their scores."""
    vectors = lexicon()
    for question in itertools.islice(itertools.permutations(vectors, 3), 0, 12_000, 1999):
        options = AnalogyOptions(method=method, most=100)
        found = pel.embeddings.analogy(vectors, *question, options=options)
        assert list(found.answers) == reference.ordered(vectors, question, method, without=question)
        assert list(found.open_answers) == reference.ordered(vectors, question, method)
        expected = [reference.score(vectors, question, one, method) for one in found.answers]
        np.testing.assert_allclose(found.scores, expected, atol=1e-12)


def test_neighbours_are_the_nearest_words() -> None:
    """Of each word that was named, itself left out; fewer where there are no more."""
    vectors = lexicon()
    found = pel.embeddings.analogy(vectors, "w0", "w1", "w2", pairs=[("w4", "w5")])
    assert found.words == tuple(dict.fromkeys(("w0", "w1", "w2", found.answer, "w4", "w5")))
    for word, near, cosines in zip(found.words, found.neighbours, found.cosines, strict=True):
        assert list(near) == reference.neighbours(vectors, word)[:5]
        np.testing.assert_allclose(cosines, [reference.cosine(vectors[word], vectors[one]) for one in near])
    few = asked(options=AnalogyOptions(neighbours=9))
    assert {len(one) for one in few.neighbours} == {4}
    assert np.isnan(few.cosines[:, 4:]).all()


def test_pairs_ask_each_other() -> None:
    """How many words score higher than the right one, with the three left out, with none, and by nearness alone."""
    vectors = lexicon()
    pairs = [(f"w{place}", f"w{place + 1}") for place in range(0, 12, 2)]
    found = pel.embeddings.analogy(vectors, pairs=pairs)
    assert found.pairs == tuple(pairs)
    assert (np.diagonal(found.ranks) == -1).all()
    assert found.questions == 30
    for (i, (a, b)), (j, (c, right)) in itertools.permutations(enumerate(pairs), 2):
        question = (a, b, c)
        assert found.ranks[i, j] == reference.ordered(vectors, question, "add", without=question).index(right)
        assert found.open_ranks[i, j] == reference.ordered(vectors, question, "add").index(right)
        near = [one for one in reference.neighbours(vectors, c) if one not in question]
        assert found.near_ranks[i, j] == near.index(right)
    assert 0 < found.solved[0] < 1
    shares = [(one[one >= 0] == 0).mean() for one in (found.ranks, found.open_ranks, found.near_ranks)]
    assert found.solved == tuple(shares)


def test_pairs_that_share_a_word_are_no_question() -> None:
    """What was asked about cannot be the answer."""
    vectors = lexicon()
    found = pel.embeddings.analogy(vectors, pairs=[("w0", "w1"), ("w0", "w3"), ("w4", "w5")])
    assert (found.ranks >= 0).tolist() == [[False, False, True], [False, False, True], [True, True, False]]


def test_the_known_artefact_is_said() -> None:
    """Where c itself lies nearest, it is left out, and the result says so."""
    vectors = {**ROYAL, "woman": [1.0, 0.1, 0.2], "queen": [1.0, 0.8, 2.0]}
    found = asked(vectors=vectors)
    assert found.open_answers[0] == "king"
    assert found.is_artefact
    assert found.answer == "queen"
    assert found.figure().panels[1].note == "with nothing left out: 'king', which was asked about"
    assert not asked().is_artefact
    assert asked().figure().panels[1].note == "with nothing left out: the same"


def test_offsets_are_of_unit_vectors_unless_asked_otherwise() -> None:
    """Raw vectors that differ by one vector agree wholly; scaled to length 1 they do not."""
    source = np.random.default_rng(0)
    first = source.normal(size=(5, 4)) * source.uniform(0.2, 5, size=(5, 1))
    rows = np.concatenate([first, first + np.array([1.0, 2, 3, 4])])
    words = [f"{side}{place}" for side in "ab" for place in range(5)]
    pairs = [(f"a{place}", f"b{place}") for place in range(5)]
    raw = pel.embeddings.analogy(rows, words=words, pairs=pairs, options=AnalogyOptions(unit=False))
    assert raw.agreement == pytest.approx((1.0, 1.0, 1.0))
    assert not raw.unit
    usual = pel.embeddings.analogy(rows, words=words, pairs=pairs)
    sized = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert usual.agreement[0] == pytest.approx(reference.mean_cosine(list(sized[5:] - sized[:5])))
    assert usual.agreement[0] < 0.99


def test_huge_and_tiny_vectors_answer_alike() -> None:
    """Directions do not depend on a common factor, also where squares overflow."""
    for factor in (1e-200, 1e200):
        for unit in (True, False):
            scaled = {word: np.array(row) * factor for word, row in ROYAL.items()}
            options = AnalogyOptions(unit=unit)
            one, other = asked(vectors=scaled, options=options), asked(options=options)
            assert one.answers == other.answers
            np.testing.assert_allclose(one.scores, other.scores)


# ------------------------------------------------------------------------------------------------- what vectors may be


class Reader(nn.Module):
    """A text model with positions beside its words."""

    def __init__(self) -> None:
        super().__init__()
        self.position_table, self.words = nn.Embedding(5, 3), nn.Embedding(5, 3)
        with torch.no_grad():
            self.words.weight.copy_(torch.from_numpy(ROWS))

    def forward(self, x: Tensor) -> Tensor:
        """Add places to words."""
        return self.words(x) + self.position_table(torch.arange(x.shape[1]))


def test_vectors_may_come_in_many_forms(model_is_untouched: Guarded) -> None:
    """Arrays, tensors, a mapping, an embedding, a model with a vocabulary, a subject, and features: one answer."""
    model = Reader()
    table, half = model.words, torch.from_numpy(ROWS).bfloat16()
    numbers = {word: place for place, word in enumerate(WORDS)}
    with model_is_untouched(model):
        several = {
            "an array": asked(vectors=ROWS.astype(np.float32), words=WORDS),
            "a mapping": asked(),
            "Embedding": asked(vectors=table, words=tuple(WORDS)),
            "'words' of Reader": asked(vectors=model, words=numbers),
            "'words' of Family": asked(vectors=pel.Subject(model, name="Family"), words=WORDS),
        }
        assert asked(vectors=half, words=WORDS).answer == "queen"
        assert asked(vectors=pel.embeddings.tokens(model, words=WORDS)).answer == "queen"
        assert asked(vectors=model, words=lambda rows: [WORDS[row] for row in rows]).answer == "queen"
    for source, found in several.items():
        assert found.source == source
        assert found.answer == "queen"
        np.testing.assert_allclose(found.scores, several["a mapping"].scores, atol=1e-6)


def test_rows_without_a_word_are_no_answers() -> None:
    """A vocabulary may name some of the rows only."""
    found = asked(vectors=ROWS, words={"king": 2, "man": 0, "woman": 1, "tree": 4})
    assert found.answers == ("tree",)
    assert found.vocabulary == 4


def test_words_without_a_direction_are_left_out_and_counted() -> None:
    """The row that fills sentences up is 0, and others may be NaN: neither is an answer."""
    vectors = {**ROYAL, "pad": [0.0, 0, 0], "bad": [np.nan, 1, 1], "far": [np.inf, 1, 1]}
    found = asked(vectors=vectors)
    assert found.left_out == 3
    assert found.vocabulary == 5
    assert found.answers == asked().answers


def test_vectors_are_not_changed(tmp_path: Path) -> None:
    """Also when they lie in a file that cannot be written to."""
    np.save(tmp_path / "rows.npy", ROWS)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert asked(vectors=mapped, words=WORDS).answers == asked().answers
    np.testing.assert_array_equal(mapped, ROWS)


def test_the_same_call_gives_the_same_result() -> None:
    """All but the date and the seconds, also after it was saved."""
    vectors = lexicon()
    pairs = [(f"w{place}", f"w{place + 1}") for place in range(0, 18, 2)]
    first, again = (pel.embeddings.analogy(vectors, pairs=pairs) for _ in range(2))
    np.testing.assert_array_equal(first.shuffled, again.shuffled)
    assert len(first.shuffled) == 2000
    assert first.findings == again.findings
    other = pel.embeddings.analogy(vectors, pairs=pairs, options=AnalogyOptions(seed=1))
    assert (other.shuffled != first.shuffled).any()


# ------------------------------------------------------------------------------------------------------------- pictures


def test_the_picture_shows_words_arrows_and_chance() -> None:
    """Every word is a named point, every pair an arrow from the first to the second."""
    vectors = lexicon()
    pairs = [(f"w{place}", f"w{place + 1}") for place in range(0, 10, 2)]
    found = pel.embeddings.analogy(vectors, "w0", "w1", "w12", pairs=pairs)
    figure = found.figure()
    panels: list[Any] = list(figure.panels)
    plane, answers, alike, shuffled, near, figures = panels
    *arrows, cloud = plane.marks
    assert len(arrows) == 12
    place = dict(zip(found.words, found.points.tolist(), strict=True))
    ways = [np.stack([one.x[:2], one.y[:2]], axis=1) for one in arrows[::2]]
    for one, other in (*pairs, ("w12", found.answer)):
        ends = np.array([place[one], place[other]])
        assert min(np.abs(way - ends).max() for way in ways) < 0.03 * np.ptp(found.points)
    assert cloud.names == found.words[:10]
    assert f"{len(found.words) - 10} word" in figure.caveat
    assert answers.title == "Nearest to w1 − w0 + w12"
    assert isinstance(alike.marks[0], Heat)
    assert alike.x.categories == tuple(f"{one} → {other}" for one, other in pairs)
    assert shuffled.note == f"{120 * found.chance:.0f} of 120 orders agree as well, the true one among them"
    assert isinstance(near.marks[0], Table)
    assert len(near.marks[0].rows) == len(found.words)
    assert ("answered rightly", f"{100 * found.solved[0]:.0f} %") in figures.marks[0].rows
    assert figure.alt.startswith(f"w0 is to w1 as w12 is to {found.answer}.")


def test_a_vocabulary_of_characters_is_found_beside_positions() -> None:
    """The embedding of a character model, of which the name and the number of rows tell."""
    model = CharacterGPT(30, width=16, depth=1, heads=2, context=12)
    words = [chr(97 + place) for place in range(30)]
    found = pel.embeddings.analogy(model, "a", "b", "c", words=words)
    assert found.source == "'embedding' of CharacterGPT"
    assert found.provenance.model == f"CharacterGPT {sum(one.numel() for one in model.parameters()):,} parameters"
