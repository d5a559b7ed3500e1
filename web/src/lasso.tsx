/** Selecting points by drawing a line around them. */

import { h } from "preact";
import { useComputed, useSignal, type ReadonlySignal, type Signal } from "./signals.js";
import { isFlat } from "./extent.js";
import { groupEntry } from "./key.js";
import type { Plot } from "./plot.js";
import type { Gestures } from "./pointer.js";
import { project } from "./scale.js";
import type { Cloud, Panel } from "./types.js";
import { amount, exact, plain } from "./words.js";

/** The state of a lasso. */
export interface Lasso {
  /** Whether the panel has points to select. */
  readonly possible: boolean;
  /** Whether a drag selects instead of zooming. */
  readonly active: Signal<boolean>;
  readonly chosen: Signal<ReadonlySet<number> | null>;
  /** What is selected, in words. */
  readonly words: ReadonlySignal<string>;
  /** The line that is being drawn: x, y, x, y ... */
  readonly line: Signal<readonly number[]>;
  readonly gestures: Gestures;
}

/** Where each point of a cloud appears: x, y, x, y ... in pixels. */
export type Places = () => ArrayLike<number>;

/** Gives a frame a lasso, if it holds points of a plane. */
export function useLasso(panel: Panel, plot: Plot, hidden: readonly string[]): Lasso {
  const cloud = panel.marks.find(isFlat) ?? null;
  return useLassoOver(cloud, hidden, () => flatPlaces(cloud!, plot));
}

/** Gives a picture of points a lasso. */
export function useLassoOver(cloud: Cloud | null, hidden: readonly string[], places: Places): Lasso {
  const active = useSignal(false);
  const chosen = useSignal<ReadonlySet<number> | null>(null);
  const line = useSignal<readonly number[]>([]);
  const words = useComputed(() => (cloud && chosen.value ? chosenWords(cloud, chosen.value) : ""));
  const gestures: Gestures = !active.value || !cloud ? {} : {
    hover: () => undefined,
    drag: ({ fromX, fromY, x, y }) => {
      line.value = line.peek().length ? [...line.peek(), x, y] : [fromX, fromY, x, y];
    },
    drop: () => {
      const found = enclosed(line.peek(), places(), (point) => !hidden.includes(idOf(cloud, point)));
      chosen.value = found.size ? found : null;
      line.value = [];
    },
    reset: () => (chosen.value = null),
  };
  return { possible: cloud !== null, active, chosen, words, line, gestures };
}

function idOf(cloud: Cloud, point: number): string {
  return cloud.names.length ? groupEntry(cloud, cloud.group?.values[point] ?? 0).id : "";
}

function flatPlaces(cloud: Cloud, plot: Plot): Float64Array {
  const { x, y } = plot.panel;
  return Float64Array.from(cloud.points.values as ArrayLike<number>, (value: number, place: number) =>
    place % 2 ? plot.y(project(y, value)) : plot.x(project(x, value)),
  );
}

/**
 * Returns the points inside a closed line.
 *
 * @param line - Corners: x, y, x, y ...
 * @param places - Points: x, y, x, y ...
 * @param counts - Whether a point may be selected.
 */
export function enclosed(line: ArrayLike<number>, places: ArrayLike<number>, counts: (point: number) => boolean): Set<number> {
  const found = new Set<number>();
  if (line.length < 6) return found;
  for (let point = 0; 2 * point < places.length; point++) {
    if (isInside(line, places[2 * point]!, places[2 * point + 1]!) && counts(point)) found.add(point);
  }
  return found;
}

/** Counts how often a ray from the place to the right crosses the line. */
function isInside(line: ArrayLike<number>, x: number, y: number): boolean {
  let inside = false;
  for (let place = 0, last = line.length - 2; place < line.length; last = place, place += 2) {
    const [x0, y0, x1, y1] = [line[place]!, line[place + 1]!, line[last]!, line[last + 1]!];
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
  }
  return inside;
}

function chosenWords(cloud: Cloud, chosen: ReadonlySet<number>): string {
  const whole = `${exact(chosen.size)} of ${amount(cloud.points.shape[0]!, "point")} selected`;
  if (!cloud.names.length || !cloud.group) return whole;
  const counts = new Map<number, number>();
  for (const point of chosen) {
    const group = cloud.group.values[point]!;
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const parts = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 5);
  return `${whole} (${parts.map(([group, count]) => `${plain(cloud.names[group] ?? String(group))}: ${exact(count)}`).join(", ")})`;
}

/** Shows the line that is being drawn. */
export function LassoLine({ line }: { line: ReadonlySignal<readonly number[]> }) {
  return line.value.length > 2 ? <polygon class="selecting" points={line.value.map(Math.round).join(" ")} /> : null;
}

/** Says what is selected. */
export function LassoWords({ lasso }: { lasso: Lasso }) {
  return lasso.words.value ? <p class="note chosen" role="status">{lasso.words.value}</p> : null;
}
