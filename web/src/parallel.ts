/** Parallel coordinates without a page: where axes and lines stand, and which lines a brush keeps. */

import { finiteSpan } from "./extent.js";
import { axisWords, placeWords, project, type Span } from "./scale.js";
import type { Axis, Parallel } from "./types.js";
import { exact, plain } from "./words.js";

/** Height of an axis, and of what stands above and below it, pixels. */
export const [TALL, HEAD, FOOT] = [230, 34, 10];
/** Room at both sides of the outer axes, where their names ask for no more. */
export const SIDE = 46;
const LEAST = 84;
/** Between the names of two lines. */
const LINE = 14;

/** Axes that stand in one row; neighbouring rows share an axis, so that no step of a line is lost. */
export interface Band {
  readonly first: number;
  readonly count: number;
}

/** Rows of a mark, ready to be drawn at one width. */
export interface Plot {
  readonly mark: Parallel;
  readonly bands: readonly Band[];
  /** Ends of each axis, projected. */
  readonly spans: readonly Span[];
  /** Share of the height of each value from the foot of its axis, [row, axis]; NaN where it is missing. */
  readonly shares: Float64Array;
  readonly width: number;
  /** Room at the left and at the right of the outer axes, pixels. */
  readonly sides: Span;
}

/** What is kept of an axis, as shares of its height. */
export type Brushes = ReadonlyMap<number, readonly [number, number]>;

/** Lays the axes of a mark out. */
export function plotOf(mark: Parallel, width: number, sides: Span = [SIDE, SIDE]): Plot {
  const count = mark.axes.length;
  const most = Math.max(2, Math.floor((width - sides[0] - sides[1]) / LEAST) + 1);
  const bands: Band[] = [];
  for (let first = 0; first < Math.max(count - 1, Math.min(count, 1)); first += most - 1) {
    bands.push({ first, count: Math.min(most, count - first) });
  }
  const { values } = mark.rows;
  const spans = mark.axes.map((axis, place) => spanOf(axis, values.filter((_: number, index: number) => index % count === place)));
  const shares = Float64Array.from(values as ArrayLike<number>, (value, index) => {
    const [low, high] = spans[index % count]!;
    return (project(mark.axes[index % count]!, value) - low) / (high - low);
  });
  return { mark, bands, spans, shares, width, sides };
}

function spanOf(axis: Axis, values: ArrayLike<number>): Span {
  if (axis.categories.length && !axis.limits) return axis.categories.length > 1 ? [0, axis.categories.length - 1] : [-0.5, 0.5];
  return finiteSpan(axis, values);
}

/** Returns the height that all rows of axes take. */
export function heightOf(plot: Plot): number {
  return plot.bands.length * (HEAD + TALL + FOOT);
}

/** Returns the pixels between two axes of a band. */
export function stepOf({ width, sides: [left, right] }: Plot, { count }: Band): number {
  return (width - left - right) / Math.max(count - 1, 1);
}

/** Returns the pixels from the left of an axis of a band. */
export function acrossOf(plot: Plot, band: Band, axis: number): number {
  return plot.sides[0] + stepOf(plot, band) * (axis - band.first);
}

/** Returns the pixels from the top of a share of the height of the axes of a band. */
export function downOf(band: number, share: number): number {
  return band * (HEAD + TALL + FOOT) + HEAD + TALL * (1 - share);
}

/** Returns the line of a row across one band, in pixels; a missing value breaks it, and one between two gaps is a dash. */
export function lineOf(plot: Plot, row: number, place: number): { x: Float64Array; y: Float64Array } {
  const { bands, shares, mark } = plot;
  const band = bands[place]!;
  const line = Array.from(shares.subarray(row * mark.axes.length + band.first).subarray(0, band.count));
  const isDash = line.map((_, at) => Number.isNaN(line[at - 1] ?? NaN) && Number.isNaN(line[at + 1] ?? NaN));
  const points = line.flatMap((share, at) => {
    const [x, y] = [acrossOf(plot, band, band.first + at), downOf(place, share)];
    return isDash[at] ? [[x - 4, y], [x + 4, y], [x + 4, NaN]] : [[x, y]];
  });
  return { x: Float64Array.from(points, ([x]) => x!), y: Float64Array.from(points, ([, y]) => y!) };
}

/** Returns the band at a height. */
export function bandAt(plot: Plot, y: number): number {
  return Math.min(Math.max(Math.floor(y / (HEAD + TALL + FOOT)), 0), plot.bands.length - 1);
}

/** Returns the axis within `reach` pixels of a place, and the share of its height; null where there is none. */
export function axisAt(plot: Plot, x: number, y: number, reach: number): { axis: number; band: number; share: number } | null {
  const band = bandAt(plot, y);
  const { first, count } = plot.bands[band]!;
  const share = Math.min(Math.max((downOf(band, 0) - y) / TALL, 0), 1);
  for (let axis = first; axis < first + count; axis++) {
    if (Math.abs(acrossOf(plot, plot.bands[band]!, axis) - x) <= reach) return { axis, band, share };
  }
  return null;
}

/** Returns the row whose line is nearest above or below a place, at most `reach` pixels away; -1 for none. */
export function rowAt(plot: Plot, kept: (row: number) => boolean, x: number, y: number, reach: number): number {
  const band = bandAt(plot, y);
  const { first, count } = plot.bands[band]!;
  const axes = plot.mark.axes.length;
  const along = Math.min(Math.max((x - plot.sides[0]) / stepOf(plot, plot.bands[band]!), 0), Math.max(count - 1, 0));
  const before = Math.min(Math.floor(along), Math.max(count - 2, 0));
  let [found, least] = [-1, reach];
  for (let row = 0; row < plot.mark.rows.shape[0]!; row++) {
    const one = plot.shares[row * axes + first + before]!;
    const next = count > 1 ? plot.shares[row * axes + first + before + 1]! : one;
    const away = Math.abs(downOf(band, one + (next - one) * (along - before)) - y);
    if (away < least && kept(row)) [found, least] = [row, away];
  }
  return found;
}

/** Returns the rows that have a place on the last axis, and how far down their names stand so that none meets another. */
export function namesBeside(plot: Plot, kept: (row: number) => boolean): { row: number; y: number; down: number }[] {
  const axes = plot.mark.axes.length;
  const band = plot.bands.length - 1;
  const found = Array.from(plot.mark.names, (_, row) => ({ row, y: downOf(band, plot.shares[(row + 1) * axes - 1]!), down: 0 }))
    .filter(({ row, y }) => Number.isFinite(y) && kept(row)).sort((one, other) => one.y - other.y);
  let above = -Infinity;
  for (const one of found) above = one.down = Math.max(one.y, above + LINE);
  let below = downOf(band, 0) + LINE;
  for (const one of found.reverse()) below = one.down = Math.min(one.down, below - LINE);
  return found;
}

/** Tells whether every brush keeps a row. */
export function isKept(plot: Plot, brushes: Brushes, row: number): boolean {
  for (const [axis, [low, high]] of brushes) {
    const share = plot.shares[row * plot.mark.axes.length + axis]!;
    if (!(share >= low - 1e-9 && share <= high + 1e-9)) return false;
  }
  return true;
}

/** Returns the name of a row. */
export function rowName(mark: Parallel, row: number): string {
  return plain(mark.names[row] ?? `row ${row}`);
}

/** Returns the values of a row in words, each with the name of its axis. */
export function rowWords(mark: Parallel, row: number): { label: string; value: string }[] {
  return mark.axes.map((axis, place) => {
    const value = mark.rows.values[row * mark.axes.length + place]!;
    const label = plain(axis.label) || `axis ${place}`;
    return { label, value: Number.isNaN(value) ? "not measured" : placeWords(axis, value, exact) };
  });
}

/** Returns the title of an axis as it is written above it. */
export function titleOf(axis: Axis, place: number): string {
  return axisWords(axis) || `axis ${place}`;
}
