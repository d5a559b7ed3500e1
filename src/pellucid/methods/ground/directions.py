"""Directions in the space of all weights, measured in the size of the filters that they change."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.core.arguments import refused
from pellucid.core.errors import InputError
from pellucid.probe.filters import Filters
from pellucid.probe.subject import is_plain

Direction = list[Tensor]
"""One tensor a parameter, of its shape, type and device, in the order of the filters."""


def random_direction(
    filters: Sequence[Filters], *, seed: int, number: int = 0, gains: bool = False, normalized: bool = True
) -> Direction:
    """Draw a direction from a normal distribution and give each filter of it the length of the model's filter.

    The draw of a parameter depends on the seed, the number of the direction and the place of the parameter alone: not
    on the device, nor on what else is drawn.

    Args:
        filters: How the parameters fall into filters.
        seed: Of everything.
        number: Which direction of that seed.
        gains: Whether biases and gains move, too, each as one filter.
        normalized: Whether lengths are those of the model's filters; else they are as drawn.

    Returns:
        The direction. A filter whose weights are all 0 stays where it is, as do biases and gains unless asked for.

    Cost:
        One draw and three passes over the parameters.

    Source:
        Li et al. 2018, "Visualizing the loss landscape of neural nets", section 4.
    """
    drawn = [_drawn(one.parameter, seed=seed, number=number, place=place) for place, one in enumerate(filters)]
    if normalized:
        return filter_normalized(drawn, filters, gains=gains)
    return [torch.zeros_like(one) if part.gain and not gains else one for one, part in zip(drawn, filters, strict=True)]


def filter_normalized(direction: Sequence[Tensor], filters: Sequence[Filters], *, gains: bool = False) -> Direction:
    """Give each filter of a direction the length of the model's filter: d_f = g_f |w_f| / |g_f|.

    Args:
        direction: One tensor a parameter.
        filters: How the parameters fall into filters.
        gains: Whether biases and gains keep a direction, each as one filter; else it is 0.

    Returns:
        A new direction, 0 where either filter is.
    """
    return [_one(values, part, gains=gains) for values, part in zip(direction, filters, strict=True)]


def _one(values: Tensor, part: Filters, *, gains: bool) -> Tensor:
    if part.gain and not gains:
        return torch.zeros_like(part.parameter, requires_grad=False)
    drawn = part.norms(values)
    factors = torch.where(drawn > 0, part.lengths / drawn.clamp_min(torch.finfo(drawn.dtype).tiny), 0.0)
    scaled = values.detach().reshape(part.view).double() * factors
    return scaled.reshape(part.parameter.shape).to(part.parameter)


def _drawn(parameter: Tensor, *, seed: int, number: int, place: int) -> Tensor:
    mixed = int(np.random.SeedSequence((seed, number, place)).generate_state(1, np.uint64)[0])
    generator = torch.Generator("cpu").manual_seed(mixed & (2**63 - 1))
    kind = torch.float64 if parameter.dtype == torch.float64 else torch.float32
    return torch.randn(parameter.shape, generator=generator, dtype=kind, device="cpu").to(parameter.device)


def lengths(direction: Sequence[Tensor]) -> float:
    """Return how long a direction is, over all weights."""
    squares = [one.detach().double().square().sum() for one in direction]
    return float(torch.stack(squares).sum().sqrt())


def cosine(first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
    """Return the cosine between two directions; 0 where one is 0 everywhere."""
    product = float(
        sum(
            float((one.detach().double() * other.detach().double()).sum())
            for one, other in zip(first, second, strict=True)
        )
    )
    both = lengths(first) * lengths(second)
    return product / both if both else 0.0


def given_direction(values: Any, filters: Sequence[Filters], *, name: str) -> Direction:
    """Return a direction that somebody gave, once it is known to fit.

    Args:
        values: A list or tuple of one tensor or array a parameter.
        filters: How the parameters fall into filters.
        name: What to call it in an error.

    Raises:
        InputError: It is no list, has another number of tensors, or one of another shape or kind, or one that is not
            finite.
    """
    if not isinstance(values, (tuple, list, nn.ParameterList)):
        raise refused(name, values, "a list of a tensor for each parameter that is trained")
    values = list(cast("Sequence[Any]", values))
    if len(values) != len(filters):
        raise InputError(
            f"{name} holds {len(values)} tensors; expected {len(filters)}, one for each parameter that is trained, in "
            f"the order of model.named_parameters(): {', '.join(one.name for one in filters[:3])}, ..."
        )
    return [_given(one, part, name=name) for one, part in zip(values, filters, strict=True)]


def _given(value: Any, part: Filters, *, name: str) -> Tensor:
    one = torch.from_numpy(value) if isinstance(value, np.ndarray) and value.dtype.kind in "iufb" else value
    if not isinstance(one, Tensor) or not is_plain(one):
        kind = type(one).__name__ if not isinstance(one, Tensor) else f"{one.layout} {one.dtype} tensor on {one.device}"
        raise InputError(
            f"{name} holds a {kind} for {part.name!r}; expected a dense tensor or array of real numbers, with values, "
            f"of shape {tuple(part.parameter.shape)}."
        )
    if tuple(one.shape) != tuple(part.parameter.shape):
        raise InputError(
            f"{name} has shape {tuple(one.shape)} for {part.name!r}; expected {tuple(part.parameter.shape)}."
        )
    found = one.detach().to(part.parameter, copy=True)
    if not bool(torch.isfinite(found).all()):
        raise InputError(f"{name} is not finite at {part.name!r} in {found.dtype}. Expected finite numbers.")
    return found
