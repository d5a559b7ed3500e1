/** Finds what curves and bars say about a place. */

import { nearest } from "./curve.js";
import { isUnder, rawUnder, type Curve } from "./curves.js";
import { entryOf } from "./key.js";
import type { Plot } from "./plot.js";
import { clampIndex, type Reader, type Reading, type ReadingRow } from "./reading.js";
import { placeWords, project } from "./scale.js";
import { toneColour } from "./theme.js";
import type { Bars, Lines } from "./types.js";
import { exact, plain } from "./words.js";

/** How far from the cursor a curve is still read, pixels. */
const NEAR = 12;
const MOST_READ = 10;

type Dot = { x: number; y: number; colour: string };

/** Returns the reader of the curves and bars of a panel. */
export function seriesReader(bars: readonly Bars[], curves: readonly Curve[], plot: Plot): Reader {
  const ridges = curves.filter((curve) => curve.mark.fill);
  if (ridges.length > 1) return ridgeReader(ridges, plot);
  const lead = longest(curves);
  const at = (x: number, y: number | null, index: number): Reading | null => {
    const lines = curveReading(curves, plot, x, y);
    const read = barReading(bars, plot, lines && !bars.length ? lines.x : x);
    if (!lines && !read) return null;
    const rows = [...(read?.rows ?? []), ...(lines?.rows ?? [])];
    const title = read?.title ?? lines!.title;
    const place = read?.x ?? lines!.x;
    return {
      x: place, y: lines?.y ?? read!.y, title, rows, index: [index, 0],
      dots: lines?.dots ?? [], ...(read ? { box: read.box } : { upright: true }),
    };
  };
  return {
    at: (x, y) => (x < -2 || x > plot.width + 2 ? null : at(x, y, -1)),
    move(from, right) {
      const stops = stopsOf(bars, lead, plot);
      if (!stops.length) return null;
      const here = from ? nearest(stops, from.x, true) : -1;
      const next = from ? clampIndex(here + right, stops.length) : 0;
      return at(stops[next]!, null, next);
    },
  };
}

function longest(curves: readonly Curve[]): Curve | null {
  return curves.reduce<Curve | null>((most, one) => (most && most.across.length >= one.across.length ? most : one), null);
}

/** Places at which the keyboard stops, pixels: the middles of bars, else the points of the longest curve. */
function stopsOf(bars: readonly Bars[], lead: Curve | null, plot: Plot): Float64Array {
  const found: number[] = [];
  for (const mark of bars) {
    const { values } = mark.edges;
    for (let place = 0; place + 1 < values.length; place++) found.push(middle(values[place]!, values[place + 1]!, plot));
  }
  if (!bars.length) lead?.across.forEach((one, place) => Number.isFinite(lead.up[place]) && found.push(plot.x(one)));
  const inside = found.filter((x) => x >= -1 && x <= plot.width + 1);
  return Float64Array.from([...new Set(inside.map((x) => Math.round(x * 1000) / 1000))].sort((one, other) => one - other));
}

function middle(low: number, high: number, plot: Plot): number {
  return (plot.x(project(plot.panel.x, low)) + plot.x(project(plot.panel.x, high))) / 2;
}

function curveReading(curves: readonly Curve[], plot: Plot, x: number, y: number | null): Reading | null {
  const place = plot.placeX(x);
  const found = curves.map((curve, order) => ({ curve, order, point: isUnder(curves, order) ? -1 : finiteNear(curve, place) }));
  const seen = found.filter(({ point }) => point >= 0);
  const distance = ({ curve, point }: (typeof found)[number]) => Math.abs(plot.x(curve.across[point]!) - x);
  const best = seen.sort((one, other) => one.order - other.order).reduce<(typeof found)[number] | null>(
    (least, one) => (least && distance(least) <= distance(one) ? least : one), null,
  );
  if (!best) return null;
  const at = plot.x(best.curve.across[best.point]!);
  const rows: ReadingRow[] = [];
  const dots: Dot[] = [];
  const close = seen.filter(({ curve, point }) => Math.abs(plot.x(curve.across[point]!) - at) <= NEAR);
  for (const { curve, order, point } of nearestTo(close, plot, y)) {
    rows.push(...curveRows(curve, rawUnder(curves, order), point, plot));
    dots.push({ x: plot.x(curve.across[point]!), y: plot.y(curve.up[point]!), colour: toneColour(curve.mark.tone) });
  }
  const value = best.curve.mark.x.values[best.point]!;
  const title = `${nameOf(plot.panel.x.label)} ${placeWords(plot.panel.x, value, exact)}`.trim();
  const more = close.length - dots.length;
  if (more > 0) rows.push({ label: `and ${more} more`, value: "" });
  return { x: at, y: dots[0]?.y ?? plot.height / 2, title, rows, dots, index: [best.point, 0] };
}

/** Of many curves those nearest to the cursor, which are as many as can be read at once; the keyboard reads the first. */
function nearestTo<Found extends { curve: Curve; point: number }>(found: Found[], plot: Plot, y: number | null): Found[] {
  if (found.length <= MOST_READ) return found;
  const away = ({ curve, point }: Found) => Math.abs(plot.y(curve.up[point]!) - (y ?? 0));
  return [...found].sort((one, other) => (y === null ? 0 : away(one) - away(other))).slice(0, MOST_READ);
}

/** The nearest point that is drawn; NaN points are passed over while they are near. */
function finiteNear(curve: Curve, place: number): number {
  const point = nearest(curve.across, place, curve.rising);
  for (let step = 0; point >= 0 && step < 400; step++) {
    if (Number.isFinite(curve.up[point - step])) return point - step;
    if (Number.isFinite(curve.up[point + step])) return point + step;
  }
  return -1;
}

function curveRows(curve: Curve, raw: ArrayLike<number> | null, point: number, plot: Plot): ReadingRow[] {
  const { mark } = curve;
  const write = (value: number) => placeWords(plot.panel.y, value, exact);
  const colour = toneColour(mark.tone);
  const label = plain(mark.label) || nameOf(plot.panel.y.label);
  const rows: ReadingRow[] = [{ label, value: write(curve.y[point]!), colour }];
  if (raw) rows.push({ label: "before smoothing", value: write(raw[point]!) });
  if (mark.low && !mark.fill) {
    const high = mark.high?.values[point] ?? mark.y.values[point]!;
    rows.push({ label: "band", value: `${write(mark.low.values[point]!)} to ${write(high)}` });
  }
  return rows;
}

function barReading(bars: readonly Bars[], plot: Plot, x: number): (Reading & { box: NonNullable<Reading["box"]> }) | null {
  const hits = bars.map((mark) => ({ mark, bar: barAt(mark, plot, x) })).filter(({ bar }) => bar >= 0);
  const first = hits[0];
  if (!first) return null;
  const { values } = first.mark.edges;
  const [low, high] = [values[first.bar]!, values[first.bar + 1]!];
  const [left, right] = [low, high].map((edge) => plot.x(project(plot.panel.x, edge))) as [number, number];
  const rows = hits.map(({ mark, bar }) => ({
    label: plain(mark.label) || nameOf(plot.panel.y.label),
    value: placeWords(plot.panel.y, mark.heights.values[bar]!, exact),
    colour: entryOf(mark)?.colour ?? toneColour(mark.tone),
  }));
  return {
    x: (left + right) / 2, y: plot.height / 3, title: barTitle(plot, first.mark, low, high), rows, index: [first.bar, 0],
    box: { left, top: 0, width: right - left, height: plot.height },
  };
}

function barTitle(plot: Plot, { tone, heights }: Bars, low: number, high: number): string {
  const name = nameOf(plot.panel.x.label);
  const between = (low + high) / 2;
  if (plot.panel.x.categories.length) return `${name} ${placeWords(plot.panel.x, between, exact)}`.trim();
  // The bar of zeros stands beside the others, where it is no value of the axis.
  if (heights.values.length === 1 && (tone === "dead" || tone === "sparse")) return `${name} exactly 0`.trim();
  const whole = high - low === 1 && Number.isInteger(between);
  const short = (value: number) => exact(Number(value.toPrecision(4)));
  return `${name} ${whole ? exact(between) : `${short(low)} to ${short(high)}`}`.trim();
}

function barAt(mark: Bars, plot: Plot, x: number): number {
  const { values } = mark.edges;
  for (let bar = 0; bar + 1 < values.length; bar++) {
    const left = plot.x(project(plot.panel.x, values[bar]!));
    const right = plot.x(project(plot.panel.x, values[bar + 1]!));
    if (x >= Math.min(left, right) && x < Math.max(left, right)) return bar;
  }
  return -1;
}

/** Ridges stand one above the other: the front one under the cursor is read. */
function ridgeReader(ridges: readonly Curve[], plot: Plot): Reader {
  const reading = (ridge: number, point: number): Reading => {
    const curve = ridges[ridge]!;
    const mark = curve.mark as Lines;
    const floor = mark.low?.values[point] ?? 0;
    const [x, y] = [plot.x(curve.across[point]!), plot.y(curve.up[point]!)];
    return {
      x, y, index: [ridge, point], dots: [{ x, y, colour: toneColour("accent") }],
      title: `${nameOf(plot.panel.y.label)} ${placeWords(plot.panel.y, floor, exact)}`.trim(),
      rows: [
        { label: nameOf(plot.panel.x.label) || "at", value: placeWords(plot.panel.x, mark.x.values[point]!, exact) },
        { label: "height above its base", value: exact(mark.y.values[point]! - floor) },
      ],
    };
  };
  return {
    at(x, y) {
      for (let ridge = ridges.length - 1; ridge >= 0; ridge--) {
        const { across, up, rising, mark } = ridges[ridge]!;
        const point = nearest(across, plot.placeX(x), rising);
        if (point < 0) continue;
        const base = plot.y(project(plot.panel.y, mark.low?.values[point] ?? 0));
        if (y >= plot.y(up[point]!) - 4 && y <= base + 4) return reading(ridge, point);
      }
      return null;
    },
    move(from, right, below) {
      const ridge = from ? clampIndex(from.index[0] + below, ridges.length) : ridges.length - 1;
      return reading(ridge, from ? clampIndex(from.index[1] + right, ridges[ridge]!.across.length) : 0);
    },
  };
}

function nameOf(label: string): string {
  return plain(label).split(",")[0]!;
}
