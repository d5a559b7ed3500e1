"""Drawing features: in how many directions they differ, what they are for each class, and the figures."""

import numpy as np

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Bars, Figure, Heat, Panel, Table
from pellucid.core.figure.words import amount, number, percent
from pellucid.windows.embeddings.result.features import Features

_MOST_SHARES, _MOST_CLASSES, _MOST_UNITS, _MOST_ROWS = 32, 40, 256, 20_000


@drawing(Features)
def features(result: Features) -> Figure:
    """Draw the spread along principal directions, the mean of each unit by class, and the figures."""
    panels = [one for one in (_spread(result), _by_class(result)) if one is not None]
    return Figure(
        title=f"Features, {result.layer}",
        panels=(*panels, _figures(result)),
        columns=2,
        caveat="Directions that differ much need not be those that tell classes apart. pel.embeddings.separation says "
        "whether classes lie apart, beside what they did before any training.",
        alt=f"{amount(result.examples, 'vector')} of {amount(result.values.shape[1], 'value')} each.",
    )


def _spread(result: Features) -> Panel | None:
    shares = result.spectrum[:_MOST_SHARES]
    if not shares.any():
        return None
    return Panel(
        title="Spread along principal directions",
        marks=(Bars(edges=np.arange(len(shares) + 1) + 0.5, heights=shares),),
        x=Axis(label="direction, widest first"),
        y=Axis(label="share of the spread"),
        note=f"about {number(result.directions)} directions are used",
    )


def _by_class(result: Features) -> Panel | None:
    """Return the mean of each unit by class, in deviations of that unit; of the units that differ most."""
    labels, keep = result.labels[:_MOST_ROWS], ~result.bad[:_MOST_ROWS]
    keep = keep & (labels >= 0) if labels.size else keep[:0]
    classes = np.unique(labels[keep]) if keep.size else np.zeros(0)
    if len(classes) < 2 or len(classes) > _MOST_CLASSES:
        return None
    values, labels = np.asarray(result.values[: len(keep)][keep], dtype=np.float64), labels[keep]
    deviation = values.std(axis=0)
    units = np.sort(np.argsort(-deviation, kind="stable")[:_MOST_UNITS])
    values = (values - values.mean(axis=0))[:, units] / np.where(deviation > 0, deviation, 1.0)[units]
    means = np.stack([values[labels == one].mean(axis=0) for one in classes])
    numbers = [int(one) for one in classes]
    names = [result.names[one] if one < len(result.names) else str(one) for one in numbers]
    return Panel(
        title="Mean of each unit by class",
        marks=(
            Heat(
                values=means,
                x=np.arange(len(units) + 1) - 0.5,
                y=np.arange(len(classes) + 1) - 0.5,
                signed=True,
                label="in standard deviations of the unit",
            ),
        ),
        x=Axis(label="unit" if len(units) == len(deviation) else f"{len(units)} units that differ most"),
        y=Axis(label="class", categories=tuple(names)),
    )


def _figures(result: Features) -> Panel:
    rows = [("layer", result.layer)]
    if result.pooled:
        rows.append(("pooled", result.pooled))
    rows += [("examples", f"{result.examples:,}"), ("values each", f"{result.values.shape[1]:,}")]
    known = result.labels[result.labels >= 0]
    if known.size:
        rows.append(("classes", f"{len(np.unique(known)):,}"))
    if known.size and result.predicted.size:
        right = (result.predicted == result.labels)[result.labels >= 0]
        rows.append(("accuracy", percent(float(right.mean()), 1)))
    if result.bad.any():
        rows.append(("with NaN or infinity", f"{int(result.bad.sum()):,}"))
    return Panel(title="In figures", marks=(Table(columns=("what", "how much"), rows=tuple(rows)),))
