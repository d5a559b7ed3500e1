"""Faithfulness: how well maps say what a model does, measured by experiments on the model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.result import Result
from pellucid.maths.ranks import interval

Array = NDArray[Any]
Interval = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Faithfulness(Result):
    """What became of the score, and of the maps, in experiments; numbers of every example, nothing averaged.

    Attributes:
        methods: Name of each method; a name that came twice has a number behind it.
        options: Options of each method, as they were used.
        shares_out: Whether a method shares the score out, so that its maps are ranked by value, and not by size.
        map_layers: The layer that a class activation map was taken from, one a method; "" for the others.
        layer: Name of the layer whose output was explained and taken away; "" for the input.
        measured: What the curves follow: "probability" (of the class, by softmax where the model returns logits) or
            "score" (what was explained, as it is).
        targets: Class of each example; () where the target was no class.
        class_names: Names of the classes; () where unknown.
        places: How many places (pixels, tokens, features) one example has.
        shares: Share of the places that are gone or back, 0 to 1, [point].
        deletion: What is measured with the first places of each map gone, [method, example, point]; no point where
            the curves were left out.
        insertion: What is measured with the first places of each map put back into the baseline, the same shape.
        chance_deletion: The same with places in an order drawn by lot, [draw, example, point].
        chance_insertion: The same.
        constant: Whether a map has one value only, which has no order, [method, example].
        finite: Whether a map and the score that it explains hold neither NaN nor infinity, [method, example]. What is
            said of other examples means nothing.
        pointing: Share of the places with the highest value that lie in the mask, 0 or 1 where there are no ties; 0 for
            a constant map, [method, example]; NaN without masks.
        mass: Share of the map (what speaks for the score, or sizes) that lies in the mask, [method, example].
        area: Share of the places in the mask, which is what chance gives, [example]; NaN without masks.
        stages: Layers in the order in which they became random, from the output back.
        alike: Spearman's correlation of each map with that of the model whose last layers are random, up to and with
            this stage, [method, draw, stage, example]; NaN for a map without an order.
        beyond: What of it the size of the input alone does not explain (partial correlation), the same shape.
        infidelity: Mean squared difference between what a map says that the score loses, when boxes are replaced by the
            baseline, and what it loses, [method, example]; NaN for a map without unit.
        unforetold: Share of the squared losses that a map misses when its scale is free, 0 to 1, [method, example].
        sensitivity: Farthest that noise in the input moves a map, in sizes of the map, [method, example].
        left_out: Why a test was left out, by its name.
        settings: Steps, draws, samples, radius and baseline, as they were used.
        silent: Name of the layer at which the gradient is lost, or all but lost, going back from the output, [method,
            example]; "" where it is not; () where that was not looked for.
    """

    methods: tuple[str, ...]
    options: tuple[dict[str, Any], ...]
    shares_out: tuple[bool, ...]
    map_layers: tuple[str, ...]
    layer: str
    measured: str
    targets: tuple[int, ...]
    class_names: tuple[str, ...]
    places: int
    shares: Array
    deletion: Array
    insertion: Array
    chance_deletion: Array
    chance_insertion: Array
    constant: Array
    finite: Array
    pointing: Array
    mass: Array
    area: Array
    stages: tuple[str, ...]
    alike: Array
    beyond: Array
    infidelity: Array
    unforetold: Array
    sensitivity: Array
    left_out: dict[str, str]
    settings: dict[str, Any]
    silent: tuple[tuple[str, ...], ...] = ()

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return self.constant.shape[1]

    @property
    def deletion_areas(self) -> Array:
        """Area under each deletion curve, [method, example]: low where the map names first what the model needs."""
        return self._areas(self.deletion)

    @property
    def insertion_areas(self) -> Array:
        """Area under each insertion curve, [method, example]: high where the map names first what is enough."""
        return self._areas(self.insertion)

    @property
    def chance_areas(self) -> tuple[Array, Array]:
        """Areas under the curves of random orders, deletion and insertion, [draw, example] each."""
        return self._areas(self.chance_deletion), self._areas(self.chance_insertion)

    @property
    def gains(self) -> tuple[Array, Array]:
        """How much better than by lot each map is, deletion and insertion, [method, example] each.

        In shares of the way from the score of the example to that of the baseline, which is what there is to gain; of
        all examples one way, their root mean square, so that an example that has none does not weigh most.
        """
        deleted, inserted = (
            one.mean(axis=0) if len(one) else np.full(self.examples, np.nan) for one in self.chance_areas
        )
        return (deleted - self.deletion_areas) / self.way, (self.insertion_areas - inserted) / self.way

    @property
    def way(self) -> float:
        """Root mean square over the examples of the score less that of the baseline; NaN without finite curves."""
        if not self.deletion.size:
            return float("nan")
        apart = self.deletion[0, :, 0] - self.deletion[0, :, -1]
        known = apart[np.isfinite(apart)]
        return (float(np.sqrt(np.mean(known**2))) if len(known) else 0.0) or float("nan")

    def left(self, method: int, *, beyond: bool = True) -> Array:
        """Return what is left of a map when every layer is random, mean over the draws, [example]."""
        levels = (self.beyond if beyond else self.alike)[method]
        if not levels.size:
            return np.full(self.examples, np.nan)
        return _mean(levels[:, -1], axis=0)

    def levels(self, method: int, *, beyond: bool = False) -> list[Interval]:
        """Return mean and 95 % interval over the examples after each stage, the draws averaged."""
        levels = (self.beyond if beyond else self.alike)[method]
        return [interval(_mean(levels[:, stage], axis=0)) for stage in range(levels.shape[1])] if levels.size else []

    def _areas(self, curves: Array) -> Array:
        if curves.shape[-1] < 2:
            return np.full(curves.shape[:-1], np.nan)
        return np.trapezoid(curves, self.shares, axis=-1)


def _mean(values: Array, axis: int) -> Array:
    """Return the mean of what is finite; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    return np.where(count > 0, np.where(known, values, 0).sum(axis=axis) / np.maximum(count, 1), np.nan)
