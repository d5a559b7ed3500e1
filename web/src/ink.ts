/** Ink on a pad: text with a hexadecimal digit a pixel, row by row; "" is an empty pad. */

import type { PadControl } from "./types.js";

/** Pixels from the left side and from the top. */
export type Spot = readonly [number, number];

/** Returns the ink of a pixel, 0 to 15. */
export function inkAt(value: string, pixel: number): number {
  return Number.parseInt(value[pixel] || "0", 16);
}

/** Returns what is on a pad after a soft brush went straight from one spot to another. */
export function inked({ rows, columns }: PadControl, value: string, from: Spot, to: Spot): string {
  const soft = Math.max(rows, columns) / 16;
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const pixels = Array.from({ length: rows * columns }, (_, pixel) => {
    const [x, y] = [(pixel % columns) + 0.5 - from[0], Math.floor(pixel / columns) + 0.5 - from[1]];
    const along = Math.min(Math.max((x * dx + y * dy) / (dx * dx + dy * dy || 1), 0), 1);
    const away = Math.hypot(x - along * dx, y - along * dy) / soft;
    return Math.max(inkAt(value, pixel), Math.round(15 * Math.min(Math.max(1.7 - away, 0), 1))).toString(16);
  });
  return pixels.join("");
}
