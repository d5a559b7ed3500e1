/** Points of a plane, inside the frame of a panel. */

import { h } from "preact";
import { useCallback, useMemo } from "preact/hooks";
import { Raster, type Draw } from "../canvas.js";
import { groupEntry } from "../key.js";
import type { Plot } from "../plot.js";
import { drawCloud2, pickCloud, pointLook } from "../raster/cloud.js";
import { groupColours, GROUPS, packed, type Page } from "../raster/colors.js";
import { clampIndex, type Reader, type Reading } from "../reading.js";
import { placeWords, project } from "../scale.js";
import { themeOf } from "../theme.js";
import type { Cloud, Panel } from "../types.js";
import { exact, plain } from "../words.js";

/** What was drawn last, to find the point under a pixel. */
export interface Picked {
  pick: Uint32Array;
  width: number;
  height: number;
  ratio: number;
}

/** Returns room for what is drawn. */
export function nothingPicked(): Picked {
  return { pick: new Uint32Array(0), width: 0, height: 0, ratio: 1 };
}

/** Colours, groups and switched off groups of a cloud; with a selection, all other points are grey. */
export function cloudGroups(mark: Cloud, hidden: readonly string[], chosen: ReadonlySet<number> | null, page: Page) {
  const groups = mark.names.length || 1 + largest(mark);
  const off = Uint8Array.from({ length: groups + 1 }, (_, group) =>
    Number(group < mark.names.length && hidden.includes(groupEntry(mark, group).id)),
  );
  const colours = new Uint32Array(groups + 1);
  colours.set(groupColours(groups));
  colours[groups] = packed(themeOf(page).tones.faint);
  const count = mark.points.shape[0]!;
  const own = (point: number) => mark.group?.values[point] ?? 0;
  const group = chosen
    ? Int32Array.from({ length: count }, (_, point) => (chosen.has(point) || off[own(point)] ? own(point) : groups))
    : (mark.group?.values ?? null);
  return { colours, hidden: off, group };
}

function largest(mark: Cloud): number {
  let most = 0;
  for (const group of mark.group?.values ?? []) if (group > most) most = group;
  return most;
}

/** Returns the points projected onto linear axes, [point, dimensions]. */
export function cloudPlaces(mark: Cloud, panel: Panel): Float32Array | Float64Array {
  const { values, shape } = mark.points;
  const across = shape[1]!;
  const straight = panel.x.scale === "linear" && panel.y.scale === "linear";
  if (straight && (values instanceof Float32Array || values instanceof Float64Array)) return values;
  const axes = [panel.x, panel.y];
  return Float64Array.from(values as ArrayLike<number>, (value: number, place: number) => {
    const axis = axes[place % across];
    return axis ? project(axis, value) : value;
  });
}

interface Props {
  readonly mark: Cloud;
  readonly plot: Plot;
  readonly page: Page;
  readonly left: number;
  readonly hidden: readonly string[];
  readonly chosen: ReadonlySet<number> | null;
  readonly picked: Picked;
}

/** Draws points of a plane. */
export function CloudMark({ mark, plot, page, left, hidden, chosen, picked }: Props) {
  const points = useMemo(() => cloudPlaces(mark, plot.panel), [mark, plot.panel]);
  const groups = useMemo(() => cloudGroups(mark, hidden, chosen, page), [mark, hidden, chosen, page]);
  const { x, y } = plot.extent;
  const draw = useCallback<Draw>(
    (out, width, height, ratio) => {
      if (picked.pick.length !== out.length) picked.pick = new Uint32Array(out.length);
      Object.assign(picked, { width, height, ratio });
      const view = { x0: x[0], x1: x[1], y0: y[0], y1: y[1] };
      const look = pointLook(mark.points.shape[0]!, ratio);
      drawCloud2(out, picked.pick, width, height, { points, ...groups, ...look }, view);
    },
    [points, groups, x[0], x[1], y[0], y[1], picked],
  );
  return <Raster left={left} width={plot.width} height={plot.height} draw={draw} />;
}

/** Returns the point under a place, in CSS pixels; -1 where none is near. */
export function pointAt(picked: Picked, x: number, y: number): number {
  const { pick, width, height, ratio } = picked;
  if (!width) return -1;
  return pickCloud(pick, width, height, x * ratio, y * ratio, Math.round(6 * ratio));
}

/** Returns what is said about a point. */
export function pointReading(mark: Cloud, panel: Panel, point: number, x: number, y: number): Reading {
  const across = mark.points.shape[1]!;
  const group = mark.group?.values[point];
  const name = group === undefined ? "" : plain(mark.names[group] ?? `group ${group}`);
  const axes = [panel.x, panel.y, { ...panel.y, label: "third axis", unit: "", categories: [] }];
  const rows = axes.slice(0, across).map((axis, place) => {
    const value = mark.points.values[point * across + place]!;
    return { label: axis.label || ["x", "y", "z"][place]!, value: placeWords(axis, value, exact) };
  });
  const named = name ? [{ label: "group", value: name, colour: GROUPS[group! % GROUPS.length]! }] : [];
  const dot = { x, y, colour: group === undefined ? GROUPS[0] : GROUPS[group % GROUPS.length]! };
  const image = mark.images ? { images: mark.images, place: point } : undefined;
  return { x, y, title: `point ${point}`, rows: [...named, ...rows], index: [point, 0], dots: [dot], image };
}

/** Returns the reader of points of a plane; the keyboard goes through them in their order. */
export function cloudReader(mark: Cloud, plot: Plot, picked: Picked): Reader {
  const count = mark.points.shape[0]!;
  const reading = (point: number) => {
    const [across, up] = [mark.points.values[2 * point]!, mark.points.values[2 * point + 1]!];
    const place = [plot.x(project(plot.panel.x, across)), plot.y(project(plot.panel.y, up))] as const;
    return pointReading(mark, plot.panel, point, ...place);
  };
  return {
    at(x, y) {
      const point = pointAt(picked, x, y);
      return point < 0 ? null : reading(point);
    },
    move(from, right, below) {
      if (!count) return null;
      return reading(from ? clampIndex(from.index[0] + right + 10 * below, count) : 0);
    },
  };
}
