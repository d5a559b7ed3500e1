/** Turns the header of a frame into a figure, and refuses what is not one. */

import { flag, FrameError, kinds, listOf, misfit, number, oneOf, or, record, text, type Read } from "./form.js";
import type { Axis, Figure, Mark, NDArray, Panel } from "./types.js";

const LEVELS = ["ok", "not-measured", "look", "warn", "alarm"] as const;
const TONES = ["accent", "second", "third", "fourth", "fifth", "faint", "ok", "look", "warn", "alarm", "dead", "sparse"] as const;

const texts = or(listOf(text), []);
const level = oneOf(LEVELS);
const tone = oneOf(TONES);
const pair: Read<Axis["limits"]> = (value) =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) ? (value as [number, number]) : null;
const axis = record<Axis>({
  label: text, unit: text, scale: or(oneOf(["linear", "log", "symlog"]), "linear"),
  threshold: (value) => (Number(value) > 0 ? Number(value) : 1), limits: pair, categories: texts,
});

/** An axis with nothing special. */
export const PLAIN_AXIS = axis({}, "");
const side = or(axis, PLAIN_AXIS);

/**
 * Reads the figure of a header.
 *
 * @param raw - `figure` of the header.
 * @param arrays - The arrays of the frame, to which marks refer by number.
 * @returns The figure; every field has the type that types.ts promises.
 */
export function readFigure(raw: unknown, arrays: readonly NDArray[]): Figure {
  const panel = record<Panel>({
    title: text, marks: listOf<Mark>((mark, where) => kinds<Mark>(formsOf(arrays))(mark, where)),
    x: side, y: side, note: text, level: or(level, "ok"), wide: flag,
  });
  return record<Figure>({
    title: text, panels: listOf(panel), columns: (value) => Math.max(1, Math.round(Number(value)) || 1), verdict: text,
    level: or(level, "ok"), caveat: text, alt: text,
  })(raw, "figure");
}

/**
 * Returns the fields of each kind of mark. A shape is said in letters: what bears one letter has one length, "n+1" is
 * one more, "any" is any, "|" parts what is allowed.
 */
function formsOf(arrays: readonly NDArray[]): Record<Mark["kind"], Record<string, Read<unknown>>> {
  const sizes: Record<string, number> = {};
  const fits = (shape: readonly number[], form: string, where: string) => {
    if (!form.split("|").some((one) => isShape(shape, one.split(" "), sizes))) {
      throw new FrameError(`${where} has shape [${shape.join(", ")}], expected ${shapeWords(form, sizes)}.`);
    }
  };
  const array = (form: string): Read<NDArray> => (value, where) => {
    const found = arrays[(value as { $?: number } | null)?.$ ?? -1];
    if (!found) throw misfit(where, value, `{"$": 0 to ${arrays.length - 1}}`);
    fits(found.shape, form, where);
    return found;
  };
  const maybe = (form: string) => or(array(form), null);
  const names = (form: string): Read<string[]> => (value, where) => {
    const found = texts(value, where);
    if (found.length) fits([found.length], form, where);
    return found;
  };
  const several = <Value>(read: Read<Value>, form: string): Read<Value[]> => (value, where) => {
    const found = listOf(read)(value, where);
    fits([found.length], form, where);
    return found;
  };
  const images = "n rows columns|n rows columns 3";
  return {
    bars: { edges: array("n+1"), heights: array("n"), base: maybe("n"), label: text, tone },
    lines: {
      x: array("n"), y: array("n"), low: maybe("n"), high: maybe("n"), fill: flag, label: text, tone,
      style: oneOf(["solid", "dashed", "dotted"]), dots: flag,
    },
    heat: {
      values: array("rows columns"), x: maybe("columns+1"), y: maybe("rows+1"), signed: flag, label: text,
      origin: oneOf(["upper", "lower"]), under: maybe("high wide|high wide 3"), opacity: or(number, 1),
    },
    tiles: { images: array(images), titles: texts, signed: flag, shared_scale: flag, label: text },
    cloud: { points: array("n 2|n 3|0 any"), group: maybe("n"), names: texts, images: maybe(images) },
    surface: {
      x: array("columns"), y: array("rows"), z: array("rows columns"), paths: several(array("any 3"), "paths"),
      names: names("paths"), label: text,
    },
    parallel: { axes: several(axis, "axes"), rows: array("rows axes"), names: names("rows"), value: maybe("rows"), label: text },
    tokens: { text: texts, values: array("n"), signed: flag, label: text },
    table: { columns: texts, rows: or(listOf(texts), []) },
    event: { at: number, text, level, axis: oneOf(["x", "y"]) },
  };
}

/** Tells whether a shape is as said; a letter that was not met before takes the length that comes. */
function isShape(shape: readonly number[], form: readonly string[], sizes: Record<string, number>): boolean {
  return shape.length === form.length && form.every((extent, place) => {
    const [letter, more] = extent.split("+") as [string, string?];
    const length = shape[place]! - Number(more ?? 0);
    return letter === "any" || length === (/\d/.test(letter) ? Number(letter) : (sizes[letter] ??= length));
  });
}

function shapeWords(form: string, sizes: Readonly<Record<string, number>>): string {
  const known = form.replace(/([a-z]+)(\+1)?/g, (whole, letter: string, more) => (letter in sizes ? `${sizes[letter]! + (more ? 1 : 0)}` : whole));
  return `[${known.replaceAll(" ", ", ").replaceAll("|", "] or [")}]`;
}
