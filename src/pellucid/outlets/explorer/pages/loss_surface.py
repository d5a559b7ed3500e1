"""The page on loss surfaces: optimizers that walk down a surface of two parameters."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pellucid.core.figure import Figure
from pellucid.core.finding import Level
from pellucid.core.view import Range, view
from pellucid.maths.surfaces import SURFACES
from pellucid.windows import loss

SurfaceName = Literal["bowl", "ravine", "saddle", "non-convex", "himmelblau"]
OptimizerName = Literal["SGD", "momentum", "Nesterov", "RMSProp", "Adam"]
Chosen = Mapping[str, Any]


def _limit(axis: Literal["x", "y"], side: Literal[0, 1]) -> Callable[[Chosen], float]:
    """Return what says how far a surface that was chosen reaches."""

    def limit(chosen: Chosen) -> float:
        terrain = SURFACES[chosen["surface"]]
        return (terrain.x if axis == "x" else terrain.y)[side]

    return limit


def _start_x(chosen: Chosen) -> float:
    return SURFACES[chosen["surface"]].start[0]


def _start_y(chosen: Chosen) -> float:
    return SURFACES[chosen["surface"]].start[1]


def _rate(chosen: Chosen) -> float:
    return SURFACES[chosen["surface"]].rate


@view(title="Loss surface with a ball", page=True)
def loss_surface(
    surface: SurfaceName = "ravine",
    learning_rate: Annotated[float, Range(0.001, 4.0, log=True, default=_rate)] = 0.36,
    *,
    momentum: Annotated[float, Range(0.0, 0.99, step=0.01)] = 0.9,
    optimizers: tuple[OptimizerName, ...] = ("SGD", "momentum"),
    start_x: Annotated[float, Range(_limit("x", 0), _limit("x", 1), default=_start_x, picks="x")] = -8.0,
    start_y: Annotated[float, Range(_limit("y", 0), _limit("y", 1), default=_start_y, picks="y")] = 1.0,
    steps: Annotated[int, Range(10, 500, step=10)] = 150,
) -> Figure:
    """How a learning rate, a momentum and the shape of the ground decide what training does.

    Training a network is walking down a surface: each place is a setting of the weights, its height is the loss, and
    each step goes against the slope under your feet. Real surfaces have millions of directions. These have two, so that
    you can see what happens: roll a ball down, and read beside it what the rules of pellucid say of its path.

    One number explains most of it: the curvature λ, which says how fast the slope changes. On a parabola a step of
    plain gradient descent multiplies the distance from the minimum by 1 − lr·λ. With lr = 1/λ it lands on the minimum
    in one step. Above 1/λ it lands on the other side and swings back and forth. Above 2/λ each swing is larger than the
    one before, and it diverges. In a ravine the steep direction sets this limit, and the flat one has to wait.

    Momentum walks along an average of the last gradients, v ← b·v + (1 − b)·g: what points back and forth cancels out,
    what points along the ravine stays. torch adds the gradients up instead of averaging them, so that its steps are
    1/(1 − b) times as long: the table gives the learning rate with which torch takes the same path. RMSProp and Adam
    divide by the size of the gradient, so that their steps are about as long as the learning rate, on steep and on flat
    ground.

    Try:
        - In the bowl, where λ is 5, set the learning rate to 0.19, 0.21, 0.39 and 0.41 with SGD alone: straight down,
          across and back, back and forth for long, and away.
        - In the ravine, race SGD against momentum at 0.36: SGD turns by 62 degrees from step to step, momentum by 12.
          Then set momentum to 0 and to 0.99.
        - In the ravine, set the learning rate to 3.6 with momentum 0.9: this is what 0.36 means in torch, and it
          zig-zags again.
        - On the saddle, watch the ball come almost to rest before it finds the way down; then race Adam against SGD.
          With start y at 0, exactly on the ridge, none of them gets away: nothing pushes it off.
        - On the non-convex surface, click on both sides of the ridge: the start decides which of the two minima is
          found. Can a large learning rate or momentum carry a ball over it?
        - On himmelblau, click around and see which of its four minima each optimizer ends at from the same start.

    Args:
        surface: the ground; its formula stands above the picture
        learning_rate: length of a step for a slope of 1; for RMSProp and Adam, about the length of every step
        momentum: memory of the average of gradients, for momentum, Nesterov and Adam; about 1/(1 − b) steps
        optimizers: those that are raced, from the same start with the same learning rate
        start_x: where they begin; a click on the picture sets it
        start_y: where they begin; a click on the picture sets it
        steps: how many steps each takes
    """
    start = (start_x, start_y)
    if not optimizers:
        still = loss.draw.race([loss.descend(surface, start=start, steps=0)])
        first, *others = still.panels
        panels = (replace(first, note="Choose an optimizer to see it walk down."), *others)
        return replace(still, verdict="", level=Level.OK, panels=panels)
    walks = [
        loss.descend(surface, name, start=start, learning_rate=learning_rate, momentum=momentum, steps=steps)
        for name in optimizers
    ]
    return loss.draw.race(walks)
