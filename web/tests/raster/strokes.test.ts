import assert from "node:assert/strict";
import { test } from "node:test";
import { packed } from "../../src/raster/colors.js";
import { drawStrokes, type Stroke } from "../../src/raster/strokes.js";
import { chance } from "./pixels.js";

const RED = packed("#ff0000");
const [WIDTH, HEIGHT] = [60, 40];

function drawn(x: readonly number[], y: readonly number[], more: Partial<Stroke> = {}): Uint32Array {
  const out = new Uint32Array(WIDTH * HEIGHT);
  const stroke = { x: Float64Array.from(x), y: Float64Array.from(y), across: [0, 1], down: [0, 1], colour: RED, width: 2, opacity: 1, dash: [] } as const;
  drawStrokes(out, WIDTH, HEIGHT, [{ ...stroke, ...more }]);
  return out;
}

/** Opacities of a column, 0 to 1, from the top. */
const column = (out: Uint32Array, at: number) => Array.from({ length: HEIGHT }, (_, row) => (out[row * WIDTH + at]! >>> 24) / 255);
const sum = (values: readonly number[]) => values.reduce((whole, one) => whole + one, 0);

test("a level line is as wide as asked for, wherever it lies between the pixels", () => {
  for (const y of [10, 10.25, 10.5]) {
    const out = drawn([0, 60], [y, y]);
    for (const at of [0, 30, 59]) assert.ok(Math.abs(sum(column(out, at)) - 2) < 0.02, `${y} ${at}`);
  }
  assert.equal(drawn([0, 60], [10, 10])[9 * WIDTH + 5], RED);
});

test("a slanted line is not bolder than a level one", () => {
  const out = drawn([0, 60], [5, 35]);
  const covered = sum(column(out, 30));
  assert.ok(Math.abs(covered - 2 * Math.hypot(1, 0.5)) < 0.1, `${covered}`);
});

test("the lowest and highest point of every column are seen, however many points there are", () => {
  const next = chance(3);
  const count = 6000;
  const x = Array.from({ length: count }, (_, point) => (point * WIDTH) / count);
  const y = x.map(() => 4 + 30 * next());
  const out = drawn(x, y);
  for (let at = 0; at < WIDTH; at++) {
    const mine = y.filter((_, point) => Math.floor(x[point]!) === at);
    const rows = column(out, at).flatMap((one, row) => (one > 0.2 ? [row] : []));
    assert.ok(Math.abs(rows[0]! - (Math.min(...mine) - 1)) < 1.2 && Math.abs(rows.at(-1)! - Math.max(...mine)) < 1.2, `${at}`);
  }
});

test("what is not finite breaks a line, and what lies outside is left out", () => {
  const out = drawn([0, 20, 30, 40, 60], [10, 10, NaN, 10, 10]);
  assert.deepEqual([10, 25, 35, 50].map((at) => sum(column(out, at)) > 0), [true, false, false, true]);
  assert.ok(drawn([-500, -10], [10, 10]).every((pixel) => pixel === 0));
  assert.ok(drawn([0, 60], [1e6, 1e6]).every((pixel) => pixel === 0));
  assert.ok(drawn([], []).every((pixel) => pixel === 0));
});

test("dashes leave pixels out, and places are scaled", () => {
  const out = drawn([0, 60], [10, 10], { dash: [6, 4] });
  assert.deepEqual([3, 7, 13, 17].map((at) => sum(column(out, at)) > 0), [true, false, true, false]);
  const scaled = drawn([0, 6], [3, 3], { across: [0, 10], down: [40, -10] });
  assert.equal(scaled[9 * WIDTH + 30], RED);
});
