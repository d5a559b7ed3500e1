"""Pictures of maps. Importing this registers them."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Heat, Lines, Panel, Tiles
from pellucid.core.figure.scales import shrunk
from pellucid.core.figure.words import amount, number
from pellucid.windows.gradients.draw.pictures import MOST_PIXELS, Pictures, block_of, overlay, pictures_of, plane
from pellucid.windows.gradients.result import Saliency

Array = NDArray[Any]
MOST_EXAMPLES = 12
MOST_ROWS = 4  # of curves
FOR_AND_AGAINST = "against / for"
_THUMBNAIL = 112  # pixels a side of one of several pictures
_OVER = "Over the input, in grey, the denser a colour the larger the value; each map has a scale of its own."
_COARSE = "A coarse map is smoothed for the eye; what is read is the value of its cell."
_LOCAL = "A gradient is local: it says what a small nudge would do, not what the network has seen."
_CAVEATS = {
    "gradient": _LOCAL,
    "inputxgradient": _LOCAL,
    "smoothgrad": "The mean over noisy copies: what is steep for a single copy only is averaged out.",
    "vargrad": "A variance has no sign: it says where the gradient changes under noise.",
    "guidedbackprop": "Guided maps are close to edge detection: they depend little on class and later layers.",
    "guidedgradcam": "Guided maps are close to edge detection; the class enters by a coarse map that weighs them.",
    "deconvolution": "Deconvolved maps are close to edge detection: they hardly depend on the class.",
    "gradcam": "As coarse as the layer that it is taken from.",
    "gradcamplusplus": "As coarse as the layer that it is taken from.",
    "lrp": "Rules share the score out layer by layer; biases absorb a part of it, and other rules give other maps.",
    "occlusion": "What a window hides is replaced by the baseline, which the network may never have seen.",
}
_COMPARED = "The baseline is a part of the question: another one gives another map."


@drawing(Saliency)
def maps(result: Saliency) -> Figure:
    """Draw what was explained, and the map beside it; of pictures, over them."""
    shown = min(len(result.scores), MOST_EXAMPLES)
    panels = panels_of(result, range(shown))
    left = len(result.scores) - shown
    note = f" {amount(left, 'example')} more {'is' if left == 1 else 'are'} not drawn." if left > 0 else ""
    return Figure(
        title=_title(result),
        panels=panels,
        columns=2 if len(panels) < 4 else 4,
        caveat=f"{' '.join(caveats_of(result))} Colours show raw values.{note}",
        alt=f"{result.method} of {amount(len(result.scores), 'example')} over {result.layer or 'the input'}.",
    )


def panels_of(result: Saliency, examples: range) -> tuple[Panel, ...]:
    """Return the pictures in one panel and their maps in one each; maps of one axis as curves."""
    pictures = pictures_of(result)
    if pictures is not None:
        several = len(examples) > 1
        maps = (map_panel(result, example, pictures, _caption(result, example)) for example in examples)
        return (_inputs_panel(result, pictures, examples), *maps) if several else _pair(result, pictures, examples)
    over = plane(result.map)
    if over is not None:
        return _images(result, over, examples)
    return tuple(map_panel(result, example, None, _caption(result, example)) for example in examples[:MOST_ROWS])


def caveats_of(result: Saliency) -> list[str]:
    """Say what the maps of a method cannot show, and how they lie over pictures: one sentence each."""
    words = [_CAVEATS.get(result.method, _COMPARED)]
    pictures = pictures_of(result)
    if pictures is not None:
        words.append(_OVER)
        if any(cells < pixels for cells, pixels in zip(result.map.shape[-2:], pictures.grey.shape[1:], strict=True)):
            words.append(_COARSE)
    return words


def _title(result: Saliency) -> str:
    where = f" at {result.layer}" if result.layer else ""
    names = {result.target_name(example) for example in range(len(result.scores))}
    what = f" for {names.pop()!r}" if len(names) == 1 and "" not in names else ""
    return f"What the score depends on{what}: {result.method}{where}"


def _pair(result: Saliency, pictures: Pictures, examples: range) -> tuple[Panel, ...]:
    if not examples:
        return ()
    mapped = map_panel(result, examples[0], pictures, "Map over the input")
    words = "; ".join(one for one in (_caption(result, examples[0]), mapped.note) if one)
    return input_panel(result, examples[0], pictures), replace(mapped, note=words)


def input_panel(result: Saliency, example: int, pictures: Pictures) -> Panel:
    """Show what the model was given of one example, in its colours; its values can be read."""
    given = plane(result.given)
    assert given is not None  # noqa: S101 - it is a picture
    under = shrunk(pictures.images[example], MOST_PIXELS)
    mark = Heat(values=given[example], label=_read(result), under=under, opacity=0.0)
    return Panel(title="Input", marks=(mark,), note=f"shown {pictures.note}" if pictures.note else "")


def _inputs_panel(result: Saliency, pictures: Pictures, examples: range) -> Panel:
    """Show what the model was given of several examples, small."""
    images = np.stack([shrunk(pictures.images[example], _THUMBNAIL) for example in examples])
    colours = images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=-1)
    titles = tuple(_caption(result, example) for example in examples)
    note = f"shown {pictures.note}" if pictures.note else ""
    return Panel(
        title="Inputs", marks=(Tiles(images=colours, titles=titles, label="red, green, blue"),), wide=True, note=note
    )


def _read(result: Saliency) -> str:
    """Say what is read at a pixel of a picture."""
    channels = result.given.shape[1] if result.given.ndim == 4 else 1
    return "input" if channels == 1 else f"input, {channels} channels added up"


def map_panel(result: Saliency, example: int, pictures: Pictures | None, title: str) -> Panel:
    """Draw the map of one example: over its picture, as a matrix, or along its one axis."""
    values = plane(result.map)
    if values is None:
        return _row(result, example, title)
    label = FOR_AND_AGAINST if result.signed else "size"
    if pictures is None:
        return Panel(title=title, marks=(Heat(values=values[example], signed=result.signed, label=label),))
    mark = overlay(values[example], pictures.grey[example], signed=result.signed, label=label)
    block = block_of(values.shape[1:])
    note = "" if block == 1 else f"each cell adds up {block} × {block} pixels"
    return Panel(title=title, marks=(mark,), note=note)


def _images(result: Saliency, over: Array, examples: range) -> tuple[Panel, ...]:
    """Draw maps that lie in a plane, but over no picture: those of a layer of which the input is not known."""
    under = plane(result.inputs[0]) if result.map.shape == result.inputs[0].shape else None
    titles = tuple(_caption(result, example) for example in examples)
    several = len(examples) > 1
    panels: list[Panel] = []
    for title, values, signed in (("Input", under, False), ("Map", over, result.signed)):
        label = title.lower() if title == "Input" else FOR_AND_AGAINST if signed else "size"
        if values is None:
            continue
        drawn = values[: len(examples)]
        mark = (
            Heat(values=drawn[0], signed=signed, label=label)
            if len(drawn) == 1
            else Tiles(images=drawn, titles=titles, signed=signed, shared_scale=title == "Input", label=label)
        )
        note = ("each map on a scale of its own" if several else "".join(titles)) if title == "Map" else ""
        panels.append(Panel(title=title, marks=(mark,), note=note))
    return tuple(panels)


def _row(result: Saliency, example: int, title: str) -> Panel:
    """Draw a map that lies along one axis: features, or the tokens of a sequence."""
    values = result.map[example].astype(np.float64)
    along = values.sum(axis=-1) if values.ndim == 2 else values.reshape(-1)
    places = np.arange(len(along))
    return Panel(
        title=title,
        marks=(Lines(x=places, y=along, dots=len(along) <= 64),),
        x=Axis(label="token" if values.ndim == 2 else "feature"),
        y=Axis(label=FOR_AND_AGAINST if result.signed else "size"),
        note="the values of a token are added up" if values.ndim == 2 else "",
    )


def _caption(result: Saliency, example: int) -> str:
    name = result.target_name(example)
    score = f"score {number(float(result.scores[example]))}"
    return f"{name}: {score}" if name else score
