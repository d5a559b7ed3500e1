"""What landscapes and curvature are measured on: data that is kept, in parts, and how outputs are compared with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.core.errors import InputError
from pellucid.methods.ground import Ground
from pellucid.methods.ground.values import loss_value, outside_inference
from pellucid.probe.filters import Filters, filters_of
from pellucid.probe.guard import examined, refuse_inference, undisturbed
from pellucid.probe.subject import Subject, batch_size, call, split, to_device, up_to
from pellucid.windows.loss.measure.evaluation import parts_of, tensors_of
from pellucid.windows.loss.measure.objective import Loss, Objective, class_axis_of, logits_of, objective_of
from pellucid.windows.loss.measure.weighing import Weighing, refuse_unknown_classes, weighed, weighing_of

PARTS = 16
"""Parts of the data: enough for a standard error, and few enough that each keeps a processor busy."""
_FEWEST = 16
"""Examples of a part at the least, where there are as many."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The ground around the weights of a model, and what it was made from.

    Attributes:
        ground: The loss at any point.
        filters: How the parameters that move fall into filters.
        objective: How outputs are compared with targets.
        samples: Examples that the loss is a mean of.
        statistics: Where batch norm takes its statistics from: "none" (there is no batch norm), "held" (those of the
            model) or "recalibrated".
    """

    ground: Ground
    filters: tuple[Filters, ...]
    objective: Objective
    samples: int
    statistics: str

    @property
    def assumed(self) -> tuple[str, ...]:
        """Return the names of parameters of which the axis of units is assumed."""
        return tuple(one.name for one in self.filters if not one.known and not one.gain)


def given_subject(model: nn.Module | Subject, data: Any, loss: Loss | None) -> Subject:
    """Return the subject with data and loss that were given beside it.

    Args:
        model: A model or a subject.
        data: Batches, or one pair (input, target); None for those of the subject.
        loss: None for that of the subject.
    """
    subject = Subject.of(model, loss=loss)
    if data is None:
        return subject
    return replace(subject, batches=[data] if isinstance(data, tuple) and len(data) == 2 else data)


def surroundings_of(
    subject: Subject, *, samples: int, recalibrated: bool = False, frozen: bool = False
) -> Surroundings:
    """Gather data and get ready to measure the loss around the weights.

    Args:
        subject: With model, batches (input, target), and a loss where it is not cross-entropy or squared error.
        samples: Examples at the most.
        recalibrated: Whether the statistics of batch norm are measured anew at each point.
        frozen: Whether parameters that are not trained move, too.

    Raises:
        InputError: There are no batches, no example, no target, no loss that fits, no weights, weights that are NaN or
            infinite or were made under inference mode, or labels of classes that the model does not have.
    """
    if subject.batches is None:
        raise InputError(
            f"No data was given to measure the loss of {subject.title} on. Give batches (input, target): a loader, a "
            "list of pairs, or pel.Subject(model, batches=..., loss=...)."
        )
    filters = tuple(filters_of(subject.model, frozen=frozen))
    refuse_inference(subject.model)
    _refuse_no_numbers(filters)
    with undisturbed():  # a loader that shuffles draws from the state of the user
        batches = [split(one) for one in up_to(subject.batches, samples)]
    _refuse_sparse(batches)
    count = sum(batch_size(x) for x, _ in batches)
    objective, loss, weighing = _objective(subject, batches)
    size = max(-(-count // PARTS), min(_FEWEST, count))
    parts = [part for x, y in batches for part in parts_of(x, y, size=size)]
    kept, loss = weighed(parts, weighing, loss)
    ground = Ground(subject.model, filters, kept, loss, recalibrated=recalibrated)
    statistics = "none" if not ground.norms else "recalibrated" if recalibrated else "held"
    return Surroundings(ground=ground, filters=filters, objective=objective, samples=count, statistics=statistics)


def _refuse_no_numbers(filters: Sequence[Filters]) -> None:
    for one in filters:
        bad = int((~torch.isfinite(one.parameter)).sum())
        if bad:
            raise InputError(
                f"{one.name!r} holds {bad:,} of {one.parameter.numel():,} values that are NaN or infinite, and there "
                "is no ground around such weights. Give weights from before that happened: "
                "pel.weights.histograms(model) shows which others have any."
            )


def _refuse_sparse(batches: Sequence[tuple[Any, Any]]) -> None:
    odd = next((one for pair in batches for one in tensors_of(pair) if one.layout != torch.strided), None)
    if odd is not None:
        raise InputError(
            f"Data with a {odd.layout} tensor of shape {tuple(odd.shape)} came, which is not cut into parts. Expected "
            "dense tensors: .to_dense()."
        )


def _objective(subject: Subject, batches: Sequence[tuple[Any, Any]]) -> tuple[Objective, Loss, Weighing]:
    """Run two examples to see what the outputs look like."""
    x, y = batches[0]
    with examined(subject.model) as model, torch.no_grad():
        part_x, part_y = outside_inference(next(iter(parts_of(x, y, size=2))))
        output = call(model, part_x)
        logits = logits_of(output)
        target = to_device(part_y, logits.device)
        axis = class_axis_of(logits, target) if isinstance(target, Tensor) else None
        weighing = weighing_of(subject.loss, classes=axis is not None)
        given = subject.loss
        if axis is not None and (given is None or weighing.ignored is not None):
            refuse_unknown_classes(batches, weighing, logits.shape[axis])
        if given is not None and target is not None:
            given = _explained(given, None if axis is None else logits.shape[axis])
            loss_value(given(output, target))
        objective = objective_of(output, target, subject.loss)
    if objective.loss is None:
        came = "there is no target" if y is None else f"the target is a {type(y).__name__}"
        raise InputError(
            f"Cannot tell what the loss of {subject.title} is: {came}, and no loss was given. Give batches (input, "
            "target), and loss=function(output, target)."
        )
    return objective, given or objective.loss, weighing


def _explained(loss: Loss, classes: int | None) -> Loss:
    """Return a loss that says in words when it meets a class without an output."""

    def explained(output: Any, target: Any) -> Any:  # whatever it is, `loss_value` looks at it
        try:
            return loss(output, target)
        except IndexError as error:
            if classes is not None:
                try:
                    refuse_unknown_classes([(None, target)], Weighing(classes=True), classes)
                except InputError as told:
                    raise told from error
            raise

    return explained
