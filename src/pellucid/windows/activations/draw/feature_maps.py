"""Pictures of feature maps. Importing this registers them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Bars, Figure, Heat, Panel, Table, Tiles
from pellucid.core.figure.marks import Mark, Tone
from pellucid.core.figure.words import amount, not_drawn, number
from pellucid.core.finding import Level
from pellucid.methods.exciting import Exciting
from pellucid.methods.pictures import outlined
from pellucid.methods.tiles import as_tiles
from pellucid.windows.activations.result import FeatureMaps

Array = NDArray[Any]
MOST_CHANNELS = 36
MOST_ROWS = 12
OUTLINED = 3
_TONES: tuple[Tone, ...] = ("alarm", "second", "third")


@drawing(FeatureMaps)
def feature_maps(result: FeatureMaps) -> Figure:
    """Draw the example, the maps of the most active channels, and what excites each of these most in the data."""
    shown = result.order[:MOST_CHANNELS]
    panels = [one for one in (_given(result), _maps(result, shown), _patches(result, shown)) if one is not None]
    left = len(result.maps) - len(shown)
    return Figure(
        title=f"What {result.layer!r} makes of one example: {' × '.join(map(str, result.maps.shape))}",
        panels=tuple(panels),
        columns=len(panels),
        caveat=" ".join(["A map shows where a channel answers, not to what.", *_notes(result, left)]),
        alt=f"Outputs of {amount(len(shown), 'channel')} of {result.layer} for one example, most active first.",
    )


@drawing(FeatureMaps)
def each_by_itself(result: FeatureMaps) -> Figure:
    """Draw each map on a scale of its own, so that the faint ones can be seen."""
    shown = result.order[:MOST_CHANNELS]
    left = len(result.maps) - len(shown)
    return Figure(
        title=f"What {result.layer!r} makes of one example, each channel on a scale of its own",
        panels=tuple(one for one in (_given(result), _maps(result, shown, shared=False)) if one is not None),
        columns=2,
        caveat=" ".join(["How bright one map is says nothing about another.", *_notes(result, left)]),
        alt=f"Outputs of {amount(len(shown), 'channel')} of {result.layer} for one example, most active first.",
    )


def _notes(result: FeatureMaps, left: int) -> list[str]:
    notes: list[str] = []
    if left:
        notes.append(not_drawn(left, "channel"))
    if result.exciting is None:
        notes.append("Silent here means silent on this one example: give data= to see what is dead.")
    if result.field == "unknown":
        notes.append("What a place sees could not be measured: it is taken to be the whole input.")
    if result.normalization is None and result.given.ndim == 3:
        notes.append("Shades of examples are spread over their range, since it is not known how they were normalised.")
    return notes


def _given(result: FeatureMaps) -> Panel | None:
    """Draw the example, with an outline around what the peaks of the most active channels see."""
    picture = as_tiles(result.given[None], result.normalization) if result.given.ndim == 3 else None
    if picture is None:
        return None
    height, width = picture.shape[1:3]
    over = np.full((height, width), np.nan, dtype=np.float32)
    edges = {"x": np.arange(width + 1) - 0.5, "y": np.arange(height + 1) - 0.5}
    marks: list[Mark] = [Heat(values=over, under=picture[0], opacity=0.0, **edges)]
    note = "every place sees all of it" if result.field != "measured" else ""
    if result.field == "measured":
        seen: dict[tuple[int, ...], list[int]] = {}
        for one in result.order[:OUTLINED].tolist():
            if not result.silent[one]:
                seen.setdefault(_within(result.boxes[one], (height, width)), []).append(one)
        for (box, channels), tone in zip(seen.items(), _TONES, strict=False):
            named = f"channel{'s' if len(channels) > 1 else ''} {', '.join(map(str, channels))}"
            marks.append(outlined(*box, label=named, tone=tone))
        note = "outlined: what the strongest place of a channel sees"
    return Panel(title="Example", marks=tuple(marks), note=note)


def _within(box: Array, size: tuple[int, int]) -> tuple[int, ...]:
    """Return top, bottom, left and right of a field, cut off where it leaves the image."""
    fields = zip(box[-2:].tolist(), size, strict=True)
    return tuple(int(side) for (low, high), end in fields for side in (max(low, 0), min(high, end)))


def _maps(result: FeatureMaps, shown: Array, *, shared: bool = True) -> Panel:
    maps = result.maps[shown].astype(np.float32)
    title = "Maps, most active first" if shared else "Maps, each on a scale of its own"
    level = Level.OK if result.dead is None else result.findings.level
    if not maps.size:
        return Panel(title=title, note="nothing to show")
    signed = bool(np.nanmin(maps, initial=0) < 0)
    if maps.ndim == 4:  # a volume: its slices added up
        maps = maps.sum(axis=1)
    if maps.ndim == 3 and maps.shape[1:] != (1, 1):
        titles = tuple(_title(result, int(one)) for one in shown)
        mark: Mark = Tiles(images=maps, titles=titles, signed=signed, shared_scale=shared, label="output")
        return Panel(title=title, marks=(mark,), note=_counted(result), level=level)
    if maps.ndim == 2:
        mark = Heat(values=maps, signed=signed, label="output")
        names = tuple(str(one) for one in shown)
        x, y = Axis(label="place"), Axis(label="channel", categories=names)
        return Panel(title=title, marks=(mark,), x=x, y=y, note=_counted(result), level=level)
    mark = Bars(edges=np.arange(len(shown) + 1) - 0.5, heights=maps.reshape(len(shown)))
    x = Axis(label="unit", categories=tuple(str(one) for one in shown))
    return Panel(title=title, marks=(mark,), x=x, y=Axis(label="output"), note=_counted(result), level=level)


def _title(result: FeatureMaps, channel: int) -> str:
    if result.dead is not None and result.dead[channel]:
        return f"{channel} {result.same}"
    return f"{channel} silent" if result.silent[channel] else f"channel {channel}"


def _counted(result: FeatureMaps) -> str:
    silent = int(result.silent.sum())
    words = [f"{silent} of {amount(len(result.maps), 'channel')} silent here"] if silent else []
    if result.dead is not None and result.exciting is not None and result.dead.any():
        words.append(f"{int(result.dead.sum())} the same on all of {amount(result.exciting.samples, 'example')}")
    return ", ".join(words)


def _patches(result: FeatureMaps, shown: Array) -> Panel | None:
    found = result.exciting
    if found is None:
        return None
    order = found.channels[: len(shown)]
    title = f"What excites each most, of {amount(found.samples, 'example')}"
    alive = found.highest[order] != found.lowest[order]  # of what is always the same no example is the best
    patches = np.where(alive[:, None, None, None], found.patches[: len(order)], np.nan) if _is_plane(found) else None
    pictures = None if patches is None else as_tiles(patches, result.normalization)
    values = [number(float(one)) if living else result.same for one, living in zip(found.values, alive, strict=False)]
    if pictures is None:
        rows = zip(map(str, order.tolist()), map(str, found.examples[: len(order)].tolist()), values, strict=False)
        table = Table(columns=("channel", "example", "puts out"), rows=tuple(rows)[:MOST_ROWS])
        return Panel(title=title, marks=(table,), note="the number of the example in the data, from 0")
    titles = tuple(f"{one}: {value}" for one, value in zip(order.tolist(), values, strict=False))
    size = " × ".join(map(str, found.patches.shape[-2:]))
    seen = f"{size} pixels" if found.field == "measured" else "the whole input"
    beyond = ", grey blue beyond the border" if found.field == "measured" else ""
    note = f"{seen}{beyond}; above it what the channel puts out"
    return Panel(title=title, marks=(Tiles(images=pictures, titles=titles),), note=note)


def _is_plane(found: Exciting) -> bool:
    return found.patches.ndim == 4 and found.patches.dtype.kind == "f"
