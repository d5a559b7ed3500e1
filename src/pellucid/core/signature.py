"""The signature of a function, read as the controls of a view."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pellucid.core.controls import shown
from pellucid.core.errors import InputError
from pellucid.core.knobs import Choice, ChoiceKnob, Knob, PadKnob, Range, RangeKnob, SeveralKnob, Sketch, ToggleKnob

_OF_CONTROLS = re.compile(r"\b(?:Literal|Annotated|Range|Choice|Sketch|bool)\b")


def knobs_of(function: Callable[..., Any], help_of: Mapping[str, str]) -> tuple[tuple[Knob, ...], tuple[str, ...]]:
    """Read a signature.

    Args:
        function: Any; what stands around it (`functools.wraps`) is looked through.
        help_of: Help of the controls, by name.

    Returns:
        The knobs, and the names of the parameters that are no controls and have no usual value.

    Raises:
        InputError: An annotation that says something impossible, or that cannot be read.
    """
    knobs: list[Knob] = []
    needs: list[str] = []
    view = name_of(function)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise InputError(f"The parameters of the view {view!r} are not known ({error}). Write it with `def`.") from None
    for parameter in parameters:
        name = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise InputError(f"{name!r} of the view {view!r} cannot be given by name. Make it a plain parameter.")
        usual = None if parameter.default is parameter.empty else parameter.default
        hint = _hint(innermost(function), parameter, view)
        knob = _knob(hint, {"name": name, "help": help_of.get(name, ""), "usual": usual})
        if knob is not None:
            knobs.append(knob)
        elif parameter.default is parameter.empty:
            needs.append(name)
    return tuple(knobs), tuple(needs)


def name_of(function: Any) -> str:
    """Return what a function is called; an object that can be called has the name of its class."""
    plain = without_partial(function)
    return str(getattr(plain, "__name__", type(plain).__name__))


def without_partial(function: Any) -> Any:
    """Return the function inside `functools.partial`."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def innermost(function: Any) -> Any:
    """Return the function that was written, whatever stands around it; its module knows the names of annotations."""
    plain = inspect.unwrap(without_partial(function))
    # The method of a class that makes objects to be called.
    return plain if hasattr(plain, "__globals__") else vars(type(plain)).get("__call__", plain)


def _hint(function: Any, parameter: inspect.Parameter, view: str) -> Any:
    """Return the annotation of a parameter; None for a name that only a type checker knows and that is no control."""
    if parameter.annotation is parameter.empty:
        return None
    alone = SimpleNamespace(__annotations__={"it": parameter.annotation})
    try:
        hint = get_type_hints(alone, globalns=getattr(function, "__globals__", {}), include_extras=True)["it"]
    except Exception as error:
        if not _may_be_a_control(parameter):
            return None
        raise InputError(
            f"The annotation {shown(parameter.annotation)} of {parameter.name!r} of the view {view!r} cannot be read: "
            f"{type(error).__name__}: {error}. A control is known by its annotation: import or define what it names "
            "at the top of the file, not below `if TYPE_CHECKING:` or inside a function."
        ) from error
    # `type Kind = Literal["a", "b"]`
    return hint.__value__ if type(hint).__name__ == "TypeAliasType" else hint


def _may_be_a_control(parameter: inspect.Parameter) -> bool:
    if isinstance(
        parameter.default, bool | int | float | str | tuple | list
    ):  # a usual value that a reader could change
        return True
    return bool(_OF_CONTROLS.search(str(parameter.annotation)))


def _knob(hint: Any, about: dict[str, Any]) -> Knob | None:
    kind, extras = hint, ()
    if get_origin(hint) is Annotated:
        kind, *extras = get_args(hint)
    extra: Any = next((one for one in extras if isinstance(one, Range | Choice | Sketch)), None)
    if isinstance(hint, Range | Choice | Sketch) or any(
        one in (Range, Choice, Sketch) for one in (hint, *extras) if isinstance(one, type)
    ):
        raise InputError(f"{about['name']!r} is annotated with {shown(hint)}. Write Annotated[float, Range(0, 1)].")
    if isinstance(extra, Range):
        return _range_knob(kind, extra, about)
    if isinstance(extra, Sketch):
        if kind is not str:
            raise InputError(f"{about['name']!r} has a Sketch, which takes str, but it is annotated with {kind!r}.")
        knob = PadKnob(**about, sketch=extra)
        knob.control({})
        return knob
    if extra is None and kind is bool:
        knob = ToggleKnob(**about)
        knob.control({})
        return knob
    return _names_knob(kind, extra, about)


def _names_knob(kind: Any, extra: Choice | None, about: dict[str, Any]) -> Knob | None:
    several = get_origin(kind) is tuple and len(get_args(kind)) == 2 and get_args(kind)[1] is ...
    names = get_args(kind)[0] if several else kind
    if extra is None:
        if get_origin(names) is not Literal:
            return None
        extra = Choice(_names(names, about["name"]))
    if get_origin(names) is not Literal and names is not str:
        raise InputError(f"{about['name']!r} has a Choice, which takes text, but it is annotated with {kind!r}.")
    depends = callable(extra.options)
    knob = (SeveralKnob if several else ChoiceKnob)(**about, choice=extra, depends=depends)
    if not depends:  # what cannot be is told when the view is made
        known = replace(knob, choice=replace(extra, default=None), usual=None) if callable(extra.default) else knob
        known.control({})
    return knob


def _range_knob(kind: Any, extra: Range, about: dict[str, Any]) -> Knob:
    if kind not in (int, float):
        raise InputError(f"{about['name']!r} has a Range, which takes int or float, but it is annotated with {kind!r}.")
    depends = callable(extra.low) or callable(extra.high)
    knob = RangeKnob(**about, range=extra, whole=kind is int, depends=depends)
    if not depends:
        later = {name: None for name in ("default", "stops") if callable(getattr(extra, name))}
        known = replace(knob, range=replace(extra, **later)) if later else knob
        (replace(known, usual=None) if "default" in later else known).control({})
    return knob


def _names(literal: Any, name: str) -> tuple[str, ...]:
    options = get_args(literal)
    if not all(isinstance(one, str) for one in options):
        raise InputError(f"{name!r} is a choice of {options}, expected text only.")
    return options
