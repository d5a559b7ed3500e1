"""Labels of events: placed so that no label covers another or is crossed by the line of another."""

from dataclasses import dataclass, replace

from pellucid.core.figure.marks import Event, Panel
from pellucid.core.figure.scales import Span, project
from pellucid.core.figure.static.sheet import SMALL, Box, Sheet, broken, clip, width_of
from pellucid.core.finding import Level
from pellucid.core.theme import LEVEL_SYMBOLS

LANE = 10.5
MOST_LANES = 7
_SIDE = 96.0
_SLACK = 1.04  # the reader's letters may be a little wider than ours


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

    A label stands right of its line; near the right side of the frame, left of it. A label through which the line
    of another event would pass moves above that event's label, where its line no longer reaches. What
    finds no room in `MOST_LANES` rows loses its words, and the number of those is shown.
    """
    events = [mark for mark in panel.marks if isinstance(mark, Event) and mark.axis == "x"]
    placed = list[Label]()
    for event in sorted(events, key=lambda one: -one.at):
        place = float((project(panel.x, event.at) - span[0]) / (span[1] - span[0])) * width
        if -1e-6 <= place <= width + 1e-6:
            placed.append(_beside_its_line(event, place, width, placed))
    return _in_lanes(placed)


def _beside_its_line(event: Event, place: float, width: float, right: list[Label]) -> Label:
    """Put the label right of its line, or left of it where it would leave the frame.

    Where it and a label that stands left of a later line would each cross the other's line, it is cut.
    """
    symbol = "" if event.level is Level.OK else LEVEL_SYMBOLS[event.level] + " "
    words = clip(symbol + event.text, SMALL, max(0.6 * width, 40))
    length = width_of(words, SMALL) * _SLACK
    if place + 3 + length > width:
        return Label(words=words, place=place, start=max(place - 3 - length, 0.0), lane=0, level=event.level)
    ends = [one.place for one in right if one.start - 2 <= place < one.place and one.place <= place + 5 + length]
    if ends:
        words = clip(words, SMALL, (min(ends) - place - 8) / _SLACK)
    return Label(words=words, place=place, start=place + 3, lane=0, level=event.level)


def _in_lanes(labels: list[Label]) -> list[Label]:
    """Give each label the lowest lane in which it meets no other and no line passes through it or the others."""
    # A label left of its line goes above those to its left, the others above those to their right.
    turned = [label for label in reversed(labels) if label.start < label.place]
    placed = list[Label]()
    for label in [*turned, *(label for label in labels if label.start >= label.place)]:
        lane = next((lane for lane in range(MOST_LANES) if _is_free(label, lane, placed)), -1)
        placed.append(replace(label, lane=lane))
    return placed


def _is_free(label: Label, lane: int, placed: list[Label]) -> bool:
    # The line of a label reaches from the frame up to its own lane.
    for other in placed:
        apart = _end(label) + 5 <= other.start or _end(other) + 5 <= label.start
        if other.lane == lane and not apart:
            return False
        if other.lane >= lane and _covers(label, other.place):
            return False
        if 0 <= other.lane <= lane and _covers(other, label.place):
            return False
    return True


def _covers(label: Label, place: float) -> bool:
    return label.start - 2 <= place <= _end(label) + 2


def _end(label: Label) -> float:
    return label.start + width_of(label.words, SMALL) * _SLACK


def lanes(labels: list[Label]) -> int:
    """Return how many rows the labels take, with one for the number of those that found no room."""
    return max((label.lane for label in labels), default=-1) + 1 + any(label.lane < 0 for label in labels)


def draw_events(sheet: Sheet, labels: list[Label], box: Box) -> None:
    """Draw the lines over the frame and the labels above it."""
    for label in labels:
        colour = sheet.theme.muted if label.level is Level.OK else sheet.theme.level(label.level)
        left = box.left + label.place
        top = box.top - 2 - max(label.lane, 0) * LANE - (8 if label.lane >= 0 else 0)
        sheet.line((left, top), (left, box.top + box.height), colour, linewidth=0.8, linestyle=(0, (3, 2)))
        if label.lane >= 0:
            base, turned = box.top - 3.5 - label.lane * LANE, 3 <= label.start < label.place
            place = label.place - 3 if turned else label.start
            align = "right" if turned else "left"
            sheet.text(box.left + place, base, label.words, SMALL, colour=colour, align=align)
    hidden = sum(label.lane < 0 for label in labels)
    if hidden:
        words = f"+{hidden} without a label"
        top = box.top - 3.5 - (lanes(labels) - 1) * LANE
        sheet.text(box.left + box.width, top, words, SMALL, colour=sheet.theme.muted, align="right")


def side_of(panel: Panel, width: float) -> float:
    """Return the room at the right of a frame for the names of its limit lines, points."""
    events = [mark for mark in panel.marks if isinstance(mark, Event) and mark.axis == "y" and mark.text]
    if not events or width < 260:
        return 0.0
    return min(max(width_of(_words(one), SMALL) for one in events) * _SLACK + 6, _SIDE, 0.25 * width)


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
