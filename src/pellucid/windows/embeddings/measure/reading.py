"""Reading: going through batches once, and keeping of each example its vector, its class and what the model says."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.core.figure.words import amount
from pellucid.core.progress import each
from pellucid.methods.attribution.memory import Chunks
from pellucid.methods.attribution.nest import picture_in, rows_of, tensors
from pellucid.methods.attribution.target import row_of
from pellucid.probe.address import Address
from pellucid.probe.batches import batch_told
from pellucid.probe.subject import Subject, batch_size, device_of, split, to_device, up_to
from pellucid.windows.embeddings.measure import thumbnails
from pellucid.windows.embeddings.measure.shelf import Shelf
from pellucid.windows.embeddings.measure.spot import Reader, Spot, outputs_of, spot_at

Array = NDArray[Any]
CHUNK = 512
"""Examples of one forward pass at the most."""
_FEW = 3
"""Examples with which is found where to read."""
SKETCH = 4096
"""Longest vector of raw inputs that is kept as it is."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is kept beside vectors.

    Attributes:
        samples: Examples at the most.
        pictures: Whether small pictures of the inputs are.
        raw: Whether the inputs themselves are, as vectors.
        seed: Of the sketch of long inputs.
        twin: A second model whose vectors are read at the same spot; None for none.
    """

    samples: int
    pictures: bool = False
    raw: bool = False
    seed: int = 0
    twin: nn.Module | None = None


@dataclass(frozen=True, kw_only=True)
class Read:
    """What was read, in the order of the data.

    Attributes:
        spot: Where.
        pooled: How places became one vector; "" where there was one.
        values: [example, unit].
        labels: [example]; empty where no example has one; -1 for those without.
        predicted: [example]; empty where the model does not classify; -1 where it says none.
        raw: [example, value]; [0, 0] where there is none.
        raw_missing: Why there is none.
        twin: [example, unit] of the second model; [0, 0] where there is none.
        pictures: See `thumbnails.small`.
        stopped: Whether Ctrl-C ended it early.
    """

    spot: Spot
    pooled: str
    values: Array
    labels: Array
    predicted: Array
    raw: Array
    raw_missing: str
    twin: Array
    pictures: list[Array]
    stopped: bool


def batches_given(subject: Subject, data: Any, what: str = "data") -> Iterable[Any]:
    """Return batches that were given, or else those of the subject.

    Args:
        subject: May have batches.
        data: Batches, one pair (input, target), inputs alone, or a loader; None for those of the subject.
        what: What the argument is called.

    Raises:
        InputError: There are none, or it is nothing that can be gone through.
    """
    if data is None and subject.batches is not None:
        return subject.batches
    if data is None:
        raise InputError(
            f"No {what} was given to run {subject.title} on. Give batches (input, target) or inputs alone: a loader, a "
            "list of them, or pel.Subject(model, batches=...)."
        )
    pair = isinstance(data, tuple) and len(data) == 2 and isinstance(data[1], Tensor)
    one = pair and not isinstance(data[0], Tensor)
    found = replace(subject, batches=[data] if one else data).batches
    return () if found is None else found


def read(
    model: nn.Module, batches: Iterable[Any], at: Address, *, shelf: Shelf, wanted: Wanted, name: str = "batches"
) -> Read:
    """Go through batches and read.

    Args:
        model: In eval mode, without gradients; bare of wrappers.
        batches: With or without targets.
        at: Where to read.
        shelf: What takes the vectors.
        wanted: What else is kept.
        name: What batches are called where it is told how many are done.

    Raises:
        KeyboardInterrupt: Ctrl-C came before the first batch was read; afterwards what was read is returned.
    """
    reading, stopped = _Reading(model, at, shelf, wanted), False
    with reading.listening():
        try:
            for number, batch in enumerate(each(up_to(batches, wanted.samples), name), 1):
                with batch_told(number):
                    reading.add(batch)
        except KeyboardInterrupt:
            if not reading.parts:
                raise
            stopped = True
    return reading.found(stopped=stopped)


@dataclass(frozen=True)
class _Part:
    """What was read of some examples; put down at once, so that Ctrl-C finds all of it or nothing."""

    count: int
    labels: Tensor | None
    classes: Tensor | None
    scores: Tensor | None
    raw: Tensor | str
    twin: Tensor | None
    pictures: Array | None


class _Reading:
    """Reads batch by batch."""

    def __init__(self, model: nn.Module, at: Address, shelf: Shelf, wanted: Wanted) -> None:
        self._model, self._at, self._shelf, self._wanted = model, at, shelf, wanted
        self._readers: list[Reader] = []
        self._heard = ExitStack()
        self.parts = list[_Part]()
        self._pictured = 0

    def listening(self) -> ExitStack:
        """Return a context behind which no hook is left."""
        return self._heard

    def add(self, batch: Any) -> None:
        """Read one batch."""
        given, target = split(batch)
        inputs = to_device(given, device_of(self._model))
        count = batch_size(inputs)
        labels = labels_of(target, count)
        if not self._readers:
            self._begin(inputs, count)

        def work(rows: Tensor) -> None:
            some = inputs if len(rows) == count else rows_of(inputs, rows, count)
            self._look(some, len(rows), None if labels is None else labels[rows])

        Chunks(min(count, CHUNK)).each(count, work)

    def _begin(self, inputs: Any, count: int) -> None:
        few = min(count, _FEW)
        spot = spot_at(self._model, self._at, rows_of(inputs, torch.arange(few, device="cpu"), count), few)
        models = [self._model] if self._wanted.twin is None else [self._model, self._wanted.twin]
        self._readers = [Reader(one, spot) for one in models]
        for one in self._readers:
            self._heard.enter_context(one.listening())

    def _look(self, inputs: Any, count: int, labels: Tensor | None) -> None:
        values, output = self._readers[0].read(inputs, count)
        twin = self._readers[1].read(inputs, count)[0] if len(self._readers) > 1 else None
        classes, scores = _said(output, self._readers[0].spot, count)
        raw = raw_of(inputs, count, self._wanted.seed) if self._wanted.raw else ""
        pictures = self._small(inputs, count)
        self._shelf.put(values.numpy())
        self.parts.append(_Part(count, labels, classes, scores, raw, twin, pictures))
        self._pictured += 0 if pictures is None else len(pictures)

    def _small(self, inputs: Any, count: int) -> Array | None:
        given = dict(tensors(inputs))[picture_in(inputs, count)]
        left = thumbnails.MOST - self._pictured
        wanted = self._wanted.pictures and left > 0 and thumbnails.is_pictures(given)
        return thumbnails.small(given[:left]) if wanted else None

    def found(self, *, stopped: bool) -> Read:
        """Return all that was read."""
        parts, count = self.parts, sum(one.count for one in self.parts)
        labels = _joined([_or_none(one.labels, one.count) for one in parts])
        raw, missing = _raw_joined([one.raw for one in parts])
        twins = [one.twin for one in parts if one.twin is not None]
        return Read(
            spot=self._readers[0].spot,
            pooled=self._readers[0].pooled,
            values=self._shelf.taken(count),
            labels=labels,
            predicted=_predicted(parts, labels),
            raw=raw,
            raw_missing=missing,
            twin=torch.cat(twins).numpy() if twins else np.zeros((0, 0), dtype=np.float32),
            pictures=[one.pictures for one in parts if one.pictures is not None],
            stopped=stopped,
        )


# ------------------------------------------------------------------------------------------------------- labels


def labels_of(target: Any, count: int) -> Tensor | None:
    """Return the class of each example, [example]; None where the target is no class.

    Args:
        target: Whole numbers; real numbers that are all 0 or 1; or rows with a 1 at the place of the class.
        count: How many examples there are.
    """
    try:
        given = None if target is None else torch.as_tensor(target, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError):
        return None
    if given is None or not given.ndim or len(given) != count or given.is_complex():
        return None
    binary = bool(((given == 0) | (given == 1)).all())
    if given.numel() == count:
        whole = not given.is_floating_point()
        return given.reshape(count).long() if whole or binary else None
    one_each = given.ndim == 2 and binary and bool((given.sum(1) == 1).all())
    return given.argmax(1) if one_each else None


def _said(output: Any, spot: Spot, count: int) -> tuple[Tensor | None, Tensor | None]:
    """Return the class that scores highest, or the only score, of each example; None for what there is not."""
    scores = None if spot.output is None else dict(outputs_of(output)).get(spot.output)
    scores = row_of(output) if scores is None else scores
    if scores is None:
        only = [one for _, one in outputs_of(output)]
        scores = only[0] if len(only) == 1 else None
    if scores is None or not scores.ndim or len(scores) != count:
        return None, None
    if scores.numel() == count:
        return None, scores.reshape(count).float().cpu()
    if scores.ndim != 2:
        return None, None
    highest, place = scores.float().max(1)
    return torch.where(highest.isfinite(), place, -1).cpu(), None


def _predicted(parts: list[_Part], labels: Array) -> Array:
    """Return what the model says of each example; of one score an example only where the classes are 0 and 1."""
    if all(one.classes is not None for one in parts):
        return _joined([one.classes for one in parts])
    if any(one.scores is None for one in parts) or not labels.size or set(np.unique(labels).tolist()) - {-1, 0, 1}:
        return np.zeros(0, dtype=np.int64)
    scores = torch.cat([one.scores for one in parts if one.scores is not None]).numpy()
    known = scores[np.isfinite(scores)]
    shares = known.size > 0 and known.min() >= 0 and known.max() <= 1  # a sigmoid was in it
    return np.where(np.isfinite(scores), scores > (0.5 if shares else 0.0), -1).astype(np.int64)


def _or_none(labels: Tensor | None, count: int) -> Tensor:
    return torch.full((count,), -1, device="cpu") if labels is None else labels


def _joined(parts: list[Any]) -> Array:
    found = torch.cat(parts).numpy().astype(np.int64) if parts else np.zeros(0, dtype=np.int64)
    return found if (found >= 0).any() else found[:0]


# --------------------------------------------------------------------------------------------------- raw inputs


def raw_of(inputs: Any, count: int, seed: int) -> Tensor | str:
    """Return what a model is given as one vector an example, [example, value], on the CPU; or why there is none.

    Vectors of more than 4,096 values are sketched: each value is added, with a sign drawn by lot, to one of 4,096 sums
    drawn by lot, which keeps scatter and distances to about 2 % each, and far better on the mean of many.

    Args:
        inputs: See `probe.subject.call`; masks are left out.
        count: How many examples there are.
        seed: Of the sketch.

    Source:
        Charikar, Chen and Farach-Colton 2002 (count sketch).
    """
    given = [(path, one) for path, one in tensors(inputs) if one.ndim and len(one) == count and "mask" not in path]
    if any(not one.is_floating_point() and not thumbnails.is_pictures(one) for _, one in given):
        return "the inputs are numbers of tokens, whose distances mean nothing"
    parts = [one.detach().float().flatten(1).cpu() if one.ndim > 1 else one.float().cpu()[:, None] for _, one in given]
    if not parts:
        return "the inputs hold no real numbers"
    rows = torch.cat(parts, 1)
    width = rows.shape[1]
    if width <= SKETCH:
        return rows
    generator = torch.Generator("cpu").manual_seed(seed)
    sums = torch.randint(SKETCH, (width,), generator=generator, device="cpu")
    signs = torch.randint(2, (width,), generator=generator, device="cpu").float() * 2 - 1
    return torch.zeros(count, SKETCH, device="cpu").index_add_(1, sums, rows * signs)


def _raw_joined(parts: list[Tensor | str]) -> tuple[Array, str]:
    none = np.zeros((0, 0), dtype=np.float32)
    missing = next((one for one in parts if isinstance(one, str)), None)
    if missing is not None:
        return none, missing
    rows = [one for one in parts if isinstance(one, Tensor)]
    sizes = {one.shape[1] for one in rows}
    if len(sizes) > 1:
        return none, f"the inputs are of {amount(len(sizes), 'size')}"
    return torch.cat(rows).numpy() if rows else none, ""
