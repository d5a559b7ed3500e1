/** How three dimensions are seen: a parallel view, so that equal lengths stay equal and the way back is exact. */

/** From where a cube is seen. */
export interface Camera {
  /** Turn about the upright axis, radians; the static pictures have `AZIMUTH`. */
  readonly azimuth: number;
  /** Angle above the floor, radians, -pi/2 to pi/2; the static pictures have `ELEVATION`. */
  readonly elevation: number;
  /** 1: the cube fits whole from every side. */
  readonly zoom: number;
}

/** Lowest and highest value along each of the three axes. */
export interface Bounds {
  readonly low: readonly [number, number, number];
  readonly high: readonly [number, number, number];
}

/**
 * Places to pixels, row by row: pixels from the left, pixels from the top, nearness to the eye (the cube
 * reaches from about -1.75 to 1.75), each as factor of x, of y, of z, and constant. [12]
 */
export type Projection = Float64Array;

export const AZIMUTH = (-52 * Math.PI) / 180;
export const ELEVATION = (32 * Math.PI) / 180;

/** Half the room, in half edges of the cube, that the shorter side of the picture shows at zoom 1. */
const REACH = 1.62;

/** Return the view of the static pictures. */
export function usualCamera(): Camera {
  return { azimuth: AZIMUTH, elevation: ELEVATION, zoom: 1 };
}

/**
 * Return the right, up and near directions of a camera in the axes of the cube.
 *
 * @returns [9], row by row, orthonormal.
 */
export function cameraAxes(camera: Camera): Float64Array {
  const [sa, ca] = [Math.sin(camera.azimuth), Math.cos(camera.azimuth)];
  const [se, ce] = [Math.sin(camera.elevation), Math.cos(camera.elevation)];
  return Float64Array.of(ca, sa, 0, -sa * se, ca * se, ce, sa * ce, -ca * ce, se);
}

/**
 * Return the map from places to pixels: bounds to the cube from -1 to 1, then the turn, then the picture.
 *
 * @param bounds Ends of the axes; an axis without extent lies in the middle.
 * @param camera From where.
 * @param width Pixels.
 * @param height Pixels.
 * @param rise Share of the cube's height that z uses.
 */
export function projection(bounds: Bounds, camera: Camera, width: number, height: number, rise = 1): Projection {
  const axes = cameraAxes(camera);
  const unit = pixelsPerUnit(camera, width, height);
  const scales = [unit, -unit, 1];
  const middles = [width / 2, height / 2, 0];
  const result = new Float64Array(12);
  for (let row = 0; row < 3; row++) {
    let constant = middles[row]!;
    for (let axis = 0; axis < 3; axis++) {
      const [low, high] = [bounds.low[axis]!, bounds.high[axis]!];
      const factor = axes[3 * row + axis]! * scales[row]! * (axis === 2 ? rise : 1);
      const stretch = high > low ? 1 / (high / 2 - low / 2) : 1;
      result[4 * row + axis] = factor * stretch;
      constant -= factor * stretch * (low / 2 + high / 2);
    }
    result[4 * row + 3] = constant;
  }
  return result;
}

/** Return the pixels that half an edge of the cube takes when seen face on. */
export function pixelsPerUnit(camera: Camera, width: number, height: number): number {
  return (Math.min(width, height) / (2 * REACH)) * camera.zoom;
}

/** Return one place as pixels from the left, pixels from the top, and nearness. */
export function project(by: Projection, x: number, y: number, z: number): [number, number, number] {
  const row = (start: number): number => by[start]! * x + by[start + 1]! * y + by[start + 2]! * z + by[start + 3]!;
  return [row(0), row(4), row(8)];
}

/**
 * Return the place that `project` takes to a pixel and nearness.
 *
 * @returns x, y, z.
 */
export function unproject(by: Projection, right: number, down: number, near: number): [number, number, number] {
  const column = (axis: number): Triple => [by[axis]!, by[4 + axis]!, by[8 + axis]!];
  const [x, y, z] = [column(0), column(1), column(2)];
  const target: Triple = [right - by[3]!, down - by[7]!, near - by[11]!];
  const whole = volume(x, y, z);
  return [volume(target, y, z) / whole, volume(x, target, z) / whole, volume(x, y, target) / whole];
}

type Triple = [number, number, number];

/** Signed volume between three directions: the determinant of the matrix with these columns. */
function volume(one: Triple, two: Triple, three: Triple): number {
  return (
    one[0] * (two[1] * three[2] - two[2] * three[1]) -
    two[0] * (one[1] * three[2] - one[2] * three[1]) +
    three[0] * (one[1] * two[2] - one[2] * two[1])
  );
}

/**
 * Return the lowest and highest finite value of each axis.
 *
 * @param points [point, 3]; a point with a value that is not finite does not count.
 * @returns Zeros and ones where no point counts.
 *
 * Cost: one pass.
 */
export function boundsOf(points: Float32Array | Float64Array): Bounds {
  const low: [number, number, number] = [Infinity, Infinity, Infinity];
  const high: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  for (let place = 0; place + 2 < points.length; place += 3) {
    const x = points[place]!;
    const y = points[place + 1]!;
    const z = points[place + 2]!;
    if (!Number.isFinite(x + y + z)) continue;
    low[0] = Math.min(low[0], x);
    low[1] = Math.min(low[1], y);
    low[2] = Math.min(low[2], z);
    high[0] = Math.max(high[0], x);
    high[1] = Math.max(high[1], y);
    high[2] = Math.max(high[2], z);
  }
  return low[0] <= high[0] ? { low, high } : { low: [0, 0, 0], high: [1, 1, 1] };
}

/**
 * Return the sides of the cube that lie behind what is in it, where walls and a floor can be drawn.
 *
 * @returns For x, y, z: -1 or 1, the end of the axis whose side is away from the eye.
 */
export function farSides(camera: Camera): [number, number, number] {
  const axes = cameraAxes(camera);
  return [axes[6]! > 0 ? -1 : 1, axes[7]! > 0 ? -1 : 1, axes[8]! >= 0 ? -1 : 1];
}
