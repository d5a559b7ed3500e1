"""Pictures of maps. Importing this registers them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Heat, Lines, Panel, Tiles
from pellucid.core.figure.words import amount, number
from pellucid.windows.gradients.result import Saliency

Array = NDArray[Any]
MOST_EXAMPLES = 12
_LOCAL = "A gradient is local: it says what a small nudge would do, not what the network has seen."
_CAVEATS = {
    "gradient": _LOCAL,
    "inputxgradient": _LOCAL,
    "smoothgrad": "The mean over noisy copies: what is steep for a single copy only is averaged out.",
    "vargrad": "A variance has no sign: it says where the gradient changes under noise.",
    "guidedbackprop": "Guided maps are close to edge detection: they depend little on class and later layers.",
    "deconvolution": "Deconvolved maps are close to edge detection: they hardly depend on the class.",
    "gradcam": "As coarse as the layer that it is taken from.",
    "gradcamplusplus": "As coarse as the layer that it is taken from.",
    "lrp": "Rules share the score out layer by layer; biases absorb a part of it, and other rules give other maps.",
    "occlusion": "What a window hides is replaced by the baseline, which the network may never have seen.",
}
_COMPARED = "The baseline is a part of the question: another one gives another map."


@drawing(Saliency)
def maps(result: Saliency) -> Figure:
    """Draw what was explained, and the map beside it."""
    shown = min(len(result.scores), MOST_EXAMPLES)
    pictures = [_picture(one) for one in (result.inputs[0], result.map)]
    if result.layer and result.map.shape != result.inputs[0].shape:
        pictures[0] = None  # a class activation map: what the layer put out is not what it lies over
    if pictures[1] is not None:
        panels = _images(result, pictures[0], pictures[1], shown)
    else:
        panels = tuple(_row(result, example) for example in range(min(shown, 4)))
    left = len(result.scores) - shown
    note = f" {amount(left, 'example')} more {'is' if left == 1 else 'are'} not drawn." if left > 0 else ""
    return Figure(
        title=_title(result),
        panels=panels,
        columns=2,
        caveat=f"{_CAVEATS.get(result.method, _COMPARED)} Colours show raw values.{note}",
        alt=f"{result.method} of {amount(len(result.scores), 'example')} over {result.layer or 'the input'}.",
    )


def _title(result: Saliency) -> str:
    where = f" at {result.layer}" if result.layer else ""
    names = {result.target_name(example) for example in range(len(result.scores))}
    what = f" for {names.pop()!r}" if len(names) == 1 and "" not in names else ""
    return f"What the score depends on{what}: {result.method}{where}"


def _picture(values: Array) -> Array | None:
    """Return pictures, [example, row, column]; None where the values are not laid out in a plane.

    Channels are added up, so that what the map adds up to stays.
    """
    if values.ndim == 4:
        values = values.sum(axis=1)
    return values.astype(np.float32) if values.ndim == 3 and min(values.shape[1:]) > 1 else None


def _images(result: Saliency, under: Array | None, over: Array, shown: int) -> tuple[Panel, ...]:
    titles = tuple(_caption(result, example) for example in range(shown))
    panels: list[Panel] = []
    if under is not None:
        given = Tiles(images=under[:shown], titles=titles, label="input") if shown > 1 else _heat(under[0], "input")
        panels.append(Panel(title="Input", marks=(given,)))
    label = "for (+) and against (-)" if result.signed else "size"
    drawn = (
        Tiles(images=over[:shown], titles=titles, signed=result.signed, shared_scale=False, label=label)
        if shown > 1
        else _heat(over[0], label, signed=result.signed)
    )
    note = "each map on a scale of its own" if shown > 1 else _caption(result, 0)
    panels.append(Panel(title="Map", marks=(drawn,), note=note))
    return tuple(panels)


def _heat(values: Array, label: str, *, signed: bool = False) -> Heat:
    return Heat(values=values, signed=signed, label=label)


def _row(result: Saliency, example: int) -> Panel:
    """Draw a map that lies along one axis: features, or the tokens of a sequence."""
    values = result.map[example].astype(np.float64)
    along = values.sum(axis=-1) if values.ndim == 2 else values.reshape(-1)
    places = np.arange(len(along))
    return Panel(
        title=_caption(result, example),
        marks=(Lines(x=places, y=along, dots=len(along) <= 64),),
        x=Axis(label="token" if values.ndim == 2 else "feature"),
        y=Axis(label="for (+) and against (-)" if result.signed else "size"),
        note="the values of a token are added up" if values.ndim == 2 else "",
    )


def _caption(result: Saliency, example: int) -> str:
    name = result.target_name(example)
    score = f"score {number(float(result.scores[example]))}"
    return f"{name}: {score}" if name else score
