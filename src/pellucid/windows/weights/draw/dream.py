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
    notes += ["It was stopped early."] if result.stopped else []
    return Figure(
        title=f"What {'the output' if result.layer == '(model)' else result.layer} dreams of",
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
        known = result.trace[:, octave]
        known = known[~np.isnan(known).all(axis=1)]
        if len(known):
            x = octave * steps + np.arange(steps) + 1
            named = f"{rows} × {columns}"
            tone = PLACES[octave % len(PLACES)]
            marks.append(Lines(x=x, y=np.nanmean(known, axis=0), label=named, tone=tone, dots=steps <= 20))
    return Panel(
        title="Strength of the layer, octave by octave",
        marks=tuple(marks),
        x=Axis(label="step"),
        y=Axis(label="root of the mean square"),
        note="mean over the images" if len(result.images) > 1 else "",
        wide=True,
    )
