"""A map: rows of many units as points of two or three axes, and how far it can be believed."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result

Array = NDArray[Any]
MISPLACED = 0.85
"""Trust of a point below which its neighbours on the map tell nothing about it."""


@dataclass(frozen=True, kw_only=True)
class Projection(Result):
    """Rows as points on a map.

    Attributes:
        method: "pca", "tsne" or "umap".
        made_by: What made it, with its version: "pellucid", "openTSNE ...", "scikit-learn ..." or "umap-learn ...".
        settings: Of the method, in words; "" where it has none.
        layer: Whose features they are; "" where that is not known.
        points: [row, axis]; NaN for rows that are left out, and those that Ctrl-C kept from being placed.
        left_out: Numbers of the rows that are left out, because they hold a NaN or an infinity.
        fitted: Which rows the map was made of; the others were placed on it afterwards, [row].
        labels: Class of each row, [row], int64, below 0 where it has none; empty where none is known.
        predicted: Class that the model gives it, [row], int64; empty where none is known.
        names: Of the classes; () where they are numbers.
        images: What the model was given, see `Features`.
        mean: Of the rows that the axes were found in, [unit].
        axes: The principal axes that rows were brought to first, [axis, unit]; of a PCA map those of the map.
        explained: Share of the variance along each of them, [axis].
        residual: How far these may be off; 0 where they are exact.
        scale: What rows were divided by before they were mapped; 1 for PCA.
        known: The fitted rows along the axes, over the scale, [fitted row, axis]; empty for PCA.
        judged: Numbers of the rows that the map was judged on, [judged].
        neighbours: How many of each were compared.
        trust: Whether neighbours on the map are neighbours in fact, [judged], 1 at best.
        continuity: Whether neighbours in fact are neighbours on the map, [judged], 1 at best.
        kept: Share of the neighbours in fact that are neighbours on the map, [judged].
        shaken_trust: Whether neighbours stay neighbours when the rows are shaken by 1 % and mapped again: the
            trustworthiness of the second map as a map of the first, 1 at best; NaN where that was not tried.
        shaken_kept: Share of the nearest neighbours that stay so; likewise.
        shaken_disparity: What of the shape of the map does not stay, 0 to 1; likewise.
        follows: How it keeps to an earlier map: "" (there is none), "axes" (the same axes), "placed" (each row was
            placed on it) or "started" (it was begun from it, and laid on it).
        moved: How far each row is from where it was on the earlier map, [row], as a share of the size of that map (the
            root of the mean squared distance from its middle); empty where there is none.
        stopped: Whether Ctrl-C ended it early; see provenance.stopped.
    """

    method: str
    made_by: str
    settings: str = ""
    layer: str = ""
    points: Array
    left_out: Array
    fitted: Array
    labels: Array
    predicted: Array
    names: tuple[str, ...] = ()
    images: Array
    mean: Array
    axes: Array
    explained: Array
    residual: float = 0.0
    scale: float = 1.0
    known: Array
    judged: Array
    neighbours: int
    trust: Array
    continuity: Array
    kept: Array
    shaken_trust: float = float("nan")
    shaken_kept: float = float("nan")
    shaken_disparity: float = float("nan")
    follows: str = ""
    moved: Array
    stopped: bool = False

    @property
    def dims(self) -> int:
        """Return how many axes the map has."""
        return int(self.points.shape[1])

    @cached_property
    def mapped(self) -> Array:
        """Return which rows are on the map, [row]."""
        return np.asarray(np.isfinite(self.points).all(axis=1))

    @property
    def trustworthiness(self) -> float:
        """Return the mean trust, NaN where it was not measured."""
        return float(self.trust.mean()) if len(self.trust) else float("nan")

    @property
    def misplaced(self) -> Array:
        """Return the numbers of rows whose neighbours on the map are mostly others in fact, worst first."""
        bad = np.flatnonzero(self.trust < MISPLACED)
        return self.judged[bad[np.argsort(self.trust[bad], kind="stable")]]

    @property
    def share(self) -> float:
        """Return the share of the variance along the axes that rows were brought to first; NaN where there is none."""
        return float(self.explained.sum()) if len(self.explained) else float("nan")
