import assert from "node:assert/strict";
import { test } from "node:test";
import { labelsOf, lanes } from "../src/labels.js";
import { layoutOf, seatsOf } from "../src/layout.js";
import { clip, type Measure } from "../src/measure.js";
import { middleOf, rulersOf } from "../src/rulers.js";
import { plotOf } from "../src/plot.js";
import { DARK, declarations, LIGHT, themeRules } from "../src/theme.js";
import type { Axis, Event, Figure, Mark, Panel } from "../src/types.js";
import { LEVEL_SYMBOLS } from "../src/words.js";
import { AXIS } from "./frames.js";
import { ask, noPython } from "./python.js";

const measure: Measure = (text, size) => text.length * size * 0.6;
const array = (...values: number[]) => ({ shape: [values.length], values: Float64Array.from(values) });
const BARS: Mark = { kind: "bars", edges: array(0, 1, 2), heights: array(1, 2), base: null, label: "", tone: "accent" };

function panelOf(more: Partial<Panel> = {}): Panel {
  return { title: "p", note: "", level: "ok", wide: false, x: AXIS as unknown as Axis, y: AXIS as unknown as Axis, marks: [BARS], ...more };
}

function figureOf(columns: number, panels: Panel[]): Figure {
  return { title: "t", verdict: "", level: "ok", caveat: "", alt: "", columns, panels };
}

test("the colours are those of Python", { skip: noPython }, () => {
  const code = `
from pellucid.core.theme import LIGHT, DARK, LEVEL_SYMBOLS
answer = [LIGHT.variables(), DARK.variables(), {level.value: one for level, one in LEVEL_SYMBOLS.items()}]`;
  const [light, dark, symbols] = ask<Record<string, string>[]>(code, null);
  const variables = (text: string) => Object.fromEntries(text.split(";").map((one) => one.split(":")));
  assert.deepEqual(variables(declarations(LIGHT)), light);
  assert.deepEqual(variables(declarations(DARK)), dark);
  assert.deepEqual(LEVEL_SYMBOLS, symbols);
});

test("the page's own switch goes before the reader's preference", () => {
  const rules = themeRules(".x");
  assert.ok(rules.indexOf("prefers-color-scheme") < rules.indexOf('[data-theme="light"] .x'));
});

test("panels stand side by side only where they fit", () => {
  const figure = figureOf(4, Array.from({ length: 6 }, () => panelOf()));
  assert.deepEqual([1140, 700, 380].map((room) => layoutOf(figure, room, measure).across), [4, 3, 1]);
  const { plans } = layoutOf(figure, 1140, measure);
  assert.equal(new Set(plans.map((plan) => plan.frame!.left)).size, 1);
  const titled = figureOf(2, [1, 2, 3].map(() => panelOf({ y: { ...(AXIS as unknown as Axis), label: "share" } })));
  assert.deepEqual(layoutOf(titled, 900, measure).plans.map((plan) => plan.frame!.yTitle), ["share", "", "share"]);
});

test("wide panels have rows of their own", () => {
  const panels = [true, false, false, false, true, false].map((wide) => panelOf({ wide }));
  const seats = seatsOf(panels, 2);
  assert.deepEqual(seats.map(({ column }) => column), [0, 0, 1, 0, 0, 0]);
  assert.deepEqual(seats.map(({ wide }) => wide), [true, false, false, false, true, false]);
  assert.deepEqual(seats.map(({ lowest }) => lowest), [false, false, true, false, true, true]);
  const { plans } = layoutOf(figureOf(2, panels), 900, measure);
  assert.deepEqual(plans.map(({ width }) => width), [900, 436, 436, 436, 900, 436]);
  assert.ok(layoutOf(figureOf(2, panels), 380, measure).plans.every(({ wide, width }) => !wide && width === 380));
});

test("frames of one column begin and end on one line", () => {
  const limit: Event = { kind: "event", at: 1.5, text: "a long name of a limit", level: "ok", axis: "y" };
  const wide = panelOf({ marks: [BARS, limit] });
  const { plans } = layoutOf(figureOf(1, [wide, panelOf()]), 900, measure);
  assert.deepEqual(plans[0]!.frame!.width, plans[1]!.frame!.width);
});

test("labels of events never cover each other", () => {
  const events = [10, 11, 12, 60, 99].map((at): Event => ({ kind: "event", at, text: `event at ${at}`, level: "warn", axis: "x" }));
  const labels = labelsOf(panelOf({ marks: events }), [0, 100], 500, measure);
  assert.equal(labels.length, 5);
  for (const one of labels) {
    for (const other of labels) {
      if (one === other || one.lane !== other.lane || one.lane < 0) continue;
      assert.ok(one.start + one.length <= other.start || other.start + other.length <= one.start);
    }
  }
  assert.ok(lanes(labels) >= 3);
});

test("labels below a frame never touch, and the last one is whole", () => {
  const names = ["hidden1.linear", "hidden1.activation", "hidden2.linear", "hidden2.activation", "head", "a"];
  const axes = [
    { categories: names }, { categories: names.slice(2, 5) }, { categories: ["a", "b"] }, { limits: [0, 1] }, { limits: [1, 100_000], scale: "log" },
    { categories: Array.from({ length: 40 }, (_, place) => `blocks.${place}.norm`) },
  ] as Partial<Axis>[];
  for (const axis of axes) {
    const edges = Float64Array.from({ length: (axis.categories?.length || 2) + 1 }, (_, place) => place - (axis.categories ? 0.5 : 0));
    const marks = [{ ...BARS, edges: { shape: [edges.length], values: edges }, heights: array(...edges.slice(1)) }] as Mark[];
    const panel = panelOf({ x: { ...(AXIS as unknown as Axis), ...axis }, marks });
    for (let room = 240; room < 900; room += 13) {
      const frame = layoutOf(figureOf(1, [panel]), room, measure).plans[0]!.frame!;
      const rulers = rulersOf(panel, frame.extent, frame.left + frame.width + frame.right, frame.height, measure, frame);
      const plot = plotOf(panel, frame.extent, frame.width, frame.height);
      let last = -frame.left;
      for (const { place, label } of rulers.x) {
        const half = measure(label, 11) / 2;
        const middle = rulers.tilted ? plot.x(place) : middleOf(plot.x(place), half, frame.width, rulers);
        const [start, end] = rulers.tilted ? [middle - 7, middle + 7] : [middle - half, middle + half];
        assert.ok(start >= last && (rulers.tilted || end <= frame.width + frame.right), `${label} at ${room}`);
        if (!axis.categories) assert.ok(Math.abs(middle - plot.x(place)) < 1e-9, `${label} is not at its place at ${room}`);
        last = end;
      }
    }
  }
});

test("a text is cut to its room", () => {
  assert.equal(clip("hidden1.activation", 10, 60, measure), "hidde…tion");
  assert.equal(clip("short", 10, 60, measure), "short");
});
