"""A whole figure with characters: title, verdict, panels, caveat."""

from pellucid.core.errors import InputError
from pellucid.core.figure.grid import rows_of_panels
from pellucid.core.figure.marks import (
    Bars,
    Cloud,
    Figure,
    Heat,
    Lines,
    Mark,
    Panel,
    Parallel,
    Surface,
    Table,
    Tiles,
    Tokens,
)
from pellucid.core.figure.text.blocks import (
    MOST_ROWS,
    beside,
    cloud_text,
    heat_text,
    surface_text,
    table_text,
    tiles_text,
    tokens_text,
)
from pellucid.core.figure.text.frame import NOTHING, frame_text
from pellucid.core.figure.text.parallel import parallel_text
from pellucid.core.figure.words import cells, fit, wrap
from pellucid.core.finding import Level
from pellucid.core.theme import LEVEL_SYMBOLS

NARROWEST = 20
_PANEL = 36  # a panel narrower than this says too little to stand beside another


def figure_text(figure: Figure, width: int = 80) -> str:
    """Draw a figure with characters.

    Args:
        figure: What to draw.
        width: Columns of the terminal, at least 20.

    Returns:
        Lines without colour, none wider than `width` and none with spaces at its end.

    Raises:
        InputError: The width is below 20.
    """
    if width < NARROWEST:
        raise InputError(f"Width {width} is too narrow for a figure; give at least {NARROWEST} columns.")
    lines = wrap(figure.title, width)
    lines.append("═" * max(cells(line) for line in lines))
    if figure.verdict:
        lines += wrap(f"{LEVEL_SYMBOLS[figure.level]} {figure.verdict}", width, indent="  ")
    across = max(1, min(figure.columns, (width + 3) // (_PANEL + 3), len(figure.panels)))
    room = (width - 3 * (across - 1)) // across
    for row in rows_of_panels(figure.panels, across):
        panels = [figure.panels[place] for place in row]
        own = width if panels[0].wide else room
        blocks = [panel_text(panel, own, small=own < width) for panel in panels]
        lines += ["", *beside(_aligned(blocks), own, gap=3)]
    if not figure.panels:
        lines += ["", NOTHING]
    if figure.caveat:
        lines += ["", *wrap(f"Caveat: {figure.caveat}", width, indent="  ")]
    return "\n".join(line.rstrip() for line in lines)


def _aligned(blocks: list[list[list[str]]]) -> list[list[str]]:
    """Give the heads of neighbouring panels one height, so that their frames stand on one line."""
    tallest = max(len(head) for head, _ in blocks)
    return [[*head, *[""] * (tallest - len(head)), *body] for head, body in blocks]


def panel_text(panel: Panel, width: int, *, small: bool) -> list[list[str]]:
    """Return the head (title, note) and the body of a panel as lines."""
    head = list[str]()
    if panel.title:
        calm = panel.level in (Level.OK, Level.NOT_MEASURED)
        head += [fit(panel.title if calm else f"{LEVEL_SYMBOLS[panel.level]} {panel.title}", width)]
    if panel.note:
        head += wrap(panel.note, width)
    body = list[str]()
    heats = [mark for mark in panel.marks if isinstance(mark, Heat)]
    framed = any(_is_framed(mark) for mark in panel.marks)
    if heats:
        for mark in heats:
            body += heat_text(mark, panel, width, most_rows=16 if small else MOST_ROWS)
    elif framed:
        ridges = sum(isinstance(mark, Lines) and mark.fill for mark in panel.marks)
        body += frame_text(panel, width, min(max(6 if small else 10, 2 * ridges), 24))
    for mark in panel.marks:
        body += _block(mark, panel, width, small=small)
    return [head, [fit(line, width) for line in body or [NOTHING]]]


def _block(mark: Mark, panel: Panel, width: int, *, small: bool) -> list[str]:
    """Draw a mark without the axes of the panel; nothing for the others."""
    if isinstance(mark, Tiles):
        return tiles_text(mark, width)
    if isinstance(mark, Surface):
        return surface_text(mark, panel, width)
    if isinstance(mark, Parallel):
        return parallel_text(mark, width, height=10 if small else 16)
    if isinstance(mark, Cloud) and not _is_framed(mark):
        return cloud_text(mark, panel, width, height=12 if small else 20)
    if isinstance(mark, Tokens):
        return tokens_text(mark, width)
    return table_text(mark, width) if isinstance(mark, Table) else []


def _is_framed(mark: object) -> bool:
    if isinstance(mark, Cloud):
        return mark.points.ndim == 2 and mark.points.shape[1] == 2
    return isinstance(mark, Bars | Lines)
