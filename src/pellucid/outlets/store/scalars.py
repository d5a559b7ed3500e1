"""Scalars of a run as curves."""

import numpy as np

from pellucid.outlets.store.index import Connection
from pellucid.windows.loss.result import Curve


def scalars_in(connection: Connection) -> dict[str, Curve]:
    """Read every scalar.

    Args:
        connection: An open index.

    Returns:
        Curves by name; steps rise. SQLite has no NaN and keeps it as NULL, which becomes NaN again.
    """
    names = [name for (name,) in connection.execute("SELECT DISTINCT name FROM scalars")]
    return {name: _curve(connection, name) for name in names}


def _curve(connection: Connection, name: str) -> Curve:
    rows = connection.execute("SELECT step, value FROM scalars WHERE name = ? ORDER BY step", (name,)).fetchall()
    steps, values = zip(*rows, strict=True)
    return Curve(steps=np.array(steps, dtype=np.int64), values=np.array(values, dtype=np.float64))
