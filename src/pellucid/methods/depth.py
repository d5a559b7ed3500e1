"""Layers over depth: the model that each belongs to, and where each stands on an axis that keeps models apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.core.figure import Axis, Event
from pellucid.core.finding import Level
from pellucid.core.result import Provenance

Array = NDArray[Any]
MOST_NAMES = 16


@dataclass(frozen=True, kw_only=True)
class Depth:
    """Where layers stand along an axis over depth: one model after the other, a gap between two.

    Attributes:
        order: Places of the layers in the result, in the order along the axis, [layer].
        models: The layers of each model as places in `order`, by its name; "" for a single model.
        at: Where each layer of `order` stands on the axis, [layer].
        axis: The axis, with names while there are few layers.
    """

    order: tuple[int, ...]
    models: dict[str, slice]
    at: tuple[int, ...]
    axis: Axis

    @property
    def across(self) -> Array:
        """Every place of the axis, those of the gaps too, [place]."""
        return np.arange(self.at[-1] + 1 if self.at else 0)

    @property
    def names(self) -> tuple[Event, ...]:
        """The name of each model where its layers begin; none for a single model."""
        begins = {model: self.at[one.start] for model, one in self.models.items() if model}
        return tuple(Event(at=max(at - 0.5, 0.0), text=model, level=Level.OK) for model, at in begins.items())

    def spread(self, values: Array) -> Array:
        """Put one value a layer, in the order of the result's places that were given, on the axis; NaN in the gaps.

        Args:
            values: [layer], in the order of `order`.

        Returns:
            [place].
        """
        spread = np.full(len(self.across), np.nan)
        spread[list(self.at)] = values
        return spread


def models_of(names: Sequence[str], provenance: Provenance) -> tuple[str, ...]:
    """Return the model that each layer or parameter belongs to.

    A watch over several models, `pel.watch({"generator": ..., "judge": ...})`, puts the name of the model before
    that of the layer, and names them all in the provenance.

    Args:
        names: Names of the layers.
        provenance: That of the result.

    Returns:
        One name a layer; "" each where a single model was looked at.
    """
    longest_first = sorted(provenance.models, key=len, reverse=True)
    return tuple(
        next((model for model in longest_first if name == model or name.startswith(f"{model}.")), "") for name in names
    )


def depth_of(names: Sequence[str], models: Sequence[str], places: Sequence[int]) -> Depth:
    """Lay layers along an axis, model by model.

    Args:
        names: Names of all layers.
        models: The model of each of them.
        places: Those to lay out, in the order of depth.

    Returns:
        The layout.
    """
    held: dict[str, list[int]] = {}
    for place in places:
        held.setdefault(models[place], []).append(place)
    order, at, parts = list[int](), list[int](), dict[str, slice]()
    labels = list[str]()
    for model, some in held.items():
        labels += [""] * bool(labels)
        parts[model] = slice(len(order), len(order) + len(some))
        at += range(len(labels), len(labels) + len(some))
        order += some
        # Numbers begin anew in each model: its third layer is the third, wherever it stands.
        numbers = [str(one) for one in range(len(some))]
        labels += [_short(names[one], model) for one in some] if len(places) <= MOST_NAMES else numbers
    named = len(places) <= MOST_NAMES or len(held) > 1
    axis = Axis(label="layer, in order", categories=tuple(labels) if named else ())
    return Depth(order=tuple(order), models=parts, at=tuple(at), axis=axis)


def _short(name: str, model: str) -> str:
    return name.removeprefix(f"{model}.") if model else name


def fair_shares(counts: Sequence[int], accused: Sequence[int], most: int) -> list[int]:
    """Share the places of a picture among models.

    Each model gets one, then those whose layers are accused as many as they have, then all the same number.

    Args:
        counts: Layers of each model, 1 or more.
        accused: How many of them a rule accuses.
        most: Places in all.

    Returns:
        Places of each model, at most as many as it has layers.
    """
    shares = [0] * len(counts)
    for wanted in ([1] * len(counts), accused, counts):
        while sum(shares) < most:
            asking = [place for place, share in enumerate(shares) if share < wanted[place]]
            if not asking:
                break
            shares[min(asking, key=lambda place: shares[place])] += 1
    return shares
