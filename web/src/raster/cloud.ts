/** Points in two or three dimensions, from a few to millions, with the point under each pixel. */

import { orderByNearness, projectCloud } from "./depth.js";
import { type View } from "./heat.js";
import { type Projection } from "./project.js";
import { FARTHEST, finishPlane, finishSpace, stampDisc, type Look } from "./splat.js";

/** Points and how they are to be drawn. */
export interface CloudOptions {
  /** [point, 2] or [point, 3]; a point with a value that is not finite is left out. */
  readonly points: Float32Array | Float64Array;
  /** [point], group of each, 0 .. groups - 1; null for one group. */
  readonly group?: ArrayLike<number> | null;
  /** [group] packed pixels; groups beyond the last begin the colours anew. */
  readonly colours: Uint32Array;
  /** [group], 1 where a group is switched off; null for none. */
  readonly hidden?: Uint8Array | null;
  /** Radius of a point in pixels; default by `pointLook`. */
  readonly radius?: number;
  /** Opacity of a point, 0 to 1; default by `pointLook`. */
  readonly opacity?: number;
}

/** Above this many points single pixels are counted instead of drawing round discs. */
const MOST_DISCS = 60_000;

/**
 * Return how large and how opaque points are by default: fewer are larger, and many let each other shine through.
 *
 * @param count Number of points.
 * @param ratio Device pixels a CSS pixel.
 * @returns Radius in device pixels and opacity, 0 to 1, as in the static pictures.
 */
export function pointLook(count: number, ratio = 1): { radius: number; opacity: number } {
  const area = Math.max(1.2, Math.min(22, 1100 / Math.max(count, 1) ** 0.62));
  const opacity = Math.max(0.25, Math.min(0.9, 40 / Math.sqrt(Math.max(count, 1))));
  return { radius: (Math.sqrt(area) / 2) * (96 / 72) * ratio, opacity };
}

/**
 * Draw points of a plane; later ones lie on top.
 *
 * Up to 60,000 points are discs with smooth rims. More are two pixels wide, and a pixel is the more opaque the
 * more points share it, in the colour of the topmost.
 *
 * @param out [height * width] packed pixels, all overwritten; transparent where no point is.
 * @param pick [height * width], overwritten: index of the topmost point + 1; 0 where none is.
 * @param width Pixels.
 * @param height Pixels.
 * @param options What and how.
 * @param view What is shown: x0 at the left, x1 at the right, y0 at the bottom, y1 at the top.
 *
 * Cost: 1,000,000 points into 800 x 600 about 12 ms.
 */
export function drawCloud2(
  out: Uint32Array, pick: Uint32Array, width: number, height: number, options: CloudOptions, view: View,
): void {
  out.fill(0);
  pick.fill(0);
  const right = width / (view.x1 - view.x0);
  const down = -height / (view.y1 - view.y0);
  const count = options.points.length >> 1;
  const look = lookOf(options, count);
  if (count > MOST_DISCS) {
    countPlane(out, pick, width, height, options, [right, -view.x0 * right, down, -view.y1 * down]);
    finishPlane(out, pick, width, height, look);
    return;
  }
  for (let point = 0; point < count; point++) {
    if (isHidden(options, point)) continue;
    const x = (options.points[2 * point]! - view.x0) * right;
    const y = (options.points[2 * point + 1]! - view.y1) * down;
    stampDisc(out, pick, width, height, x, y, look, point, 1);
  }
}

/**
 * Draw points of space; nearer ones lie on top and farther ones are fainter.
 *
 * @param out [height * width] packed pixels, all overwritten.
 * @param pick [height * width], overwritten: index of the nearest point + 1; 0 where none is. Points nearer to
 *   each other than 1/65,536 of the depth of the cloud may change places.
 * @param depth [height * width], overwritten: working room.
 * @param width Pixels.
 * @param height Pixels.
 * @param options What and how.
 * @param by From `projection`.
 *
 * Cost: 1,000,000 points into 800 x 600 about 20 ms.
 */
export function drawCloud3(
  out: Uint32Array, pick: Uint32Array, depth: Float32Array, width: number, height: number,
  options: CloudOptions, by: Projection,
): void {
  out.fill(0);
  pick.fill(0);
  const count = (options.points.length / 3) | 0;
  const look = lookOf(options, count);
  if (count > MOST_DISCS) {
    depth.fill(-Infinity);
    countSpace(out, pick, depth, width, height, options, by);
    finishSpace(out, pick, depth, width, height, look);
    return;
  }
  const places = projectCloud(options.points, by);
  const { order, nearness } = orderByNearness(places);
  for (const point of order) {
    if (isHidden(options, point)) continue;
    const faint = FARTHEST + (1 - FARTHEST) * nearness[point]!;
    stampDisc(out, pick, width, height, places[3 * point]!, places[3 * point + 1]!, look, point, faint);
  }
}

/**
 * Return the point at or next to a pixel.
 *
 * @param pick As drawn.
 * @param width Pixels, as drawn.
 * @param height Pixels, as drawn.
 * @param x Pixels from the left.
 * @param y Pixels from the top.
 * @param reach How far to look, whole pixels.
 * @returns Index of the point; -1 where none is within reach.
 */
export function pickCloud(
  pick: Uint32Array, width: number, height: number, x: number, y: number, reach = 4,
): number {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  let found = -1;
  let nearest = (reach + 0.5) ** 2;
  for (let line = Math.max(0, row - reach); line <= Math.min(height - 1, row + reach); line++) {
    for (let pixel = Math.max(0, column - reach); pixel <= Math.min(width - 1, column + reach); pixel++) {
      const point = pick[line * width + pixel]!;
      const distance = (line - row) ** 2 + (pixel - column) ** 2;
      if (point > 0 && distance < nearest) {
        nearest = distance;
        found = point - 1;
      }
    }
  }
  return found;
}

function lookOf(options: CloudOptions, count: number): Look {
  const usual = pointLook(count);
  return {
    radius: options.radius ?? usual.radius,
    opacity: options.opacity ?? usual.opacity,
    colours: options.colours,
    group: options.group ?? null,
  };
}

function isHidden(options: CloudOptions, point: number): boolean {
  const { hidden, group } = options;
  return hidden != null && hidden[group == null ? 0 : group[point]!] === 1;
}

/** Count the points of each pixel in `out` and note the last of them in `pick`. */
function countPlane(
  out: Uint32Array, pick: Uint32Array, width: number, height: number, options: CloudOptions, map: number[],
): void {
  const { points } = options;
  const [right, left, down, top] = map as [number, number, number, number];
  const some = options.hidden?.includes(1) ?? false;
  const count = points.length >> 1;
  for (let point = 0; point < count; point++) {
    const x = points[2 * point]! * right + left;
    const y = points[2 * point + 1]! * down + top;
    if (!(x >= 0 && x < width && y >= 0 && y < height)) continue;
    if (some && isHidden(options, point)) continue;
    const place = (y | 0) * width + (x | 0);
    out[place]!++;
    pick[place] = point + 1;
  }
}

/** Count the points of each pixel in `out` and note the nearest of them in `pick` and its nearness in `depth`. */
function countSpace(
  out: Uint32Array, pick: Uint32Array, depth: Float32Array, width: number, height: number,
  options: CloudOptions, by: Projection,
): void {
  const { points } = options;
  const [a, b, c, d] = [by[0]!, by[1]!, by[2]!, by[3]!];
  const [e, f, g, h] = [by[4]!, by[5]!, by[6]!, by[7]!];
  const [i, j, k, l] = [by[8]!, by[9]!, by[10]!, by[11]!];
  const some = options.hidden?.includes(1) ?? false;
  const count = (points.length / 3) | 0;
  // Counts and indices stay below 2^31, and signed numbers are added faster.
  const counts = new Int32Array(out.buffer, out.byteOffset, out.length);
  const tops = new Int32Array(pick.buffer, pick.byteOffset, pick.length);
  for (let point = 0, at = 0; point < count; point++, at += 3) {
    const px = points[at]!;
    const py = points[at + 1]!;
    const pz = points[at + 2]!;
    const x = a * px + b * py + c * pz + d;
    const y = e * px + f * py + g * pz + h;
    if (!(x >= 0 && x < width && y >= 0 && y < height)) continue;
    if (some && isHidden(options, point)) continue;
    const place = (y | 0) * width + (x | 0);
    const near = i * px + j * py + k * pz + l;
    counts[place]!++;
    if (near >= depth[place]!) {
      depth[place] = near;
      tops[place] = point + 1;
    }
  }
}
