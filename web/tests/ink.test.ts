import assert from "node:assert/strict";
import { test } from "node:test";
import { inkAt, inked } from "../src/ink.js";
import type { PadControl } from "../src/types.js";

function pad(rows: number, columns: number): PadControl {
  return { kind: "sketch", name: "d", label: "d", help: "", rows, columns, value: "" };
}

const lines = (value: string, columns: number) => value.match(new RegExp(`.{${columns}}`, "g"))!;

test("a dab is full in the middle and soft around it", () => {
  const found = lines(inked(pad(16, 16), "", [4.5, 7.5], [4.5, 7.5]), 16);
  assert.equal(found.length, 16);
  assert.deepEqual(found.slice(5, 10).map((line) => line.slice(1, 9)), [
    "00000000", "004b4000", "00bfb000", "004b4000", "00000000",
  ]);
  assert.equal(found.join("").replace(/0/g, "").length, 9);
});

test("a stroke leaves no gap, however far the pointer jumped", () => {
  const found = inked(pad(16, 16), "", [0.5, 0.5], [15.5, 15.5]);
  for (let place = 0; place < 16; place++) assert.equal(inkAt(found, place * 17), 15, `${place}`);
  const level = inked(pad(16, 16), "", [2.5, 8.5], [12.5, 8.5]);
  assert.equal(lines(level, 16)[8], "0bfffffffffffb00");
});

test("ink only grows, and a pad of another size has a brush to match", () => {
  const first = inked(pad(16, 16), "", [3, 3], [9, 5]);
  const second = inked(pad(16, 16), first, [9, 5], [3, 12]);
  for (let pixel = 0; pixel < 256; pixel++) assert.ok(inkAt(second, pixel) >= inkAt(first, pixel));
  const inkOf = (side: number) => [...inked(pad(side, side), "", [side / 2, side / 2], [side / 2, side / 2])]
    .reduce((sum, one) => sum + Number.parseInt(one, 16) / 15 / side ** 2, 0);
  assert.ok(Math.abs(inkOf(64) - inkOf(32)) < 0.002);
});

test("what lies outside is not drawn", () => {
  assert.match(inked(pad(4, 6), "", [-3, 9], [-3, 9]), /^0{24}$/);
  assert.match(inked(pad(4, 6), "", [0, 0], [6, 0]), /[^0]/);
});
