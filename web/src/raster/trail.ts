/** What moves on a surface: paths, thin and pale where the surface is in front of them, and a ball, faint there. */

import { packed } from "./colors.js";
import { project, unproject, type Bounds, type Camera, type Projection } from "./project.js";
import { over } from "./splat.js";

/** A way over a surface. */
export interface Path {
  /** [point, 3] in the units of the axes; NaN breaks it. */
  readonly points: Float32Array | Float64Array;
  /** How many points from the first are drawn; default: all. */
  readonly count?: number;
  /** Packed pixel. */
  readonly colour: number;
  /** Packed pixel of the rim that sets it off from every colour of the surface. */
  readonly casing: number;
  /** Width without the rim, pixels. */
  readonly width?: number;
  /** Mark the beginning by a dot; default: yes. */
  readonly dot?: boolean;
}

/** A ball that lies on a surface. */
export interface Ball {
  /** The place it touches, in the units of the axes. */
  readonly at: readonly [number, number, number];
  /** Pixels. */
  readonly radius: number;
  /** Packed pixel. */
  readonly colour: number;
  /** Opacity of what the surface hides of it, 0 to 1; default 0.25, so that it is not lost behind a hill. */
  readonly ghost?: number;
}

/** A picture of a surface, to draw over. */
export interface Scene {
  /** [height * width] packed pixels. */
  readonly out: Uint32Array;
  /** [height * width] nearness of the surface; left as it is. */
  readonly depth: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly by: Projection;
  /** Pixels of half an edge of the cube, from `pixelsPerUnit`. */
  readonly unit: number;
}

/**
 * How far the middle of a line may lie behind the surface at its pixel and still count as on it: some pixels, since
 * the surface slopes within a pixel, and a little, since the line cuts through bumps between its points.
 */
const [SLOPE_PIXELS, BUMP] = [4, 0.01];
const BLACK = 0xff000000;
/** How far a pixel of a line may lie behind the surface, half edges of the cube: a line on a steep slope has width. */
const WIDTH_TOLERANCE = 0.12;
/** Share of the width of a line that is drawn where the surface hides it: dots and dashes look like noise in a zig-zag. */
const HIDDEN = 0.6;
/** What hidden parts are half mixed with: a middle colour of the maps. A veil over the surface would add up. */
const MIST = packed("#3d8a92");
/** Pixels between two points of a path below which the second adds nothing. */
const NEARLY = 0.7;
/** How dark the ground is below a ball, and how far its shadow reaches and lies aside, radii. */
const [SHADE, SHADE_REACH, SHADE_ASIDE] = [0.5, 1.9, 0.45];
/** Direction from a ball to the light as seen: right, down, near. */
const SHINE = [-0.45, -0.6, 0.66] as const;

/**
 * Draw a path with its rim and a dot at its beginning.
 *
 * @param scene Where.
 * @param path What to draw.
 *
 * Cost: pixels near the path.
 */
export function drawPath(scene: Scene, path: Path): void {
  const count = Math.min(path.count ?? Infinity, Math.floor(path.points.length / 3));
  const places = placesOf(scene, path.points, count);
  const wide = path.width ?? 2.2;
  const rim: Pen = { colour: path.casing, reach: wide / 2 + 1.2 };
  const core: Pen = { colour: path.colour, reach: wide / 2, hidden: over(path.colour, MIST, 0.5) };
  for (const pen of [rim, core]) {
    for (let at = 0; at + 5 < places.length; at += 3) drawSegment(scene, places, at, at + 3, pen);
    if (places.length > 0 && path.dot !== false) drawSegment(scene, places, 0, 0, { ...pen, reach: pen.reach + 1.6 });
  }
}

/** How a line is drawn. */
interface Pen {
  readonly colour: number;
  /** Half of what is drawn across the line, pixels. */
  readonly reach: number;
  /** Colour of what the surface hides; without it that is not drawn. */
  readonly hidden?: number;
}

/** Where the points appear; one that is nearly at the one before it is left out, as in a descent that has arrived. */
function placesOf(scene: Scene, points: Path["points"], count: number): number[] {
  const places: number[] = [];
  let [left, top] = [NaN, NaN];
  for (let at = 0; at < 3 * count; at += 3) {
    const place = project(scene.by, points[at]!, points[at + 1]!, points[at + 2]!);
    if (at && at < 3 * (count - 1) && Math.abs(place[0] - left) + Math.abs(place[1] - top) < NEARLY) continue;
    [left, top] = place;
    places.push(...place);
  }
  return places;
}

/** Draw the pixels near a segment. */
function drawSegment(scene: Scene, places: readonly number[], from: number, to: number, { colour, reach, hidden }: Pen): void {
  const { out, depth, width, height } = scene;
  const slack = SLOPE_PIXELS / scene.unit + BUMP;
  const x = places[from]!, y = places[from + 1]!, near = places[from + 2]!;
  const dx = places[to]! - x, dy = places[to + 1]! - y, dn = places[to + 2]! - near;
  const length = dx * dx + dy * dy || 1;
  const left = Math.max(0, Math.floor(Math.min(x, x + dx) - reach - 0.5));
  const right = Math.min(width - 1, Math.ceil(Math.max(x, x + dx) + reach - 0.5));
  const top = Math.max(0, Math.floor(Math.min(y, y + dy) - reach - 0.5));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(y, y + dy) + reach - 0.5));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const px = column + 0.5 - x;
      const py = row + 0.5 - y;
      const along = Math.max(0, Math.min(1, (px * dx + py * dy) / length));
      const away = Math.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2) - 0.5;
      if (!(away < reach)) continue;
      const place = row * width + column;
      const nearness = near + along * dn;
      const isHidden = nearness + WIDTH_TOLERANCE < depth[place]! || nearness + slack < nearnessAt(scene, x + along * dx, y + along * dy);
      if (isHidden && !hidden) continue;
      const cover = (isHidden ? reach * HIDDEN : reach) - away;
      if (cover > 0) out[place] = over(out[place]!, isHidden ? hidden! : colour, Math.min(1, cover));
    }
  }
}

/** Nearness of the surface at a place of the picture; -Infinity outside. */
function nearnessAt(scene: Scene, x: number, y: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const inside = column >= 0 && column < scene.width && row >= 0 && row < scene.height;
  return inside ? scene.depth[row * scene.width + column]! : -Infinity;
}

/**
 * Draw a ball that rests on its place.
 *
 * @param scene Where.
 * @param camera From where; a rise brings a place higher in the picture and nearer by its elevation.
 * @param ball What to draw.
 */
export function drawBall(scene: Scene, camera: Camera, ball: Ball): void {
  const { out, depth, width, height, unit } = scene;
  const { radius, colour, ghost = 0.25 } = ball;
  const [x, foot, floor] = project(scene.by, ...ball.at);
  const y = foot - radius * Math.cos(camera.elevation);
  const near = floor + (radius / unit) * Math.sin(camera.elevation) + SLOPE_PIXELS / unit;
  const [left, right] = [Math.max(0, Math.floor(x - radius - 1)), Math.min(width - 1, Math.ceil(x + radius))];
  const [top, bottom] = [Math.max(0, Math.floor(y - radius - 1)), Math.min(height - 1, Math.ceil(y + radius))];
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const across = (column + 0.5 - x) / radius;
      const down = (row + 0.5 - y) / radius;
      const away = Math.sqrt(across * across + down * down);
      const cover = Math.min(1, (1 - away) * radius + 0.5);
      if (!(cover > 0)) continue;
      const front = Math.sqrt(Math.max(0, 1 - away * away));
      const place = row * width + column;
      const seen = near + (front * radius) / unit >= depth[place]! ? 1 : ghost;
      const lit = across * SHINE[0] + down * SHINE[1] + front * SHINE[2];
      out[place] = over(out[place]!, shine(colour, lit), cover * seen);
    }
  }
}

/**
 * Darken the ground around the place of a ball: a soft disc that lies on the surface, away from the light.
 *
 * @param scene Where.
 * @param ball Whose shadow.
 * @param bounds Ends of the axes.
 */
export function drawShadow(scene: Scene, ball: Ball, bounds: Bounds): void {
  const { out, depth, width, height, unit, by } = scene;
  const [x, y] = project(by, ...ball.at);
  const reach = ball.radius * (SHADE_REACH + SHADE_ASIDE);
  // The way back from pixels and nearness to places is linear.
  const base = unproject(by, 0, 0, 0);
  const steps = ([[1, 0, 0], [0, 1, 0], [0, 0, 1]] as const).map(([x, y, z]) => unproject(by, x, y, z).map((one, axis) => one - base[axis]!));
  const scale = [0, 1].map((axis) => (2 / (bounds.high[axis]! - bounds.low[axis]! || 1)) * (unit / ball.radius));
  const along = (axis: 0 | 1, column: number, row: number, near: number): number =>
    (base[axis] + steps[0]![axis]! * column + steps[1]![axis]! * row + steps[2]![axis]! * near - ball.at[axis]) * scale[axis]!;
  for (let row = Math.max(0, Math.floor(y - reach)); row <= Math.min(height - 1, y + reach); row++) {
    for (let column = Math.max(0, Math.floor(x - reach)); column <= Math.min(width - 1, x + reach); column++) {
      const place = row * width + column;
      const near = depth[place]!;
      if (near === -Infinity) continue;
      const away = Math.hypot(
        along(0, column + 0.5, row + 0.5, near) - SHADE_ASIDE, along(1, column + 0.5, row + 0.5, near) - SHADE_ASIDE,
      );
      const dark = Math.max(0, 1 - away / SHADE_REACH);
      if (dark > 0) out[place] = over(out[place]!, BLACK, SHADE * dark * dark * (3 - 2 * dark));
    }
  }
}

/** A colour lit from `lit` = -1, away from the light, to 1, with a highlight. */
function shine(colour: number, lit: number): number {
  const bright = 0.55 + 0.5 * Math.max(0, lit);
  const gloss = 190 * Math.max(0, lit) ** 18;
  const part = (shift: number): number => Math.min(255, ((colour >>> shift) & 255) * bright + gloss) | 0;
  return (0xff000000 | (part(16) << 16) | (part(8) << 8) | part(0)) >>> 0;
}
