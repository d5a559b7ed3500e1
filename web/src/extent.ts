/** The window that shows every mark of a panel; the same as `frame_of` in core/figure/scales.py. */

import { cellEdges, project, projectAll, type Span } from "./scale.js";
import type { Axis, Bars, Cloud, Event, Heat, Lines, Mark, Numbers, Panel } from "./types.js";

/** The window of a panel, in projected places. */
export interface Extent {
  readonly x: Span;
  readonly y: Span;
  /** The y axis runs downwards (row 0 of a matrix on top). */
  readonly flipped: boolean;
  /** No mark has anything to show. */
  readonly empty: boolean;
}

/** Marks that share the axes of a panel. */
export type Framed = Bars | Lines | Heat | Cloud;

/** Tells whether a mark is points of a plane. */
export function isFlat(mark: Mark): mark is Cloud {
  return mark.kind === "cloud" && mark.points.shape[1] === 2;
}

/** Returns the events on one axis of a panel. */
export function eventsOn(panel: Panel, axis: "x" | "y"): Event[] {
  return panel.marks.filter((mark): mark is Event => mark.kind === "event" && mark.axis === axis);
}

/** Tells whether a mark is drawn in the frame with the axes; the others stand below it, one after the other. */
export function isFramed(mark: Mark): mark is Framed {
  return ["bars", "lines", "heat"].includes(mark.kind) || isFlat(mark);
}

/** Smallest and largest projected place met so far; whatever is not finite does not count. */
class Reach {
  low = Infinity;
  high = -Infinity;
  readonly #axis: Axis;

  constructor(axis: Axis) {
    this.#axis = axis;
  }

  add(value: number): void {
    const place = project(this.#axis, value);
    if (place < this.low) this.low = place;
    if (place > this.high) this.high = place;
  }

  /** Adds all values; with `where`, those at which that is finite. */
  addAll(values: Numbers, where?: Numbers): void {
    const places = projectAll(this.#axis, values);
    for (let index = 0; index < places.length; index++) {
      const place = places[index]!;
      if (where && !(Math.abs(where[index]!) < Infinity)) continue;
      if (place < this.low) this.low = place;
      if (place > this.high) this.high = place;
    }
  }

  get seen(): boolean {
    return this.low <= this.high;
  }
}

/** Returns the window that shows every mark of a panel, or the limits of its axes where they are given. */
export function extentOf(panel: Panel): Extent {
  const x = new Reach(panel.x);
  const y = new Reach(panel.y);
  for (const mark of panel.marks) reachOf(mark, x, y);
  const empty = !x.seen || !y.seen;
  for (const { at } of eventsOn(panel, "y")) y.add(at);
  const heats = panel.marks.filter((mark) => mark.kind === "heat");
  const exact = heats.length > 0 || panel.marks.some((mark) => mark.kind === "bars");
  const spread = !exact && panel.marks.some((mark) => mark.kind === "cloud");
  return {
    x: spanOf(panel.x, x, spread ? 0.05 : 0),
    y: spanOf(panel.y, y, heats.length ? 0 : 0.05),
    flipped: heats.some((mark) => mark.origin === "upper"),
    empty,
  };
}

function reachOf(mark: Mark, x: Reach, y: Reach): void {
  if (mark.kind === "bars") barsReach(mark, x, y);
  if (mark.kind === "lines") linesReach(mark, x, y);
  if (mark.kind === "heat") heatReach(mark, x, y);
  if (isFlat(mark)) {
    const points = mark.points.values;
    for (let place = 0; place < points.length; place += 2) {
      x.add(points[place]!);
      y.add(points[place + 1]!);
    }
  }
}

function barsReach(mark: Bars, x: Reach, y: Reach): void {
  const heights = mark.heights.values;
  if (!heights.length) return;
  x.addAll(mark.edges.values);
  heights.forEach((height: number, place: number) => {
    const foot = mark.base?.values[place] ?? 0;
    y.add(foot);
    y.add(foot + height);
  });
}

function linesReach(mark: Lines, x: Reach, y: Reach): void {
  const ups = mark.y.values;
  x.addAll(mark.x.values, ups);
  y.addAll(ups);
  if (mark.low) y.addAll(mark.low.values);
  if (mark.high) y.addAll(mark.high.values);
}

function heatReach(mark: Heat, x: Reach, y: Reach): void {
  const [rows, columns] = mark.values.shape as [number, number];
  if (!rows || !columns) return;
  x.addAll(cellEdges(mark.x?.values ?? null, columns));
  y.addAll(cellEdges(mark.y?.values ?? null, rows));
}

/** Returns the window of values along an axis that stands alone. */
export function finiteSpan(axis: Axis, values: ArrayLike<number>): Span {
  const reach = new Reach(axis);
  reach.addAll(values as Numbers);
  return spanOf(axis, reach, 0);
}

function spanOf(axis: Axis, reach: Reach, margin: number): Span {
  if (axis.limits) {
    const [low, high] = axis.limits.map((one) => project(axis, one)) as [number, number];
    if (Number.isFinite(low) && Number.isFinite(high) && low !== high) return [low, high];
  }
  if (!reach.seen) return [0, 1];
  const { low, high } = reach;
  if (low === high) {
    const half = axis.scale === "linear" ? 0.5 * (Math.abs(low) || 1) : 0.5;
    return [low - half, high + half];
  }
  const room = margin * (high - low);
  // A quantity that is never negative gets no room below 0.
  return [low >= 0 && low < room && axis.scale === "linear" ? 0 : low - room, high + room];
}

/** Tells whether only distances mean something, so that both axes need one scale. */
export function isMap(panel: Panel): boolean {
  const { x, y, marks } = panel;
  const linear = x.scale === "linear" && y.scale === "linear" && !x.limits && !y.limits;
  return marks.length > 0 && marks.every((mark) => mark.kind === "cloud") && linear && x.unit === y.unit;
}

/** Widens a window so that a unit is as long across as upwards. */
export function evened(extent: Extent, width: number, height: number): Extent {
  const wide = extent.x[1] - extent.x[0];
  const high = extent.y[1] - extent.y[0];
  const unit = Math.max(wide / width, high / height);
  const x = (unit * width - wide) / 2;
  const y = (unit * height - high) / 2;
  return { ...extent, x: [extent.x[0] - x, extent.x[1] + x], y: [extent.y[0] - y, extent.y[1] + y] };
}
