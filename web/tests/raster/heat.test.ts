import assert from "node:assert/strict";
import { test } from "node:test";
import { colourOf, colourTable } from "../../src/raster/colors.js";
import { drawHeat, drawPicture, pickHeat, recut, smoothed, type HeatOptions } from "../../src/raster/heat.js";
import { ask, noPython } from "../python.js";
import { chance, hash, named } from "./pixels.js";

const KINDS = [(values: number[]) => Float32Array.from(values), (values: number[]) => Float64Array.from(values)];
const table = colourTable(false);
const shade = (value: number): number => colourOf(table, value, 0, 3);

function drawn(width: number, height: number, options: Partial<HeatOptions> & { values: HeatOptions["values"] }) {
  const out = new Uint32Array(width * height).fill(0x12345678);
  const whole = { rows: 2, columns: 2, table, lo: 0, hi: 3, ...options };
  drawHeat(out, width, height, whole);
  return { out, whole, at: (x: number, y: number): number => out[y * width + x]! };
}

test("four values fill the four quarters exactly, row 0 at the top", () => {
  const { at } = drawn(6, 4, { values: Float32Array.of(0, 1, 2, 3) });
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < 6; x++) assert.equal(at(x, y), shade((y < 2 ? 0 : 2) + (x < 3 ? 0 : 1)));
  }
});

test("row 0 lies at the bottom where the origin is lower", () => {
  const { at, whole } = drawn(6, 4, { values: Float64Array.of(0, 1, 2, 3), origin: "lower" });
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < 6; x++) assert.equal(at(x, y), shade((y < 2 ? 2 : 0) + (x < 3 ? 0 : 1)));
  }
  assert.deepEqual(pickHeat(6, 4, whole, 5, 3), { row: 0, column: 1 });
});

test("columns are as wide as their edges say, rising or falling", () => {
  const values = Float32Array.of(0, 1, 2, 3);
  const rising = drawn(10, 2, { values, rows: 1, columns: 4, xEdges: Float64Array.of(0, 1, 2, 5, 10) });
  const expected = [0, 1, 2, 2, 2, 3, 3, 3, 3, 3];
  assert.deepEqual([...rising.out.slice(0, 10)], expected.map(shade));
  const falling = drawn(10, 2, { values, rows: 1, columns: 4, xEdges: Float64Array.of(10, 9, 8, 5, 0) });
  assert.deepEqual([...falling.out.slice(0, 10)], [...expected].reverse().map(shade));
  assert.deepEqual(pickHeat(10, 2, falling.whole, 9, 0), { row: 0, column: 0 });
});

test("a pixel shows the cells whose middles lie in it", () => {
  const values = Float32Array.of(3, 0, 1, 2);
  const { out, whole } = drawn(2, 1, { values, rows: 1, columns: 4, view: { x0: 0.4, x1: 4.4, y0: 0, y1: 1 } });
  assert.deepEqual([...out], [shade(3), shade(2)]);
  assert.deepEqual(pickHeat(2, 1, whole, 0, 0), { row: 0, column: 0 });
});

test("a view shows its part of the plane, and nothing beyond the matrix", () => {
  const values = Float32Array.of(0, 1, 2, 3);
  const { at, whole } = drawn(4, 4, { values, view: { x0: 1, x1: 3, y0: -1, y1: 1 } });
  assert.equal(at(0, 0), 0);
  assert.equal(at(0, 2), shade(1));
  assert.equal(at(1, 3), shade(1));
  assert.equal(at(2, 3), 0);
  assert.equal(pickHeat(4, 4, whole, 2, 3), null);
  assert.deepEqual(pickHeat(4, 4, whole, 1.9, 2.2), { row: 0, column: 1 });
});

test("NaN is transparent, and skipped beside other values in a pixel", () => {
  assert.equal(drawn(2, 2, { values: Float32Array.of(NaN, 1, 2, 3) }).at(0, 0), 0);
  for (const kind of KINDS) {
    assert.equal(drawn(1, 1, { values: kind([NaN, NaN, 2, NaN]) }).at(0, 0), shade(2));
    assert.equal(drawn(1, 1, { values: kind([NaN, NaN, NaN, NaN]) }).at(0, 0), 0);
  }
});

test("0 has the neutral colour of a signed map whatever the limits", () => {
  const signed = colourTable(true);
  const out = new Uint32Array(2);
  const values = Float32Array.of(0, -5);
  drawHeat(out, 2, 1, { values, rows: 1, columns: 2, table: signed, lo: -1, hi: 5, signed: true });
  assert.equal(out[0], signed[512]);
  assert.equal(out[1], signed[0]);
});

test("a single spike stays visible, in its own colour, however small its pixel, and is what is picked", () => {
  const size = 997;
  const signed = colourTable(true);
  for (const [kind, spike] of [[KINDS[0]!, -9], [KINDS[1]!, -9], [KINDS[0]!, 9]] as const) {
    const next = chance(3);
    const values = kind(Array.from({ length: size * size }, () => next() - 0.5));
    values[123 * size + 456] = spike;
    const options = { values, rows: size, columns: size, table: signed, lo: -9, hi: 9, signed: true };
    const out = new Uint32Array(70 * 50);
    drawHeat(out, 70, 50, options);
    const colour = colourOf(signed, spike, -9, 9);
    const [x, y] = [Math.floor((456.5 * 70) / size), Math.floor((123.5 * 50) / size)];
    assert.equal(out[y * 70 + x], colour);
    assert.equal(out.filter((pixel) => pixel === colour).length, 1);
    assert.deepEqual(pickHeat(70, 50, options, x + 0.5, y + 0.5), { row: 123, column: 456 });
  }
});

test("every pixel shows the cell that is picked there", () => {
  for (const kind of KINDS) {
    const next = chance(11);
    const values = kind(Array.from({ length: 31 * 17 }, () => (next() < 0.2 ? NaN : Math.round(6 * next() - 3))));
    const xEdges = Float64Array.from({ length: 18 }, (_, place) => place ** 2);
    const signed = colourTable(true);
    const view = { x0: -20, x1: 250, y0: 3, y1: 40 };
    const options = { values, rows: 31, columns: 17, xEdges, view, table: signed, lo: -3, hi: 3, signed: true };
    for (const [width, height] of [[40, 12], [9, 60]] as const) {
      const out = new Uint32Array(width * height);
      drawHeat(out, width, height, options);
      for (let place = 0; place < out.length; place++) {
        const cell = pickHeat(width, height, options, place % width, Math.floor(place / width));
        const expected = cell ? colourOf(signed, values[cell.row * 17 + cell.column]!, -3, 3) : 0;
        assert.equal(out[place], expected);
      }
    }
  }
});

test("edges that do not fit are refused in words", () => {
  const options = { values: Float32Array.of(1, 2), rows: 1, columns: 2, table, lo: 0, hi: 3 };
  const out = new Uint32Array(4);
  const edges = (...places: number[]) => () => drawHeat(out, 2, 2, { ...options, xEdges: Float64Array.from(places) });
  assert.throws(edges(0, 1), { name: "RangeError", message: "The edges turn back or break off: 0, then 1." });
  assert.throws(edges(0, NaN, 1), { name: "RangeError", message: "The edges turn back or break off: 0, then NaN." });
  assert.throws(edges(0, 2, 1), { name: "RangeError", message: "The edges turn back or break off: 2, then 1." });
});

test("a small picture stays as it is", () => {
  const next = chance(5);
  const values = Float32Array.from({ length: 40 * 40 }, () => next() * 3);
  const { out } = drawn(48, 36, { values, rows: 40, columns: 40, origin: "lower" });
  assert.equal(hash(out), "696660b0");
});

test("a coarse matrix is smoothed as the static pictures smooth it", { skip: noPython }, () => {
  const values = Float64Array.from({ length: 12 }, (_, place) => Math.sin(5 * place));
  const expected = ask<number[][]>(
    "import numpy as np\nfrom pellucid.core.figure.scales import smoothed\n"
    + "answer = smoothed(np.array(given).reshape(3, 4), 7, 9).tolist()", [...values],
  );
  const found = smoothed({ values, rows: 3, columns: 4, lo: 0, hi: 1, table: colourTable(true) }, 7, 9);
  expected.flat().forEach((value, place) => assert.ok(Math.abs(found[place]! - value) < 1e-6, `${place}`));
});

test("a picture fills the place of the matrix over it, whatever its own number of pixels", () => {
  const xEdges = Float64Array.of(10, 20, 30);
  const yEdges = Float64Array.of(0, 4);
  const matrix = { values: Float64Array.of(1, 2), rows: 1, columns: 2, xEdges, yEdges, lo: 0, hi: 2, table: colourTable(false) };
  const picture = recut(matrix, Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1), 1, 4);
  assert.deepEqual([...(picture.xEdges as Float64Array)], [10, 15, 20, 25, 30]);
  const out = new Uint32Array(8);
  drawPicture(out, 8, 1, picture, 3);
  assert.deepEqual([...out].map(named), ["#ff0000", "#ff0000", "#00ff00", "#00ff00", "#0000ff", "#0000ff", "#ffffff", "#ffffff"]);
  const beyond = new Uint32Array(4);
  drawPicture(beyond, 4, 1, { ...recut(matrix, Float32Array.of(0.5), 1, 1), view: { x0: 20, x1: 40, y0: 0, y1: 4 } }, 1);
  assert.deepEqual([...beyond].map((pixel) => pixel >>> 24), [255, 255, 0, 0]);
  assert.equal(named(beyond[0]!), "#808080");
});
