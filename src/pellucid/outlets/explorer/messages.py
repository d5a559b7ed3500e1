"""What a page may say to the server: one JSON object a message; anybody may have written it."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pellucid.core.errors import InputError

MOST_BYTES = 64_000  # of one message; the parameters of a view take a few hundred
MOST_RUNS = 64  # in one picture
_LONGEST_NAME = 300
_LONGEST_PART = 8_000
_LARGEST_ID = 2**31 - 1
_MOST_PARAMETERS = 100

Kind = Literal["view", "part", "value", "stop"]
_KINDS = ("view", "part", "value", "stop")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One message of a page.

    Attributes:
        id: Chosen by the page; the answer bears it. Asking again under the same id replaces what was asked before.
        kind: What is wanted: a picture ("view"), a piece of the page ("part"), an exact number ("value"), or no more
            of what this id asked for ("stop").
        view: Name of the view.
        runs: Keys of the runs that it shows.
        parameters: Settings of the view, not checked yet.
        follow: Whether to send the picture again when what it shows has changed.
        part: Name of the part.
        of: Id of the picture that holds the number.
        array: Place of the array in that picture.
        index: Place of the number in the array.
    """

    id: int
    kind: Kind
    view: str = ""
    runs: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    follow: bool = False
    part: str = ""
    of: int = 0
    array: int = 0
    index: tuple[int, ...] = ()


def read_ask(text: str) -> Ask:
    """Read one message.

    Args:
        text: As it came.

    Returns:
        What it asks for.

    Raises:
        InputError: It is not JSON, or not one of the messages that a page sends.
    """
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"This message is not JSON: {type(error).__name__}.") from None
    if not isinstance(said, dict):
        raise InputError(f"This message is a {type(said).__name__}, expected an object.")
    fields = cast("dict[str, Any]", said)
    kind: Any = fields.get("ask")
    if kind not in _KINDS:
        raise InputError(f"This message asks for {_shown(kind)}, expected one of: {', '.join(_KINDS)}.")
    read = {"view": _view, "part": _part, "value": _value, "stop": _nothing}[kind]
    return Ask(id=_whole(fields, "id", least=1), kind=kind, **read(fields))


def _view(fields: dict[str, Any]) -> dict[str, Any]:
    run = fields.get("run")
    runs: Any = fields.get("runs") or ([] if run is None else [run])
    parameters: Any = fields.get("parameters") or {}
    if not isinstance(runs, list) or len(cast("list[Any]", runs)) > MOST_RUNS:
        raise InputError(f"'runs' is {_shown(runs)}, expected a list of at most {MOST_RUNS} names.")
    if not isinstance(parameters, dict) or len(cast("dict[str, Any]", parameters)) > _MOST_PARAMETERS:
        raise InputError(f"'parameters' is {_shown(parameters)}, expected an object of at most {_MOST_PARAMETERS}.")
    names = tuple(_text({"run": one}, "run", _LONGEST_NAME) for one in cast("list[Any]", runs))
    return {
        "view": _text(fields, "view", _LONGEST_NAME),
        "runs": names,
        "parameters": parameters,
        "follow": fields.get("follow") is True,
    }


def _part(fields: dict[str, Any]) -> dict[str, Any]:
    return {"part": _text(fields, "part", _LONGEST_PART), "follow": True}


def _value(fields: dict[str, Any]) -> dict[str, Any]:
    index: Any = fields.get("index")
    if not isinstance(index, list) or len(cast("list[Any]", index)) > 8:
        raise InputError(f"'index' is {_shown(index)}, expected a list of at most 8 whole numbers.")
    places = tuple(_whole({"index": one}, "index") for one in cast("list[Any]", index))
    return {"of": _whole(fields, "of"), "array": _whole(fields, "array"), "index": places}


def _nothing(_: dict[str, Any]) -> dict[str, Any]:
    return {}


def _text(fields: dict[str, Any], name: str, longest: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise InputError(f"{name!r} is {_shown(value)}, expected a text of at most {longest} characters.")
    return value


def _whole(fields: dict[str, Any], name: str, *, least: int = 0) -> int:
    value = fields.get(name)
    if type(value) is not int or not least <= value <= _LARGEST_ID:
        raise InputError(f"{name!r} is {_shown(value)}, expected a whole number from {least} to {_LARGEST_ID}.")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text[:60]}…" if len(text) > 60 else text
