/** Histograms and bars of unequal width, overlaid or stacked. */

import { h } from "preact";
import type { Plot } from "../plot.js";
import { project, projectAll } from "../scale.js";
import { toneColour } from "../theme.js";
import type { Bars, Panel } from "../types.js";
import { number } from "../words.js";
import { short } from "./lines.js";

/** Sides of the bars in pixels: left, right, foot, top. */
type Sides = readonly [number, number, number, number];

/** Draws the bars of a mark. */
export function BarsMark({ mark, plot }: { mark: Bars; plot: Plot }) {
  const edges = projectAll(plot.panel.x, mark.edges.values).map(plot.x);
  const widths = Array.from(mark.heights.values, (_: number, place: number) => edges[place + 1]! - edges[place]!);
  const apart = Math.min(...widths.map(Math.abs)) > 6.5;
  const named = plot.panel.x.categories.length > 0;
  const shown: Sides[] = [];
  widths.forEach((width, place) => {
    const gap = !apart ? 0 : named ? 0.07 * width : 0.35;
    const [foot, top] = [levelOf(mark, place, false, plot), levelOf(mark, place, true, plot)];
    const sides: Sides = [edges[place]! + gap, edges[place + 1]! - gap, foot, top];
    if (foot !== top && sides.every(Number.isFinite)) shown.push(sides);
  });
  const veiled = isOverlay(mark, plot.panel) ? 0.6 : undefined;
  return <path d={barsPath(shown, !apart)} fill={toneColour(mark.tone)} fill-opacity={veiled} />;
}

/** A value that a log axis does not reach lies on the floor. */
function levelOf(mark: Bars, place: number, top: boolean, plot: Plot): number {
  const foot = mark.base?.values[place] ?? 0;
  const height = mark.heights.values[place]!;
  if (Number.isNaN(height)) return NaN;
  const level = project(plot.panel.y, top ? foot + height : foot);
  return Number.isFinite(level) ? plot.y(level) : plot.height;
}

/** Tells whether a histogram lies over another with the same bars, which must stay visible. */
function isOverlay(mark: Bars, panel: Panel): boolean {
  const before = panel.marks.slice(0, panel.marks.indexOf(mark));
  return !mark.base && before.some((one) => {
    if (one.kind !== "bars" || one.base) return false;
    const [edges, others] = [mark.edges.values, one.edges.values];
    return edges.length === others.length && edges[0] === others[0] && edges.at(-1) === others.at(-1);
  });
}

/** Touching bars become one outline, without the seams that show between rectangles. */
function barsPath(bars: readonly Sides[], joined: boolean): string {
  const pieces: string[] = [];
  let run: Sides[] = [];
  const close = () => {
    if (run.length) pieces.push(outline(run));
    run = [];
  };
  for (const bar of bars) {
    const last = run.at(-1);
    if (last && !(joined && Math.abs(last[1] - bar[0]) < 0.01)) close();
    run.push(bar);
  }
  close();
  return pieces.join("");
}

function outline(run: readonly Sides[]): string {
  const tops = run.map(([left, right, , top]) => `${short(left)} ${short(top)}L${short(right)} ${short(top)}`);
  const feet = [...run].reverse().map(([left, right, foot]) => `${short(right)} ${short(foot)}L${short(left)} ${short(foot)}`);
  return `M${tops.join("L")}L${feet.join("L")}Z`;
}

/** Writes the value of the tallest bar that the limits of the axis cut off. */
export function CutBar({ mark, plot }: { mark: Bars; plot: Plot }) {
  const ceiling = plot.extent.y[1];
  let tallest = -1;
  let most = ceiling + 1e-6 * Math.abs(ceiling - plot.extent.y[0]);
  mark.heights.values.forEach((height: number, place: number) => {
    const top = project(plot.panel.y, (mark.base?.values[place] ?? 0) + height);
    if (top > most) [tallest, most] = [place, top];
  });
  if (tallest < 0) return null;
  const value = mark.heights.values[tallest]! + (mark.base?.values[tallest] ?? 0);
  const right = plot.x(project(plot.panel.x, mark.edges.values[tallest + 1]!));
  if (!(right >= 0 && right <= plot.width)) return null;
  const turned = right > plot.width - 44;
  const left = turned ? plot.x(project(plot.panel.x, mark.edges.values[tallest]!)) - 4 : right + 4;
  return (
    <text class="small halo" x={short(left)} y={11} text-anchor={turned ? "end" : "start"}>↑ {number(value)}</text>
  );
}
