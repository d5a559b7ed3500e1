"""Drawing: the pictures that excite units. Importing this registers it."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Lines, Panel, Tiles
from pellucid.core.figure.words import amount, not_drawn, number
from pellucid.core.theme import PLACES
from pellucid.methods.tiles import AS_THEY_ARE, as_tiles
from pellucid.windows.weights.result import Maximized

Array = NDArray[Any]
MOST_UNITS = 16
_ABOVE = "behind it how active the unit is"
_CAVEAT = "One picture of many that would do; it shows what raises the unit, not what the unit saw when it learned."


@drawing(Maximized)
def pictures(result: Maximized) -> Figure:
    """Draw the picture that excites each unit most, the best real example beside it, and how the unit rose."""
    shown = min(len(result.units), MOST_UNITS)
    made = _tiles("Made-up pictures", result.pictures[:shown], [_caption(result, one) for one in range(shown)])
    panels = [replace(made, note=f"above it the {_kind(result)}; {_ABOVE}{_unmoved(result, shown)}")]
    if len(result.real_pictures):
        panels.append(_best(result, shown))
    panels.append(_trace(result, shown))
    return Figure(
        title=f"What {'lowers' if result.negative else 'excites'} {_units(result)} of {_layer(result)} most",
        panels=tuple(panels),
        columns=2,
        caveat=" ".join(filter(None, [_CAVEAT, *_notes(result, shown)])),
        alt=f"Pictures that {'lower' if result.negative else 'excite'} {amount(len(result.units), 'unit')} of "
        f"{_layer(result)}, made in {amount(result.wanted, 'step')} each.",
    )


def _best(result: Maximized, shown: int) -> Panel:
    """Draw the example that excites each unit most; where all do alike, none is the best, and it stays empty."""
    alike, does = result.unexcited[:shown], "lowers" if result.negative else "excites"
    found = zip(result.real_numbers.tolist(), result.real.tolist(), alike.tolist(), strict=False)
    captions = [f"none {does} it" if none else f"{one}: {number(value)}" for one, value, none in found]
    seen = np.where(alike[:, None, None, None], np.nan, result.real_pictures[:shown])
    best = _tiles(f"Best of {amount(result.examples, 'real example')}", seen, captions)
    empty = f"; where it is empty, no real example {does} the unit" if alike.any() else ""
    return replace(best, note=f"above it the number of the example; {_ABOVE}{empty}")


def _unmoved(result: Maximized, shown: int) -> str:
    """Name the units whose picture says nothing, since they did not move while it was made."""
    still = [place for place in np.flatnonzero(result.still).tolist() if place < shown]
    if not still:
        return ""
    named = ", ".join(result.unit_name(place) for place in still[:5]) + (" …" if len(still) > 5 else "")
    steps = amount(int(result.steps[still].max()), "step")
    return f". Not moved in {steps}, so that the picture says nothing: {named}"


def _tiles(title: str, shown: Array, captions: list[str]) -> Panel:
    images = as_tiles(shown, AS_THEY_ARE)
    if images is None:
        return Panel(title=title, note="nothing to show")
    return Panel(title=title, marks=(Tiles(images=images, titles=tuple(captions)),))


def _trace(result: Maximized, shown: int) -> Panel:
    marks: tuple[Lines, ...] = ()
    moved = any(result.options.get(name) for name in ("jitter", "zoom", "turn"))
    x = np.arange(result.trace.shape[1]) + 1
    if shown <= len(PLACES):
        marks = tuple(
            Lines(x=x, y=result.trace[one], label=f"unit {result.unit_name(one)}", tone=PLACES[one])
            for one in range(shown)
        )
    elif not np.isnan(result.trace).all():
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
    kind = _kind(result)
    if len(result.units) == 1:
        return f"{kind} {result.unit_name(0)}"
    return amount(len(result.units), kind, "classes" if result.names else "")


def _kind(result: Maximized) -> str:
    return "class" if result.names else "unit"


def _layer(result: Maximized) -> str:
    return "the model's output" if result.layer == "(model)" else repr(result.layer)


def _notes(result: Maximized, shown: int) -> list[str]:
    read = "at its place in the middle" if result.options.get("centre") else "on average over its places"
    notes = [f"Numbers say how active a unit is{f', {read}' if result.places > 1 else ''}."]
    channels = result.pictures.shape[1]
    if channels not in (1, 3):
        notes.append(f"Of {channels} channels the mean is drawn.")
    if not result.range_from:
        notes.append("It was not known how inputs are normalised: they were taken to lie between 0 and 1.")
    notes.append(not_drawn(len(result.units) - shown, "unit"))
    if result.stopped:
        notes.append("It was stopped early.")
    return notes
