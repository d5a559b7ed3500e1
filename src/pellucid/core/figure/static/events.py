"""Labels of events: placed so that no label covers another or is crossed by the line of another."""

from dataclasses import dataclass

from pellucid.core.figure.marks import Event, Panel
from pellucid.core.figure.scales import Span, project
from pellucid.core.figure.static.sheet import SMALL, Box, Sheet, broken, clip, width_of
from pellucid.core.theme import LEVEL_SYMBOLS, Level

LANE = 10.5
MOST_LANES = 6
_SIDE = 96.0


@dataclass(frozen=True, kw_only=True)
class Label:
    """A placed label of an event on the x axis.

    Attributes:
        words: Its text, cut to fit.
        place: Distance of the line from the left side of the frame, points.
        start: Distance of the text from the left side of the frame, points.
        lane: Row above the frame, 0 the lowest; -1 when there was no room for the text.
        level: Level of the event.
    """

    words: str
    place: float
    start: float
    lane: int
    level: Level


def labels_of(panel: Panel, span: Span, width: float) -> list[Label]:
    """Place the labels of the events on the x axis of a frame `width` points wide.

    From right to left each label takes the lowest lane in which it meets no label to its right. So the line
    of an event, which ends at its own lane, passes only lanes whose labels begin to the right of it.
    """
    placed = list[Label]()
    events = [mark for mark in panel.marks if isinstance(mark, Event) and mark.axis == "x"]
    for event in sorted(events, key=lambda one: -one.at):
        place = float((project(panel.x, event.at) - span[0]) / (span[1] - span[0])) * width
        if not -1e-6 <= place <= width + 1e-6:
            continue
        symbol = "" if event.level is Level.OK else LEVEL_SYMBOLS[event.level] + " "
        words = clip(symbol + event.text, SMALL, max(0.6 * width, 40))
        length = width_of(words, SMALL) * 1.04
        start = place + 3 if place + 3 + length <= width else place - 3 - length
        start = max(start, 0.0)
        reach = (min(start, place), max(start + length, place) + 6)
        meets = [
            one.lane for one in placed if one.lane >= 0 and _reach(one)[0] < reach[1] and reach[0] < _reach(one)[1]
        ]
        lane = max(meets, default=-1) + 1
        placed.append(
            Label(words=words, place=place, start=start, lane=lane if lane < MOST_LANES else -1, level=event.level)
        )
    return placed


def _reach(label: Label) -> tuple[float, float]:
    end = label.start + width_of(label.words, SMALL) * 1.04
    return min(label.start, label.place), max(end, label.place) + 6


def lanes(labels: list[Label]) -> int:
    """Return how many rows the labels take."""
    return max((label.lane for label in labels), default=-1) + 1


def draw_events(sheet: Sheet, labels: list[Label], box: Box) -> None:
    """Draw the lines over the frame and the labels above it."""
    for label in labels:
        colour = sheet.theme.muted if label.level is Level.OK else sheet.theme.level(label.level)
        left = box.left + label.place
        top = box.top - 2 - max(label.lane, 0) * LANE - (8 if label.lane >= 0 else 0)
        sheet.line((left, top), (left, box.top + box.height), colour, linewidth=0.8, linestyle=(0, (3, 2)))
        if label.lane >= 0:
            sheet.text(box.left + label.start, box.top - 3.5 - label.lane * LANE, label.words, SMALL, colour=colour)
    hidden = sum(label.lane < 0 for label in labels)
    if hidden:
        words = f"+{hidden} without a label"
        sheet.text(box.left + box.width, box.top + 8, words, SMALL, colour=sheet.theme.muted, align="right")


def side_of(panel: Panel, width: float) -> float:
    """Return the room at the right of a frame for the names of its limit lines, points."""
    events = [mark for mark in panel.marks if isinstance(mark, Event) and mark.axis == "y" and mark.text]
    if not events or width < 260:
        return 0.0
    return min(max(width_of(_words(one), SMALL) for one in events) * 1.04 + 6, _SIDE)


def _words(event: Event) -> str:
    return (event.text if event.level is Level.OK else f"{LEVEL_SYMBOLS[event.level]} {event.text}").strip()


def draw_limits(sheet: Sheet, panel: Panel, box: Box, span: Span, side: float) -> None:
    """Draw the events on the y axis: a line across, its name at its right end, beside the frame where there is room."""
    lowest = -1e9
    events = [mark for mark in panel.marks if isinstance(mark, Event) and mark.axis == "y"]
    placed = [(float((project(panel.y, one.at) - span[0]) / (span[1] - span[0])), one) for one in events]
    for share, event in sorted((one for one in placed if -1e-6 <= one[0] <= 1 + 1e-6), key=lambda one: -one[0]):
        colour = sheet.theme.muted if event.level is Level.OK else sheet.theme.level(event.level)
        height = box.top + box.height * (1 - share)
        sheet.line((box.left, height), (box.left + box.width, height), colour, linewidth=0.8, linestyle=(0, (3, 2)))
        if side:
            lines = broken(_words(event), SMALL, side - 6)[:3]
            base = max(height + 2.7 - (len(lines) - 1) * 4.5, lowest + 9)
            for place, line in enumerate(lines):
                sheet.text(box.left + box.width + 5, base + place * 9, line, SMALL, colour=colour)
            lowest = base + (len(lines) - 1) * 9
        else:
            base = max(height - 2.5, lowest + 9)
            words = clip(_words(event), SMALL, box.width)
            sheet.text(box.left + box.width, base, words, SMALL, colour=colour, align="right")
            lowest = base
