"""How much each part of the data counts, so that parts together give the loss of the whole."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.core.errors import InputError
from pellucid.probe.subject import batch_size
from pellucid.windows.loss.measure.objective import PADDING, Loss, kept_targets

Part = tuple[Any, Any]
_FUNCTIONS: tuple[Any, ...] = (F.cross_entropy, F.nll_loss)


@dataclass(frozen=True, kw_only=True)
class Weighing:
    """How a loss comes to its mean.

    Attributes:
        reduction: "mean", "sum" or "none", which is averaged over everything.
        classes: Whether targets that are whole numbers are classes, some of which may not count.
        ignored: The class that does not count; None for all below 0.
        weight: How much each class counts; None for all alike.
    """

    reduction: str = "mean"
    classes: bool = False
    ignored: int | None = None
    weight: Tensor | None = None

    def __call__(self, x: Any, y: Any) -> float:
        """Return how much a part counts."""
        if not isinstance(y, Tensor) or not self.classes or y.is_floating_point():
            return float(batch_size(x))
        if self.reduction == "none":
            return float(y.numel())
        kept = y[self.counting(y)].cpu()
        return float(len(kept)) if self.weight is None else float(self.weight[kept.long()].sum())

    def counting(self, y: Tensor) -> Tensor:
        """Say which targets count."""
        return kept_targets(y) if self.ignored is None else y != self.ignored


def weighing_of(loss: Any, *, classes: bool) -> Weighing:
    """Return how a loss comes to its mean.

    Those of PyTorch say so themselves. Any other is taken for a mean over targets of 0 or more where these are
    classes, else for a mean over examples.

    Args:
        loss: That was given; None for ours.
        classes: Whether targets are classes, as far as their shape tells.
    """
    named: dict[str, Any] = {}
    if isinstance(loss, functools.partial) and not loss.args:
        loss, named = loss.func, dict(loss.keywords)
    settings = vars(loss) | dict(loss.named_buffers()) if isinstance(loss, nn.Module) else named
    reduction = str(settings.get("reduction", "mean")) if _is_of_torch(loss) else "mean"
    if type(loss) in (nn.CrossEntropyLoss, nn.NLLLoss) or any(loss is one for one in _FUNCTIONS):
        weight = settings.get("weight")
        return Weighing(
            reduction=reduction,
            classes=True,
            ignored=int(settings.get("ignore_index", PADDING)),
            weight=weight.detach().double().cpu() if isinstance(weight, Tensor) else None,
        )
    return Weighing(reduction=reduction, classes=classes)


def _is_of_torch(loss: Any) -> bool:
    return str(getattr(loss, "__module__", "")).startswith("torch.nn.")


def weighed(parts: Sequence[Part], weighing: Weighing, loss: Loss) -> tuple[list[tuple[Any, Any, float]], Loss]:
    """Return the parts that count, with how much they do, and the loss whose mean over them is that of the whole.

    Args:
        parts: (inputs, target).
        weighing: How the loss comes to its mean.
        loss: As it was given.

    Raises:
        InputError: No target counts.
    """
    kept = [(x, y, weight) for x, y in parts if (weight := weighing(x, y)) > 0]
    if not kept:
        raise InputError(
            f"None of {sum(batch_size(x) for x, _ in parts):,} examples has a target that counts: all are passed over, "
            "as padding is, or have the weight 0. Give data with targets."
        )
    if weighing.reduction != "sum":
        return kept, loss
    whole = math.fsum(weight for *_, weight in kept)

    def added(output: Any, target: Any) -> Tensor:
        # The sum over everything is the mean over parts of what each would come to if it were everything.
        return loss(output, target) * (whole / (weighing(target, target) or 1.0))

    return kept, added


def refuse_unknown_classes(batches: Sequence[Part], weighing: Weighing, classes: int) -> None:
    """Raise where a target that counts is no class that the model has an output for.

    Args:
        batches: (inputs, target).
        weighing: Says which targets count.
        classes: How many outputs there are.

    Raises:
        InputError: There is one.
    """
    for _, y in batches:
        counted = y[weighing.counting(y)] if isinstance(y, Tensor) and not y.is_floating_point() else None
        if counted is None or not counted.numel():
            continue
        wrong = [one for one in (int(counted.max()), int(counted.min())) if not 0 <= one < classes]
        if wrong:
            raise InputError(
                f"The label {wrong[0]} came, and the model has outputs for classes 0 to {classes - 1}. Expected labels "
                "of these classes, or a loss that passes over others: nn.CrossEntropyLoss(ignore_index=...)."
            )
