"""Pictures of the rows of a dense layer. Importing this registers them."""

import numpy as np

from pellucid.core.drawing import drawing
from pellucid.core.figure import Figure, Panel, Tiles
from pellucid.core.figure.words import amount, not_drawn
from pellucid.methods.tiles import in_a_row
from pellucid.windows.weights.result import Templates

MOST_UNITS = 64
_COLOURS = ("red", "green", "blue")


@drawing(Templates)
def templates(result: Templates) -> Figure:
    """Draw each row as an image: what raises the unit, and what lowers it."""
    return _drawn(result, shared=True)


@drawing(Templates)
def each_by_itself(result: Templates) -> Figure:
    """Draw each row on a scale of its own, so that the faint ones can be seen."""
    return _drawn(result, shared=False)


def _drawn(result: Templates, *, shared: bool) -> Figure:
    shown = result.images[:MOST_UNITS].astype(np.float32)
    units, channels = result.images.shape[:2]
    titles = tuple(result.unit_names[:MOST_UNITS]) or tuple(str(one) for one in range(len(shown)))
    scale = "" if shared else ", each on a scale of its own"
    if not shown.size:
        panels = (Panel(title="Weights", note="nothing to show"),)
    elif channels == 3:
        panels = tuple(
            Panel(title=name, marks=(_tiles(shown[:, place], titles, shared),)) for place, name in enumerate(_COLOURS)
        )
    else:
        rows = np.stack([in_a_row(list(one[:12])) for one in shown])
        few = f"the first 12 of {channels} channels" if channels > 12 else f"{channels} channels side by side"
        panels = (Panel(marks=(_tiles(rows, titles, shared),), note="" if channels == 1 else few, wide=channels > 3),)
    size = " × ".join(map(str, result.images.shape[1:]))
    told = " Its shape was told from the number of inputs alone." if result.inferred else ""
    more = not_drawn(units - len(shown), "unit")
    return Figure(
        title=f"What raises (+) and lowers (-) each unit of {result.layer!r}{scale}",
        panels=panels,
        columns=3 if channels == 3 else 1,
        caveat="A weight counts for what it is multiplied with: pixels that are always the same hardly matter, however "
        f"large their weights are.{told} {more}".strip(),
        alt=f"{amount(len(shown), 'row')} of {result.layer} as images of {size}.",
    )


def _tiles(images: np.ndarray, titles: tuple[str, ...], shared: bool) -> Tiles:
    return Tiles(images=images, titles=titles, signed=True, shared_scale=shared, label="weight")
