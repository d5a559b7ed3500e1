import assert from "node:assert/strict";
import { test } from "node:test";
import { extentOf } from "../src/extent.js";
import { project, ticks, valueAt } from "../src/scale.js";
import type { Axis, Panel } from "../src/types.js";
import { exact, fixed, number, plain } from "../src/words.js";
import { AXIS } from "./frames.js";
import { ask, noPython } from "./python.js";

const axis = (more: Partial<Axis> = {}): Axis => ({ ...(AXIS as Axis), ...more });

/** Numbers of all sizes, exact halves among them. */
function someNumbers(): number[] {
  const found = [0, -0.5, 0.125, 2.5, 12.5, 99.95, 99.96, 9.995, 9.996, 999.5, 1250, 99999.4, 1e5, 1e-3, 9.999e-4, 3.2e-7, -4.44e12];
  let seed = 7;
  for (let place = 0; place < 400; place++) {
    seed = (seed * 48271) % 2147483647;
    const size = 10 ** ((seed % 3000) / 100 - 15);
    found.push((place % 2 ? -1 : 1) * Number((size * ((seed >> 8) % 1000)).toPrecision(1 + (place % 6))));
  }
  return found;
}

const SPANS: [Partial<Axis>, number, number][] = [
  [{}, 0, 1], [{}, -0.123, 4.7], [{}, 0, 12345], [{}, -2e6, 3e6], [{}, 0, 4e9], [{}, 1e-6, 5e-6], [{}, -1, -0.2],
  [{}, 0, 1e12], [{}, 41, 41.02], [{ scale: "log" }, -4.3, 2.2], [{ scale: "log" }, 0.1, 0.8], [{ scale: "log" }, -12, 12],
  [{ scale: "log" }, 0.05, 1.2], [{ scale: "symlog", threshold: 0.001 }, -4, 3.3], [{ scale: "symlog", threshold: 2 }, -0.5, 0.9],
  [{ scale: "symlog", threshold: 0.3 }, -2.5, 6], [{ categories: ["a", "b", "c", "d", "e"] }, -0.5, 4.5],
  [{ categories: ["a", "b"] }, -3, 9],
];

test("numbers are written as a reader would write them", () => {
  const written = [0.041, 1250, 3.2e-7, -0.5, 1e-9, NaN, -Infinity, 100000].map(number);
  assert.deepEqual(written, ["0.041", "1,250", "3.2×10⁻⁷", "−0.5", "10⁻⁹", "NaN", "−∞", "10⁵"]);
  assert.deepEqual([2.5, 3.5, 0.125].map((one) => fixed(one, one < 1 ? 2 : 0)), ["2", "4", "0.12"]);
});

test("exact values keep six figures, and whole numbers all", () => {
  const written = [1 / 3, 1234567, 0.1, -2.5e-8, 123456.789, 3e9, 1e20].map(exact);
  assert.deepEqual(written, ["0.333333", "1,234,567", "0.1", "−2.5×10⁻⁸", "123,457", "3,000,000,000", "10²⁰"]);
});

test("a label cannot steer what stands around it", () => {
  assert.equal(plain("a\nb\u202ec\u0000"), "a b\ufffdc\ufffd");
});

test("numbers are the same as in Python", { skip: noPython }, () => {
  const numbers = someNumbers();
  const code = "from pellucid.core.figure.words import number\nanswer = [number(one) for one in given]";
  assert.deepEqual(numbers.map(number), ask<string[]>(code, numbers));
});

test("ticks and their labels are the same as in Python", { skip: noPython }, () => {
  const cases = SPANS.flatMap(([more, low, high]) => [2, 3, 5, 9].map((most) => [more, low, high, most] as const));
  const code = `
from pellucid.core.figure import Axis
from pellucid.core.figure.scales import ticks
answer = [ticks(Axis(**{**more, "categories": tuple(more.get("categories", ()))}), (low, high), most) for more, low, high, most in given]`;
  const expected = ask<[number, string][][]>(code, cases);
  cases.forEach(([more, low, high, most], place) => {
    const found = ticks(axis(more), [low, high], most);
    const about = JSON.stringify(cases[place]);
    assert.deepEqual(found.map(({ label }) => label), expected[place]!.map(([, label]) => label), about);
    found.forEach((tick, order) => assert.ok(Math.abs(tick.place - expected[place]![order]![0]) < 1e-9 * Math.max(1, Math.abs(tick.place)), about));
  });
});

test("places turn back into values on every scale", () => {
  for (const one of [axis(), axis({ scale: "log" }), axis({ scale: "symlog", threshold: 0.01 })]) {
    for (const value of [0.003, 0.5, 40, 1e6, ...(one.scale === "log" ? [] : [-0.003, -7, 0])]) {
      assert.ok(Math.abs(valueAt(one, project(one, value)) - value) <= 1e-12 * Math.max(1, Math.abs(value)));
    }
  }
  assert.ok(Number.isNaN(project(axis({ scale: "log" }), 0)));
  assert.ok(Number.isNaN(project(axis(), Infinity)));
});

test("a window shows every mark, and limits where they are given", () => {
  const array = (...values: number[]) => ({ shape: [values.length], values: Float64Array.from(values) });
  const bars = { kind: "bars", edges: array(0, 1, 3), heights: array(2, 4), base: null, label: "", tone: "accent" } as const;
  const panel: Panel = { title: "", note: "", level: "ok", x: axis(), y: axis(), marks: [bars] };
  assert.deepEqual(extentOf(panel), { x: [0, 3], y: [0, 4.2], flipped: false, empty: false });
  assert.deepEqual(extentOf({ ...panel, y: axis({ limits: [0, 10] }) }).y, [0, 10]);
  assert.equal(extentOf({ ...panel, marks: [] }).empty, true);
});
