import assert from "node:assert/strict";
import { test } from "node:test";
import { labelsOf, lanes } from "../src/labels.js";
import { layoutOf, seatsOf } from "../src/layout.js";
import { clip, type Measure } from "../src/measure.js";
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

test("a text is cut to its room", () => {
  assert.equal(clip("hidden1.activation", 10, 60, measure), "hidden1.a…");
  assert.equal(clip("short", 10, 60, measure), "short");
});
