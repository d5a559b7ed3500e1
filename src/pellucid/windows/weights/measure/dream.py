"""From a photograph to what a layer dreams of it."""

import time
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import MOST_SEED, MOST_STEPS, instance, whole
from pellucid.core.errors import InputError
from pellucid.core.progress import Loop, Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.synthesis import DreamOptions, Dreamt, Readout, Sight, dream_of, octaves_of, sight_of
from pellucid.probe.address import Address
from pellucid.probe.guard import undisturbed
from pellucid.probe.subject import Subject, is_plain
from pellucid.windows.weights.result import Dreamed


@undisturbed()
def dream(
    model: nn.Module | Subject,
    image: Any,
    at: Address,
    *,
    octaves: int = 4,
    steps: int = 10,
    seed: int = 0,
    options: DreamOptions | None = None,
    progress: Progress = None,
) -> Dreamed:
    """Change a photograph so that a layer sees more of what it sees in it already (DeepDream).

    The mean square of what the layer puts out is raised, on a small copy of the photograph first and then on larger
    ones; what one octave adds is carried to the next, and the detail of the photograph is kept. Every step is as long
    as the others, however steep the gradient. An image does not depend on the others in the batch. The model is
    examined in eval mode, and is afterwards as it was, bit for bit.

    Ctrl-C ends it and returns what became of the photograph so far.

    Args:
        model: A model of pictures, or a subject (whose normalisation is used).
        image: What the model is given, normalised as it is used to: [channel, row, column], or several as [image,
            channel, row, column].
        at: The layer: a name or a module. Early layers draw strokes, late ones parts of things.
        octaves: How many sizes, the photograph's own included, 1 or more. A layer that needs one size takes 1.
        steps: Steps in each, 1 or more.
        seed: Of the small shifts, which keep pixels from mattering one by one.
        options: Rate, ratio of the octaves, and the rest: see `DreamOptions`.
        progress: None for a line on stderr where it takes longer than two seconds, False for silence, or a function
            that is called with the steps done and the steps in all.

    Returns:
        The image, in the range of values that it came in: no channel gets darker than black or brighter than white,
        or than it was.

    Raises:
        InputError: No picture came, or the layer cannot be differentiated.
        AddressError: There is no such layer.
        CaptureError: The layer does not run.

    Cost:
        A forward and a backward pass of the part in front of the layer for each step, at the size of the octave.

    Source:
        Mordvintsev, Olah and Tyka 2015, "Inceptionism: going deeper into neural networks".

    Example:
        >>> import pellucid as pel, torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        >>> pel.weights.dream(model, torch.rand(3, 40, 60), "1", steps=2).sizes
        ((20, 31), (29, 43), (40, 60))
    """
    begun = time.perf_counter()
    octaves, steps = whole("octaves", octaves, 1, 100), whole("steps", steps, 1, MOST_STEPS)
    seed = whole("seed", seed, 0, MOST_SEED)
    subject, images = Subject.of(model), _batch(image)
    options = instance("options", options, DreamOptions)
    options = replace(options, normalization=options.normalization or subject.normalization)
    readout = Readout(subject.model, at)
    with telling("dream", progress), readout.ready():
        found = _each(readout, images, octaves=octaves, steps=steps, seed=seed, options=options)
    return Dreamed(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in readout.model.parameters()):,} parameters",
            samples=len(found),
            passes=round(sum(one.passes for _, one in found)),
            seconds=time.perf_counter() - begun,
            seed=seed,
        ),
        images=np.concatenate([_as_given(sight, one) for sight, one in found]),
        inputs=images[: len(found)].cpu().float().numpy(),
        low=np.stack([sight.low.numpy() for sight, _ in found]),
        high=np.stack([sight.high.numpy() for sight, _ in found]),
        layer=readout.name,
        sizes=found[0][1].sizes,
        trace=np.concatenate([one.trace.numpy() for _, one in found]),
        first=np.concatenate([one.first.numpy() for _, one in found]),
        last=np.concatenate([one.last.numpy() for _, one in found]),
        left_out=len(images) - len(found),
        stopped=any(one.stopped for _, one in found),
        options=asdict(options),
    )


def _each(
    readout: Readout, images: Tensor, *, octaves: int, steps: int, seed: int, options: DreamOptions
) -> list[tuple[Sight, Dreamt]]:
    """Dream of each image for itself: what is black and white in one is no matter of the others."""
    kept = torch.float64 if readout.dtype == torch.float64 else torch.float32
    found: list[tuple[Sight, Dreamt]] = []
    each = steps * len(octaves_of(images.shape[2], images.shape[3], octaves, options))
    loop = Loop(each * len(images), "steps")
    for number, image in enumerate(images):
        loop.at(number * each, each)
        sight, _ = sight_of(image[None], options.normalization)
        photograph = sight.seen(image[None].cpu().double()).to(device=readout.device, dtype=kept)
        try:
            dreamt = dream_of(readout, sight, photograph, octaves=octaves, steps=steps, seed=seed, options=options)
            found.append((sight, dreamt))
        except KeyboardInterrupt:
            if not found:
                raise
            break
        if found[-1][1].stopped:
            break
    return found


def _as_given(sight: Sight, found: Dreamt) -> NDArray[Any]:
    low, high = (one.numpy()[:, None, None] for one in (sight.low, sight.high))
    return (low + (high - low) * found.pictures.double().numpy()).astype(np.float32)


def _batch(image: Any) -> Tensor:
    if not isinstance(image, Tensor) or not is_plain(image) or image.ndim not in (3, 4) or not image.numel():
        dense = isinstance(image, Tensor) and is_plain(image)
        came = f"shape {tuple(image.shape)}" if dense else f"type {type(image).__name__}"
        raise InputError(
            f"An image of {came} came; expected a dense tensor [channel, row, column], or several as [image, channel, "
            "row, column], with what the model is given."
        )
    images = image[None] if image.ndim == 3 else image
    if not bool(torch.isfinite(images.detach()).all()):
        raise InputError("The image holds NaN or infinity, which would spread over all of it. Replace those values.")
    return images.detach()
