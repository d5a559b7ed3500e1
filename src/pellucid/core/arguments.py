"""Arguments: whether what came can be used, and if not, one way of saying so."""

import math
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from numbers import Integral, Number, Real
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from pellucid.core.errors import InputError, did_you_mean

Kind = TypeVar("Kind")
Normalization = tuple[tuple[float, ...], tuple[float, ...]]
MOST_SEED, MOST_STEPS = 2**32 - 1, 1_000_000
LARGEST = sys.float_info.max
ABOVE_0 = sys.float_info.min
_LONGEST = 80


def came(name: str, value: Any) -> str:
    """Return what came as the beginning of a message, such as "most=1.5 came" or "most of type Tensor came".

    Args:
        name: Of the argument.
        value: Any; only plain values are written out, and only short ones.
    """
    if isinstance(value, type):
        return f"{name} came as the class {value.__name__}"
    try:
        words = repr(value) if _is_plain(value) else ""
    except ValueError:  # a whole number of more digits than Python writes
        words = ""
    if words and len(words) <= _LONGEST:
        return f"{name}={words} came"
    return f"{name} of type {type(value).__name__} came"


def _is_plain(value: Any) -> bool:
    if type(value) in (tuple, list, set, frozenset, dict):
        return all(_is_plain(one) for one in (value.items() if isinstance(value, dict) else value))
    return value is None or isinstance(value, (str, bytes, Number, Options))


def refused(name: str, value: Any, expected: str) -> InputError:
    """Return the error of an argument that cannot be used.

    Args:
        name: Of the argument.
        value: What came.
        expected: What was expected, without a full stop.
    """
    return InputError(f"{came(name, value)}; expected {expected}.")


def whole(name: str, value: Any, least: int = 0, most: int | None = None, how: str = "") -> int:
    """Return a whole number.

    Args:
        name: Of the argument.
        value: What came; a number of NumPy is one, too.
        least: Smallest that can be used.
        most: Largest; None for any.
        how: What it is, or what to do, for the message.

    Raises:
        InputError: It is no whole number, or out of its range.
    """
    largest = math.inf if most is None else most
    if isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= largest:
        return int(value)
    limits = f"{least:,} or more" if most is None else f"{least:,} to {most:,}"
    raise refused(name, value, f"a whole number, {limits}{how and f': {how}'}")


def real_number(name: str, value: Any, least: float = 0.0, most: float = LARGEST, how: str = "") -> float:
    """Return a finite number.

    Args:
        name: Of the argument.
        value: What came; a number of NumPy is one, too.
        least: Smallest that can be used.
        most: Largest.
        how: What it is, or what to do, for the message.

    Raises:
        InputError: It is no number, not finite, or out of its range.
    """
    # NumPy would bring the limits to its own type, in which they may be infinite, and warn.
    given: Any = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, Real) and not isinstance(value, bool) and least <= given <= most:
        return float(given)
    low = "above 0" if least == ABOVE_0 else f"{least:g}"
    if most < LARGEST:
        low += f" to {most:g}"
    elif least != ABOVE_0:
        low += " or more"
    raise refused(name, value, f"a number, {low}{how and f': {how}'}")


def flag(name: str, value: Any) -> bool:
    """Return True or False.

    Args:
        name: Of the argument.
        value: What came.

    Raises:
        InputError: It is neither.
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise refused(name, value, "True or False")


def instance(name: str, value: Any, kind: type[Kind]) -> Kind:
    """Return a value of one kind; in place of None one without arguments.

    Args:
        name: Of the argument.
        value: What came.
        kind: What it must be.

    Raises:
        InputError: It is something else.
    """
    if value is None:
        return kind()
    if isinstance(value, kind):
        return value
    raise refused(name, value, f"None or {kind.__name__}(...)")


def function(name: str, value: Any, how: str) -> Any:
    """Return what can be called; None as it is.

    Args:
        name: Of the argument.
        value: What came.
        how: What it is called with, such as "loss(output, target)".

    Raises:
        InputError: It cannot be called, or is a class: calling that makes one, such as a loss, and does not call it.
    """
    is_class = isinstance(value, type)
    if value is None or (callable(value) and not is_class):
        return value
    raise refused(name, value, f"None or a function {how}" + (f", such as {value.__name__}()" if is_class else ""))


def file_path(name: str, value: Any) -> Path:
    """Return the path of a file.

    Args:
        name: Of the argument.
        value: What came.

    Raises:
        InputError: It is neither a text nor a path, names no file, or holds characters that no name of a file can.
    """
    how = "the name of a file, a text or a pathlib.Path"
    try:
        path = Path(value)
        holds = b"\0" not in os.fsencode(path)
    except (TypeError, UnicodeEncodeError) as error:
        raise refused(name, value, how) from error
    if not path.name or not holds:
        raise refused(name, value, how)
    return path


def several(name: str, value: Any, how: str) -> tuple[Any, ...]:
    """Return the items of what came, in order.

    Args:
        name: Of the argument.
        value: A tuple, a list, an array, or whatever else can be gone through; no text, and
            nothing without an order.
        how: What was expected, for the message.

    Raises:
        InputError: It cannot be gone through.
    """
    try:
        given = value.tolist() if hasattr(value, "tolist") and not isinstance(value, type) else value
    except (TypeError, RuntimeError) as error:  # a tensor that is sparse, or whose values are not there
        raise refused(name, value, how) from error
    if isinstance(given, (str, bytes, Mapping, set, frozenset, type)) or not isinstance(given, Iterable):
        raise refused(name, value, how)
    return tuple(cast("Iterable[Any]", given))


def wholes(name: str, value: Any, least: int, how: str) -> tuple[int, ...]:
    """Return whole numbers.

    Args:
        name: Of the argument.
        value: See `several`.
        least: Smallest that can be used.
        how: What was expected, for the message.

    Raises:
        InputError: It is something else, or holds something else.
    """
    given = several(name, value, how)
    if all(isinstance(one, Integral) and not isinstance(one, bool) and int(one) >= least for one in given):
        return tuple(int(one) for one in given)
    raise refused(name, value, how)


def names(name: str, value: Any, how: str) -> tuple[str, ...]:
    """Return texts that a file can hold.

    Args:
        name: Of the argument.
        value: See `several`.
        how: What was expected, for the message.

    Raises:
        InputError: It is something else, or holds something else.
    """
    given = several(name, value, how)
    if all(isinstance(one, str) and can_be_written(one) for one in given):
        return tuple(str(one) for one in given)
    raise refused(name, value, how)


def can_be_written(text: str) -> bool:
    """Say whether a text can go into a file: half of a surrogate pair cannot."""
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)


def normalization(name: str, value: Any) -> Normalization | None:
    """Return (mean, standard deviation) a channel as plain numbers; None as it is.

    Args:
        name: Of the argument.
        value: Two numbers, or two rows of numbers: tuples, lists, arrays or tensors.

    Raises:
        InputError: It is something else, a number is not finite, or a standard deviation is not above 0.
    """
    if value is None:
        return None
    how = "(mean, standard deviation), finite numbers, one a channel each, the second above 0"
    try:
        rows = [np.asarray(one.tolist() if hasattr(one, "tolist") else one) for one in several(name, value, how)]
    except (TypeError, ValueError, RuntimeError) as error:
        raise refused(name, value, how) from error
    if len(rows) != 2 or any(one.dtype.kind not in "iuf" or not one.size for one in rows):
        raise refused(name, value, how)
    mean, deviation = (tuple(float(number) for number in one.reshape(-1)) for one in rows)
    fits = len(mean) == len(deviation) or 1 in (len(mean), len(deviation))
    if not fits or not np.isfinite([*mean, *deviation]).all() or min(deviation) <= 0:
        raise refused(name, value, how)
    return mean, deviation


class Options:
    """Base of frozen dataclasses whose fields are options: one that does not exist is refused by name."""

    def __new__(cls, *given: Any, **named: Any) -> Any:
        """Refuse options that there are not, before `__init__` would with fewer words."""
        # A subclass that is no dataclass itself has an __init__ of its own, which knows best.
        if "__dataclass_fields__" in vars(cls):
            known = [one for one in fields(cast("Any", cls)) if one.init]
            has = f"It has: {', '.join(one.name for one in known)}." if known else "It has none."
            for name in named:
                if name not in {one.name for one in known}:
                    near = did_you_mean(name, [one.name for one in known])
                    raise InputError(" ".join(filter(None, (f"{cls.__name__} has no option {name!r}.", near, has))))
            if len(given) > sum(not one.kw_only for one in known):
                raise InputError(f"{cls.__name__} takes fewer options without a name than the {len(given)}. {has}")
        return super().__new__(cls)

    def settle(self, **checks: tuple[Any, ...]) -> None:
        """Check options, and keep them as what they are checked to be.

        Args:
            checks: By option: a function of this module, and what it is given behind name and value.

        Raises:
            InputError: One cannot be used.
        """
        for name, (check, *limits) in checks.items():
            object.__setattr__(self, name, check(name, getattr(self, name), *limits))
