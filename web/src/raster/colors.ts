/** Colours of values: tables from a share of the scale to a packed pixel, and the limits of that scale. */

import { over } from "./splat.js";

/** Numbers as they come in a frame. */
export type Values = Float32Array | Float64Array | Uint8Array | Uint16Array | Int32Array;

/** Which page the picture lies on. */
export type Page = "light" | "dark";

/** Entries of a colour table; odd, so that the middle entry is exactly the neutral colour. */
export const TABLE_SIZE = 1025;

/**
 * Anchors of the maps, on every page those of core/theme.py, so that a colour means the same everywhere. Python mixes
 * between every second one in OKLab; between these the straight way is at most two steps of 255 away from that.
 */
const SEQUENTIAL = [
  "#12182f", "#1c274e", "#26376e", "#294e82", "#2a6795", "#2f8093",
  "#36988f", "#62b08c", "#88c785", "#c0dca4", "#f6f0c4",
];
const DIVERGING = [
  "#0c3a70", "#1d5892", "#2f78b7", "#629ccc", "#93c0e0", "#c4dae9", "#f6f4f1",
  "#f6d0c0", "#f2ab90", "#e07c66", "#cb4a3e", "#a22e30", "#7c1023",
];

/** Colours of the groups of a cloud: at least 3 : 1 on the light and on the dark paper. */
export const GROUPS = [
  "#2f78c4", "#d1600f", "#12917f", "#b8569f", "#8d7a16", "#7565d6", "#cf4b55", "#5a8a2f", "#2f8fae", "#9a7464",
] as const;

/** Colours over a picture below and above 0, and where the part of SEQUENTIAL begins that is bright enough for it. */
const VEIL = ["#1f6fe0", "#e0352b"] as const;
const VEIL_FROM = 0.35;
/** The opacity is the share of the largest value to this power. */
const VEIL_POWER = 0.75;

const made: Uint32Array[] = [];

/**
 * Return the colours of a scale.
 *
 * @param signed Diverging colours (blue below 0, red above) instead of one rise in lightness.
 * @param over Those of a veil over a picture: clear at 0, or at the low end; see `veil` in core/theme.py.
 * @returns [TABLE_SIZE] packed pixels from the low to the high end; shared, not to be written to.
 *
 * Cost: 1 ms at the first call for each of the four, then nothing.
 */
export function colourTable(signed: boolean, over = false): Uint32Array {
  return (made[+signed + 2 * +over] ??= over ? veilTable(signed) : ramp(signed ? DIVERGING : SEQUENTIAL, TABLE_SIZE));
}

function veilTable(signed: boolean): Uint32Array {
  const last = TABLE_SIZE - 1;
  return colourTable(false).map((_, place, table) => {
    const share = place / last;
    const colour = signed ? packed(VEIL[+(share >= 0.5)]!) : table[Math.round((VEIL_FROM + (1 - VEIL_FROM) * share) * last)]!;
    const opacity = Math.round((signed ? Math.abs(2 * share - 1) : share) ** VEIL_POWER * 255);
    return (colour & 0xffffff) | (opacity << 24);
  });
}

/** The part of the rise in lightness that stands out from the paper by 3 : 1, as shares of the map. */
export const LINE_PART = { light: [0, 0.64], dark: [0.42, 1] } as const;

/** Return the colours of lines that stand for values: of the rise in lightness, those that are seen on a paper. */
export function lineTable(page: Page): Uint32Array {
  const [from, to] = LINE_PART[page];
  return colourTable(false).map((_, place, table) => table[Math.round(from * (TABLE_SIZE - 1) + place * (to - from))]!);
}

/**
 * Return the colours of groups as packed pixels.
 *
 * @param count How many; beyond the tenth the colours begin anew.
 * @returns [count].
 */
export function groupColours(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, place) => packed(GROUPS[place % GROUPS.length] ?? GROUPS[0]));
}

/**
 * Return a colour as a pixel of an ImageData seen as Uint32Array (little-endian: opacity, blue, green, red).
 *
 * @param colour "#rrggbb".
 * @param opacity 0 to 255.
 */
export function packed(colour: string, opacity = 255): number {
  const number = parseInt(colour.slice(1), 16);
  return ((opacity << 24) | ((number & 255) << 16) | (number & 0xff00) | (number >> 16)) >>> 0;
}

/** Return a packed pixel as "#rrggbb". */
export function css(pixel: number): string {
  return `#${[0, 8, 16].map((shift) => ((pixel >>> shift) & 255).toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Return the colour of one value, for a legend or a swatch.
 *
 * @param table From `colourTable`.
 * @param value Any number; NaN is transparent, infinities take the colours of the ends.
 * @param lo Value of the first colour.
 * @param hi Value of the last colour.
 * @returns A packed pixel.
 */
export function colourOf(table: Uint32Array, value: number, lo: number, hi: number): number {
  if (Number.isNaN(value)) return 0;
  return table[Math.max(0, Math.min(TABLE_SIZE - 1, (value / 2 - lo / 2) * tableSteps(lo, hi) + 0.5)) | 0] ?? 0;
}

/** Return the entries of a table per half unit of value; halves, so that the span of large values stays finite. */
export function tableSteps(lo: number, hi: number): number {
  return hi > lo ? (TABLE_SIZE - 1) / (hi / 2 - lo / 2) : 0;
}

/**
 * Return the values at the two ends of the colours, by the same rule as the static pictures.
 *
 * @param values Any numbers; what is not finite does not count.
 * @param signed Diverging colours, so that 0 sits in the middle.
 * @param from First place that counts.
 * @param end Place after the last that counts.
 * @returns [low, high], low < high. Signed: [-m, m], m the largest magnitude. For magnitudes that reach
 *   near 0 the low end is 0.
 *
 * Cost: one pass, about 1 ms a million values.
 */
export function colourLimits(values: Values, signed: boolean, from = 0, end = values.length): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let place = from; place < end; place++) {
    const value = values[place]!;
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  if (low > high) return signed ? [-1, 1] : [0, 1];
  if (signed) {
    const most = Math.max(-low, high) || 1;
    return [-most, most];
  }
  if (low >= 0 && low < 0.25 * high) low = 0;
  return high > low ? [low, high] : [low, low + (Math.abs(low) || 1)];
}

const limits = [new WeakMap<Values, [number, number]>(), new WeakMap<Values, [number, number]>()] as const;

/** Return `colourLimits` of a whole array; kept, since the picture, its key and its reader ask for the same. */
export function limitsOf(values: Values, signed: boolean): readonly [number, number] {
  const known = limits[signed ? 1 : 0];
  const found = known.get(values) ?? colourLimits(values, signed);
  known.set(values, found);
  return found;
}

/** Lay `size` colours through evenly spaced anchors. */
function ramp(anchors: readonly string[], size: number): Uint32Array {
  const stops = anchors.map((anchor) => packed(anchor));
  return Uint32Array.from({ length: size }, (_, place) => {
    const along = (place / (size - 1)) * (stops.length - 1);
    const before = Math.min(Math.floor(along), stops.length - 2);
    return over(stops[before]!, stops[before + 1]!, along - before);
  });
}
