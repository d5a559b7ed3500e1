/** The frame of a panel in pixels, and the window of it that is in view. */

import type { Extent } from "./extent.js";
import type { Span } from "./scale.js";
import type { Panel } from "./types.js";

/** A frame with the axes: from projected places to pixels and back. */
export interface Plot {
  readonly panel: Panel;
  readonly extent: Extent;
  readonly width: number;
  readonly height: number;
  /** Pixels from the left side of a projected place. */
  readonly x: (place: number) => number;
  /** Pixels from the top of a projected place. */
  readonly y: (place: number) => number;
  readonly placeX: (pixels: number) => number;
  readonly placeY: (pixels: number) => number;
}

/** Returns the frame of a panel. */
export function plotOf(panel: Panel, extent: Extent, width: number, height: number): Plot {
  const [left, right] = extent.x;
  const [top, bottom] = extent.flipped ? extent.y : [extent.y[1], extent.y[0]];
  const across = width / (right - left);
  const down = height / (bottom - top);
  return {
    panel, extent, width, height,
    x: (place) => (place - left) * across,
    y: (place) => (place - top) * down,
    placeX: (pixels) => left + pixels / across,
    placeY: (pixels) => top + pixels / down,
  };
}

/** What is in view: left, right, low, high, in projected places. */
export type Window = readonly [number, number, number, number];

const CLOSEST = 1e-6;

/** Returns the window of an extent. */
export function windowOf(extent: Extent): Window {
  return [extent.x[0], extent.x[1], extent.y[0], extent.y[1]];
}

/** Returns an extent that shows only a window. */
export function within(extent: Extent, window: Window | undefined): Extent {
  if (!window) return extent;
  return { ...extent, x: [window[0], window[1]], y: [window[2], window[3]] };
}

/**
 * Zooms about a place that stays where it is.
 *
 * @param window - What is in view.
 * @param full - What can be in view at the most.
 * @param factor - Below 1 to come closer.
 * @param at - Projected place.
 * @param axes - Which axes change.
 * @returns The new window; null when it shows everything.
 */
export function zoomed(
  window: Window, full: Window, factor: number, at: readonly [number, number], axes: "x" | "y" | "both" = "both",
): Window | null {
  const x = axes === "y" ? ([window[0], window[1]] as const) : scaled([window[0], window[1]], at[0], factor);
  const y = axes === "x" ? ([window[2], window[3]] as const) : scaled([window[2], window[3]], at[1], factor);
  return limited([...x, ...y], full);
}

function scaled([low, high]: Span, at: number, factor: number): Span {
  return [at + (low - at) * factor, at + (high - at) * factor];
}

/** Moves a window by shares of its own size, as far as there is anything. */
export function panned(window: Window, full: Window, across: number, up: number): Window | null {
  const dx = across * (window[1] - window[0]);
  const dy = up * (window[3] - window[2]);
  return limited([window[0] + dx, window[1] + dx, window[2] + dy, window[3] + dy], full);
}

/** Keeps a window inside what there is; null when it shows everything. */
export function limited(window: Window, full: Window): Window | null {
  const x = inside([window[0], window[1]], [full[0], full[1]]);
  const y = inside([window[2], window[3]], [full[2], full[3]]);
  const same = x[0] === full[0] && x[1] === full[1] && y[0] === full[2] && y[1] === full[3];
  return same ? null : [...x, ...y];
}

function inside([low, high]: Span, [least, most]: Span): Span {
  const whole = most - least;
  const extent = Math.min(Math.max(Math.abs(high - low), Math.abs(whole) * CLOSEST), Math.abs(whole));
  if (extent >= Math.abs(whole) * (1 - 1e-9)) return [least, most];
  const [floor, ceiling] = whole > 0 ? [least, most] : [most, least];
  const start = Math.min(Math.max(Math.min(low, high), floor), ceiling - extent);
  return whole > 0 ? [start, start + extent] : [start + extent, start];
}
