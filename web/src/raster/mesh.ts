/** A height field made ready for drawing: what stays the same while it is turned. */

import { type Values } from "./colors.js";
import { type Bounds } from "./project.js";

/** A height field; everything that does not depend on the camera. */
export interface Mesh {
  readonly rows: number;
  readonly columns: number;
  /** [columns] */
  readonly x: Values;
  /** [rows] */
  readonly y: Values;
  /** [row, column] */
  readonly z: Values;
  /** Ends of the three axes. */
  readonly bounds: Bounds;
  /** Heights of the first and the last colour. */
  readonly limits: readonly [number, number];
  /** Height as a share of the colours, 0 to 1; NaN where there is none. [row, column] */
  readonly level: Float32Array;
  /** Brightness by how the place faces the light, 0.62 to 1.07. [row, column] */
  readonly light: Float32Array;
  /** 1 where a cell is split from its first to its last corner, 0 the other way. [rows - 1, columns - 1] */
  readonly slant: Uint8Array;
}

/** A height over a plane. */
export interface MeshSource {
  /** [columns], rising or falling. */
  readonly x: Values;
  /** [rows] */
  readonly y: Values;
  /** [row, column]; NaN leaves a hole. */
  readonly z: Values;
  /** Ends of the axes; default: those of the heights. */
  readonly bounds?: Bounds | null;
  /** Heights of the first and the last colour; default: those of the heights. */
  readonly limits?: readonly [number, number] | null;
}

/** Share of the cube's height that a surface uses, as in the static pictures. */
export const RISE = 0.9;

/** Direction to the light, and how bright a place is that faces away and how much facing it adds. */
const LIGHT = [-0.45, -0.35, 0.82] as const;
const [DARKEST, GAIN] = [0.62, 0.45];

/**
 * Return a height field made ready for drawing.
 *
 * @param source The heights, at least two rows and columns of them; figure.ts has refused lengths that do not fit.
 *
 * Cost: two passes; 201 x 201 about 3 ms. Once for a surface, not once for a view of it.
 */
export function surfaceMesh(source: MeshSource): Mesh {
  const { x, y, z } = source;
  const [columns, rows] = [x.length, y.length];
  const bounds = source.bounds ?? boundsOfHeights(x, y, z);
  const limits = source.limits ?? ([bounds.low[2], bounds.high[2]] as const);
  const [lo, hi] = limits;
  const stretch = hi > lo ? 1 / (hi / 2 - lo / 2) : 0;
  const level = Float32Array.from(z, (height) => Math.max(0, Math.min(1, (height / 2 - lo / 2) * stretch)));
  const light = lightOf(x, y, z, bounds);
  return { rows, columns, x, y, z, bounds, limits, level, light, slant: slantOf(z, rows, columns) };
}

/**
 * Return a mesh of every second row and column, for pictures that last only a moment.
 *
 * @param mesh Whole.
 * @returns The same ends and colours; the mesh itself where it is small.
 */
export function coarseMesh(mesh: Mesh): Mesh {
  const { rows, columns, x, y, z, bounds, limits } = mesh;
  if (rows < 64 || columns < 64) return mesh;
  const kept = (count: number): number[] => [...Array.from({ length: count >> 1 }, (_, place) => 2 * place), count - 1];
  const [down, across] = [kept(rows), kept(columns)];
  return surfaceMesh({
    x: Float64Array.from(across, (place) => x[place]!), y: Float64Array.from(down, (place) => y[place]!), bounds, limits,
    z: Float64Array.from({ length: down.length * across.length }, (_, place) =>
      z[down[Math.floor(place / across.length)]! * columns + across[place % across.length]!]!),
  });
}

function boundsOfHeights(x: Values, y: Values, z: Values): Bounds {
  const [left, right] = ends(x);
  const [front, back] = ends(y);
  const [bottom, top] = ends(z);
  return { low: [left, front, bottom], high: [right, back, top] };
}

function ends(values: Values): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Brightness of each corner from the slopes to its neighbours, in the lengths of the cube. */
function lightOf(x: Values, y: Values, z: Values, bounds: Bounds): Float32Array {
  const [columns, rows] = [x.length, y.length];
  const scale = (axis: 0 | 1 | 2): number => 2 / (bounds.high[axis] - bounds.low[axis] || 1);
  const [right, back, up] = [scale(0), scale(1), scale(2) * RISE];
  const light = new Float32Array(z.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const place = row * columns + column;
      const alongX = (slope(z, x, place, 1, column) * up) / right;
      const alongY = (slope(z, y, place, columns, row) * up) / back;
      const facing = (LIGHT[2] - LIGHT[0] * alongX - LIGHT[1] * alongY) / Math.hypot(alongX, alongY, 1);
      light[place] = DARKEST + GAIN * Math.max(0, Math.min(1, facing));
    }
  }
  return light;
}

/** Slope at a corner between its finite neighbours; 0 where it has none. */
function slope(z: Values, along: Values, place: number, stride: number, index: number): number {
  const before = index > 0 && Number.isFinite(z[place - stride]) ? 1 : 0;
  const after = index < along.length - 1 && Number.isFinite(z[place + stride]) ? 1 : 0;
  const run = along[index + after]! - along[index - before]!;
  return run === 0 ? 0 : (z[place + after * stride]! - z[place - before * stride]!) / run || 0;
}

/** Split each cell along the diagonal whose ends differ less in height, so that ridges stay smooth. */
function slantOf(z: Values, rows: number, columns: number): Uint8Array {
  const slant = new Uint8Array((rows - 1) * (columns - 1));
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const place = row * columns + column;
      const straight = Math.abs(z[place]! - z[place + columns + 1]!);
      const across = Math.abs(z[place + 1]! - z[place + columns]!);
      slant[row * (columns - 1) + column] = straight < across ? 1 : 0;
    }
  }
  return slant;
}
