/** Where values sit on an axis, and round places along it; the same as core/figure/scales.py. */

import type { Axis, Numbers } from "./types.js";
import { fixed, number, plain } from "./words.js";

/** Two ends, in projected places. */
export type Span = readonly [number, number];

/** A projected place with its label. */
export interface Tick {
  readonly place: number;
  readonly label: string;
}

const LARGEST = 1e300; // beyond it the width of a span would overflow

/**
 * Returns where a value sits along an axis.
 *
 * @param axis - Linear, log or symlog.
 * @param value - Any number.
 * @returns The value; its decimal logarithm (NaN for what is not positive); or for symlog value / threshold within
 *   the threshold and 1 + log10(|value| / threshold) with the sign beyond. Infinite values are NaN.
 */
export function project(axis: Axis, value: number): number {
  if (!Number.isFinite(value)) return NaN;
  const whole = Math.max(-LARGEST, Math.min(LARGEST, value));
  if (axis.scale === "log") return whole > 0 ? Math.log10(whole) : NaN;
  if (axis.scale === "symlog") {
    const share = whole / axis.threshold;
    return Math.abs(share) <= 1 ? share : Math.sign(share) * (1 + Math.log10(Math.abs(share)));
  }
  return whole;
}

const projected = new WeakMap<Numbers, { scale: string; threshold: number; places: Float64Array }>();

/** Returns where all values sit along an axis; kept, since several parts ask for the same: not to be written to. */
export function projectAll(axis: Axis, values: Numbers): Float64Array {
  const { scale, threshold } = axis;
  const known = projected.get(values);
  if (known?.scale === scale && known.threshold === threshold) return known.places;
  const places = new Float64Array(values.length);
  const [linear, logarithmic] = [scale === "linear", scale === "log"];
  for (let place = 0; place < places.length; place++) {
    const value = values[place]!;
    // The quick ways for what is neither broken nor beyond the largest.
    const usual = value < LARGEST && value > (logarithmic ? 0 : -LARGEST);
    places[place] = usual && linear ? value : usual && logarithmic ? Math.log10(value) : project(axis, value);
  }
  projected.set(values, { scale, threshold, places });
  return places;
}

/** Returns the value that sits at a projected place; the opposite of `project`. */
export function valueAt(axis: Axis, place: number): number {
  if (axis.scale === "log") return 10 ** Math.min(Math.max(place, -300), 300);
  if (axis.scale === "symlog") {
    const size = Math.abs(place);
    return axis.threshold * (size <= 1 ? place : Math.sign(place) * 10 ** Math.min(size - 1, 300));
  }
  return place;
}

/** Returns the edges of the columns or rows of a heat; without edges, cell i is centred on place i. */
export function cellEdges(edges: Numbers | null, count: number): Numbers {
  return edges ?? Float64Array.from({ length: count + 1 }, (_, place) => place - 0.5);
}

/**
 * Returns round places along an axis with their labels.
 *
 * @param axis - The axis.
 * @param span - The two ends, in projected places.
 * @param most - How many ticks there is room for.
 * @returns From low to high, about `most` at the most.
 */
export function ticks(axis: Axis, span: Span, most: number): Tick[] {
  const low = Math.min(...span);
  const high = Math.max(...span);
  if (axis.categories.length) return named(axis.categories, low, high, most);
  if (axis.scale === "linear") return linearTicks(low, high, most);
  const values = axis.scale === "log" ? logValues(low, high, most) : symlogValues(axis, low, high, most);
  return values.map((value) => ({ place: project(axis, value), label: number(value) }));
}

function named(categories: readonly string[], low: number, high: number, most: number): Tick[] {
  const first = Math.max(Math.ceil(low), 0);
  const last = Math.min(Math.floor(high), categories.length - 1);
  const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(most, 1)));
  const found: Tick[] = [];
  for (let place = first; place <= last; place += every) found.push({ place, label: plain(categories[place]!) });
  return found;
}

function linearTicks(low: number, high: number, most: number): Tick[] {
  let step = roundStep((high - low) / Math.max(most, 1));
  let places = multiples(step, low, high, most);
  // A single tick tells no scale.
  for (let turn = 0; turn < 2 && high > low && places.length < 2; turn++) {
    step = roundStep(step / 2.5);
    places = multiples(step, low, high, most);
  }
  const biggest = Math.max(0, ...places.map(Math.abs));
  return places.map((place) => ({ place, label: tickLabel(place, step, biggest) }));
}

function multiples(step: number, low: number, high: number, most: number): number[] {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const places: number[] = [];
  for (let index = first; index <= last && places.length <= most; index++) places.push(index * step);
  return places;
}

/** Returns the smallest of 1, 2, 5 times a power of ten that is at least `least`. */
export function roundStep(least: number): number {
  if (!(least > 0) || !Number.isFinite(least)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5].find((one) => one * power >= least * (1 - 1e-9));
  return (factor ?? 10) * power;
}

/** Returns the label of one tick, with as many decimals as its neighbours need. */
export function tickLabel(value: number, step: number, biggest: number): string {
  if (Math.abs(value) < step / 1e6) return "0";
  if (biggest >= 1e10 || biggest < 1e-3) return number(value);
  for (const [size, letter] of [[1e9, "B"], [1e6, "M"], [1e4, "k"]] as const) {
    if (biggest < size) continue;
    const unit = letter === "k" ? 1e3 : size;
    return withStep(value / unit, step / unit) + letter;
  }
  return withStep(value, step);
}

function withStep(value: number, step: number): string {
  return fixed(value, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

function logValues(low: number, high: number, most: number): number[] {
  const first = Math.ceil(low - 1e-9);
  const last = Math.floor(high + 1e-9);
  const count = last - first + 1;
  if (count < 2) return fineValues(low, high).slice(0, most);
  const every = Math.max(1, Math.ceil(count / most));
  const found: number[] = [];
  for (let power = first; power <= last; power += every) found.push(10 ** power);
  return found;
}

/** 1, 2 and 5 times powers of ten, for a log axis that holds fewer than two powers. */
function fineValues(low: number, high: number): number[] {
  const found: number[] = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const factor of [1, 2, 5]) found.push(factor * 10 ** power);
  }
  return found.filter((one) => low - 1e-9 <= Math.log10(one) && Math.log10(one) <= high + 1e-9);
}

function symlogValues(axis: Axis, low: number, high: number, most: number): number[] {
  const linear = Math.log10(axis.threshold);
  const start = Math.max(Math.ceil(linear - 1e-9), -300);
  const farthest = Math.max(Math.abs(low), Math.abs(high));
  const reach = Math.min(farthest > 1 ? Math.floor(linear + farthest - 1 + 1e-9) : start - 1, 300);
  const sides = Number(low < 0) + Number(high > 0);
  const room = Math.max(1, Math.floor((most - 1) / Math.max(sides, 1)));
  const every = Math.max(1, Math.ceil((reach - start + 1) / room));
  const kept: number[] = [];
  // Counted from the far end, so that the largest power is always named.
  for (let power = reach; power >= start; power -= every) kept.push(10 ** power);
  const sizes = reach < start ? [axis.threshold] : kept;
  const values = [...sizes.map((size) => -size), 0, ...[...sizes].reverse()];
  return values.filter((one) => low - 1e-9 <= project(axis, one) && project(axis, one) <= high + 1e-9);
}

/** Returns an axis whose places are its values. */
export function linear(axis: Axis): Axis {
  return { ...axis, scale: "linear", categories: [] };
}

/** Returns the title of an axis as it is written beside it: "step", "time, s", or "". */
export function axisWords(axis: Axis): string {
  const label = plain(axis.label);
  return axis.unit ? [label, plain(axis.unit)].filter(Boolean).join(", ") : label;
}

/**
 * Returns what a place on an axis is called: "step 120", "0.25 nats", or the name of a category.
 *
 * @param axis - The axis.
 * @param value - A value, not projected.
 * @param write - How a number is written.
 */
export function placeWords(axis: Axis, value: number, write: (value: number) => string): string {
  if (axis.categories.length) {
    const name = axis.categories[Math.round(value)];
    if (name !== undefined) return plain(name);
  }
  return axis.unit ? `${write(value)} ${plain(axis.unit)}` : write(value);
}
