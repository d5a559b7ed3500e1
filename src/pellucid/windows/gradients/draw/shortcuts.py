"""Pictures of shortcuts. Importing this registers them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Heat, Lines, Panel, Table, Tiles
from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Level
from pellucid.methods.pictures import outlined
from pellucid.windows.gradients.result import Shortcuts, Spot

Array = NDArray[Any]
MOST_CLASSES, MOST_EXEMPLARS, MOST_MAPS = 4, 2, 40
_CAVEAT = (
    "Only copies about as large as the cell or larger can be found, fainter or stronger where they stand at one place; "
    "not a tint, a texture, a frame, a mark that the picture shines through, or an artefact in every class."
)
_OUTLINE = " The outline is what was pasted, which may be larger than the artefact."


@drawing(Shortcuts)
def patches(result: Shortcuts) -> Figure:
    """Draw where a class that a finding names looks, pictures that hold the patch, and the figures of every class."""
    guilty = _guilty(result)
    panels = [panel for spot in guilty[:MOST_CLASSES] for panel in _of(result, spot)]
    if not panels and len(result.labels):
        panels.append(_maps(result))
    panels.append(_table(result))
    left = len(guilty) - MOST_CLASSES
    outline = _OUTLINE if guilty else ""
    more = f" {amount(left, 'class', 'classes')} more with such a patch: in the table only." if left > 0 else ""
    return Figure(
        title="Patches that repeat in a class, and what they do to the prediction",
        panels=tuple(panels),
        columns=1 + MOST_EXEMPLARS if guilty else 1,
        caveat=_CAVEAT + outline + more,
        alt=f"Saliency of {amount(len(result.labels), 'class', 'classes')}; {len(guilty)} with a patch to look at.",
    )


def _guilty(result: Shortcuts) -> list[Spot]:
    """Return the patches that findings speak of, the strongest first."""
    named = {one.where: one for one in result.findings if one.level in (Level.ALARM, Level.LOOK)}
    found = [one for label in result.labels.tolist() if (one := _named(result, label, named)) is not None]
    return sorted(found, key=lambda one: -one.flip)


def _named(result: Shortcuts, label: int, named: dict[str, Any]) -> Spot | None:
    finding = named.get(f"class {result.name(label)}")
    if finding is None:
        return None
    own = [one for one in result.spots if one.label == label and one.flip == finding.value]
    return own[0] if own else None


def _of(result: Shortcuts, spot: Spot) -> Iterator[Panel]:
    """Draw the mean saliency of a class, and some of its pictures, with the patch outlined."""
    name, place = result.name(spot.label), list(result.labels).index(spot.label)
    outline = () if spot.moving else (_outline(spot.place, spot.size),)
    yield Panel(
        title=f"Class {name}: mean saliency",
        marks=(Heat(values=result.maps[place].astype(np.float32), label="share of saliency"), *outline),
        note=f"{amount(int(result.counts[place]), 'picture')}"
        + ("; the patch moves" if spot.moving else f"; {percent(spot.attention)} of a hit's in the outline"),
        level=result.findings.level,
    )
    for example in range(min(MOST_EXEMPLARS, len(spot.pictures))):
        picture = spot.pictures[example].mean(axis=0)
        corner = (int(spot.corners[example, 0]), int(spot.corners[example, 1]))
        yield Panel(
            title=f"Example {spot.examples[example]}",
            marks=(Heat(values=picture.astype(np.float32), label="pixel"), _outline(corner, spot.size)),
            note=f"flips {percent(spot.flip)}; accuracy {percent(spot.accuracy)}, covered {percent(spot.masked)}",
        )


def _outline(corner: tuple[int, int], cell: tuple[int, int]) -> Lines:
    """Draw the border of a cell."""
    (top, left), (height, width) = corner, cell
    return outlined(top, top + height, left, left + width, tone="alarm", label="patch")


def _maps(result: Shortcuts) -> Panel:
    shown = min(len(result.labels), MOST_MAPS)
    titles = tuple(f"class {result.name(label)}" for label in result.labels[:shown].tolist())
    return Panel(
        title="Mean saliency of each class",
        marks=(Tiles(images=result.maps[:shown].astype(np.float32), titles=titles, label="share of saliency"),),
        note="one scale for all",
    )


def _table(result: Shortcuts) -> Panel:
    columns = ("class", "pictures", "row, column", "hits", "alike", "flips", "elsewhere", "accuracy", "covered")
    rows = [
        row
        for label, count in zip(result.labels.tolist(), result.counts.tolist(), strict=True)
        for row in _rows(result, label, count)
    ]
    return Panel(
        title="The patch of each class that turns most pictures into it",
        marks=(Table(columns=columns, rows=tuple(rows)),),
        x=Axis(),
        wide=True,
    )


def _rows(result: Shortcuts, label: int, count: int) -> Iterator[tuple[str, ...]]:
    spot, name = result.strongest(label), result.name(label)
    if spot is None:
        accuracy = result.accuracies[list(result.labels).index(label)]
        yield name, str(count), "none repeats", "", "", "", "", percent(accuracy), ""
        return
    place = "moves" if spot.moving else f"{spot.place[0]}, {spot.place[1]}"
    yield (
        name,
        str(count),
        place,
        percent(spot.share),
        number(spot.sameness),
        percent(spot.flip),
        percent(spot.elsewhere, 1),
        percent(spot.accuracy),
        percent(spot.masked),
    )
