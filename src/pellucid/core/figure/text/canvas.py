"""A grid of characters, and a finer grid of braille dots over it."""

import numpy as np
from jaxtyping import Float64

from pellucid.core.figure.marks import Array

EIGHTHS = " ▁▂▃▄▅▆▇█"
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


class Canvas:
    """Characters in rows and columns; places are shares of the frame, 0 at the left and at the bottom."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rows = [[" "] * width for _ in range(height)]
        self.dots = np.zeros((4 * height, 2 * width), dtype=bool)

    def column(self, share: float) -> int | None:
        """Return the column of a place, None when it is outside."""
        return min(int(share * self.width), self.width - 1) if 0 <= share <= 1 else None

    def row(self, share: float) -> int | None:
        """Return the row of a place, counted from the top, None when it is outside."""
        return self.height - 1 - min(int(share * self.height), self.height - 1) if 0 <= share <= 1 else None

    def put(self, row: int, column: int, character: str) -> None:
        """Write one character where there is room."""
        if 0 <= row < self.height and 0 <= column < self.width:
            self.rows[row][column] = character

    def bar(self, column: int, foot: float, top: float, glyph: str) -> None:
        """Fill one column from `foot` to `top`; an empty glyph draws eighths of a character."""
        low, high = sorted((min(max(foot, 0.0), 1.0) * self.height, min(max(top, 0.0), 1.0) * self.height))
        if high <= low:
            return
        first, full = round(low), int(high)
        for level in range(first, max(full, first)):
            self.put(self.height - 1 - level, column, glyph or "█")
        rest = high - max(full, first)
        if glyph and (rest >= 0.5 or first >= full):
            self.put(self.height - 1 - max(full, first), column, glyph)
        elif not glyph and rest > 0:
            self.put(self.height - 1 - max(full, first), column, EIGHTHS[max(1, round(rest * 8))])

    def point(self, x: Array, y: Array) -> None:
        """Set the dots at places; what is outside or NaN is left out."""
        inside = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
        across = np.minimum(x[inside] * 2 * self.width, 2 * self.width - 1).astype(int)
        up = np.minimum(y[inside] * 4 * self.height, 4 * self.height - 1).astype(int)
        self.dots[4 * self.height - 1 - up, across] = True

    def curve(self, x: Float64[np.ndarray, " point"], y: Float64[np.ndarray, " point"]) -> None:
        """Join places by straight lines of dots; NaN breaks the curve."""
        self.point(x, y)
        steps = np.hypot(np.diff(x) * 2 * self.width, np.diff(y) * 4 * self.height)
        joined = np.flatnonzero(np.isfinite(steps))
        counts = np.minimum(steps[joined], 4000).astype(int) + 2
        which = np.repeat(joined, counts)
        share = (np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)) / np.repeat(counts, counts)
        self.point(x[which] + share * (x[which + 1] - x[which]), y[which] + share * (y[which + 1] - y[which]))

    def lines(self) -> list[str]:
        """Return the rows as text, dots over characters."""
        codes = (self.dots.reshape(self.height, 4, self.width, 2) * _DOTS[None, :, None, :]).sum(axis=(1, 3))
        return [
            "".join(chr(0x2800 + code) if code else one for one, code in zip(row, line, strict=True))
            for row, line in zip(self.rows, codes.tolist(), strict=True)
        ]
