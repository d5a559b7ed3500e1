"""Which plane through the weights is measured, and how far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.core.arguments import refused, whole
from pellucid.core.errors import InputError
from pellucid.methods.ground.curvature import hessian, lanczos, start_of, unflattened
from pellucid.methods.ground.directions import Direction, given_direction, lengths, random_direction
from pellucid.methods.ground.ground import Ground
from pellucid.methods.ground.path import directions_of, principal
from pellucid.methods.ground.trajectory import Way
from pellucid.probe.filters import Filters

Array = NDArray[Any]
KINDS = ("random", "hessian")
_LANCZOS = 40
_ENDS = 1e-3
_FARTHEST = 1e100
_COARSEST = 1e-2
"""Radius below which weights of half precision do not resolve the ground."""
_MARGIN = 0.2
_THIN = 0.1


@dataclass(frozen=True, kw_only=True)
class Section:
    """Two directions, and how far each is followed.

    Attributes:
        kind: "random", "hessian", "path" or "given".
        directions: Along the columns and along the rows.
        columns: How far along the first, [column]; one of them is 0.
        rows: And along the second, [row].
        path: Where snapshots lie, [snapshot, (column, row)].
        off_plane: Share of the distance of each that is off the plane, [snapshot].
    """

    kind: str
    directions: tuple[Direction, Direction]
    columns: Array
    rows: Array
    path: Array = field(default_factory=lambda: np.zeros((0, 2)))
    off_plane: Array = field(default_factory=lambda: np.zeros(0))


def section_of(ground: Ground, directions: Any, *, radius: float, size: int, seed: int, gains: bool) -> Section:
    """Return the plane that is asked for.

    Args:
        ground: Being walked.
        directions: One of `KINDS`, a path, or two lists of tensors.
        radius: How far it reaches; along a path how far beyond it, in fifths of it.
        size: Nodes a side.
        seed: Of the directions.
        gains: Whether biases and gains move.

    Raises:
        InputError: The directions are none of these, do not fit, or there is no such plane.
    """
    if isinstance(directions, Way):
        return _along(directions, radius=radius, size=size)
    axis = np.linspace(-radius, radius, size)
    axis[size // 2] = 0.0
    if isinstance(directions, str) and directions == "random":
        first, second = (random_direction(ground.filters, seed=seed, number=n, gains=gains) for n in (0, 1))
        pair, kind = (first, second), "random"
    elif isinstance(directions, str) and directions == "hessian":
        pair, kind = _steepest(ground, seed), "hessian"
    elif isinstance(directions, (tuple, list)) and len(directions) == 2:
        given = [given_direction(one, ground.filters, name=f"directions[{n}]") for n, one in enumerate(directions)]
        pair, kind = (given[0], given[1]), "given"
    else:
        names = ", ".join(map(repr, KINDS))
        raise refused(
            "directions", directions, f"{names}, a path such as watch.path, or two lists of a tensor for each parameter"
        )
    return Section(kind=kind, directions=pair, columns=axis, rows=axis.copy())


def _along(way: Way, *, radius: float, size: int) -> Section:
    found = principal(way)
    unit = float(found.distances[0]) or float(found.distances.max())
    if not unit:
        raise InputError(
            f"All {len(way)} snapshots are where the weights are now, and there is no plane through them. Give the "
            "model as it is after the training, and snapshots from before."
        )
    first, second = ([unit * one for one in direction] for direction in directions_of(way, found))
    places = found.coordinates / unit
    spans = np.ptp(np.vstack([places, np.zeros((1, 2))]), axis=0)
    margins = radius * _MARGIN * np.maximum(spans, _THIN * spans.max())
    columns, rows = (_axis(places[:, axis], float(margins[axis]), size) for axis in (0, 1))
    return Section(
        kind="path", directions=(first, second), columns=columns, rows=rows, path=places, off_plane=found.off_plane
    )


def _axis(places: Array, margin: float, size: int) -> Array:
    """Return evenly spaced nodes that reach beyond all places and 0, one of them at 0."""
    low, high = min(float(places.min()), 0.0) - margin, max(float(places.max()), 0.0) + margin
    step = (high - low) / (size - 1)
    return (np.arange(size) - round(-low / step)) * step


def resolution_of(value: Any) -> int:
    """Return a number of nodes a side that has a node in the middle.

    Raises:
        InputError: It is even, or out of range.
    """
    size = whole("resolution", value, 3, 513)
    if not size % 2:
        raise refused("resolution", value, "an odd number, so that a node lies at the weights: 33 costs least")
    return size


def refuse_radius(filters: Sequence[Filters], radius: float) -> None:
    """Refuse a radius that the weights cannot reach, or cannot resolve.

    Raises:
        InputError: It is such.
    """
    kinds = {one.parameter.dtype: one for one in filters}
    narrow = min(kinds.values(), key=lambda one: torch.finfo(one.parameter.dtype).max)
    most = min(torch.finfo(narrow.parameter.dtype).max / 4, _FARTHEST)
    if radius > most:
        raise InputError(
            f"radius={radius:g} came, and {narrow.name!r} is of {narrow.parameter.dtype}, which does not reach that "
            f"far. Expected {most:.2g} or less; 1 is as far as each filter is long."
        )
    half = next((one for one in filters if one.parameter.element_size() < 4 and not one.gain), None)
    if half is not None and radius < _COARSEST:
        raise InputError(
            f"radius={radius:g} came, and {half.name!r} is of {half.parameter.dtype}, whose steps are that large, "
            f"so that only rounding would be seen. Give model.float(), or a radius of {_COARSEST:g} or more."
        )


def _steepest(ground: Ground, seed: int) -> tuple[Direction, Direction]:
    start = start_of(ground, seed=seed)
    if len(start) < 2:
        raise InputError(
            "directions='hessian' came, and the model has a single weight, around which there is no plane. Give "
            "directions='random', which moves it along both axes."
        )
    try:
        found = lanczos(hessian(ground), start, most=_LANCZOS, tolerance=_ENDS)
    except FloatingPointError as error:
        raise InputError(
            f"{error} The loss or its derivatives are NaN or infinite at these weights, so that no direction is the "
            "steepest. Give directions='random'."
        ) from error
    order = [int(one) for one in np.argsort(-np.abs(found.values))[:2]]
    if not found.values[order[0]]:
        raise InputError(
            "directions='hessian' came, and the loss does not bend at these weights: it is linear in them, or does not "
            "depend on them. Give directions='random'."
        )
    vectors = [found.vector(one) for one in order]
    if len(vectors) < 2:  # it bends alike along every direction that the start could show
        drawn = start_of(ground, seed=seed, number=1)
        drawn = drawn - (drawn @ vectors[0]) * vectors[0]
        vectors.append(drawn / drawn.norm())
    far = lengths([one.parameter for one in ground.filters])
    first, second = (unflattened(far * one, ground) for one in vectors)
    return first, second
