"""From rows of many units to a map, with figures on how far it can be believed."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.core.arguments import MOST_SEED, Options, flag, instance, real_number, refused, whole
from pellucid.core.errors import InputError, did_you_mean
from pellucid.core.figure.words import amount
from pellucid.core.progress import Loop, Progress, telling
from pellucid.core.result import Provenance
from pellucid.maths.neighbours import alignment, neighbours_kept
from pellucid.maths.principal import Principal, principal
from pellucid.methods.mapping import Mapper, Maps, Rows, stratified, tsne_mapper, umap_mapper
from pellucid.windows.embeddings.measure.classes import Classes, classes_of
from pellucid.windows.embeddings.measure.earlier import Earlier, earlier_of
from pellucid.windows.embeddings.result.features import Features
from pellucid.windows.embeddings.result.projection import Projection

Array = NDArray[Any]
_METHODS = ("pca", "tsne", "umap")
_FIRST, _FEWEST, _NEAR = 50, 5, 10
_NOISE = 0.01
_NUMBERS = 1 << 27  # of the rows that a map is judged on: 1 GiB


def _perplexity(name: str, value: Any) -> float | None:
    return None if value is None else real_number(name, value, 1.0, 1e6)


@dataclass(frozen=True, kw_only=True)
class ProjectionOptions(Options):
    """How a map is made and judged.

    Attributes:
        perplexity: Of t-SNE: about how many neighbours count, at most a third of the rows; None for 30, above 10,000
            rows for a hundredth of them.
        neighbours: Of UMAP: how many count.
        distance: Of UMAP: how near points may come to each other, 0 to 1.
        most: Rows that t-SNE and UMAP make a map of; of more a part, drawn evenly from the classes, and the others are
            placed on it.
        judged: Rows that a map is judged on, drawn likewise.
        stability: Whether the map is made a second time, of rows that are shaken by 1 % of what each unit varies: it
            doubles the time.
        seed: Of whatever is drawn at random.
    """

    perplexity: float | None = None
    neighbours: int = 15
    distance: float = 0.1
    most: int = 20_000
    judged: int = 5000
    stability: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        self.settle(
            perplexity=(_perplexity,),
            neighbours=(whole, 2, 1000),
            distance=(real_number, 0.0, 1.0),
            most=(whole, 50, 1_000_000),
            judged=(whole, 50, 50_000),
            stability=(flag,),
            seed=(whole, 0, MOST_SEED),
        )


def project(
    features: Any,
    *,
    method: str = "pca",
    dims: int = 2,
    labels: Any = None,
    like: Projection | None = None,
    options: ProjectionOptions | None = None,
    progress: Progress = None,
) -> Projection:
    """Draw rows of many units as points on a map, and say how far it can be believed.

    PCA shows the two (or three) directions along which rows differ most, and nothing of the others. t-SNE and UMAP keep
    neighbours together and nothing else: sizes of islands and gaps between them mean nothing. Both are given the 50
    principal axes. Rows with a NaN or an infinity are left out.

    On a sample the 10 nearest neighbours of each row are compared with those on the map; and the map is made a second
    time of rows that are shaken a little. A pretty map says nothing on whether a network has learned.

    Args:
        features: `Features`, or numbers [row, unit]: an array, a memory map or a tensor. They are only read.
        method: "pca"; "tsne", by openTSNE where it is installed, else by scikit-learn (pip install
            'pellucid[embeddings]'); or "umap" (pip install umap-learn).
        dims: 2 or 3.
        labels: Class of each row, whole numbers or texts; None for those of the features.
        like: An earlier map that this one keeps to, of the same rows at another checkpoint or of other rows with as
            many units: with PCA the same axes; else it is begun from where the same rows lie and laid on them, and
            other rows are placed on it one by one.
        options: How it is made and judged.
        progress: None for a line on stderr, False for silence, or a function that is given (done, in all).

    Returns:
        The map. Ctrl-C while openTSNE works returns the points as they are, Ctrl-C afterwards the map with what was
        measured of it.

    Raises:
        InputError: There are fewer than 5 rows that are finite, fewer units than dims, all rows are alike, or an
            argument is out of its range.
        MissingExtraError: The method needs a package that is not installed.
        KeyboardInterrupt: Ctrl-C before there is a map.

    Cost:
        PCA: four passes over the rows and rows x units^2 operations; the same again where `stability` is on. t-SNE of
        20,000 rows: some minutes. Memory: 32 MiB of rows at a time, what t-SNE and UMAP take, and the rows that it is
        judged on.

    Source:
        Kobak & Berens 2019, "The art of using t-SNE for single-cell transcriptomics"; Venna & Kaski 2001.
    """
    begun, chosen = time.perf_counter(), instance("options", options, ProjectionOptions)
    way, size = _method_of(method), whole("dims", dims, 2, 3)
    settings = Maps(
        dims=size,
        perplexity=chosen.perplexity,
        neighbours=chosen.neighbours,
        distance=chosen.distance,
        seed=chosen.seed,
    )
    mapper = None if way == "pca" else (tsne_mapper if way == "tsne" else umap_mapper)(settings)
    with telling("projection", progress):
        rows = Rows("features", features.values if isinstance(features, Features) else features)
        _refuse_few(rows, size)
        classes = classes_of(features, labels, rows.total)
        earlier = earlier_of(like, way, size, (rows.total, rows.units), classes.labels)
        job = _Job(rows=rows, mapper=mapper, dims=size, options=chosen, classes=classes, earlier=earlier)
        found, stopped = job.done()
    own = features if isinstance(features, Features) else None
    return Projection(
        provenance=Provenance(
            model="" if own is None else own.provenance.model,
            samples=rows.total,
            seconds=time.perf_counter() - begun,
            seed=chosen.seed,
            stopped=stopped,
        ),
        method=way,
        layer="" if own is None else own.layer,
        labels=classes.labels,
        predicted=classes.predicted,
        names=classes.names,
        images=np.zeros((0, 0, 0), dtype=np.float32) if own is None else own.images,
        stopped=bool(stopped),
        **found,
    )


def _method_of(method: Any) -> str:
    if isinstance(method, str) and method in _METHODS:
        return method
    near = did_you_mean(method.lower().replace("-", ""), _METHODS) if isinstance(method, str) else ""
    error = refused("method", method, "'pca', 'tsne' or 'umap'")
    raise InputError(f"{error} {near}".strip())


def _refuse_few(rows: Rows, dims: int) -> None:
    if rows.total < _FEWEST:
        raise InputError(
            f"features of {amount(rows.total, 'row')} came; expected {_FEWEST} or more: fewer make no map."
        )
    if len(rows) < _FEWEST:
        left = rows.left_out
        shown = ", ".join(str(one) for one in left[:5])
        raise InputError(
            f"{len(left):,} of {rows.total:,} rows hold a NaN or an infinity (rows {shown}{', …' * (len(left) > 5)}); "
            f"expected {_FEWEST} rows or more without. Look for the first layer whose output is not finite: "
            "pel.activations.histograms(model, batch)."
        )
    if rows.units < dims:
        raise InputError(
            f"features of {amount(rows.units, 'unit')} came for a map of {dims} dimensions; expected {dims} units or "
            "more. A histogram shows a single one."
        )


Read = Callable[[], Iterator[Tensor]]


class _Made(NamedTuple):
    """Points of some rows, and what they were made with.

    Attributes:
        own: The principal axes of the rows.
        frame: The axes that they were brought to; those of an earlier map where it is kept to.
        scale: What they were divided by.
        known: The rows that a map is made of, as it sees them, [row, axis], float32.
        anchors: Where these lie, [row, axis].
        points: Where the rows lie, [row, axis].
        stopped: After how much of the work Ctrl-C ended it, in words; "" where all was done.
    """

    own: Principal
    frame: Principal
    scale: float
    known: Array
    anchors: Array
    points: Array
    stopped: str = ""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One map to be made."""

    rows: Rows
    mapper: Mapper | None
    dims: int
    options: ProjectionOptions
    classes: Classes
    earlier: Earlier | None

    def sample(self, count: int) -> Array:
        """Return the numbers of some of the rows, rising, with all classes in them."""
        return stratified(self.classes.or_one(self.rows.total)[self.rows.kept], count, self.options.seed)

    def how(self, *ways: str) -> Earlier | None:
        """Return the earlier map where it is kept to in one of these ways."""
        return self.earlier if self.earlier is not None and self.earlier.how in ways else None

    def done(self) -> tuple[dict[str, Any], str]:
        """Make the map, place further rows, judge it: what there is, and what Ctrl-C kept from being done."""
        steps = Loop(10)
        steps.at(0, 4)
        chosen = np.arange(len(self.rows)) if self.mapper is None else self.sample(self.options.most)
        read = partial(self.rows.chunks, chosen)
        made = self.made(read, chosen)
        points = np.full((self.rows.total, self.dims), np.nan)
        points[self.rows.kept[chosen]] = made.points
        found, stopped = dict[str, Any](), made.stopped and f"stopped after {made.stopped}"
        try:
            if not stopped:
                steps.at(4, 1)
                self.place(made, chosen, points)
                steps.at(5, 1)
                found |= self.judged(points)
                steps.at(6, 4)
                found |= self.shaken(read, made, chosen) if self.options.stability else {}
                steps.at(10)
        except KeyboardInterrupt:
            stopped = "stopped before " + ("its stability was measured" if found else "it was judged")
        return self.fields(made, chosen, points) | _UNJUDGED | found, stopped

    def made(self, read: Read, chosen: Array) -> _Made:
        """Return points of the chosen rows."""
        own = principal(read, self.dims if self.mapper is None else _FIRST, seed=self.options.seed)
        if own.alike:
            raise InputError(
                f"All {own.rows:,} rows are alike; expected rows that differ. Look for the layer that makes them so: "
                "pel.activations.histograms(model, batch)."
            )
        held = self.how("axes", "placed")
        frame = own if held is None else held.frame(own)
        scores = torch.cat([frame.scores(chunk) for chunk in read()])
        if held is not None:
            frame = frame._replace(variances=scores.var(0))
        if self.mapper is None:
            points = scores.numpy()
            return _Made(own, frame, 1.0, points[:0], points[:0], points)
        scale = own.total**0.5 if held is None else held.map.scale
        known = (scores / scale).numpy().astype(np.float32)
        if held is not None:
            points = self.mapper.place(held.map.known, held.anchors, known)
            return _Made(own, frame, scale, held.map.known, held.anchors, points)
        started = self.how("started")
        start = known[:, : self.dims] if started is None else started.start(self.rows.kept[chosen])
        try:
            mapped = self.mapper.fit(known, start, settled=started is not None)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{self.mapper.made_by} was at work, and there is no map yet.") from None
        return _Made(own, frame, scale, known, mapped.points, mapped.points, mapped.stopped)

    def place(self, made: _Made, chosen: Array, points: Array) -> None:
        """Place the rows that were not chosen on the map."""
        others = np.setdiff1d(np.arange(len(self.rows)), chosen, assume_unique=True)
        if self.mapper is None or not len(others):
            return
        scores = torch.cat([made.frame.scores(chunk) for chunk in self.rows.chunks(others)]) / made.scale
        points[self.rows.kept[others]] = self.mapper.place(made.known, made.anchors, scores.numpy().astype(np.float32))

    def judged(self, points: Array) -> dict[str, Any]:
        """Compare neighbours on the map with those in fact."""
        chosen = self.sample(min(self.options.judged, max(_FEWEST, _NUMBERS // self.rows.units)))
        numbers, near = self.rows.kept[chosen], min(_NEAR, (len(chosen) - 1) // 2)
        found = neighbours_kept(self.rows.take(chosen), torch.from_numpy(points[numbers]), near)
        kept = (one.numpy() for one in (found.trust, found.continuity, found.share))
        return {"judged": numbers, "neighbours": near} | dict(zip(("trust", "continuity", "kept"), kept, strict=True))

    def shaken(self, read: Read, made: _Made, chosen: Array) -> dict[str, Any]:
        """Make the map again of rows that are shaken."""
        again = self.made(partial(_shaken, read, made.own.spread.sqrt() * _NOISE, self.options.seed), chosen)
        if again.stopped:
            raise KeyboardInterrupt
        first, second = (torch.from_numpy(one.points) for one in (made, again))
        some = torch.from_numpy(np.searchsorted(chosen, np.intersect1d(chosen, self.sample(self.options.judged))))
        near = min(_NEAR, (len(some) - 1) // 2)
        disparity = alignment(second, first).disparity
        if near < 1:
            return {"shaken_disparity": disparity}
        kept = neighbours_kept(first[some], second[some], near)
        return {
            "shaken_trust": float(kept.trust.mean()),
            "shaken_kept": float(kept.share.mean()),
            "shaken_disparity": disparity,
        }

    def fields(self, made: _Made, chosen: Array, points: Array) -> dict[str, Any]:
        """Return what there is of the map before it is judged."""
        placed, mapper = self.how("placed"), self.mapper
        fitted = np.zeros(self.rows.total, dtype=bool)
        fitted[self.rows.kept[chosen]] = placed is None
        laid = points if self.earlier is None else self.earlier.laid(points)
        return {
            "made_by": "pellucid" if mapper is None else mapper.made_by,
            "settings": "" if mapper is None else mapper.words(len(made.known)),
            "points": laid,
            "left_out": self.rows.left_out,
            "fitted": fitted,
            "mean": made.frame.mean.numpy(),
            "axes": made.frame.axes.numpy(),
            "explained": (made.frame.variances / made.own.total).numpy(),
            "residual": made.frame.residual,
            "scale": made.scale,
            "known": made.known if placed is None else made.known[:0],
            "follows": "" if self.earlier is None else self.earlier.how,
            "moved": np.zeros(0, dtype=np.float32) if self.earlier is None else self.earlier.moved(laid),
        }


_UNJUDGED: dict[str, Any] = {
    "judged": np.zeros(0, dtype=np.int64),
    "neighbours": 0,
    "trust": np.zeros(0),
    "continuity": np.zeros(0),
    "kept": np.zeros(0),
}


def _shaken(read: Read, size: Tensor, seed: int) -> Iterator[Tensor]:
    """Yield rows with noise, the same each time."""
    generator = torch.Generator().manual_seed(seed)
    for chunk in read():
        yield chunk + size * torch.randn(chunk.shape, generator=generator)
