/** The curves of a panel as they are drawn: which of them are raw data under a smoothed one, and how smooth. */

import { isRising, smooth } from "./curve.js";
import { project, projectAll } from "./scale.js";
import type { Figure, Lines, Numbers, Panel } from "./types.js";

/** A curve as it is drawn. */
export interface Curve {
  readonly mark: Lines;
  /** Values of the bold line. */
  readonly y: Numbers;
  /** Values before smoothing, drawn faintly; null when nothing was smoothed here. */
  readonly raw: Numbers | null;
  /** Projected places. */
  readonly across: Float64Array;
  readonly up: Float64Array;
  readonly rising: boolean;
}

/** Fewer points than this are never smoothed: each of them can be seen. */
const LEAST_POINTS = 65;

/** Tells whether the smoothing of a curve can be chosen; a line over a matrix is a path. */
export function canSmooth(mark: Lines, panel: Panel): boolean {
  return !mark.fill && panel.marks.every(({ kind }) => kind !== "heat") && !panel.x.categories.length && mark.x.values.length >= LEAST_POINTS && isRising(mark.x.values);
}

/** Tells whether any curve of a figure is so noisy that smoothing it is worth a control. */
export function hasSmoothing(figure: Figure): boolean {
  return figure.panels.some((panel) => panel.marks.some((mark) => mark.kind === "lines" && isNoisy(mark.y.values) && canSmooth(mark, panel)));
}

/** Tells whether a figure holds averages of its own, with the raw curves under them. */
export function isAveraged(figure: Figure): boolean {
  return figure.panels.some(({ marks }) => {
    const lines = marks.filter((mark) => mark.kind === "lines");
    return lines.some((_, place) => isRaw(lines, place));
  });
}

/** Tells whether a curve turns at more than every third of its points; what is only noise turns at two thirds. */
export function isNoisy(values: Numbers): boolean {
  let turns = 0;
  for (let place = 2; place < values.length; place++) {
    turns += Number((values[place]! - values[place - 1]!) * (values[place - 1]! - values[place - 2]!) < 0);
  }
  return 3 * turns > values.length;
}

/**
 * Returns the curves of a panel.
 *
 * A faint curve without a name that is followed by a named one at the same places is the raw data of that one;
 * another smoothing begins from it.
 *
 * @param panel - Whose curves.
 * @param memory - Smoothing, 0 to below 1; null as the figure has it.
 */
export function curvesOf(panel: Panel, memory: number | null): Curve[] {
  const lines = panel.marks.filter((mark): mark is Lines => mark.kind === "lines");
  return lines.map((mark, place) => {
    const before = lines[place - 1];
    const source = before && isRawOf(before, mark) ? before : null;
    const across = projectAll(panel.x, mark.x.values);
    const values = memory === null || !canSmooth(mark, panel) || isRaw(lines, place) ? null : source ?? mark;
    const y = values ? smooth(values.y.values, memory ?? 0, panel.y.scale === "log") : mark.y.values;
    const raw = values && !source && memory ? mark.y.values : null;
    return { mark, y, raw, across, up: projectAll(panel.y, y), rising: isRising(across) };
  });
}

function isRaw(lines: readonly Lines[], place: number): boolean {
  const after = lines[place + 1];
  return after !== undefined && isRawOf(lines[place]!, after);
}

function isRawOf(one: Lines, other: Lines): boolean {
  if (one.tone !== "faint" || one.label || one.fill || other.fill || !other.label) return false;
  const [x, places] = [one.x.values, other.x.values];
  return x.length === places.length && x.length > 0 && x[0] === places[0] && x.at(-1) === places.at(-1);
}

/** Returns the raw curve under a smoothed one; null when there is none. */
export function rawUnder(curves: readonly Curve[], place: number): Numbers | null {
  const [before, curve] = [curves[place - 1], curves[place]!];
  if (curve.raw) return curve.raw;
  return before && isRawOf(before.mark, curve.mark) ? before.mark.y.values : null;
}

/** Tells whether a curve only shows the raw data of the next. */
export function isUnder(curves: readonly Curve[], place: number): boolean {
  const after = curves[place + 1];
  return after !== undefined && isRawOf(curves[place]!.mark, after.mark);
}

/** Returns the projected sides of the band of a curve; null without one. A ridge reaches from `low` to the curve. */
export function bandOf(curve: Curve, panel: Panel): { low: Float64Array; high: Float64Array } | null {
  const { mark } = curve;
  if (!mark.low) return null;
  const high = mark.fill || !mark.high ? curve.up : projectAll(panel.y, mark.high.values);
  return { low: Float64Array.from(mark.low.values, (value: number) => project(panel.y, value)), high };
}
