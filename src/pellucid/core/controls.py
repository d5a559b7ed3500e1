"""Controls: what a reader can set in a picture, ready for a page, and what each accepts."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, cast

from pellucid.core.errors import FormatError, InputError, did_you_mean
from pellucid.core.figure.settled import plain_value

Parameter = bool | int | float | str | tuple[str, ...]
"""A value that a control may have."""


@dataclass(frozen=True, kw_only=True)
class Slider:
    """A number between two others.

    Attributes:
        name: Name of the parameter.
        label: The name for a reader.
        help: What it does; "" for nothing.
        min: Lowest value.
        max: Highest value.
        step: Distance between values that a slider reaches.
        log: Equal distances of the slider multiply the value.
        unit: Unit of the value; "" for none.
        value: What it is set to.
        picks: A click on the plane of the picture sets it to that coordinate; None for no such thing.
        stops: The only values that can be chosen; None for all.
        whole: Only whole numbers.
    """

    kind: ClassVar[str] = "range"
    name: str
    label: str
    help: str = ""
    min: float
    max: float
    step: float
    log: bool = False
    unit: str = ""
    value: float
    picks: Literal["x", "y"] | None = None
    stops: tuple[float, ...] | None = None
    whole: bool = False

    def checked(self, value: Any) -> float:
        """Return a value as the function wants it, whether inside the range or not.

        Raises:
            InputError: It is no finite number, or not whole where it must be.
        """
        number = plain_value(value)
        if not is_finite(number):
            raise InputError(f"{self.name!r} takes a finite number, got {shown(value)}.")
        if self.whole and int(number) != number:
            raise InputError(f"{self.name!r} takes a whole number, got {shown(value)}.")
        return int(number) if self.whole else float(number)

    def allows(self, value: Any) -> bool:
        """Whether a checked value is inside the range."""
        return self.min <= value <= self.max

    @property
    def expected(self) -> str:
        """What it allows, in words."""
        return f"{self.min:g} to {self.max:g}"


@dataclass(frozen=True, kw_only=True)
class Select:
    """One of several names.

    Attributes:
        name: Name of the parameter.
        label: The name for a reader.
        help: What it does; "" for nothing.
        options: What can be chosen.
        value: What is chosen.
    """

    kind: ClassVar[str] = "choice"
    name: str
    label: str
    help: str = ""
    options: tuple[str, ...]
    value: str

    def checked(self, value: Any) -> str:
        """Return the value. Raises InputError when it is no text."""
        if not isinstance(value, str):
            raise InputError(f"{self.name!r} takes one of {self.expected}, got {shown(value)}.")
        return value

    def allows(self, value: Any) -> bool:
        """Whether it is one of the options."""
        return value in self.options

    @property
    def expected(self) -> str:
        """What it allows, in words."""
        return _listed(self.options)


@dataclass(frozen=True, kw_only=True)
class Several:
    """Any of several names, also none.

    Attributes:
        name: Name of the parameter.
        label: The name for a reader.
        help: What it does; "" for nothing.
        options: What can be chosen.
        value: What is chosen, in the order of the options.
    """

    kind: ClassVar[str] = "several"
    name: str
    label: str
    help: str = ""
    options: tuple[str, ...]
    value: tuple[str, ...]

    def checked(self, value: Any) -> tuple[str, ...]:
        """Return the names, each once, in the order of the options. Raises InputError when it is no list of text."""
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in cast("list[Any]", value)):
            raise InputError(f"{self.name!r} takes a list of any of {self.expected}, got {shown(value)}.")
        given = dict.fromkeys(cast("list[str]", value))
        order = {option: place for place, option in enumerate(self.options)}
        return tuple(sorted(given, key=lambda one: order.get(one, len(order))))

    def allows(self, value: Any) -> bool:
        """Whether all are options."""
        return set(value) <= set(self.options)

    @property
    def expected(self) -> str:
        """What it allows, in words."""
        return _listed(self.options)


@dataclass(frozen=True, kw_only=True)
class Toggle:
    """On or off.

    Attributes:
        name: Name of the parameter.
        label: The name for a reader.
        help: What it does; "" for nothing.
        value: What it is set to.
    """

    kind: ClassVar[str] = "toggle"
    name: str
    label: str
    help: str = ""
    value: bool

    def checked(self, value: Any) -> bool:
        """Return the value. Raises InputError when it is neither true nor false."""
        switch = plain_value(value)
        if not isinstance(switch, bool):
            raise InputError(f"{self.name!r} takes true or false, got {shown(value)}.")
        return switch

    def allows(self, value: Any) -> bool:
        """Both are allowed."""
        return isinstance(value, bool)

    @property
    def expected(self) -> str:
        """What it allows, in words."""
        return "true or false"


@dataclass(frozen=True, kw_only=True)
class Pad:
    """A small picture that a reader draws.

    Attributes:
        name: Name of the parameter.
        label: The name for a reader.
        help: What it does; "" for nothing.
        rows: Pixels from top to bottom.
        columns: Pixels from left to right.
        value: A hexadecimal digit a pixel, row by row, from 0 (nothing) to f (full ink); "" for an empty pad.
    """

    kind: ClassVar[str] = "sketch"
    name: str
    label: str
    help: str = ""
    rows: int
    columns: int
    value: str

    def checked(self, value: Any) -> str:
        """Return the text in lower case, "" when nothing is drawn. Raises InputError when it is no picture."""
        if not isinstance(value, str) or not _SKETCHED.fullmatch(value) or len(value) not in (0, self._pixels):
            raise InputError(f"{self.name!r} takes {self.expected}, got {shown(value)}.")
        return value.lower() if value.strip("0") else ""

    def allows(self, value: Any) -> bool:
        """Whether a checked value fills the pad, or is empty."""
        return len(value) in (0, self._pixels)

    @property
    def expected(self) -> str:
        """What it allows, in words."""
        return f"{self._pixels} hexadecimal digits, one a pixel of {self.rows} x {self.columns}, or no text"

    @property
    def _pixels(self) -> int:
        return self.rows * self.columns


_SKETCHED = re.compile("[0-9a-fA-F]*")
Control = Slider | Select | Several | Toggle | Pad
_KINDS: dict[str, type[Any]] = {one.kind: one for one in (Slider, Select, Several, Toggle, Pad)}


def control_as_dict(control: Control) -> dict[str, Any]:
    """Return plain JSON-ready values; `control_from_dict` reads them back."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(control).items()}
    return {"kind": control.kind, **plain}


def control_from_dict(plain: Mapping[str, Any]) -> Control:
    """Build a control from what `control_as_dict` returned.

    Raises:
        FormatError: There is no such kind of control.
        TypeError: A field is missing or unknown.
    """
    kind = plain["kind"]
    if kind not in _KINDS:
        raise FormatError(f"This frame has a control {kind!r}, expected one of: {', '.join(_KINDS)}.")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    return _KINDS[kind](**{name: value for name, value in values.items() if name != "kind"})


def unknown_name(name: Any, names: tuple[str, ...], what: str) -> InputError:
    """Return the error for a parameter that there is not."""
    near = did_you_mean(name[:80], names) if isinstance(name, str) else ""
    known = f"It has: {', '.join(names)}." if names else "It has none."
    return InputError(" ".join(one for one in (f"{what} has no parameter {shown(name)}.", near, known) if one))


def is_finite(value: Any) -> bool:
    """Whether a value is a number, neither a truth value nor NaN, infinite or too large for a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number too large for a float
        return False


def _listed(options: tuple[str, ...]) -> str:
    shown = ", ".join(repr(one) for one in options[:12])
    return f"{shown} and {len(options) - 12} more" if len(options) > 12 else shown or "nothing"


def shown(value: Any) -> str:
    """Return a value for an error, cut when it is long."""
    text = repr(value)
    return f"{text[:60]}…" if len(text) > 60 else text
