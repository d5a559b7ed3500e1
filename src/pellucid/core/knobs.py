"""Knobs: what an annotation of a parameter says about its control, before the other controls are known."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pellucid.core.controls import Control, Pad, Select, Several, Slider, Toggle, is_finite, shown
from pellucid.core.errors import InputError, PellucidError
from pellucid.core.figure.settled import plain_value

Chosen = Mapping[str, Any]
Number = int | float
_FINE = 200  # steps of a slider whose step is not given, at least
_LEVELS = 15  # of ink, above none: one hexadecimal digit
_LARGEST_SKETCH = 64  # rows or columns: the address of a page holds every pixel
_LARGEST_WHOLE = 2**53  # beyond it a browser cannot tell whole numbers apart


@dataclass(frozen=True)
class Range:
    """A number between two others, for `Annotated[float, Range(0, 1)]`.

    Args:
        low: Lowest value; or a function of the parameters before this one, by name.
        high: Highest value; likewise.
        step: Distance between values; None for 1 of whole numbers and for something fine of others.
        log: Equal distances of the slider multiply the value; both ends must be above 0.
        unit: Unit of the value.
        default: Its usual value, likewise; None for that of the signature.
        picks: A click on the plane of the picture sets it to the coordinate "x" or "y".
        stops: The only values that there are, rising; or a function of the parameters before this one.
    """

    low: Number | Callable[[Chosen], Number]
    high: Number | Callable[[Chosen], Number]
    step: Number | None = None
    log: bool = False
    unit: str = ""
    default: Number | Callable[[Chosen], Number] | None = None
    picks: Literal["x", "y"] | None = None
    stops: Sequence[Number] | Callable[[Chosen], Sequence[Number]] | None = None


@dataclass(frozen=True)
class Choice:
    """One of several names, for `Annotated[str, Choice(...)]`; any of them for `Annotated[tuple[str, ...], ...]`.

    Args:
        options: The names; or a function of the parameters before this one, by name.
        default: The usual one, likewise; None for that of the signature, or the first.
    """

    options: Sequence[str] | Callable[[Chosen], Sequence[str]]
    default: str | tuple[str, ...] | Callable[[Chosen], Any] | None = None


@dataclass(frozen=True)
class Sketch:
    """A small picture that a reader draws, for `Annotated[str, Sketch(16, 16)] = ""`.

    The function gets a text: "" where nothing is drawn, else a hexadecimal digit a pixel, row by row.

    Args:
        rows: Pixels from top to bottom, 1 to 64.
        columns: Pixels from left to right, 1 to 64.

    Example:
        >>> Sketch(1, 3).values("0f3").tolist()
        [[0.0, 1.0, 0.2]]
        >>> Sketch(1, 3).text([[0, 1, 0.2]])
        '0f3'
    """

    rows: int
    columns: int

    def values(self, text: str) -> NDArray[np.float32]:
        """Return the ink that a text stands for, 0 (nothing) to 1, [row, column].

        Raises:
            InputError: The text is no such picture.
        """
        levels = [int(one, 16) for one in _pad_of(self).checked(text)] or [0] * (self.rows * self.columns)
        return np.array(levels, np.float32).reshape(self.rows, self.columns) / np.float32(_LEVELS)

    def text(self, values: Any) -> str:
        """Return the text of a picture of this size, [row, column], to the nearest of 16 levels.

        Raises:
            InputError: It has another shape, or values that are not between 0 and 1.
        """
        ink = np.asarray(values, np.float64)
        if ink.shape != (self.rows, self.columns) or not ((ink >= 0) & (ink <= 1)).all():
            low, high = (float(ink.min()), float(ink.max())) if ink.size else (math.nan, math.nan)
            size = f"{self.rows} x {self.columns} values from 0 to 1"
            raise InputError(f"This sketch takes {size}, got shape {ink.shape} with values from {low:g} to {high:g}.")
        return "".join(f"{round(one * _LEVELS):x}" for one in ink.reshape(-1).tolist())


@runtime_checkable
class Knob(Protocol):
    """A control to be, for one parameter."""

    @property
    def name(self) -> str:
        """Name of the parameter."""
        ...

    def control(self, chosen: Chosen) -> Control:
        """Return the control, set to its usual value, beside the parameters before it."""
        ...

    def set(self, control: Control, value: Any, *, strict: bool) -> Control:
        """Return the control, set to a value.

        Raises:
            InputError: The value is of the wrong type; or `strict`, and it is never possible.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class _Knob:
    name: str
    help: str = ""
    usual: Any = None
    depends: bool = False

    def set(self, control: Control, value: Any, *, strict: bool) -> Control:
        checked = control.checked(value)
        if isinstance(control, Slider) and control.stops is not None:
            checked = nearest(cast("float", checked), control.stops)
        if control.allows(checked):
            return replace(cast("Any", control), value=checked)
        if strict and not self.depends:
            raise InputError(f"{self.name!r} takes {control.expected}, got {str(checked)[:60]!r}.")
        return control

    @property
    def words(self) -> dict[str, str]:
        label = self.name.replace("_", " ").strip() or self.name
        return {"name": self.name, "label": label[:1].upper() + label[1:], "help": self.help}

    def resolved(self, value: Any, chosen: Chosen) -> Any:
        """Return a value, or what its function returns for the parameters before this one."""
        if not callable(value):
            return value
        try:
            return value(dict(chosen))
        except PellucidError:
            raise
        except Exception as error:
            words = f"could not be worked out from {', '.join(chosen) or 'nothing'}: {type(error).__name__}: {error}"
            raise InputError(f"What {self.name!r} can be {words}.") from error

    def settled_usual(self, default: Any, chosen: Chosen) -> Any:
        """Return the usual value, None where none was given: that of the knob before that of the signature."""
        return self.usual if default is None else self.resolved(default, chosen)

    def refuse_usual(self, value: Any, expected: str) -> InputError:
        """Return the error for a usual value that cannot be."""
        return InputError(f"{self.name!r} has the usual value {shown(value)}, expected {expected}.")


@dataclass(frozen=True, kw_only=True)
class RangeKnob(_Knob):
    """A slider to be."""

    range: Range
    whole: bool

    def control(self, chosen: Chosen) -> Slider:
        """Return the slider beside the parameters before it."""
        low = self._number("low", self.range.low, chosen)
        high = self._number("high", self.range.high, chosen)
        self._check(low, high)
        step, stops = self._step(low, high), self._stops(low, high, chosen)
        value = self._value(low, high, chosen)
        shape: Callable[[float], float] = round if self.whole else float
        return Slider(
            **self.words,
            min=shape(low),
            max=shape(high),
            step=shape(step),
            log=self.range.log,
            unit=self.range.unit,
            value=shape(value) if stops is None else nearest(value, stops),
            picks=self.range.picks,
            stops=stops,
            whole=self.whole,
        )

    def _number(self, what: str, value: Any, chosen: Chosen) -> float:
        number = plain_value(self.resolved(value, chosen))
        if not is_finite(number):
            raise InputError(f"The range of {self.name!r} has {what}={shown(number)}, expected a finite number.")
        if self.whole and (int(number) != number or abs(number) > _LARGEST_WHOLE):
            words = "expected a whole number, as it is annotated with int, and at most 2**53"
            raise InputError(f"The range of {self.name!r} has {what}={shown(number)}, {words}.")
        return float(number)

    def _check(self, low: float, high: float) -> None:
        given: Any = self.range
        ends = f"{self.name!r} has the range {low:g} to {high:g}"
        if low > high or (given.log and low <= 0):
            above = ", both above 0" if given.log else ""
            raise InputError(f"{ends}, expected the lower end first{above}.")
        if not math.isfinite(high - low):
            raise InputError(f"{ends}, expected ends that differ by a finite number.")
        if not isinstance(given.unit, str) or not isinstance(given.log, bool) or given.picks not in (None, "x", "y"):
            words = f"unit={shown(given.unit)}, log={shown(given.log)} and picks={shown(given.picks)}"
            expected = "expected text, then True or False, then None, 'x' or 'y'"
            raise InputError(f"The range of {self.name!r} has {words}, {expected}.")

    def _step(self, low: float, high: float) -> float:
        if self.range.step is None:
            return 1.0 if self.whole else _fine_step(low, high, log=self.range.log)
        step = self._number("step", self.range.step, {})
        if step <= 0 or not math.isfinite((high - low) / step):
            words = f"expected a number above 0 that is a step from {low:g} to {high:g}"
            raise InputError(f"The range of {self.name!r} has step={shown(self.range.step)}, {words}.")
        return step

    def _stops(self, low: float, high: float, chosen: Chosen) -> tuple[float, ...] | None:
        found = self.resolved(self.range.stops, chosen)
        if found is None:
            return None
        stops = tuple(self._number("a stop of", one, chosen) for one in _members(found, f"The stops of {self.name!r}"))
        if not stops or any(one >= other for one, other in pairwise(stops)) or stops[0] < low or stops[-1] > high:
            words = f"expected one or more, rising, none twice, from {low:g} to {high:g}"
            raise InputError(f"The range of {self.name!r} has stops={shown(stops)}, {words}.")
        return tuple(round(one) for one in stops) if self.whole else stops

    def _value(self, low: float, high: float, chosen: Chosen) -> float:
        usual = self.settled_usual(self.range.default, chosen)
        if usual is None:
            return low
        value = self._number("default", usual, chosen)
        if not low <= value <= high and not self.depends and not callable(self.range.default):
            raise self.refuse_usual(usual, f"one in its range of {low:g} to {high:g}")
        return min(max(value, low), high)


@dataclass(frozen=True, kw_only=True)
class _NamesKnob(_Knob):
    choice: Choice

    def options(self, chosen: Chosen) -> tuple[str, ...]:
        """Return the names that there are."""
        given = self.resolved(self.choice.options, chosen)
        options: tuple[Any, ...] = _members(given, f"The options of {self.name!r}")
        if not options:
            raise InputError(f"There is nothing to choose for {self.name!r}.")
        for place, one in enumerate(options):
            if not isinstance(one, str) or not _writable(one):
                raise InputError(f"{self.name!r} has the option {shown(one)}, expected text that can be written.")
            if one in options[:place]:
                raise InputError(f"{self.name!r} has the option {shown(one)} twice, expected each once.")
        return tuple(str(one) for one in options)

    def usual_names(self, usual: Sequence[Any], options: tuple[str, ...]) -> tuple[str, ...]:
        """Return the usual names that there are; one that never can be is refused."""
        fixed = not self.depends and not callable(self.choice.default)
        for one in usual:
            if not isinstance(one, str) or (fixed and one not in options):
                names = ", ".join(repr(option) for option in options[:12])
                raise self.refuse_usual(one, f"one of its options, {names}" if fixed else "text")
        return tuple(one for one in options if one in usual)


@dataclass(frozen=True, kw_only=True)
class ChoiceKnob(_NamesKnob):
    """A list to choose one from, to be."""

    def control(self, chosen: Chosen) -> Select:
        """Return the list beside the parameters before it."""
        options = self.options(chosen)
        usual = self.settled_usual(self.choice.default, chosen)
        names = self.usual_names([] if usual is None else [usual], options)
        return Select(**self.words, options=options, value=(names or options)[0])


@dataclass(frozen=True, kw_only=True)
class SeveralKnob(_NamesKnob):
    """A list to choose any from, to be."""

    def control(self, chosen: Chosen) -> Several:
        """Return the list beside the parameters before it."""
        options = self.options(chosen)
        usual = self.settled_usual(self.choice.default, chosen)
        if usual is None:
            return Several(**self.words, options=options, value=options[:1])
        if not isinstance(usual, tuple | list):
            raise self.refuse_usual(usual, "a tuple of names")
        return Several(**self.words, options=options, value=self.usual_names(cast("Sequence[Any]", usual), options))


@dataclass(frozen=True, kw_only=True)
class ToggleKnob(_Knob):
    """A switch to be."""

    def control(self, chosen: Chosen) -> Toggle:
        """Return the switch."""
        del chosen
        usual = False if self.usual is None else plain_value(self.usual)
        if not isinstance(usual, bool):
            raise self.refuse_usual(usual, "True or False")
        return Toggle(**self.words, value=usual)


@dataclass(frozen=True, kw_only=True)
class PadKnob(_Knob):
    """A pad to draw on, to be."""

    sketch: Sketch

    def control(self, chosen: Chosen) -> Pad:
        """Return the pad."""
        del chosen
        empty = replace(_pad_of(self.sketch), **self.words)
        usual = "" if self.usual is None else self.usual
        try:
            return replace(empty, value=empty.checked(usual))
        except InputError:
            raise self.refuse_usual(usual, empty.expected) from None


def _pad_of(sketch: Sketch) -> Pad:
    """Return an empty pad; what can be none is refused."""
    for side in (sketch.rows, sketch.columns):
        if type(side) is not int or not 1 <= side <= _LARGEST_SKETCH:
            words = f"{shown(sketch.rows)} rows and {shown(sketch.columns)} columns"
            raise InputError(f"A sketch has {words}, expected whole numbers from 1 to {_LARGEST_SKETCH}.")
    return Pad(name="sketch", label="Sketch", rows=sketch.rows, columns=sketch.columns, value="")


def nearest(value: float, stops: Sequence[float]) -> float:
    """Return the stop nearest to a value."""
    return min(stops, key=lambda stop: abs(stop - value))


def _members(given: Any, what: str) -> tuple[Any, ...]:
    try:
        if not isinstance(given, str | bytes):
            return tuple(given)
    except TypeError:
        pass
    raise InputError(f"{what} are {shown(given)}, expected a tuple or a list.")


def _writable(text: str) -> bool:
    """Whether a page can say the text: half a pair of surrogates cannot be written."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fine_step(low: float, high: float, *, log: bool) -> float:
    """Return 1, 2 or 5 times a power of ten: a 200th of the range or less; of a log one a hundredth of its low end."""
    width = low / 100 if log else (high - low) / _FINE
    if width < 1e-300:  # nothing, or so little that its power of ten is 0
        return 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return next(one * power for one in (5, 2, 1) if one * power <= width * (1 + 1e-9))
