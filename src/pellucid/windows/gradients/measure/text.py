"""The text that a map lies over: which token stands at each place, and which places only fill a row up."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.core.figure.words import amount
from pellucid.probe.address import unwrap
from pellucid.windows.gradients.result import Saliency

Tokens = Sequence[str] | Sequence[Sequence[str]] | Callable[[list[int]], Sequence[str]] | None
_NOT_TEXT = ("mask", "type", "position", "segment")
"""In the name of an argument: its whole numbers are no tokens."""
_HOW = "Give tokens= a list of strings for each example, or a function such as tokenizer.convert_ids_to_tokens."


@dataclass(frozen=True)
class Text:
    """What stands at the places of a batch.

    Attributes:
        rows: The tokens of each example, one a place; "" where it is padded and nothing was said.
        padded: [example, place]; empty where none is known.
        asked: Whether the tokens were given, and are not merely the numbers that the model was.
    """

    rows: tuple[tuple[str, ...], ...]
    padded: NDArray[np.bool_]
    asked: bool


def text_of(model: nn.Module, x: Any, tokens: Any) -> Text | None:
    """Find out what stands at the places of a batch, before anything is computed.

    Args:
        model: Its arguments say which of several inputs are token ids, and which is a mask.
        x: A batch, as `saliency` takes it.
        tokens: See `Tokens` and `saliency`; checked here.

    Returns:
        The text; None where no token ids came, and no tokens.

    Raises:
        InputError: The tokens are no strings, or do not fit the batch.
    """
    named = _arguments(model, x)
    ids, kept = _ids(named), _kept(named)
    if tokens is None and ids is None:
        return None
    names = _names(tokens, ids)
    known = kept if ids is None else ids
    if known is None:
        return Text(rows=tuple(names), padded=np.zeros((0, 0), bool), asked=True)
    if len(names) != len(known):
        raise InputError(f"tokens= holds {amount(len(names), 'list')} for {amount(len(known), 'example')}. {_HOW}")
    kept = kept if kept is not None and kept.shape == known.shape else None
    fillers = frozenset[int]() if ids is None else _fillers(model, ids)
    padded = np.zeros(known.shape, bool) if kept is None else ~kept
    own = [None if ids is None or kept is not None else one for one in (known if ids is None else ids)]
    placed = [_placed(row, place, padded[place], own[place], fillers) for place, row in enumerate(names)]
    padded = np.stack([filling for _, filling in placed]) if placed else np.zeros((0, 0), bool)
    return Text(rows=tuple(row for row, _ in placed), padded=padded, asked=tokens is not None)


def told(result: Saliency, text: Text | None) -> Saliency:
    """Return a result with the text that its first map lies over.

    Args:
        result: The maps.
        text: What stands at the places of the batch; None for nothing.

    Returns:
        The result; without text where the map does not lie over one.

    Raises:
        InputError: Tokens were given, and the map has other places.
    """
    shape, asked = result.map.shape, text is not None and text.asked
    fits = text is not None and len(shape) in ((2, 3) if asked else (3,)) and _fits(text.rows, shape)
    if asked and not fits:
        assert text is not None  # noqa: S101 - it was asked for
        places = sorted({len(row) for row in text.rows})
        raise InputError(
            f"tokens= names {' or '.join(map(str, places))} places of {amount(len(text.rows), 'example')}, and the map "
            f"has the shape {shape}, expected (examples, places, dimensions). Name a layer that keeps the places of "
            "the text with at=, and one token for each."
        )
    if text is None or not fits:
        return replace(result, tokens=(), padded=np.zeros((0, 0), bool))
    return replace(result, tokens=text.rows, padded=text.padded if text.padded.any() else np.zeros((0, 0), bool))


def _fits(rows: Sequence[Sequence[str]], shape: tuple[int, ...]) -> bool:
    return len(rows) == shape[0] and all(len(row) == shape[1] for row in rows)


def _arguments(model: nn.Module, x: Any) -> dict[str, Tensor]:
    """Return what has one value a place, [example, place], by the name of the argument that takes it."""
    if isinstance(x, Mapping):
        given = [(str(name), one) for name, one in cast("Mapping[Any, Any]", x).items()]
    else:
        several: Sequence[Any] = x if isinstance(x, (tuple, list)) else (x,)
        names = _parameters(model) if len(several) > 1 else []
        given = [(name or str(place), one) for place, (name, one) in enumerate(zip_longest(names, several))]
    return {name: one.detach().cpu() for name, one in given if isinstance(one, Tensor) and one.ndim == 2}


def _parameters(model: nn.Module) -> list[str]:
    try:
        return [*inspect.signature(unwrap(model).forward).parameters]
    except ValueError:  # a traced model has none
        return []


def _ids(named: Mapping[str, Tensor]) -> NDArray[Any] | None:
    """Return the token ids; None where no whole numbers came that may be some."""
    whole = {name: one for name, one in named.items() if not one.is_floating_point() and one.dtype.itemsize > 1}
    found = [one for name, one in whole.items() if not any(word in name for word in _NOT_TEXT)]
    chosen = named.get("input_ids", found[0] if found else None)
    return None if chosen is None else chosen.numpy()


def _kept(named: Mapping[str, Tensor]) -> NDArray[np.bool_] | None:
    """Return which places hold text, as masks of transformers and of PyTorch say it; None without one."""
    for name, one in named.items():
        if name.endswith("attention_mask"):
            return (one != 0).numpy()
        if name.endswith("padding_mask"):  # True, or minus infinity, is padded
            return (one == 0).numpy()
    return None


def _names(tokens: Any, ids: NDArray[Any] | None) -> list[tuple[str, ...]]:
    """Return the tokens of each example, as many as were given."""
    if tokens is None:
        assert ids is not None  # noqa: S101 - asked by the caller
        return [tuple(map(str, row)) for row in ids.tolist()]
    if callable(tokens):
        if ids is None:
            raise InputError(
                "tokens= is a function from token ids to strings, and the model was given no ids. Give the strings."
            )
        given: Any = [tokens(row) for row in ids.tolist()]
    else:
        given = [tokens] if _are_strings(tokens) else tokens  # of a single example
    if not isinstance(given, (tuple, list)) or not all(map(_are_strings, given)):
        several = cast("Sequence[Any]", given if isinstance(given, (tuple, list)) else [given])
        bad = repr(next(one for one in several if not _are_strings(one)))
        raise InputError(f"tokens= gives {bad[:60]} where a list of strings is expected. {_HOW}")
    return [tuple(row) for row in cast("Sequence[Sequence[str]]", given)]


def _are_strings(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(isinstance(one, str) for one in cast("Sequence[Any]", value))


def _fillers(model: nn.Module, ids: NDArray[Any]) -> frozenset[int]:
    """Return the ids that may fill a row up: those that an embedding says; without any 0, and what a row ends in twice.

    A single id at the end may as well be a token that was forgotten.
    """
    known = [one.padding_idx for one in model.modules() if isinstance(one, (nn.Embedding, nn.EmbeddingBag))]
    said = frozenset(one for one in known if one is not None)
    return said or frozenset({0, *(int(row[-1]) for row in ids if len(row) > 1 and row[-1] == row[-2])})


def _placed(
    row: tuple[str, ...], example: int, padded: NDArray[np.bool_], ids: NDArray[Any] | None, fillers: frozenset[int]
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Put the tokens of an example to their places; fewer of them stand where it is not padded."""
    places = len(padded)
    if len(row) == places:
        return row, padded
    rest = set[int]() if ids is None else set(ids[len(row) :].tolist())
    if len(rest) == 1 and rest <= fillers:
        padded = np.arange(places) >= len(row)  # one number fills the end up
    if len(row) != np.sum(~padded):
        known = f", {np.sum(~padded)} of them not padded" if padded.any() else ""
        raise InputError(
            f"tokens= holds {amount(len(row), 'string')} for example {example}, which has {places} places{known}. Give "
            "one for each, or for each that the attention mask keeps."
        )
    left = iter(row)
    return tuple("" if filling else next(left) for filling in padded), padded
