import assert from "node:assert/strict";
import { test } from "node:test";
import {
  acrossOf, axisAt, bandAt, downOf, heightOf, isKept, namesBeside, plotOf, rowAt, rowName, rowWords, SIDE,
} from "../src/parallel.js";
import type { Axis, Parallel } from "../src/types.js";
import { AXIS } from "./frames.js";

const axis = (more: Partial<Axis>): Axis => ({ ...(AXIS as unknown as Axis), ...more });
const AXES = [
  axis({ label: "rate", scale: "log" }), axis({ label: "depth", unit: "layers" }), axis({ categories: ["SGD", "Adam"] }),
  axis({ label: "loss", limits: [0, 2] }),
];
const VALUES = Float64Array.of(0.001, 2, 0, 0.5, 0.1, 4, 1, 1, 0.01, 3, 1, NaN);
const MARK: Parallel = {
  kind: "parallel", axes: AXES, rows: { shape: [3, 4], values: VALUES }, names: ["a", "b"], value: null, label: "",
};

test("values stand where the scale, the names or the limits of their axis put them", () => {
  const { shares, spans } = plotOf(MARK, 900);
  assert.deepEqual([...shares].map((one) => Math.round(one * 1000) / 1000), [0, 0, 0, 0.25, 1, 1, 1, 0.5, 0.5, 0.5, 1, NaN]);
  assert.deepEqual(spans, [[-3, -1], [2, 4], [0, 1], [0, 2]]);
});

test("axes that find no room stand in further rows, which share an axis", () => {
  assert.deepEqual(plotOf(MARK, 900).bands, [{ first: 0, count: 4 }]);
  const narrow = plotOf(MARK, 270);
  assert.deepEqual(narrow.bands, [{ first: 0, count: 3 }, { first: 2, count: 2 }]);
  assert.equal(heightOf(narrow), 2 * heightOf(plotOf(MARK, 900)));
  assert.deepEqual([0, 1, 2].map((one) => acrossOf(narrow, narrow.bands[0]!, one)), [SIDE, 135, 270 - SIDE]);
  assert.equal(bandAt(narrow, downOf(1, 0.5)), 1);
  const one = plotOf({ ...MARK, axes: AXES.slice(0, 1), rows: { shape: [3, 1], values: VALUES.slice(0, 3) } }, 300);
  assert.deepEqual(one.bands, [{ first: 0, count: 1 }]);
  assert.deepEqual(plotOf({ ...MARK, axes: [], rows: { shape: [0, 0], values: new Float64Array(0) } }, 300).bands, []);
});

test("the line and the axis under the pointer are found", () => {
  const plot = plotOf(MARK, 900);
  const x = acrossOf(plot, plot.bands[0]!, 0.5);
  const every = () => true;
  assert.equal(rowAt(plot, every, x, downOf(0, 0.02), 12), 0);
  assert.equal(rowAt(plot, every, x, downOf(0, 0.97), 12), 1);
  assert.equal(rowAt(plot, (row) => row !== 1, x, downOf(0, 0.97), 12), -1);
  assert.equal(rowAt(plot, every, x, downOf(0, 0.25), 12), -1);
  const found = axisAt(plot, acrossOf(plot, plot.bands[0]!, 2) + 5, downOf(0, 0.25), 16)!;
  assert.deepEqual([found.axis, found.band, Math.round(found.share * 100)], [2, 0, 25]);
  assert.equal(axisAt(plot, x, 100, 16), null);
});

test("a brush keeps the lines inside its range; a missing value is outside", () => {
  const plot = plotOf(MARK, 900);
  const kept = (brushes: [number, readonly [number, number]][]) => [0, 1, 2].filter((row) => isKept(plot, new Map(brushes), row));
  assert.deepEqual(kept([]), [0, 1, 2]);
  assert.deepEqual(kept([[0, [0.4, 1]]]), [1, 2]);
  assert.deepEqual(kept([[0, [0.4, 1]], [3, [0, 1]]]), [1]);
});

test("names stand beside the ends of their lines, none over another, and none below the axis", () => {
  const rows = Float64Array.of(0, 0.5, 0.02, 0.5, 0.01, 0.5, 1, 0.5, NaN, NaN);
  const mark = { ...MARK, axes: AXES.slice(3).concat(AXES[3]!), rows: { shape: [5, 2], values: rows.map((_, at) => rows[at ^ 1]!) }, names: ["a", "b", "c", "d", "e"] };
  const found = namesBeside(plotOf(mark, 900, [60, 80]), (row) => row !== 3);
  assert.deepEqual(found.map(({ row }) => row), [0, 2, 1]);
  const foot = downOf(0, 0);
  assert.deepEqual(found.map(({ down }) => Math.round(down - foot)), [0, -14, -28]);
  assert.ok(found.every(({ y }) => y <= foot && y > foot - 5));
});

test("a line is told in words", () => {
  assert.deepEqual([rowName(MARK, 0), rowName(MARK, 2)], ["a", "row 2"]);
  assert.deepEqual(rowWords(MARK, 2), [
    { label: "rate", value: "0.01" }, { label: "depth", value: "3 layers" }, { label: "axis 2", value: "Adam" },
    { label: "loss", value: "not measured" },
  ]);
});
