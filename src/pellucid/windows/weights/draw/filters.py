"""Pictures of filters. Importing this registers them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Heat, Lines, Panel, Table, Tiles
from pellucid.core.figure.marks import Mark
from pellucid.core.figure.words import amount, not_drawn, number
from pellucid.methods.tiles import as_tiles, in_a_column, in_a_row
from pellucid.windows.weights.draw.falling import at_the_foot, falling, place_axis, size_axis
from pellucid.windows.weights.result import Filters

Array = NDArray[Any]
MOST_FILTERS = 64
MOST_CHANNELS = 8
MOST_SLICED = 16
MOST_ROWS = 12
_CAVEAT = "A filter is a guess at what it looks for; what it answers to in the data is the evidence."


@drawing(Filters)
def filters(result: Filters) -> Figure:
    """Draw the filters on one scale about 0, and what excites each of them most beside it."""
    return _drawn(result, shared=True)


@drawing(Filters)
def each_by_itself(result: Filters) -> Figure:
    """Draw each filter on a scale of its own, so that the faint ones can be seen."""
    return _drawn(result, shared=False)


@drawing(Filters)
def norms(result: Filters) -> Figure:
    """Draw the norms of the filters, largest first, with the batch norm behind them where there is one."""
    names, sizes = ["as they are"], [_sorted(result.norms)]
    if result.norm_layer:
        names.append(f"with {result.norm_layer}")
        sizes.append(_sorted(result.norms * np.abs(result.factors)))
    axis = size_axis("norm", sizes)
    curves = [
        falling(one, label=name, tone=tone) for one, name, tone in zip(sizes, names, ("accent", "second"), strict=False)
    ]
    panel = Panel(
        title=result.layer,
        marks=(*curves, *at_the_foot(sizes[-1], axis)),
        x=place_axis("filters, largest first", len(result.norms)),
        y=axis,
        note=_zeros(names, sizes),
    )
    return Figure(
        title=f"How large the filters of {result.layer!r} are",
        panels=(panel,),
        caveat="A small norm alone is no fault: the layers behind may make up for it.",
        alt=f"Norms of {amount(len(result.norms), 'filter')}, sorted.",
    )


def _sorted(norms: Array) -> Array:
    return norms[np.argsort(-norms, kind="stable")]


def _zeros(names: Sequence[str], sizes: Sequence[Array]) -> str:
    """Say how many filters are 0, as they are and behind the batch norm; "" where none is."""
    bare, last = (int((sizes[place] <= 0).sum()) for place in (0, -1))
    if not last:
        return ""
    words = f"{bare} of {amount(len(sizes[0]), 'filter')} {'is' if bare == 1 else 'are'} 0"
    return words if bare == last else f"{words}, and {last} {names[-1]}"


def _drawn(result: Filters, *, shared: bool) -> Figure:
    count = len(result.weights)
    chosen = np.arange(min(count, MOST_SLICED if _is_sliced(result) else MOST_FILTERS))
    weights = _weights_panel(result, chosen, shared=shared)
    panels = [weights]
    if result.exciting is not None:
        panels.append(_patches_panel(result, chosen))
    sentences = [_CAVEAT, *_notes(result), not_drawn(count - len(chosen), "filter")]
    return Figure(
        title=f"Filters of {result.layer!r}: {' × '.join(map(str, result.weights.shape))}",
        panels=tuple(panels),
        columns=2,
        caveat=" ".join(filter(None, sentences)),
        alt=f"{amount(len(chosen), 'filter')} of the {result.module} {result.layer}, weights about 0.",
    )


def _notes(result: Filters) -> list[str]:
    notes: list[str] = []
    if result.groups > 1:
        seen = amount(result.weights.shape[1], "channel")
        notes.append(f"The layer has {result.groups} groups: a filter sees {seen} of its input.")
    if result.exciting is not None and result.exciting.field == "unknown":
        notes.append("What a place sees could not be measured: examples are shown whole.")
    patches = np.zeros(0) if result.exciting is None else result.exciting.patches
    if patches.dtype.kind == "f" and np.isnan(patches).any():
        notes.append("What lies beyond the border of an image is drawn grey blue.")
    if result.exciting is not None and result.normalization is None:
        notes.append("Shades of examples are spread over their range, since it is not known how they were normalised.")
    return notes


def _is_colour(result: Filters) -> bool:
    # Only three channels that are those of the whole input are colours; of a group nobody knows.
    return result.weights.ndim == 4 and result.weights.shape[1] == 3 and result.groups == 1


def _is_sliced(result: Filters) -> bool:
    """Say whether a filter takes a row of pictures: several channels, or slices of a volume."""
    if result.weights.ndim == 5:
        return not _is_dots(result)
    return result.weights.ndim == 4 and result.weights.shape[1] > 1 and not _is_colour(result) and not _is_dots(result)


def _is_dots(result: Filters) -> bool:
    return bool(np.prod(result.weights.shape[2:]) == 1)


def _weights_panel(result: Filters, chosen: Array, *, shared: bool) -> Panel:
    title = "Weights" if shared else "Weights, each filter on a scale of its own"
    titles, limit = _titles(result, chosen), _limit(result.weights[chosen])
    shown = result.weights[chosen].astype(np.float32)
    if not len(chosen):
        return Panel(title=title, note="nothing to show")
    if _is_colour(result):
        own = np.array([_limit(one) for one in shown]) if not shared else np.full(len(shown), limit)
        colours = np.clip(np.nan_to_num(0.5 + shown / (2 * own[:, None, None, None])), 0, 1)
        mark: Mark = Tiles(images=colours.transpose(0, 2, 3, 1), titles=titles)
        note = f"grey is 0; full colour {'at ±' + number(limit) if shared else 'at the largest of each'}"
        return Panel(title=title, marks=(mark,), note=note)
    if _is_dots(result):
        mark = Heat(values=shown.reshape(len(shown), -1), signed=True, label="weight")
        return Panel(title="Weights", marks=(mark,), x=Axis(label="channel"), y=Axis(label="filter"))
    if result.weights.ndim == 3 and result.weights.shape[1] == 1:
        return _curves(result, chosen, titles)
    note = "" if shared else "how dark one is says nothing about another"
    if _is_sliced(result):
        return _matrix(shown, chosen, title=title, shared=shared)
    planes = shown if shown.ndim == 3 else shown[:, 0]
    if shown.ndim == 3:
        note = ". ".join(one for one in ("channels downwards, taps to the right", note) if one)
    mark = Tiles(images=planes, titles=titles, signed=True, shared_scale=shared, label="weight")
    return Panel(title=title, marks=(mark,), note=note)


def _limit(weights: Array) -> float:
    known = np.abs(weights[np.isfinite(weights)])
    return float(known.max(initial=0)) or 1.0


def _curves(result: Filters, chosen: Array, titles: Sequence[str]) -> Panel:
    """Draw filters over time, one above the other."""
    few = chosen[:12]
    limit = _limit(result.weights[few])
    taps = np.arange(result.weights.shape[2])
    marks = tuple(
        Lines(x=taps, y=result.weights[one, 0] / (2 * limit) + len(few) - 1 - row, dots=len(taps) <= 16)
        for row, one in enumerate(few.tolist())
    )
    names = tuple(titles[one] for one in range(len(few)))[::-1]
    note = f"from -{number(limit)} to {number(limit)} between two lines" + (
        f"; {len(chosen) - len(few)} more" if len(chosen) > len(few) else ""
    )
    return Panel(title="Weights", marks=marks, x=Axis(label="tap"), y=Axis(label="filter", categories=names), note=note)


def _matrix(weights: Array, chosen: Array, *, title: str, shared: bool) -> Panel:
    """Draw filters side by side, and one below the other their channels, of which those with the largest norms."""
    slices = weights.reshape(len(weights), weights.shape[1], -1, *weights.shape[-2:])
    most = max(1, MOST_CHANNELS // slices.shape[2])
    strength = np.nan_to_num((slices.astype(np.float64) ** 2).sum(axis=(0, 2, 3, 4)))
    best = np.argsort(-strength, kind="stable")[:most]
    if not shared:
        slices = slices / np.array([_limit(one) for one in slices])[:, None, None, None, None]
    values = in_a_row([in_a_column(list(one[best].reshape(-1, *one.shape[-2:]))) for one in slices])
    depth = slices.shape[2]
    rows = tuple(f"{one}, slice {place}" if depth > 1 else str(one) for one in best.tolist() for place in range(depth))
    mark = Heat(
        values=values,
        x=np.linspace(-0.5, len(weights) - 0.5, values.shape[1] + 1),
        y=np.linspace(-0.5, len(rows) - 0.5, values.shape[0] + 1),
        signed=True,
        label="weight" if shared else "weight, as a share of the largest of its filter",
    )
    count, all_told = len(best), slices.shape[1]
    kept = f"{count} of {amount(all_told, 'channel')}, largest norm over these filters first"
    return Panel(
        title=title,
        marks=(mark,),
        x=Axis(label="filter", categories=tuple(str(one) for one in chosen)),
        y=Axis(label="channel", categories=rows),
        note=f"a column is a filter, a row a channel: {kept}",
    )


def _titles(result: Filters, chosen: Array) -> tuple[str, ...]:
    """Return what stands over each filter: its number, and whether it is dead or the same as another."""
    titles: list[str] = []
    dead, twins = result.dead(), result.twins()
    for one in chosen.tolist():
        if dead[one]:
            titles.append(f"{one} dead")
        elif twins[one]:
            titles.append(f"{one} = {result.partners[one]}")
        else:
            titles.append(f"filter {one}")
    return tuple(titles)


def _patches_panel(result: Filters, chosen: Array) -> Panel:
    """Draw the part of the data that excites each filter most."""
    found = result.exciting
    assert found is not None  # noqa: S101 - asked by the caller
    shown, dead = found.patches[: len(chosen)], result.dead()
    title = f"What excites each most, of {amount(found.samples, 'example')}"
    pictures = as_tiles(shown, result.normalization) if shown.ndim == 4 else None
    values = (number(float(one)) for one in found.values[: len(shown)])
    captions = tuple(f"{one} dead" if dead[one] else f"{one}: {value}" for one, value in enumerate(values))
    size = " × ".join(str(one) for one in found.patches.shape[2:])
    note = f"{'the whole input' if found.field != 'measured' else f'{size} pixels'}; above it what the filter puts out"
    if pictures is not None:
        return Panel(title=title, marks=(Tiles(images=pictures, titles=captions),), note=note)
    if shown.ndim == 3:  # over time: one curve each
        flat = np.nan_to_num(shown.astype(np.float64).mean(axis=1))[:12]
        limit = _limit(flat)
        marks = tuple(
            Lines(x=np.arange(flat.shape[1]), y=one / (2 * limit) + len(flat) - 1 - row, tone="second")
            for row, one in enumerate(flat)
        )
        names = tuple(captions[: len(flat)])[::-1]
        return Panel(title=title, marks=marks, x=Axis(label="step"), y=Axis(categories=names), note="of the input")
    rows = zip(map(str, chosen.tolist()), map(str, found.examples.tolist()), captions, strict=False)
    cells = tuple((one, example, caption.partition(" ")[2]) for one, example, caption in rows)[:MOST_ROWS]
    table = Table(columns=("filter", "example", "puts out"), rows=cells)
    return Panel(title=title, marks=(table,), note="the number of the example in the data, from 0")
