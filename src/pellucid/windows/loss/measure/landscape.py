"""From a finished model and data to the loss around its weights."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.core.arguments import ABOVE_0, MOST_SEED, Options, flag, instance, real_number, refused, whole
from pellucid.core.errors import InputError
from pellucid.core.progress import Loop, Progress, each, telling
from pellucid.core.result import Provenance
from pellucid.methods.ground.curvature import hessian, lanczos, start_of, unflattened
from pellucid.methods.ground.directions import Direction, cosine, given_direction, lengths, random_direction
from pellucid.methods.ground.ground import Ground
from pellucid.methods.ground.sweep import Plane, Sweep
from pellucid.probe.filters import Filters
from pellucid.probe.subject import Subject
from pellucid.windows.loss.measure.surroundings import Surroundings, given_subject, surroundings_of
from pellucid.windows.loss.result.landscape import Landscape

Array = NDArray[Any]
_KINDS = ("random", "hessian")
_LANCZOS = 40
_ENDS = 1e-3
_PLACES = 9
_FARTHEST = 1e100
_COARSEST = 1e-2
"""Radius below which weights of half precision do not resolve the ground."""


@dataclass(frozen=True, kw_only=True)
class LandscapeOptions(Options):
    """How a landscape is measured.

    Attributes:
        samples: Examples that each loss is a mean of, at the most; the first that the batches give.
        tolerance: Relative error up to which cells are filled in by a smooth surface instead of being measured; 0
            measures all.
        lines: Further directions, along which the loss is measured at 9 places each.
        recalibrated: Whether the statistics of batch norm are measured anew at each point, at twice the cost.
        gains: Whether biases and gains of norms move, too, each as one filter.
        seed: Of the directions.
    """

    samples: int = 1024
    tolerance: float = 0.02
    lines: int = 6
    recalibrated: bool = False
    gains: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self.settle(
            samples=(whole, 1),
            tolerance=(real_number, 0.0, 1.0),
            lines=(whole, 0, 1000),
            recalibrated=(flag,),
            gains=(flag,),
            seed=(whole, 0, MOST_SEED),
        )


def landscape(
    model: nn.Module | Subject,
    data: Any = None,
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    radius: float = 1.0,
    resolution: int = 33,
    directions: str | tuple[Sequence[Tensor | Array], Sequence[Tensor | Array]] = "random",
    options: LandscapeOptions | None = None,
    progress: Progress = None,
) -> Landscape:
    """Measure the loss on a plane through the weights.

    Directions are filter-normalised: each filter (everything that feeds one output unit) of a direction is as long as
    the model's own. What rescales whole layers, heads, or filters before a norm without changing the function (a layer
    times c, the next divided by c) therefore does not change the picture; what rescales single units does.
    The model is in eval mode meanwhile, and afterwards as it was, bit for bit.

    The plane is measured on 9 x 9 nodes first. A cubic spline through the logarithms is tried on 19 cells that it has
    not seen; only where one misses by more than the tolerance is a finer grid measured.

    Before each part of the data Python, NumPy and PyTorch are seeded, and generators that modules hold as attributes go
    back to where they stood: a model that draws in eval mode draws the same everywhere. One that draws from elsewhere
    adds noise.

    Args:
        model: A model, or a subject with batches.
        data: Batches (input, target), one such pair, or a loader; None for the batches of the subject.
        loss: `loss(output, target)`, a number or a tensor, which is averaged; None for that of the subject, or else
            cross-entropy for class targets and squared error for others. Data is measured in parts: what
            nn.CrossEntropyLoss and nn.NLLLoss (or their functions, with functools.partial) pass over or weigh, and the
            sum that a loss of PyTorch makes, count as they do on all of it. A function of your own is taken for a mean:
            over targets of 0 or more where they are classes, else over examples.
        radius: How far the plane reaches, above 0: 1 is as far as each filter is long.
        resolution: Nodes a side, odd, 3 to 513; 2^k + 1 costs least.
        directions: "random"; "hessian", the two of steepest curvature, each as long as all weights together (where
            the loss bends alike along all, the second is drawn by lot); or two lists of a tensor or array for each
            parameter that is trained, which are taken as they are.
        options: How thoroughly.
        progress: None for a line on stderr, False for silence, or a function that is given (done, in all).

    Returns:
        The landscape. After Ctrl-C as much as was measured.

    Raises:
        InputError: There is no data, target or loss, or it has no value on a part of the data; an argument is out of
            its range; the weights hold NaN, were made under inference mode, or are of half precision and the radius
            is so small that they would not move evenly; or there is no curvature where directions="hessian".

    Cost:
        A forward pass over the data for each point: 100 for the plane where the surface is smooth, resolution^2 at the
        most, and 8 for each further direction. Memory: the data, and three copies of the weights.

    Source:
        Li et al. 2018, "Visualizing the loss landscape of neural nets".
    """
    begun, chosen = time.perf_counter(), instance("options", options, LandscapeOptions)
    size, reach = _resolution(resolution), real_number("radius", radius, ABOVE_0)
    subject = given_subject(model, data, loss)
    around = surroundings_of(subject, samples=chosen.samples, recalibrated=chosen.recalibrated)
    _refuse_radius(around.filters, reach)
    axis = np.linspace(-reach, reach, size)
    axis[size // 2] = 0.0
    with telling("landscape", progress), around.ground.walked() as ground:
        pair, kind = _pair(ground, around.filters, directions, chosen)
        plane = _swept(ground, pair, axis, chosen)
        places, lines, stopped = _lines(ground, around.filters, reach, chosen, stop=plane.stopped)
    return Landscape(
        provenance=Provenance(
            model=f"{subject.title} {sum(one.numel() for one in subject.model.parameters()):,} parameters",
            samples=around.samples,
            passes=ground.passes,
            seconds=time.perf_counter() - begun,
            seed=chosen.seed,
        ),
        directions=kind,
        columns=axis,
        rows=axis.copy(),
        losses=plane.losses,
        errors=plane.errors,
        measured=plane.measured,
        missed=plane.missed,
        tolerance=chosen.tolerance,
        lines=lines,
        places=places,
        cosine=cosine(*pair),
        gains=chosen.gains,
        stopped=stopped,
        **_facts(around),
    )


def _facts(around: Surroundings) -> dict[str, Any]:
    return {
        "loss_name": around.objective.loss_name,
        "statistics": around.statistics,
        "samples": around.samples,
        "parts": len(around.ground.parts),
        "assumed": around.assumed,
    }


def _resolution(value: Any) -> int:
    size = whole("resolution", value, 3, 513)
    if not size % 2:
        raise refused("resolution", value, "an odd number, so that a node lies at the weights: 33 costs least")
    return size


def _refuse_radius(filters: Sequence[Filters], radius: float) -> None:
    kinds = {one.parameter.dtype: one for one in filters}
    narrow = min(kinds.values(), key=lambda one: torch.finfo(one.parameter.dtype).max)
    most = min(torch.finfo(narrow.parameter.dtype).max / 4, _FARTHEST)
    if radius > most:
        raise InputError(
            f"radius={radius:g} came, and {narrow.name!r} is of {narrow.parameter.dtype}, which does not reach that "
            f"far. Expected {most:.2g} or less; 1 is as far as each filter is long."
        )
    half = next((one for one in filters if one.parameter.element_size() < 4 and not one.gain), None)
    if half is not None and radius < _COARSEST:
        raise InputError(
            f"radius={radius:g} came, and {half.name!r} is of {half.parameter.dtype}, whose steps are that large, "
            f"so that only rounding would be seen. Give model.float(), or a radius of {_COARSEST:g} or more."
        )


def _pair(
    ground: Ground, filters: Sequence[Filters], directions: Any, chosen: LandscapeOptions
) -> tuple[tuple[Direction, Direction], str]:
    if isinstance(directions, str) and directions == "random":
        first, second = (random_direction(filters, seed=chosen.seed, number=n, gains=chosen.gains) for n in (0, 1))
        return (first, second), "random"
    if isinstance(directions, str) and directions == "hessian":
        return _steepest(ground, filters, chosen), "hessian"
    if isinstance(directions, (tuple, list)) and len(directions) == 2:
        given = [given_direction(one, filters, name=f"directions[{n}]") for n, one in enumerate(directions)]
        return (given[0], given[1]), "given"
    raise refused(
        "directions", directions, f"{', '.join(map(repr, _KINDS))}, or two lists of a tensor for each parameter"
    )


def _steepest(ground: Ground, filters: Sequence[Filters], chosen: LandscapeOptions) -> tuple[Direction, Direction]:
    start = start_of(ground, seed=chosen.seed)
    if len(start) < 2:
        raise InputError(
            "directions='hessian' came, and the model has a single weight, around which there is no plane. Give "
            "directions='random', which moves it along both axes."
        )
    try:
        found = lanczos(hessian(ground), start, most=_LANCZOS, tolerance=_ENDS)
    except FloatingPointError as error:
        raise InputError(
            f"{error} The loss or its derivatives are NaN or infinite at these weights, so that no direction is the "
            "steepest. Give directions='random'."
        ) from error
    order = [int(one) for one in np.argsort(-np.abs(found.values))[:2]]
    if not found.values[order[0]]:
        raise InputError(
            "directions='hessian' came, and the loss does not bend at these weights: it is linear in them, or does not "
            "depend on them. Give directions='random'."
        )
    vectors = [found.vector(one) for one in order]
    if len(vectors) < 2:  # it bends alike along every direction that the start could show
        drawn = start_of(ground, seed=chosen.seed, number=1)
        drawn = drawn - (drawn @ vectors[0]) * vectors[0]
        vectors.append(drawn / drawn.norm())
    far = lengths([one.parameter for one in filters])
    first, second = (unflattened(far * one, ground) for one in vectors)
    return first, second


def _swept(ground: Ground, pair: tuple[Direction, Direction], axis: Array, chosen: LandscapeOptions) -> Plane:
    loops: list[Loop] = []

    def told(grid: str, done: int, total: int) -> None:
        if done == 1:  # of the next grid; whether there is one is not known before
            for one in loops:
                one.over()
            loops.append(Loop(total, grid))
        loops[-1].at(done)

    sweep = Sweep(ground, pair, axis, axis, tolerance=chosen.tolerance, seed=chosen.seed, told=told)
    return sweep.run()


def _lines(
    ground: Ground, filters: Sequence[Filters], radius: float, chosen: LandscapeOptions, *, stop: bool
) -> tuple[Array, Array, bool]:
    """Return places, losses along further random directions, and whether it was ended early."""
    places = np.linspace(-radius, radius, _PLACES)
    places[_PLACES // 2] = 0.0
    found: list[Tensor] = []
    try:
        for line in each(range(0 if stop else chosen.lines), "further directions"):
            along = random_direction(filters, seed=chosen.seed, number=2 + line, gains=chosen.gains)
            found.append(torch.stack([ground.losses(((float(far), along),)) for far in places]))
    except KeyboardInterrupt:
        stop = True
    means = ground.mean(torch.stack(found).cpu()).numpy() if found else np.zeros((0, _PLACES))
    return places, means, stop
