"""Drawing: the pictures that excite units. Importing this registers it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Lines, Panel, Tiles
from pellucid.core.figure.marks import Tone
from pellucid.core.figure.words import amount, number
from pellucid.windows.weights.result import Maximized

Array = NDArray[Any]
MOST_UNITS = 16
_TONES: tuple[Tone, ...] = ("accent", "second", "third", "fourth", "fifth")
_CAVEAT = "One picture of many that would do; it shows what raises the unit, not what the unit saw when it learned."


@drawing(Maximized)
def pictures(result: Maximized) -> Figure:
    """Draw the picture that excites each unit most, the best real example beside it, and how the unit rose."""
    shown = min(len(result.units), MOST_UNITS)
    panels = [_tiles("Made-up pictures", result.pictures[:shown], [_caption(result, one) for one in range(shown)])]
    if len(result.real_pictures):
        captions = [f"example {result.real_numbers[one]}: {number(float(result.real[one]))}" for one in range(shown)]
        best = _tiles(f"Best of {amount(result.examples, 'real example')}", result.real_pictures[:shown], captions)
        panels.append(best)
    panels.append(_trace(result, shown))
    return Figure(
        title=f"What {'lowers' if result.negative else 'excites'} {_units(result)} of {_layer(result)} most",
        panels=tuple(panels),
        columns=2,
        caveat=" ".join([_CAVEAT, *_notes(result, shown)]),
        alt=f"Pictures that {'lower' if result.negative else 'excite'} {amount(len(result.units), 'unit')} of "
        f"{_layer(result)}, made in {amount(result.wanted, 'step')} each.",
    )


def as_tiles(pictures: Array) -> Array:
    """Return pictures as tiles: three channels as colours, any other number as their mean.

    Args:
        pictures: [picture, channel, row, column], from 0 to 1.

    Returns:
        [picture, row, column, 3] or [picture, row, column].
    """
    if pictures.shape[1] == 3:
        return np.clip(pictures, 0, 1).transpose(0, 2, 3, 1)
    return pictures.mean(axis=1)


def _tiles(title: str, shown: Array, captions: list[str]) -> Panel:
    if not len(shown):
        return Panel(title=title, note="nothing to show")
    label = "" if shown.shape[1] == 3 else "0 black, 1 white"
    return Panel(title=title, marks=(Tiles(images=as_tiles(shown), titles=tuple(captions), label=label),))


def _trace(result: Maximized, shown: int) -> Panel:
    marks: tuple[Lines, ...] = ()
    moved = any(result.options.get(name) for name in ("jitter", "zoom", "turn"))
    x = np.arange(result.trace.shape[1]) + 1
    if shown <= len(_TONES):
        marks = tuple(
            Lines(x=x, y=result.trace[one], label=f"unit {result.unit_name(one)}", tone=_TONES[one])
            for one in range(shown)
        )
    elif shown:
        known = result.trace[:, ~np.isnan(result.trace).all(axis=0)]
        low, middle, high = np.nanpercentile(known, (0, 50, 100), axis=0)
        label = f"median of {len(result.units)} units, and their range"
        marks = (Lines(x=x[: known.shape[1]], y=middle, low=low, high=high, label=label),)
    return Panel(
        title="How active, step by step",
        marks=marks,
        x=Axis(label="step"),
        y=Axis(label="activity"),
        note="of the picture as it was shifted, zoomed and turned" if moved else "",
        wide=True,
    )


def _caption(result: Maximized, place: int) -> str:
    return f"{result.unit_name(place)}: {number(float(result.values[place]))}"


def _units(result: Maximized) -> str:
    kind = "class" if result.names else "unit"
    if len(result.units) == 1:
        return f"{kind} {result.unit_name(0)}"
    return amount(len(result.units), kind, "classes" if result.names else "")


def _layer(result: Maximized) -> str:
    return "the model's output" if result.layer == "(model)" else result.layer


def _notes(result: Maximized, shown: int) -> list[str]:
    read = "at its place in the middle" if result.options.get("centre") else "on average over its places"
    notes = [f"Numbers say how active a unit is{f', {read}' if result.places > 1 else ''}."]
    channels = result.pictures.shape[1]
    if channels not in (1, 3):
        notes.append(f"Of {channels} channels the mean is drawn.")
    if not result.range_from:
        notes.append("It was not known how inputs are normalised: they were taken to lie between 0 and 1.")
    if len(result.units) > shown:
        notes.append(f"{amount(len(result.units) - shown, 'unit')} more are not drawn.")
    if result.stopped:
        notes.append("It was stopped early.")
    return notes
