/** A matrix of values as colours, inside the frame of a panel. */

import { h } from "preact";
import { useCallback, useMemo } from "preact/hooks";
import { Raster, type Draw } from "../canvas.js";
import type { Plot } from "../plot.js";
import { limitsOf, colourTable } from "../raster/colors.js";
import { drawHeat, pickHeat, type HeatOptions } from "../raster/heat.js";
import type { Reader, Reading } from "../reading.js";
import { clampIndex, valueWords } from "../reading.js";
import { cellEdges, placeWords, projectAll } from "../scale.js";
import type { Axis, Heat, Numbers, Panel } from "../types.js";
import { exact } from "../words.js";

/** Draws a matrix. */
export function HeatMark({ mark, plot, left }: { mark: Heat; plot: Plot; left: number }) {
  const fixed = useMemo(() => heatOptions(mark, plot.panel), [mark, plot.panel]);
  const { x, y } = plot.extent;
  const draw = useCallback<Draw>(
    (out, width, height) => {
      const options = { ...fixed, view: viewOf(x, y) };
      drawHeat(out, width, height, options);
    },
    [fixed, x[0], x[1], y[0], y[1]],
  );
  return <Raster left={left} width={plot.width} height={plot.height} draw={draw} />;
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
