"""Pictures of spectra. Importing this registers them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Lines, Panel, Table
from pellucid.core.figure.words import amount, number
from pellucid.windows.weights.result import Spectra

Array = NDArray[Any]
MOST_PANELS = 12


@drawing(Spectra)
def spectra(result: Spectra) -> Figure:
    """Draw the singular values of each matrix, largest first, and a table of ranks."""
    chosen = range(len(result.names))[:MOST_PANELS]
    panels = tuple(_panel(result, one) for one in chosen)
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


def _panel(result: Spectra, place: int) -> Panel:
    values = result.values[place]
    least = 1e-7 * float(np.nanmax(values, initial=0))
    shown = np.where(values > least, values, np.nan)
    line = Lines(x=np.arange(1, len(values) + 1), y=shown, dots=len(values) <= 32)
    rank = f"stable rank {number(float(result.stable_ranks[place]))} of {len(values)}"
    return Panel(
        title=result.names[place],
        marks=(line,) if np.isfinite(shown).any() else (),
        x=Axis(label="number"),
        y=Axis(label="singular value", scale="log" if _reaches_far(shown) else "linear"),
        note=rank if np.isfinite(shown).any() else "not finite" if np.isnan(values).any() else "all 0",
    )


def _reaches_far(values: Array) -> bool:
    """Whether values span a decade: within one a logarithmic axis has hardly a number."""
    known = values[np.isfinite(values)]
    return bool(known.size and known.max() > 10 * known.min())


def _table(result: Spectra) -> Panel:
    columns = ("matrix", "rows × columns", "largest", "stable rank", "effective rank", "condition")
    figures = zip(result.norms, result.stable_ranks, result.effective_ranks, result.conditions, strict=True)
    rows = tuple(
        (name, " × ".join(map(str, shape)), *(number(float(one)) for one in numbers))
        for name, shape, numbers in zip(result.names, result.shapes, figures, strict=True)
    )
    return Panel(title="Ranks", marks=(Table(columns=columns, rows=rows),), wide=True)
