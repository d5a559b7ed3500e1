"""From a model and held-out data to how far it has pulled their classes apart, beside what it began with."""

import time
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pellucid.core.arguments import MOST_SEED, Options, instance, real_number, refused, whole
from pellucid.core.errors import InputError
from pellucid.core.figure.settled import as_array
from pellucid.core.figure.words import amount
from pellucid.core.progress import Progress, telling
from pellucid.core.result import Provenance
from pellucid.maths.separation import (
    collapse,
    distances,
    means_of,
    resampled,
    scatter_ratio,
    scatter_ratios,
    silhouettes,
    stratified,
)
from pellucid.probe.address import Address
from pellucid.probe.guard import examined
from pellucid.probe.subject import Subject, call, split, up_to
from pellucid.windows.embeddings.measure.features import head_weights, provenance_of
from pellucid.windows.embeddings.measure.reading import SKETCH, Read, Wanted, batches_given, read
from pellucid.windows.embeddings.measure.shelf import shelf
from pellucid.windows.embeddings.measure.spot import PENULTIMATE, copied
from pellucid.windows.embeddings.measure.untrained import settle, untrained
from pellucid.windows.embeddings.result.separation import SPACES, Separation

Array = NDArray[Any]
_COMPARED = 4000
"""Examples of which silhouettes are measured, each with all others."""
_INTERVAL = (2.5, 97.5)
_TWIN = 1_000_003
"""Added to the seed: a twin with the seed of the training would only begin where that did."""


@dataclass(frozen=True, kw_only=True)
class SeparationOptions(Options):
    """How separation is measured.

    Attributes:
        samples: Examples at the most, the first that the batches give; as many of the training data.
        draws: Times that examples are drawn anew for the intervals.
        seed: Of these draws, and of the weights of the untrained twin.
    """

    samples: int = 10_000
    draws: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        self.settle(samples=(whole, 1), draws=(whole, 20, 100_000), seed=(whole, 0, MOST_SEED))


def separation(
    model: nn.Module | Subject,
    held_out: Any = None,
    *,
    train: Any = None,
    at: Address = PENULTIMATE,
    options: SeparationOptions | None = None,
    progress: Progress = None,
) -> Separation:
    """Measure whether a model has learned to tell classes apart, in the space of its features.

    How far the members of a class lie apart, over how far the classes do, is held against the same ratio of the raw
    inputs and of an untrained twin (the same architecture, with weights drawn anew), of which the smaller counts: with
    0.5 of it or less classes are learned, from 0.9 on they are as tangled as they were. Neighbours, a linear probe and
    the silhouette alone do not tell: they score high on features of a network that has learned nothing.
    The model is in eval mode meanwhile, and afterwards as it was, bit for bit.

    Args:
        model: A model, or a subject with batches.
        held_out: Batches (input, class) that the model was not trained on; None for the batches of the subject.
        train: Batches that it was trained on: whether it knows them by heart is measured on them.
        at: Where features are read; see `features`.
        options: How thoroughly.
        progress: None for a line on stderr, False for silence, or a function that is given (done, in all).

    Returns:
        The separation, with its verdict. After Ctrl-C that of the data that were read.

    Raises:
        AddressError: There is no such layer.
        InputError: There are no data or no classes, no head was found, or vectors are of several lengths.

    Cost:
        Two forward passes over the data, three where there is batch norm, and one over the training data. Memory: two
        vectors of each example and its raw input, of 4,096 values at the most; a copy of the model.

    Source:
        Ours; within over between: Fisher 1936, as NC1 in Papyan, Han and Donoho 2020; silhouette: Rousseeuw 1987.
    """
    begun, chosen = time.perf_counter(), instance("options", options, SeparationOptions)
    subject = Subject.of(model)
    data = batches_given(subject, held_out, "held-out data")
    trained = None if train is None else batches_given(subject, train, "training data")
    with telling("separation", progress), examined(subject.model) as bare, torch.no_grad():
        found, missing = _read_both(bare, data, at, chosen)
        head = head_weights(bare, found.spot)
        accuracy = float("nan") if trained is None or found.stopped else _accuracy_on(bare, trained, at, chosen)
    if not found.labels.size:
        raise InputError(
            f"None of {len(found.values):,} examples has a class, and separation is that of classes. Give batches "
            "(input, class): whole numbers, or rows with a 1 at the place of the class."
        )
    result = separation_of(
        found.values,
        found.labels,
        raw=found.raw if found.raw.size else None,
        untrained=found.twin if found.twin.size else None,
        head=head if head.size else None,
        predicted=found.predicted if found.predicted.size else None,
        train_accuracy=accuracy,
        options=chosen,
    )
    names, classes = subject.class_names or (), result.classes.tolist()
    return replace(
        result,
        provenance=provenance_of(subject, found, begun, passes=1 if missing else 2, seed=chosen.seed),
        layer=found.spot.words,
        pooled=found.pooled,
        names=tuple(names[one] for one in classes) if classes and len(names) > max(classes) else (),
        raw_missing=found.raw_missing or result.raw_missing,
        twin_missing=missing or result.twin_missing,
        sketched=found.raw.shape[1] == SKETCH,
        stopped=found.stopped,
    )


def _read_both(model: nn.Module, data: Iterable[Any], at: Address, chosen: SeparationOptions) -> tuple[Read, str]:
    """Read features, raw inputs and the features of an untrained twin; and say why there is no twin."""
    batches = list(data) if iter(data) is data else data  # it may be gone through twice
    twin, missing = untrained(model, chosen.seed + _TWIN)
    if twin is not None:
        settle(twin, up_to(batches, chosen.samples), lambda batch: call(twin, copied(split(batch)[0])))
    wanted = Wanted(samples=chosen.samples, raw=True, seed=chosen.seed, twin=twin)
    with shelf(None) as rows:
        return read(model, batches, at, shelf=rows, wanted=wanted), missing


def _accuracy_on(model: nn.Module, batches: Iterable[Any], at: Address, chosen: SeparationOptions) -> float:
    with shelf(None) as rows:
        found = read(model, batches, at, shelf=rows, wanted=Wanted(samples=chosen.samples), name="training batches")
    return _accuracy(found.predicted, found.labels)


def _accuracy(predicted: Array, labels: Array) -> float:
    """Return the share that is right of the examples with a class; NaN where the model says no classes."""
    known = labels >= 0
    return float((predicted == labels)[known].mean()) if predicted.size and known.any() else float("nan")


def separation_of(
    values: Any,
    labels: Any,
    *,
    raw: Any = None,
    untrained: Any = None,
    head: Any = None,
    predicted: Any = None,
    train_accuracy: float = float("nan"),
    options: SeparationOptions | None = None,
) -> Separation:
    """Measure the separation of classes in vectors that are at hand; see `separation`.

    Args:
        values: Features of held-out examples, [example, unit].
        labels: Their classes, [example]; negative for those without.
        raw: The inputs as vectors, [example, value]; None for none.
        untrained: Features of an untrained twin, [example, unit]; None for none.
        head: Weights that read the features, [class, unit]; None for none.
        predicted: What the model says of each, [example]; None where it says no classes.
        train_accuracy: On its training data, 0 to 1; NaN where it is not known.
        options: `samples` counts for models only.

    Returns:
        The separation. Examples without a class, and those of which a value is NaN or infinite, are left out.

    Raises:
        InputError: An array is of another shape than these.

    Cost:
        A distance for each pair of examples, of 4,000 chosen by lot where there are more.
    """
    begun, chosen = time.perf_counter(), instance("options", options, SeparationOptions)
    table = _matrix("values", values)
    labelled = _classes("labels", labels, len(table))
    said = None if predicted is None else _classes("predicted", predicted, len(table))
    others = [
        None if one is None else _matrix(name, one, len(table))
        for name, one in (("raw", raw), ("untrained", untrained))
    ]
    kept = (labelled >= 0) & np.isfinite(table).all(axis=1)
    spaces, missing = _usable([table, *others], kept)
    numbers, groups = np.unique(labelled[kept], return_inverse=True)
    weights = None if head is None else _rows_of(_matrix("head", head), numbers, table.shape[1])
    return Separation(
        provenance=Provenance(samples=len(table), seconds=time.perf_counter() - begun, seed=chosen.seed),
        classes=numbers.astype(np.int64),
        counts=np.bincount(groups, minlength=len(numbers)).astype(np.int64),
        collapse=_collapse(spaces[0], groups, weights, None if said is None else _places(said[kept], numbers)),
        accuracy=float("nan") if said is None else _accuracy(said[kept], labelled[kept]),
        train_accuracy=_share("train_accuracy", train_accuracy),
        examples=int(kept.sum()),
        left_out=int((~kept).sum()),
        raw_missing=missing[1],
        twin_missing=missing[2],
        **_measured(spaces, groups, chosen),
    )


def _usable(spaces: list[Array | None], kept: Array) -> tuple[list[Array | None], list[str]]:
    """Return the rows of each space that count, None for one that cannot be compared, and why it cannot."""
    found, missing = list[Array | None](), list[str]()
    for one in spaces:
        rows = None if one is None else one[kept]
        bad = rows is not None and not np.isfinite(rows).all()
        found.append(None if bad else rows)
        missing.append("there is a value that is NaN or infinite" if bad else "none was given" if one is None else "")
    return found, missing


def _measured(spaces: list[Array | None], groups: Array, chosen: SeparationOptions) -> dict[str, Any]:
    """Return what is measured in each space, NaN where there is nothing."""
    count = int(groups.max(initial=-1)) + 1
    ratios, silhouette = np.full(len(SPACES), np.nan), np.full(len(SPACES), np.nan)
    drawn = np.full((len(SPACES), chosen.draws), np.nan)
    found: dict[str, Any] = {"class_silhouettes": np.full(count, np.nan), "distances": np.full((count, count), np.nan)}
    if count > 1:
        weights = resampled(groups, chosen.draws, chosen.seed)
        some = stratified(groups, _COMPARED, chosen.seed)
        found["compared"] = len(some)
        for place, values in enumerate(spaces):
            if values is None:
                continue
            ratios[place] = scatter_ratio(values, groups)
            drawn[place] = scatter_ratios(values, groups, weights)
            each = silhouettes(values[some], groups[some])
            silhouette[place] = each.mean()
            if not place:
                found["class_silhouettes"] = np.bincount(groups[some], each) / np.bincount(groups[some])
                found["distances"] = _between(values, groups)
    share = ratios[0] / _least(ratios[1:])
    found |= {"share": float(share), "share_range": _interval(share, drawn[0] / _least(drawn[1:]))}
    ranges = np.stack([_interval(one, draws) for one, draws in zip(ratios, drawn, strict=True)])
    return found | {"ratios": ratios, "ratio_ranges": ranges, "silhouettes": silhouette}


def _least(ratios: Array) -> Any:
    """Return the smaller of the baselines' ratios that are known; NaN where there is none, or where it is 0."""
    least = np.where(np.isfinite(ratios), ratios, np.inf).min(axis=0)
    return np.where(np.isfinite(least) & (least > 0), least, np.nan)


def _interval(value: Any, draws: Array) -> Array:
    """Return the 95 % interval of a ratio, from what it is with examples drawn anew.

    These have members that repeat, which pulls their ratios down: the interval is moved, as a factor, so that the
    middle of the draws lies at the value.
    """
    known = draws[np.isfinite(draws) & (draws > 0)]
    if not np.isfinite(value) or len(known) < len(draws):
        return np.full(2, value if value == 0 else np.nan)
    return value * np.percentile(known, _INTERVAL) / np.median(known)


def _between(values: Array, groups: Array) -> Array:
    """Return the distances between class means, in typical distances of an example from its own."""
    means = means_of(values, groups)
    typical = float(np.sqrt(np.square(values - means[groups]).sum(axis=1).mean()))
    found = distances(means, means)
    np.fill_diagonal(found, 0.0)
    return found / typical if typical > 0 else np.where(found > 0, np.inf, 0.0)


def _collapse(values: Array | None, groups: Array, head: Array | None, said: Array | None) -> Array:
    if values is None or groups.max(initial=0) < 1:
        return np.full(5, np.nan)
    return np.array(astuple(collapse(values, groups, head=head, said=said)))


def _rows_of(head: Array, numbers: Array, width: int) -> Array | None:
    """Return the row of the head of each class; None where it has none, or other units."""
    if len(head) == 1 and not set(numbers.tolist()) - {0, 1}:  # one score, of class 1 against class 0
        head = np.concatenate([-head, head])
    return head[numbers] if numbers.size and numbers.max() < len(head) and head.shape[1] == width else None


def _places(said: Array, numbers: Array) -> Array:
    """Return the place of each class among some; -1 for one that is none of them."""
    place = np.searchsorted(numbers, said).clip(max=max(len(numbers) - 1, 0))
    return np.where(numbers[place] == said, place, -1) if len(numbers) else np.full(len(said), -1)


# ---------------------------------------------------------------------------------------------------- arguments


def _matrix(name: str, given: Any, rows: int | None = None) -> Array:
    how = "an array of real numbers, [row, column]" + ("" if rows is None else f", with {amount(rows, 'row')}")
    try:
        found = as_array(given)
    except ValueError as error:
        raise refused(name, given, how) from error
    if found.ndim != 2 or (rows is not None and len(found) != rows):
        raise InputError(f"{name} of shape {tuple(found.shape)} came; expected {how}.")
    return found


def _classes(name: str, given: Any, count: int) -> Array:
    how = f"one whole number for each of {amount(count, 'row')}"
    try:
        found = as_array(given)
    except ValueError as error:
        raise refused(name, given, how) from error
    if found.shape != (count,):
        raise InputError(f"{name} of shape {tuple(found.shape)} came; expected {how}.")
    if found.dtype.kind == "f" and not (np.isfinite(found) & (found == np.round(found))).all():
        raise InputError(f"{name} holds numbers that are not whole; expected {how}.")
    return found.astype(np.int64)


def _share(name: str, given: Any) -> float:
    return given if isinstance(given, float) and given != given else real_number(name, given, 0.0, 1.0)  # noqa: PLR0124 - NaN
