"""The layout of a figure on a sheet: title, verdict, key, panels in a grid, caveat."""

from dataclasses import dataclass, replace

from pellucid.core.figure.marks import Bars, Cloud, Figure, Heat, Lines, Mark, Panel
from pellucid.core.figure.static.blocks import block_height, draw_block
from pellucid.core.figure.static.events import LANE, Label, draw_events, draw_limits, labels_of, lanes, side_of
from pellucid.core.figure.static.frame import Rulers, axis_words, draw_frame, height_of, rulers_of
from pellucid.core.figure.static.key import ROW, Entry, draw_key, entries_of, rows_of, shared_entries
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

MARGIN, ACROSS, DOWN = 20.0, 22.0, 20.0
_WIDTHS = {1: 540.0, 2: 700.0, 3: 780.0, 4: 860.0}
_HEIGHTS = {1: 230.0, 2: 160.0, 3: 112.0}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one panel is laid out; lengths in points.

    Attributes:
        panel: The panel.
        title: Lines of the title.
        note: Lines of the note.
        key: Entries that are not shared by the whole figure.
        rulers: Ticks of the frame; None without a frame.
        frame: Height of the frame.
        side: Room at the right of the frame.
        labels: Labels of events.
        blocks: Further marks with their heights.
        x_title: Title below the frame.
        y_title: Title above the frame.
    """

    panel: Panel
    title: list[str]
    note: list[str]
    key: list[Entry]
    rulers: Rulers | None
    frame: float
    side: float
    labels: list[Label]
    blocks: list[tuple[Mark, float]]
    x_title: str
    y_title: str

    def head(self, width: float) -> float:
        """Height of what stands above the frame."""
        text = 13.0 * len(self.title) + 11.0 * len(self.note) + ROW * len(rows_of(self.key, width))
        return text + 5 + LANE * lanes(self.labels) + (12 if self.y_title else 0)

    @property
    def body(self) -> float:
        """Height of the frame, its axis and the further marks."""
        axis = self.rulers.below + (12 if self.x_title else 0) if self.rulers else 0.0
        return (self.frame + axis if self.rulers else 0.0) + sum(height + 8 for _, height in self.blocks)


def drawn(figure: Figure, theme: Theme, *, clear: bool) -> Sheet:
    """Draw a figure on a sheet of its own.

    Args:
        figure: What to draw.
        theme: Its colours.
        clear: Leave the ground clear instead of filling it with paper.

    Returns:
        The sheet, which holds a figure of matplotlib without a canvas.
    """
    across = max(1, min(figure.columns, len(figure.panels)))
    page = _WIDTHS.get(across, min(860.0 + 150 * (across - 4), 1600.0)) + 2 * MARGIN
    room = page - 2 * MARGIN
    width = (room - ACROSS * (across - 1)) / across
    common = shared_entries(figure.panels)
    plans = _plans(figure, across, width, common)
    rows = [plans[start : start + across] for start in range(0, len(plans), across)]
    heights = [max(one.head(width) for one in row) + max(one.body for one in row) + DOWN for row in rows]
    head, foot = _head_height(figure, room, common), _foot_lines(figure, room)
    height = head + sum(heights) + 11 * len(foot) + (6 if foot else 0) + MARGIN - (DOWN - 4 if foot else DOWN)
    sheet = Sheet(page, height, theme, clear=clear)
    _head(sheet, figure, room, common)
    top = head
    for row, extent in zip(rows, heights, strict=True):
        _row(sheet, row, top, width)
        top += extent
    for place, line in enumerate(reversed(foot)):
        sheet.text(MARGIN, height - MARGIN + 4 - 11 * place, line, LABEL, colour=theme.muted)
    return sheet


def _head_height(figure: Figure, room: float, common: list[Entry]) -> float:
    titles = broken(figure.title, TITLE, room)
    verdict = broken(f"{LEVEL_SYMBOLS[figure.level]} {figure.verdict}", VERDICT, room) if figure.verdict else []
    return MARGIN + 19 * len(titles) + 14 * len(verdict) + ROW * len(rows_of(common, room)) + (6 if common else 0) + 12


def _head(sheet: Sheet, figure: Figure, room: float, common: list[Entry]) -> None:
    top = MARGIN + 11
    for line in broken(figure.title, TITLE, room):
        sheet.text(MARGIN, top, line, TITLE)
        top += 19
    if figure.verdict:
        for line in broken(f"{LEVEL_SYMBOLS[figure.level]} {figure.verdict}", VERDICT, room):
            sheet.text(MARGIN, top - 1, line, VERDICT, colour=sheet.theme.level(figure.level))
            top += 14
    draw_key(sheet, common, MARGIN, top - 4, room)


def _foot_lines(figure: Figure, room: float) -> list[str]:
    return broken(figure.caveat, LABEL, room) if figure.caveat else []


def _plans(figure: Figure, across: int, width: float, common: list[Entry]) -> list[Plan]:
    """Plan every panel; frames in one column begin on one line."""
    usual = _HEIGHTS.get(across, 100.0)
    rulers = list[Rulers | None]()
    for panel in figure.panels:
        framed = any(_is_framed(mark) for mark in panel.marks)
        side = side_of(panel, width) if framed else 0.0
        height = height_of(panel, width - side - 30, usual)
        rulers.append(rulers_of(panel, width - side, height) if framed else None)
    lefts = [max((one.left for one in rulers[column::across] if one), default=0.0) for column in range(across)]
    aligned = [one and replace(one, left=lefts[place % across]) for place, one in enumerate(rulers)]
    return [_plan(figure, place, width, (one, common)) for place, one in enumerate(aligned)]


def _plan(figure: Figure, place: int, width: float, given: tuple[Rulers | None, list[Entry]]) -> Plan:
    panel = figure.panels[place]
    rulers, common = given
    across = max(1, min(figure.columns, len(figure.panels)))
    usual = _HEIGHTS.get(across, 100.0)
    framed = rulers is not None
    side = side_of(panel, width) if framed else 0.0
    frame = height_of(panel, width - side - 30, usual) if framed else 0.0
    key = [entry for entry in entries_of(panel) if entry not in common]
    loud = panel.level in (Level.LOOK, Level.WARN, Level.ALARM)
    title = f"{LEVEL_SYMBOLS[panel.level]} {panel.title}" if loud and panel.title else panel.title
    last = place + across >= len(figure.panels)
    same_x = len({(one.x.label, one.x.unit) for one in figure.panels}) == 1
    same_y = len({(one.y.label, one.y.unit) for one in figure.panels}) == 1
    return Plan(
        panel=panel,
        title=[clip(title, PANEL, width)] if title else [],
        note=broken(panel.note, LABEL, width),
        key=key,
        rulers=rulers,
        frame=frame,
        side=side,
        labels=labels_of(panel, rulers.frame.x, width - side - rulers.left)
        if rulers and not rulers.frame.empty
        else [],
        blocks=[(mark, block_height(mark, width, usual)) for mark in panel.marks if _is_block(mark)],
        x_title=axis_words(panel.x) if framed and (last or not same_x) else "",
        y_title=axis_words(panel.y) if framed and (place % across == 0 or not same_y) else "",
    )


def _is_framed(mark: Mark) -> bool:
    return isinstance(mark, Bars | Lines | Heat) or (isinstance(mark, Cloud) and not _is_block(mark))


def _is_block(mark: Mark) -> bool:
    if isinstance(mark, Cloud):
        return mark.points.ndim != 2 or mark.points.shape[1] != 2
    return type(mark).__name__ in ("Tiles", "Tokens", "Table", "Surface")


def _row(sheet: Sheet, row: list[Plan], top: float, width: float) -> None:
    head = max(plan.head(width) for plan in row)
    for place, plan in enumerate(row):
        box = Box(MARGIN + place * (width + ACROSS), top, width, head + plan.body)
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
    inner = Box(outer.left + rulers.left, outer.top, outer.width - rulers.left - plan.side, outer.height)
    if plan.y_title:
        base = outer.top - 5 - LANE * lanes(plan.labels)
        sheet.text(outer.left, base, clip(plan.y_title, SMALL, outer.width), SMALL, colour=muted)
    draw_frame(sheet, plan.panel, inner, rulers)
    draw_events(sheet, plan.labels, inner)
    if not rulers.frame.empty:
        draw_limits(sheet, plan.panel, inner, rulers.frame.y, plan.side)
    if plan.x_title:
        base = outer.top + outer.height + rulers.below + 9
        words = clip(plan.x_title, SMALL, outer.width)
        sheet.text(inner.left + inner.width / 2, base, words, SMALL, colour=muted, align="center")
