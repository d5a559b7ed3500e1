"""Drawing the curvature of the loss at the weights."""

import numpy as np

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Event, Figure, Lines, Panel, Table
from pellucid.core.figure.words import amount, number, percent
from pellucid.windows.loss.result.curvature import Curvature

_ASLEEP = 1e-4
_EXACT = 1e-6
_CAVEAT = (
    "Of the loss on the examples that were given, with all of them at a time. The largest eigenvalue changes when "
    "layers are rescaled without changing the function; the sharpness in the size of the filters does not. How many "
    "eigenvalues lie near 0, and on which side, a spectrum like this cannot tell."
)


@drawing(Curvature)
def curvature(result: Curvature) -> Figure:
    """Draw the spectrum of the Hessian, the curvature along random directions, and the figures."""
    panels = [one for one in (_spectrum(result), _directions(result)) if one is not None]
    return Figure(
        title="Curvature at the weights",
        panels=(*panels, _figures(result)),
        columns=2,
        caveat=_CAVEAT,
        alt=f"Eigenvalues of the Hessian from {number(result.lowest)} to {number(result.highest)}.",
    )


def _spectrum(result: Curvature) -> Panel | None:
    places, density = result.density
    if not places.size:
        return None
    events = [Event(at=result.highest, text="largest")] if np.isfinite(result.highest) else []
    if result.optimizer not in ("", "Adam") and result.edge <= places[-1]:
        events.append(Event(at=result.edge, text="edge of stability"))
    shown = np.where(density > _ASLEEP * density.max(), density, np.nan)
    return Panel(
        title="Spectrum of the Hessian",
        marks=(Lines(x=places, y=shown, label="density"), *events),
        x=Axis(label="eigenvalue"),
        y=Axis(label="density", scale="log"),
        note=f"{amount(len(result.values), 'random start')}, each value a bump as wide as 1 % of the range",
        wide=True,
    )


def _directions(result: Curvature) -> Panel | None:
    if not result.along.size:
        return None
    order = np.sort(result.along)
    mean = np.full(2, result.sharpness)
    ends = np.array([1.0, float(len(order))])
    half = 0.0 if np.isnan(result.interval) else result.interval
    return Panel(
        title="Along random directions",
        marks=(
            Lines(x=np.arange(1, len(order) + 1), y=order, dots=True, label="one direction each"),
            Lines(x=ends, y=mean, low=mean - half, high=mean + half, label="mean, 95 % interval", tone="second"),
        ),
        x=Axis(label="rank"),
        y=Axis(label="curvature, size of the filters"),
    )


def _figures(result: Curvature) -> Panel:
    rows = [
        ("largest eigenvalue", _within(result.highest, result.bounds[1])),
        ("smallest eigenvalue", _within(result.lowest, result.bounds[0])),
    ]
    if result.along.size:
        rows.append(("sharpness in the size of the filters", _within(result.sharpness, result.interval)))
    if result.values.size:
        rows.append(("trace", number(result.trace)))
    if np.isfinite(result.preconditioned):
        rows.append(("largest eigenvalue as Adam sees it", number(result.preconditioned)))
    if result.optimizer:
        rows.append(
            ("of the edge of stability", f"{percent(result.steepest / result.edge)} of {number(result.edge)}"),
        )
    rows += [
        ("loss", result.loss_name),
        ("examples", f"{result.samples:,}"),
        ("weights that are trained", f"{result.parameters:,}"),
    ]
    return Panel(title="In figures", marks=(Table(columns=("what", "how much"), rows=tuple(rows)),))


def _within(value: float, bound: float) -> str:
    return f"{number(value)} ± {number(bound)}" if np.isfinite(bound) and bound > _EXACT * abs(value) else number(value)
