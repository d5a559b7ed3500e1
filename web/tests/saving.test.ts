import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { npz, type Named } from "../src/saving/npz.js";
import { arraysOf, csv } from "../src/saving/values.js";
import type { Axis, Figure, Mark } from "../src/types.js";
import { AXIS } from "./frames.js";
import { ask, noPython } from "./python.js";

function figure(...marks: Mark[]): Figure {
  const panel = { title: 'a "b", c', note: "", level: "ok" as const, x: AXIS as unknown as Axis, y: AXIS as unknown as Axis, marks };
  return { title: "t", verdict: "", level: "ok", caveat: "", alt: "", columns: 1, panels: [panel] };
}

const array = (shape: number[], ...values: number[]) => ({ shape, values: Float32Array.from(values) });
const HEAT: Mark = {
  kind: "heat", values: array([1, 2], 1, NaN), x: null, y: null, signed: false, label: "=1+1", origin: "upper",
};

test("numpy reads what is written, of every type", { skip: noPython }, () => {
  const named: Named[] = [
    { name: "f4", shape: [2, 2], values: Float32Array.of(1, -2, NaN, Infinity) },
    { name: "f8", shape: [1], values: Float64Array.of(1e-300) },
    { name: "u1", shape: [3], values: Uint8Array.of(0, 1, 255) },
    { name: "u2", shape: [0], values: new Uint16Array(0) },
    { name: "i4", shape: [], values: Int32Array.of(-7) },
    { name: "texts é", shape: [2], values: ["漢字", "a"] },
  ];
  const folder = mkdtempSync(join(tmpdir(), "npz-"));
  try {
    const path = join(folder, "a.npz");
    writeFileSync(path, npz(named));
    const code = `
import numpy as np, zipfile
assert zipfile.ZipFile(given).testzip() is None
answer = {name: [str(value.dtype), list(value.shape), str(value.tolist())] for name, value in np.load(given).items()}`;
    assert.deepEqual(ask(code, path), {
      "f4": ["float32", [2, 2], "[[1.0, -2.0], [nan, inf]]"], "f8": ["float64", [1], "[1e-300]"],
      "u1": ["uint8", [3], "[0, 1, 255]"], "u2": ["uint16", [0], "[]"], "i4": ["int32", [], "-7"],
      "texts é": ["<U2", [2], "['漢字', 'a']"],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the same arrays give the same bytes", () => {
  const one = arraysOf(figure(HEAT));
  assert.deepEqual(npz(one), npz(one));
});

test("every array of a figure is in the archive under its own name", () => {
  const names = arraysOf(figure(HEAT, HEAT)).map(({ name }) => name);
  assert.deepEqual(names, [
    "panel_titles", "panel1_heat1_values", "panel1_heat1_label", "panel1_heat2_values", "panel1_heat2_label",
  ]);
});

test("CSV has a row a value, and no text that a spreadsheet would run", () => {
  assert.equal(
    csv(figure(HEAT)),
    'panel,mark,label,x,x end,y,y end,value,low,high\r\n"a ""b"", c",heat,\'=1+1,0,,0,,1\r\n"a ""b"", c",heat,\'=1+1,1,,0,,nan\r\n',
  );
  const table: Mark = { kind: "table", columns: ["layer", "dead"], rows: [["fc1", "-3"], ["fc2", "@x"]] };
  assert.equal(csv(figure(table)), "layer,dead\r\nfc1,-3\r\nfc2,'@x\r\n");
});
