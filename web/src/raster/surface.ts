/** A shaded height field with contour lines, paths and balls. */

import { RISE, type Mesh } from "./mesh.js";
import { pixelsPerUnit, project, projection, unproject, type Camera, type Projection } from "./project.js";
import { smoothRims } from "./rims.js";
import { drawBall, drawPath, drawShadow, type Ball, type Path } from "./trail.js";
import { fillMesh } from "./triangle.js";

/** A surface and how it is to be drawn. */
export interface SurfaceOptions {
  /** From `surfaceMesh`. */
  readonly mesh: Mesh;
  readonly camera: Camera;
  /** From `colourTable`. */
  readonly table: Uint32Array;
  /** Contour lines at base, base + step, base + 2 step ... in the unit of the heights; null for none. */
  readonly contour?: { readonly base: number; readonly step: number } | null;
  /** Ways over the surface, later ones on top. */
  readonly paths?: readonly Path[];
  readonly balls?: readonly Ball[];
}

/**
 * Draw a surface.
 *
 * @param out [height * width] packed pixels, all overwritten; transparent beside the surface.
 * @param depth [height * width], overwritten: nearness of the surface, -Infinity beside it; for `pickSurface`.
 * @param width Pixels.
 * @param height Pixels.
 * @param options What and how.
 *
 * Cost: 201 x 201 at 800 x 600 about 9 ms.
 */
export function drawSurface(
  out: Uint32Array, depth: Float32Array, width: number, height: number, options: SurfaceOptions,
): void {
  drawGround(out, depth, width, height, options);
  drawTraffic(out, depth, width, height, options);
}

/** Draw a surface without what moves on it; as `drawSurface`, which has the parameters. */
export function drawGround(
  out: Uint32Array, depth: Float32Array, width: number, height: number, options: SurfaceOptions,
): void {
  const { mesh, camera, table, contour } = options;
  out.fill(0);
  depth.fill(-Infinity);
  const by = surfaceProjection(mesh, camera, width, height);
  const box = fillMesh(out, depth, width, height, mesh, by, table, contour ? contourShares(mesh, contour) : null);
  smoothRims(out, depth, width, height, box);
}

/**
 * Draw what moves on a surface, over its picture: paths, shadows, and the balls from far to near.
 *
 * Cost: pixels near the paths; five paths of 300 points about 3 ms.
 */
export function drawTraffic(
  out: Uint32Array, depth: Float32Array, width: number, height: number, options: SurfaceOptions,
): void {
  const { mesh, camera, paths = [], balls = [] } = options;
  const by = surfaceProjection(mesh, camera, width, height);
  const scene = { out, depth, width, height, by, unit: pixelsPerUnit(camera, width, height) };
  const near = (ball: Ball): number => project(by, ...ball.at)[2];
  for (const ball of balls) drawShadow(scene, ball, mesh.bounds);
  for (const path of paths) drawPath(scene, path);
  for (const ball of [...balls].sort((one, other) => near(one) - near(other))) drawBall(scene, camera, ball);
}

/** Return the map from places on a surface to pixels, for what is drawn over the picture. */
export function surfaceProjection(mesh: Mesh, camera: Camera, width: number, height: number): Projection {
  return projection(mesh.bounds, camera, width, height, RISE);
}

/** A place on a surface. */
export interface SurfacePlace {
  /** The place under the pixel, in the units of the axes. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** The measured corner that is nearest to it. */
  readonly row: number;
  readonly column: number;
  /** The cell that it lies in: between rows cellRow and cellRow + 1, columns cellColumn and cellColumn + 1. */
  readonly cellRow: number;
  readonly cellColumn: number;
}

/**
 * Return the place on a surface under a pixel.
 *
 * @param depth As drawn.
 * @param width Pixels, as drawn.
 * @param height Pixels, as drawn.
 * @param mesh As drawn.
 * @param camera As drawn.
 * @param x Pixels from the left.
 * @param y Pixels from the top.
 * @returns The place; null beside the surface. Paths and the ball do not count.
 */
export function pickSurface(
  depth: Float32Array, width: number, height: number, mesh: Mesh, camera: Camera, x: number, y: number,
): SurfacePlace | null {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (!(column >= 0 && column < width && row >= 0 && row < height)) return null;
  const near = depth[row * width + column]!;
  if (near === -Infinity) return null;
  const by = surfaceProjection(mesh, camera, width, height);
  const [px, py, pz] = unproject(by, column + 0.5, row + 0.5, near);
  return {
    x: px, y: py, z: pz,
    row: nearest(mesh.y, py), column: nearest(mesh.x, px), cellRow: cellOf(mesh.y, py), cellColumn: cellOf(mesh.x, px),
  };
}

/**
 * Return evenly spaced round heights for contour lines.
 *
 * @param lo Lowest height.
 * @param hi Highest height.
 * @param about About how many lines.
 * @returns A multiple of the step, and the step: 1, 2 or 5 times a power of ten; null where all is flat.
 */
export function roundContour(lo: number, hi: number, about = 14): { base: number; step: number } | null {
  const rough = (hi - lo) / about;
  if (!(rough > 0) || !Number.isFinite(rough)) return null;
  const power = 10 ** Math.floor(Math.log10(rough));
  const times = rough / power;
  const step = power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
  return { base: Math.ceil(lo / step) * step, step };
}

/** Contour heights as shares of the colours. */
function contourShares(mesh: Mesh, contour: { base: number; step: number }): { base: number; step: number } | null {
  const span = mesh.limits[1] - mesh.limits[0];
  if (!(contour.step > 0 && span > 0)) return null;
  return { base: (contour.base - mesh.limits[0]) / span, step: contour.step / span };
}

function nearest(values: ArrayLike<number>, place: number): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if (Math.abs(values[index]! - place) < Math.abs(values[best]! - place)) best = index;
  }
  return best;
}

/** Index of the interval that a place lies in; places beyond belong to the outermost. */
function cellOf(values: ArrayLike<number>, place: number): number {
  const rising = values[values.length - 1]! >= values[0]!;
  let cell = 0;
  while (cell + 2 < values.length && (rising ? values[cell + 1]! <= place : values[cell + 1]! >= place)) cell++;
  return cell;
}
