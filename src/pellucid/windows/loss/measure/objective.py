"""What the outputs are compared with: the kind of task, the loss, and where the classes are."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.methods.ground.values import loss_value

Loss = Callable[[Any, Any], Tensor]

CROSS_ENTROPY, SQUARED_ERROR, NONE = "cross_entropy", "mse", "none"
ASSUMED = " (assumed)"
PADDING = -100
"""Class index that PyTorch's cross-entropy passes over."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """How outputs of one model are compared with the targets of one batch.

    Attributes:
        task: "classification", "regression" or "other".
        loss_name: Name of the loss.
        class_axis: Axis of the classes in the outputs; None unless classification.
        loss: `loss(output, target)`, mean over the samples that it is given; None when there is none.
        shapes: Shapes of outputs and targets of two samples, where those of a regression differ; else "".
    """

    task: str
    loss_name: str
    class_axis: int | None
    loss: Loss | None
    shapes: str = ""


def logits_of(output: Any) -> Tensor:
    """Find the tensor of logits or values in what a model returns.

    Args:
        output: A tensor; an object with `logits`; a mapping with "logits"; or a nest of tuples, lists and
            mappings, of which the first floating-point tensor is taken.

    Returns:
        A tensor.

    Raises:
        InputError: There is no tensor in it.
    """
    found = _first_tensor(output)
    if found is None:
        raise InputError(
            f"The model returned a {type(output).__name__} without a tensor. Expected a tensor, an object or a "
            "mapping with logits, or a tuple that holds one. Wrap the model so that it returns its logits."
        )
    return found


def _first_tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output if output.is_floating_point() else None
    if isinstance(logits := getattr(output, "logits", None), Tensor):
        return logits
    parts: list[Any] = []
    if isinstance(output, Mapping):
        named = cast("Mapping[str, Any]", output)
        parts = [named["logits"]] if "logits" in named else list(named.values())
    elif isinstance(output, tuple | list):
        parts = list(cast("tuple[Any, ...]", output))
    return next((found for part in parts if (found := _first_tensor(part)) is not None), None)


def class_axis_of(output: Shaped[Tensor, "..."], target: Shaped[Tensor, "..."]) -> int | None:
    """Find the axis of the classes: (N, C), (N, C, ...) as PyTorch has it, or (..., C).

    Args:
        output: Logits.
        target: Targets.

    Returns:
        An axis of the output; None when no axis left out gives the shape of the targets, or when the targets
        are no integers.
    """
    if target.is_floating_point() or target.dtype == torch.bool or output.ndim != target.ndim + 1 or target.ndim == 0:
        return None
    shape = tuple(output.shape)
    fitting = (axis for axis in (1, output.ndim - 1) if (*shape[:axis], *shape[axis + 1 :]) == tuple(target.shape))
    return next(fitting, None)


def kept_targets(target: Int[Tensor, "..."]) -> Bool[Tensor, "..."]:
    """Say which targets are classes: padding and other negative numbers are not."""
    return target >= 0


def objective_of(output: Any, target: Any, loss: Loss | None) -> Objective:
    """Decide what the outputs are compared with, from the first part of a batch.

    Args:
        output: What the model returned.
        target: Targets of the same samples; None when there are none.
        loss: The loss that was given; None to assume cross-entropy for class targets and squared error for
            real targets of the shape of the outputs.

    Returns:
        The objective.
    """
    logits = logits_of(output)
    if not isinstance(target, Tensor):
        return Objective(task="other", loss_name=_name_of(loss), class_axis=None, loss=None if target is None else loss)
    target = target.to(logits.device)
    axis = class_axis_of(logits, target)
    if axis is not None:
        given = functools.partial(cross_entropy, class_axis=axis) if loss is None else loss
        name = CROSS_ENTROPY + ASSUMED if loss is None else _classification_name(loss, output, target, axis)
        return Objective(task="classification", loss_name=name, class_axis=axis, loss=given)
    if target.is_floating_point() and target.numel() == logits.numel():
        name = SQUARED_ERROR + ASSUMED if loss is None else _name_of(loss)
        differ = target.shape != logits.shape
        shapes = f"{tuple(logits.shape)} and {tuple(target.shape)}" if differ else ""
        return Objective(task="regression", loss_name=name, class_axis=None, loss=loss or _squared_error, shapes=shapes)
    return Objective(task="other", loss_name=_name_of(loss), class_axis=None, loss=loss)


def cross_entropy(output: Any, target: Int[Tensor, "..."], *, class_axis: int) -> Float[Tensor, ""]:
    """Return the mean cross-entropy over the targets that are classes, nats; NaN when none is."""
    logits = logits_of(output).movedim(class_axis, -1).float()
    kept = torch.where(kept_targets(target), target.long(), PADDING)
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), kept.reshape(-1), ignore_index=PADDING)


def _squared_error(output: Any, target: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    values = logits_of(output).float()
    return F.mse_loss(values, target.float().reshape(values.shape))


def _classification_name(loss: Loss, output: Any, target: Tensor, axis: int) -> str:
    """Name the loss; one that agrees with cross-entropy on the batch is cross-entropy, whatever it is called."""
    name = _name_of(loss)
    if name == CROSS_ENTROPY:
        return name
    if int(target.max()) >= logits_of(output).shape[axis]:  # a class of its own that it passes over, such as 255
        return name
    ours = float(cross_entropy(output, target, class_axis=axis))
    theirs = float(loss_value(loss(output, target)))
    return CROSS_ENTROPY if abs(ours - theirs) <= 1e-3 * max(abs(ours), 1e-3) else name


def _name_of(loss: Any) -> str:
    if loss is None:
        return NONE
    while isinstance(loss, functools.partial):
        loss = loss.func
    if isinstance(loss, torch.nn.CrossEntropyLoss):
        return CROSS_ENTROPY
    return str(getattr(loss, "__name__", type(loss).__name__))
