/** Ticks of a frame, chosen so that their labels do not meet; and the heights of frames. */

import type { Extent } from "./extent.js";
import { clip, SIZE, type Measure } from "./measure.js";
import { ticks as allTicks, type Span, type Tick } from "./scale.js";
import type { Axis, Panel } from "./types.js";

/** What stands along the two axes of a frame; lengths in pixels. */
export interface Rulers {
  readonly x: readonly Tick[];
  readonly y: readonly Tick[];
  /** Room for the labels of the vertical axis. */
  readonly left: number;
  /** Room for the labels of the horizontal axis. */
  readonly below: number;
  /** The names along the horizontal axis are written at a slant. */
  readonly tilted: boolean;
}

/** Powers of ten so small that they are 0 have no place on a log axis. */
function ticks(axis: Axis, span: Span, most: number): Tick[] {
  return allTicks(axis, span, most).filter(({ place }) => Number.isFinite(place));
}

const MOST_NAME = 130;
/** Longest name at a slant, in pixels. */
export const MOST_TILTED = 92;

/** Returns a label of the vertical axis, cut to the room it may take. */
export function sideLabel(label: string, width: number, measure: Measure): string {
  return clip(label, SIZE.small, Math.min(MOST_NAME, 0.4 * width), measure);
}

/**
 * Chooses the ticks of a frame.
 *
 * @param panel - Whose axes.
 * @param extent - What is in view.
 * @param width - Width of the frame with the room for its labels.
 * @param height - Height of the frame.
 * @param measure - Widths of text.
 */
export function rulersOf(panel: Panel, extent: Extent, width: number, height: number, measure: Measure): Rulers {
  const perTick = panel.y.categories.length ? 14 : 36;
  const y = ticks(panel.y, extent.y, Math.max(2, Math.floor(height / perTick)));
  const widest = Math.max(0, ...y.map(({ label }) => measure(sideLabel(label, width, measure), SIZE.small)));
  const left = Math.ceil(widest) + 9;
  return { y, left, ...acrossOf(panel.x, extent, width - left, measure) };
}

function acrossOf(axis: Axis, extent: Extent, room: number, measure: Measure): Pick<Rulers, "x" | "below" | "tilted"> {
  const named = axis.categories.length > 0;
  for (let most = Math.max(2, Math.floor(room / 13)); most > 1; most--) {
    if (!named && most > Math.max(2, room / 62)) continue;
    const x = ticks(axis, extent.x, most);
    const needed = x.reduce((sum, { label }) => sum + measure(label, SIZE.small) + 13, 0);
    if (needed <= room) return { x, below: 17, tilted: false };
    if (named && x.length * 13 <= room + 13) return { x, below: slant(x, measure), tilted: true };
  }
  return { x: ticks(axis, extent.x, 2), below: 17, tilted: false };
}

function slant(x: readonly Tick[], measure: Measure): number {
  const longest = Math.max(...x.map(({ label }) => measure(clip(label, SIZE.small, MOST_TILTED, measure), SIZE.small)));
  return 14 + 0.72 * longest;
}

/**
 * Returns the height of a frame: that of a matrix keeps its cells about square.
 *
 * @param panel - What is in it.
 * @param width - Width of the frame, pixels.
 * @param across - Panels a row.
 */
export function heightOf(panel: Panel, width: number, across: number): number {
  const usual = across === 1 ? clamp(0.42 * width, 190, 300) : across === 2 ? 213 : across === 3 ? 165 : 140;
  if (panel.marks.some((mark) => mark.kind === "cloud")) return Math.round(clamp(0.8 * width, 220, 460));
  const heat = panel.marks.find((mark) => mark.kind === "heat");
  if (!heat || !heat.values.values.length) {
    const ridges = panel.marks.filter((mark) => mark.kind === "lines" && mark.fill).length;
    return Math.round(Math.max(usual, Math.min(27 * ridges, 540)));
  }
  const [rows, columns] = heat.values.shape as [number, number];
  const ownEdges = heat.x !== null || heat.y !== null;
  const share = ownEdges || rows / columns <= 0.2 || rows / columns >= 5 ? 0.62 : rows / columns;
  return Math.round(clamp(width * share, 80, 500));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
