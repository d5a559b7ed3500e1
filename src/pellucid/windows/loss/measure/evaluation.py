"""One evaluation of a model on one batch: in eval mode, in train mode, and with every input at 0."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from pellucid.core.result import Provenance
from pellucid.methods.ground.noise import seed_everything
from pellucid.probe.address import LEAVES, Address, unwrap
from pellucid.probe.guard import untouched
from pellucid.probe.subject import batch_size, call, device_of, holds_nothing, no_examples, split, to_device
from pellucid.windows.loss.measure.layers import LayerSums
from pellucid.windows.loss.measure.objective import Loss, Objective, kept_targets, logits_of, objective_of
from pellucid.windows.loss.result import SanityCheck

PART = 128
"""Most samples of one forward pass."""
PART_VALUES = 2**24
"""Most inputs, or outputs, of one forward pass; a language model has 50 million outputs a sample."""
MOST_CLASSES = 1024
"""Predictions are counted a class each up to this many classes; a vocabulary is not."""


@dataclass(kw_only=True)
class _Totals:
    """What one pass over the batch adds up, on the model's device."""

    loss: list[tuple[Float[Tensor, ""], int]] = field(default_factory=list)
    right: list[Int[Tensor, ""]] = field(default_factory=list)
    labels: list[Int[Tensor, ""]] = field(default_factory=list)
    predictions: Int[Tensor, " class"] | None = None
    low: list[Float[Tensor, ""]] = field(default_factory=list)
    high: list[Float[Tensor, ""]] = field(default_factory=list)
    row_error: list[Float[Tensor, ""]] = field(default_factory=list)
    values: list[Float[Tensor, "row output"]] = field(default_factory=list)

    def mean_loss(self) -> float:
        """Mean over the parts, each with the weight of its targets; NaN when there is no loss."""
        weight = sum(count for _, count in self.loss)
        return math.nan if not weight else sum(float(value) * count for value, count in self.loss) / weight

    def accuracy(self) -> float:
        """Share of right predictions; NaN when there are no classes."""
        labels = sum(int(one) for one in self.labels)
        return sum(int(one) for one in self.right) / labels if labels else math.nan


def evaluate(
    model: nn.Module, x: Any, y: Any, loss: Loss | None = None, step: int = 0, *, at: Address = LEAVES
) -> SanityCheck:
    """Evaluate a model on one batch, and leave everything as it was.

    The batch is run through in parts of 128 samples: in eval mode, in eval mode with every input set to 0, and in
    train mode (as the model is when it is training, else with every module in train mode). Dropout draws the
    same in each evaluation. Without a loss, cross-entropy is assumed for class targets and squared error for real
    targets of the shape of the outputs; `loss_name` then ends in "(assumed)".

    Args:
        model: In any mode, on any device, wrapped or not.
        x: Inputs of at least one sample: a tensor, or a tuple, list or mapping of tensors.
        y: Targets of the same samples; None when there are none.
        loss: `loss(output, target)`, a mean over samples.
        step: Training step of the evaluation.
        at: Layers whose spread is measured.

    Returns:
        A result with one step. The loss in train mode is NaN for a batch of one, where batch norm has no meaning;
        the loss at zero inputs is NaN where an input is integer, such as tokens.

    Raises:
        InputError: The batch holds no tensor or no sample, or the model returns no tensor.
        AddressError: `at` matches nothing.

    Cost:
        Three forward passes over the batch, two over two samples of it, and a copy of all parameters while it runs.
    """
    started = time.perf_counter()
    inner, samples = unwrap(model), batch_size(x)
    if holds_nothing(x, y):
        raise no_examples([(x, y)])
    sums = LayerSums(inner, at)
    with untouched(inner), torch.no_grad():
        training = {module: module.training for module in inner.modules()}
        inner.eval()
        objective, classes, part = _examine(inner, x, y, loss)
        sums.prepare(partial(call, inner, next(parts_of(x, y, size=2))[0]))
        normal = _pass(inner, x, y, objective, classes=classes, part=part, sums=sums)
        zeroed = _pass(inner, _zeroed(x), y, objective, classes=classes, part=part) if _can_be_zeroed(x) else _Totals()
        for module, mode in training.items():
            module.training = mode or not training[inner]
        trained = _pass(inner, x, y, objective, classes=classes, part=part) if samples > 1 else _Totals()
    return SanityCheck(
        provenance=Provenance(
            model=f"{type(inner).__name__} {sum(one.numel() for one in inner.parameters()):,} parameters",
            samples=samples,
            passes=3,
            seconds=time.perf_counter() - started,
        ),
        task=objective.task,
        loss_name=objective.loss_name,
        samples=samples,
        steps=np.array([step], dtype=np.int64),
        loss_eval=_point(normal.mean_loss()),
        loss_train=_point(trained.mean_loss()),
        loss_zeroed=_point(zeroed.mean_loss()),
        accuracy_eval=_point(normal.accuracy()),
        accuracy_train=_point(trained.accuracy()),
        unit_samples=samples,
        **_outputs(normal),
        **_targets(y, objective, classes),
        **_inputs(x),
        **_layers(sums),
    )


def _examine(model: nn.Module, x: Any, y: Any, loss: Loss | None) -> tuple[Objective, int, int]:
    """Run two samples to see what the outputs look like: objective, classes (or 0), samples of one part."""
    part_x, part_y = next(parts_of(x, y, size=2))
    output = call(model, part_x)
    target = to_device(part_y, logits_of(output).device)
    objective = objective_of(output, target, loss)
    axis, logits = objective.class_axis, logits_of(output)
    largest = max((one.numel() for one in (logits, *tensors_of(part_x))), default=1) // batch_size(part_x)
    part = min(PART, max(PART_VALUES // max(largest, 1), 1))
    return objective, 0 if axis is None else logits.shape[axis], part


def _pass(
    model: nn.Module, x: Any, y: Any, objective: Objective, *, classes: int, part: int, sums: LayerSums | None = None
) -> _Totals:
    totals = _Totals()
    seed_everything()  # dropout draws the same every time, so that evaluations can be compared
    for part_x, part_y in parts_of(x, y, size=part):
        size = batch_size(part_x)
        run = partial(call, model, part_x)
        output = run() if sums is None else sums.take(size, run)
        logits = logits_of(output)
        target = to_device(part_y, logits.device)
        if objective.loss is not None:
            weight = int(kept_targets(target).sum()) if classes else size
            value = torch.as_tensor(objective.loss(output, target)).float().mean()
            totals.loss += [(value, weight)] if weight else []
        if classes:
            _count(totals, logits.movedim(cast("int", objective.class_axis), -1).float(), target, classes)
        if sums is not None:
            _describe(totals, logits.float(), objective, size)
    return totals


def _count(totals: _Totals, logits: Float[Tensor, "... class"], target: Shaped[Tensor, "..."], classes: int) -> None:
    kept = kept_targets(target)
    named = logits.argmax(-1)[kept]
    totals.right.append((named == target[kept]).sum())
    totals.labels.append(kept.sum())
    if classes <= MOST_CLASSES:
        counted = torch.zeros(classes, dtype=torch.int64, device=named.device)
        counted = counted.scatter_add_(0, named, torch.ones_like(named))
        totals.predictions = counted if totals.predictions is None else totals.predictions + counted


def _describe(totals: _Totals, logits: Float[Tensor, "..."], objective: Objective, samples: int) -> None:
    """Keep range, row sums and moments of the outputs of one part."""
    totals.low.append(logits.min())
    totals.high.append(logits.max())
    axis = objective.class_axis
    if axis is not None:
        rows = logits.movedim(axis, -1).flatten(0, -2)
        totals.row_error.append((rows.sum(-1) - 1).abs().max())
    else:
        rows = logits.reshape(samples, -1) if logits.ndim and len(logits) == samples else logits.reshape(-1, 1)
    exact = torch.float32 if rows.device.type == "mps" else torch.float64
    mean = rows.mean(0, dtype=exact)
    totals.values.append(torch.stack([mean, (rows - mean).square().sum(0), torch.full_like(mean, len(rows))]))


def parts_of(x: Any, y: Any, *, size: int) -> Iterator[tuple[Any, Any]]:
    """Cut a batch into parts of nearly equal size, so that the last is not too small for batch norm."""
    samples = batch_size(x)
    sides = np.linspace(0, samples, max(math.ceil(samples / size), 1) + 1).round().astype(int).tolist()
    for first, last in pairwise(sides):
        yield _cut(x, samples, slice(first, last)), _cut(y, samples, slice(first, last))


def _cut(batch: Any, samples: int, part: slice) -> Any:
    if isinstance(batch, Tensor):
        return batch[part] if batch.ndim and len(batch) == samples else batch
    if isinstance(batch, Mapping):
        return {key: _cut(one, samples, part) for key, one in cast("Mapping[str, Any]", batch).items()}
    if isinstance(batch, tuple | list):
        return tuple(_cut(one, samples, part) for one in cast("tuple[Any, ...]", batch))
    return batch


def tensors_of(batch: Any) -> Iterator[Tensor]:
    """Yield every tensor in a batch."""
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, Mapping):
        for one in cast("Mapping[str, Any]", batch).values():
            yield from tensors_of(one)
    elif isinstance(batch, tuple | list):
        for one in cast("tuple[Any, ...]", batch):
            yield from tensors_of(one)


def _can_be_zeroed(x: Any) -> bool:
    # A token 0 is a word like any other: setting it says nothing about what the inputs are worth.
    kinds = {one.dtype for one in tensors_of(x)} - {torch.bool}
    return bool(kinds) and all(kind.is_floating_point for kind in kinds)


def _zeroed(x: Any) -> Any:
    if isinstance(x, Tensor):
        return torch.zeros_like(x) if x.is_floating_point() else x
    if isinstance(x, Mapping):
        return {key: _zeroed(one) for key, one in cast("Mapping[str, Any]", x).items()}
    return tuple(_zeroed(one) for one in x) if isinstance(x, tuple | list) else x


def _point(value: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([value], dtype=np.float64)


def _outputs(totals: _Totals) -> dict[str, Any]:
    parts = torch.stack(totals.values).cpu().double().numpy()  # [part, (mean, squares, count), output]
    means, squares, counts = parts[:, 0], parts[:, 1], parts[:, 2]
    mean = (means * counts).sum(0) / counts.sum(0)
    variance = (squares + counts * (means - mean) ** 2).sum(0) / counts.sum(0)
    predictions = totals.predictions
    return {
        "predictions": np.zeros((1, 0), dtype=np.int64) if predictions is None else predictions.cpu().numpy()[None],
        "output_low": _point(min(float(one) for one in totals.low)),
        "output_high": _point(max(float(one) for one in totals.high)),
        "output_std": _point(float(np.sqrt(variance).mean())),
        "row_sum_error": _point(max((float(one) for one in totals.row_error), default=math.nan)),
    }


def _targets(y: Any, objective: Objective, classes: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "label_counts": np.zeros(0, dtype=np.int64),
        "target_low": math.nan,
        "target_high": math.nan,
    }
    if classes:
        labels = y[kept_targets(y)].reshape(-1).cpu()
        values["label_counts"] = torch.bincount(labels.long(), minlength=classes).numpy().astype(np.int64)
    elif objective.task == "regression":
        values |= {"target_low": float(y.min()), "target_high": float(y.max())}
        values |= {"loss_constant": _loss_of_the_mean(y, objective), "shapes": objective.shapes}
    return values


def _loss_of_the_mean(y: Tensor, objective: Objective) -> float:
    """Return the loss of the one answer that needs no input: the mean of the targets, for every sample."""
    mean = y.float().mean(0, keepdim=True).expand(y.shape)
    try:
        return math.nan if objective.loss is None else float(torch.as_tensor(objective.loss(mean, y)).float().mean())
    except Exception:  # noqa: BLE001 - the loss is the user's, and may want more than a tensor
        return math.nan


def _inputs(x: Any) -> dict[str, Any]:
    floats = [one.detach().float().reshape(-1) for one in tensors_of(x) if one.is_floating_point()]
    values = torch.cat([one.cpu() for one in floats]) if floats else torch.zeros(0, device="cpu")
    finite = values[torch.isfinite(values)].double()
    empty = finite.numel() == 0
    return {
        "input_low": math.nan if empty else float(finite.min()),
        "input_high": math.nan if empty else float(finite.max()),
        "input_std": math.nan if empty else float(finite.std(unbiased=False)),
        "input_bad": int(values.numel() - finite.numel()),
    }


def _layers(sums: LayerSums) -> dict[str, Any]:
    layers, spread = sums.spread()
    unit_layers, dead = sums.dead()
    return {"layers": layers, "spread": spread[None], "unit_layers": unit_layers, "dead_units": dead[None]}


def sanity(model: nn.Module, batch: Any, loss: Loss | None = None, at: Address = LEAVES) -> SanityCheck:
    """Evaluate a model on one batch of samples that it was not trained on: is anything plainly wrong?

    Args:
        model: In any mode; it comes back as it was.
        batch: (inputs, targets), or a mapping with targets under "labels" or "targets"; 512 samples or more say
            something about dead units, 30 about accuracy.
        loss: `loss(output, target)`; None for cross-entropy on class targets and squared error on real ones.
        at: Layers whose spread over the samples is measured.

    Returns:
        A result with one step, numbered 0.

    Raises:
        InputError: The batch holds no tensor or no sample, or the model returns no tensor.
        AddressError: `at` matches nothing.

    Cost:
        Three forward passes over the batch, and a copy of all parameters while it runs.
    """
    x, y = split(batch)
    device = device_of(model)
    return evaluate(model, x, to_device(y, device), loss, at=at)
