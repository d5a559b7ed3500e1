/** What is computed of a curve before it is drawn: smoothing, and the points that can be seen. */

import { countFirst } from "./raster/cells.js";
import type { Numbers } from "./types.js";

/**
 * Smooths exponentially, free of the pull to 0 that a start at 0 would give; as `smooth` in maths/curves.py.
 *
 * @param values - [point]; what is not finite is passed over and stays NaN.
 * @param memory - 0 (no smoothing) to below 1; about 1 / (1 - memory) points are averaged.
 * @param logarithmic - Average logarithms instead, for a log axis.
 * @returns [point].
 */
export function smooth(values: Numbers, memory: number, logarithmic = false): Float64Array {
  const smoothed = new Float64Array(values.length).fill(NaN);
  let mean = 0;
  let weight = 0;
  for (let place = 0; place < values.length; place++) {
    const value = logarithmic ? Math.log(values[place]!) : values[place]!;
    if (!Number.isFinite(value)) continue;
    mean = memory * mean + (1 - memory) * value;
    weight = memory * weight + (1 - memory);
    smoothed[place] = logarithmic ? Math.exp(mean / weight) : mean / weight;
  }
  return smoothed;
}

/** Tells whether places never fall, so that they can be searched. */
export function isRising(places: Numbers): boolean {
  for (let place = 1; place < places.length; place++) if (!(places[place]! >= places[place - 1]!)) return false;
  return true;
}

/** Returns how many of the rising places lie below `limit`. */
export function countBelow(places: Numbers, limit: number): number {
  return countFirst(places.length, (place) => places[place]! < limit);
}

/** Returns the point whose place is nearest; -1 without points. */
export function nearest(places: Numbers, place: number, rising: boolean): number {
  if (!rising) return nearestOfAll(places, place);
  const after = countBelow(places, place);
  if (after === 0) return places.length ? 0 : -1;
  if (after === places.length) return after - 1;
  return places[after]! - place < place - places[after - 1]! ? after : after - 1;
}

function nearestOfAll(places: Numbers, place: number): number {
  let found = -1;
  let least = Infinity;
  places.forEach((one: number, index: number) => {
    const distance = Math.abs(one - place);
    if (distance < least) [found, least] = [index, distance];
  });
  return found;
}

/**
 * Chooses the points of a curve that can be seen: first, lowest, highest and last of each column of pixels.
 *
 * @param x - [point], pixels.
 * @param y - [point], pixels; NaN breaks the curve.
 * @param width - Width of the frame in pixels.
 * @returns Indices in order; one point beyond each side is kept, so that the line reaches the side.
 */
export function visible(x: Float64Array, y: Float64Array, width: number): Int32Array {
  if (!isRising(x)) return Int32Array.from(x.keys());
  const from = Math.max(countBelow(x, 0) - 1, 0);
  const to = Math.min(countBelow(x, width) + 1, x.length);
  if (to - from <= 4 * width) return Int32Array.from({ length: to - from }, (_, place) => from + place);
  const kept: number[] = [];
  for (let start = from; start < to; ) {
    const column = Math.floor(x[start]!);
    let end = start + 1;
    while (end < to && Math.floor(x[end]!) === column) end++;
    keepOf(y, start, end, kept);
    start = end;
  }
  return Int32Array.from(kept);
}

function keepOf(y: Float64Array, start: number, end: number, kept: number[]): void {
  let lowest = start;
  let highest = start;
  let broken = -1;
  for (let place = start; place < end; place++) {
    const value = y[place]!;
    if (Number.isNaN(value)) {
      broken = place;
      continue;
    }
    if (!(y[lowest]! <= value)) lowest = place;
    if (!(y[highest]! >= value)) highest = place;
  }
  const chosen = new Set([start, lowest, highest, broken < 0 ? start : broken, end - 1]);
  kept.push(...[...chosen].sort((one, other) => one - other));
}
