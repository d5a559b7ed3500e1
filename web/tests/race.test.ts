import assert from "node:assert/strict";
import { test } from "node:test";
import { pathEntry } from "../src/key.js";
import { drawnRace, raceOf, raceWords } from "../src/marks/race.js";
import { packed } from "../src/raster/colors.js";
import { DARK, LIGHT } from "../src/theme.js";
import type { Surface } from "../src/types.js";

const path = (...values: number[]) => ({ shape: [values.length / 3, 3], values: Float32Array.from(values) });
const PLANE = { shape: [2], values: Float32Array.of(0, 1) };
const MARK: Surface = {
  kind: "surface", x: PLANE, y: PLANE, z: { shape: [2, 2], values: new Float32Array(4) }, label: "loss (nats)", names: ["SGD", "Adam"],
  paths: [path(0, 0, 4, 1, 0, 3, 1, 1, 2), path(0, 0, 4, 0.5, 0.5, 1)],
};

test("paths run together, each in the colour of its place; one that has ended waits", () => {
  const race = raceOf(MARK, [], "light");
  assert.equal(race.count, 3);
  assert.deepEqual(race.racers.map(({ colour }) => colour), [packed(LIGHT.tones.accent), packed(LIGHT.tones.second)]);
  assert.equal(raceOf(MARK, [], "dark").racers[0]!.colour, packed(DARK.tones.accent));
  const { balls, paths } = drawnRace(race, 1.5, 2);
  assert.deepEqual(balls.map(({ at }) => at), [[1, 0.5, 2.5], [0.5, 0.5, 1]]);
  assert.deepEqual(paths.map(({ points }) => points.length / 3), [2, 1, 3, 3]);
  assert.equal(balls[0]!.radius, 14);
});

test("a path that is switched off in the key is gone, and the race is as long as the longest that is left", () => {
  const race = raceOf(MARK, [pathEntry(MARK, 0).id], "light");
  assert.deepEqual(race.racers.map(({ name }) => name), ["Adam"]);
  assert.equal(race.count, 2);
});

test("words name the lowest of several, or the height of one", () => {
  assert.equal(raceWords(raceOf(MARK, [], "light"), MARK.label, 1), "point 2 of 3, lowest loss: Adam 1");
  assert.equal(raceWords(raceOf({ ...MARK, paths: MARK.paths.slice(0, 1), names: [] }, [], "light"), "", 2), "point 3 of 3, height 2");
  assert.equal(raceWords(raceOf({ ...MARK, paths: [path(0, 0, NaN)] }, [], "light"), "", 0), "point 1 of 1");
});

test("a surface without paths, and paths without points or with breaks, harm nothing", () => {
  assert.deepEqual(raceOf({ ...MARK, paths: [] }, [], "light").count, 0);
  assert.deepEqual(drawnRace(raceOf({ ...MARK, paths: [path()] }, [], "light"), 0, 1), { paths: [], balls: [] });
  assert.equal(drawnRace(raceOf({ ...MARK, paths: [path(0, 0, NaN, 1, 1, 1)] }, [], "light"), 0, 1).balls.length, 0);
});
