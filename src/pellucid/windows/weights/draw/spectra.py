"""Pictures of spectra. Importing this registers them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Panel, Table
from pellucid.core.figure.words import amount, number
from pellucid.windows.weights.draw.falling import at_the_foot, falling, place_axis, size_axis
from pellucid.windows.weights.result import Spectra

Array = NDArray[Any]
MOST_PANELS = 12
_ROUNDING = 1e-7  # of the largest: what is left of a 0 in weights of 32 bits


@drawing(Spectra)
def spectra(result: Spectra) -> Figure:
    """Draw the singular values of each matrix, largest first, and a table of ranks."""
    chosen = range(len(result.names))[:MOST_PANELS]
    values = [_cleared(result.values[one]) for one in chosen]
    axis = size_axis("singular value", values)
    panels = tuple(_panel(result, one, values[one], axis) for one in chosen)
    more = len(result.names) - len(chosen)
    notes = [f"{amount(more, 'matrix', 'matrices')} more in the table only."] if more else []
    if result.left_out:
        notes.append(
            f"Left out, as too large: {', '.join(result.left_out[:3])}{' …' if len(result.left_out) > 3 else ''}."
        )
    told = "A spectrum says how many directions a matrix uses, not whether these are the right ones."
    return Figure(
        title="Singular values of the weights",
        panels=(*panels, _table(result)),
        columns=3,
        caveat=" ".join([told, *notes]),
        alt=f"Singular values of {amount(len(result.names), 'matrix', 'matrices')}, and their ranks.",
    )


def _panel(result: Spectra, place: int, values: Array, axis: Axis) -> Panel:
    known, zeros = bool((values > 0).any()), int((values <= 0).sum())
    rank = f"stable rank {number(float(result.stable_ranks[place]))} of {len(values)}"
    less = f"; {zeros} {'is' if zeros == 1 else 'are'} 0, or all but 0" if zeros else ""
    return Panel(
        title=result.names[place],
        marks=(falling(values), *at_the_foot(values, axis)) if known else (),
        x=place_axis("number, largest first", len(values)),
        y=axis,
        note=rank + less if known else "not finite" if np.isnan(values).any() else "all 0",
    )


def _cleared(values: Array) -> Array:
    """Return singular values with 0 for those that only rounding holds above it."""
    return np.where(values <= _ROUNDING * float(np.nanmax(values, initial=0)), 0.0, values)


def _table(result: Spectra) -> Panel:
    columns = ("matrix", "rows × columns", "largest", "stable rank", "effective rank", "condition")
    figures = zip(result.norms, result.stable_ranks, result.effective_ranks, result.conditions, strict=True)
    rows = tuple(
        (name, " × ".join(map(str, shape)), *(number(float(one)) for one in numbers))
        for name, shape, numbers in zip(result.names, result.shapes, figures, strict=True)
    )
    return Panel(title="Ranks", marks=(Table(columns=columns, rows=rows),), wide=True)
