/** What stands around and behind the marks of a frame: grid, ticks, titles, events and limits. */

import { h } from "preact";
import { eventsOn } from "./extent.js";
import { LANE, eventWords, type Label } from "./labels.js";
import { broken, clip, SIZE, type Measure } from "./measure.js";
import { short } from "./marks/lines.js";
import type { Plot } from "./plot.js";
import { middleOf, MOST_TILTED, sideLabel, type Rulers } from "./rulers.js";
import { project, type Tick } from "./scale.js";
import { levelColour } from "./theme.js";
import type { Level } from "./types.js";

/** Hairlines behind the marks. */
export function Grid({ plot, rulers }: { plot: Plot; rulers: Rulers }) {
  const { width, height } = plot;
  return (
    <g stroke="var(--faint)" stroke-width={1}>
      {rulers.y.map(({ place }) => <line x1={0} x2={width} y1={crisp(plot.y(place))} y2={crisp(plot.y(place))} />)}
      {rulers.x.filter(({ label }) => label === "0" && !plot.panel.x.categories[0]).map(({ place }) => (
        <line x1={crisp(plot.x(place))} x2={crisp(plot.x(place))} y1={0} y2={height} />
      ))}
    </g>
  );
}

/** A line one pixel wide is sharp only in the middle of a pixel. */
function crisp(value: number): number {
  return Math.round(value - 0.5) + 0.5;
}

/** The line at the foot of the frame, and the labels of both axes. */
export function Ticks({ plot, rulers, floor, title, measure }: {
  plot: Plot; rulers: Rulers; floor: boolean; title: string; measure: Measure;
}) {
  const { width, height } = plot;
  const room = width + rulers.left;
  return (
    <g class="small">
      {floor && <line x1={0} x2={width} y1={crisp(height)} y2={crisp(height)} stroke="var(--muted)" />}
      {rulers.y.map(({ place, label }) => (
        <text x={-6} y={short(plot.y(place) + 3.8)} text-anchor="end">{sideLabel(label, room, measure)}</text>
      ))}
      {rulers.x.map((tick) => <Below tick={tick} plot={plot} rulers={rulers} measure={measure} />)}
      {title && (
        <text x={short(width / 2)} y={height + rulers.below + 13} text-anchor="middle">
          {clip(title, SIZE.small, room, measure)}
        </text>
      )}
    </g>
  );
}

/** One label below the frame, kept inside the picture; at a slant it ends at its place. */
function Below({ tick: { place, label }, plot, rulers, measure }: { tick: Tick; plot: Plot; rulers: Rulers; measure: Measure }) {
  if (rulers.tilted) {
    const [x, y] = [plot.x(place) + 4, plot.height + 11];
    return <text text-anchor="end" transform={`translate(${short(x)} ${y})rotate(-45)`}>{clip(label, SIZE.small, Math.min(MOST_TILTED, 1.4 * (x + rulers.left)), measure)}</text>;
  }
  const x = middleOf(plot.x(place), measure(label, SIZE.small) / 2, plot.width, rulers);
  return <text x={short(x)} y={plot.height + 15} text-anchor="middle">{label}</text>;
}

/** The lines of events across the frame, with their labels above it. */
export function Events({ labels, plot }: { labels: readonly Label[]; plot: Plot }) {
  const hidden = labels.filter((label) => label.lane < 0).length;
  const highest = Math.max(-1, ...labels.map((label) => label.lane));
  return (
    <g class="small">
      {labels.map((label) => {
        const colour = noteColour(label.event.level);
        const turned = label.start < label.place;
        const foot = -5 - Math.max(label.lane, 0) * LANE;
        const x = crisp(label.place);
        return (
          <g fill={colour}>
            <line x1={x} x2={x} y1={label.lane < 0 ? 0 : foot - 8} y2={plot.height} stroke={colour} stroke-dasharray="4 3" />
            {label.lane >= 0 && (
              <text x={short(turned && label.start > 0 ? label.place - 4 : label.start)} y={foot} fill={colour}
                text-anchor={turned && label.start > 0 ? "end" : "start"}>{label.words}</text>
            )}
          </g>
        );
      })}
      {hidden > 0 && (
        <text x={plot.width} y={-5 - (highest + 1) * LANE} text-anchor="end">+{hidden} without a label</text>
      )}
    </g>
  );
}

/** The lines of limits across the frame, with their names at the right. */
export function Limits({ plot, side, measure }: { plot: Plot; side: number; measure: Measure }) {
  const limits = eventsOn(plot.panel, "y");
  const placed = limits
    .map((event) => ({ event, y: plot.y(project(plot.panel.y, event.at)) }))
    .filter(({ y }) => y >= -1e-3 && y <= plot.height + 1e-3)
    .sort((one, other) => one.y - other.y);
  let lowest = -1e9;
  return (
    <g class="small">
      {placed.map(({ event, y }) => {
        const words = eventWords(event);
        const lines = side ? broken(words, SIZE.small, side - 9, measure).slice(0, 3) : [clip(words, SIZE.small, plot.width, measure)];
        const wished = side ? y + 3.8 - (lines.length - 1) * 6 : y < 14 ? y + 12 : y - 4;
        const base = Math.max(wished, lowest + 12);
        lowest = base + (lines.length - 1) * 12;
        return <Limit y={y} base={base} lines={lines} plot={plot} side={side} level={event.level} />;
      })}
    </g>
  );
}

function Limit({ y, base, lines, plot, side, level }: {
  y: number; base: number; lines: readonly string[]; plot: Plot; side: number; level: Level;
}) {
  const colour = noteColour(level);
  return (
    <g>
      <line x1={0} x2={plot.width} y1={crisp(y)} y2={crisp(y)} stroke={colour} stroke-dasharray="4 3" />
      {lines.map((line, place) => (
        <text class={side ? "" : "halo"} x={side ? plot.width + 7 : plot.width} y={short(base + 12 * place)} fill={colour}
          text-anchor={side ? "start" : "end"}>{line}</text>
      ))}
    </g>
  );
}

/** A plain note is quiet. */
function noteColour(level: Level): string {
  return level === "ok" ? "var(--muted)" : levelColour(level);
}
