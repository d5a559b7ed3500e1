"""From a finished model to the distribution of its parameters."""

import time

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.core.result import Provenance
from pellucid.maths.reduce import reduce
from pellucid.maths.series import TensorSeries
from pellucid.maths.twins import twin_share
from pellucid.probe.address import unwrap
from pellucid.probe.guard import refuse_meta, refuse_uninitialized
from pellucid.probe.subject import Subject
from pellucid.windows.weights.result import WeightHistograms


def histograms(model: nn.Module | Subject) -> WeightHistograms:
    """Measure the distribution of every parameter; of complex numbers, that of their magnitudes.

    Args:
        model: A model, or a subject. It is only read.

    Returns:
        One step, with a tensor for each parameter, in registration order; a shared parameter once. It judges
        itself (`findings`) and draws itself (`figure()`).

    Raises:
        InputError: A lazy module has not been run yet, weights are on the meta device, or a name of a parameter cannot
            be written.

    Cost:
        About five readings of the parameters; no forward pass.
    """
    subject, begun = Subject.of(model), time.perf_counter()
    parameters = dict(unwrap(subject.model).named_parameters())
    refuse_uninitialized(subject.model)
    refuse_meta(parameters.items())
    twins = [float(twin_share(_plain(one))) if one.ndim >= 2 else np.nan for one in parameters.values()]
    reduced = {name: reduce(one.detach().abs() if one.is_complex() else one) for name, one in parameters.items()}
    count = sum(one.numel() for one in parameters.values())
    return WeightHistograms(
        provenance=Provenance(model=f"{subject.title} {count:,} parameters", seconds=time.perf_counter() - begun),
        series=TensorSeries.from_reduced(0, reduced) if reduced else TensorSeries.empty(),
        shapes=tuple(tuple(one.shape) for one in parameters.values()),
        twins=np.array([twins] if reduced else np.zeros((0, 0)), dtype=np.float64),
    )


def _plain(weight: Tensor) -> Tensor:
    # Rows of complex numbers point the same way when their real and imaginary parts do.
    return torch.view_as_real(weight.detach().resolve_conj()) if weight.is_complex() else weight
