/** Curves: lines, bands, ridges and dots. */

import { h } from "preact";
import { useCallback } from "preact/hooks";
import { Raster, type Draw } from "../canvas.js";
import { visible } from "../curve.js";
import { bandOf, type Curve } from "../curves.js";
import { entryOf } from "../key.js";
import { litOf } from "../lit.js";
import type { Plot } from "../plot.js";
import { packed } from "../raster/colors.js";
import { drawStrokes, type Stroke } from "../raster/strokes.js";
import { projectAll } from "../scale.js";
import { useScene } from "../scene.js";
import { themeOf, toneColour } from "../theme.js";
import type { Lines } from "../types.js";

/** Pixels that are drawn and left out in turn. */
export const DASHES: Record<Lines["style"], readonly number[]> = { solid: [], dashed: [6, 4], dotted: [1.6, 3] };
const MOST_DOTS = 400;

/** More points than this in one frame are drawn as pixels: an SVG would take longer than a frame of an animation. */
const MANY_POINTS = 24_000;

/** Tells whether the curves of a frame have too many points for an SVG; bands and ridges stay shapes. */
export function areMany(curves: readonly Curve[]): boolean {
  const points = curves.reduce((sum, { mark, raw }) => sum + mark.x.values.length * (raw ? 2 : 1), 0);
  return points > MANY_POINTS && curves.every(({ mark }) => !mark.low);
}

/** Returns the curves that make room for the one whose entry in the key is under the pointer; none where it is not among them. */
export function backOf(curves: readonly Curve[], lit: string): ReadonlySet<Curve> {
  const back = curves.filter(({ mark }) => entryOf(mark)?.id !== lit);
  return new Set(lit === "" || back.length === curves.length ? [] : back);
}

/** Draws all curves of a frame as pixels. */
export function CurvesRaster({ curves, plot, left }: { curves: readonly Curve[]; plot: Plot; left: number }) {
  const { page, root } = useScene();
  const [theme, lit] = [themeOf(page.value), litOf(root).value];
  const draw = useCallback<Draw>((out, width, height, ratio) => {
    const linear = (of: (place: number) => number) => [of(0) * ratio, (of(1) - of(0)) * ratio] as const;
    const [sideways, downwards] = [linear(plot.x), linear(plot.y)];
    const behind = backOf(curves, lit);
    const order = [...behind, ...curves.filter((curve) => !behind.has(curve))];
    const strokes = order.filter(({ rising }) => rising).flatMap((curve) => {
      const { mark, across, up, raw } = curve;
      const [colour, back] = [packed(theme.tones[mark.tone]), behind.has(curve)];
      const stroke = (places: Float64Array, wide: number, opacity: number): Stroke => ({
        x: across, y: places, across: sideways, down: downwards, colour, width: wide * ratio, opacity: back ? 0.12 * opacity : opacity,
        dash: DASHES[mark.style].map((step) => step * ratio),
      });
      return [...(raw ? [stroke(projectAll(plot.panel.y, raw), 1, 0.28)] : []), stroke(up, behind.size && !back ? 2.2 : 1.3, 1)];
    });
    drawStrokes(out, width, height, strokes);
  }, [curves, plot, theme, lit]);
  return <Raster left={left} width={plot.width} height={plot.height} draw={draw} />;
}

/** Draws the lines of one curve; its dots are drawn by `CurveDots`, which nothing cuts off. */
export function CurveLines({ curve, plot }: { curve: Curve; plot: Plot }) {
  const { mark } = curve;
  const colour = toneColour(mark.tone);
  const x = curve.across.map(plot.x);
  const y = curve.up.map(plot.y);
  const kept = visible(x, y, plot.width);
  const band = bandOf(curve, plot.panel);
  const area = band && areaPath(x, band.low.map(plot.y), band.high.map(plot.y), kept);
  // A long noisy curve is drawn finer, or it becomes a blot.
  const width = mark.fill ? 1.3 : mark.x.values.length < plot.width ? 2 : 1.3;
  const path = linePath(x, y, kept);
  return (
    <g>
      {area && mark.fill && <path d={area} fill="var(--paper)" />}
      {area && <path d={area} fill={colour} fill-opacity={mark.fill ? 0.38 : 0.18} />}
      {curve.raw && <RawLine curve={curve} x={x} plot={plot} />}
      {isOnColours(plot) && <path d={path} fill="none" stroke="var(--paper)" stroke-width={width + 2.4} stroke-linejoin="round" />}
      <path
        d={path} fill="none" stroke={colour} stroke-width={width}
        stroke-dasharray={String(DASHES[mark.style])} stroke-linejoin="round"
        stroke-linecap={mark.style === "dotted" ? "butt" : "round"}
      />
    </g>
  );
}

/** Over the colours of a matrix a curve needs a rim, as on a surface. */
function isOnColours({ panel }: Plot): boolean {
  return panel.marks.some(({ kind }) => kind === "heat");
}

/** The curve before smoothing. */
function RawLine({ curve, x, plot }: { curve: Curve; x: Float64Array; plot: Plot }) {
  const y = projectAll(plot.panel.y, curve.raw!).map(plot.y);
  const path = linePath(x, y, visible(x, y, plot.width));
  return <path d={path} fill="none" stroke={toneColour(curve.mark.tone)} stroke-opacity={0.28} stroke-width={1} />;
}

/** Draws the dots of a curve: all where it asks for them, else only points that no line would show. */
export function CurveDots({ curve, plot }: { curve: Curve; plot: Plot }) {
  const { across, up, mark } = curve;
  const all = mark.dots && across.length <= MOST_DOTS;
  const dots: { x: number; y: number }[] = [];
  // A sum is finite only where both are; beyond the ends there is none.
  const seen = (place: number) => Math.abs(up[place]! + across[place]!) < Infinity;
  for (let place = 0, before = false, now = seen(0), after; place < across.length && dots.length < MOST_DOTS; place++, before = now, now = after) {
    after = place + 1 < across.length && seen(place + 1);
    if (!now || (!all && (before || after))) continue;
    const [x, y] = [plot.x(across[place]!), plot.y(up[place]!)];
    if (x >= -1 && x <= plot.width + 1 && y >= -1 && y <= plot.height + 1) dots.push({ x, y });
  }
  if (!dots.length) return null;
  return (
    <g fill={toneColour(mark.tone)} stroke="var(--paper)" stroke-width={isOnColours(plot) ? 1.6 : 0.8}>
      {dots.map(({ x, y }) => <circle cx={short(x)} cy={short(y)} r={3.2} />)}
    </g>
  );
}

/** Returns the path of a line; what is not finite breaks it. */
export function linePath(x: Float64Array, y: Float64Array, kept: Int32Array): string {
  const parts: string[] = [];
  let open = false;
  for (const place of kept) {
    const seen = Number.isFinite(x[place]) && Number.isFinite(y[place]);
    if (seen) parts.push(`${open ? "L" : "M"}${short(x[place]!)} ${short(y[place]!)}`);
    open = seen;
  }
  return parts.join("");
}

/** Returns the path of the area between two sides, in pieces where either is not finite. */
export function areaPath(x: Float64Array, low: Float64Array, high: Float64Array, kept: Int32Array): string {
  const pieces: string[] = [];
  let run: number[] = [];
  const close = () => {
    if (run.length > 1) {
      const there = run.map((place) => `${short(x[place]!)} ${short(high[place]!)}`);
      const back = run.reverse().map((place) => `${short(x[place]!)} ${short(low[place]!)}`);
      pieces.push(`M${there.join("L")}L${back.join("L")}Z`);
    }
    run = [];
  };
  for (const place of kept) {
    if (Number.isFinite(x[place]! + low[place]! + high[place]!)) run.push(place);
    else close();
  }
  close();
  return pieces.join("");
}

/** Returns a length as text without digits that no eye sees. */
export function short(value: number): string {
  return String(Math.round(Math.min(Math.max(value, -1e5), 1e5) * 100) / 100);
}
