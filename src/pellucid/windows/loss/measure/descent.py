"""From a surface and an optimizer to the path down."""

import time
from collections.abc import Sequence
from functools import cache
from typing import Any, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pellucid.core.errors import InputError
from pellucid.core.result import Provenance
from pellucid.maths import descent
from pellucid.maths.surfaces import SURFACES, Terrain
from pellucid.windows.loss.measure import given
from pellucid.windows.loss.result import Descent

Array = NDArray[Any]


def descend(
    surface: str | Terrain = "ravine",
    optimizer: str = "SGD",
    *,
    start: Sequence[SupportsFloat] | Array | Tensor | None = None,
    learning_rate: SupportsFloat | None = None,
    momentum: SupportsFloat = 0.9,
    steps: SupportsIndex = 150,
    noise: SupportsFloat = 0.0,
    seed: SupportsIndex = 0,
) -> Descent:
    """Let an optimizer walk down a surface of two parameters.

    Momentum is an average of gradients here, v <- b v + (1 - b) g. torch adds them up, v <- b v + g, and takes the same
    path with the learning rate `torch_learning_rate` = learning_rate (1 - b). RMSProp moves no coordinate further than
    the learning rate in a step: torch's first step is ten times as long.

    Args:
        surface: "bowl", "ravine", "saddle", "non-convex", "himmelblau", or a `Terrain` of your own.
        optimizer: "SGD", "momentum", "Nesterov", "RMSProp" or "Adam".
        start: (x, y), neither further than 1,000,000 from 0; None for the start of the surface.
        learning_rate: Above 0; None for that of the surface.
        momentum: Memory b of the average of gradients, 0 to below 1: of momentum, Nesterov and, as beta1, Adam.
        steps: How many steps, 0 to 100,000.
        noise: Standard deviation of what is added to each gradient, as minibatches do; 0 to 1,000,000.
        seed: Seed of the noise.

    Returns:
        The path. It judges itself (`findings`): does it oscillate, zig-zag, diverge, is it stuck, which minimum is
        reached.

    Raises:
        InputError: There is no such surface or optimizer, the surface names no minimum, or a number is none or outside
            its range. Numbers of numpy and tensors without a dimension are numbers; True and "1" are none.

    Cost:
        2 µs a step.

    Source:
        Momentum: B. T. Polyak, 1964. Nesterov: Y. Nesterov, 1983, in the form of I. Sutskever et al., 2013. RMSProp:
        T. Tieleman, G. Hinton, 2012. Adam: D. P. Kingma, J. Ba, 2015.
    """
    terrain = surface if isinstance(surface, Terrain) else SURFACES[given.known_name("surface", surface, [*SURFACES])]
    if not terrain.minima:
        raise InputError(f"The surface {terrain.name!r} names no minimum. Give its `critical` at least one.")
    optimizer = given.known_name("optimizer", optimizer, [*descent.OPTIMIZERS])
    begin = given.start_of(terrain.start if start is None else start)
    rate = given.rate_of(terrain.rate if learning_rate is None else learning_rate)
    memory, count = given.momentum_of(momentum), given.steps_of(steps)
    deviation, from_seed = given.noise_of(noise), given.seed_of(seed)
    begun = time.perf_counter()
    chosen = descent.settings(optimizer, rate=rate, momentum=memory)
    path = descent.descend(
        terrain, begin, optimizer=optimizer, chosen=chosen, steps=count, noise=deviation, seed=from_seed
    )
    with np.errstate(over="ignore", invalid="ignore"):
        slopes, curvatures, losses = terrain.gradient(path), terrain.curvatures(path), terrain.value(path)
        gradients = np.hypot(slopes[:, 0], slopes[:, 1])
    x, y, heights = _grid(terrain)
    return Descent(
        provenance=Provenance(
            model=f"surface {terrain.name}",
            passes=count,
            seconds=time.perf_counter() - begun,
            seed=from_seed if deviation else None,
        ),
        surface=terrain.name,
        formula=terrain.formula,
        optimizer=optimizer,
        learning_rate=rate,
        torch_learning_rate=descent.torch_learning_rate(optimizer, rate=rate, momentum=memory),
        momentum=memory,
        noise=deviation,
        path=path,
        losses=losses,
        gradients=gradients,
        curvatures=curvatures,
        critical=terrain.critical,
        bends=terrain.curvatures(np.array([(one.x, one.y) for one in terrain.critical])),
        x=x,
        y=y,
        heights=heights,
        basin=_basin(terrain, path),
    )


def _basin(terrain: Terrain, path: Array) -> int:
    """Return which minimum the slope leads to from the last point within what is shown, or from the first of all."""
    low, high = zip(terrain.x, terrain.y, strict=True)
    inside = np.flatnonzero(((path >= low) & (path <= high)).all(axis=-1))
    x, y = path[inside[-1] if inside.size else 0].tolist()
    return descent.basin(terrain, (x, y))


@cache
def _grid(terrain: Terrain) -> tuple[Array, Array, Array]:
    made = terrain.grid()
    for one in made:
        one.flags.writeable = False  # every descent over this surface shares them
    return made
