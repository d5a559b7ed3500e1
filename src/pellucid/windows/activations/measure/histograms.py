"""From a finished model to the distribution of what its layers put out."""

import time
from typing import Any

import torch
from torch import nn

from pellucid.core.errors import InputError
from pellucid.core.result import Provenance
from pellucid.maths.series import TensorSeries
from pellucid.probe.address import LEAVES, Address
from pellucid.probe.batches import batch_told
from pellucid.probe.guard import untouched
from pellucid.probe.listener import Listener
from pellucid.probe.subject import Subject, batch_size, call, split, up_to
from pellucid.windows.activations.result import ActivationHistograms


def histograms(
    model: nn.Module | Subject, batch: Any = None, *, at: Address = LEAVES, samples: int = 4096
) -> ActivationHistograms:
    """Measure the distribution of what every layer puts out.

    The model runs in the mode that it is in: dropout and batch norm do what they would do for the caller. Afterwards
    it is as it was before, bit for bit.

    Args:
        model: A model, or a subject with batches.
        batch: Inputs, or (inputs, target), of which the target is not used; None for the batches of the subject.
            Units are called dead on 512 samples or more.
        at: Which modules: "**" for all without children; see `pellucid.probe.address.resolve`.
        samples: How many samples of the batches to use at the most, 1 or more.

    Returns:
        One step, with a tensor for each output, in execution order. It judges itself (`findings`), draws itself
        (`figure()`), and is empty when none of the modules ran.

    Raises:
        InputError: There is no batch or no sample in any, or a model in train mode does not take a single one.
        AddressError: No module matches.

    Cost:
        One forward pass over the samples and about 2 ns for each value on a CPU; one copy of the parameters.
    """
    subject = Subject.of(model, batch)
    if subject.batches is None:
        raise InputError(
            f"No batch was given to run {subject.title} with. Pass one: pel.activations.histograms(model, batch)."
        )
    begun, seen, passes = time.perf_counter(), 0, 0
    listener = Listener(subject.model, at, training_only=False)
    with untouched(subject.model), torch.enable_grad():  # functional activations are found in the history
        listener.attach()
        try:
            for number, one in enumerate(up_to(subject.batches, samples), 1):
                with batch_told(number):
                    call(subject.model, split(one)[0])
                seen, passes = seen + batch_size(one), passes + 1
        finally:
            listener.detach()
    records = listener.drain()
    parameters = sum(one.numel() for one in subject.model.parameters())
    return ActivationHistograms(
        provenance=Provenance(
            model=f"{subject.title} {parameters:,} parameters",
            samples=seen,
            passes=passes,
            seconds=time.perf_counter() - begun,
        ),
        series=TensorSeries.from_reduced(0, {key: one.reduced for key, one in records.items()})
        if records
        else TensorSeries.empty(),
        types=tuple(one.module for one in records.values()),
        activations=tuple(one.activation for one in records.values()),
        roles=tuple(one.role for one in records.values()),
    )
