"""From a finished model and examples to a map of what a score depends on."""

import time
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import wholes
from pellucid.core.errors import InputError
from pellucid.core.progress import Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.attribution import Attribution, Method, Question, Target, method_of
from pellucid.methods.attribution.nest import tensors
from pellucid.methods.attribution.question import array_of
from pellucid.methods.pictures import SHAPE, picture_shape
from pellucid.methods.sharing import Group, Sharing
from pellucid.probe.address import Address
from pellucid.probe.subject import Subject
from pellucid.windows.gradients.measure.parts import in_parts
from pellucid.windows.gradients.measure.silent import silent
from pellucid.windows.gradients.measure.text import Tokens, text_of, told
from pellucid.windows.gradients.result import Saliency


def saliency(  # noqa: PLR0913 - each is a part of the question, or the same in every function
    model: nn.Module | Subject,
    x: Any,
    target: Target = None,
    *,
    method: str | Method = "gradient",
    at: Address | None = None,
    only: Sequence[str] | None = None,
    shape: Sequence[int] | None = None,
    tokens: Tokens = None,
    group: Group = None,
    progress: Progress = None,
) -> Saliency:
    """Explain one number of a model's output: which parts of the input, or of a layer, it depends on.

    The model is examined in eval mode, and is afterwards as it was, bit for bit. The map of an example does not depend
    on the others in the batch. Ctrl-C raises KeyboardInterrupt and gives no result.

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
        progress: None for a line on stderr where it takes longer than two seconds, False for silence, or a function
            that is called with how many passes of the method are done and how many there are in all.
        shape: (channels, rows, columns) or (rows, columns) of an input that is flat, [example, value]: it and its map
            are returned in this shape, and drawn as pictures.
        tokens: The text of each place of a sequence: a list of strings for each example, or a function from a list of
            token ids to one, such as `tokenizer.convert_ids_to_tokens`. None for the ids themselves, where a layer
            behind token ids is explained. The picture then has one value a token: the sum over its dimensions where a
            method shares the score out (integratedgradients, inputxgradient, deeplift ...), with its sign, else the L2
            norm over them (gradient, smoothgrad ...). Places that a mask named attention_mask or padding_mask among the
            inputs leaves out are left out of the picture, not of the maps. A list may be as short as what is left.

    Returns:
        The maps, raw, with a check of their own where there is one.

    Raises:
        InputError: Nothing can be explained, or the target, the shape or the tokens do not fit.
        AddressError: There is no such method or layer.
        CaptureError: Another rank of the group failed; the message says why.

    Cost:
        Forward and backward passes of one example at the defaults, as `provenance.passes` counts them:
        gradient, inputxgradient, guidedbackprop, deconvolution: 2
        lrp: 2, in which each layer is run again, 1 to 4 times
        deeplift, gradcam, gradcamplusplus: 3
        guidedgradcam: 4
        integratedgradients: 18 where the network is smooth, else more, until the map adds up
        occlusion: 101 on 32 x 32 pixels: one, and one for each place of its window
        smoothgrad, vargrad: 101
        expectedgradients: 401
        For a map of zeros, looking where the gradient is lost takes a few more.
    """
    if group is not None:
        parts = Sharing.of(group)
        whole = in_parts(
            parts,
            x,
            target,
            method,
            lambda x, y, how: saliency(
                model, x, y, method=how, at=at, only=only, progress=parts.rank == 0 and progress, shape=shape
            ),
        )
        return told(whole, text_of(Subject.of(model).model, x, tokens))
    subject, chosen, begun = Subject.of(model), method_of(method), time.perf_counter()
    text = text_of(subject.model, x, tokens)
    question = Question(subject.model, x, target, at=at, only=only)
    with telling("saliency", progress), question.asked():
        form = None if shape is None else _form(question, shape)
        found = chosen.attribute(question)
        lost_at = silent(question, chosen, found)
    result = Saliency(
        provenance=_provenance(subject, question, time.perf_counter() - begun),
        maps=tuple(array_of(_shaped(one, form)) for one in found.maps),
        inputs=tuple(array_of(_shaped(one, form)) for one in question.values),
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
        notes=dict(found.notes),
        silent=lost_at,
        picture=_picture(question, form),
        normalization=subject.normalization or (),
        contributes=chosen.contributes,
    )
    return told(result, text)


def _form(question: Question, shape: Any) -> tuple[int, ...]:
    """Return the shape of what is flat: of what is explained, or of what the model is given where that is a layer."""
    form = wholes("shape", shape, 1, SHAPE)
    real = [*question.values, *(one for _, one in tensors(question.inputs) if one.is_floating_point())]
    sizes = [one.shape[1] for one in real if one.ndim == 2]
    if not sizes:
        raise InputError(
            f"shape={form} is that of a flat input, [example, value], and one of shape {tuple(real[0].shape)} came. "
            "Leave it out."
        )
    picture_shape(form, prod(form) if prod(form) in sizes else sizes[0], "each example holds")
    return form


def _shaped(value: Tensor, form: tuple[int, ...] | None) -> Tensor:
    """Return what is flat in its shape, anything else as it is."""
    fits = form is not None and value.ndim == 2 and value.shape[1] == prod(form)
    return value.reshape(-1, *form) if form is not None and fits else value


def _picture(question: Question, form: tuple[int, ...] | None) -> NDArray[Any]:
    """Return the picture that the model was given where a layer is explained; empty where it was none."""
    given = (_shaped(one, form) for _, one in tensors(question.inputs)) if question.layer is not None else iter(())
    for one in given:
        channels = one.shape[1] if one.ndim == 4 else 1
        if one.ndim in (3, 4) and channels in (1, 3) and len(one) == question.rows and one.is_floating_point():
            return array_of(one)
    return np.zeros(0, np.float32)


def _outputs(question: Question) -> NDArray[Any]:
    return np.zeros((question.rows, 0), np.float32) if question.output is None else array_of(question.output)


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
