"""From snapshots of the weights to the path that they took."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import whole
from pellucid.core.errors import InputError
from pellucid.core.progress import Progress, telling
from pellucid.core.result import Provenance
from pellucid.methods.ground.directions import lengths
from pellucid.methods.ground.path import losses_along, principal, walk_shares
from pellucid.methods.ground.trajectory import Snapshots, Way
from pellucid.probe.filters import filters_of
from pellucid.probe.guard import refuse_inference
from pellucid.probe.subject import Subject
from pellucid.windows.loss.measure.surroundings import given_subject, surroundings_of
from pellucid.windows.loss.result.path import Path

Array = NDArray[Any]


def path(
    model: nn.Module | Subject,
    snapshots: Snapshots,
    data: Any = None,
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    samples: int = 1024,
    progress: Progress = None,
) -> Path:
    """Show where the weights were while the model trained, and how much of that two axes can show.

    The axes are the first two principal components of the snapshots and the weights as they are now. Two of them hold
    76 % of any random walk in many dimensions: that a path looks smooth on them means nothing by itself.

    Args:
        model: The model as it is now, or a subject.
        snapshots: `watch.path` of a watch with `WatchOptions(path=64)`, a `pel.loss.Trajectory`, a list of state dicts
            in their order, or a mapping from steps to state dicts; 4 or more.
        data: Batches (input, target), one such pair, or a loader, to measure the loss at each snapshot; None for those
            of the subject, or without a loss.
        loss: `loss(output, target)`; see `landscape`.
        samples: Examples that each loss is a mean of, at the most.
        progress: None for a line on stderr, False for silence, or a function that is given (done, in all).

    Returns:
        The path. After Ctrl-C losses that were not measured are NaN.

    Raises:
        InputError: There are fewer than 4 snapshots, they are of another model or not finite, or none differs from the
            weights as they are now.

    Cost:
        The snapshots are read once, in float64; with data a forward pass over it for each.

    Source:
        Li et al. 2018, section 7; Antognini and Sohl-Dickstein 2018 (random walks).
    """
    begun, most = time.perf_counter(), whole("samples", samples, 1)
    subject = given_subject(model, data, loss)
    refuse_inference(subject.model)
    filters = filters_of(subject.model)
    way = Way(snapshots, filters)
    found = principal(way)
    far = float(found.distances[0])
    if not found.distances.max() > 0:
        raise InputError(
            f"All {len(way)} snapshots are where the weights are now: there is no path. Take them while the model "
            "trains, and give the model as it is afterwards."
        )
    unit = far or float(found.distances.max())
    measured: dict[str, Any] = {"losses": np.full(len(way), np.nan)}
    if subject.batches is not None:
        measured = _measured(subject, way, most, progress)
    return Path(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
            samples=int(measured.get("samples", 0)),
            passes=int(measured.pop("passes", 0)),
            seconds=time.perf_counter() - begun,
        ),
        steps=np.array(way.steps, dtype=np.int64),
        coordinates=found.coordinates / unit,
        distances=found.distances / unit,
        off_plane=found.off_plane,
        shares=found.shares,
        walk=walk_shares(len(way) + 1),
        length=far / (lengths([one.parameter for one in filters]) or float("nan")),
        **measured,
    )


def _measured(subject: Subject, way: Way, samples: int, progress: Progress) -> dict[str, Any]:
    """Return the fields of the result that come from data, and the passes that they took."""
    around = surroundings_of(subject, samples=samples)
    with telling("path", progress), around.ground.walked() as ground:
        now = ground.losses(())
        found, stopped = losses_along(ground, way)
    losses = np.full(len(way), np.nan)
    losses[: len(found)] = found
    return {
        "losses": losses,
        "loss_now": float(ground.mean(now.cpu())),
        "loss_name": around.objective.loss_name,
        "samples": around.samples,
        "stopped": stopped,
        "passes": ground.passes,
    }
