/** A matrix of values as colours. */

import { averageColours, cellAt, fillCells, pixelSpans, type Matrix, type Spans } from "./cells.js";
import { type Values } from "./colors.js";

/** The part of the plane that a picture shows, in the units of the edges. */
export interface View {
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
}

/** A matrix and how it is to be drawn. */
export interface HeatOptions {
  /** [row, column]; NaN is left transparent. */
  readonly values: Values;
  readonly rows: number;
  readonly columns: number;
  /** [columns + 1] sides of the columns as they lie on the axis (a log axis: their logarithms); null for 0, 1, 2 ... */
  readonly xEdges?: Values | null;
  /** [rows + 1] sides of the rows; null for 0, 1, 2 ... */
  readonly yEdges?: Values | null;
  /** What is shown: x0 at the left; y0 at the top for origin "upper", at the bottom for "lower". Default: all. */
  readonly view?: View | null;
  /** From `colourTable`. */
  readonly table: Uint32Array;
  /** Value of the first colour. */
  readonly lo: number;
  /** Value of the last colour. */
  readonly hi: number;
  /** Colours centred on 0: the limits are widened to the same magnitude on both sides. */
  readonly signed?: boolean;
  /** Where row 0 lies. */
  readonly origin?: "upper" | "lower";
}

/**
 * Draw a matrix.
 *
 * Cells smaller than a pixel show the one of largest magnitude, as the static pictures do, so that no spike
 * vanishes when zoomed out.
 *
 * @param out [height * width] packed pixels, all overwritten; transparent outside the matrix and at NaN.
 * @param width Pixels.
 * @param height Pixels.
 * @param options What and how.
 * @throws RangeError Edges that do not fit.
 *
 * Cost: one look at each cell in view; 2048 x 2048 into 800 x 600 about 10 ms.
 */
export function drawHeat(out: Uint32Array, width: number, height: number, options: HeatOptions): void {
  const { across, down } = heatSpans(width, height, options);
  const [lo, hi] = heatLimits(options);
  const area = { left: 0, top: 0, width, height };
  fillCells(out, width, area, matrixOf(options), across, down, { table: options.table, lo, hi });
}

/** Draw a picture in place of a matrix: `values` are shares of full light, `channels` (1 or 3) a cell. */
export function drawPicture(out: Uint32Array, width: number, height: number, options: HeatOptions, channels: number): void {
  const { across, down } = heatSpans(width, height, options);
  averageColours(out, width, { left: 0, top: 0, width, height }, matrixOf(options), channels, across, down);
}

/** Return a matrix with other cells between the same outer edges, such as the picture that lies under it. */
export function recut(options: HeatOptions, values: Values, rows: number, columns: number): HeatOptions {
  const even = (edges: Values, count: number) =>
    Float64Array.from({ length: count + 1 }, (_, place) => edges[0]! + (edges.at(-1)! - edges[0]!) * (place / count));
  return { ...options, values, rows, columns, xEdges: even(options.xEdges!, columns), yEdges: even(options.yEdges!, rows) };
}

/**
 * Return a coarse matrix on a finer grid, straight between the middles of its cells; as `smoothed` in
 * core/figure/scales.py.
 *
 * @param options The matrix.
 * @param high Rows of the finer grid.
 * @param wide Columns of the finer grid.
 * @returns [high * wide]; what borders on NaN is NaN.
 */
export function smoothed({ values, rows, columns }: HeatOptions, high: number, wide: number): Float32Array {
  const middles = (count: number, cells: number) =>
    Float64Array.from({ length: count }, (_, place) => Math.min(Math.max(((place + 0.5) * cells) / count - 0.5, 0), cells - 1));
  const [down, across] = [middles(high, rows), middles(wide, columns)];
  const between = (near: number, far: number, share: number) => near * (1 - share) + far * share;
  return new Float32Array(high * wide).map((_, place) => {
    const [y, x] = [down[Math.floor(place / wide)]!, across[place % wide]!];
    const [row, column] = [Math.floor(y), Math.floor(x)];
    const [lower, right] = [Math.min(row + 1, rows - 1), Math.min(column + 1, columns - 1)];
    const along = (line: number) => between(values[line * columns + column]!, values[line * columns + right]!, x - column);
    return between(along(row), along(lower), y - row);
  });
}

/**
 * Return the cell under a pixel; where several share the pixel, the one whose colour is shown.
 *
 * @param width Pixels, as drawn.
 * @param height Pixels, as drawn.
 * @param options As drawn.
 * @param x Pixels from the left; any place within the pixel.
 * @param y Pixels from the top.
 * @returns Row and column; null outside the matrix.
 *
 * Cost: a few thousand steps; no pass over the matrix.
 */
export function pickHeat(
  width: number, height: number, options: HeatOptions, x: number, y: number,
): { row: number; column: number } | null {
  const { across, down } = heatSpans(width, height, options);
  return cellAt(matrixOf(options), across, down, Math.floor(x), Math.floor(y));
}

/** Return the part of the plane that holds the whole matrix. */
export function wholeView(options: Pick<HeatOptions, "rows" | "columns" | "xEdges" | "yEdges">): View {
  const { rows, columns, xEdges, yEdges } = options;
  const [x0, x1] = ends(xEdges ?? null, columns);
  const [y0, y1] = ends(yEdges ?? null, rows);
  return { x0, x1, y0, y1 };
}

function heatSpans(width: number, height: number, options: HeatOptions): { across: Spans; down: Spans } {
  const { x0, x1, y0, y1 } = options.view ?? wholeView(options);
  const [top, bottom] = options.origin === "lower" ? [y1, y0] : [y0, y1];
  return {
    across: pixelSpans(width, options.columns, options.xEdges ?? null, x0, x1),
    down: pixelSpans(height, options.rows, options.yEdges ?? null, top, bottom),
  };
}

function heatLimits(options: HeatOptions): [number, number] {
  if (!options.signed) return [options.lo, options.hi];
  const most = Math.max(Math.abs(options.lo), Math.abs(options.hi));
  return [-most, most];
}

function matrixOf(options: HeatOptions): Matrix {
  return { values: options.values, offset: 0, rows: options.rows, columns: options.columns };
}

function ends(edges: Values | null, cells: number): [number, number] {
  if (edges === null) return [0, cells];
  const [one, other] = [edges[0] ?? 0, edges[cells] ?? cells];
  return [Math.min(one, other), Math.max(one, other)];
}
