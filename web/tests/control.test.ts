import assert from "node:assert/strict";
import { test } from "node:test";
import { allows, distance, fitted, keptWishes, lastPlace, movedTo, picksOf, placeOf, same, shownValue, valueAt } from "../src/control.js";
import type { Control, Parameter, RangeControl } from "../src/types.js";

function range(more: Partial<RangeControl>): RangeControl {
  return {
    kind: "range", name: "r", label: "r", help: "", min: 0, max: 1, step: 0.1, log: false, unit: "", value: 0.5, picks: null,
    stops: null, whole: false, ...more,
  };
}

const LOG = range({ min: 0.001, max: 1, step: 0, log: true, value: 0.1 });
const WHOLE = range({ min: 1, max: 64, step: 1, log: true, whole: true, value: 1 });
const STOPS = range({ stops: [0.1, 0.2, 0.9] });

test("a slider reaches its ends exactly and stands where its value is", () => {
  for (const control of [range({}), LOG, WHOLE, STOPS]) {
    assert.equal(valueAt(control, 0), control.stops?.[0] ?? control.min);
    assert.equal(valueAt(control, lastPlace(control)), control.stops?.at(-1) ?? control.max);
    for (let place = 0; place <= lastPlace(control); place++) {
      if (!control.whole) assert.equal(placeOf(control, valueAt(control, place)), place, `${control.log} ${place}`);
    }
  }
});

test("values of a slider have few digits", () => {
  assert.deepEqual([0, 3, 7].map((place) => valueAt(range({}), place)), [0, 0.3, 0.7]);
  assert.equal(valueAt(LOG, 50), 0.01);
  assert.equal(String(valueAt(LOG, 77)).length <= 7, true);
});

test("where many places of a slider share a whole number, each step still moves it", () => {
  let value = 1;
  for (let step = 0; step < 400 && value < 64; step++) value = movedTo(WHOLE, value, placeOf(WHOLE, value) + 1);
  assert.equal(value, 64);
  assert.equal(movedTo(WHOLE, 3, placeOf(WHOLE, 3) - 1), 2);
});

test("what is entered exactly stays exact inside the range", () => {
  assert.deepEqual([0.123456, -3, 7].map((value) => fitted(range({}), value)), [0.123456, 0, 1]);
  assert.equal(fitted(WHOLE, 7.6), 8);
  assert.equal(fitted(STOPS, 0.5), 0.2);
});

test("a control shows what is wanted where that is possible", () => {
  const choice: Control = { kind: "choice", name: "c", label: "c", help: "", options: ["a", "b"], value: "a" };
  const several: Control = { ...choice, kind: "several", value: ["b"] };
  assert.deepEqual([shownValue(choice, { c: "b" }), shownValue(choice, { c: "z" }), shownValue(choice, {})], ["b", "a", "a"]);
  assert.deepEqual([allows(several, ["b", "a"]), allows(several, ["z"]), allows(several, "a")], [true, false, false]);
  assert.deepEqual([allows(range({}), 2), allows(STOPS, 0.15), allows(range({}), "1"), allows(range({}), NaN)], [false, false, false, false]);
  assert.deepEqual([same(["a", "b"], ["b", "a"]), same(["a"], ["a", "b"]), same(1, 1), same(1, undefined)], [true, false, true, false]);
});

test("a pad shows a drawing that fills it, or none", () => {
  const pad: Control = { kind: "sketch", name: "d", label: "d", help: "", rows: 1, columns: 3, value: "" };
  assert.deepEqual(["0f3", "", "0f", "0f30", 3, ["0", "f", "3"]].map((value) => allows(pad, value as Parameter)),
    [true, true, false, false, false, false]);
  assert.equal(shownValue(pad, { d: "0f3" }), "0f3");
  assert.deepEqual([distance(pad, ""), distance(pad, "0f3")], [0, 1]);
});

test("a wish is given up only when the frame fulfils all others", () => {
  const shown = [range({ name: "a", value: 0.5 }), range({ name: "b", value: 0.2 })];
  assert.deepEqual(keptWishes(shown, { a: 0.5, b: 7 }), { a: 0.5 }, "b left its range when a was set");
  assert.deepEqual(keptWishes(shown, { a: 0.7, b: 7 }), { a: 0.7, b: 7 }, "this frame was drawn before a was set");
  assert.deepEqual(keptWishes(shown, { a: 0.5, gone: 1 }), { a: 0.5 });
  const wanted = { a: 0.5 };
  assert.equal(keptWishes(shown, wanted), wanted);
});

test("a click picks a place in few digits", () => {
  const controls = [range({ name: "x", min: -2, max: 2, picks: "x" }), range({ name: "y", picks: "y" }), LOG];
  assert.deepEqual(picksOf(controls, 0.123456, 9), { x: 0.123, y: 1 });
  assert.equal(picksOf([LOG], 0, 0), null);
});

test("how far a value is from another", () => {
  assert.equal(distance(LOG, 0.1), 0);
  assert.ok(Math.abs(distance(LOG, 0.01) - 1 / 3) < 1e-12);
  assert.ok(Math.abs(distance(range({}), 0.75) - 0.25) < 1e-12);
  assert.equal(distance(range({}), "x"), 1);
  assert.equal(distance(range({}), undefined), 0);
});
