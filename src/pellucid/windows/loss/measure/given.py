"""What `descend` was given, as plain numbers; anything else is refused with what came and what to do."""

import math
import numbers
import operator
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from torch import Tensor

from pellucid.core.errors import InputError, closest

MOST_STEPS = 100_000
FARTHEST = 1e6
"""What start and noise may be at the most: the fourth power of more would drown every surface."""
_LONG = 60  # characters of what came


def refused(what: str, value: object, *, expected: str, advice: str) -> InputError:
    """Return the error for an argument that cannot be used."""
    kind = "" if _is_plain(value) else f" ({type(value).__name__})"
    return InputError(f"descend() got {what}={_shown(value)}{kind}, expected {expected}. {advice}")


def known_name(what: str, name: object, known: Sequence[str]) -> str:
    """Return a name that is known.

    Args:
        what: Such as "optimizer".
        name: What was given.
        known: The names that there are.

    Returns:
        The name.

    Raises:
        InputError: It is none of them; the closest are named, whatever their case.
    """
    if isinstance(name, str) and name in known:
        return name
    folded = {one.lower(): one for one in known}
    near = [folded[one] for one in closest(name.lower(), folded)] if isinstance(name, str) else []
    hint = f"Closest: {', '.join(map(repr, near))}." if near else ""
    parts = (f"There is no {what} {_shown(name)}.", hint, f"Expected one of: {', '.join(known)}.")
    raise InputError(" ".join(one for one in parts if one))


def start_of(start: object) -> tuple[float, float]:
    """Return a start as two numbers.

    Args:
        start: A sequence, array or tensor of two numbers.

    Returns:
        (x, y).

    Raises:
        InputError: It is anything else, not finite, or too far away.
    """
    advice = "Leave it out to begin where the surface says."
    pair = list(cast("Sequence[Any]", start)) if isinstance(start, Sequence) or _is_list(start) else []
    x, y = (_number(one) for one in pair) if len(pair) == 2 else (None, None)
    if x is None or y is None:
        raise refused("start", start, expected="two finite numbers (x, y)", advice=advice)
    if max(abs(x), abs(y)) > FARTHEST:
        raise refused("start", start, expected=f"two numbers of no more than {FARTHEST:,.0f} in size", advice=advice)
    return x, y


def rate_of(rate: object) -> float:
    """Return a learning rate as a finite number above 0; raises InputError for anything else."""
    value = _number(rate)
    if value is None or value <= 0:
        raise refused(
            "learning_rate", rate, expected="a finite number above 0", advice="Leave it out for that of the surface."
        )
    return value


def momentum_of(momentum: object) -> float:
    """Return a momentum as a number from 0 to below 1; raises InputError for anything else."""
    value = _number(momentum)
    if value is None or not 0 <= value < 1:
        raise refused(
            "momentum", momentum, expected="a number from 0 to below 1", advice="Leave it out for 0.9, the usual one."
        )
    return value


def noise_of(noise: object) -> float:
    """Return a standard deviation as a number from 0 on; raises InputError for anything else."""
    value = _number(noise)
    if value is None or not 0 <= value <= FARTHEST:
        raise refused("noise", noise, expected=f"a number from 0 to {FARTHEST:,.0f}", advice="Give 0 for none.")
    return value


def steps_of(steps: object) -> int:
    """Return a number of steps as a whole number; raises InputError for anything else."""
    value = _whole(steps)
    if value is None or not 0 <= value <= MOST_STEPS:
        raise refused(
            "steps", steps, expected=f"a whole number from 0 to {MOST_STEPS:,}", advice="Leave it out for 150."
        )
    return value


def seed_of(seed: object) -> int:
    """Return a seed as a whole number from 0 on; raises InputError for anything else."""
    value = _whole(seed)
    if value is None or value < 0:
        raise refused("seed", seed, expected="a whole number from 0 on", advice="Leave it out for 0.")
    return value


def _is_list(value: object) -> bool:
    return isinstance(value, np.ndarray | Tensor) and value.ndim == 1


def _number(value: object) -> float | None:
    """Return a finite number as a float; None for what is none. Numbers of numpy and tensors of one are numbers."""
    plain = _single(value)
    if isinstance(plain, bool) or not isinstance(plain, numbers.Real):
        return None
    try:
        number = float(plain)
    except OverflowError:  # a whole number too large for a float
        return None
    return number if math.isfinite(number) else None


def _whole(value: object) -> int | None:
    plain = _single(value)
    return operator.index(plain) if isinstance(plain, numbers.Integral) and not isinstance(plain, bool) else None


def _single(value: object) -> object:
    """Return what an array or a tensor of no dimension holds; anything else as it is."""
    if isinstance(value, np.ndarray | np.generic | Tensor) and value.ndim == 0:
        return value if isinstance(value, Tensor) and value.is_meta else value.item()
    return value


def _is_plain(value: object) -> bool:
    """Whether a value shows its type by how it is written."""
    return value is None or isinstance(value, bool | int | float | complex | str | tuple | list)


def _shown(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number of more digits than Python writes
        text = "a number of thousands of digits"
    return f"{text[:_LONG]}…" if len(text) > _LONG else text
