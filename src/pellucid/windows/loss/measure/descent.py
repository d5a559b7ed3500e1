"""From a surface and an optimizer to the path down."""

import math
import time
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.errors import InputError, did_you_mean
from pellucid.core.result import Provenance
from pellucid.maths import descent
from pellucid.maths.surfaces import SURFACES, Terrain
from pellucid.windows.loss.result import Descent

Array = NDArray[Any]
_MOST_STEPS = 100_000
_FARTHEST = 1e6


def descend(
    surface: str | Terrain = "ravine",
    optimizer: str = "SGD",
    *,
    start: tuple[float, float] | None = None,
    learning_rate: float | None = None,
    momentum: float = 0.9,
    steps: int = 150,
    noise: float = 0.0,
    seed: int = 0,
) -> Descent:
    """Let an optimizer walk down a surface of two parameters.

    Momentum is an average of gradients here, v <- b v + (1 - b) g. torch adds them up, v <- b v + g, and takes the same
    path with the learning rate `torch_learning_rate` = learning_rate (1 - b). RMSProp moves no coordinate further than
    the learning rate in a step: torch's first step is ten times as long.

    Args:
        surface: "bowl", "ravine", "saddle", "non-convex", "himmelblau", or a `Terrain` of your own.
        optimizer: "SGD", "momentum", "Nesterov", "RMSProp" or "Adam".
        start: (x, y); None for the start of the surface.
        learning_rate: Above 0; None for that of the surface.
        momentum: Memory b of the average of gradients, 0 to below 1: of momentum, Nesterov and, as beta1, Adam.
        steps: How many steps, 0 to 100,000.
        noise: Standard deviation of what is added to each gradient, as minibatches do; 0 or more.
        seed: Seed of the noise.

    Returns:
        The path. It judges itself (`findings`): does it oscillate, zig-zag, diverge, is it stuck, which minimum is
        reached.

    Raises:
        InputError: There is no such surface or optimizer, the surface names no minimum, or a number is outside its
            range.

    Cost:
        2 µs a step.

    Source:
        Momentum: B. T. Polyak, 1964. Nesterov: Y. Nesterov, 1983, in the form of I. Sutskever et al., 2013. RMSProp:
        T. Tieleman, G. Hinton, 2012. Adam: D. P. Kingma, J. Ba, 2015.
    """
    terrain = surface if isinstance(surface, Terrain) else _named(surface)
    if not terrain.minima:
        raise InputError(f"The surface {terrain.name!r} names no minimum. Give its `critical` at least one.")
    if optimizer not in descent.OPTIMIZERS:
        raise InputError(_unknown("optimizer", optimizer, tuple(descent.OPTIMIZERS)))
    begin, rate = terrain.start if start is None else start, terrain.rate if learning_rate is None else learning_rate
    _check(begin, rate=rate, momentum=momentum, steps=steps, noise=noise)
    begun = time.perf_counter()
    chosen = descent.settings(optimizer, rate=rate, momentum=momentum)
    path = descent.descend(terrain, begin, optimizer=optimizer, chosen=chosen, steps=steps, noise=noise, seed=seed)
    with np.errstate(over="ignore", invalid="ignore"):
        slopes, curvatures, losses = terrain.gradient(path), terrain.curvatures(path), terrain.value(path)
        gradients = np.hypot(slopes[:, 0], slopes[:, 1])
    x, y, heights = _grid(terrain)
    return Descent(
        provenance=Provenance(
            model=f"surface {terrain.name}",
            passes=steps,
            seconds=time.perf_counter() - begun,
            seed=seed if noise else None,
        ),
        surface=terrain.name,
        formula=terrain.formula,
        optimizer=optimizer,
        learning_rate=float(rate),
        torch_learning_rate=descent.torch_learning_rate(optimizer, rate=rate, momentum=momentum),
        momentum=float(momentum),
        noise=float(noise),
        path=path,
        losses=losses,
        gradients=gradients,
        curvatures=curvatures,
        critical=terrain.critical,
        bends=terrain.curvatures(np.array([(one.x, one.y) for one in terrain.critical])),
        x=x,
        y=y,
        heights=heights,
    )


@cache
def _grid(terrain: Terrain) -> tuple[Array, Array, Array]:
    made = terrain.grid()
    for one in made:
        one.flags.writeable = False  # every descent over this surface shares them
    return made


def _named(surface: str) -> Terrain:
    if surface not in SURFACES:
        raise InputError(_unknown("surface", surface, tuple(SURFACES)))
    return SURFACES[surface]


def _unknown(what: str, name: object, known: tuple[str, ...]) -> str:
    parts = (f"There is no {what} {name!r}.", did_you_mean(str(name), known), f"Expected one of: {', '.join(known)}.")
    return " ".join(one for one in parts if one)


def _check(start: tuple[float, float], *, rate: float, momentum: float, steps: int, noise: float) -> None:
    if len(start) != 2 or not all(math.isfinite(one) for one in start):
        raise InputError(f"descend() got the start {start!r}, expected two finite numbers (x, y).")
    if max(map(abs, start)) > _FARTHEST:
        raise InputError(f"descend() got the start {start!r}, expected no more than {_FARTHEST:,.0f} from 0.")
    if not (math.isfinite(rate) and rate > 0):
        raise InputError(f"descend() got the learning rate {rate!r}, expected a number above 0.")
    if not 0 <= momentum < 1:
        raise InputError(f"descend() got the momentum {momentum!r}, expected 0 to below 1.")
    if isinstance(steps, bool) or not 0 <= steps <= _MOST_STEPS:
        raise InputError(f"descend() got {steps!r} steps, expected 0 to {_MOST_STEPS:,}.")
    if not (math.isfinite(noise) and noise >= 0):
        raise InputError(f"descend() got the noise {noise!r}, expected 0 or more.")
