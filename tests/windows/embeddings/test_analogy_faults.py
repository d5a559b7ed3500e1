"""Analogies that cannot be solved: what came, what was expected, and what to do."""

import re
from typing import Any

import numpy as np
import pytest
from torch import nn

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.windows.embeddings import AnalogyOptions
from pellucid.windows.embeddings.measure.analogy import _pairs as pairs_of
from pellucid.windows.embeddings.measure.tokens import table_of, words_of
from tests.windows.embeddings.test_analogy import ROWS, ROYAL, WORDS, asked

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "nothing asked": (
        {"a": None, "b": None, "c": None},
        "Nothing was asked. Give three words, a is to b as c is to ?, or pairs=, or both.",
    ),
    "two words": ({"c": None}, "c=None came; expected a word, as text."),
    "unknown": ({"c": "kin"}, "c='kin' came, and there is no such word among 5. Closest: 'king'."),
    "far from any": ({"c": "xyz"}, "c='xyz' came, and there is no such word among 5."),
    "twice": ({"c": "man"}, "a='man', b='woman' and c='man' came; expected three different words."),
    "alike": (
        {"vectors": {**ROYAL, "woman": [2.0, 0, 0.4]}},
        (
            "The vectors of 'man' and 'woman' point the same way, so that nothing leads from one to the other. "
            "Give two words that the vectors tell apart."
        ),
    ),
    "zero": (
        {"vectors": {**ROYAL, "king": [0.0, 0, 0]}},
        "The vector of c='king' is 0 everywhere, and has no direction. Ask about words that were trained.",
    ),
    "NaN": (
        {"vectors": {**ROYAL, "king": [np.nan, 0, 0]}},
        "The vector of c='king' is NaN or infinite, and has no direction. Ask about words that were trained.",
    ),
    "few words": (
        {"vectors": {"man": [1.0], "woman": [2.0], "king": [3.0], "pad": [0.0]}},
        "3 words with a vector that is finite and not 0 came, 4 in all; an analogy needs 4 or more.",
    ),
    "no words": (
        {"vectors": ROWS},
        (
            "The words of the 5 rows are not known. Give words=: a list of one text a row, a mapping from "
            "texts to rows such as tokenizer.get_vocab(), or a function from ids to texts such as "
            "tokenizer.convert_ids_to_tokens."
        ),
    ),
    "too few words": (
        {"vectors": ROWS, "words": WORDS[:3]},
        "words= holds 3 words for 5 rows; expected one for each.",
    ),
    "a word twice": (
        {"vectors": ROWS, "words": [*WORDS[:4], "man"]},
        "words= names the word 'man' twice, at 0 and 4; expected each once.",
    ),
    "a row twice": (
        {"vectors": ROWS, "words": {"man": 0, "woman": 0}},
        "words= names row 0 twice, at 0 and 1; expected each once.",
    ),
    "a row too far": (
        {"vectors": ROWS, "words": {"man": 5}},
        "words= maps 'man' to 5; expected texts to numbers of rows, 0 to 4.",
    ),
    "words beside a mapping": (
        {"words": WORDS},
        "words= came beside a mapping, whose keys are the words. Leave it out.",
    ),
    "ragged": (
        {"vectors": {**ROYAL, "king": [1.0, 2.0]}},
        "The vector of 'king' has 2 numbers and that of 'man' 3; expected as many of each.",
    ),
    "a table a word": (
        {"vectors": {**ROYAL, "king": np.zeros((2, 3))}},
        "The vector of 'king' came with the shape (2, 3); expected one axis.",
    ),
    "flat": (
        {"vectors": np.zeros(5), "words": WORDS},
        "vectors came with the shape (5,); expected [word, dimension], one row a word.",
    ),
    "texts": (
        {"vectors": np.array([["a"]]), "words": ["a"]},
        "vectors came as an array of <U1; expected real numbers, [word, dimension].",
    ),
    "no vectors": (
        {"vectors": 3},
        (
            "vectors=3 came; expected an array [word, dimension], a mapping from words to vectors, an "
            "nn.Embedding or a text model."
        ),
    ),
    "a model of pictures": (
        {"vectors": nn.Linear(2, 2), "words": WORDS},
        (
            "Linear has no nn.Embedding that words could be looked up in. Give an array [word, dimension], a "
            "mapping from words to vectors, an nn.Embedding or a text model."
        ),
    ),
    "two embeddings": (
        {"vectors": nn.ModuleDict({"one": nn.Embedding(5, 3), "other": nn.Embedding(5, 2)}), "words": WORDS},
        (
            "ModuleDict has 2 embeddings, and which one is of words cannot be told: 'one' (5, 3), 'other' (5, "
            "2). Give one of them, such as model.get_submodule('one')."
        ),
    ),
    "a word with itself": (
        {"pairs": [("king", "king")]},
        (
            "pairs= holds ('king', 'king'); expected pairs of two different words, 1 to 100, such as [('man', "
            "'woman'), ('king', 'queen')]."
        ),
    ),
    "a pair twice": (
        {"pairs": [("king", "queen"), ("king", "queen")]},
        "pairs= holds ('king', 'queen') twice; expected each once.",
    ),
    "an unknown word in a pair": (
        {"pairs": [("king", "quen")]},
        "A word of pairs='quen' came, and there is no such word among 5. Closest: 'queen'.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_used_is_refused(name: str) -> None:
    """With what came, what was expected, and what to do."""
    given, message = WRONG[name]
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        asked(**given)


def test_what_is_of_another_kind_is_refused() -> None:
    """Words that are no texts, and pairs that are none."""
    places, words = words_of(np.array(WORDS), 5)
    assert places is None
    assert words == tuple(WORDS)
    with pytest.raises(InputError, match=r"^words= holds 1 at 1; expected texts only\.$"):
        words_of(["a", 1], 2)
    with pytest.raises(InputError, match=r"^words='abc' came; expected a list of one text a row, a mapping from "):
        words_of("abc", 3)
    with pytest.raises(InputError, match=r"^pairs= holds 'king'; expected pairs of two different words, 1 to 100, "):
        pairs_of(["king"], (), table_of(ROYAL, None))
    with pytest.raises(InputError, match=r"^pairs=3 came; expected pairs of two different words, 1 to 100, such as "):
        pairs_of(3, (), table_of(ROYAL, None))


def test_options_are_checked() -> None:
    """Methods that there are not, and numbers out of range."""
    with pytest.raises(InputError, match=re.escape('method=\'sum\' came; expected "add" or "mul".')):
        AnalogyOptions(method="sum")
    with pytest.raises(InputError, match=re.escape("draws=5 came; expected a whole number, 100 to 100,000.")):
        AnalogyOptions(draws=5)


def test_too_many_pairs_are_refused() -> None:
    """The questions of pair with pair would be too many."""
    words = [f"w{place}" for place in range(202)]
    rows = np.random.default_rng(0).normal(size=(202, 4))
    pairs = list(zip(words[::2], words[1::2], strict=True))
    with pytest.raises(InputError, match=r"^101 pairs came; expected pairs of two different words, 1 to 100, such as "):
        pel.embeddings.analogy(rows, words=words, pairs=pairs)


def test_progress_is_told() -> None:
    """Three goes through the words."""
    told: list[tuple[int, int]] = []
    asked(pairs=[("king", "queen")], progress=lambda done, total: told.append((done, total)))
    assert told
    assert {total for _, total in told} == {5}
