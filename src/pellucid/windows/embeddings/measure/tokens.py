"""The words and vectors of a table: an array, a mapping, or what a text model looks its tokens up in."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import can_be_written, refused, several
from pellucid.core.errors import InputError, did_you_mean
from pellucid.core.figure.words import amount
from pellucid.core.result import Provenance
from pellucid.probe.address import ROOT, modules_of, unwrap
from pellucid.probe.guard import examined, refuse_complex, refuse_meta, refuse_uninitialized
from pellucid.probe.subject import Subject, is_plain
from pellucid.windows.embeddings.result.features import Features

Array = NDArray[Any]
Words = Sequence[str] | Mapping[str, int] | Callable[[list[int]], Sequence[str]] | None
_NO_TOKENS = ("position", "wpe", "type", "segment")
"""In the name of an embedding: what it is asked for are no tokens."""
_EXPECTED = "an array [word, dimension], a mapping from words to vectors, an nn.Embedding or a text model"
_WHICH = "words, or numbers of rows, one or more"
_HOW = (
    "a list of one text a row, a mapping from texts to rows such as tokenizer.get_vocab(), or a function from ids to "
    "texts such as tokenizer.convert_ids_to_tokens"
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Words and their vectors.

    Attributes:
        source: Where they come from, in words.
        rows: [word, dimension]; of any type of real numbers.
        words: One a row; () where none are known.
        usable: Which rows have a direction: finite, and not all 0, [word].
    """

    source: str
    rows: Array
    words: tuple[str, ...]
    usable: Array

    def find(self, word: Any, name: str) -> int:
        """Return the row of a word.

        Args:
            word: What was asked for.
            name: What it was given as, such as "a".

        Raises:
            InputError: It is no text, there is no such word, or its vector has no direction.
        """
        if not isinstance(word, str):
            raise refused(name, word, "a word, as text")
        place = self._places.get(word)
        if place is None:
            near = did_you_mean(word, self.words)
            there = f"{name}={word[:80]!r} came, and there is no such word among {len(self.words):,}."
            raise InputError(f"{there} {near}".strip())
        if not self.usable[place]:
            what = "0 everywhere" if np.isfinite(self.rows[place]).all() else "NaN or infinite"
            raise InputError(
                f"The vector of {name}={word!r} is {what}, and has no direction. Ask about words that were trained."
            )
        return place

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words)}


def table_of(vectors: Any, words: Words) -> Table:
    """Return words and vectors, however they came.

    Args:
        vectors: An array or a tensor, [word, dimension]; a mapping from words to vectors; an nn.Embedding; a text model
            or a subject with one; or features whose classes are named, one class an example, as `tokens` makes them.
        words: See `analogy`.

    Raises:
        InputError: They are something else, or do not fit each other.
    """
    if isinstance(vectors, (nn.Module, Subject)):
        source, rows = embedding_of(vectors, words)
    elif isinstance(vectors, Features):
        source, rows = vectors.layer, vectors.values
        words = vectors.names if words is None else words
    elif isinstance(vectors, Mapping):
        return _of_mapping(cast("Mapping[Any, Any]", vectors), words)
    else:
        source, rows = "an array", rows_of(vectors)
    places, names = words_of(words, len(rows))
    return made(source, rows if places is None else rows[places], names)


def made(source: str, rows: Array, words: tuple[str, ...]) -> Table:
    """Return a table that says which of its rows can be used."""
    usable = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(rows), 65536):  # a map of a file is not read at once
        part = np.asarray(rows[start : start + 65536])
        usable[start : start + 65536] = np.isfinite(part).all(axis=1) & (part != 0).any(axis=1)
    return Table(source=source, rows=rows, words=words, usable=usable)


def rows_of(vectors: Any) -> Array:
    """Return vectors as an array of real numbers, [word, dimension].

    Raises:
        InputError: They are something else.
    """
    if isinstance(vectors, Tensor):
        if not is_plain(vectors):
            raise refused("vectors", vectors, f"{_EXPECTED}, dense and of real numbers")
        found = vectors.detach().cpu()
        vectors = found.float().numpy() if found.is_floating_point() and found.element_size() < 4 else found.numpy()
    if not isinstance(vectors, np.ndarray):
        raise refused("vectors", vectors, _EXPECTED)
    rows = cast("Array", vectors)
    if rows.dtype.kind not in "fiu":
        raise InputError(f"vectors came as an array of {rows.dtype}; expected real numbers, [word, dimension].")
    if rows.ndim != 2 or not rows.shape[1]:
        raise InputError(f"vectors came with the shape {rows.shape}; expected [word, dimension], one row a word.")
    return rows


def _of_mapping(vectors: Mapping[Any, Any], words: Words) -> Table:
    if words is not None:
        raise InputError("words= came beside a mapping, whose keys are the words. Leave it out.")
    bad = next((one for one in vectors if not (isinstance(one, str) and can_be_written(one))), None)
    if bad is not None:
        raise refused("A key of vectors", bad, "a word, as text")
    rows = [_row(word, one) for word, one in vectors.items()]
    odd = next((place for place, row in enumerate(rows) if row.shape != rows[0].shape), None)
    if odd is not None:
        names = list(vectors)
        raise InputError(
            f"The vector of {names[odd]!r} has {rows[odd].size} numbers and that of {names[0]!r} {rows[0].size}; "
            "expected as many of each."
        )
    return made("a mapping", np.stack(rows) if rows else np.zeros((0, 1)), tuple(vectors))


def _row(word: str, vector: Any) -> Array:
    given = vector if isinstance(vector, (Tensor, np.ndarray)) else np.asarray(vector)
    if given.ndim != 1 or not len(given):
        raise InputError(f"The vector of {word!r} came with the shape {tuple(given.shape)}; expected one axis.")
    return rows_of(given[None])[0]


def words_of(words: Any, count: int) -> tuple[Array | None, tuple[str, ...]]:
    """Return which rows have names, None for all, and these.

    Raises:
        InputError: They are no texts, do not fit the rows, or one is there twice.
    """
    if words is None:
        raise InputError(f"The words of the {amount(count, 'row')} are not known. Give words=: {_HOW}.")
    if isinstance(words, Mapping):
        return _numbered(cast("Mapping[Any, Any]", words), count)
    given: Any = words(list(range(count))) if callable(words) and not isinstance(words, type) else words
    if isinstance(given, (str, bytes)) or not isinstance(given, (Sequence, np.ndarray)):
        raise refused("words", words, _HOW)
    names = [str(one) if isinstance(one, str) and can_be_written(one) else None for one in cast("Sequence[Any]", given)]
    if None in names:
        bad = names.index(None)
        raise InputError(f"words= holds {ascii(cast('Any', given)[bad])[:60]} at {bad}; expected texts only.")
    if len(names) != count:
        raise InputError(
            f"words= holds {amount(len(names), 'word')} for {amount(count, 'row')}; expected one for each."
        )
    _refuse_twice(names)
    return None, tuple(cast("list[str]", names))


def _numbered(words: Mapping[Any, Any], count: int) -> tuple[Array, tuple[str, ...]]:
    for word, row in words.items():
        is_row = isinstance(row, (int, np.integer)) and not isinstance(row, bool) and 0 <= int(row) < count
        if not (isinstance(word, str) and can_be_written(word) and is_row):
            raise InputError(
                f"words= maps {word!r:.60} to {row!r:.60}; expected texts to numbers of rows, 0 to {count - 1:,}."
            )
    _refuse_twice([int(row) for row in words.values()])
    order = sorted(words, key=lambda word: int(words[word]))
    return np.array([int(words[word]) for word in order], dtype=np.int64), tuple(order)


def _refuse_twice(names: Sequence[Any]) -> None:
    seen: dict[Any, int] = {}
    for place, name in enumerate(names):
        if name in seen:
            what = f"the word {name!r}" if isinstance(name, str) else f"row {name}"
            raise InputError(f"words= names {what} twice, at {seen[name]} and {place}; expected each once.")
        seen[name] = place


def embedding_of(model: nn.Module | Subject, words: Any = None) -> tuple[str, Array]:
    """Return what a text model looks its tokens up in: in words, and the rows.

    Args:
        model: An nn.Embedding, a model that holds one or more, or a subject.
        words: What was given as words; of several embeddings that which has as many rows is taken.

    Raises:
        InputError: There is none, or it cannot be told which.
    """
    subject = Subject.of(model)
    refuse_uninitialized(subject.model)
    name, module = _embedding(subject, words)
    with examined(subject.model), torch.no_grad():  # a parametrization in train mode would change what it holds
        weight: Any = module.weight
        refuse_meta([(f"{name}.weight", weight)])
        refuse_complex([(f"{name}.weight", weight)], "no direction is known")
        rows = rows_of(weight.detach().clone())
    return (subject.title if name == ROOT else f"{name!r} of {subject.title}"), rows


def _embedding(subject: Subject, words: Any) -> tuple[str, nn.Module]:
    named = {name: one for name, one in modules_of(subject.model).items() if _is_table(one)}
    own = getattr(unwrap(subject.model), "get_input_embeddings", None)
    said = _said(own) if callable(own) else None
    found = {name: one for name, one in named.items() if one is said}
    if not found:
        tokens = {name: one for name, one in named.items() if not any(part in name.lower() for part in _NO_TOKENS)}
        found = tokens or named
        if len(found) > 1 and hasattr(words, "__len__"):
            found = {name: one for name, one in found.items() if len(cast("Any", one).weight) == len(words)} or found
    if len(found) == 1:
        return next(iter(found.items()))
    if not found:
        raise InputError(f"{subject.title} has no nn.Embedding that words could be looked up in. Give {_EXPECTED}.")
    sizes = ", ".join(f"{name!r} {tuple(cast('Any', one).weight.shape)}" for name, one in found.items())
    raise InputError(
        f"{subject.title} has {len(found)} embeddings, and which one is of words cannot be told: {sizes}. Give one of "
        f"them, such as model.get_submodule({next(iter(found))!r})."
    )


def _is_table(module: nn.Module) -> bool:
    return isinstance(module, (nn.Embedding, nn.EmbeddingBag))


def _said(own: Callable[[], Any]) -> Any:
    """Return what a model of transformers says itself; None where it says nothing."""
    try:
        return own()
    except (NotImplementedError, AttributeError, TypeError):
        return None


def tokens(model: nn.Module | Subject, which: Any = None, *, words: Words = None) -> Features:
    """Return the vectors that a text model looks its tokens up in, before anything is made of them.

    For vectors of whole sentences see `features`: of a layer whose output has tokens it takes the mean of those that
    the mask keeps.

    Args:
        model: A text model, an nn.Embedding, or a subject. Of several embeddings the one is taken that the model says
            itself (`get_input_embeddings` of transformers), else the only one whose name does not speak of positions or
            types, else the only one with as many rows as there are words.
        which: Words, or numbers of rows; None for all.
        words: What the rows stand for: a list of one text a row, a mapping from texts to rows such as
            `tokenizer.get_vocab()`, or a function from ids to texts such as `tokenizer.convert_ids_to_tokens`.

    Returns:
        One vector a token, in the order asked for. Every token is a class of its own: `labels` numbers them, and
        `names` holds the words where they are known.

    Raises:
        InputError: There is no embedding, it cannot be told which is of words, or there is no such word or row.

    Cost:
        One reading of the embedding; no forward pass.

    Example:
        >>> import pellucid as pel
        >>> from torch import nn
        >>> pel.embeddings.tokens(nn.Embedding(3, 2), ["b", "a"], words=["a", "b", "c"]).values.shape
        (2, 2)
    """
    begun, subject = time.perf_counter(), Subject.of(model)
    source, rows = embedding_of(subject, words)
    named = dict[int, str]()
    if words is not None:
        places, names = words_of(words, len(rows))
        named = dict(zip(range(len(rows)) if places is None else places.tolist(), names, strict=True))
    chosen = _chosen(which, named, len(rows))
    return Features(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
            samples=len(chosen),
            seconds=time.perf_counter() - begun,
        ),
        layer=source,
        values=np.asarray(rows[chosen], dtype=np.float32),
        labels=np.arange(len(chosen), dtype=np.int64),
        predicted=np.zeros(0, dtype=np.int64),
        head=np.zeros((0, rows.shape[1]), dtype=np.float32),
        images=np.zeros((0, 0, 0), dtype=np.float32),
        names=tuple(named.get(row, str(row)) for row in chosen) if named else (),
    )


def _chosen(which: Any, named: Mapping[int, str], count: int) -> list[int]:
    """Return the rows that were asked for."""
    if which is None:
        return sorted(named) if named else list(range(count))
    given = several("which", which, _WHICH)
    if not given:
        raise refused("which", which, _WHICH)
    rows = {word: row for row, word in named.items()}
    found = list[int]()
    for one in given:
        if isinstance(one, str) and not named:
            raise InputError(f"which= holds the word {one[:60]!r}, and no words are known. Give words=: {_HOW}.")
        if isinstance(one, str) and one not in rows:
            there = f"which= holds {one[:60]!r}, and there is no such word among {len(named):,}."
            raise InputError(f"{there} {did_you_mean(one, rows)}".strip())
        if not isinstance(one, str) and not (type(one) is int and 0 <= one < count):
            raise InputError(f"which= holds {one!r:.60}; expected a word, or the number of a row, 0 to {count - 1:,}.")
        found.append(rows[one] if isinstance(one, str) else int(one))
    return found
