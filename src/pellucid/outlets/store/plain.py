"""Facts about a run as JSON: whatever a script calls a hyper-parameter becomes a plain value."""

import json
from collections.abc import Mapping
from typing import Any, cast

import numpy as np


def to_json(value: Any) -> str:
    """Return a value as JSON; NaN and infinities are kept.

    Args:
        value: Plain values, arrays, and mappings and sequences of these. Anything else (a path, a date, a
            class) is kept as its text.

    Returns:
        JSON text.
    """
    return json.dumps(_plain(value))


def spelt(text: str) -> str:
    """Return a text that can be stored: half a character, which UTF-8 has no bytes for, is spelt out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return spelt(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {spelt(str(key)): _plain(one) for key, one in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in cast("tuple[Any, ...]", value)]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return spelt(str(value))
