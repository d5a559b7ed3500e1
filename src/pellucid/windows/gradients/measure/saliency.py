"""From a finished model and examples to a map of what a score depends on."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.result import Provenance
from pellucid.methods.attribution import Attribution, Method, Question, Target, method_of
from pellucid.methods.attribution.nest import tensors
from pellucid.methods.attribution.question import flat
from pellucid.methods.sharing import Group, Sharing
from pellucid.probe.address import Address
from pellucid.probe.capture import capture
from pellucid.probe.subject import Subject
from pellucid.windows.gradients.measure.parts import in_parts
from pellucid.windows.gradients.measure.saturated import saturated
from pellucid.windows.gradients.result import Saliency


def saliency(
    model: nn.Module | Subject,
    x: Any,
    target: Target = None,
    *,
    method: str | Method = "gradient",
    at: Address | None = None,
    only: Sequence[str] | None = None,
    group: Group = None,
) -> Saliency:
    """Explain one number of a model's output: which parts of the input, or of a layer, it depends on.

    The model is examined in eval mode, and is afterwards as it was, bit for bit. The map of an example does not depend
    on the others in the batch.

    Args:
        model: A model, or a subject (whose class names are used).
        x: A batch: a tensor, a tuple of positional or a mapping of named arguments, nested at will. Every tensor of
            real numbers whose first axis numbers the examples is explained. Token ids have no gradient: name the layer
            that embeds them with `at`.
        target: The class to explain, one for all or a list with one an example; a tuple for one place of an output with
            further axes; a function from the output to one number an example; None for the class that scores highest,
            or for the output itself where that is one number an example.
        method: Name of a method ("gradient", "smoothgrad", "integratedgradients" ...), or one with options, such as
            `pel.gradients.SmoothGrad(samples=20)`.
        at: A layer to explain in place of the input: a name or a module.
        only: Places of the inputs to explain, such as "[0]" or ".pixels"; None for all.
        group: Share the work under torch.distributed: "world" or a process group. Every rank must call with the same
            whole batch; each explains every world-th example, and all return the maps of all, in order, equal to those
            of one process to 1e-6. None works alone, and waits for nobody.

    Returns:
        The maps, raw, with a check of their own where there is one.

    Raises:
        InputError: Nothing can be explained, or the target does not fit.
        AddressError: There is no such method or layer.
        CaptureError: Another rank of the group failed; the message says why.

    Cost:
        That of the method; its docstring says how many passes.
    """
    if group is not None:
        parts = Sharing.of(group)
        return in_parts(parts, x, target, method, lambda x, y, how: saliency(model, x, y, method=how, at=at, only=only))
    subject, chosen, begun = Subject.of(model), method_of(method), time.perf_counter()
    question = Question(subject.model, x, target, at=at, only=only)
    with question.asked():
        found = chosen.attribute(question)
        silent = _silent(question, found, needs_layer=chosen.needs_layer)
        silent = tuple(a or b for a, b in zip(silent, saturated(question, chosen.name, found), strict=True))
    return Saliency(
        provenance=_provenance(subject, question, time.perf_counter() - begun),
        maps=tuple(array_of(one) for one in found.maps),
        inputs=tuple(array_of(one) for one in question.values),
        places=question.places,
        method=chosen.name,
        options=options_of(chosen),
        signed=chosen.signed and not getattr(chosen, "relu", False),  # what speaks against was cut off
        layer=found.layer or ("" if question.layer is None else question.layer.name),
        scores=array_of(found.scores),
        targets=question.targets,
        outputs=_outputs(question),
        class_names=subject.class_names or (),
        check=found.check,
        error=_error(found, question.rows),
        tolerance=float(getattr(chosen, "tolerance", np.nan)),
        notes=dict(found.notes),
        silent=silent,
        picture=_picture(question),
        normalization=_normalization(subject),
    )


def _silent(question: Question, found: Attribution, *, needs_layer: bool) -> tuple[str, ...]:
    """Return the layer at which the gradient of each example is lost; "" where a map is not 0 everywhere.

    Going back from the output it is the last layer whose own output still gets a gradient.
    """
    zero = torch.stack([~flat(one.detach().cpu()).any(dim=1) for one in found.maps]).all(dim=0)
    lost = [""] * question.rows
    rows = torch.nonzero(zero).flatten()
    if not len(rows):
        return tuple(lost)
    with ExitStack() as stack:
        # A class activation map says nothing of what lies in front of its layer: that need not be run through again.
        there = stack.enter_context(question.moved(found.layer)) if found.layer and needs_layer else question
        tape = stack.enter_context(capture(question.model, grads=True, keep=_reached))
        _, gradients = there.gradients(there.at(rows), rows)
    arrived = torch.stack([flat(one.detach().cpu()).any(dim=1) for one in gradients]).any(dim=0)
    for place, row in enumerate(rows.tolist()):
        if arrived[place]:
            continue  # the method itself made the map 0
        reached = [name for name, some in tape.gradients.items() if len(some) == len(rows) and bool(some[place])]
        order = [name for name in tape.outputs if name in reached]
        lost[row] = order[0] if order else "the target"
    return tuple(lost)


def _reached(value: Tensor) -> Tensor:
    """Return whether anything of each example is not 0."""
    return flat(value).any(dim=1) if value.ndim else value.reshape(1) != 0


def _picture(question: Question) -> NDArray[Any]:
    """Return the picture that the model was given where a layer is explained; empty where it was none."""
    given = (one for _, one in tensors(question.inputs)) if question.layer is not None else iter(())
    for one in given:
        channels = one.shape[1] if one.ndim == 4 else 1
        if one.ndim in (3, 4) and channels in (1, 3) and len(one) == question.rows and one.is_floating_point():
            return array_of(one)
    return np.zeros(0, np.float32)


def _normalization(subject: Subject) -> tuple[tuple[float, ...], ...]:
    given = subject.normalization or ()
    return tuple(tuple(torch.as_tensor(one, dtype=torch.float64).reshape(-1).tolist()) for one in given)


def _outputs(question: Question) -> NDArray[Any]:
    return np.zeros((question.rows, 0), np.float32) if question.output is None else array_of(question.output)


def array_of(value: Tensor) -> NDArray[Any]:
    """Return a tensor as an array; bfloat16, which NumPy does not know, as float32."""
    plain = value.detach().cpu()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()


def _error(found: Attribution, rows: int) -> NDArray[Any]:
    return np.full(rows, np.nan) if found.error is None else array_of(found.error).astype(np.float64)


def options_of(method: Method) -> dict[str, Any]:
    """Return the options of a method that can be written down: a tensor is named by its shape."""
    given = {one.name: getattr(method, one.name) for one in (fields(method) if is_dataclass(method) else ())}
    plain = (bool, int, float, str, type(None))
    return {name: one if isinstance(one, plain) else _named(one) for name, one in given.items()}


def _named(value: Any) -> str:
    return f"tensor {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _provenance(subject: Subject, question: Question, seconds: float) -> Provenance:
    count = sum(one.numel() for one in question.model.parameters())
    return Provenance(
        model=f"{subject.title} {count:,} parameters",
        samples=question.rows,
        passes=round(question.passes),
        seconds=seconds,
    )
