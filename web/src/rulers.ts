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
  /** Room at the right for the half of the last label that stands out of the frame. */
  readonly right: number;
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
/** Between two labels that stand side by side, between the feet of two at a slant, and what a number takes at least, pixels. */
const [GAP, TILTED, NUMBER] = [8, 15, 62];
/** Longest name at a slant, in pixels. */
export const MOST_TILTED = 120;

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
 * @param sides - The room for its labels, where that is settled.
 */
export function rulersOf(
  panel: Panel, extent: Extent, width: number, height: number, measure: Measure, sides?: Pick<Rulers, "left" | "right">,
): Rulers {
  const perTick = panel.y.categories.length ? 14 : 36;
  const y = ticks(panel.y, extent.y, Math.max(2, Math.floor(height / perTick)));
  const widest = Math.max(0, ...y.map(({ label }) => measure(sideLabel(label, width, measure), SIZE.small)));
  const left = sides?.left ?? Math.ceil(widest) + 9;
  return { y, left, ...acrossOf(panel.x, extent, width, left, measure, sides?.right) };
}

/** Returns the middle of a label below a frame, pixels: at its place, but inside the picture. */
export function middleOf(x: number, half: number, width: number, { left, right }: Pick<Rulers, "left" | "right">): number {
  return Math.min(Math.max(x, half - Math.min(left, 13)), width + right - half);
}

function acrossOf(
  axis: Axis, extent: Extent, width: number, left: number, measure: Measure, settled?: number,
): Omit<Rulers, "y" | "left"> {
  const named = axis.categories.length > 0;
  const [low, high] = extent.x;
  const level = (most: number) => {
    const x = ticks(axis, extent.x, most);
    const halves = x.map(({ label }) => measure(label, SIZE.small) / 2);
    // Names stand in the middle of what they name, numbers also at the end of the axis.
    const right = settled ?? (named ? 0 : Math.ceil(Math.max(0, ...halves)));
    const room = width - left - right;
    const middles = x.map(({ place }, at) => middleOf(((place - low) / (high - low)) * room, halves[at]!, room, { left, right }));
    const apart = middles.every((middle, at) => !at || Math.abs(middle - middles[at - 1]!) >= halves[at]! + halves[at - 1]! + GAP);
    return { x, right, room, apart, below: 17, tilted: false };
  };
  const { room } = level(2);
  for (let most = Math.max(2, Math.floor(room / (named ? TILTED : NUMBER))); ; most--) {
    const found = level(most);
    if (found.apart || (most < 3 && !named)) return found;
    if (named) return { ...found, below: slant(found.x, measure), tilted: true };
  }
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
  const [rows, columns] = (heat.under ?? heat.values).shape as [number, number];
  const ownEdges = !heat.under && (heat.x !== null || heat.y !== null);
  const share = ownEdges || rows / columns <= 0.2 || rows / columns >= 5 ? 0.62 : rows / columns;
  return Math.round(clamp(width * share, 80, 500));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
