"""Knobs: what an annotation of a parameter says about its control, before the other controls are known."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Annotated, Any, Literal, Protocol, cast, get_args, get_origin, get_type_hints, runtime_checkable

from pellucid.core.controls import Control, Select, Several, Slider, Toggle
from pellucid.core.errors import InputError

Chosen = Mapping[str, Any]
Number = int | float
_FINE = 200  # steps of a slider whose step is not given, at least


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
        label = self.name.replace("_", " ").strip()
        return {"name": self.name, "label": label[:1].upper() + label[1:], "help": self.help}


@dataclass(frozen=True, kw_only=True)
class _RangeKnob(_Knob):
    range: Range
    whole: bool

    def control(self, chosen: Chosen) -> Slider:
        low, high = (float(_resolved(one, chosen)) for one in (self.range.low, self.range.high))
        if not (math.isfinite(low) and math.isfinite(high) and low <= high) or (self.range.log and low <= 0):
            above = " above 0" if self.range.log else ""
            raise InputError(f"{self.name!r} has the range {low:g} to {high:g}, expected two finite ends{above}.")
        step = self.range.step or (1.0 if self.whole else _fine_step(low, high, log=self.range.log))
        usual = _resolved(self.range.default, chosen) if self.range.default is not None else self.usual
        value = low if usual is None else min(max(float(usual), low), high)
        shape: Callable[[float], float] = round if self.whole else float
        stops = tuple(shape(one) for one in _resolved(self.range.stops, chosen) or ()) or None
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


@dataclass(frozen=True, kw_only=True)
class _ChoiceKnob(_Knob):
    choice: Choice

    def control(self, chosen: Chosen) -> Select:
        options = _options(self.name, self.choice, chosen)
        usual = _resolved(self.choice.default, chosen) if self.choice.default is not None else self.usual
        return Select(**self.words, options=options, value=usual if usual in options else options[0])


@dataclass(frozen=True, kw_only=True)
class _SeveralKnob(_Knob):
    choice: Choice

    def control(self, chosen: Chosen) -> Several:
        options = _options(self.name, self.choice, chosen)
        usual = _resolved(self.choice.default, chosen) if self.choice.default is not None else self.usual
        wanted = options[:1] if usual is None else tuple(usual)
        return Several(**self.words, options=options, value=tuple(one for one in options if one in wanted))


@dataclass(frozen=True, kw_only=True)
class _ToggleKnob(_Knob):
    def control(self, chosen: Chosen) -> Toggle:
        del chosen
        return Toggle(**self.words, value=bool(self.usual))


def knobs_of(function: Callable[..., Any], help_of: Mapping[str, str]) -> tuple[tuple[Knob, ...], tuple[str, ...]]:
    """Read a signature.

    Args:
        function: Any; what stands around it (`functools.wraps`) is looked through.
        help_of: Help of the controls, by name.

    Returns:
        The knobs, and the names of the parameters that are no controls and have no usual value.

    Raises:
        InputError: An annotation that says something impossible.
    """
    knobs: list[Knob] = []
    needs: list[str] = []
    plain = inspect.unwrap(function)
    for parameter in inspect.signature(plain).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise InputError(f"{parameter.name!r} of the view {function.__name__!r} cannot be given by name.")
        usual = None if parameter.default is parameter.empty else parameter.default
        name = parameter.name
        knob = _knob(_hint(plain, parameter), {"name": name, "help": help_of.get(name, ""), "usual": usual})
        if knob is not None:
            knobs.append(knob)
        elif parameter.default is parameter.empty:
            needs.append(name)
    return tuple(knobs), tuple(needs)


def _hint(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Return the annotation of a parameter; a name that is only known to a type checker is no control."""
    if parameter.annotation is parameter.empty:
        return None
    alone = SimpleNamespace(__annotations__={"it": parameter.annotation})
    try:
        return get_type_hints(alone, globalns=getattr(function, "__globals__", {}), include_extras=True)["it"]
    except NameError:
        return None


def _knob(hint: Any, about: dict[str, Any]) -> Knob | None:
    if hint is bool:
        return _ToggleKnob(**about)
    kind, extra = hint, None
    if get_origin(hint) is Annotated:
        kind, *extras = get_args(hint)
        extra = next((one for one in extras if isinstance(one, Range | Choice)), None)
    if isinstance(extra, Range):
        return _range_knob(kind, extra, about)
    several = get_origin(kind) is tuple and len(get_args(kind)) == 2 and get_args(kind)[1] is ...
    if extra is None:
        names = get_args(kind)[0] if several else kind
        if get_origin(names) is not Literal:
            return None
        extra = Choice(_names(names, about["name"]))
    depends = callable(extra.options)
    if several:
        return _SeveralKnob(**about, choice=extra, depends=depends)
    if get_origin(kind) is not Literal and kind is not str:
        raise InputError(f"{about['name']!r} has a Choice, which takes text, but it is annotated with {kind!r}.")
    return _ChoiceKnob(**about, choice=extra, depends=depends)


def _range_knob(kind: Any, extra: Range, about: dict[str, Any]) -> Knob:
    if kind not in (int, float):
        raise InputError(f"{about['name']!r} has a Range, which takes int or float, but it is annotated with {kind!r}.")
    depends = callable(extra.low) or callable(extra.high)
    return _RangeKnob(**about, range=extra, whole=kind is int, depends=depends)


def _names(literal: Any, name: str) -> tuple[str, ...]:
    options = get_args(literal)
    if not all(isinstance(one, str) for one in options):
        raise InputError(f"{name!r} is a choice of {options}, expected text only.")
    return options


def nearest(value: float, stops: Sequence[float]) -> float:
    """Return the stop nearest to a value."""
    return min(stops, key=lambda stop: abs(stop - value))


def _resolved(value: Any, chosen: Chosen) -> Any:
    return value(dict(chosen)) if callable(value) else value


def _options(name: str, choice: Choice, chosen: Chosen) -> tuple[str, ...]:
    options = tuple(str(one) for one in _resolved(choice.options, chosen))
    if not options:
        raise InputError(f"There is nothing to choose for {name!r}.")
    return options


def _fine_step(low: float, high: float, *, log: bool) -> float:
    """Return 1, 2 or 5 times a power of ten: a 200th of the range or less; of a log one a hundredth of its low end."""
    width = low / 100 if log else (high - low) / _FINE
    if width <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return next(one * power for one in (5, 2, 1) if one * power <= width * (1 + 1e-9))
