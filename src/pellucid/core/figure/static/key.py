"""The key of a panel: names of colours and meanings of shades, laid out in rows above the frame."""

from dataclasses import dataclass, replace

import numpy as np

from pellucid.core.figure.marks import Array, Bars, Cloud, Heat, Lines, Panel, Parallel, Surface, Tiles, Tokens, Tone
from pellucid.core.figure.static.sheet import SMALL, Box, Sheet, clip, width_of
from pellucid.core.figure.words import number, plain
from pellucid.core.theme import DIVERGING, GROUPS, PLACES, SEQUENTIAL, colour_limits, group_of, paint, veil

ROW = 12.0
_SWATCH, _GAP, _RAMP = 10.0, 12.0, 56.0
_LEAST_RAMP = 16.0
# The part of the rise in lightness that stands out from the paper by 3 : 1; "page" lies on either.
_LINE_PART = {"light": (0.0, 0.64), "dark": (0.42, 1.0), "page": (0.42, 0.64)}
_SLACK = 1.04  # the reader's letters may be a little wider than ours


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry: the name of a colour, or the meaning of a range of colours.

    Attributes:
        label: Its words.
        form: box, line, dot or ramp, or words alone.
        tone: Role of the colour.
        colour: A fixed colour instead of a role; "" for the role.
        style: Form of a line.
        ends: Values at the two ends of a ramp.
        signed: The ramp diverges from 0.
        tint: The ramp is that of shaded text, from clear to full.
        lines: The ramp is that of lines, which must stand out from the paper.
        over: The ramp is that of a veil over a picture, clear where the value is small.
    """

    label: str
    form: str
    tone: Tone = "accent"
    colour: str = ""
    style: str = "solid"
    ends: tuple[float, float] = (0.0, 1.0)
    signed: bool = False
    tint: bool = False
    lines: bool = False
    over: bool = False


def entries_of(panel: Panel) -> list[Entry]:
    """Return the entries that the marks of a panel need, without doubles."""
    found = list[Entry]()
    for mark in panel.marks:
        if isinstance(mark, Heat) and mark.under is not None and mark.opacity == 0:
            continue  # a picture alone has no colours to explain
        if isinstance(mark, Bars) and mark.label:
            found.append(Entry(label=mark.label, form="box", tone=mark.tone))
        elif isinstance(mark, Lines) and mark.label:
            form = "box" if mark.fill else "line"
            found.append(Entry(label=mark.label, form=form, tone=mark.tone, style=mark.style))
        elif isinstance(mark, Cloud) and mark.names:
            pairs = zip(mark.names[: 2 * len(GROUPS)], GROUPS * 2, strict=False)
            found += [Entry(label=name, form="dot", colour=colour) for name, colour in pairs]
        elif isinstance(mark, Heat | Surface):
            values, signed = (mark.values, mark.signed) if isinstance(mark, Heat) else (mark.z, False)
            ends = colour_limits(values, signed=signed)
            over = isinstance(mark, Heat) and mark.under is not None
            found.append(Entry(label=mark.label, form="ramp", ends=ends, signed=signed, over=over))
            found += _paths(mark) if isinstance(mark, Surface) else []
        elif isinstance(mark, Parallel) and mark.value is not None:
            found.append(Entry(label=mark.label, form="ramp", ends=colour_limits(mark.value, signed=False), lines=True))
        elif isinstance(mark, Tiles) and np.ndim(mark.images) == 3 and mark.shared_scale:
            ends = colour_limits(mark.images, signed=mark.signed)
            found.append(Entry(label=mark.label, form="ramp", ends=ends, signed=mark.signed))
        elif isinstance(mark, Tokens) and len(mark.text):
            ends = colour_limits(mark.values, signed=mark.signed)
            found.append(Entry(label=mark.label, form="ramp", ends=ends, signed=mark.signed, tint=True))
    return list(dict.fromkeys(found))


def _paths(mark: Surface) -> list[Entry]:
    names = mark.names[: len(mark.paths)]
    return [
        Entry(label=name, form="line", tone=PLACES[place])
        if place < len(PLACES)
        else Entry(label=name, form="line", colour=group_of(place))
        for place, name in enumerate(names)
    ]


def path_colours(sheet: Sheet, count: int) -> list[str]:
    """Return the colours of the paths on a surface, those that the key names."""
    return [sheet.tone(PLACES[place]) if place < len(PLACES) else group_of(place) for place in range(count)]


def line_colours(sheet: Sheet, values: Array) -> list[str]:
    """Return the colours of lines that stand for values: of the rise in lightness, those that are seen on the paper."""
    low, high = colour_limits(values, signed=False)
    start, end = _LINE_PART[sheet.theme.name]
    shares = (np.asarray(values, dtype=np.float64) / 2 - low / 2) / (high / 2 - low / 2)
    pixels = paint(start + shares * (end - start), signed=False, limits=(0.0, 1.0))
    return ["#{:02x}{:02x}{:02x}".format(*one) for one in pixels[:, :3]]


def shared_entries(panels: tuple[Panel, ...]) -> list[Entry]:
    """Return the entries that stand once above all panels: names of colours that two or more panels share."""
    every = [[entry for entry in entries_of(panel) if entry.form != "ramp"] for panel in panels]
    if len([entries for entries in every if entries]) < 2:
        return []
    merged = list(dict.fromkeys(entry for entries in every for entry in entries))
    meanings = {(entry.tone, entry.colour, entry.form, entry.style) for entry in merged}
    return merged if len(meanings) == len(merged) and len(merged) <= 12 else []


def rows_of(entries: list[Entry], room: float) -> list[list[Entry]]:
    """Lay entries in rows of at most `room` points."""
    rows, used = list[list[Entry]](), 0.0
    for entry in (part for one in entries for part in _parts(one, room)):
        needed = _width(entry, room) + _GAP
        if rows and used + needed <= room + _GAP:
            rows[-1].append(entry)
            used += needed
        else:
            rows.append([entry])
            used = needed
    return rows


def _parts(entry: Entry, room: float) -> list[Entry]:
    """Return the words of a ramp by themselves where both do not fit beside each other."""
    if entry.form != "ramp" or not entry.label or _ramp_width(entry) <= room:
        return [entry]
    return [Entry(label=entry.label, form="words"), replace(entry, label="")]


def _ends(entry: Entry) -> tuple[str, str]:
    return number(entry.ends[0]), number(entry.ends[1])


def _width(entry: Entry, room: float) -> float:
    if entry.form == "ramp":
        return min(_ramp_width(entry), room)
    swatch = 0.0 if entry.form == "words" else _SWATCH + 4
    return min(swatch + _SLACK * width_of(plain(entry.label), SMALL), room)


def _ramp_width(entry: Entry) -> float:
    sides = sum(width_of(one, SMALL) for one in _ends(entry)) + 8
    label = width_of(plain(entry.label), SMALL) + 8 if entry.label else 0
    return _SLACK * (label + sides) + _RAMP


def draw_key(sheet: Sheet, entries: list[Entry], left: float, top: float, room: float) -> None:
    """Draw the entries in rows from `top` downwards."""
    for place, row in enumerate(rows_of(entries, room)):
        across = left
        for entry in row:
            width = _width(entry, room)
            base = top + place * ROW + 8.5
            if entry.form == "ramp":
                _draw_ramp(sheet, entry, across, base, width)
            elif entry.form == "words":
                sheet.text(across, base, clip(entry.label, SMALL, room), SMALL, colour=sheet.theme.muted)
            else:
                _draw_swatch(sheet, entry, across, base)
                words = clip(entry.label, SMALL, max(room - _SWATCH - 4, 1))
                sheet.text(across + _SWATCH + 4, base, words, SMALL, colour=sheet.theme.muted)
            across += width + _GAP


def _draw_swatch(sheet: Sheet, entry: Entry, left: float, base: float) -> None:
    colour = entry.colour or sheet.tone(entry.tone)
    if entry.form == "box":
        sheet.box(Box(left + 1, base - 6.5, 8, 7), colour)
    elif entry.form == "line":
        style = {"solid": "-", "dashed": (0, (3, 2)), "dotted": (0, (1, 1.5))}[entry.style]
        sheet.line((left, base - 2.8), (left + _SWATCH, base - 2.8), colour, linewidth=1.8, linestyle=style)
    else:
        sheet.line((left + 5, base - 2.8), (left + 5, base - 2.8), colour, marker="o", markersize=4.5, linewidth=0)


def _draw_ramp(sheet: Sheet, entry: Entry, left: float, base: float, width: float) -> None:
    muted = sheet.theme.muted
    low, high = _ends(entry)
    sides = _SLACK * (width_of(low, SMALL) + width_of(high, SMALL) + 8)
    ramp = _RAMP if entry.label else float(np.clip(width - sides, _LEAST_RAMP, _RAMP))
    if entry.label:
        sheet.text(left, base, entry.label, SMALL, colour=muted)
        left += _SLACK * (width_of(plain(entry.label), SMALL) + 8)
    sheet.text(left, base, low, SMALL, colour=muted)
    left += _SLACK * width_of(low, SMALL) + 4
    band = Box(left, base - 6.2, ramp, 6.8)
    if entry.tint:
        _draw_tints(sheet, band, signed=entry.signed)
    elif entry.over:
        steps = np.linspace(-1 if entry.signed else 0, 1, 64)
        sheet.picture(band, veil(steps, signed=entry.signed)[None])
    else:
        low_end, high_end = _LINE_PART[sheet.theme.name] if entry.lines else (0.0, 1.0)
        whole = DIVERGING if entry.signed else SEQUENTIAL
        colours = whole[round(255 * low_end) : round(255 * high_end) + 1 : 4]
        pixels = np.concatenate([colours, np.full((len(colours), 1), 255, dtype=np.uint8)], axis=1)
        sheet.picture(band, pixels[None])
    sheet.text(left + ramp + 4, base, high, SMALL, colour=muted)


def _draw_tints(sheet: Sheet, band: Box, *, signed: bool) -> None:
    steps = 14
    for step in range(steps):
        share = (step + 0.5) / steps
        value = 2 * share - 1 if signed else share
        place = Box(band.left + step * band.width / steps, band.top, band.width / steps, band.height)
        sheet.box(place, tint_colour(sheet, value, signed=signed), alpha=tint(value))


def tint(share: float) -> float:
    """Return the opacity behind shaded text: never so strong that the ink is hard to read."""
    return 0.05 + 0.45 * min(abs(share), 1.0)


def tint_colour(sheet: Sheet, share: float, *, signed: bool) -> str:
    """Return the colour behind shaded text: red above 0 and blue below, or the accent for magnitudes."""
    return sheet.tone("alarm" if signed and share >= 0 else "accent")
