"""Maps over text: one value a token, with the token's text, and without what is padded."""

import re
import warnings
from collections import UserDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pellucid as pel
from pellucid.core.errors import InputError
from pellucid.core.figure import Bars, Figure, Tokens
from pellucid.core.frame import Frame, pack, unpack
from pellucid.gallery import CharacterGPT
from tests.windows.gradients.reading import IDS, MASK, Reader, words

HOW = "Give tokens= a list of strings for each example, or a function such as tokenizer.convert_ids_to_tokens."
EACH = "Give one for each, or for each that the attention mask keeps."


def shaded(figure: Figure) -> list[Tokens]:
    """The shaded texts of a figure."""
    return [mark for panel in figure.panels for mark in panel.marks if isinstance(mark, Tokens)]


def explained(x: Any = IDS, at: str | None = "embedding", **options: Any) -> pel.gradients.Saliency:
    """Maps of class 1."""
    return pel.gradients.saliency(Reader(), x, 1, at=at, **options)


def test_shares_are_added_up_with_their_sign() -> None:
    """So that the bars of a text add up to what its map adds up to."""
    result = explained(method="integratedgradients", tokens=words)
    assert [token for token, _ in result.table(1)] == words(IDS[1].tolist())
    np.testing.assert_allclose([value for _, value in result.table(1)], result.map[1].sum(1), rtol=1e-5)
    figure = result.figure()
    what = "What the score depends on for '1': integratedgradients at embedding"
    assert figure.title == f"{what}, sum of each token"
    assert [(mark.signed, mark.label) for mark in shaded(figure)] == [(True, "against / for, sum over dimensions")] * 2
    np.testing.assert_allclose(shaded(figure)[1].values, result.map[1].sum(1), rtol=1e-5)


def test_gradients_are_measured_by_their_length() -> None:
    """Their sum over dimensions of opposite sign says nothing."""
    result = explained(tokens=words)
    np.testing.assert_allclose([value for _, value in result.table(0)], np.linalg.norm(result.map[0], axis=1), 1e-5)
    figure = result.figure()
    assert figure.title.endswith("gradient at embedding, L2 norm of each token")
    assert [(mark.signed, mark.label) for mark in shaded(figure)] == [(False, "size, L2 norm over dimensions")] * 2


@pytest.mark.parametrize(
    "x",
    [
        {"attention_mask": MASK, "token_type_ids": None, "input_ids": IDS},
        UserDict(input_ids=IDS, attention_mask=MASK),
        (IDS, MASK),
        (IDS, MASK.bool()),
    ],
    ids=["mapping", "as of a tokenizer", "positional", "bool"],
)
def test_padded_places_are_left_out_of_the_picture(x: Any) -> None:
    """They stay in the raw values, and are counted."""
    if isinstance(x, dict):
        x = {name: one for name, one in x.items() if one is not None}
    result = explained(x, method="inputxgradient", tokens=words)
    assert result.map.shape == (2, 6, 8)
    assert result.tokens[0] == ("<b>a</b>", "Ġnot", "##ing", "", "[PAD]", "[PAD]")
    np.testing.assert_array_equal(result.padded, MASK == 0)
    assert [token for token, _ in result.table()] == ["<b>a</b>", "Ġnot", "##ing", ""]
    figure = result.figure()
    assert [len(mark.text) for mark in shaded(figure)] == [4, 6]
    assert [panel.note for panel in figure.panels[::2]] == ["2 padded places are left out", ""]


def test_a_mask_of_pytorch_says_what_is_padded() -> None:
    """True there means the opposite."""

    class Masked(Reader):
        def forward(self, x: Tensor, key_padding_mask: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(x, ~key_padding_mask)

    result = pel.gradients.saliency(Masked(), (IDS, MASK == 0), 1, at="embedding")
    np.testing.assert_array_equal(result.padded, MASK == 0)


def test_a_traced_model_is_explained_all_the_same() -> None:
    """Its arguments have no names: no mask is known."""

    class Sum(nn.Module):
        def forward(self, x: Tensor, attention_mask: Tensor) -> Tensor:
            return x * attention_mask

    x, mask = torch.rand(2, 3), torch.tensor([[1, 1, 0], [1, 1, 1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        traced: Any = torch.jit.trace(Sum(), (x, mask))
    for model, padded in ((traced, 0), (Sum(), 6)):
        result = pel.gradients.saliency(model, (x, mask), 0, tokens=[list("abc"), list("ABC")])
        assert result.padded.size == padded


def test_without_tokens_the_ids_are_named() -> None:
    """One value a token is what a reader of text wants, in any case."""
    result = explained()
    assert result.tokens[0] == ("1", "2", "3", "4", "0", "0")
    assert result.padded.size == 0
    assert shaded(result.figure())[1].text == ("5", "4", "3", "2", "1", "6")


def test_a_causal_transformer_of_the_gallery() -> None:
    """What the next character depends on, of 200 tokens: all are shaded, the strongest are bars."""
    torch.manual_seed(0)
    model = CharacterGPT(width=16, depth=1, heads=2, context=200)
    ids = torch.randint(65, (1, 200))
    tokens = [[chr(33 + one) for one in row] for row in ids.tolist()]
    last = (199, 3)
    result = pel.gradients.saliency(model, ids, last, at="embedding", method="inputxgradient", tokens=tokens[0])
    assert list(result.tokens[0]) == tokens[0]
    figure = result.figure()
    assert list(shaded(figure)[0].text) == tokens[0]
    panel = figure.panels[1]
    assert panel.title == "The 16 strongest of 200 tokens, in their order"
    (bars,) = panel.marks
    assert isinstance(bars, Bars)
    values = np.array([value for _, value in result.table()])
    kept = np.sort(np.argsort(-np.abs(values), kind="stable")[:16])
    np.testing.assert_array_equal(bars.heights, values[kept])
    assert panel.x.categories == tuple(f"{one}: {tokens[0][one]}" for one in kept)


def test_texts_of_unequal_length_without_a_mask() -> None:
    """Where one number fills the end up, shorter lists of tokens say where that begins."""
    result = explained(tokens=[["a", "b", "c", "d"], list("ABCDEF")])
    assert result.tokens[0] == ("a", "b", "c", "d", "", "")
    assert [token for token, _ in result.table(0)] == ["a", "b", "c", "d"]


def test_shorter_lists_stand_where_a_mask_keeps_places() -> None:
    """Also where the padding comes first."""
    x = {"input_ids": IDS.flip(1), "attention_mask": MASK.flip(1)}
    result = explained(x, tokens=[["a", "b", "c", "d"], list("ABCDEF")])
    assert result.tokens[0] == ("", "", "a", "b", "c", "d")
    assert [token for token, _ in result.table(0)] == ["a", "b", "c", "d"]


def test_embedded_inputs_take_tokens() -> None:
    """Where the embedding is what the model is given, there are no ids, and the map is no picture."""
    x = {"inputs_embeds": torch.randn(2, 6, 8)}
    result = explained(x, at=None, tokens=[list("abcdef"), list("ABCDEF")])
    assert [mark.text for mark in shaded(result.figure())] == [tuple("abcdef"), tuple("ABCDEF")]


def test_what_is_no_text_has_no_tokens() -> None:
    """Whole numbers beside a map of another form are not taken for it."""
    assert explained(at="block.mlp.expand").tokens == explained().tokens
    assert explained(at="head").tokens == ()
    with pytest.raises(
        InputError,
        match=r"^The map lies over no text\. Name its places: pel\.gradients\.saliency\(\.\.\., tokens=\.\.\.\)\.$",
    ):
        explained(at="head").table()


def test_the_text_survives_everything(tmp_path: Any) -> None:
    """HTML, an empty token, a long one and a line break: in a file, in characters and in a living picture."""
    x = {"input_ids": IDS, "attention_mask": MASK}
    result = explained(x, tokens=words)
    found = pel.gradients.Saliency.load(result.save(tmp_path / "map.safetensors"))
    assert (found.tokens, found.contributes) == (result.tokens, False)
    np.testing.assert_array_equal(found.padded, result.padded)
    figure = result.figure()
    read = unpack(pack(Frame(figure=figure))).figure
    assert [mark.text for mark in shaded(read)] == [mark.text for mark in shaded(figure)]
    text = figure.text()
    for word in ("<b>a</b>", "Ġnot", "##ing", "␣", "2 padded places are left out", "Each text has a scale of its own."):
        assert word in text
    page = pel.report(result, to=tmp_path / "map.html").read_text("utf-8")
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    assert "<b>a</b>" not in page


def test_texts_stand_side_by_side() -> None:
    """A column a method, without one for a picture."""
    ways = [explained(method=way, tokens=words) for way in ("inputxgradient", "gradient")]
    figure = pel.gradients.side_by_side(ways, most=1)
    assert figure.columns == 2
    assert [mark.signed for mark in shaded(figure)] == [True, False]


def test_many_texts_are_shaded_only() -> None:
    """Bars of more than four take too much room."""
    figure = explained(IDS[1:].repeat(5, 1)).figure()
    assert len(shaded(figure)) == len(figure.panels) == 5


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ("some text", f"tokens= gives 'some text' where a list of strings is expected. {HOW}"),
        ([["a"] * 6, "b"], f"tokens= gives 'b' where a list of strings is expected. {HOW}"),
        (str, f"tokens= gives '[1, 2, 3, 4, 0, 0]' where a list of strings is expected. {HOW}"),
        (["a"] * 6, f"tokens= holds 1 list for 2 examples. {HOW}"),
        ([["a"] * 6, ["a"] * 7], f"tokens= holds 7 strings for example 1, which has 6 places. {EACH}"),
        ([["a"] * 6, ["a"] * 3], f"tokens= holds 3 strings for example 1, which has 6 places. {EACH}"),
    ],
)
def test_tokens_that_do_not_fit_are_refused(tokens: Any, message: str) -> None:
    """Before anything is computed, with what came and what to do."""
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        explained(tokens=tokens)


def test_a_token_that_was_forgotten_is_no_padding() -> None:
    """One place is left over at the end: its id may fill a row up only where an embedding or other rows say so."""
    ids = torch.tensor([[1, 2, 3, 4, 5], [1, 2, 6, 4, 3]])
    message = f"tokens= holds 4 strings for example 0, which has 5 places. {EACH}"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        explained(ids, tokens=[["a"] * 4, ["a"] * 4])
    ids[0, 4] = 0
    assert explained(ids, tokens=[["a"] * 4, ["a"] * 5]).tokens[0] == ("a", "a", "a", "a", "")
    ids[:, 3:] = torch.tensor([[3, 6], [6, 6]])
    assert explained(ids, tokens=[["a"] * 4, ["a"] * 3]).tokens[0] == ("a", "a", "a", "a", "")


def test_there_is_a_table_of_each_example() -> None:
    """And of no other."""
    with pytest.raises(InputError, match=r"^example=2 came; expected a whole number, 0 to 1\.$"):
        explained(tokens=words).table(2)
    with pytest.raises(InputError, match=r"^example=1 came; expected a whole number, 0 to 0\.$"):
        explained(IDS[:1], tokens=words).table(1)


def test_tokens_beside_a_mask_are_counted() -> None:
    """The message says how many places are left."""
    message = f"tokens= holds 3 strings for example 0, which has 6 places, 4 of them not padded. {EACH}"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        explained((IDS, MASK), tokens=[["a"] * 3, ["a"] * 6])


def test_tokens_of_another_map_are_refused() -> None:
    """A layer that has no places of the text, and inputs without ids."""
    message = (
        "tokens= names 6 places of 2 examples, and the map has the shape (2, 3), expected (examples, places, "
        "dimensions). Name a layer that keeps the places of the text with at=, and one token for each."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        explained(at="head", tokens=words)
    message = "tokens= is a function from token ids to strings, and the model was given no ids. Give the strings."
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        explained({"inputs_embeds": torch.randn(2, 6, 8)}, at=None, tokens=words)
