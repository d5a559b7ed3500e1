/** Cells of a matrix onto pixels: which cells a pixel shows, and the loop that fills pixels with their colours. */

import { TABLE_SIZE, tableSteps, type Values } from "./colors.js";

/** Cells from `first` up to, not including, `end` that each pixel of a line shows; end = first: none. */
export interface Spans {
  readonly first: Int32Array;
  readonly end: Int32Array;
  /** No pixel shows more than one cell. */
  readonly single: boolean;
}

/** A matrix inside an array. */
export interface Matrix {
  readonly values: Values;
  /** Place of row 0, column 0. */
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
}

/** The part of a picture that a matrix fills, in pixels; [left, top] is its upper left pixel. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Colours of a scale and the values at its ends. */
export interface ColourScale {
  readonly table: Uint32Array;
  readonly lo: number;
  readonly hi: number;
}

/**
 * Return the cells that each pixel of a row or column of pixels shows.
 *
 * A pixel shows the cells whose middles lie in it, so every cell in view belongs to exactly one pixel however
 * small it is; a pixel without such a middle shows the cell that covers its own middle.
 *
 * @param pixels Length of the line of pixels.
 * @param cells Number of cells.
 * @param edges [cells + 1] places of the sides, rising or falling; null for 0, 1, 2 ...
 * @param from Place at the outer side of pixel 0.
 * @param to Place at the outer side of the last pixel; may be less than `from`.
 * @throws RangeError Edges that are no numbers, or neither rise nor fall.
 *
 * Cost: pixels * log(cells).
 */
export function pixelSpans(pixels: number, cells: number, edges: Values | null, from: number, to: number): Spans {
  if (edges !== null) checkEdges(edges, cells);
  const falling = edges !== null && edges[cells]! < edges[0]!;
  const rising = falling ? edges.slice().reverse() : edges;
  const first = new Int32Array(pixels);
  const end = new Int32Array(pixels);
  const step = (to - from) / pixels;
  let single = true;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const one = middlesBelow(rising, cells, from + step * pixel);
    const other = middlesBelow(rising, cells, from + step * (pixel + 1));
    let low = Math.min(one, other);
    let high = Math.max(one, other);
    if (low === high) [low, high] = covering(rising, cells, from + step * (pixel + 0.5));
    first[pixel] = falling ? cells - high : low;
    end[pixel] = falling ? cells - low : high;
    if (high - low > 1) single = false;
  }
  return { first, end, single };
}

/**
 * Fill an area with the colours of a matrix.
 *
 * Several cells in one pixel show their value of largest magnitude, of equal ones a negative one: an average
 * would hide a single spike. NaN is skipped where the pixel holds anything else, and transparent otherwise.
 *
 * @param out Pixels of the picture, `stride` a row.
 * @param stride Width of the whole picture.
 * @param area Where to draw, inside the picture.
 * @param matrix What to draw.
 * @param across Columns of each pixel of a row, [area.width].
 * @param down Rows of each pixel of a column, [area.height].
 * @param scale Colours.
 *
 * Cost: one look at each cell in view; 3 ns a cell for Float32Array, 10 for others.
 */
export function fillCells(
  out: Uint32Array, stride: number, area: Area, matrix: Matrix, across: Spans, down: Spans, scale: ColourScale,
): void {
  const { values, columns, offset } = matrix;
  const bits = new Int32Array(area.width);
  const floats = values instanceof Float32Array ? bitsOf(values) : null;
  const line = floats === null ? new Float64Array(area.width) : new Float32Array(bits.buffer);
  for (let row = 0; row < area.height; row++) {
    const start = (area.top + row) * stride + area.left;
    const first = down.first[row]!;
    const end = down.end[row]!;
    if (row > 0 && first === down.first[row - 1] && end === down.end[row - 1]) {
      out.copyWithin(start, start - stride, start - stride + area.width);
      continue;
    }
    const [from, to] = [offset + first * columns, offset + end * columns];
    if (end <= first) line.fill(NaN);
    else if (end - first === 1 && across.single) oneCell(line, values, from, across);
    else if (floats !== null) largestFloats(bits, floats, from, to, columns, across);
    else largest(line, values, from, to, columns, across);
    colourLine(out, start, line, scale);
  }
}

/**
 * Fill an area with a picture; pixels of it that share a pixel are averaged.
 *
 * @param out Pixels, `stride` a row.
 * @param stride Width of the whole.
 * @param area Where to draw.
 * @param picture Shares of full light, 0 to 1, `channels` a pixel.
 * @param channels 1 for black to white, 3 for red, green, blue.
 * @param across Columns of each pixel of a row.
 * @param down Rows of each pixel of a column; where there is none, nothing is drawn.
 */
export function averageColours(
  out: Uint32Array, stride: number, area: Area, picture: Matrix, channels: number, across: Spans, down: Spans,
): void {
  const { values, offset, columns } = picture;
  const second = +(channels > 1);
  for (let line = 0; line < area.height; line++) {
    const start = (area.top + line) * stride + area.left;
    for (let pixel = 0; pixel < area.width; pixel++) {
      let red = 0, green = 0, blue = 0, count = 0;
      for (let row = down.first[line]!; row < down.end[line]!; row++) {
        for (let column = across.first[pixel]!; column < across.end[pixel]!; column++) {
          const place = offset + (row * columns + column) * channels;
          red += values[place]! || 0;
          green += values[place + second]! || 0;
          blue += values[place + 2 * second]! || 0;
          count++;
        }
      }
      if (count) out[start + pixel] = packedShares(red / count, green / count, blue / count);
    }
  }
}

/** Red, green and blue from 0 to 1, cut off there, as an opaque pixel. */
function packedShares(red: number, green: number, blue: number): number {
  const byte = (share: number): number => Math.max(0, Math.min(255, share * 255 + 0.5)) | 0;
  return ((255 << 24) | (byte(blue) << 16) | (byte(green) << 8) | byte(red)) >>> 0;
}

/** Colour a row of pixels by its values. */
function colourLine(out: Uint32Array, start: number, line: Float32Array | Float64Array, scale: ColourScale): void {
  const { table } = scale;
  const steps = tableSteps(scale.lo, scale.hi);
  const low = scale.lo / 2;
  for (let pixel = 0; pixel < line.length; pixel++) {
    const value = line[pixel]!;
    let place = (value / 2 - low) * steps + 0.5;
    if (place < 0) place = 0;
    else if (place >= TABLE_SIZE) place = TABLE_SIZE - 1;
    out[start + pixel] = value === value ? table[place | 0]! : 0;
  }
}

/** The value of the one cell of each pixel; NaN where it has none. */
function oneCell(line: Float32Array | Float64Array, values: Values, from: number, across: Spans): void {
  const { first, end } = across;
  for (let pixel = 0; pixel < line.length; pixel++) {
    const column = first[pixel]!;
    line[pixel] = end[pixel]! > column ? values[from + column]! : NaN;
  }
}

/** The value of largest magnitude among the cells of each pixel. */
function largest(
  line: Float32Array | Float64Array, values: Values, from: number, to: number, columns: number, across: Spans,
): void {
  const { first, end } = across;
  for (let pixel = 0; pixel < line.length; pixel++) {
    let most = NaN;
    for (let row = from; row < to; row += columns) {
      for (let place = row + first[pixel]!; place < row + end[pixel]!; place++) {
        if (isLarger(values[place]!, most)) most = values[place]!;
      }
    }
    line[pixel] = most;
  }
}

function isLarger(one: number, other: number): boolean {
  const [size, least] = [Math.abs(one), Math.abs(other)];
  return size > least || (size === least && one < other) || (other !== other && one === one);
}

/** Sign of a float32 in its bits, its magnitude without the last place, and the magnitude of infinity. */
const [SIGN, SIZE, INFINITE] = [0x80000000 | 0, 0x7ffffffe, 0x7f800000];
const NOT_A_NUMBER = 0x7fc00000;

/**
 * `largest` on the bits of float32 numbers: magnitude first and the sign as last bit make whole numbers of which
 * the largest is chosen without a branch, which on noise would be guessed wrong half of the time.
 */
function largestFloats(
  line: Int32Array, bits: Int32Array, from: number, to: number, columns: number, across: Spans,
): void {
  const { first, end } = across;
  for (let pixel = 0; pixel < line.length; pixel++) {
    const left = first[pixel]!;
    const count = end[pixel]! - left;
    let most = -1;
    for (let row = from + left; row < to; row += columns) {
      for (let place = row; place < row + count; place++) {
        const number = bits[place]!;
        if ((number & ~SIGN) > INFINITE) continue;
        const gap = (((number & SIZE) | (number >>> 31)) - most) | 0;
        most = (most + (gap & ~(gap >> 31))) | 0;
      }
    }
    line[pixel] = most < 0 ? NOT_A_NUMBER : (most & SIZE) | (most << 31);
  }
}

function bitsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/**
 * Return the cell whose colour a pixel shows.
 *
 * @param matrix What was drawn.
 * @param across Columns of each pixel, as in `fillCells`.
 * @param down Rows of each pixel.
 * @param x Pixel from the left of the area, whole.
 * @param y Pixel from the top of the area, whole.
 * @returns Row and column; null outside the matrix. Where all cells of the pixel are NaN: the first of them.
 */
export function cellAt(
  matrix: Matrix, across: Spans, down: Spans, x: number, y: number,
): { row: number; column: number } | null {
  const { first: left, end: right } = across;
  const { first: top, end: bottom } = down;
  if (!(x >= 0 && x < left.length && y >= 0 && y < top.length)) return null;
  if (right[x]! <= left[x]! || bottom[y]! <= top[y]!) return null;
  let found = { row: top[y]!, column: left[x]! };
  let most = NaN;
  for (let row = top[y]!; row < bottom[y]!; row++) {
    for (let column = left[x]!; column < right[x]!; column++) {
      const value = matrix.values[matrix.offset + row * matrix.columns + column]!;
      if (isLarger(value, most)) {
        most = value;
        found = { row, column };
      }
    }
  }
  return found;
}

function checkEdges(edges: Values, cells: number): void {
  const direction = edges[cells]! >= edges[0]! ? 1 : -1;
  for (let place = 0; place < cells; place++) {
    const [one, next] = [edges[place]!, edges[place + 1]!];
    if (!((next - one) * direction >= 0)) throw new RangeError(`The edges turn back or break off: ${one}, then ${next}.`);
  }
}

/** Return how many of the first of `count` things are such; those behind the first that is not are not either. */
export function countFirst(count: number, such: (place: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const half = (low + high) >> 1;
    if (such(half)) low = half + 1;
    else high = half;
  }
  return low;
}

/** Number of cells whose middle is below a place. */
function middlesBelow(edges: Values | null, cells: number, place: number): number {
  if (edges === null) return Math.max(0, Math.min(cells, Math.ceil(place - 0.5)));
  return countFirst(cells, (cell) => edges[cell]! / 2 + edges[cell + 1]! / 2 < place);
}

/** The one cell that covers a place, as [first, end]; first = end outside. */
function covering(edges: Values | null, cells: number, place: number): [number, number] {
  if (!(place >= (edges?.[0] ?? 0) && place < (edges?.[cells] ?? cells))) return [0, 0];
  const cell = edges ? countFirst(cells, (one) => edges[one + 1]! <= place) : Math.floor(place);
  return [cell, cell + 1];
}
