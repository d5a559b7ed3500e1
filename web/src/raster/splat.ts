/** Single points onto pixels: round discs for few, counted pixels for many. */

/** Size and colours of points. */
export interface Look {
  /** Pixels. */
  readonly radius: number;
  /** 0 to 1. */
  readonly opacity: number;
  /** [group] packed pixels. */
  readonly colours: Uint32Array;
  /** [point]; null for one group. */
  readonly group: ArrayLike<number> | null;
}

/** Factor of the opacity of the farthest point of a cloud in space; the nearest has 1. */
export const FARTHEST = 0.5;

/** Points in a pixel from which on it is opaque. */
const DENSE = 64;

/**
 * Lay a round point with a smooth rim over a picture.
 *
 * @param out Packed pixels.
 * @param pick Takes `point` + 1 where the disc covers at least half of a pixel.
 * @param width Pixels.
 * @param height Pixels.
 * @param x Middle, pixels from the left.
 * @param y Middle, pixels from the top.
 * @param look Size and colour.
 * @param point Index of the point.
 * @param share Factor of the opacity, 0 to 1.
 */
export function stampDisc(
  out: Uint32Array, pick: Uint32Array, width: number, height: number,
  x: number, y: number, look: Look, point: number, share: number,
): void {
  const reach = Math.max(look.radius, 0.5) + 0.5;
  const colour = colourOfPoint(look, point);
  const opacity = look.opacity * share;
  const left = Math.max(0, Math.ceil(x - reach - 0.5));
  const right = Math.min(width - 1, Math.floor(x + reach - 0.5));
  const top = Math.max(0, Math.ceil(y - reach - 0.5));
  const bottom = Math.min(height - 1, Math.floor(y + reach - 0.5));
  for (let row = top; row <= bottom; row++) {
    const down = row + 0.5 - y;
    for (let column = left; column <= right; column++) {
      const across = column + 0.5 - x;
      const cover = reach - Math.sqrt(across * across + down * down);
      if (!(cover > 0)) continue;
      const place = row * width + column;
      out[place] = over(out[place]!, colour, cover < 1 ? opacity * cover : opacity);
      if (cover >= 0.5) pick[place] = point + 1;
    }
  }
}

/**
 * Return a colour laid over a pixel.
 *
 * @param under Packed pixel, straight opacity.
 * @param colour Packed pixel; its own opacity is not used.
 * @param opacity 0 to 1.
 */
export function over(under: number, colour: number, opacity: number): number {
  const below = (under >>> 24) * (1 - opacity);
  const above = 255 * opacity;
  const whole = above + below;
  if (whole < 0.5) return 0;
  const share = above / whole;
  const red = (under & 255) + ((colour & 255) - (under & 255)) * share;
  const green = ((under >>> 8) & 255) + (((colour >>> 8) & 255) - ((under >>> 8) & 255)) * share;
  const blue = ((under >>> 16) & 255) + (((colour >>> 16) & 255) - ((under >>> 16) & 255)) * share;
  return (((whole + 0.5) << 24) | ((blue + 0.5) << 16) | (((green + 0.5) | 0) << 8) | (red + 0.5)) >>> 0;
}

/**
 * Turn counts of points of a plane into colours; each point becomes two pixels wide and high.
 *
 * @param out Counts on entry, packed pixels on return.
 * @param pick Topmost point + 1 of each pixel; spread over the wider points on return.
 * @param width Pixels.
 * @param height Pixels.
 * @param look Colours, and the opacity of a single point.
 *
 * Cost: one pass, about 3 ms at 800 x 600.
 */
export function finishPlane(out: Uint32Array, pick: Uint32Array, width: number, height: number, look: Look): void {
  const opacities = opacityOfCounts(look.opacity);
  // Counts and indices stay below 2^31, and signed numbers are added and compared faster.
  const counts = new Int32Array(out.buffer, out.byteOffset, out.length);
  const tops = new Int32Array(pick.buffer, pick.byteOffset, pick.length);
  // From the last pixel to the first, so that the three pixels looked at are still as they were counted.
  for (let row = height - 1; row >= 0; row--) {
    const up = row > 0 ? width : 0;
    for (let column = width - 1; column >= 0; column--) {
      const place = row * width + column;
      const left = column > 0 ? 1 : 0;
      let count = counts[place]!;
      if (left > 0) count += counts[place - 1]!;
      if (up > 0) count += counts[place - up]!;
      if (left > 0 && up > 0) count += counts[place - up - 1]!;
      if (count === 0) continue;
      const above = place - up;
      const top = larger(larger(tops[place]!, tops[place - left]!), larger(tops[above]!, tops[above - left]!));
      tops[place] = top;
      const opacity = opacities[count < DENSE ? count : DENSE]!;
      counts[place] = (colourOfPoint(look, top - 1) & 0xffffff) | (opacity << 24);
    }
  }
}

/**
 * Turn counts of points of space into colours; each point becomes two pixels wide and high.
 *
 * @param out Counts on entry, packed pixels on return.
 * @param pick Nearest point + 1 of each pixel; spread over the wider points on return.
 * @param depth Nearness of that point, -Infinity where there is none; of no use on return.
 * @param width Pixels.
 * @param height Pixels.
 * @param look Colours, and the opacity of a single point.
 *
 * Cost: two passes, about 5 ms at 800 x 600.
 */
export function finishSpace(
  out: Uint32Array, pick: Uint32Array, depth: Float32Array, width: number, height: number, look: Look,
): void {
  const opacities = opacityOfCounts(look.opacity);
  const levels = depthLevels(depth);
  const counts = new Int32Array(out.buffer, out.byteOffset, out.length);
  const tops = new Int32Array(pick.buffer, pick.byteOffset, pick.length);
  for (let row = height - 1; row >= 0; row--) {
    for (let column = width - 1; column >= 0; column--) {
      const place = row * width + column;
      // The pixels to the left, above, and both; at the rim of the picture the pixel itself, not counted twice.
      const left = column > 0 ? place - 1 : place;
      const up = row > 0 ? place - width : place;
      const both = column > 0 && row > 0 ? up - 1 : place;
      let count = counts[place]!;
      if (left < place) count += counts[left]!;
      if (up < place) count += counts[up]!;
      if (both < place) count += counts[both]!;
      if (count === 0) continue;
      const from = nearer(levels, nearer(levels, place, left), nearer(levels, up, both));
      const top = tops[from]!;
      tops[place] = top;
      const fog = FARTHEST + ((1 - FARTHEST) * levels[from]!) / NEAREST;
      const opacity = opacities[count < DENSE ? count : DENSE]! * fog;
      counts[place] = (colourOfPoint(look, top - 1) & 0xffffff) | (opacity << 24);
    }
  }
}

/** The larger of two numbers below 2^31, without a branch, which would be guessed wrong half of the time. */
function larger(one: number, other: number): number {
  const gap = (other - one) | 0;
  return (one + (gap & ~(gap >> 31))) | 0;
}

/** The one of two places whose level is higher, chosen as in `larger`. */
function nearer(levels: Int32Array, one: number, other: number): number {
  return (one + ((other - one) & ((levels[one]! - levels[other]!) >> 31))) | 0;
}

/** Level of the nearest point of all. */
const NEAREST = 2 ** 30;

/** Turn nearness, in place, into whole levels: 0 for none, else up to NEAREST. */
function depthLevels(depth: Float32Array): Int32Array {
  let low = Infinity;
  let high = -Infinity;
  for (let place = 0; place < depth.length; place++) {
    const near = depth[place]!;
    if (near > high) high = near;
    if (near < low && near > -Infinity) low = near;
  }
  const levels = new Int32Array(depth.buffer, depth.byteOffset, depth.length);
  const steps = high > low ? (NEAREST - 1) / (high - low) : 0;
  const base = high > low ? 1 - low * steps : NEAREST;
  for (let place = 0; place < depth.length; place++) {
    const near = depth[place]!;
    levels[place] = near > -Infinity ? near * steps + base : 0;
  }
  return levels;
}

/** Opacity, 0 to 255, of a pixel by its points: each doubling adds as much. */
function opacityOfCounts(single: number): Uint8Array {
  const first = Math.max(single, 0.45);
  return Uint8Array.from({ length: DENSE + 1 }, (_, count) =>
    count === 0 ? 0 : 255 * (first + (1 - first) * (Math.log(count) / Math.log(DENSE))));
}

function colourOfPoint(look: Look, point: number): number {
  const { group, colours } = look;
  const which = group === null ? 0 : group[point]!;
  return colours[which < colours.length ? which : which % colours.length]!;
}
