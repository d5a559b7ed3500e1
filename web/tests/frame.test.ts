import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FrameError } from "../src/form.js";
import { framesOf, halfTable, readFrame } from "../src/frame.js";
import type { Frame, Lines, Mark, NDArray } from "../src/types.js";
import { bookOf, figureWith, framed, lineHeader } from "./frames.js";
import { ask, noPython, REPOSITORY } from "./python.js";

const GOLDEN = join(REPOSITORY, "tests/web/golden");
const names = existsSync(GOLDEN) ? readdirSync(GOLDEN).filter((name) => name.endsWith(".bin")) : [];

function golden(name: string): Frame[] {
  const bytes = readFileSync(join(GOLDEN, name));
  return framesOf(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer).map(readFrame);
}

function arraysOf(mark: Mark): [string, NDArray][] {
  return Object.entries(mark).flatMap(([field, value]: [string, unknown]) => {
    const several = Array.isArray(value) ? value : [value];
    return several.filter((one) => one?.shape).map((one): [string, NDArray] => [field, one]);
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
  refused(new ArrayBuffer(3), /^The length of this frame is 3, expected at least 8 bytes\.$/);
  refused(framed(lineHeader(array), new ArrayBuffer(8), "PNG1"), /^The beginning of this frame is "PNG1", expected "PEL1"\.$/);
  refused(framed("{not json"), /header of this frame is not JSON/);
  refused(framed("[1]"), /^The version of this frame is missing, expected 1; reload the page\.$/);
  refused(framed({ ...lineHeader(array), frame: 2 }), /^The version of this frame is 2, expected 1; reload the page\.$/);
  refused(framed(lineHeader(array)).slice(0, 20), /^This frame is cut off: its header ends at byte \d+, it has 20\.$/);
});

test("arrays that do not fit are refused with words", () => {
  const data = new ArrayBuffer(8);
  const refuse = (array: Record<string, unknown>, message: RegExp) => refused(framed(lineHeader(array), data), message);
  refuse({ dtype: "f32", shape: [3], at: 0 }, /^This frame is cut off: array 0 of shape \[3\] ends at byte \d+, it has \d+\.$/);
  refuse({ dtype: "f31", shape: [2], at: 0 }, /^arrays\[0\]\.dtype is "f31", expected one of f16, f32, f64, u8, u16, i32\.$/);
  refuse({ dtype: "f32", shape: [-1], at: 0 }, /^arrays\[0\]\.shape\[0\] is -1, expected a whole number from 0\.$/);
  refuse({ dtype: "f32", shape: [null], at: 0 }, /^arrays\[0\]\.shape\[0\] is null, expected a whole number from 0\.$/);
  refuse({ dtype: "f32", shape: [1e300], at: 0 }, /^arrays\[0\]\.shape\[0\] is 1e\+300, expected a whole number from 0\.$/);
  refuse({ dtype: "f32", shape: [2], at: 4 }, /^arrays\[0\]\.at is 4, expected a multiple of 8\.$/);
  refuse({ dtype: "f16", shape: [2], at: 0, scale: "x" }, /^arrays\[0\]\.scale is "x", expected a finite number\.$/);
  refuse({ dtype: "f32", shape: [2, 1], at: 0 }, /^figure\.panels\[0\]\.marks\[0\]\.x has shape \[2, 1\], expected \[n\]\.$/);
});

test("marks that do not fit are refused with words", () => {
  const data = new ArrayBuffer(64);
  const arrays = [{ dtype: "f32", shape: [2], at: 0 }, { dtype: "f32", shape: [3], at: 8 }];
  const refuse = (mark: unknown, message: RegExp) =>
    refused(framed({ frame: 1, figure: figureWith(mark), arrays }, data), message);
  refuse({ kind: "pie" }, /^figure\.panels\[0\]\.marks\[0\]\.kind is "pie", expected one of bars, lines/);
  refuse({ kind: "bars", edges: { $: 0 }, heights: { $: 0 }, tone: "accent" }, /^figure\.panels\[0\]\.marks\[0\]\.heights has shape \[2\], expected \[1\]\.$/);
  refuse({ kind: "bars", edges: { $: 1 }, heights: { $: 9 }, tone: "accent" }, /^figure\.panels\[0\]\.marks\[0\]\.heights is \{"\$":9\}, expected \{"\$": 0 to 1\}\.$/);
  refuse({ kind: "bars", edges: { $: 1 }, heights: { $: 0 }, tone: "pink" }, /marks\[0\]\.tone is "pink", expected one of accent, second/);
  refuse({ kind: "event", at: null, level: "ok", axis: "x" }, /marks\[0\]\.at is null, expected a finite number\.$/);
  refused(framed({ frame: 1, figure: null, arrays: [] }), /^figure is null, expected an object\.$/);
});

test("the frames that Python wrote are read as Python reads them", { skip: noPython || (!names.length && "no golden frames") }, () => {
  const expected = ask<Record<string, Golden>>(GOLDEN_SUMS, [GOLDEN, names]);
  for (const name of names) {
    const frames = golden(name);
    const [arrays, headers] = expected[name]!;
    frames.forEach(({ view, append, parameters, controls }, place) => {
      const plain = controls.map((control) => [control.kind, control.name, control.label, control.value]);
      assert.deepEqual([view, append, parameters, plain], headers[place], name);
    });
    const found = frames.flatMap((frame) => frame.figure.panels).flatMap((panel) =>
      panel.marks.flatMap((mark) => arraysOf(mark).map(([field, array]) => ({ kind: mark.kind, field, array }))),
    );
    assert.equal(found.length, arrays.length, name);
    found.forEach(({ kind, field, array }, place) => {
      const [expectedKind, expectedField, shape, sum] = arrays[place]!;
      assert.deepEqual([kind, field, [...array.shape]], [expectedKind, expectedField, shape], name);
      const total = array.values.reduce((whole: number, value: number) => whole + (Number.isFinite(value) ? value : 0), 0);
      assert.ok(Math.abs(total - sum) <= 1e-5 * Math.max(1, Math.abs(sum)), `${name} ${field}: ${total} and ${sum}`);
    });
  }
});

type Golden = [[string, string, number[], number][], unknown[]];

const GOLDEN_SUMS = `
import dataclasses, pathlib
import numpy as np
from pellucid.core.frame import unpack_book
folder, names = given
answer = {}
for name in names:
    content = (pathlib.Path(folder) / name).read_bytes()
    frames = unpack_book(content) if content[:4] == b"PELB" else unpack_book(
        b"PELB" + (1).to_bytes(4, "little") + len(content).to_bytes(4, "little") + bytes(4) + content + bytes(-len(content) % 8))
    arrays = [
        (type(mark).__name__.lower(), one.name, list(array.shape), float(array[np.isfinite(array)].sum()))
        for frame in frames for panel in frame.figure.panels for mark in panel.marks for one in dataclasses.fields(mark)
        for value in (getattr(mark, one.name),) for array in (value if isinstance(value, tuple) else (value,))
        if isinstance(array, np.ndarray)
    ]
    headers = [
        (frame.view, frame.append, dict(frame.parameters), [(c.kind, c.name, c.label, c.value) for c in frame.controls])
        for frame in frames
    ]
    answer[name] = (arrays, headers)
`;

test("a book gives its frames, and a frame itself", () => {
  const one = framed(lineHeader({ dtype: "f32", shape: [1], at: 0 }), new ArrayBuffer(8));
  const two = framed(lineHeader({ dtype: "f32", shape: [1], at: 0 }, { parameters: { a: 2 } }), new ArrayBuffer(8));
  assert.deepEqual(framesOf(one), [one]);
  assert.deepEqual(framesOf(bookOf(one, two)).map((frame) => readFrame(frame).parameters), [{ a: 1 }, { a: 2 }]);
});

test("a damaged book is refused with words", () => {
  const one = framed(lineHeader({ dtype: "f32", shape: [1], at: 0 }), new ArrayBuffer(8));
  const refuse = (book: ArrayBuffer, message: RegExp) =>
    assert.throws(() => framesOf(book), (error) => error instanceof FrameError && message.test(error.message));
  refuse(bookOf(), /^The number of frames in this book is 0, expected at least 1\.$/);
  refuse(bookOf(one).slice(0, 12), /^This frame is cut off: its list of lengths ends at byte 16, it has 12\.$/);
  refuse(bookOf(one, one).slice(0, -8), /^This frame is cut off: number 1 of its book ends at byte \d+, it has \d+\.$/);
});

test("an array says which it is, and whether it is rounded", () => {
  const line = (array: Record<string, unknown>) =>
    (readFrame(framed(lineHeader(array), new ArrayBuffer(16))).figure.panels[0]!.marks[0] as Lines).x;
  const at = (array: Record<string, unknown>) => [line(array).at, line(array).rounded ?? false];
  assert.deepEqual(at({ dtype: "f32", shape: [2], at: 0 }), [0, false]);
  assert.deepEqual(at({ dtype: "f16", shape: [2], at: 0, scale: 2 }), [0, true]);
  assert.deepEqual(at({ dtype: "u8", shape: [2], at: 0, scale: 2, offset: 1 }), [0, true]);
  assert.deepEqual([...line({ dtype: "u8", shape: [2], at: 0, scale: 2, offset: 1 }).values], [1, 1]);
});

test("several paths and the rows of parallel axes must fit", () => {
  const data = new ArrayBuffer(64);
  const arrays = [{ dtype: "f32", shape: [2], at: 0 }, { dtype: "f32", shape: [2, 2], at: 8 }, { dtype: "f32", shape: [2, 3], at: 24 }];
  const read = (mark: unknown) => readFrame(framed({ frame: 1, figure: figureWith(mark), arrays }, data)).figure.panels[0]!.marks[0];
  const surface = { kind: "surface", x: { $: 0 }, y: { $: 0 }, z: { $: 1 }, paths: [{ $: 2 }, { $: 2 }], names: ["SGD", "Adam"] };
  assert.equal((read(surface) as { paths: unknown[] }).paths.length, 2);
  const refuse = (mark: unknown, message: RegExp) => assert.throws(() => read(mark), message);
  refuse({ ...surface, paths: [{ $: 2 }] }, /\.names has shape \[2\], expected \[1\]\.$/);
  refuse({ ...surface, names: [], paths: [{ $: 1 }] }, /\.paths\[0\] has shape \[2, 2\], expected \[any, 3\]\.$/);
  refuse({ ...surface, paths: [{ $: 7 }] }, /figure\.panels\[0\]\.marks\[0\]\.paths\[0\] is \{"\$":7\}, expected \{"\$": 0 to 2\}\.$/);
  refuse({ ...surface, paths: null }, /\.paths is null, expected a list\.$/);
  const parallel = { kind: "parallel", axes: [{ label: "a" }, { label: "b" }], rows: { $: 1 }, names: [], value: { $: 0 } };
  assert.deepEqual((read(parallel) as { axes: { label: string }[] }).axes.map((axis) => axis.label), ["a", "b"]);
  refuse({ ...parallel, rows: { $: 2 } }, /\.rows has shape \[2, 3\], expected \[2, 2\]\.$/);
  refuse({ ...parallel, names: ["one"] }, /\.names has shape \[1\], expected \[2\]\.$/);
  refuse({ ...parallel, axes: [{ scale: "cube" }, {}] }, /\.axes\[0\]\.scale is "cube", expected one of linear, log, symlog\.$/);
});

test("controls that are none are refused with words", () => {
  const range = { kind: "range", name: "r", min: 0, max: 1, step: 0.1, value: 0.5 };
  const read = (control: unknown) => readFrame(framed(lineHeader({ dtype: "f32", shape: [0], at: 0 }, { controls: control }))).controls;
  assert.deepEqual(read([range]), [{
    ...range, label: "r", help: "", log: false, unit: "", picks: null, stops: null, whole: false,
  }]);
  const refuse = (control: unknown, message: RegExp) => assert.throws(() => read(control), message);
  refuse({}, /^FrameError: controls is \{\}, expected a list\.$/);
  refuse([{ ...range, kind: "dial" }], /^FrameError: controls\[0\]\.kind is "dial", expected one of range, choice, several, toggle, sketch\.$/);
  refuse([range, { ...range, name: "" }], /^FrameError: controls\[1\]\.name is "", expected a text\.$/);
  refuse([{ ...range, max: null }], /^FrameError: controls\[0\]\.max is null, expected a finite number\.$/);
  refuse([{ kind: "several", name: "s", options: "ab" }], /^FrameError: controls\[0\]\.options is "ab", expected a list\.$/);
  refuse([{ kind: "sketch", name: "d", rows: 1.5, columns: 2 }], /^FrameError: controls\[0\]\.rows is 1\.5, expected a whole number from 0\.$/);
});
