"""Pictures of how faithful maps are. Importing this registers them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Figure, Lines, Panel, Table
from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Level
from pellucid.core.judge import Findings
from pellucid.core.theme import PLACES
from pellucid.maths.ranks import interval
from pellucid.windows.gradients.result import Faithfulness

Array = NDArray[Any]
_BANDS = 2
"""Methods at the most whose bands are drawn: more of them hide each other."""
_TRAINED = "none"


@drawing(Faithfulness)
def experiments(result: Faithfulness) -> Figure:
    """Draw the curves of deletion and insertion, what randomisation leaves, and tables of all numbers."""
    findings = result.findings
    panels = [*_curves(result, findings), *_randomised(result, findings)]
    drawn = len(panels)
    panels += _tables(result)
    return Figure(
        title=f"Faithfulness: does the map say what the model does? {_whose(result)}",
        panels=tuple(panels),
        columns=max(1, drawn),
        caveat=" ".join(_caveats(result)),
        alt=_alt(result),
    )


def _whose(result: Faithfulness) -> str:
    return result.methods[0] if len(result.methods) == 1 else amount(len(result.methods), "method")


def _curves(result: Faithfulness, findings: Findings) -> Iterator[Panel]:
    if len(result.shares) < 2 or not result.examples:
        return
    what = "probability of the class" if result.measured == "probability" else "score"
    limits = (0.0, 1.0) if result.measured == "probability" else None
    for title, curves, chance, note, side in (
        ("Deletion", result.deletion, result.chance_deletion, "the lower the better", "places taken away"),
        ("Insertion", result.insertion, result.chance_insertion, "the higher the better", "places put back"),
    ):
        lines = [_line(result, result.shares, one, place, name) for place, (one, name) in _drawn(result, curves)]
        lines.append(Lines(x=result.shares, y=chance.mean(axis=(0, 1)), label="by lot", tone="faint", style="dashed"))
        yield Panel(
            title=title,
            marks=tuple(lines),
            x=Axis(label=f"share of the {side}", limits=(0.0, 1.0)),
            y=Axis(label=what, limits=limits),
            note=note,
            level=_worst(findings, "GRD013"),
        )


def _drawn(result: Faithfulness, values: Array) -> Iterator[tuple[int, tuple[Array, str]]]:
    """Yield the values of the first methods, as many as there are colours."""
    yield from enumerate(list(zip(values, result.methods, strict=True))[: len(PLACES)])


def _line(result: Faithfulness, x: Array, values: Array, place: int, name: str) -> Lines:
    """Return a curve over the points with its band, from values [example, point]."""
    means = np.array([interval(one) for one in values.T])
    banded = len(result.methods) <= _BANDS and bool(np.isfinite(means[:, 1:]).all())
    band: dict[str, Any] = {"low": means[:, 1], "high": means[:, 2]} if banded else {}
    return Lines(x=x, y=means[:, 0], label=name, tone=PLACES[place], **band)


def _randomised(result: Faithfulness, findings: Findings) -> Iterator[Panel]:
    if not result.stages or not result.examples:
        return
    places = np.arange(len(result.stages) + 1)
    lines: list[Lines] = []
    for place, name in enumerate(result.methods[: len(PLACES)]):
        levels = np.array([(1.0, 1.0, 1.0), *result.levels(place, beyond=True)])
        banded = len(result.methods) <= _BANDS and bool(np.isfinite(levels).all())
        band: dict[str, Any] = {"low": levels[:, 1], "high": levels[:, 2]} if banded else {}
        lines.append(Lines(x=places, y=levels[:, 0], label=name, tone=PLACES[place], dots=True, **band))
    yield Panel(
        title="Randomisation",
        marks=tuple(lines),
        x=Axis(label="random from the output back to", categories=(_TRAINED, *result.stages)),
        y=Axis(label="likeness to the map of the trained model", limits=(min(-0.2, _lowest(lines)), 1.05)),
        note="should fall to 0",
        level=_worst(findings, "GRD012"),
    )


def _lowest(lines: list[Lines]) -> float:
    known = np.concatenate([np.asarray(one.y if one.low is None else one.low, dtype=float) for one in lines])
    known = known[np.isfinite(known)]
    return float(known.min()) - 0.05 if len(known) else 0.0


def _tables(result: Faithfulness) -> Iterator[Panel]:
    """Yield a table of what is held against chance, and one of what is not."""
    against: list[tuple[str, list[str]]] = []
    if len(result.shares) > 1:
        deleted, inserted = result.chance_areas
        against.append(("area of deletion", [*_cells(result.deletion_areas), _mean(deleted)]))
        against.append(("of insertion", [*_cells(result.insertion_areas), _mean(inserted)]))
    if "pointing" not in result.left_out:
        against.append(("points at mask", [*_cells(result.pointing), _mean(result.area)]))
        against.append(("mass in it", [*_cells(result.mass), _mean(result.area)]))
    if against:
        yield _table("Against chance", (*result.methods, "by lot"), against)
    alone: list[tuple[str, list[str]]] = []
    if result.stages:
        numbers = range(len(result.methods))
        alone.append(("alike, random", _cells([result.left(one, beyond=False) for one in numbers])))
        alone.append(("beyond input", _cells([result.left(one) for one in numbers])))
    if "infidelity" not in result.left_out:
        alone.append(("not foretold", _cells(result.unforetold)))
    if "sensitivity" not in result.left_out:
        alone.append(("sensitivity", _cells(result.sensitivity)))
    if alone:
        yield _table("Against other weights, boxes and noise", result.methods, alone)


def _table(title: str, names: tuple[str, ...], columns: list[tuple[str, list[str]]]) -> Panel:
    rows = tuple(zip(names, *(cells for _, cells in columns), strict=True))
    table = Table(columns=("method", *(name for name, _ in columns)), rows=rows)
    return Panel(title=title, marks=(table,), note="mean over the examples ± half of the 95 % interval", wide=True)


def _cells(values: Any) -> list[str]:
    return [_cell(np.asarray(one)) for one in values]


def _cell(values: Array) -> str:
    mean, low, high = interval(values)
    if np.isnan(mean):
        return "–"
    return f"{mean:.2f}".replace("-", "−") + ("" if np.isnan(low) else f" ± {(high - low) / 2:.2f}")


def _mean(values: Array) -> str:
    known = values[np.isfinite(values)]
    return f"{known.mean():.2f}" if known.size else "–"


def _caveats(result: Faithfulness) -> Iterator[str]:
    if len(result.shares) > 1:
        given = result.settings.get("baseline", 0)
        what = f"the number {number(float(given))}" if isinstance(given, int | float) else f"the baseline ({given})"
        yield (
            f"What is taken away is replaced by {what}, which the model may never have seen: compare methods, not "
            "models."
        )
    if result.stages:
        yield (
            "Likeness is the correlation of ranks that the size of the input does not explain; with each layer, all "
            "that stand at its left are random, too."
        )
    if "infidelity" not in result.left_out:
        yield "Not foretold: what a map misses of the losses when boxes are taken away, its scale being free."
    if "sensitivity" not in result.left_out:
        radius = percent(float(result.settings.get("radius", np.nan)))
        yield f"Sensitivity: farthest that noise of {radius} of the range moves a map, in sizes of the map."
    flat = int(result.constant.sum())
    if flat:
        order = "has no order and points" if flat == 1 else "have no order and point"
        yield f"{amount(flat, 'map')} of one value only {order} nowhere."
    if len(result.methods) > len(PLACES):
        yield f"Curves are those of the first {len(PLACES)} methods."


def _alt(result: Faithfulness) -> str:
    said = [f"{amount(len(result.methods), 'method')} tested on {amount(result.examples, 'example')}."]
    if len(result.shares) > 1 and result.examples:
        for name, deleted, inserted in zip(result.methods, result.deletion_areas, result.insertion_areas, strict=True):
            said.append(f"{name}: deletion area {_mean(deleted)}, insertion area {_mean(inserted)}.")
    return " ".join(said)


def _worst(findings: Findings, *codes: str) -> Level:
    levels = [one.level for one in findings.every if one.code in codes and one.level in (Level.WARN, Level.ALARM)]
    return max(levels, key=lambda level: level.rank, default=Level.OK)
