/** A matrix of values as colours, inside the frame of a panel. */

import { Fragment, h } from "preact";
import { useCallback, useMemo } from "preact/hooks";
import { Raster, type Draw } from "../canvas.js";
import type { Plot } from "../plot.js";
import { limitsOf, colourTable } from "../raster/colors.js";
import { drawHeat, drawPicture, pickHeat, recut, smoothed, type HeatOptions } from "../raster/heat.js";
import type { Reader, Reading } from "../reading.js";
import { clampIndex, valueWords } from "../reading.js";
import { cellEdges, placeWords, projectAll } from "../scale.js";
import { useScene } from "../scene.js";
import type { Axis, Heat, Numbers, Panel } from "../types.js";
import { exact } from "../words.js";

/** Draws a matrix, and under it the picture that it lies over. */
export function HeatMark({ mark, plot, left }: { mark: Heat; plot: Plot; left: number }) {
  const { picture, matrix } = useMemo(() => layersOf(mark, plot.panel), [mark, plot.panel]);
  const { x, y } = plot.extent;
  const layer = (options: HeatOptions | null, paint: typeof drawHeat) => useCallback<Draw>(
    (out, width, height) => options && paint(out, width, height, { ...options, view: viewOf(x, y) }),
    [options, x[0], x[1], y[0], y[1]],
  );
  const channels = mark.under?.shape[2] ?? 1;
  const ground = layer(picture, (out, width, height, options) => drawPicture(out, width, height, options, channels));
  const over = layer(matrix, drawHeat);
  const place = { left, width: plot.width, height: plot.height };
  const opacity = useScene().store.opacity.value ?? mark.opacity;
  return (
    <>
      {picture && <Raster {...place} draw={ground} />}
      {mark.opacity !== 0 && <Raster {...place} draw={over} opacity={picture ? opacity : undefined} />}
    </>
  );
}

/** What is drawn: a matrix that is coarser than its picture is smoothed for the eye only. */
function layersOf(mark: Heat, panel: Panel): { picture: HeatOptions | null; matrix: HeatOptions } {
  const matrix = heatOptions(mark, panel);
  const { under } = mark;
  if (!under?.values.length || !matrix.values.length) return { picture: null, matrix };
  const [high, wide] = under.shape as [number, number];
  const [{ rows, columns }, table] = [matrix, colourTable(mark.signed, true)];
  const coarser = rows <= high && columns <= wide && rows * columns < high * wide;
  const finer = coarser ? recut(matrix, smoothed(matrix, high, wide), high, wide) : matrix;
  return { picture: recut(matrix, under.values, high, wide), matrix: { ...finer, table } };
}

function viewOf(x: readonly [number, number], y: readonly [number, number]) {
  return { x0: x[0], x1: x[1], y0: y[0], y1: y[1] };
}

function heatOptions(mark: Heat, panel: Panel): HeatOptions {
  const [rows, columns] = mark.values.shape as [number, number];
  const [lo, hi] = limitsOf(mark.values.values, mark.signed);
  return {
    values: mark.values.values, rows, columns, lo, hi, signed: mark.signed, origin: mark.origin,
    xEdges: sides(panel.x, mark.x?.values ?? null, columns),
    yEdges: sides(panel.y, mark.y?.values ?? null, rows),
    table: colourTable(mark.signed),
  };
}

/** What has no place on a log axis lies half a decade below its neighbour. */
function sides(axis: Axis, edges: Numbers | null, count: number): Float64Array {
  const places = projectAll(axis, cellEdges(edges, count)).slice();
  for (let place = places.length - 2; place >= 0; place--) {
    if (Number.isNaN(places[place])) places[place] = places[place + 1]! - 0.5;
  }
  for (let place = 0; place < places.length; place++) {
    if (Number.isNaN(places[place])) places[place] = place ? places[place - 1]! - 0.5 : 0;
  }
  return places;
}

/** Returns the reader of a matrix. */
export function heatReader(mark: Heat, plot: Plot): Reader {
  const [rows, columns] = mark.values.shape as [number, number];
  const options = { ...heatOptions(mark, plot.panel), view: viewOf(plot.extent.x, plot.extent.y) };
  const across = options.xEdges as Float64Array;
  const down = options.yEdges as Float64Array;
  const reading = (row: number, column: number): Reading => {
    const [x0, x1] = [plot.x(across[column]!), plot.x(across[column + 1]!)];
    const [y0, y1] = [plot.y(down[row]!), plot.y(down[row + 1]!)];
    const box = { left: Math.min(x0, x1), top: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) };
    const value = mark.values.values[row * columns + column]!;
    const place = [cellWords(plot.panel.x, mark.x, column, "column"), cellWords(plot.panel.y, mark.y, row, "row")];
    return {
      x: (x0 + x1) / 2, y: (y0 + y1) / 2, title: place.join("; "), index: [row, column], of: mark.values, box,
      rows: [{ label: mark.label || "value", value: valueWords(mark.values, value) }],
    };
  };
  return {
    at(x, y) {
      if (!rows || !columns) return null;
      const found = pickHeat(Math.round(plot.width), Math.round(plot.height), options, x, y);
      return found && reading(found.row, found.column);
    },
    move(from, right, below) {
      if (!rows || !columns) return null;
      if (!from) return reading(0, 0);
      const turned = plot.extent.flipped ? below : -below;
      return reading(clampIndex(from.index[0] + turned, rows), clampIndex(from.index[1] + right, columns));
    },
  };
}

function cellWords(axis: Axis, edges: Heat["x"], place: number, kind: string): string {
  const name = axis.label.split(",")[0] || kind;
  if (!edges || axis.categories.length) return `${name} ${placeWords(axis, place, exact)}`;
  const [low, high] = [edges.values[place]!, edges.values[place + 1]!];
  return `${name} ${placeWords(axis, low, rounded)} to ${placeWords(axis, high, rounded)}`;
}

function rounded(value: number): string {
  return exact(Number(value.toPrecision(4)));
}
