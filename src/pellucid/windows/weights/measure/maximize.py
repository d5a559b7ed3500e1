"""From a finished model to pictures that excite its units."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import MOST_SEED, MOST_STEPS, instance, whole
from pellucid.core.errors import InputError
from pellucid.core.progress import Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.synthesis import (
    Best,
    Climbed,
    MaximizeOptions,
    Readout,
    Sight,
    best_of,
    climb,
    sight_of,
    units_of,
)
from pellucid.probe.address import Address
from pellucid.probe.guard import undisturbed
from pellucid.probe.subject import Subject
from pellucid.windows.weights.result import Maximized

MOST_UNITS = 16


@undisturbed()
def maximize(
    model: nn.Module | Subject,
    at: Address | None = None,
    units: int | Sequence[int] | None = None,
    *,
    like: Any = None,
    steps: int = 256,
    seed: int = 0,
    options: MaximizeOptions | None = None,
    progress: Progress = None,
) -> Maximized:
    """Make the picture that excites each unit of a layer most, and hold it against the best real example.

    A picture begins as noise and follows the gradient of the unit: in waves, strong ones for broad shapes, with colours
    taken apart, and slightly shifted, zoomed and turned at each step, so that what comes is a shape and not a pattern
    that only a network sees. The picture of a unit does not depend on the others that are asked for, and the same seed
    gives the same one. The model is examined in eval mode, and is afterwards as it was, bit for bit.

    Ctrl-C ends it and returns what was found so far, which a finding says.

    Args:
        model: A model of pictures, or a subject (whose class names, normalisation and batches are used).
        at: The layer: a name or a module. None for what the model returns, whose units are classes.
        units: Numbers of channels, neurons or classes; None for the first 16.
        like: What the model is given: a batch or a loader of examples, whose best are then shown beside the pictures;
            or only the size of a picture, (channels, height, width). None for the batches of the subject.
        steps: Steps for each picture, 1 or more.
        seed: Of the noise and the moves.
        options: Rate, moves, and the rest: see `MaximizeOptions`.
        progress: None for a line on stderr where it takes longer than two seconds, False for silence, or a function
            that is called with the steps done and the steps in all, of all units; before them with the batches of
            examples.

    Returns:
        The pictures in [0, 1], how active the unit is for each, and how that came.

    Raises:
        InputError: The model is given no pictures, or the layer cannot be differentiated.
        AddressError: There is no such layer or unit.
        CaptureError: The layer does not run.

    Cost:
        A forward and a backward pass of the part in front of the layer for each unit and step, units in chunks that
        fit; no gradient of a weight. A forward pass of that part for each example.

    Source:
        Olah, Mordvintsev and Schubert 2017, "Feature visualization"; Erhan et al. 2009.

    Example:
        >>> import pellucid as pel
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
        >>> pel.weights.maximize(model, "1", [0, 2], like=(1, 12, 12), steps=8).pictures.shape
        (2, 1, 12, 12)
    """
    begun = time.perf_counter()
    steps, seed = whole("steps", steps, 1, MOST_STEPS), whole("seed", seed, 0, MOST_SEED)
    subject = Subject.of(model)
    options = instance("options", options, MaximizeOptions)
    options = replace(options, normalization=options.normalization or subject.normalization)
    sight, batches = sight_of(_examples(subject, like), options.normalization)
    readout = Readout(subject.model, at)
    with telling("maximize", progress), readout.ready():
        grey = torch.full((1, *sight.shape), 0.5, dtype=torch.float32, device=readout.device)
        count = readout.settle(sight.given(grey, readout.dtype), sight.shape[1:])
        chosen = units_of(units, count, layer=readout.name, most=MOST_UNITS)
        best = None if batches is None else best_of(readout, batches, chosen, sight.shape, options)
        found = climb(readout, sight, chosen, steps=steps, seed=seed, options=options)
    classes = subject.class_names or ()
    named = readout.is_output and len(classes) == count
    done = chosen[: len(found.done)]
    examples = 0 if best is None else best.examples
    return Maximized(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in readout.model.parameters()):,} parameters",
            samples=examples,
            passes=found.passes + examples,
            seconds=time.perf_counter() - begun,
            seed=seed,
        ),
        layer=readout.name,
        units=done,
        places=readout.places,
        names=tuple(classes[one] for one in done) if named else (),
        wanted=steps,
        left_out=len(chosen) - len(done),
        **_found(found, sight, options),
        **_real(best, sight, len(done)),
    )


def _examples(subject: Subject, like: Any) -> Any:
    given = subject.batches if like is None else like
    if given is None:
        raise InputError(
            "It is not known what the model is given. Give like=(channels, height, width), a batch of pictures, or a "
            "loader, whose best examples are then shown beside."
        )
    return given


def _found(found: Climbed, sight: Sight, options: MaximizeOptions) -> dict[str, Any]:
    return {
        "pictures": _array(found.pictures),
        "low": sight.low.numpy(),
        "high": sight.high.numpy(),
        "range_from": sight.known,
        "values": _array(found.last),
        "first": _array(found.first),
        "trace": _array(found.trace),
        "steps": _array(found.done),
        "stopped": found.stopped,
        "options": asdict(options),
    }


def _real(best: Best | None, sight: Sight, count: int) -> dict[str, Any]:
    if best is None:
        return {
            "real": np.full(count, np.nan),
            "real_numbers": np.full(count, -1),
            "real_pictures": np.zeros((0, *sight.shape), np.float32),
            "examples": 0,
        }
    values = best.values.numpy()[:count]
    return {
        "real": np.where(np.isfinite(values), values, np.nan),
        "real_numbers": best.numbers.numpy()[:count],
        "real_pictures": sight.seen(best.inputs.double()).clamp(0, 1).float().numpy()[:count],
        "examples": best.examples,
    }


def _array(value: Tensor) -> NDArray[Any]:
    plain = value.detach().cpu()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
