"""Drawing a map: points by class, by prediction and by how well they are placed, and the figures."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.drawing import drawing
from pellucid.core.figure import Axis, Cloud, Figure, Panel, Table
from pellucid.core.figure.words import amount, number, percent
from pellucid.core.finding import Level
from pellucid.windows.embeddings.result.projection import MISPLACED, Projection

Array = NDArray[Any]

_MOST = 20_000
_PIXELS = 1 << 22
"""Numbers of all thumbnails of a picture."""
_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
_ISLANDS = (
    "Sizes of islands and gaps between them mean nothing: only who lies beside whom does, and untrained networks and "
    "pure noise make islands, too."
)
_AXES = "These are the directions of most variance: what differs along others cannot be seen."
_NO_VERDICT = (
    "The map is no verdict on learning, which is measured in feature space: pel.embeddings.separation(model, data)."
)
_MEASURES = (
    "Trustworthiness is 1 where neighbours on the map are neighbours in fact, continuity where it is the other way "
    "round; dealt by chance both are about 0.5."
)
_FOLLOWS = {
    "axes": "The axes are those of an earlier map.",
    "placed": "Each row was placed on an earlier map by itself.",
    "started": "It was begun from an earlier map, and turned, scaled and laid on it as a whole.",
}


@drawing(Projection)
def projection(result: Projection) -> Figure:
    """Draw the points by class, by prediction and by how well they are placed, and the figures of the map."""
    shown = _shown(result)
    panels = list[Panel]()
    if len(shown):
        images = _thumbnails(result, shown)
        panels.append(_by_class(result, shown, images))
        if len(result.predicted):
            panels.append(_classed(result, shown, result.predicted, "By prediction", images))
        if len(result.misplaced):
            panels.append(_by_trust(result, shown))
    fewer = int(result.mapped.sum()) - len(shown)
    parts = (
        _AXES if result.method == "pca" else _ISLANDS,
        _NO_VERDICT,
        _MEASURES if len(result.trust) else "",
        _FOLLOWS.get(result.follows, ""),
        f"{len(shown):,} of {int(result.mapped.sum()):,} points are drawn." if fewer else "",
    )
    layer = f" of {result.layer}" if result.layer else ""
    return Figure(
        title=f"{_NAMES.get(result.method, result.method)} map{layer}",
        panels=(*panels, _figures(result)),
        columns=2,
        caveat=" ".join(one for one in parts if one),
        alt=f"{amount(len(result.points), 'row')} as points of {result.dims} axes by "
        f"{_NAMES.get(result.method, result.method)}, trustworthiness {number(result.trustworthiness)}.",
    )


def _shown(result: Projection) -> Array:
    """Return the numbers of the rows that are drawn: all, or those that were judged and an even part of the others."""
    there = np.flatnonzero(result.mapped)
    if len(there) <= _MOST:
        return there
    judged = result.judged[: _MOST // 2]
    others = np.setdiff1d(there, judged)
    return np.sort(np.concatenate([judged, others[:: -(-len(others) // (_MOST - len(judged)))]]))


def _thumbnails(result: Projection, shown: Array) -> Array | None:
    """Return the pictures of the rows that are drawn, coarser where they are many; None where one has none."""
    if not len(result.images) or shown[-1] >= len(result.images):
        return None
    images = np.asarray(result.images[shown], dtype=np.float32)
    while images.size > _PIXELS and min(images.shape[1:3]) >= 8:
        rows, columns = (side // 2 * 2 for side in images.shape[1:3])
        even = images[:, :rows, :columns]
        images = (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4
    return images


def _cloud(
    result: Projection, shown: Array, group: Array | None, names: tuple[str, ...], images: Array | None
) -> Cloud:
    return Cloud(points=result.points[shown], group=group, names=names, images=images)


def _framed(result: Projection, title: str, cloud: Cloud, note: str = "") -> Panel:
    name = {"pca": "PC", "tsne": "t-SNE", "umap": "UMAP"}.get(result.method, result.method)
    labels = [f"{name} {axis + 1}" for axis in range(result.dims)]
    if result.method == "pca":
        labels = [f"{one}, {percent(float(share))}" for one, share in zip(labels, result.explained, strict=True)]
    upright = f"upright: {labels[2]}" if len(labels) > 2 else ""
    note = "; ".join(one for one in (note, upright) if one)
    return Panel(title=title, marks=(cloud,), x=Axis(label=labels[0]), y=Axis(label=labels[1]), note=note)


def _by_class(result: Projection, shown: Array, images: Array | None) -> Panel:
    if len(result.labels):
        return _classed(result, shown, result.labels, "By class", images)
    return _framed(result, "All rows", _cloud(result, shown, None, (), images))


def _classed(result: Projection, shown: Array, labels: Array, title: str, images: Array | None) -> Panel:
    """Draw points by one of two sets of labels, the colours being the same in both."""
    known = np.unique(np.concatenate([result.labels, result.predicted]))
    classes, without = known[known >= 0], bool((labels[shown] < 0).any())
    group = np.where(labels[shown] >= 0, np.searchsorted(classes, labels[shown]), len(classes))
    names = tuple(_name(result, int(one)) for one in classes) + (("no class",) if without else ())
    note = f"{len(classes)} classes; colours begin anew after 10" if len(classes) > 10 else ""
    return _framed(result, title, _cloud(result, shown, group, names, images), note=note)


def _name(result: Projection, label: int) -> str:
    return result.names[label] if label < len(result.names) else str(label)


def _by_trust(result: Projection, shown: Array) -> Panel:
    """Draw which of the points that were judged lie beside others that are far from them in fact."""
    judged = np.isin(result.judged, shown)
    group = (result.trust[judged] < MISPLACED).astype(np.int64)
    names = ("in their place", f"own trust below {number(MISPLACED)}")
    cloud = Cloud(points=result.points[result.judged[judged]], group=group, names=names)
    note = f"{len(result.misplaced):,} of {len(result.judged):,} points lie beside others that are far in fact"
    return _framed(result, "How well points are placed", cloud, note=note)


def _figures(result: Projection) -> Panel:
    rows = [("made by", result.made_by)]
    rows += [("settings", result.settings)] if result.settings else []
    if len(result.explained):
        axes = amount(len(result.explained), "axis", "axes")
        what = "variance along the axes" if result.method == "pca" else f"variance in {axes}"
        rows.append((what, percent(result.share)))
    if result.residual:
        rows.append(("axes may be off by", percent(result.residual, 2)))
    if len(result.trust):
        near = f"@{result.neighbours}"
        rows += [
            (f"trustworthiness{near}", number(result.trustworthiness)),
            (f"continuity{near}", number(float(result.continuity.mean()))),
            (f"{result.neighbours} nearest kept", percent(float(result.kept.mean()))),
            (f"own trust below {number(MISPLACED)}", f"{len(result.misplaced):,} of {len(result.judged):,}"),
        ]
    if np.isfinite(result.shaken_trust):
        rows += [
            ("trustworthiness, shaken by 1 %", number(result.shaken_trust)),
            (f"{result.neighbours} nearest kept when shaken", percent(result.shaken_kept)),
            ("shape lost when shaken", number(result.shaken_disparity)),
        ]
    if len(result.moved):
        rows.append(("moved (median)", _moved(result)))
    rows += [("rows", f"{len(result.points):,}"), ("of them fitted", f"{int(result.fitted.sum()):,}")]
    left = len(result.left_out)
    missing = len(result.points) - int(result.mapped.sum()) - left
    rows += [("left out, not finite", f"{left:,}")] if left else []
    rows += [("without a place", f"{missing:,}")] if missing else []
    level = Level.LOOK if left else Level.OK
    return Panel(title="In figures", marks=(Table(columns=("what", "how much"), rows=tuple(rows)),), level=level)


def _moved(result: Projection) -> str:
    far = result.moved[np.isfinite(result.moved)]
    if not len(far):
        return "no row is on both"
    return f"{percent(float(np.median(far)))} of its size, {percent(float(far.max()))} at the most"
