"""From a model and data to features: one vector an example, from in front of the head or from any layer."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pellucid.core.arguments import Options, flag, instance, whole
from pellucid.core.progress import Progress, telling
from pellucid.core.result import Provenance
from pellucid.probe.address import Address, modules_of
from pellucid.probe.guard import examined
from pellucid.probe.subject import Subject
from pellucid.windows.embeddings.measure.reading import Read, Wanted, batches_given, read
from pellucid.windows.embeddings.measure.shelf import npy_path, shelf
from pellucid.windows.embeddings.measure.spot import PENULTIMATE, Spot, weights_of
from pellucid.windows.embeddings.measure.thumbnails import shown
from pellucid.windows.embeddings.result.features import Features

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class FeaturesOptions(Options):
    """How features are read.

    Attributes:
        samples: Examples at the most, the first that the batches give.
        images: Whether small pictures of the first 5,000 inputs are kept, where they are pictures.
        to: A .npy file that the vectors are written to as they come, so that memory holds no more than a batch of them;
            None for memory. It is there when all is read, or what was read before Ctrl-C.
    """

    samples: int = 50_000
    images: bool = True
    to: str | Path | None = None

    def __post_init__(self) -> None:
        self.settle(samples=(whole, 1), images=(flag,), to=(npy_path,))


def features(
    model: nn.Module | Subject,
    data: Any = None,
    *,
    at: Address = PENULTIMATE,
    options: FeaturesOptions | None = None,
    progress: Progress = None,
) -> Features:
    """Read one vector an example from a layer of a model.

    The model is in eval mode meanwhile, and afterwards as it was, bit for bit. What is NaN or infinite is kept.

    Args:
        model: A model, or a subject with batches.
        data: Batches (input, target), inputs alone, or a loader; None for the batches of the subject.
        at: "penultimate" for what goes into the head, the last linear layer (or convolution of 1 x 1) whose output is
            what the model returns, up to softmax, sigmoid, flatten, or a mean over places. Otherwise a layer, of which
            the output is taken: its name, the module, or a name with the number of a call, such as "act#2". Maps become
            the mean over their places; tokens the one that the head reads, or else the mean over those that a mask in
            the inputs keeps.
        options: How many, and where to.
        progress: None for a line on stderr, False for silence, or a function that is given (done, in all).

    Returns:
        The features. After Ctrl-C those that were read.

    Raises:
        AddressError: There is no such layer.
        InputError: There is no data or no example, no head was found, or vectors are of several lengths.
        StoreError: The file cannot be written.

    Cost:
        One forward pass over the data. Memory: the vectors, and of `to` none of these.
    """
    begun, chosen = time.perf_counter(), instance("options", options, FeaturesOptions)
    subject = Subject.of(model)
    batches = batches_given(subject, data)
    to = None if chosen.to is None else Path(chosen.to)
    with telling("features", progress), examined(subject.model) as bare, torch.no_grad(), shelf(to) as rows:
        found = read(bare, batches, at, shelf=rows, wanted=Wanted(samples=chosen.samples, pictures=chosen.images))
        head = head_weights(bare, found.spot)
    return Features(
        provenance=provenance_of(subject, found, begun),
        layer=found.spot.words,
        pooled=found.pooled,
        values=found.values,
        labels=found.labels,
        predicted=found.predicted,
        head=head,
        images=shown(found.pictures, subject.normalization),
        names=subject.class_names or (),
        stopped=found.stopped,
    )


def head_weights(model: nn.Module, spot: Spot) -> Array:
    """Return the weights that read a spot, [output, unit]; [0, 0] where that is no head."""
    if not spot.given:
        return np.zeros((0, 0), dtype=np.float32)
    return weights_of(modules_of(model)[spot.name]).cpu().numpy().copy()


def provenance_of(
    subject: Subject, found: Read, begun: float, *, passes: int = 1, seed: int | None = None
) -> Provenance:
    """Return where a result comes from.

    Args:
        subject: Whose model ran.
        found: What was read.
        begun: When it began, by `time.perf_counter`.
        passes: Over the data.
        seed: Of what was drawn.
    """
    count = len(found.values)
    return Provenance(
        model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
        samples=count,
        passes=passes * count,
        seconds=time.perf_counter() - begun,
        seed=seed,
        stopped="the rest of the data" if found.stopped else "",
    )
