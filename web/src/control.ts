/** Controls as plain data: reading them from a frame, and where their values lie. */

import { count, flag, kinds, listOf, name, number, or, text, type Read } from "./form.js";
import type { Control, Parameter, Parameters, RangeControl } from "./types.js";

/** Steps of a slider whose values have none. */
const STEPS = 150;

const texts = { name, label: text, help: text };
const options = listOf(text);
const places: Read<number[] | null> = (value, where) => (Array.isArray(value) && value.length ? listOf(number)(value, where) : null);
const form = kinds<Control>({
  range: {
    ...texts, min: number, max: number, step: (value) => (Number(value) > 0 ? Number(value) : 0), log: flag, unit: text,
    value: number, picks: (value) => (value === "x" || value === "y" ? value : null), stops: places, whole: flag,
  },
  choice: { ...texts, options, value: text },
  several: { ...texts, options, value: or(options, []) },
  toggle: { ...texts, value: flag },
  sketch: { ...texts, rows: count, columns: count, value: text },
});

/**
 * Reads the controls of a frame's header.
 *
 * @param raw - `controls` of the header; missing is none.
 */
export function readControls(raw: unknown): Control[] {
  return or(listOf(form), [])(raw, "controls").map((control) => {
    const label = control.label || control.name.replace(/_/g, " ");
    return control.kind === "range" ? { ...control, label, log: control.log && control.min > 0 } : { ...control, label };
  });
}

/** Tells whether a control can have a value. */
export function allows(control: Control, value: Parameter | undefined): value is Parameter {
  if (control.kind === "toggle") return typeof value === "boolean";
  if (control.kind === "choice") return control.options.includes(value as string);
  if (control.kind === "sketch") return typeof value === "string" && [0, control.rows * control.columns].includes(value.length);
  if (control.kind === "several") return Array.isArray(value) && value.every((one) => control.options.includes(one));
  return typeof value === "number" && value >= control.min && value <= control.max
    && (!control.stops || control.stops.includes(value));
}

/** Returns what a control shows: what the reader wants as far as that is possible, else what the frame has. */
export function shownValue(control: Control, wanted: Parameters): Parameter {
  const value = wanted[control.name];
  return allows(control, value) ? value : control.value;
}

/** Tells whether two values of a parameter are the same; several are a set. */
export function same(one: Parameter | undefined, other: Parameter | undefined): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((option) => other.includes(option));
}

/**
 * Returns the wishes that still mean something: those that the frame fulfils, and those that it was not drawn for.
 * A wish that this frame cannot fulfil although it fulfils all others was refused: another control changed its range.
 */
export function keptWishes(controls: readonly Control[], wanted: Parameters): Parameters {
  const possible = controls.filter((control) => allows(control, wanted[control.name]));
  const answered = possible.every((control) => same(control.value, wanted[control.name]));
  if (!answered || possible.length === Object.keys(wanted).length) return wanted;
  return Object.fromEntries(possible.map(({ name }) => [name, wanted[name]!]));
}

/** Returns the number of places of the slider of a range, less one. */
export function lastPlace(control: RangeControl): number {
  const { min, max, step, log, stops } = control;
  if (stops) return stops.length - 1;
  return step && !log ? Math.max(Math.round((max - min) / step), 0) : STEPS;
}

/** Returns the place of a value on the slider of a range, 0 to `lastPlace`. */
export function placeOf(control: RangeControl, value: number): number {
  const { min, max, log, stops } = control;
  if (stops) return stops.indexOf(nearest(stops, value, log));
  if (!(max > min)) return 0;
  const share = log ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
  return Math.round(Math.min(Math.max(share, 0), 1) * lastPlace(control));
}

/** Returns the value at a place of the slider, in as few digits as tell places apart. */
export function valueAt(control: RangeControl, place: number): number {
  const { min, max, step, log, stops } = control;
  const last = lastPlace(control);
  if (stops) return stops[Math.min(Math.max(place, 0), last)]!;
  if (place <= 0) return min;
  if (place >= last) return max;
  const value = log ? min * (max / min) ** (place / last) : min + place * (step || (max - min) / last);
  return fitted(control, Number(value.toPrecision(log && max > 5 * min ? 3 : step && !log ? 12 : 5)));
}

/** Returns the value when the slider goes to a place; where places share a whole number, it goes on by one. */
export function movedTo(control: RangeControl, value: number, place: number): number {
  const next = valueAt(control, place);
  const by = Math.sign(place - placeOf(control, value));
  return next === value && control.whole ? fitted(control, value + by) : next;
}

/** Returns the value nearest to a number that a range can have: between its ends, at a stop, whole where all are. */
export function fitted(control: RangeControl, value: number): number {
  const { min, max, whole, log, stops } = control;
  if (stops) return nearest(stops, value, log);
  return Math.min(Math.max(whole ? Math.round(value) : value, min), max);
}

function nearest(stops: readonly number[], value: number, log: boolean): number {
  const away = (stop: number) => (log ? Math.abs(Math.log(stop / value)) : Math.abs(stop - value));
  return stops.reduce((best, stop) => (away(stop) < away(best) ? stop : best));
}

/** Returns how far a value is from that of a control: 0 the same, 1 as different as can be. */
export function distance(control: Control, value: Parameter | undefined): number {
  if (value === undefined || same(control.value, value)) return 0;
  if (control.kind !== "range" || typeof value !== "number") return 1;
  const { min, max, log } = control;
  const far = log ? Math.log(value / control.value) / Math.log(max / min) : (value - control.value) / (max - min);
  return Math.min(Math.abs(far), 1) || 1;
}

/** Returns what a click at a place of a plane sets; null when no control picks a place. */
export function picksOf(controls: readonly Control[], x: number, y: number): Parameters | null {
  const picking = controls.filter((one): one is RangeControl => one.kind === "range" && one.picks !== null);
  const set = picking.map((control) => {
    const value = control.picks === "x" ? x : y;
    const digits = (control.max - control.min) / 1000;
    const round = 10 ** Math.floor(Math.log10(digits || 1));
    return [control.name, fitted(control, Number((Math.round(value / round) * round).toPrecision(12)))] as const;
  });
  return set.length ? Object.fromEntries(set) : null;
}
