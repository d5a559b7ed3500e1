import assert from "node:assert/strict";
import { test } from "node:test";
import { colourTable, packed } from "../../src/raster/colors.js";
import { over } from "../../src/raster/splat.js";
import { coarseMesh, RISE, surfaceMesh, type Mesh } from "../../src/raster/mesh.js";
import { project, unproject, usualCamera, type Camera, type Projection } from "../../src/raster/project.js";
import {
  drawSurface, pickSurface, roundContour, surfaceProjection, type SurfaceOptions,
} from "../../src/raster/surface.js";
import { chance, hash } from "./pixels.js";

type Place = readonly [number, number, number];
const table = colourTable(false);
const RED = packed("#ff0000");

function field(size: number, height: (x: number, y: number) => number): Mesh {
  const along = Float64Array.from({ length: size }, (_, place) => (2 * place) / (size - 1) - 1);
  const z = Float64Array.from({ length: size * size }, (_, place) =>
    height(along[place % size]!, along[Math.floor(place / size)]!));
  return surfaceMesh({ x: along, y: along, z });
}

function drawn(mesh: Mesh, width: number, height: number, options: Partial<SurfaceOptions> = {}) {
  const [out, depth] = [new Uint32Array(width * height).fill(9), new Float32Array(width * height).fill(9)];
  const camera = options.camera ?? usualCamera();
  drawSurface(out, depth, width, height, { mesh, table, ...options, camera });
  return { out, depth, by: surfaceProjection(mesh, camera, width, height) };
}

/** Corners of the two triangles of each cell, in the units of the axes. */
function triangles(mesh: Mesh): [Place, Place, Place][] {
  const at = (row: number, column: number): Place =>
    [mesh.x[column]!, mesh.y[row]!, mesh.z[row * mesh.columns + column]!];
  const found: [Place, Place, Place][] = [];
  for (let row = 0; row + 1 < mesh.rows; row++) {
    for (let column = 0; column + 1 < mesh.columns; column++) {
      const [a, b, c, d] = [at(row, column), at(row, column + 1), at(row + 1, column + 1), at(row + 1, column)];
      const straight = mesh.slant[row * (mesh.columns - 1) + column] === 1;
      found.push(...(straight ? [[a, b, c], [a, c, d]] : [[a, b, d], [b, c, d]]) as [Place, Place, Place][]);
    }
  }
  return found;
}

const less = (one: Place, other: Place): Place => [one[0] - other[0], one[1] - other[1], one[2] - other[2]];
const dot = (one: Place, other: Place): number => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
const cross = (one: Place, other: Place): Place => [
  one[1] * other[2] - one[2] * other[1], one[2] * other[0] - one[0] * other[2], one[0] * other[1] - one[1] * other[0],
];

/**
 * Nearness at which the ray through a place of the picture meets the nearest triangle; -Infinity for none.
 * `slack` widens the triangles. Source: Moeller and Trumbore (1997), "Fast, minimum storage ray-triangle intersection".
 */
function slowNearness(all: [Place, Place, Place][], by: Projection, x: number, y: number, slack = 0): number {
  const start = unproject(by, x, y, 0);
  const way = less(unproject(by, x, y, 1), start);
  let best = -Infinity;
  for (const [a, b, c] of all) {
    const [one, other] = [less(b, a), less(c, a)];
    const side = cross(way, other);
    const whole = dot(one, side);
    if (Math.abs(whole) < 1e-14) continue;
    const from = less(start, a);
    const turned = cross(from, one);
    const [u, v] = [dot(from, side) / whole, dot(way, turned) / whole];
    if (u >= -slack && v >= -slack && u + v <= 1 + slack) best = Math.max(best, dot(other, turned) / whole);
  }
  return best;
}

test("every pixel shows the nearest triangle, as a slow ray for each pixel finds it", () => {
  const next = chance(6);
  for (const elevation of [0.2, 0.56, -0.4, Math.PI / 2]) {
    const mesh = field(9, (x, y) => Math.sin(3 * x) * Math.cos(4 * y) + 0.3 * next());
    const camera: Camera = { azimuth: 6 * next(), elevation, zoom: 1.4 };
    const { out, depth, by } = drawn(mesh, 64, 48, { camera });
    const all = triangles(mesh);
    let hits = 0;
    for (let place = 0; place < depth.length; place++) {
      const [x, y] = [(place % 64) + 0.5, Math.floor(place / 64) + 0.5];
      const [low, high] = [slowNearness(all, by, x, y, -1e-6), slowNearness(all, by, x, y, 1e-6)];
      const near = depth[place]!;
      assert.ok(near === low || near === high || (near > low - 1e-5 && near < high + 1e-5), `${x} ${y} ${near} ${low}`);
      if (near > -Infinity) hits++;
      if (near > -Infinity) assert.ok(out[place]! >>> 24 > 0);
    }
    assert.ok(hits > 500);
  }
});

test("the place under a pixel is where the surface is, with its nearest corner and its cell", () => {
  const mesh = field(11, (x, y) => x * x - y);
  const camera: Camera = { azimuth: 0.3, elevation: 1.3, zoom: 1 };
  const { depth, by } = drawn(mesh, 80, 60, { camera });
  for (const [row, column] of [[2, 3], [5, 5], [9, 1]] as const) {
    const [x, y] = project(by, mesh.x[column]!, mesh.y[row]!, mesh.z[row * 11 + column]!);
    const found = pickSurface(depth, 80, 60, mesh, camera, x, y);
    assert.deepEqual([found?.row, found?.column], [row, column]);
  }
  for (let place = 0; place < depth.length; place++) {
    const found = pickSurface(depth, 80, 60, mesh, camera, place % 80, Math.floor(place / 80));
    assert.equal(found === null, depth[place] === -Infinity);
    if (!found) continue;
    assert.ok(mesh.x[found.cellColumn]! <= found.x + 1e-5 && found.x <= mesh.x[found.cellColumn + 1]! + 1e-5);
    assert.ok(mesh.y[found.cellRow]! <= found.y + 1e-5 && found.y <= mesh.y[found.cellRow + 1]! + 1e-5);
  }
  assert.equal(pickSurface(depth, 80, 60, mesh, camera, 0, 0), null);
  assert.equal(pickSurface(depth, 80, 60, mesh, camera, -3, 900), null);
});

test("contour lines lie on their heights, and on every one of them", () => {
  const mesh = field(41, (x, y) => x * x * x + 0.4 * y);
  const camera: Camera = { azimuth: 0.4, elevation: Math.PI / 2 - 0.2, zoom: 1.3 };
  const contour = { base: 0.07, step: 0.25 };
  const plain = drawn(mesh, 200, 160, { camera });
  const lined = drawn(mesh, 200, 160, { camera, contour });
  const steps = (place: number): number => {
    const found = pickSurface(plain.depth, 200, 160, mesh, camera, place % 200, Math.floor(place / 200));
    return found ? (found.z - contour.base) / contour.step : NaN;
  };
  let lines = 0;
  for (let row = 2; row < 158; row++) {
    for (let column = 2; column < 198; column++) {
      const place = row * 200 + column;
      const around = [-2, 0, 2].flatMap((down) => [-2, 0, 2].map((right) => steps(place + down * 200 + right)));
      if (around.some(Number.isNaN)) continue;
      const crosses = new Set(around.map(Math.floor)).size > 1;
      const through = Math.floor(steps(place)) !== Math.floor(steps(place + 1));
      const dark = plain.out[place] !== lined.out[place];
      const beside = plain.out[place + 1] !== lined.out[place + 1];
      if (dark) assert.ok(crosses, `${column} ${row} is far from a line`);
      if (through) lines++;
      if (through) assert.ok(dark || beside, `${column} ${row} lacks its line`);
    }
  }
  assert.ok(lines > 300);
});

test("contour lines are equally wide on all slopes", () => {
  const mesh = field(9, (x) => x);
  for (const zoom of [0.8, 2, 5]) {
    const camera: Camera = { azimuth: 0, elevation: Math.PI / 2, zoom };
    const plain = drawn(mesh, 200, 200, { camera });
    const lined = drawn(mesh, 200, 200, { camera, contour: { base: 0.013, step: 9 } });
    let [width, darkest] = [0, 1];
    for (let place = 100 * 200; place < 101 * 200; place++) {
      const share = (lined.out[place]! & 0xff00) / Math.max(plain.out[place]! & 0xff00, 1);
      if (plain.out[place] === lined.out[place]) continue;
      width += (1 - share) / 0.28;
      darkest = Math.min(darkest, share);
    }
    assert.ok(Math.abs(width - 1.1) < 0.2, `zoom ${zoom}: ${width} pixels`);
    assert.ok(darkest < 0.86 && darkest > 0.65, `${darkest}`);
  }
});

test("flat ground that lies on a contour height is not filled by the line", () => {
  const mesh = field(11, (x) => Math.max(0, x));
  const plain = drawn(mesh, 60, 40);
  const lined = drawn(mesh, 60, 40, { contour: { base: 0, step: 5 } });
  const changed = plain.out.filter((pixel, place) => pixel !== lined.out[place]).length;
  assert.ok(changed < 80, `${changed}`);
});

test("round contour heights are 1, 2 or 5 times a power of ten", () => {
  assert.deepEqual(roundContour(0, 14), { base: 0, step: 1 });
  assert.deepEqual(roundContour(3, 31), { base: 4, step: 2 });
  assert.equal(roundContour(0, 0.07)?.step, 0.005);
  assert.equal(roundContour(2, 2), null);
  assert.equal(roundContour(0, NaN), null);
});

const hill = (x: number, y: number): number => Math.exp(-12 * (x * x + (y + 0.2) ** 2));
const FROM_FRONT: Camera = { azimuth: 0, elevation: 0.35, zoom: 1 };

/** A path from left to right over a hill. */
function across(y: number): Float64Array {
  const points = new Float64Array(3 * 81);
  for (let point = 0; point <= 80; point++) points.set([point / 40 - 1, y, hill(point / 40 - 1, y)], 3 * point);
  return points;
}

test("a path is seen where the surface does not hide it, and thin and pale behind a hill", () => {
  let [seen, hidden, barely] = [0, 0, 0];
  const bare = drawn(field(81, hill), 320, 240, { camera: FROM_FRONT }).out;
  for (const y of [0.45, 0.05, 0, -0.05, -0.08, -0.1]) {
    const points = across(y);
    const path = { points, colour: RED, casing: packed("#ffffff") };
    const { out, depth, by } = drawn(field(81, hill), 320, 240, { camera: FROM_FRONT, paths: [path] });
    for (let point = 1; point < 80; point++) {
      const [right, down, near] = project(by, points[3 * point]!, points[3 * point + 1]!, points[3 * point + 2]!);
      const place = Math.floor(down) * 320 + Math.floor(right);
      const behind = depth[place]! - near;
      if (behind < 0.03) seen++;
      if (behind > 0.085) hidden++;
      if (behind > 0.085 && behind < 0.115) barely++;
      if (behind < 0.03) assert.equal(out[place], RED, `point ${point}`);
      if (behind > 0.085) assert.ok(out[place] !== RED && out[place] !== bare[place], `point ${point}`);
    }
  }
  assert.ok(seen > 100 && hidden > 20 && barely > 0, `${seen} ${hidden} ${barely}`);
});

test("a wide path does not cover what stands before it, but shows through in the one pale colour", () => {
  const points = across(0.45);
  const path = { points, colour: RED, casing: packed("#ffffff"), width: 16 };
  const { out, depth, by } = drawn(field(81, hill), 320, 240, { camera: FROM_FRONT, paths: [path] });
  const nearest = project(by, 0, 0.45, hill(0, 0.45))[2];
  const red = depth.filter((_, place) => out[place] === RED);
  assert.ok(red.length > 500 && red.every((near) => near < nearest + 0.13));
  const pale = new Map<number, number>();
  out.forEach((pixel, place) => depth[place]! > nearest + 0.13 && pale.set(pixel, (pale.get(pixel) ?? 0) + 1));
  assert.ok(pale.get(over(RED, packed("#3d8a92"), 0.5))! > 100, `${[...pale.values()]}`);
});

test("a path is drawn up to its count and breaks at NaN", () => {
  const mesh = field(5, () => 0);
  const points = Float64Array.of(-0.8, 0, 0, -0.4, 0, 0, NaN, 0, 0, 0.4, 0, 0, 0.8, 0, 0);
  const camera: Camera = { azimuth: 0, elevation: Math.PI / 2, zoom: 1 };
  const red = (count: number): boolean[] => {
    const paths = [{ points, count, colour: RED, casing: packed("#ffffff") }];
    const { out, by } = drawn(mesh, 120, 120, { camera, paths });
    return [-0.6, 0, 0.6].map((x) => {
      const [right, down] = project(by, x, 0, 0);
      return out[Math.floor(down) * 120 + Math.floor(right)] === RED;
    });
  };
  assert.deepEqual(red(5), [true, false, true]);
  assert.deepEqual(red(2), [true, false, false]);
  assert.deepEqual(red(0), [false, false, false]);
});

test("a ball is seen before the surface, a ghost behind it, and picking goes through it", () => {
  const mesh = field(61, hill);
  const camera = FROM_FRONT;
  const bare = drawn(mesh, 320, 240, { camera });
  const change = (at: Place, ghost: number): number => {
    const { out, depth } = drawn(mesh, 320, 240, { camera, balls: [{ at, radius: 6, colour: RED, ghost }] });
    assert.deepEqual(depth, bare.depth);
    return out.reduce((sum, pixel, place) => sum + Math.abs((pixel & 255) - (bare.out[place]! & 255)), 0);
  };
  const [before, behind] = [[0.7, -0.5, hill(0.7, -0.5)], [0, 0.4, hill(0, 0.4)]] as const;
  assert.ok(change(before, 0) > 5000);
  assert.equal(change(behind, 0), 0);
  const ghost = change(behind, 0.25);
  assert.ok(ghost > 0 && ghost < 0.5 * change(behind, 1));
});

test("a ball throws a shadow on the ground beside it, away from the light, and on nothing else", () => {
  const mesh = field(41, (x) => 0.2 * x);
  const camera: Camera = { azimuth: 0, elevation: Math.PI / 2, zoom: 1 };
  const bare = drawn(mesh, 240, 240, { camera });
  const { out, by } = drawn(mesh, 240, 240, { camera, balls: [{ at: [0, 0, 0], radius: 6, colour: RED }] });
  const at = (right: number, up: number): number => {
    const [x, y] = project(by, 0, 0, 0);
    const place = Math.floor(y - up) * 240 + Math.floor(x + right);
    return (out[place]! & 0xff00) / (bare.out[place]! & 0xff00);
  };
  assert.ok(at(7, 6) < 0.9 && at(7, 6) < at(-8, -7));
  assert.deepEqual([at(30, 0), at(-30, 0), at(0, 30), at(0, -30)], [1, 1, 1, 1]);
});

test("a coarse mesh has the ends, the colours and every second corner of the whole one", () => {
  const mesh = field(101, (x, y) => x * x - y);
  const coarse = coarseMesh(mesh);
  assert.deepEqual([coarse.rows, coarse.columns, coarse.bounds, coarse.limits], [51, 51, mesh.bounds, mesh.limits]);
  assert.equal(coarse.z[3 * 51 + 7], mesh.z[6 * 101 + 14]);
  assert.equal(coarse.z.at(-1), mesh.z.at(-1));
  const even = coarseMesh(field(100, (x) => x));
  assert.deepEqual([even.columns, even.x[49], even.x[50]], [51, field(100, (x) => x).x[98], 1]);
  const small = field(9, (x) => x);
  assert.equal(coarseMesh(small), small);
});

test("holes stay open, and a flat surface is drawn", () => {
  const holed = field(21, (x, y) => (Math.hypot(x, y) < 0.4 ? NaN : 0.1 * x));
  const camera: Camera = { azimuth: 0, elevation: Math.PI / 2, zoom: 1 };
  const { out } = drawn(holed, 100, 100, { camera });
  assert.equal(out[50 * 100 + 50], 0);
  assert.ok(out[50 * 100 + 25]! >>> 24 === 255);
  const flat = drawn(field(3, () => 7), 100, 100, { camera });
  assert.equal(flat.out[50 * 100 + 50]! >>> 24, 255);
});

test("cells are split along the diagonal that differs less in height", () => {
  const [x, y] = [Float64Array.of(0, 1), Float64Array.of(0, 1)];
  assert.equal(surfaceMesh({ x, y, z: Float64Array.of(0.5, 0, 1, 0.5) }).slant[0], 1);
  assert.equal(surfaceMesh({ x, y, z: Float64Array.of(0, 0.5, 0.5, 1) }).slant[0], 0);
});

test("rims are smooth: partly covered pixels are partly opaque, also where the surface hides a part of itself", () => {
  const mesh = field(41, hill);
  const { out, depth } = drawn(mesh, 160, 120, { camera: FROM_FRONT });
  const rim = out.filter((pixel) => pixel >>> 24 > 0 && pixel >>> 24 < 255).length;
  assert.ok(rim > 200 && rim < 2000, `${rim}`);
  out.forEach((pixel, place) => {
    const near = [1, -1, 160, -160].map((step) => depth[place + step] ?? -Infinity);
    if (depth[place]! > -Infinity && near.every((one) => Math.abs(one - depth[place]!) < 0.08)) {
      assert.equal(pixel >>> 24, 255);
    }
  });
});

test("places facing the light are brighter", () => {
  const mesh = field(31, (x, y) => -(x * x) - y * y);
  const at = (row: number, column: number): number => mesh.light[row * 31 + column]!;
  assert.ok(at(5, 5) > at(25, 25));
  assert.ok(mesh.light.every((light) => light >= 0.62 && light <= 1.07 + 1e-6));
});

test("falling axes give the picture of rising ones", () => {
  const mesh = field(7, (x, y) => x + y * y);
  const reverse = surfaceMesh({
    x: mesh.x.slice().reverse(), y: mesh.y,
    z: mesh.z.map((_, place) => mesh.z[Math.floor(place / 7) * 7 + 6 - (place % 7)]!),
  });
  const [one, other] = [drawn(mesh, 60, 40), drawn(reverse, 60, 40)];
  one.depth.forEach((near, place) => {
    assert.ok(near === other.depth[place] || Math.abs(near - other.depth[place]!) < 0.02);
  });
});

test("a surface uses the share of the height that the static pictures use", () => {
  const mesh = field(3, (x) => x);
  const front: Camera = { azimuth: 0, elevation: 0, zoom: 1 };
  const by = surfaceProjection(mesh, front, 324, 324);
  assert.ok(Math.abs(project(by, 0, 0, 1)[1] - (162 - 100 * RISE)) < 1e-9);
});

test("a small picture stays as it is", () => {
  const mesh = field(15, (x, y) => x * x - 0.5 * y * y * x);
  const points = Float64Array.of(-0.9, -0.9, 0.9, 0, 0, 0, 0.5, 0.5, 0.2);
  const { out } = drawn(mesh, 64, 48, {
    contour: roundContour(-0.5, 1.5), paths: [{ points, colour: RED, casing: packed("#ffffff") }],
    balls: [{ at: [0.5, 0.5, 0.2], radius: 4, colour: packed("#2b6cb0") }],
  });
  assert.equal(hash(out), "c669b5cf");
});
