"""From a finished model and examples to a map of what a score depends on."""

import time
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.result import Provenance
from pellucid.methods.attribution import Attribution, Method, Question, Target, method_of
from pellucid.methods.attribution.question import flat
from pellucid.probe.address import Address
from pellucid.probe.capture import capture
from pellucid.probe.subject import Subject
from pellucid.windows.gradients.result import Saliency


def saliency(
    model: nn.Module | Subject,
    x: Any,
    target: Target = None,
    *,
    method: str | Method = "gradient",
    at: Address | None = None,
    only: Sequence[str] | None = None,
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

    Returns:
        The maps, raw, with a check of their own where there is one.

    Raises:
        InputError: Nothing can be explained, or the target does not fit.
        AddressError: There is no such method or layer.

    Cost:
        That of the method; its docstring says how many passes.
    """
    subject, chosen, begun = Subject.of(model), method_of(method), time.perf_counter()
    question = Question(subject.model, x, target, at=at, only=only)
    with question.asked():
        found = chosen.attribute(question)
        silent = _silent(question, found)
    return Saliency(
        provenance=_provenance(subject, question, time.perf_counter() - begun),
        maps=tuple(_array(one) for one in found.maps),
        inputs=tuple(_array(one) for one in question.values),
        places=question.places,
        method=chosen.name,
        options=_options(chosen),
        signed=chosen.signed,
        layer=found.layer or ("" if question.layer is None else question.layer.name),
        scores=_array(found.scores),
        targets=question.targets,
        outputs=_outputs(question),
        class_names=subject.class_names or (),
        check=found.check,
        error=_error(found, question.rows),
        tolerance=float(getattr(chosen, "tolerance", np.nan)),
        notes=dict(found.notes),
        silent=silent,
    )


def _silent(question: Question, found: Attribution) -> tuple[str, ...]:
    """Return the layer at which the gradient of each example is lost; "" where a map is not 0 everywhere.

    Going back from the output it is the last layer whose own output still gets a gradient.
    """
    zero = torch.stack([~flat(one.detach().cpu()).any(dim=1) for one in found.maps]).all(dim=0)
    lost = [""] * question.rows
    rows = torch.nonzero(zero).flatten()
    if not len(rows):
        return tuple(lost)
    with capture(question.model, grads=True, keep=_reached) as tape:
        _, gradients = question.gradients(question.at(rows), rows)
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


def _outputs(question: Question) -> NDArray[Any]:
    return np.zeros((question.rows, 0), np.float32) if question.output is None else _array(question.output)


def _array(value: Tensor) -> NDArray[Any]:
    """Return a tensor as an array; bfloat16, which NumPy does not know, as float32."""
    plain = value.detach().cpu()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()


def _error(found: Attribution, rows: int) -> NDArray[Any]:
    return np.full(rows, np.nan) if found.error is None else _array(found.error).astype(np.float64)


def _options(method: Method) -> dict[str, Any]:
    """Return the options of a method that can be written down: a tensor is named by its shape."""
    given = {one.name: getattr(method, one.name) for one in fields(method)}  # pyright: ignore[reportArgumentType]
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
