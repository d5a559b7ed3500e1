"""Builder: turns what was seen over some steps into pieces of results, as many steps at a time as there are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Any

import numpy as np
import torch

from pellucid.core.result import Provenance, Result
from pellucid.maths.reduce import Reduced, reduce
from pellucid.maths.sampled import settle
from pellucid.maths.series import TensorSeries
from pellucid.sessions.assemble import (
    LayerTable,
    ParameterTable,
    activation_piece,
    gradient_piece,
    weight_piece,
)
from pellucid.sessions.ranks import Ranks
from pellucid.sessions.seen import ActivationsSeen, ParametersSeen, Parts

Built = tuple[str, tuple[int, ...], Result]
"""Name of the result, the steps of the piece, the piece."""


@dataclass(frozen=True, kw_only=True)
class _Layers:
    step: int
    parts: Parts
    table: LayerTable

    @property
    def form(self) -> Any:
        return list(self.parts), _widths(self.parts), self.table


@dataclass(frozen=True, kw_only=True)
class _Parameters:
    step: int
    gradients: Parts
    weights: Parts
    updates: Mapping[str, float]
    twins: Mapping[str, float]
    carried: Mapping[str, float]
    learning_rates: Mapping[str, float]
    table: ParameterTable

    @property
    def form(self) -> Any:
        return _widths(self.gradients), self.table


class Builder:
    """Gathers what was seen, over the ranks too, and builds it together later.

    What ranks do together happens in `gather`, in the order in which things are handed over, which is the same on
    every rank; how many are built at once differs from rank to rank.
    """

    def __init__(self, provenance: Provenance, ranks: Ranks | None) -> None:
        self._provenance, self._ranks = provenance, ranks
        self._layers: list[_Layers] = []
        self._parameters: list[_Parameters] = []
        self._absent = reduce(torch.zeros(0, device="cpu"))
        self._twins: dict[str, float] = {}  # as last looked for

    def gather(self, seen: ActivationsSeen | ParametersSeen) -> None:
        """Take one step; with ranks, add it up over them."""
        if isinstance(seen, ActivationsSeen):
            parts = seen.statistics()
            merged = parts if self._ranks is None else self._ranks.merge(_settled(parts), "activations")
            self._layers.append(_Layers(step=seen.step, parts=merged, table=seen.layers))
            return
        self._twins |= seen.twins()
        self._parameters.append(
            _Parameters(
                step=seen.step,
                gradients=self._over_ranks(seen.gradients(), seen, "gradients"),
                weights=self._over_ranks(seen.weights(), seen, "weights"),
                updates=self._updates(seen),
                twins=dict(self._twins),
                carried=seen.carried(),
                learning_rates=seen.learning_rates,
                table=seen.table,
            )
        )

    def build(self) -> Iterator[Built]:
        """Return pieces of everything gathered, and forget it."""
        layers, self._layers = self._layers, []
        parameters, self._parameters = self._parameters, []
        for _, alike in groupby(layers, key=lambda one: one.form):
            group = list(alike)
            series = _series(group, lambda one: one.parts)
            steps = tuple(one.step for one in group)
            yield "activations", steps, activation_piece(series, group[0].table, self._provenance)
        for _, alike in groupby(parameters, key=lambda one: one.form):
            yield from self._built(list(alike))

    def _built(self, group: list[_Parameters]) -> Iterator[Built]:
        table, steps = group[0].table, tuple(one.step for one in group)
        weights = _series(group, lambda one: one.weights)
        yield "weights", steps, weight_piece(weights, [one.twins for one in group], table, self._provenance)
        flow = gradient_piece(
            _series(group, lambda one: one.gradients),
            weights,
            updates=[one.updates for one in group],
            learning_rates=[one.learning_rates for one in group],
            carried=[one.carried for one in group],
            table=table,
            provenance=self._provenance,
        )
        yield "gradients", steps, flow

    def _updates(self, seen: ParametersSeen) -> dict[str, float]:
        """Return the RMS of every update, inf where it is not finite; squares of what is cut add up over ranks."""
        found = seen.updates()
        squares = np.array(list(found.values()), dtype=np.float64)
        if self._ranks is not None and seen.cut and found:
            mine = np.array([self._ranks.rank == 0 or name in seen.cut for name in found])
            squares = self._ranks.total(np.where(mine, squares, 0.0))
        sizes = dict(zip(seen.table.names, map(prod, seen.table.shapes), strict=True))
        means = np.where(np.isfinite(squares), squares, np.inf) / [max(sizes[name], 1) for name in found]
        return dict(zip(found, np.sqrt(means).tolist(), strict=True))

    def _over_ranks(self, found: Parts, seen: ParametersSeen, kind: str) -> Parts:
        """Return one step of parameter statistics, of every parameter; what is cut over ranks is added up."""
        every = {name: found.get(name, self._absent) for name in seen.table.names}
        if self._ranks is None or not seen.cut:
            return every
        whole = _settled(every)
        if self._ranks.rank != 0:  # every rank holds the whole of what is not cut: only the first one's counts
            whole = {name: one if name in seen.cut else _emptied(one) for name, one in whole.items()}
        return self._ranks.merge(whole, kind)


def _series(group: list[Any], parts_of: Callable[[Any], Parts]) -> TensorSeries:
    return TensorSeries.from_steps({one.step: parts_of(one) for one in group})


def _settled(parts: Parts) -> dict[str, Reduced]:
    return dict(zip(parts, settle(list(parts.values())), strict=True))


def _widths(parts: Parts) -> list[int]:
    return [0 if one.units is None else one.units.shape[1] for one in parts.values()]


def _emptied(one: Reduced) -> Reduced:
    units = None if one.units is None else torch.zeros_like(one.units)
    return Reduced(
        torch.zeros_like(one.sums),
        torch.full_like(one.extremes, -torch.inf),
        torch.zeros_like(one.counts),
        units,
    )
