import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest, smooth, visible } from "../src/curve.js";
import { curvesOf, hasSmoothing, isAveraged } from "../src/curves.js";
import { enclosed } from "../src/lasso.js";
import { limited, panned, plotOf, zoomed, type Window } from "../src/plot.js";
import type { Axis, Bars, Figure, Lines, Panel } from "../src/types.js";
import { AXIS } from "./frames.js";
import { seriesReader } from "../src/readers.js";
import { ask, noPython } from "./python.js";

const wave = Float64Array.from({ length: 500 }, (_, place) => Math.sin(place / 9) + 1.5 + (place % 7) / 10);

function line(values: Float64Array, more: Partial<Lines> = {}): Lines {
  const x = Float64Array.from(values.keys());
  const array = (one: Float64Array) => ({ shape: [one.length], values: one });
  return {
    kind: "lines", x: array(x), y: array(values), low: null, high: null, fill: false, label: "loss", tone: "accent",
    style: "solid", dots: false, ...more,
  };
}

function panelOf(...marks: Lines[]): Panel {
  return { title: "", note: "", level: "ok", x: AXIS as unknown as Axis, y: AXIS as unknown as Axis, marks };
}

test("smoothing is that of Python, also over gaps", { skip: noPython }, () => {
  const values = wave.slice();
  values[40] = NaN;
  const code = "import numpy as np\nfrom pellucid.maths.curves import smooth\nanswer = np.nan_to_num(smooth(np.array([np.nan if one is None else one for one in given]), 0.9), nan=-1).tolist()";
  const expected = ask<number[]>(code, [...values]);
  smooth(values, 0.9).forEach((one, place) => {
    assert.ok(Math.abs((Number.isNaN(one) ? -1 : one) - expected[place]!) < 1e-12, String(place));
  });
});

test("a faint curve under a named one is what a new smoothing begins from", () => {
  const raw = line(wave, { tone: "faint", label: "" });
  const bold = line(smooth(wave, 0.5));
  const figure = (panel: Panel) => ({ panels: [panel] }) as unknown as Figure;
  assert.deepEqual([isAveraged(figure(panelOf(raw, bold))), isAveraged(figure(panelOf(bold)))], [true, false]);
  const [under, over] = curvesOf(panelOf(raw, bold), 0.9);
  assert.deepEqual([...under!.y], [...wave]);
  assert.deepEqual([...over!.y], [...smooth(wave, 0.9)]);
  assert.equal(over!.raw, null);
  assert.deepEqual([...curvesOf(panelOf(raw, bold), null)[1]!.y], [...bold.y.values]);
});

test("a curve alone keeps its raw values beside the smoothed ones", () => {
  const [curve] = curvesOf(panelOf(line(wave)), 0.9);
  assert.equal(curve!.raw, curve!.mark.y.values);
  assert.equal(curvesOf(panelOf(line(wave.slice(0, 20))), 0.9)[0]!.raw, null);
});

test("thinning keeps the highest, the lowest and the gaps of every column", () => {
  const count = 40_000;
  const x = Float64Array.from({ length: count }, (_, place) => (place / count) * 100);
  const y = Float64Array.from({ length: count }, (_, place) => Math.sin(place));
  y[12_345] = 50;
  y[20_000] = NaN;
  const kept = visible(x, y, 100);
  assert.ok(kept.length <= 500, String(kept.length));
  assert.ok(kept.includes(12_345) && kept.includes(20_000) && kept.includes(0) && kept.includes(count - 1));
  assert.deepEqual([...kept], [...kept].sort((one, other) => one - other));
});

test("the nearest point is found whether places rise or not", () => {
  assert.equal(nearest(Float64Array.of(0, 1, 5), 2.9, true), 1);
  assert.equal(nearest(Float64Array.of(0, 1, 5), 9, true), 2);
  assert.equal(nearest(Float64Array.of(5, 0, 1), 4, false), 0);
  assert.equal(nearest(new Float64Array(0), 1, true), -1);
});

test("windows stay inside what there is, and the whole is no window", () => {
  const full: Window = [0, 10, 0, 1];
  assert.deepEqual(zoomed(full, full, 0.5, [0, 0]), [0, 5, 0, 0.5]);
  assert.deepEqual(zoomed(full, full, 0.5, [10, 0], "x"), [5, 10, 0, 1]);
  assert.equal(zoomed([0, 5, 0, 0.5], full, 4, [1, 0]), null);
  assert.deepEqual(panned([0, 5, 0, 1], full, 3, 0), [5, 10, 0, 1]);
  assert.deepEqual(limited([8, 7, 0, 1], full), [7, 8, 0, 1]);
});

test("a lasso takes the points inside its line and no others", () => {
  const places = [1, 1, 5, 5, 9, 9, 1, 9];
  const square = [0, 0, 6, 0, 6, 6, 0, 6];
  assert.deepEqual([...enclosed(square, places, () => true)], [0, 1]);
  assert.deepEqual([...enclosed(square, places, (point) => point !== 0)], [1]);
  assert.equal(enclosed([0, 0, 1, 1], places, () => true).size, 0);
});

test("smoothing is offered only where a curve turns at more than every third point", () => {
  const figure = (values: number[]) => {
    const array = (from: number[]) => ({ shape: [from.length], values: Float64Array.from(from) });
    const mark: Lines = {
      kind: "lines", x: array(values.map((_, place) => place)), y: array(values), low: null, high: null, fill: false, label: "l",
      tone: "accent", style: "solid", dots: false,
    };
    const axis = AXIS as unknown as Axis;
    const panel: Panel = { title: "", marks: [mark], x: axis, y: axis, note: "", level: "ok", wide: false };
    return { title: "", panels: [panel], columns: 1, verdict: "", level: "ok" as const, caveat: "", alt: "" };
  };
  const noise = Array.from({ length: 100 }, (_, place) => Math.sin(place * place));
  assert.equal(hasSmoothing(figure(noise)), true);
  assert.equal(hasSmoothing(figure(noise.slice(0, 64))), false);
  assert.equal(hasSmoothing(figure(noise.map((_, place) => Math.sin(place / 3)))), false);
});

test("the bar of zeros is read as exactly 0, wherever it stands", () => {
  const array = (...values: number[]) => ({ shape: [values.length], values: Float64Array.from(values) });
  const bars = (edges: number[], tone: "accent" | "dead"): Bars => ({
    kind: "bars", edges: array(...edges), heights: array(...edges.slice(1).fill(0.5)), base: null, label: "", tone,
  });
  const marks = [bars([0, 1, 2], "accent"), bars([-0.5, 0], "dead")];
  const panel = { ...panelOf(), x: { ...(AXIS as unknown as Axis), label: "activation" }, marks };
  const reader = seriesReader(marks, [], plotOf(panel, { x: [-0.5, 2], y: [0, 1], flipped: false, empty: false }, 250, 100));
  assert.deepEqual([25, 75].map((x) => reader.at(x, 50)!.title), ["activation exactly 0", "activation 0 to 1"]);
});
