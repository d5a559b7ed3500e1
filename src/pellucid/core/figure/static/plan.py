"""The plan of a figure: how wide the sheet is, where its panels stand, and what each of them holds."""

from dataclasses import dataclass, replace

from pellucid.core.figure.grid import rows_of_panels
from pellucid.core.figure.marks import Bars, Cloud, Figure, Heat, Lines, Mark, Panel
from pellucid.core.figure.static.blocks import block_height
from pellucid.core.figure.static.events import LANE, Label, labels_of, lanes, side_of
from pellucid.core.figure.static.frame import Rulers, axis_words, height_of, rulers_of, square_of
from pellucid.core.figure.static.key import ROW, Entry, entries_of, rows_of, shared_entries
from pellucid.core.figure.static.sheet import LABEL, PANEL, broken
from pellucid.core.finding import Level
from pellucid.core.theme import LEVEL_SYMBOLS

ACROSS = 22.0
_LEAST_PANEL = 150.0  # where many stand in a row: names of methods and limits of colours must have room
_WIDTHS = {1: 540.0, 2: 700.0, 3: 780.0, 4: 860.0}
_HEIGHTS = {1: 230.0, 2: 160.0, 3: 112.0}
_NARROW = 260.0  # at 4/3 pixels a point, what a telephone shows beside the margins of a page


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The sheet and the rows of panels on it; lengths in points.

    Attributes:
        rows: Places of the panels of each row.
        wide: Places of the panels that have a row of their own.
        across: Panels a row.
        margin: Empty border of the sheet.
        room: Width of the sheet within it.
        usual: Height of a frame that does not say otherwise.
    """

    rows: list[list[int]]
    wide: frozenset[int]
    across: int
    margin: float
    room: float
    usual: float

    def width(self, place: int) -> float:
        """Width of a panel."""
        return self.room if place in self.wide else (self.room - ACROSS * (self.across - 1)) / self.across

    def height(self, place: int) -> float:
        """Usual height of the frame of a panel."""
        return max(self.usual, _HEIGHTS[1]) if place in self.wide and self.across > 1 else self.usual

    def column(self, place: int) -> tuple[bool, int]:
        """Which panels stand above and below this one: whether it is wide, and its place in the row."""
        (row,) = (one for one in self.rows if place in one)
        return place in self.wide, row.index(place)

    def is_lowest(self, place: int) -> bool:
        """Whether no further panel of its column stands below it."""
        last = max(place for row in self.rows for place in row)
        return not any(self.column(one) == self.column(place) for one in range(place + 1, last + 1))


def grid_of(figure: Figure, *, narrow: bool) -> Grid:
    """Lay out the panels of a figure.

    Args:
        figure: What to draw.
        narrow: One panel a row, on a sheet for a narrow page.

    Returns:
        The grid.
    """
    meant = max(1, min(figure.columns, len(figure.panels)))
    usual = _HEIGHTS.get(meant, 100.0)
    across = 1 if narrow else meant
    return Grid(
        rows=rows_of_panels(figure.panels, across),
        wide=frozenset(place for place, panel in enumerate(figure.panels) if panel.wide and not narrow),
        across=across,
        margin=10.0 if narrow else 20.0,
        room=_NARROW
        if narrow
        else _WIDTHS.get(across, max(min(860.0 + 150 * (across - 4), 1600.0), _LEAST_PANEL * across)),
        usual=min(usual, 0.55 * _NARROW) if narrow else usual,
    )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one panel is laid out; lengths in points.

    Attributes:
        panel: The panel.
        width: Its width.
        title: Lines of the title.
        note: Lines of the note.
        key: Entries that are not shared by the whole figure.
        rulers: Ticks of the frame; None without a frame.
        frame: Height of the frame.
        inner: Width of the frame.
        side: Room at the right of the frame.
        labels: Labels of events.
        blocks: Further marks with their heights.
        x_title: Title below the frame.
        y_title: Title above the frame.
    """

    panel: Panel
    width: float
    title: list[str]
    note: list[str]
    key: list[Entry]
    rulers: Rulers | None
    frame: float
    inner: float
    side: float
    labels: list[Label]
    blocks: list[tuple[Mark, float]]
    x_title: str
    y_title: str

    @property
    def head(self) -> float:
        """Height of what stands above the frame."""
        text = 13.0 * len(self.title) + 11.0 * len(self.note) + ROW * len(rows_of(self.key, self.width))
        return text + 5 + LANE * lanes(self.labels) + (12 if self.y_title else 0)

    @property
    def body(self) -> float:
        """Height of the frame, its axis and the further marks."""
        axis = self.rulers.below + (12 if self.x_title else 0) if self.rulers else 0.0
        return (self.frame + axis if self.rulers else 0.0) + sum(height + 8 for _, height in self.blocks)


def plans_of(figure: Figure, grid: Grid) -> list[Plan]:
    """Plan every panel; frames in one column begin on one line."""
    common = shared_entries(figure.panels)
    rulers = [_rulers(panel, grid, place) for place, panel in enumerate(figure.panels)]
    lefts: dict[tuple[bool, int], float] = {}
    for place, one in enumerate(rulers):
        if one is not None:
            column = grid.column(place)
            lefts[column] = max(lefts.get(column, 0.0), one.left)
    aligned = [one and replace(one, left=lefts[grid.column(place)]) for place, one in enumerate(rulers)]
    return [_plan(figure, grid, place, (one, common)) for place, one in enumerate(aligned)]


def _rulers(panel: Panel, grid: Grid, place: int) -> Rulers | None:
    if not any(_is_framed(mark) for mark in panel.marks):
        return None
    room = grid.width(place) - side_of(panel, grid.width(place))
    height = height_of(panel, room - 30, grid.height(place))
    square = square_of(panel)
    return rulers_of(panel, min(room, height / square + 30) if square else room, height)


def _plan(figure: Figure, grid: Grid, place: int, given: tuple[Rulers | None, list[Entry]]) -> Plan:
    panel, width, usual = figure.panels[place], grid.width(place), grid.height(place)
    rulers, common = given
    framed = rulers is not None
    side = side_of(panel, width) if framed else 0.0
    frame, inner = _frame(panel, width - side, rulers, usual) if rulers else (0.0, 0.0)
    key = [entry for entry in entries_of(panel) if entry not in common]
    loud = panel.level in (Level.LOOK, Level.WARN, Level.ALARM)
    title = f"{LEVEL_SYMBOLS[panel.level]} {panel.title}" if loud and panel.title else panel.title
    same_x = len({(one.x.label, one.x.unit) for one in figure.panels}) == 1
    same_y = len({(one.y.label, one.y.unit) for one in figure.panels}) == 1
    return Plan(
        panel=panel,
        width=width,
        title=broken(title, PANEL, width)[:2],
        note=broken(panel.note, LABEL, width),
        key=key,
        rulers=rulers,
        frame=frame,
        inner=inner,
        side=side,
        labels=labels_of(panel, rulers.frame.x, inner) if rulers and not rulers.frame.empty else [],
        blocks=[(mark, block_height(mark, width, usual)) for mark in panel.marks if _is_block(mark)],
        x_title=axis_words(panel.x) if framed and (grid.is_lowest(place) or not same_x) else "",
        y_title=axis_words(panel.y) if framed and (grid.column(place)[1] == 0 or not same_y) else "",
    )


def _frame(panel: Panel, room: float, rulers: Rulers, usual: float) -> tuple[float, float]:
    """Height and width of the frame; that of a picture is as wide as its pixels, as high as they are, need."""
    inner, square = room - rulers.left, square_of(panel)
    if not square:
        return height_of(panel, room - 30, usual), inner
    height = height_of(panel, inner, usual)
    return height, min(inner, height / square)


def _is_framed(mark: Mark) -> bool:
    return isinstance(mark, Bars | Lines | Heat) or (isinstance(mark, Cloud) and not _is_block(mark))


def _is_block(mark: Mark) -> bool:
    if isinstance(mark, Cloud):
        return mark.points.ndim != 2 or mark.points.shape[1] != 2
    return type(mark).__name__ in ("Tiles", "Tokens", "Table", "Surface", "Parallel")
