import assert from "node:assert/strict";
import test from "node:test";
import { INNER } from "../src/inner.js";
import { ask, noPython } from "./python.js";

test("nothing that comes from Python bears a name that the build shortens", { skip: noPython }, () => {
  const outside = ask<string[]>(
    `
from dataclasses import fields
from typing import get_args
from pellucid.core import controls, frame, stored
from pellucid.core.figure import marks

kinds = [*get_args(marks.Mark), marks.Axis, marks.Panel, marks.Figure, frame.Frame, *get_args(controls.Control)]
fields_of_all = {one.name for kind in kinds for one in fields(kind)}
answer = sorted({*fields_of_all, *stored.MARKS, *controls._KINDS, *get_args(marks.Tone), *get_args(marks.Scale)})`,
    null,
  );
  assert.ok(outside.includes("signed") && outside.includes("step") && outside.includes("faint"));
  assert.deepEqual(outside.filter((name) => INNER.includes(name)), []);
});
