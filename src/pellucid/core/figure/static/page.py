"""A figure on a sheet: title, verdict, key, panels in a grid, caveat."""

from pellucid.core.figure.marks import Figure
from pellucid.core.figure.static.blocks import draw_block
from pellucid.core.figure.static.events import LANE, draw_events, draw_limits, lanes
from pellucid.core.figure.static.frame import Rulers, draw_frame
from pellucid.core.figure.static.key import ROW, Entry, draw_key, rows_of, shared_entries
from pellucid.core.figure.static.plan import ACROSS, Grid, Plan, grid_of, plans_of
from pellucid.core.figure.static.sheet import (
    LABEL,
    PANEL,
    SMALL,
    TITLE,
    VERDICT,
    Box,
    Sheet,
    broken,
    clip,
)
from pellucid.core.finding import Level
from pellucid.core.theme import LEVEL_SYMBOLS, Theme

DOWN = 20.0


def drawn(figure: Figure, theme: Theme, *, clear: bool, narrow: bool = False) -> Sheet:
    """Draw a figure on a sheet of its own.

    Args:
        figure: What to draw.
        theme: Its colours.
        clear: Leave the ground clear instead of filling it with paper.
        narrow: Put the panels one below the other on a narrow sheet.

    Returns:
        The sheet, which holds a figure of matplotlib without a canvas.
    """
    grid, common = grid_of(figure, narrow=narrow), shared_entries(figure.panels)
    plans = plans_of(figure, grid)
    rows = [[plans[place] for place in row] for row in grid.rows]
    heights = [max(one.head for one in row) + max(one.body for one in row) + DOWN for row in rows]
    head, foot = _head_height(figure, grid, common), _foot_lines(figure, grid.room)
    below = 11 * len(foot) + (6 if foot else 0) + grid.margin - (DOWN - 4 if foot else DOWN)
    height = head + sum(heights) + below
    sheet = Sheet(grid.room + 2 * grid.margin, height, theme, clear=clear)
    _head(sheet, figure, grid, common)
    top = head
    for row, extent in zip(rows, heights, strict=True):
        _row(sheet, row, top, grid.margin)
        top += extent
    for place, line in enumerate(reversed(foot)):
        sheet.text(grid.margin, height - grid.margin + 4 - 11 * place, line, LABEL, colour=theme.muted)
    return sheet


def _head_height(figure: Figure, grid: Grid, common: list[Entry]) -> float:
    titles, verdict = broken(figure.title, TITLE, grid.room), _verdict(figure, grid.room)
    key = ROW * len(rows_of(common, grid.room)) + (6 if common else 0)
    return grid.margin + 19 * len(titles) + 14 * len(verdict) + key + 12


def _verdict(figure: Figure, room: float) -> list[str]:
    return broken(f"{LEVEL_SYMBOLS[figure.level]} {figure.verdict}", VERDICT, room) if figure.verdict else []


def _head(sheet: Sheet, figure: Figure, grid: Grid, common: list[Entry]) -> None:
    top = grid.margin + 11
    for line in broken(figure.title, TITLE, grid.room):
        sheet.text(grid.margin, top, line, TITLE)
        top += 19
    for line in _verdict(figure, grid.room):
        sheet.text(grid.margin, top - 1, line, VERDICT, colour=sheet.theme.level(figure.level))
        top += 14
    draw_key(sheet, common, grid.margin, top - 4, grid.room)


def _foot_lines(figure: Figure, room: float) -> list[str]:
    return broken(figure.caveat, LABEL, room) if figure.caveat else []


def _row(sheet: Sheet, row: list[Plan], top: float, margin: float) -> None:
    head = max(plan.head for plan in row)
    for place, plan in enumerate(row):
        box = Box(margin + place * (plan.width + ACROSS), top, plan.width, head + plan.body)
        _panel(sheet, plan, box, head)


def _panel(sheet: Sheet, plan: Plan, box: Box, head: float) -> None:
    top, theme = box.top, sheet.theme
    colour = theme.level(plan.panel.level) if plan.panel.level in (Level.WARN, Level.ALARM) else theme.ink
    for line in plan.title:
        sheet.text(box.left, top + 9.5, line, PANEL, colour=colour)
        top += 13
    for line in plan.note:
        sheet.text(box.left, top + 8.5, line, LABEL, colour=theme.muted)
        top += 11
    draw_key(sheet, plan.key, box.left, top + 1, box.width)
    top = box.top + head
    if plan.rulers is not None:
        _framed(sheet, plan, Box(box.left, top, box.width, plan.frame), plan.rulers)
        top += plan.frame + plan.rulers.below + (12 if plan.x_title else 0) + 8
    for mark, height in plan.blocks:
        draw_block(sheet, mark, plan.panel, Box(box.left, top, box.width, height))
        top += height + 8


def _framed(sheet: Sheet, plan: Plan, outer: Box, rulers: Rulers) -> None:
    muted = sheet.theme.muted
    inner = Box(outer.left + rulers.left, outer.top, plan.inner, outer.height)
    if plan.y_title:
        base = outer.top - 7.5 - LANE * lanes(plan.labels)
        sheet.text(outer.left, base, clip(plan.y_title, SMALL, outer.width), SMALL, colour=muted)
    draw_frame(sheet, plan.panel, inner, rulers)
    draw_events(sheet, plan.labels, inner)
    if not rulers.frame.empty:
        draw_limits(sheet, plan.panel, inner, rulers.frame.y, plan.side)
    if plan.x_title:
        base = outer.top + outer.height + rulers.below + 9
        words = clip(plan.x_title, SMALL, outer.width)
        sheet.text(inner.left + inner.width / 2, base, words, SMALL, colour=muted, align="center")
