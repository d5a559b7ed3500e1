import assert from "node:assert/strict";
import { test } from "node:test";
import { drawCloud2, drawCloud3, pickCloud, type CloudOptions } from "../../src/raster/cloud.js";
import { groupColours } from "../../src/raster/colors.js";
import { boundsOf, project, projection, usualCamera, type Projection } from "../../src/raster/project.js";
import { over } from "../../src/raster/splat.js";
import { chance, hash } from "./pixels.js";

const [WIDTH, HEIGHT] = [60, 40];
const VIEW = { x0: 0, x1: 60, y0: 0, y1: 40 };
const MANY = 70_000;
const colours = groupColours(10);

function flat(options: Partial<CloudOptions> & { points: CloudOptions["points"] }) {
  const [out, pick] = [new Uint32Array(WIDTH * HEIGHT).fill(9), new Uint32Array(WIDTH * HEIGHT).fill(9)];
  drawCloud2(out, pick, WIDTH, HEIGHT, { colours, ...options }, VIEW);
  return { out, pick };
}

test("a point lies where its place says, with y upwards", () => {
  const { out, pick } = flat({ points: Float32Array.of(10.5, 30.5), radius: 1.5, opacity: 1 });
  assert.equal(out[9 * WIDTH + 10], colours[0]);
  assert.equal(pick[9 * WIDTH + 10], 1);
  assert.equal(pick[9 * WIDTH + 12], 0);
  assert.equal(out[20 * WIDTH + 10], 0);
});

test("a disc covers the area of its circle", () => {
  const { out } = flat({ points: Float32Array.of(20.3, 20.8), radius: 4, opacity: 1 });
  const area = out.reduce((sum, pixel) => sum + (pixel >>> 24) / 255, 0);
  assert.ok(Math.abs(area - Math.PI * 16) < 1, `${area}`);
});

test("the last of the points in one place is on top and is picked", () => {
  const points = Float32Array.of(20.5, 20.5, 20.5, 20.5, 21.5, 20.5);
  const { out, pick } = flat({ points, group: Uint8Array.of(0, 1, 2), radius: 0.5, opacity: 1 });
  assert.equal(pick[19 * WIDTH + 20], 2);
  assert.equal(out[19 * WIDTH + 20], colours[1]);
  assert.equal(pick[19 * WIDTH + 21], 3);
});

test("points that are switched off, not finite or outside are not drawn", () => {
  const points = Float32Array.of(5, 5, NaN, 20, 30, Infinity, 30, 20, -50, 20);
  const { pick } = flat({ points, group: Uint8Array.of(0, 1, 1, 1, 1), hidden: Uint8Array.of(1, 0) });
  assert.deepEqual([...new Set(pick)].sort(), [0, 4]);
});

test("many points: the last in a pixel is picked, more points are more opaque", () => {
  const points = new Float32Array(2 * MANY).fill(30.5);
  points.set([10.5, 10.5], 0);
  const { out, pick } = flat({ points, group: Uint8Array.from({ length: MANY }, (_, point) => point % 3) });
  const [dense, lone] = [19 * WIDTH + 30, 29 * WIDTH + 10];
  points.set([30.5, 30.5], 0);
  assert.equal(pick[lone], 1);
  assert.equal(pick[9 * WIDTH + 30], MANY);
  assert.equal(out[9 * WIDTH + 30]! & 0xffffff, colours[(MANY - 1) % 3]! & 0xffffff);
  assert.equal(out[9 * WIDTH + 30]! >>> 24, 255);
  assert.ok(out[lone]! >>> 24 < 255 && out[lone]! >>> 24 > 60);
  assert.equal(pick[dense], 0);
  assert.equal(pick.filter((point) => point === 1).length, 4, "two pixels wide and high");
});

test("many points: every pixel picks the highest index of the points in it and left and above of it", () => {
  const next = chance(4);
  const points = Float64Array.from({ length: 2 * MANY }, () => next() * 90 - 15);
  const { pick } = flat({ points });
  const last = new Uint32Array(WIDTH * HEIGHT);
  for (let point = 0; point < MANY; point++) {
    const [x, y] = [Math.floor(points[2 * point]!), Math.floor(40 - points[2 * point + 1]!)];
    for (const [column, row] of [[x, y], [x + 1, y], [x, y + 1], [x + 1, y + 1]] as const) {
      const inside = x >= 0 && y >= 0 && column < WIDTH && row < HEIGHT;
      if (inside) last[row * WIDTH + column] = point + 1;
    }
  }
  assert.deepEqual(pick, last);
});

function space(points: Float32Array | Float64Array, options: Partial<CloudOptions> = {}) {
  const [out, pick] = [new Uint32Array(WIDTH * HEIGHT).fill(9), new Uint32Array(WIDTH * HEIGHT).fill(9)];
  const depth = new Float32Array(WIDTH * HEIGHT).fill(9);
  const by = projection(boundsOf(points), usualCamera(), WIDTH, HEIGHT);
  drawCloud3(out, pick, depth, WIDTH, HEIGHT, { points, colours, ...options }, by);
  return { out, pick, by };
}

/** The nearest of the points that cover a pixel, + 1, and its nearness, by looking at all points for all pixels. */
function slowNearest(
  points: Float64Array, by: Projection, covers: (x: number, y: number, column: number, row: number) => boolean,
): [Uint32Array, Float64Array] {
  const [pick, nearness] = [new Uint32Array(WIDTH * HEIGHT), new Float64Array(WIDTH * HEIGHT).fill(-Infinity)];
  for (let point = 0; point < points.length / 3; point++) {
    const [x, y, near] = project(by, points[3 * point]!, points[3 * point + 1]!, points[3 * point + 2]!);
    for (let row = Math.max(0, Math.floor(y) - 4); row < Math.min(HEIGHT, y + 4); row++) {
      for (let column = Math.max(0, Math.floor(x) - 4); column < Math.min(WIDTH, x + 4); column++) {
        const place = row * WIDTH + column;
        if (!covers(x, y, column, row) || near <= nearness[place]!) continue;
        nearness[place] = near;
        pick[place] = point + 1;
      }
    }
  }
  return [pick, nearness];
}

test("of points of space the nearest is on top, few or many", () => {
  const disc = (x: number, y: number, column: number, row: number): boolean =>
    Math.hypot(column + 0.5 - x, row + 0.5 - y) <= 2;
  const square = (x: number, y: number, column: number, row: number): boolean =>
    column - Math.floor(x) >>> 0 <= 1 && row - Math.floor(y) >>> 0 <= 1;
  for (const [count, covers] of [[400, disc], [MANY, square]] as const) {
    const points = Float64Array.from({ length: 3 * count }, chance(8));
    const { pick, by } = space(points, { radius: 2 });
    const [expected, nearness] = slowNearest(points, by, covers);
    for (let place = 0; place < pick.length; place++) {
      if (pick[place] === expected[place]) continue;
      // Only points nearer to each other than 1/65,536 of the depth of the cloud may have changed places.
      const point = pick[place]! - 1;
      const [x, y, near] = project(by, points[3 * point]!, points[3 * point + 1]!, points[3 * point + 2]!);
      assert.ok(covers(x, y, place % WIDTH, Math.floor(place / WIDTH)) && nearness[place]! - near < 1e-4, `${place}`);
    }
  }
});

test("a nearer point is more opaque than a farther one", () => {
  const points = Float64Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 1);
  const { out, by } = space(points, { radius: 2, opacity: 1 });
  const seen = [0, 1, 2, 3].map((point) => {
    const [x, y, near] = project(by, points[3 * point]!, points[3 * point + 1]!, points[3 * point + 2]!);
    return { near, opacity: out[Math.floor(y) * WIDTH + Math.floor(x)]! >>> 24 };
  }).sort((one, other) => one.near - other.near);
  for (let place = 1; place < 4; place++) assert.ok(seen[place]!.opacity > seen[place - 1]!.opacity);
  assert.equal(seen[3]!.opacity, 255);
});

test("the nearest point within reach is found beside its pixels", () => {
  const { pick } = flat({ points: Float32Array.of(20.5, 20.5, 26.5, 20.5), radius: 0.5, opacity: 1 });
  assert.equal(pickCloud(pick, WIDTH, HEIGHT, 22.5, 19.5), 0);
  assert.equal(pickCloud(pick, WIDTH, HEIGHT, 25.5, 19.5), 1);
  assert.equal(pickCloud(pick, WIDTH, HEIGHT, 25.5, 29.5), -1);
  assert.equal(pickCloud(pick, WIDTH, HEIGHT, 0, 0), -1);
});

test("a colour laid over another mixes by opacity, over nothing it stays itself", () => {
  assert.equal(over(0, 0xff102030, 0.5), 0x80102030);
  assert.equal(over(0xff000000, 0xffffffff, 1), 0xffffffff);
  assert.equal(over(0xff000000, 0xff0000c8, 0.5), 0xff000064);
  assert.equal(over(0, 0xffffffff, 0), 0);
});

test("small pictures stay as they are", () => {
  const next = chance(2);
  const group = Uint8Array.from({ length: 300 }, () => next() * 10);
  const plane = Float32Array.from({ length: 600 }, () => next() * 50);
  assert.equal(hash(flat({ points: plane, group }).out), "b7ee54a1");
  assert.equal(hash(space(plane, { group }).out), "5270270a");
});
