/** Points of space in the order in which they are drawn. */

import { type Projection } from "./project.js";

const LEVELS = 65_536;

/**
 * Return where points appear.
 *
 * @param points [point, 3].
 * @param by From `projection`.
 * @returns [point, 3]: pixels from the left, pixels from the top, nearness; NaN where a value is not finite.
 */
export function projectCloud(points: Float32Array | Float64Array, by: Projection): Float64Array {
  const places = new Float64Array(points.length);
  for (let at = 0; at + 2 < points.length; at += 3) {
    const x = points[at]!;
    const y = points[at + 1]!;
    const z = points[at + 2]!;
    for (let row = 0; row < 3; row++) {
      places[at + row] = by[4 * row]! * x + by[4 * row + 1]! * y + by[4 * row + 2]! * z + by[4 * row + 3]!;
    }
  }
  return places;
}

/**
 * Return points from far to near.
 *
 * @param places [point, 3] from `projectCloud`.
 * @returns order: indices of the points that have a place, farthest first, equal ones by index. nearness:
 *   [point], 0 for the farthest to 1 for the nearest.
 *
 * Cost: three passes; a counting sort of 65,536 levels.
 */
export function orderByNearness(places: Float64Array): { order: Uint32Array; nearness: Float32Array } {
  const count = (places.length / 3) | 0;
  let low = Infinity;
  let high = -Infinity;
  for (let point = 0; point < count; point++) {
    const near = places[3 * point + 2]!;
    if (near < low && near > -Infinity) low = near;
    if (near > high && near < Infinity) high = near;
  }
  const span = high > low ? high - low : 1;
  const nearness = new Float32Array(count);
  const starts = new Uint32Array(LEVELS + 1);
  const levels = new Int32Array(count).fill(-1);
  for (let point = 0; point < count; point++) {
    const share = (places[3 * point + 2]! - low) / span;
    if (!(share >= 0 && share <= 1)) continue;
    nearness[point] = share;
    const level = Math.round(share * (LEVELS - 1));
    levels[point] = level;
    starts[level + 1]!++;
  }
  for (let level = 0; level < LEVELS; level++) starts[level + 1]! += starts[level]!;
  const order = new Uint32Array(starts[LEVELS]!);
  for (let point = 0; point < count; point++) {
    if (levels[point]! >= 0) order[starts[levels[point]!]!++] = point;
  }
  return { order, nearness };
}
