"""Words and numbers as a figure shows them: harmless, short, and as wide as they look."""

import math
import unicodedata

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def plain(text: str) -> str:
    """Return text without anything that could steer a terminal or break a file.

    Args:
        text: Any text, also names that a stranger chose.

    Returns:
        The text in one line: line breaks and tabs are spaces, other control and direction characters are "�".
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_harmless(one) for one in text)


def _harmless(one: str) -> str:
    if one in "\n\r\t\u2028\u2029\x85":
        return " "
    # Cc: controls. Cf: direction marks. Cs, Co, Cn: half pairs and characters that do not exist.
    return "\ufffd" if unicodedata.category(one)[0] == "C" and one != "\u200d" else one


def cells(text: str) -> int:
    """Return how many columns of a terminal the text takes: two for East Asian wide characters, none for accents."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(one) for one in text)


def _cells_of(one: str) -> int:
    if unicodedata.combining(one) or one in "\u200d\ufe0f\u200b":
        return 0
    return 2 if unicodedata.east_asian_width(one) in "WF" else 1


def fit(text: str, width: int) -> str:
    """Return the text cut to `width` columns, with "…" where something is missing."""
    text = plain(text)
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for one in text:
        used += _cells_of(one)
        if used > width - 1:
            break
        kept += one
    return (kept + "…") if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return the text cut or filled with spaces to exactly `width` columns; `right` puts it at the right."""
    text = fit(text, width)
    space = " " * (width - cells(text))
    return space + text if right else text + space


def wrap(text: str, width: int, *, indent: str = "") -> list[str]:
    """Break text into lines of at most `width` columns.

    Args:
        text: One paragraph.
        width: Columns a line, indent included.
        indent: Put before every line but the first.

    Returns:
        At least one line; a word longer than a line is broken.
    """
    lines, current = list[str](), ""
    for word in plain(text).split():
        if current.strip() and cells(current) + 1 + cells(word) > width:
            lines.append(current)
            current = indent
        current += (" " if current.strip() else "") + word
        while cells(current) > width:
            head = _head(current, width)
            lines.append(head)
            current = indent + current[len(head) :]
    return [*lines, current] if current.strip() or not lines else lines


def _head(text: str, width: int) -> str:
    """The longest beginning of at most `width` columns, at least one character beyond the indent."""
    used = 0
    for place, one in enumerate(text):
        used += _cells_of(one)
        if used > width:
            return text[: max(place, 1)]
    return text


def number(value: float) -> str:
    """Return a number in three figures, as a reader would write it: 0.041, 1,250, 3.2×10⁻⁷.

    Args:
        value: Any number.

    Returns:
        A few characters; a real minus sign.
    """
    if math.isnan(value):
        return "NaN"
    sign, size = ("−" if value < 0 else ""), abs(float(value))
    if math.isinf(size):
        return sign + "∞"
    if size == 0:
        return "0"
    if 1e-3 <= size < 1e5:
        return sign + _decimal(size)
    mantissa, exponent = f"{size:.1e}".split("e")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    return sign + (power if mantissa == "1.0" else f"{mantissa.removesuffix('.0')}×{power}")


def _decimal(size: float) -> str:
    if size >= 99.95:
        return f"{size:,.0f}"
    text = f"{size:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(count: int, one: str, many: str = "") -> str:
    """Return "1 layer" or "3 layers"; `many` for words whose plural is not an added s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def not_drawn(left: int, one: str, many: str = "") -> str:
    """Return "1 layer more is not drawn." or "3 layers more are not drawn."; "" where none is left: see `amount`."""
    return f"{amount(left, one, many)} more {'is' if left == 1 else 'are'} not drawn." if left > 0 else ""


def percent(share: float, digits: int = 0, *, signed: bool = False) -> str:
    """Return a share as a reader would write it: "9.4 %", with a space and a real minus sign.

    Args:
        share: 1 for all of it.
        digits: Figures after the point.
        signed: Whether what is above 0 gets a plus sign.

    Returns:
        A few characters; "NaN" where the share is not known.
    """
    if math.isnan(share):
        return "NaN"
    sign = "+" if signed else ""
    return f"{100 * share:{sign}.{digits}f} %".replace("-", "−")
