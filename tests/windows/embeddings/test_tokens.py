"""Vectors of tokens: which embedding they come from, and in which order."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.gallery import CharacterGPT

Guarded = Callable[[nn.Module], AbstractContextManager[None]]


class Said(nn.Module):
    """A model of the kind of transformers: it says itself where its words are."""

    def __init__(self) -> None:
        super().__init__()
        self.other, self.table = nn.Embedding(4, 3), nn.Embedding(4, 3)

    def get_input_embeddings(self) -> nn.Module:
        """Return the table of words."""
        return self.table

    def forward(self, x: Tensor) -> Tensor:
        """Look up."""
        return self.table(x) + self.other(x)


def test_rows_come_in_the_order_asked_for(model_is_untouched: Guarded) -> None:
    """By word and by number, each a class of its own with its word as a name."""
    model = CharacterGPT(5, width=8, depth=1, heads=2, context=9)
    with model_is_untouched(model):
        found = pel.embeddings.tokens(model, ["d", "a", 2], words=list("abcde"))
    expected = model.embedding.weight.detach().numpy()[[3, 0, 2]]
    np.testing.assert_array_equal(found.values, expected)
    assert found.layer == "'embedding' of CharacterGPT"
    assert found.names == ("d", "a", "c")
    assert found.labels.tolist() == [0, 1, 2]
    assert (
        found.values.base is None
        or found.values.flags.owndata
        or not np.shares_memory(found.values, model.embedding.weight.detach().numpy())
    )


def test_without_a_choice_all_rows_come() -> None:
    """All of the embedding, or all that have a word."""
    table = nn.Embedding(6, 2)
    np.testing.assert_array_equal(pel.embeddings.tokens(table).values, table.weight.detach().numpy())
    assert pel.embeddings.tokens(table).names == ()
    some = pel.embeddings.tokens(table, words={"b": 4, "a": 1})
    np.testing.assert_array_equal(some.values, table.weight.detach().numpy()[[1, 4]])
    assert some.names == ("a", "b")
    assert pel.embeddings.tokens(table, [0, 4], words={"b": 4, "a": 1}).names == ("0", "b")
    assert pel.embeddings.tokens(table, torch.tensor([5, 0])).values.shape == (2, 2)


def test_a_model_may_say_where_its_words_are() -> None:
    """As those of transformers do; two tables of one size are no riddle then."""
    model = Said()
    assert pel.embeddings.tokens(model).layer == "'table' of Said"
    assert pel.embeddings.tokens(nn.Sequential(model.table)).layer == "'0' of Sequential"


@pytest.mark.parametrize("training", [True, False])
def test_what_is_computed_on_reading_is_read_as_in_eval_mode(training: bool, model_is_untouched: Guarded) -> None:
    """A table under spectral norm holds what its parametrization gives, and that does not move on."""
    table = parametrizations.spectral_norm(nn.Embedding(4, 3)).train(training)
    with model_is_untouched(table):
        first, again = (pel.embeddings.tokens(table).values for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_half_precision_is_read() -> None:
    """Values are float32, whatever the weights are."""
    found = pel.embeddings.tokens(nn.Embedding(4, 3, dtype=torch.bfloat16))
    assert found.values.dtype == np.float32


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "words that are not known": (
        {"which": ["a"]},
        (
            "which= holds the word 'a', and no words are known. Give words=: a list of one text a row, a mapping from "
            "texts to rows such as tokenizer.get_vocab(), or a function from ids to texts such as "
            "tokenizer.convert_ids_to_tokens."
        ),
    ),
    "an unknown word": (
        {"which": ["appel"], "words": ["apple", "b", "c"]},
        "which= holds 'appel', and there is no such word among 3. Closest: 'apple'.",
    ),
    "a row too far": ({"which": [3]}, "which= holds 3; expected a word, or the number of a row, 0 to 2."),
    "a real number": ({"which": [1.0]}, "which= holds 1.0; expected a word, or the number of a row, 0 to 2."),
    "none": ({"which": []}, "which=[] came; expected words, or numbers of rows, one or more."),
    "a text": ({"which": "a"}, "which='a' came; expected words, or numbers of rows, one or more."),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_there_is_refused(name: str) -> None:
    """With what came, and what there is."""
    given, message = WRONG[name]
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        pel.embeddings.tokens(nn.Embedding(3, 2), **given)


def test_complex_and_meta_tables_are_refused() -> None:
    """They have no direction, and no values."""
    table = nn.Embedding(3, 2, dtype=torch.complex64)
    with pytest.raises(InputError, match=r"^'\(model\).weight' holds complex numbers"):
        pel.embeddings.tokens(table)
    with pytest.raises(InputError, match=r"^'\(model\).weight' is on the meta device and has no values\."):
        pel.embeddings.tokens(nn.Embedding(3, 2, device="meta"))


def test_vectors_of_sentences_are_means_over_what_the_mask_keeps() -> None:
    """Those are features of a layer, by its name."""

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.mix = nn.Embedding(9, 4), nn.Linear(4, 4)

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            """Return a vector a token."""
            return self.mix(self.words(input_ids)) * attention_mask[..., None]

    model = Encoder()
    ids, mask = torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0]]), torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    found = pel.embeddings.features(model, {"input_ids": ids, "attention_mask": mask}, at="words")
    rows = model.words.weight.detach().numpy()
    np.testing.assert_allclose(found.values, np.stack([rows[[1, 2, 3]].mean(0), rows[[4, 5]].mean(0)]), rtol=1e-6)
