/** Adds the new points of a live run to the picture that is shown. */

import type { Frame, Lines, Mark, NDArray, Panel } from "./types.js";

/**
 * Adds a frame of new points to the one that is shown.
 *
 * @param shown - What is shown; null for nothing.
 * @param more - A frame with `append`.
 * @returns The whole; null when the two do not belong together, and everything must be asked for anew.
 */
export function appended(shown: Frame | null, more: Frame): Frame | null {
  if (!shown || shown.view !== more.view) return null;
  const [before, after] = [shown.figure.panels, more.figure.panels];
  if (before.length !== after.length) return null;
  const panels = after.map((panel, place) => longer(before[place]!, panel));
  if (!panels.every((panel) => panel !== null)) return null;
  return { ...more, append: false, figure: { ...more.figure, panels } };
}

function longer(before: Panel, after: Panel): Panel | null {
  const [old, added] = [before.marks.filter(isFixed), after.marks.filter(isFixed)];
  if (old.length !== added.length || !old.every((mark, place) => nameOf(mark) === nameOf(added[place]!))) return null;
  const marks = after.marks.map((mark) => (mark.kind === "lines" ? joined(old[added.indexOf(mark)] as Lines, mark) : mark));
  return { ...after, marks };
}

/** Events come and go. */
function isFixed(mark: Mark): boolean {
  return mark.kind !== "event";
}

function nameOf(mark: Mark): string {
  return mark.kind + ("label" in mark ? mark.label : "");
}

function joined(old: Lines, more: Lines): Lines {
  const both = (one: NDArray | null, other: NDArray | null) => one && other && together(one, other);
  const [low, high] = [both(old.low, more.low), both(old.high, more.high)];
  return { ...more, x: together(old.x, more.x), y: together(old.y, more.y), low, high };
}

/** In float64, for what comes may need more digits than what is there. */
function together(one: NDArray, other: NDArray): NDArray {
  const values = new Float64Array(one.values.length + other.values.length);
  values.set(one.values);
  values.set(other.values, one.values.length);
  return { shape: [values.length], values };
}
