/** Paths on a surface that are played together, one ball each. */

import { pathEntry, placeColour } from "../key.js";
import { packed, type Page } from "../raster/colors.js";
import { over } from "../raster/splat.js";
import type { Ball, Path } from "../raster/trail.js";
import type { Surface } from "../types.js";
import { number, plain } from "../words.js";

/** One path that is shown. */
interface Racer {
  readonly name: string;
  /** [point, 3] */
  readonly points: Float64Array;
  readonly count: number;
  /** Packed pixel. */
  readonly colour: number;
}

/** Paths that are played together. */
export interface Race {
  readonly racers: readonly Racer[];
  /** Points of the longest path that is shown. */
  readonly count: number;
  /** Packed pixel of the rims of the paths. */
  readonly casing: number;
}

/** Returns the paths of a surface that are not switched off. */
export function raceOf(mark: Surface, hidden: readonly string[], page: Page): Race {
  const every = mark.paths.map(({ shape, values }, place) => ({
    name: plain(mark.names[place] ?? ""), points: Float64Array.from(values as ArrayLike<number>), count: shape[0]!,
    colour: packed(placeColour(place, page)),
  }));
  const racers = every.filter(({ count }, place) => count > 0 && !hidden.includes(pathEntry(mark, place).id));
  return {
    racers,
    count: Math.max(0, ...racers.map(({ count }) => count)),
    casing: packed(page === "dark" ? "#15181d" : "#ffffff"),
  };
}

/** Returns the rest of each path pale, what was walked of it strong, and the balls; a path that has ended waits. */
export function drawnRace({ racers, casing }: Race, place: number, ratio: number): { paths: Path[]; balls: Ball[] } {
  const rest: Path[] = [];
  const walked: Path[] = [];
  const balls = racers.map(({ points, count, colour }) => {
    const whole = Math.floor(Math.min(place, count - 1));
    const at = placeAt(points, Math.min(place, count - 1));
    const part = new Float64Array(3 * (whole + 2));
    part.set(points.subarray(0, 3 * (whole + 1)));
    part.set(at, 3 * (whole + 1));
    rest.push({ points: points.subarray(3 * whole), colour: over(colour, casing, 0.45), casing, width: 1.5 * ratio, dot: false });
    walked.push({ points: part, colour, casing, width: 2.2 * ratio });
    return { at, radius: 7 * ratio, colour };
  });
  return { paths: [...rest, ...walked], balls: balls.filter(({ at }) => at.every(Number.isFinite)) };
}

/** Returns the place on a path between two of its points. */
function placeAt(points: Float64Array, place: number): [number, number, number] {
  const before = Math.floor(place);
  const after = Math.min(before + 1, points.length / 3 - 1);
  const share = place - before;
  return [0, 1, 2].map((axis) => {
    const [one, next] = [points[3 * before + axis]!, points[3 * after + axis]!];
    return share ? one + (next - one) * share : one;
  }) as [number, number, number];
}

/** Says how far the race is: the height of the only path, or which path is lowest now. */
export function raceWords({ racers, count }: Race, label: string, place: number): string {
  const name = plain(label).replace(/\s*\(.*\)$/, "") || "height";
  const start = `point ${place + 1} of ${count}`;
  const heights = racers.map((racer) => ({ ...racer, height: racer.points[3 * Math.min(place, racer.count - 1) + 2]! }));
  const [first, ...others] = heights.filter(({ height }) => Number.isFinite(height)).sort((one, other) => one.height - other.height);
  if (!first) return start;
  return others.length ? `${start}, lowest ${name}: ${first.name} ${number(first.height)}` : `${start}, ${name} ${number(first.height)}`;
}
