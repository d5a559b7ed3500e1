"""Where the panels of a figure stand: rows of several, and wide panels in rows of their own."""

from collections.abc import Sequence

from pellucid.core.figure.marks import Panel


def rows_of_panels(panels: Sequence[Panel], across: int) -> list[list[int]]:
    """Lay panels in rows, in reading order.

    Args:
        panels: The panels of a figure.
        across: Panels a row, 1 or more.

    Returns:
        The places of the panels of each row; a wide panel has a row of its own.
    """
    rows: list[list[int]] = []
    for place, panel in enumerate(panels):
        joins = rows and not panel.wide and not panels[rows[-1][0]].wide and len(rows[-1]) < across
        if joins:
            rows[-1].append(place)
        else:
            rows.append([place])
    return rows
