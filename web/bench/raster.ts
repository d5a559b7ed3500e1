/** Median and best milliseconds of drawing each mark at 800 x 600; run after a build with `node`. */

import { colourLimits, colourTable, groupColours } from "../src/raster/colors.js";
import { drawCloud2, drawCloud3 } from "../src/raster/cloud.js";
import { drawHeat } from "../src/raster/heat.js";
import { surfaceMesh } from "../src/raster/mesh.js";
import { boundsOf, projection, usualCamera } from "../src/raster/project.js";
import { drawSurface, roundContour } from "../src/raster/surface.js";
import { drawTiles, layoutTiles, tileLimits } from "../src/raster/tiles.js";

const [WIDTH, HEIGHT] = [800, 600];
const out = new Uint32Array(WIDTH * HEIGHT);
const pick = new Uint32Array(WIDTH * HEIGHT);
const depth = new Float32Array(WIDTH * HEIGHT);

/** Numbers between 0 and 1 that are the same in every run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
}

function time(name: string, draw: (turn: number) => void, turns = 31): void {
  for (let turn = 0; turn < 10; turn++) draw(turn);
  const times = Array.from({ length: turns }, (_, turn) => {
    const start = performance.now();
    draw(turn);
    return performance.now() - start;
  }).sort((one, other) => one - other);
  const show = (share: number): string => (times[Math.floor(share * (turns - 1))] ?? 0).toFixed(1).padStart(7);
  console.log(`${name.padEnd(34)}${show(0.5)} ms median ${show(0)} ms best`);
}

function heat(size: number): void {
  const next = chance(size);
  const values = Float32Array.from({ length: size * size }, () => normal(next));
  const [lo, hi] = colourLimits(values, true);
  const options = { values, rows: size, columns: size, table: colourTable(true), lo, hi, signed: true };
  time(`heat ${size} x ${size}`, () => drawHeat(out, WIDTH, HEIGHT, options));
}

function surface(size: number): void {
  const along = Float64Array.from({ length: size }, (_, place) => (6 * place) / (size - 1) - 3);
  const height = (x: number, y: number): number => Math.sin(1.6 * x) * Math.cos(1.3 * y) + 0.12 * (x * x + y * y);
  const z = new Float32Array(size * size);
  for (let place = 0; place < z.length; place++) z[place] = height(along[place % size]!, along[(place / size) | 0]!);
  const mesh = surfaceMesh({ x: along, y: along, z });
  const points = new Float64Array(300 * 3);
  for (let point = 0; point < 300; point++) {
    const [x, y] = [2.6 * Math.cos(point / 50) * (1 - point / 330), 2.6 * Math.sin(point / 50) * (1 - point / 330)];
    points.set([x, y, height(x, y)], 3 * point);
  }
  const paths = [{ points, colour: 0xff2a2fbf, casing: 0xffffffff }];
  const contour = roundContour(mesh.limits[0], mesh.limits[1]);
  time(`surface ${size} x ${size}, path, ball`, (turn) => {
    const at = 3 * ((turn * 7) % 300);
    const ball = { at: [points[at]!, points[at + 1]!, points[at + 2]!] as const, radius: 9, colour: 0xff2a2fbf };
    const camera = { ...usualCamera(), azimuth: turn / 10 };
    drawSurface(out, depth, WIDTH, HEIGHT, { mesh, camera, table: colourTable(false), contour, paths, balls: [ball] });
  });
}

function cloud(count: number, size: 2 | 3): void {
  const next = chance(count);
  const group = Uint8Array.from({ length: count }, () => Math.floor(next() * 10));
  const points = new Float32Array(count * size);
  for (let place = 0; place < points.length; place++) {
    points[place] = normal(next) + 3 * Math.sin(group[(place / size) | 0]! * ((place % size) + 1));
  }
  const options = { points, group, colours: groupColours(10) };
  if (size === 2) {
    const view = { x0: -6, x1: 6, y0: -6, y1: 6 };
    time(`cloud ${count} in a plane`, () => drawCloud2(out, pick, WIDTH, HEIGHT, options, view));
    return;
  }
  const bounds = boundsOf(points);
  time(`cloud ${count} in space`, (turn) => {
    const by = projection(bounds, { ...usualCamera(), azimuth: turn / 10 }, WIDTH, HEIGHT);
    drawCloud3(out, pick, depth, WIDTH, HEIGHT, options, by);
  });
}

function tiles(): void {
  const next = chance(144);
  const images = Float32Array.from({ length: 144 * 64 * 64 }, next);
  const layout = layoutTiles({ count: 144, rows: 64, columns: 64, width: WIDTH });
  const table = colourTable(false);
  time("144 tiles of 64 x 64, own scales", () => {
    const limits = tileLimits(images, 144, false, false);
    drawTiles(out, WIDTH, HEIGHT, { images, rows: 64, columns: 64, channels: 1, layout, table, limits });
  });
}

for (const size of [512, 1024, 2048]) heat(size);
for (const size of [101, 201]) surface(size);
cloud(100_000, 2);
cloud(1_000_000, 2);
cloud(1_000_000, 3);
tiles();
