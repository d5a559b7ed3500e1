import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FrameError, halfTable, readFrame } from "../src/frame.js";
import type { Frame, Lines, Mark, NDArray } from "../src/types.js";
import { figureWith, framed, lineHeader } from "./frames.js";
import { ask, noPython, REPOSITORY } from "./python.js";

const GOLDEN = join(REPOSITORY, "tests/web/golden");
const names = existsSync(GOLDEN) ? readdirSync(GOLDEN).filter((name) => name.endsWith(".bin")) : [];

function golden(name: string): Frame {
  const bytes = readFileSync(join(GOLDEN, name));
  return readFrame(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
}

function arraysOf(mark: Mark): [string, NDArray][] {
  return Object.entries(mark).filter((entry): entry is [string, NDArray] => {
    const value: unknown = entry[1];
    return typeof value === "object" && value !== null && "shape" in value;
  });
}

function refused(buffer: ArrayBuffer, message: RegExp): void {
  assert.throws(() => readFrame(buffer), (error) => error instanceof FrameError && message.test(error.message));
}

test("a frame of every type of array is read", () => {
  const data = new ArrayBuffer(16);
  new Float32Array(data).set([1.5, NaN, -2]);
  const frame = readFrame(framed(lineHeader({ dtype: "f32", shape: [3], at: 0 }), data));
  assert.equal(frame.view, "v");
  assert.deepEqual(frame.parameters, { a: 1 });
  const line = frame.figure.panels[0]!.marks[0] as Lines;
  assert.deepEqual([...line.y.values], [1.5, NaN, -2]);
  for (const dtype of ["f64", "u8", "u16", "i32"]) {
    const other = readFrame(framed(lineHeader({ dtype, shape: [2], at: 0 }), data));
    assert.equal((other.figure.panels[0]!.marks[0] as Lines).x.values.length, 2);
  }
});

test("float16 is decoded with its scale, once", () => {
  const data = new ArrayBuffer(8);
  new Uint16Array(data).set([0x3c00, 0xc000, 0x7e00, 0x0001]);
  const frame = readFrame(framed(lineHeader({ dtype: "f16", shape: [4], at: 0, scale: 10 }), data));
  const { x } = frame.figure.panels[0]!.marks[0] as Lines;
  assert.deepEqual([...x.values], [10, -20, NaN, Math.fround(10 * 2 ** -24)]);
  assert.equal(x.values, x.values);
});

test("every float16 number has its value", () => {
  const table = halfTable();
  assert.equal(table[0x7c00], Infinity);
  assert.equal(table[0xfbff], -65504);
  assert.equal(table[0x03ff], Math.fround(2 ** -14 * (1023 / 1024)));
  assert.ok(Object.is(table[0x8000], -0));
});

test("what is no frame is refused with words", () => {
  const array = { dtype: "f32", shape: [2], at: 0 };
  refused(new ArrayBuffer(3), /has 3 bytes, expected at least 8/);
  refused(framed(lineHeader(array), new ArrayBuffer(8), "PNG1"), /begins with "PNG1", expected "PEL1"/);
  refused(framed("{not json"), /header of this frame is not JSON/);
  refused(framed("[1]"), /expected an object/);
  refused(framed({ ...lineHeader(array), frame: 2 }), /version 2, expected 1/);
  refused(framed(lineHeader(array)).slice(0, 20), /cut off: its header ends at byte/);
});

test("arrays that do not fit are refused with words", () => {
  const data = new ArrayBuffer(8);
  const refuse = (array: Record<string, unknown>, message: RegExp) => refused(framed(lineHeader(array), data), message);
  refuse({ dtype: "f32", shape: [3], at: 0 }, /Array 0 of shape \[3\] ends at byte \d+, but the frame has/);
  refuse({ dtype: "f31", shape: [2], at: 0 }, /type "f31", expected one of f16, f32/);
  refuse({ dtype: "f32", shape: [-1], at: 0 }, /shape \[-1\], expected whole numbers/);
  refuse({ dtype: "f32", shape: [null], at: 0 }, /shape \[null\]/);
  refuse({ dtype: "f32", shape: [1e300], at: 0 }, /shape/);
  refuse({ dtype: "f32", shape: [2], at: 4 }, /begins at 4, expected a multiple of 8/);
  refuse({ dtype: "f16", shape: [2], at: 0, scale: "x" }, /scale "x", expected a finite number/);
  refuse({ dtype: "f32", shape: [2, 1], at: 0 }, /"x" of Mark 0 of Panel 0 \(lines\) has shape \[2, 1\], expected 1 dim/);
});

test("marks that do not fit are refused with words", () => {
  const data = new ArrayBuffer(64);
  const arrays = [{ dtype: "f32", shape: [2], at: 0 }, { dtype: "f32", shape: [3], at: 8 }];
  const refuse = (mark: unknown, message: RegExp) =>
    refused(framed({ frame: 1, figure: figureWith(mark), arrays }, data), message);
  refuse({ kind: "pie" }, /Mark 0 of Panel 0 is "pie", expected one of bars, lines/);
  refuse({ kind: "bars", edges: { $: 0 }, heights: { $: 0 }, tone: "accent" }, /edges has 2 entries, expected 3/);
  refuse({ kind: "bars", edges: { $: 1 }, heights: { $: 9 }, tone: "accent" }, /"heights".*expected \{"\$": 0 to 1\}/);
  refuse({ kind: "bars", edges: { $: 1 }, heights: { $: 0 }, tone: "pink" }, /"tone".*"pink", expected one of accent/);
  refuse({ kind: "event", at: null, level: "ok", axis: "x" }, /"at".*expected a finite number/);
  refused(framed({ frame: 1, figure: null, arrays: [] }), /The figure is null, expected an object/);
});

test("the frames that Python wrote are read as Python reads them", { skip: noPython || (!names.length && "no golden frames") }, () => {
  const expected = ask<Record<string, [string, string, number[], number][]>>(GOLDEN_SUMS, [GOLDEN, names]);
  for (const name of names) {
    const found = golden(name).figure.panels.flatMap((panel) =>
      panel.marks.flatMap((mark) => arraysOf(mark).map(([field, array]) => ({ kind: mark.kind, field, array }))),
    );
    assert.equal(found.length, expected[name]!.length, name);
    found.forEach(({ kind, field, array }, place) => {
      const [expectedKind, expectedField, shape, sum] = expected[name]![place]!;
      assert.deepEqual([kind, field, [...array.shape]], [expectedKind, expectedField, shape], name);
      const total = array.values.reduce((whole: number, value: number) => whole + (Number.isFinite(value) ? value : 0), 0);
      assert.ok(Math.abs(total - sum) <= 1e-5 * Math.max(1, Math.abs(sum)), `${name} ${field}: ${total} and ${sum}`);
    });
  }
});

const GOLDEN_SUMS = `
import dataclasses, pathlib
import numpy as np
from pellucid.core.frame import unpack
folder, names = given
answer = {}
for name in names:
    panels = unpack((pathlib.Path(folder) / name).read_bytes()).figure.panels
    answer[name] = [
        (type(mark).__name__.lower(), one.name, list(value.shape), float(value[np.isfinite(value)].sum()))
        for panel in panels for mark in panel.marks for one in dataclasses.fields(mark)
        if isinstance(value := getattr(mark, one.name), np.ndarray)
    ]
`;
