"""Drawing an analogy: the words on a plane with an arrow for each pair, answers, neighbours, and how offsets agree."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Bars, Cloud, Event, Figure, Heat, Lines, Panel, Table
from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Level
from pellucid.windows.embeddings.result.analogy import Analogy

Values = NDArray[Any]

_NAMED = 10
"""Words that the picture names: there are as many colours. Further ones are the ends of grey arrows."""
_HEAD, _GAP, _ASPECT = 0.03, 0.012, 1.25
"""Length of the head of an arrow and of what is left free at its ends, as a share of the picture, and how much wider
that is than high."""
_BINS = 30
_CAVEAT = (
    "On a plane that is fitted to a few words these look orderly whatever they are: the verdict is made from all "
    "dimensions. The words asked about are no answers; without that rule the nearest word is mostly one of them."
)


@drawing(Analogy)
def analogy(result: Analogy) -> Figure:
    """Draw the words with arrows, the answers, the neighbours, and how the offsets of pairs agree."""
    panels = [_plane(result)] if len(result.points) else []
    panels += [_answers(result)] if result.answers or result.open_answers else []
    panels += [_alike(result)] if len(result.pairs) > 1 else []
    panels += [_shuffled(result)] if len(result.shuffled) else []
    panels += [_neighbours(result)] if result.words else []
    question = f": {_question(result)}" if result.asked else ""
    return Figure(
        title=f"Analogy{question}",
        panels=(*panels, _figures(result)),
        columns=2,
        caveat=" ".join(one for one in (_CAVEAT, _not_named(result)) if one),
        alt=_alt(result),
    )


def _question(result: Analogy) -> str:
    a, b, c = result.asked
    return f"{a} is to {b} as {c} is to {result.answer or '?'}"


def _alt(result: Analogy) -> str:
    words = [f"{_question(result)}."] if result.asked else []
    if len(result.pairs) > 1:
        words.append(f"{amount(len(result.pairs), 'pair')} with a mean cosine of {number(result.agreement[0])}.")
    return " ".join(words) or "No word was asked about."


def _not_named(result: Analogy) -> str:
    left = len(result.words) - _NAMED
    return f"{amount(left, 'word')} more {'is' if left == 1 else 'are'} the end of an arrow only." if left > 0 else ""


def _plane(result: Analogy) -> Panel:
    points = result.points
    low, high = points.min(axis=0), points.max(axis=0)
    across = max(high[0] - low[0], _ASPECT * (high[1] - low[1]), 1e-12) * 1.16
    size = np.array([across, across / _ASPECT])
    middle = (low + high) / 2
    place = dict(zip(result.words, points, strict=True))
    arrows = [(one, "sparse", "solid") for one in result.pairs]
    if result.asked:
        a, b, c = result.asked
        arrows = [one for one in arrows if one[0] not in ((a, b), (c, result.answer))] + [((a, b), "accent", "solid")]
        arrows += [((c, result.answer), "accent", "dashed")] if result.answer else []
    lines = [part for (one, other), *look in arrows for part in _arrow(place[one], place[other], size, *look)]
    cloud = Cloud(points=points[:_NAMED], group=np.arange(min(len(points), _NAMED)), names=result.words[:_NAMED])
    shares = result.explained
    limits = [(float(one - two / 2), float(one + two / 2)) for one, two in zip(middle, size, strict=True)]
    dashed = ", dashed to the answer" if result.answer else ""
    return Panel(
        title="The words on a plane",
        marks=(*lines, cloud),
        x=Axis(label=f"direction 1, {percent(shares[0])} of the differences", limits=limits[0]),
        y=Axis(label=f"direction 2, {percent(shares[1])}", limits=limits[1]),
        note=f"an arrow leads from the first word of a pair to the second{dashed}",
    )


def _arrow(start: Values, end: Values, size: Values, tone: Any, style: Any) -> tuple[Lines, ...]:
    """Return a line and its head, which is as wide on the paper whichever way it points."""
    way = (end - start) / size * [1.0, 1.0 / _ASPECT]
    length = float(np.hypot(*way))
    if not length:
        return ()
    gap = (end - start) * min(_GAP / length, 0.25)
    start, end = start + gap, end - gap
    way = way / length * min(_HEAD, length / 4)
    across = np.array([-way[1], way[0]]) / 2
    barbs = [end + (-way + side) * [1.0, _ASPECT] * size for side in (across, -across)]
    shaft, head = np.array([start, end]), np.array([barbs[0], end, barbs[1]])
    return Lines(x=shaft[:, 0], y=shaft[:, 1], tone=tone, style=style), Lines(x=head[:, 0], y=head[:, 1], tone=tone)


def _answers(result: Analogy) -> Panel:
    a, b, c = result.asked
    rows = [(one, number(score)) for one, score in zip(result.answers, result.scores.tolist(), strict=True)]
    first = result.open_answers[0] if result.open_answers else ""
    said = f"{first!r}, which was asked about" if result.is_artefact else "the same"
    return Panel(
        title=f"Nearest to {b} − {a} + {c}",
        marks=(Table(columns=("word", "cosine" if result.method == "add" else "score"), rows=tuple(rows)),),
        note=f"with nothing left out: {said}" if first else "",
    )


def _alike(result: Analogy) -> Panel:
    names = tuple(f"{one} → {other}" for one, other in result.pairs)
    edges = np.arange(len(names) + 1) - 0.5
    axis = Axis(categories=names)
    return Panel(
        title="How alike the offsets are",
        marks=(Heat(values=result.alike, x=edges, y=edges, signed=True, label="cosine"),),
        x=axis,
        y=axis,
    )


def _shuffled(result: Analogy) -> Panel:
    mean = result.agreement[0]
    ends = min(float(result.shuffled.min()), mean), max(float(result.shuffled.max()), mean)
    room = max(0.05 * (ends[1] - ends[0]), 1e-3)
    true = ", the true one among them" if result.is_whole else ""
    heights, edges = np.histogram(result.shuffled, bins=_BINS, range=(ends[0] - room, ends[1] + room))
    return Panel(
        title="By chance",
        marks=(
            Bars(edges=edges, heights=heights, tone="sparse", label="partners shuffled"),
            Event(at=mean, text=f"true partners, {number(mean)}", level=Level.OK),
        ),
        x=Axis(label="mean cosine of two offsets"),
        y=Axis(label="orders"),
        note=f"{result.as_high:,} of {amount(len(result.shuffled), 'order')} agree as well{true}",
    )


def _neighbours(result: Analogy) -> Panel:
    rows = [
        (word, ", ".join(f"{one} {number(cosine)}" for one, cosine in zip(near, cosines.tolist(), strict=False)))
        for word, near, cosines in zip(result.words, result.neighbours, result.cosines, strict=True)
    ]
    return Panel(
        title="Nearest neighbours",
        marks=(Table(columns=("word", "nearest words, with their cosines"), rows=tuple(rows)),),
        wide=True,
    )


def _figures(result: Analogy) -> Panel:
    rows = [("vectors", result.source), ("words", f"{result.vocabulary:,}"), ("dimensions", f"{result.dimensions:,}")]
    if result.left_out:
        rows.append(("left out, with no direction", f"{result.left_out:,}"))
    rows.append(("made of", "vectors of length 1" if result.unit else "vectors as they are"))
    mean, low, high = result.agreement
    if np.isfinite(mean):
        ends = f" ({number(low)} to {number(high)})" if np.isfinite(low) else ""
        rows.append(("mean cosine of two offsets", f"{number(mean)}{ends}"))
        rows.append(("with shuffled partners", f"{number(result.usual[0])}"))
    if result.questions:
        solved, alone, near = result.solved
        rows += [
            ("questions of pair with pair", f"{result.questions:,}"),
            ("answered rightly", percent(solved)),
            ("with nothing left out", percent(alone)),
            ("by the nearest word alone", percent(near)),
        ]
    return Panel(title="In figures", marks=(Table(columns=("what", "how much"), rows=tuple(rows)),))
