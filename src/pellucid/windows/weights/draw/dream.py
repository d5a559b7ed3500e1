"""Drawing: what a layer dreams of photographs. Importing this registers it."""

import numpy as np

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Lines, Panel, Tiles
from pellucid.core.figure.words import amount, not_drawn, number
from pellucid.core.theme import PLACES
from pellucid.methods.tiles import AS_THEY_ARE, as_tiles
from pellucid.windows.weights.result import Dreamed

MOST_IMAGES = 6
_CAVEAT = "A dream shows what a layer responds to at all, not what it needs to decide."


@drawing(Dreamed)
def dream(result: Dreamed) -> Figure:
    """Draw the photographs, what the layer made of them, and how strong it became in each octave."""
    shown = min(len(result.images), MOST_IMAGES)
    notes = [not_drawn(len(result.images) - shown, "image")]
    channels = result.images.shape[1]
    notes += [f"Of {channels} channels the mean is drawn."] if channels not in (1, 3) else []
    notes += _spread(result) + _left_out(result)
    notes += ["It was stopped early."] if result.stopped else []
    return Figure(
        title=f"What {'the output' if result.layer == '(model)' else repr(result.layer)} dreams of",
        panels=(
            _panel(result, shown, before=True),
            _panel(result, shown, before=False),
            _strength(result),
        ),
        columns=2,
        caveat=" ".join(filter(None, [_CAVEAT, *notes])),
        alt=f"{amount(len(result.images), 'photograph')} and what {result.layer} made of "
        f"{'it' if len(result.images) == 1 else 'them'}, in {amount(len(result.sizes), 'octave')}.",
    )


def _spread(result: Dreamed) -> list[str]:
    """Say where colours are not those of the photograph: black and white were guessed from its values."""
    known = result.options.get("normalization") is not None or ((result.low == 0) & (result.high == 1)).all()
    words = "It was not known how the photographs are normalised: colours are spread from the darkest to the brightest"
    return [] if known else [f"{words} value of each channel."]


def _left_out(result: Dreamed) -> list[str]:
    """Say below which octave no other fits: more may have been asked for."""
    smallest, ratio = result.options.get("smallest", 0), result.options.get("ratio", 1.0)
    if not result.sizes or min(round(side / ratio ** len(result.sizes)) for side in result.sizes[-1]) >= smallest:
        return []
    rows, columns = result.sizes[0]
    return [
        f"No octave below {rows} × {columns} was gone through: it would have fewer than {smallest} rows or columns."
    ]


def _panel(result: Dreamed, shown: int, *, before: bool) -> Panel:
    title = "Photograph" if before else "Dream"
    images = as_tiles((result.photographs if before else result.pictures)[:shown], AS_THEY_ARE)
    if images is None:
        return Panel(title=title, note="nothing to show")
    values = (result.first if before else result.last)[:shown]
    titles = tuple(f"strength {number(float(one))}" for one in values)
    return Panel(title=title, marks=(Tiles(images=images, titles=titles),))


def _strength(result: Dreamed) -> Panel:
    """Draw one curve an octave, one after the other: the mean over the images."""
    marks: list[Lines] = []
    steps = result.trace.shape[2]
    for octave, (rows, columns) in enumerate(result.sizes if len(result.images) else ()):
        taken = ~np.isnan(result.trace[:, octave]).all(axis=0)
        if taken.any():
            x = octave * steps + np.flatnonzero(taken) + 1
            y = np.nanmean(result.trace[:, octave, taken], axis=0)
            tone = PLACES[octave % len(PLACES)]
            marks.append(Lines(x=x, y=y, label=f"{rows} × {columns}", tone=tone, dots=steps <= 20))
    return Panel(
        title="Strength of the layer, octave by octave",
        marks=tuple(marks),
        x=Axis(label="step"),
        y=Axis(label="root of the mean square"),
        note="mean over the images" if len(result.images) > 1 else "",
        wide=True,
    )
