import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boundsOf, cameraAxes, farSides, project, projection, unproject, usualCamera, type Bounds,
} from "../../src/raster/project.js";

const BOUNDS: Bounds = { low: [-2, 10, 0], high: [4, 20, 1e-3] };
const near = (one: readonly number[], other: readonly number[], within = 1e-9): void =>
  one.forEach((value, place) => assert.ok(Math.abs(value - other[place]!) < within, `${one} is not ${other}`));

test("the directions of a camera are at right angles and of length 1", () => {
  const axes = cameraAxes({ azimuth: 0.7, elevation: -0.3, zoom: 1 });
  for (let one = 0; one < 3; one++) {
    for (let other = 0; other < 3; other++) {
      const product = [0, 1, 2].reduce((sum, axis) => sum + axes[3 * one + axis]! * axes[3 * other + axis]!, 0);
      near([product], [one === other ? 1 : 0]);
    }
  }
});

test("from straight above x goes right and y goes up; from the front z goes up", () => {
  const above = projection(BOUNDS, { azimuth: 0, elevation: Math.PI / 2, zoom: 1 }, 324, 324);
  near(project(above, -2, 10, 0), [62, 262, -1]);
  near(project(above, 4, 20, 1e-3), [262, 62, 1]);
  const front = projection(BOUNDS, { azimuth: 0, elevation: 0, zoom: 1 }, 324, 324);
  near(project(front, -2, 10, 0), [62, 262, 1]);
  near(project(front, -2, 10, 1e-3), [62, 62, 1]);
});

test("the usual camera sees the corners of the cube where the static pictures show them", () => {
  const unit = 324 / 3.24;
  const by = projection({ low: [-1, -1, -1], high: [1, 1, 1] }, usualCamera(), 324, 324);
  const seen = project(by, 1, -1, 1);
  near([(seen[0] - 162) / unit, (162 - seen[1]) / unit, seen[2]], [1.40367223, 0.9393793, 0.38375879], 1e-7);
});

test("every corner of the cube fits into the picture from every side", () => {
  for (let turn = 0; turn < 12; turn++) {
    const by = projection(BOUNDS, { azimuth: turn / 2, elevation: turn / 8, zoom: 1 }, 300, 200);
    for (let corner = 0; corner < 8; corner++) {
      const end = (axis: 0 | 1 | 2): number => (corner & (1 << axis) ? BOUNDS.high : BOUNDS.low)[axis];
      const [x, y] = project(by, end(0), end(1), end(2));
      assert.ok(x > -10 && x < 310 && y > -10 && y < 210, `${x} ${y}`);
    }
  }
});

test("the way back ends where the way there began", () => {
  const by = projection(BOUNDS, { azimuth: 2.1, elevation: 0.4, zoom: 1.7 }, 300, 200, 0.9);
  const place = [1.25, 17, 2e-4] as const;
  near(unproject(by, ...project(by, ...place)), place);
  const level: Bounds = { low: [0, 0, 5], high: [1, 1, 5] };
  const flat = projection(level, usualCamera(), 300, 200);
  near(unproject(flat, ...project(flat, 0.2, 0.9, 5)), [0.2, 0.9, 5]);
});

test("bounds leave out what is not finite", () => {
  const bounds = boundsOf(Float64Array.of(1, 2, 3, NaN, 99, 99, -1, 5, 0));
  assert.deepEqual(bounds, { low: [-1, 2, 0], high: [1, 5, 3] });
  assert.deepEqual(boundsOf(Float64Array.of()), { low: [0, 0, 0], high: [1, 1, 1] });
});

test("the far sides are those that lie away from the eye", () => {
  const camera = usualCamera();
  const by = projection({ low: [-1, -1, -1], high: [1, 1, 1] }, camera, 300, 300);
  const [x, y, z] = farSides(camera);
  assert.equal(z, -1);
  assert.ok(project(by, x, 0, 0)[2] < project(by, -x, 0, 0)[2]);
  assert.ok(project(by, 0, y, 0)[2] < project(by, 0, -y, 0)[2]);
});
