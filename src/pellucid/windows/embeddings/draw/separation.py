"""Drawing the separation of classes, beside what it was before any training."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Bars, Event, Figure, Heat, Lines, Panel, Table
from pellucid.core.figure.words import amount, number, percent
from pellucid.windows.embeddings.result.separation import FEWEST, LEARNED, SPACES, TANGLED, Separation

Array = NDArray[Any]
_HALF = 0.32
_MOST_NAMED = 24
"""Classes whose names have room along the axis."""
_VERDICTS = {
    "learned": "learned: the classes lie clearly further apart than before any training",
    "partly": "partly learned: the classes lie somewhat further apart than before any training",
    "tangled": "tangled: the classes lie no further apart than before any training",
    "memorised": "memorised: the training data are known by heart, and the classes of others lie no further apart",
    "unclear": "not clear: the interval lies across a limit",
    "few": f"not judged: that takes two classes of {FEWEST} examples each",
    "unknown": "not judged: there is nothing to compare with",
}
_WORDS = {
    "learned": "learned",
    "partly": "partly learned",
    "tangled": "tangled",
    "memorised": "memorised",
    "unclear": "not clear",
    "few": "not judged",
    "unknown": "not judged",
}
_CAVEAT = (
    "Measured on the features themselves, not on a map of them: maps show islands where there are none. Ratios do not "
    f"depend on the scale of a space, so that spaces can be compared. The limits, {LEARNED} and {TANGLED} of the "
    "baseline, were chosen on five small data sets. NC1 to NC4 show how far a classifier has collapsed to a simplex: "
    "that is no verdict."
)


@drawing(Separation)
def separation(result: Separation) -> Figure:
    """Draw scatter and silhouettes beside those of raw inputs and of an untrained twin, and distances of classes."""
    panels = [_ratios(result), _silhouettes(result)] if np.isfinite(result.ratios).any() else []
    if len(result.counts) > 1 and np.isfinite(result.distances).any():
        panels.append(_distances(result))
    missing = [
        f"There are no {name} to compare with: {why}."
        for name, why in (("raw inputs", result.raw_missing), ("features of an untrained twin", result.twin_missing))
        if why
    ]
    sketched = "Raw inputs were so long that sums of them, drawn by lot, stand for them." if result.sketched else ""
    some = (
        f"Silhouettes are those of {result.compared:,} examples, chosen by lot."
        if 0 < result.compared < result.examples
        else ""
    )
    return Figure(
        title=f"Separation of classes: {_WORDS[result.verdict]}",
        panels=(*panels, _figures(result)),
        columns=2,
        caveat=" ".join(one for one in (_CAVEAT, *missing, sketched, some) if one),
        alt=f"{_VERDICTS[result.verdict].capitalize()}. Scatter within classes over that between them: "
        + ", ".join(f"{name} {number(one)}" for name, one in zip(SPACES, result.ratios, strict=True))
        + ".",
    )


def _ratios(result: Separation) -> Panel:
    marks: list[Any] = _bars(result.ratios)
    for place, (low, high) in enumerate(result.ratio_ranges):
        if np.isfinite([low, high]).all() and np.isfinite(result.ratios[place]):
            marks.append(Lines(x=np.full(2, float(place)), y=np.array([low, high]), tone="sparse", dots=True))
    if result.baseline is not None:
        base = float(result.ratios[result.baseline])
        marks += [
            Event(at=LEARNED * base, text="learned below", axis="y"),
            Event(at=TANGLED * base, text="tangled above", axis="y"),
        ]
    low, high = result.share_range
    between = f" ({percent(low)} to {percent(high)})" if np.isfinite([low, high]).all() else ""
    return Panel(
        title="Scatter within classes over that between",
        marks=tuple(marks),
        x=Axis(categories=SPACES),
        y=Axis(label="within over between"),
        note=f"{percent(result.share)}{between} of the baseline" if np.isfinite(result.share) else "",
    )


def _silhouettes(result: Separation) -> Panel:
    lift = f"{'+' if result.lift > 0 else ''}{number(result.lift)} against the baseline"
    return Panel(
        title="Silhouette",
        marks=tuple(_bars(result.silhouettes)),
        x=Axis(categories=SPACES),
        y=Axis(label="mean silhouette, 1 is far apart"),
        note=lift if np.isfinite(result.lift) else "",
    )


def _bars(values: Array) -> list[Any]:
    """Return a bar for each space, that of the features in another colour."""
    return [
        Bars(
            edges=np.array([place - _HALF, place + _HALF]),
            heights=np.array([value]),
            tone="accent" if not place else "faint",
        )
        for place, value in enumerate(values)
        if np.isfinite(value)
    ]


def _distances(result: Separation) -> Panel:
    count = len(result.counts)
    names = result.names or tuple(str(one) for one in result.classes.tolist())
    named = names if count <= _MOST_NAMED else ()
    apart = np.where(np.isfinite(result.distances), result.distances, np.nan)
    others = np.where(np.eye(count, dtype=bool) | np.isnan(apart), np.inf, apart)
    one, other = divmod(int(others.argmin()), count)
    nearest = f"nearest: {names[one]} and {names[other]}, {number(float(others[one, other]))}"
    edges = np.arange(count + 1) - 0.5
    return Panel(
        title="Distances between classes",
        marks=(Heat(values=apart, x=edges, y=edges, label="in typical distances of an example from its mean"),),
        x=Axis(label="class", categories=named),
        y=Axis(label="class", categories=named),
        note=nearest,
    )


def _figures(result: Separation) -> Panel:
    nc1, equinorm, equiangular, nc3, nc4 = result.collapse.tolist()
    rows = [("layer", f"{result.layer}{result.pooled and ', '}{result.pooled}") if result.layer else None]
    rows.append(("accuracy on these examples", percent(result.accuracy)) if np.isfinite(result.accuracy) else None)
    rows.append(
        ("on the training data", percent(result.train_accuracy)) if np.isfinite(result.train_accuracy) else None
    )
    if np.isfinite(result.class_silhouettes).any():
        worst = int(np.nanargmin(result.class_silhouettes))
        name = result.names[worst] if result.names else str(int(result.classes[worst]))
        rows.append(("lowest silhouette of a class", f"{number(float(result.class_silhouettes[worst]))}, {name}"))
    rows += [
        (words, number(value)) if np.isfinite(value) else None
        for words, value in (
            ("NC1, scatter as seen between classes", nc1),
            ("NC2, spread of the lengths of class means", equinorm),
            ("NC2, their cosines off those of a simplex", equiangular),
            ("NC3, class means off the head's weights", nc3),
        )
    ]
    rows.append(("NC4, nearest mean is another class than said", percent(nc4)) if np.isfinite(nc4) else None)
    left = f", {result.left_out:,} left out" if result.left_out else ""
    rows += [
        ("examples", f"{result.examples:,} of {amount(len(result.counts), 'class', 'classes')}{left}"),
    ]
    return Panel(
        title="In figures",
        marks=(Table(columns=("what", "how much"), rows=tuple(one for one in rows if one is not None)),),
        note=_VERDICTS[result.verdict],
    )
