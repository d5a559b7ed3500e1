"""Drawing the path of the weights."""

import numpy as np

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Bars, Figure, Lines, Panel, Table
from pellucid.core.figure.words import amount, number, percent
from pellucid.windows.loss.result.path import Path

_COMPONENTS = 8


@drawing(Path)
def path(result: Path) -> Figure:
    """Draw the path on its plane, what is off that, the components beside those of a random walk, and the losses."""
    panels = [_on_plane(result), _components(result), _off(result)] if len(result.steps) else []
    if np.isfinite(result.losses).any():
        panels.append(_losses(result))
    return Figure(
        title="Path of the weights",
        panels=(*panels, _figures(result)),
        columns=2,
        caveat="Two components hold three quarters of any random walk, which looks like a smooth curve, too. Distances "
        "are in units of that from the first snapshot to now.",
        alt=f"The path of {amount(len(result.steps), 'snapshot')} on the plane that shows most of it, "
        f"{percent(result.in_plane) if len(result.shares) else 'none'} of its spread.",
    )


def _on_plane(result: Path) -> Panel:
    points = np.vstack([result.coordinates, np.zeros((1, 2))])
    return Panel(
        title="On the plane",
        marks=(
            Lines(x=points[:, 0], y=points[:, 1], tone="faint"),
            Lines(x=points[:-1, 0], y=points[:-1, 1], tone="accent", dots=True, label="snapshots"),
            Lines(x=points[:1, 0], y=points[:1, 1], tone="fifth", dots=True, label=f"step {result.steps[0]:,}"),
            Lines(x=points[-1:, 0], y=points[-1:, 1], tone="third", dots=True, label="now"),
        ),
        x=Axis(label=f"component 1, {percent(float(result.shares[0]))} of the spread"),
        y=Axis(label=f"component 2, {percent(float(result.shares[1]))}"),
        wide=True,
    )


def _components(result: Path) -> Panel:
    count = min(_COMPONENTS, len(result.shares), len(result.walk))
    places = np.arange(1, count + 1)
    return Panel(
        title="Spread by component",
        marks=(
            Bars(edges=np.arange(count + 1) + 0.5, heights=result.shares[:count], label="path"),
            Lines(x=places, y=result.walk[:count], tone="fifth", dots=True, label="random walk"),
        ),
        x=Axis(label="component"),
        y=Axis(label="share of the spread"),
    )


def _off(result: Path) -> Panel:
    return Panel(
        title="Off the plane",
        marks=(Lines(x=result.steps, y=result.off_plane, tone="accent", dots=True),),
        x=Axis(label="step"),
        y=Axis(label="share of the distance to now", limits=(0.0, 1.0)),
    )


def _losses(result: Path) -> Panel:
    known = result.losses[np.isfinite(result.losses)]
    far = bool(known.size and 0 < 30 * known.min() < known.max())
    return Panel(
        title="Loss at the snapshots",
        marks=(Lines(x=result.steps, y=result.losses, tone="accent", dots=True),),
        x=Axis(label="step"),
        y=Axis(label=f"loss ({result.loss_name})", scale="log" if far else "linear"),
    )


def _figures(result: Path) -> Panel:
    rows = [
        ("snapshots", f"{len(result.steps):,}"),
        ("spread in two components", percent(result.in_plane) if len(result.shares) else "unknown"),
        ("the same of a random walk", percent(result.of_a_walk) if len(result.walk) else "unknown"),
        ("distance from the first to now, of the weights", percent(result.length)),
        ("straightness, 1 for a straight line", number(result.straightness)),
    ]
    if np.isfinite(result.loss_now):
        rows.append(("loss now", number(result.loss_now)))
    return Panel(title="In figures", marks=(Table(columns=("what", "how much"), rows=tuple(rows)),))
