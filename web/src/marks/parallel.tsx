/** Parallel coordinates: one upright axis a quantity, one line across all of them a row. */

import { Fragment, h } from "preact";
import { useSignal, type Signal } from "../signals.js";
import { useMemo } from "preact/hooks";
import { Nothing } from "../guard.js";
import { Raster, type Draw } from "../canvas.js";
import { clip, SIZE, type Measure } from "../measure.js";
import {
  acrossOf, axisAt, downOf, heightOf, isKept, lineOf, namesBeside, plotOf, rowAt, rowName, rowWords, SIDE, stepOf, TALL, titleOf, type Band,
  type Brushes, type Plot,
} from "../parallel.js";
import { arrowOf, type Drag, type Gestures } from "../pointer.js";
import { colourOf, css, limitsOf, lineTable, packed, type Page } from "../raster/colors.js";
import { drawStrokes, type Stroke } from "../raster/strokes.js";
import type { Reading } from "../reading.js";
import { clampIndex } from "../reading.js";
import { ticks } from "../scale.js";
import { useScene, type Scene } from "../scene.js";
import { readingGestures, Stage, type Readings } from "../stage.js";
import { setEntry, type State } from "../state.js";
import { PanelTools } from "../tools.js";
import { themeOf, type Theme } from "../theme.js";
import type { Parallel } from "../types.js";
import { amount, exact, plain } from "../words.js";
import { linePath, short } from "./lines.js";

/** How near an axis a drag begins that brushes it, pixels. */
const [NEAR_AXIS, NEAR_LINE] = [16, 12];
/** So many lines have their names beside their ends, where there is so much room, pixels. */
const [NAMED, ROOM] = [8, 520];

/** Draws the axes, the lines, and what is done with them. */
export function ParallelMark({ mark, title, width, name }: { mark: Parallel; title: string; width: number; name: string }) {
  const { store, page, measure } = useScene();
  const plot = useMemo(() => plotOf(mark, width, sidesOf(mark, width, measure)), [mark, width]);
  const windows = store.windows.value;
  const brushes = useMemo(() => brushesOf(windows, name), [windows]);
  const kept = useMemo(() => Array.from({ length: mark.rows.shape[0]! }, (_, row) => isKept(plot, brushes, row)), [plot, brushes]);
  const theme = themeOf(page.value);
  const colours = useMemo(() => coloursOf(mark, page.value), [mark, theme]);
  const draw = useMemo(() => linesOf(plot, kept, colours, theme), [plot, kept, colours, theme]);
  const reading = useSignal<Reading | null>(null);
  const said = useSignal<Reading | null>(null);
  const tall = heightOf(plot);
  const clear = () => [...brushes.keys()].forEach((axis) => setEntry(store.windows, `${name}/${axis}`, null));
  const gestures = gesturesOf({ plot, name, store, brushes, kept, colours, reading, said, clear });
  if (!mark.axes.length || !kept.length) return <Nothing />;
  return (
    <div class="block">
      <Stage kind="interactive plot" label={`${plain(title) || "Parallel coordinates"}. ${KEYS}`} width={width} height={tall} reading={reading}
        said={said} gestures={gestures} over={<Hovered plot={plot} reading={reading} colours={colours} />}>
        <Raster width={width} height={tall} draw={draw} />
        <svg class="front" width={width} height={tall} aria-hidden>
          {plot.bands.map((band, place) => <Axes plot={plot} band={band} place={place} brushes={brushes} />)}
          {hasNames(mark, width) && <Names plot={plot} kept={kept} colours={colours} />}
        </svg>
      </Stage>
      {brushes.size > 0 && <p class="more chosen" role="status">{keptWords(mark, kept)}</p>}
      <PanelTools name={name} zoomed={brushes.size > 0} lasso={null} onReset={clear} />
    </div>
  );
}

const KEYS = "Left and right go from axis to axis, up and down from line to line, with Shift they keep a range, 0 keeps all, Escape leaves.";

function hasNames({ names }: Parallel, width: number): boolean {
  return names.length > 0 && names.length <= NAMED && width >= ROOM;
}

/** Room for the names on the first axis, and for those of the lines. */
function sidesOf(mark: Parallel, width: number, measure: Measure): [number, number] {
  const room = (words: readonly string[]) =>
    Math.min(Math.max(SIDE, ...words.map((one) => measure(plain(one), SIZE.small) + 16)), 0.28 * width);
  return [room(mark.axes[0]?.categories ?? []), hasNames(mark, width) ? room(mark.names) : SIDE];
}

/** The names of the lines at their ends. */
function Names({ plot, kept, colours }: { plot: Plot; kept: readonly boolean[]; colours: readonly string[] }) {
  const { measure } = useScene();
  const x = plot.width - plot.sides[1];
  return (
    <>
      {namesBeside(plot, (row) => kept[row]!).map(({ row, y, down }) => (
        <>
          <path d={`M${x + 2} ${short(y)}L${x + 10} ${short(down)}`} stroke={colours[row] || "var(--tone-faint)"} stroke-width={1.7} />
          <text x={x + 13} y={short(down + 4)}>{clip(rowName(plot.mark, row), SIZE.small, plot.sides[1] - 14, measure)}</text>
        </>
      ))}
    </>
  );
}

/** Brushes are kept with the windows of the frames, so that the address of the page holds them. */
function brushesOf(windows: State["windows"], name: string): Brushes {
  return new Map(Object.entries(windows).flatMap(([key, [low, high]]) => {
    const [home, axis] = key.split("/");
    return axis && home === name ? [[Number(axis), [low, high]] as const] : [];
  }));
}

function keptWords(mark: Parallel, kept: readonly boolean[]): string {
  const rows = kept.flatMap((one, row) => (one ? [row] : []));
  const names = rows.slice(0, 12).map((row) => rowName(mark, row)).join(", ");
  return `${rows.length} of ${amount(kept.length, "line")}${names && `: ${names}`}${rows.length > 12 ? " …" : ""}`;
}

/** One colour a row; "" where it has no value. */
function coloursOf(mark: Parallel, page: Page): readonly string[] {
  const values = mark.value?.values;
  const [low, high] = values ? limitsOf(values, false) : [0, 1];
  const table = lineTable(page);
  return Array.from({ length: mark.rows.shape[0]! }, (_, row) => {
    if (!values) return themeOf(page).tones.accent;
    return Number.isNaN(values[row]) ? "" : css(colourOf(table, values[row]!, low, high));
  });
}

/** All lines as pixels: thousands of them stay quick. */
function linesOf(plot: Plot, kept: readonly boolean[], colours: readonly string[], theme: Theme): Draw {
  const rank = (row: number) => (kept[row] ? 2 : 0) + (colours[row] ? 1 : 0);
  const order = kept.map((_, row) => row).sort((one, other) => rank(one) - rank(other));
  const opacity = Math.min(Math.max(12 / Math.sqrt(kept.length), 0.3), 1);
  return (out, width, height, ratio) => {
    const stroke = (row: number, colour: string, wide: number, share: number): Stroke[] => plot.bands.map((_, band) => ({
      ...lineOf(plot, row, band), across: [0, ratio], down: [0, ratio], colour: packed(colour), width: wide * ratio, opacity: share, dash: [],
    }));
    drawStrokes(out, width, height, order.flatMap((row) => {
      const colour = kept[row] && colours[row];
      return colour ? stroke(row, colour, 2, opacity) : stroke(row, theme.faint, 1, 0.75);
    }));
  };
}

function Axes({ plot, band, place, brushes }: { plot: Plot; band: Band; place: number; brushes: Brushes }) {
  const { measure } = useScene();
  const [top, foot] = [downOf(place, 1), downOf(place, 0)];
  const room = stepOf(plot, band);
  const named = hasNames(plot.mark, plot.width) && place === plot.bands.length - 1;
  return (
    <>
      {plot.mark.axes.slice(band.first, band.first + band.count).map((axis, order) => {
        const index = band.first + order;
        const x = acrossOf(plot, band, index);
        const end = order > 0 && order === band.count - 1;
        const last = end && !named;
        const side = plot.sides[order && 1]!;
        // What stands out at a side moves inwards, where the title of the next axis is.
        const words = clip(titleOf(axis, index), SIZE.small, Math.min(room - 8, order && !end ? room : room / 2 + side), measure);
        const half = measure(words, SIZE.small) / 2;
        const brush = brushes.get(index);
        return (
          <g>
            <line x1={short(x)} x2={short(x)} y1={top} y2={foot} stroke="var(--muted)" />
            <text class="strong" x={short(Math.min(Math.max(x, half), plot.width - half))} y={top - 14} text-anchor="middle">{words}</text>
            {ticks(axis, plot.spans[index]!, axis.categories.length ? 16 : 7).map(({ place: at, label }) => {
              const [low, high] = plot.spans[index]!;
              const y = short(downOf(place, (at - low) / (high - low)));
              return (
                <>
                  <line x1={short(x - 3)} x2={short(x + 3)} y1={y} y2={y} stroke="var(--muted)" />
                  <text class="halo" style="stroke-width:6px" x={short(x + (last ? 6 : -6))} y={Number(y) + 4} text-anchor={last ? "start" : "end"}>
                    {clip(label, SIZE.small, order && !last ? Math.max(room / 2, 30) : side - 8, measure)}
                  </text>
                </>
              );
            })}
            {brush && <rect class="selecting" x={x - 7} width={14} y={downOf(place, brush[1])} height={TALL * (brush[1] - brush[0])} />}
          </g>
        );
      })}
    </>
  );
}

function Hovered({ plot, reading, colours }: { plot: Plot; reading: Signal<Reading | null>; colours: readonly string[] }) {
  const row = reading.value?.index[0];
  if (row === undefined) return null;
  const path = plot.bands.map((_, band) => {
    const { x, y } = lineOf(plot, row, band);
    return linePath(x, y, Int32Array.from(x.keys()));
  }).join("");
  return (
    <g fill="none" stroke-linejoin="round">
      <path d={path} stroke="var(--ink)" stroke-width={5} />
      <path d={path} stroke={colours[row] || "var(--paper)"} stroke-width={2.6} />
    </g>
  );
}

interface Parts extends Readings {
  readonly plot: Plot;
  readonly name: string;
  readonly store: Scene["store"];
  readonly brushes: Brushes;
  readonly kept: readonly boolean[];
  readonly colours: readonly string[];
  readonly clear: () => void;
}

function gesturesOf(parts: Parts): Gestures {
  const { plot, kept, clear } = parts;
  const at = (x: number, y: number) => {
    const row = rowAt(plot, (one) => kept[one]!, x, y, NEAR_LINE);
    return row < 0 ? null : readingOf(parts, row, axisAt(plot, x, y, 1e9)?.axis ?? 0, [x, y]);
  };
  const read = readingGestures({ at, move: (from, right, below) => moved(parts, from, right, below, false) }, parts);
  return {
    ...read,
    tap(x, y) {
      const on = axisAt(plot, x, y, NEAR_AXIS);
      if (on && parts.brushes.has(on.axis)) brush(parts, on.axis, null);
      else read.tap(x, y);
    },
    drag: (drag) => brushBy(parts, drag),
    reset: clear,
    key(event) {
      const arrow = event.shiftKey && arrowOf(event.key);
      if (arrow) parts.reading.value = parts.said.value = moved(parts, parts.reading.peek(), ...arrow, true);
      else if (event.key === "0") clear();
      else return read.key(event);
      return true;
    },
  };
}

function brush({ name, store }: Parts, axis: number, range: readonly [number, number] | null): void {
  setEntry(store.windows, `${name}/${axis}`, range && ([...range, 0, 0] as const));
}

function brushBy(parts: Parts, drag: Drag): void {
  const from = axisAt(parts.plot, drag.fromX, drag.fromY, NEAR_AXIS);
  if (!from) return;
  parts.reading.value = null;
  const to = Math.min(Math.max((downOf(from.band, 0) - drag.y) / TALL, 0), 1);
  brush(parts, from.axis, [Math.min(from.share, to), Math.max(from.share, to)]);
}

/** Keys: from axis to axis, and along an axis from line to line in the order of their values there. */
function moved(parts: Parts, last: Reading | null, right: number, below: number, shift: boolean): Reading | null {
  const { plot, kept, brushes } = parts;
  const axes = plot.mark.axes.length;
  const from = last?.index;
  const axis = from ? clampIndex(from[1] + right, axes) : 0;
  const share = (row: number) => plot.shares[row * axes + axis]!;
  const rows = kept.flatMap((one, row) => ((one || shift) && Number.isFinite(share(row)) ? [row] : []));
  const order = rows.sort((one, other) => share(one) - share(other));
  const here = from ? order.indexOf(from[0]) : -1;
  const row = order[here < 0 ? 0 : clampIndex(here - below, order.length)];
  if (row === undefined) return last;
  if (shift && below && from) {
    const [low, high] = brushes.get(axis) ?? [share(from[0]), share(from[0])];
    brush(parts, axis, share(row) > share(from[0]) ? [low, Math.max(high, share(row))] : [Math.min(low, share(row)), high]);
  }
  return readingOf(parts, row, axis, null);
}

function readingOf({ plot, colours }: Parts, row: number, axis: number, at: readonly [number, number] | null): Reading {
  const { mark } = plot;
  const band = Math.max(plot.bands.findIndex(({ first, count }) => axis < first + count), 0);
  const place = [acrossOf(plot, plot.bands[band]!, axis), downOf(band, plot.shares[row * mark.axes.length + axis]!)] as const;
  const [x, y] = at ?? place;
  const value = mark.value?.values[row];
  const coloured = value === undefined ? [] : [{
    label: plain(mark.label) || "value", value: Number.isNaN(value) ? "not measured" : exact(value), colour: colours[row] ?? "",
  }];
  const rows = [...coloured, ...rowWords(mark, row)];
  const dots = at || !Number.isFinite(y) ? [] : [{ x, y, colour: "var(--ink)" }];
  return { x, y: Number.isFinite(y) ? y : downOf(band, 0.5), title: rowName(mark, row), rows, index: [row, axis], dots };
}
