"""Pictures of maps. Importing this registers them."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Bars, Figure, Heat, Lines, Panel, Tiles, Tokens
from pellucid.core.figure.scales import shrunk
from pellucid.core.figure.words import amount, not_drawn, number
from pellucid.methods.attribution import Method
from pellucid.methods.pictures import square_pictures
from pellucid.windows.gradients.draw.pictures import MOST_PIXELS, Pictures, block_of, overlay, pictures_of, plane
from pellucid.windows.gradients.result import Saliency

Array = NDArray[Any]
MOST_EXAMPLES = 12
MOST_ROWS = 4  # of curves
FOR_AND_AGAINST = "against / for"
ALL_ZERO = "all 0"
MOST_BARS = 16  # that are named: more names cannot be read
MOST_FEATURES = 64  # that are bars: features have no order that a curve would join
_LEAST_SIDE = 8  # of a picture that flat values may be: fewer are hardly one
_THUMBNAIL = 112  # pixels a side of one of several pictures
_OVER = "Over the input, in grey, the denser a colour the larger the value; each map has a scale of its own."
_COARSE = "A coarse map is smoothed for the eye; what is read is the value of its cell."


@drawing(Saliency)
def maps(result: Saliency) -> Figure:
    """Draw what was explained, and the map beside it; of pictures, over them."""
    shown = min(len(result.scores), MOST_EXAMPLES)
    panels = panels_of(result, range(shown))
    note = not_drawn(len(result.scores) - shown, "example")
    coloured = any(isinstance(mark, Heat | Tiles) for panel in panels for mark in panel.marks)
    raw = "Colours show raw values." if coloured else ""
    return Figure(
        title=_title(result),
        panels=panels,
        columns=min(4, max(1, sum(not one.wide for one in panels))),
        caveat=" ".join(one for one in (*caveats_of(result), raw, note) if one),
        alt=f"{result.method} of {amount(len(result.scores), 'example')} over {result.layer or 'the input'}.",
    )


def panels_of(result: Saliency, examples: range) -> tuple[Panel, ...]:
    """Return the pictures in one panel and their maps in one each; maps of one axis as curves."""
    pictures = pictures_of(result)
    if pictures is not None:
        several = len(examples) > 1
        maps = (map_panel(result, example, pictures, _caption(result, example)) for example in examples)
        return (_inputs_panel(result, pictures, examples), *maps) if several else _pair(result, pictures, examples)
    if result.tokens:
        return _texts(result, examples)
    over = plane(result.map)
    if over is not None:
        return _images(result, over, examples)
    return tuple(map_panel(result, example, None, _caption(result, example)) for example in examples[:MOST_ROWS])


def caveats_of(result: Saliency) -> list[str]:
    """Say what the maps of a method cannot show, and how they lie over pictures: one sentence each."""
    method = Method.known.get(result.method)
    words = [method.caveat] if method is not None and method.caveat else []
    if result.map.ndim == 2 and not result.layer and not result.tokens:
        fits = [one for one in square_pictures(result.map.shape[1]) if one[1] >= _LEAST_SIDE]
        words += [f"Where the {result.map.shape[1]} values are a picture, shape={one} draws it." for one in fits]
    if result.tokens and len(result.scores) > 1:
        words.append("Each text has a scale of its own.")
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
    one_each = f", {_added_up(result)} of each token" if result.tokens else ""
    return f"What the score depends on{what}: {result.method}{where}{one_each}"


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
    label = "red, green, blue" if images.ndim == 4 else "brightness"
    return Panel(title="Inputs", marks=(Tiles(images=colours, titles=titles, label=label),), wide=True, note=note)


def _read(result: Saliency) -> str:
    """Say what is read at a pixel of a picture."""
    channels = result.given.shape[1] if result.given.ndim == 4 else 1
    return "input" if channels == 1 else f"input, {channels} channels added up"


def map_panel(result: Saliency, example: int, pictures: Pictures | None, title: str) -> Panel:
    """Draw the map of one example: over its picture, as a matrix, or along its one axis; a map of zeros is named."""
    drawn = _map_panel(result, example, pictures, title)
    if not result.is_zero(example):
        return drawn
    return replace(drawn, note="; ".join(filter(None, [drawn.note, ALL_ZERO])))


def _map_panel(result: Saliency, example: int, pictures: Pictures | None, title: str) -> Panel:
    if result.tokens:
        return _text(result, example, title)
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
        named = tuple(
            f"{words}, {ALL_ZERO}" if title == "Map" and result.is_zero(example) else words
            for example, words in zip(examples, titles, strict=True)
        )
        drawn = values[: len(examples)]
        mark = (
            Heat(values=drawn[0], signed=signed, label=label)
            if len(drawn) == 1
            else Tiles(images=drawn, titles=named, signed=signed, shared_scale=title == "Input", label=label)
        )
        note = ("each map on a scale of its own" if several else "".join(named)) if title == "Map" else ""
        panels.append(Panel(title=title, marks=(mark,), note=note))
    return tuple(panels)


def _added_up(result: Saliency) -> str:
    return "sum" if result.contributes else "L2 norm"


def _texts(result: Saliency, examples: range) -> tuple[Panel, ...]:
    """Draw a text an example, shaded; of a few examples also as bars from 0."""
    panels: list[Panel] = []
    for example in examples:
        panels.append(replace(map_panel(result, example, None, _caption(result, example)), wide=True))
        panels += [_bars(result, example)] if len(examples) <= MOST_ROWS else []
    return tuple(panels)


def _bars(result: Saliency, example: int) -> Panel:
    """Draw the tokens of an example as bars, in their order; of a long text the strongest."""
    rows = result.table(example)
    size = np.abs(np.nan_to_num([value for _, value in rows]))
    kept = np.sort(np.argsort(-size, kind="stable")[:MOST_BARS]).tolist()
    whole = len(kept) == len(rows)
    return Panel(
        title="" if whole else f"The {len(kept)} strongest of {amount(len(rows), 'token')}, in their order",
        marks=(Bars(edges=np.arange(len(kept) + 1) - 0.5, heights=np.array([rows[place][1] for place in kept])),),
        x=Axis(categories=tuple(f"{'' if whole else f'{place}: '}{rows[place][0] or '␣'}" for place in kept)),
        y=Axis(label=_read_as(result)),
        wide=True,
    )


def _read_as(result: Saliency) -> str:
    signed = result.signed and result.contributes
    return f"{FOR_AND_AGAINST if signed else 'size'}, {_added_up(result)} over dimensions"


def _text(result: Saliency, example: int, title: str) -> Panel:
    """Shade the tokens of an example; those that only fill the row up are left out."""
    rows = result.table(example)
    left = len(result.tokens[example]) - len(rows)
    mark = Tokens(
        text=tuple(token for token, _ in rows),
        values=np.array([value for _, value in rows]),
        signed=result.signed and result.contributes,
        label=_read_as(result),
    )
    note = f"{amount(left, 'padded place')} {'is' if left == 1 else 'are'} left out" if left else ""
    return Panel(title=title, marks=(mark,), note=note)


def _row(result: Saliency, example: int, title: str) -> Panel:
    """Draw a map that lies along one axis, features or the tokens of a sequence: a bar each, of many a curve."""
    values = result.map[example].astype(np.float64)
    along = values.sum(axis=-1) if values.ndim == 2 else values.reshape(-1)
    places = np.arange(len(along))
    few = len(along) <= MOST_FEATURES
    mark = Bars(edges=np.arange(len(along) + 1) - 0.5, heights=along) if few else Lines(x=places, y=along)
    names = tuple(map(str, places.tolist())) if len(along) <= MOST_BARS else ()
    return Panel(
        title=title,
        marks=(mark,),
        x=Axis(label="token" if values.ndim == 2 else "feature", categories=names),
        y=Axis(label=FOR_AND_AGAINST if result.signed else "size"),
        note="the values of a token are added up" if values.ndim == 2 else "",
    )


def _caption(result: Saliency, example: int) -> str:
    name = result.target_name(example)
    score = f"score {number(float(result.scores[example]))}"
    return f"{name}: {score}" if name else score
