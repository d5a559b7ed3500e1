import assert from "node:assert/strict";
import { test } from "node:test";
import {
  colourLimits, colourOf, colourTable, groupColours, LINE_PART, lineTable, packed, TABLE_SIZE,
} from "../../src/raster/colors.js";
import { themeOf } from "../../src/theme.js";
import { ask, noPython } from "../python.js";
import { named, oklab } from "./pixels.js";

const lightness = (table: Uint32Array): number[] => Array.from(table, (pixel) => oklab(pixel)[0]);

test("the maps end in the colours of the static pictures", () => {
  const sequential = colourTable(false);
  const diverging = colourTable(true);
  assert.equal(named(sequential[0]!), "#12182f");
  assert.equal(named(sequential[TABLE_SIZE - 1]!), "#f6f0c4");
  assert.equal(named(diverging[0]!), "#0c3a70");
  assert.equal(named(diverging[(TABLE_SIZE - 1) / 2]!), "#f6f4f1");
  assert.equal(named(diverging[TABLE_SIZE - 1]!), "#7c1023");
});

/** How much two colours differ in brightness, as the accessibility guidelines have it: 1 to 21. */
function contrast(one: string, other: string): number {
  const [dark, bright] = [one, other].map((colour) => {
    const part = (at: number) => parseInt(colour.slice(at, at + 2), 16) / 255;
    const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(part(1)) + 0.7152 * linear(part(3)) + 0.0722 * linear(part(5));
  }).sort((low, high) => low - high) as [number, number];
  return (bright + 0.05) / (dark + 0.05);
}

test("lines that stand for values are seen on their paper, and a larger value is lighter", () => {
  for (const page of ["light", "dark"] as const) {
    const table = lineTable(page);
    assert.ok(table.every((pixel) => contrast(named(pixel), themeOf(page).paper) >= 3), page);
    const light = lightness(table);
    assert.ok(light.at(-1)! - light[0]! > 0.35, `${light.at(-1)! - light[0]!}`);
    assert.ok(light.every((one, at) => !at || one >= light[at - 1]! - 0.003));
  }
});

test("the sequential maps grow lighter all the way, by about the same amount everywhere", () => {
  const light = lightness(colourTable(false));
  for (let at = 16; at < TABLE_SIZE; at += 16) {
    const share = (light[at]! - light[at - 16]!) / ((light[TABLE_SIZE - 1]! - light[0]!) / 64);
    assert.ok(share > 0.5 && share < 1.6, `${at}: ${share}`);
  }
});

test("the diverging maps are equally light on both sides and turn once, at 0", () => {
  const light = lightness(colourTable(true));
  const middle = (TABLE_SIZE - 1) / 2;
  for (let away = 0; away <= middle; away++) {
    assert.ok(Math.abs(light[middle - away]! - light[middle + away]!) < 0.04, `${away}`);
  }
  for (let at = 16; at <= middle; at += 16) {
    assert.ok(light[at]! > light[at - 16]!, `left ${at}`);
    const mirrored = TABLE_SIZE - 1 - at;
    assert.ok(light[mirrored]! > light[mirrored + 16]!, `right ${at}`);
  }
});

test("the maps are those of Python", { skip: noPython }, () => {
  const maps = ask<number[][][]>("from pellucid.core.theme import SEQUENTIAL, DIVERGING\nanswer = [SEQUENTIAL.tolist(), DIVERGING.tolist()]", null);
  maps.forEach((colours, signed) => colours.forEach((colour, place) => {
    const pixel = colourTable(signed === 1)[Math.round((place / 255) * (TABLE_SIZE - 1))]!;
    colour.forEach((part, at) => assert.ok(Math.abs(((pixel >>> (8 * at)) & 255) - part) <= 2, `${signed} ${place}`));
  }));
});

test("NaN is transparent, infinities and values beyond the limits take the colours of the ends", () => {
  const table = colourTable(false);
  assert.equal(colourOf(table, NaN, 0, 1), 0);
  assert.equal(colourOf(table, Infinity, 0, 1), table[TABLE_SIZE - 1]);
  assert.equal(colourOf(table, -Infinity, 0, 1), table[0]);
  assert.equal(colourOf(table, 7, 0, 1), table[TABLE_SIZE - 1]);
  assert.equal(colourOf(table, 0.5, 0, 1), table[512]);
  assert.equal(colourOf(table, 0, -1.7e308, 1.7e308), table[512]);
});

test("limits follow the rule of the static pictures", () => {
  assert.deepEqual(colourLimits(Float32Array.of(1, 2, 3), false), [1, 3]);
  assert.deepEqual(colourLimits(Float32Array.of(0.5, 3), false), [0, 3]);
  assert.deepEqual(colourLimits(Float32Array.of(-2, 1), true), [-2, 2]);
  assert.deepEqual(colourLimits(Float32Array.of(NaN, Infinity, -Infinity), true), [-1, 1]);
  assert.deepEqual(colourLimits(Float32Array.of(), false), [0, 1]);
  assert.deepEqual(colourLimits(Float32Array.of(5, 5), false), [5, 10]);
  assert.deepEqual(colourLimits(Float32Array.of(0, 0), true), [-1, 1]);
  assert.deepEqual(colourLimits(Float32Array.of(9, 1, 2, 9), false, 1, 3), [1, 2]);
});

test("a colour is packed as an ImageData holds it", () => {
  assert.deepEqual([...new Uint8Array(Uint32Array.of(packed("#102030", 64)).buffer)], [0x10, 0x20, 0x30, 64]);
  assert.equal(groupColours(12)[10], groupColours(1)[0]);
});

test("lines take the part of the map that Python gives them", { skip: noPython }, () => {
  const code = "from pellucid.core.figure.static.key import _LINE_PART\nanswer = _LINE_PART";
  const { light, dark } = ask<Record<string, number[]>>(code, null);
  assert.deepEqual({ light, dark }, LINE_PART);
});

test("a veil over a picture is that of the static pictures, and clear at 0", { skip: noPython }, () => {
  const shares = [0, 0.1, 0.3, 0.5, 0.75, 1];
  for (const signed of [false, true]) {
    const expected = ask<number[][]>(
      "import numpy as np\nfrom pellucid.core.theme import veil\n"
      + "shares = np.array(given['shares'])\nanswer = veil(2 * shares - 1 if given['signed'] else shares, signed=given['signed']).tolist()",
      { shares, signed },
    );
    shares.forEach((share, at) => {
      const pixel = colourTable(signed, true)[Math.round(share * (TABLE_SIZE - 1))]!;
      const found = [0, 8, 16, 24].map((shift) => (pixel >>> shift) & 255);
      // Colours hardly matter where they are clear; python's table has 256 colours, this one 1,025.
      found.forEach((part, channel) => assert.ok(!found[3] || Math.abs(part - expected[at]![channel]!) <= 4, `${signed} ${share}: ${found} ${expected[at]}`));
      assert.ok(Math.abs(found[3]! - expected[at]![3]!) <= 1);
    });
    assert.equal(colourTable(signed, true)[signed ? (TABLE_SIZE - 1) / 2 : 0]! >>> 24, 0);
  }
});
