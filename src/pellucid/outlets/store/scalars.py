"""Scalars of a run as curves."""

from typing import Any

import numpy as np

from pellucid.outlets.store.index import Connection
from pellucid.outlets.store.state import LARGEST_STEP
from pellucid.windows.loss.result import Curve


def scalars_in(connection: Connection) -> tuple[dict[str, Curve], int]:
    """Read every scalar.

    Args:
        connection: An open index.

    Returns:
        Curves by name, whose steps rise, and how many rows were left out because no writer makes such. SQLite has
        no NaN and keeps it as NULL, which becomes NaN again.
    """
    curves: dict[str, Curve] = {}
    spoilt = 0
    for (name,) in connection.execute("SELECT DISTINCT name FROM scalars").fetchall():
        query = "SELECT step, value FROM scalars WHERE name = ? ORDER BY step"
        rows: list[tuple[Any, Any]] = connection.execute(query, (name,)).fetchall()
        sound = [row for row in rows if _is_sound(*row)] if isinstance(name, str) else []
        spoilt += len(rows) - len(sound)
        if sound:
            curves[name] = _curve(sound)
    return curves, spoilt


def _is_sound(step: Any, value: Any) -> bool:
    return type(step) is int and abs(step) <= LARGEST_STEP and (value is None or type(value) is float)


def _curve(rows: list[tuple[int, float | None]]) -> Curve:
    steps, values = zip(*rows, strict=True)
    return Curve(steps=np.array(steps, dtype=np.int64), values=np.array(values, dtype=np.float64))
