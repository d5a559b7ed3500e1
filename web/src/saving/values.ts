/** The data of a figure as tables and arrays. */

import type { Bars, Cloud, Figure, Heat, Lines, Mark, NDArray, Surface, Tiles } from "../types.js";
import type { Named } from "./npz.js";

type Cell = string | number | null;

const HEAD = ["panel", "mark", "label", "x", "x end", "y", "y end", "value", "low", "high"] as const;

/**
 * Returns the values of a figure as CSV, one row a value.
 *
 * @param figure - What to write; a figure that is a single table is written as that table.
 */
export function csv(figure: Figure): string {
  const marks = figure.panels.flatMap((panel) => panel.marks.map((mark) => ({ panel, mark })));
  const only = marks.length === 1 ? marks[0]!.mark : null;
  if (only?.kind === "table") return lines([only.columns, ...only.rows]);
  const rows = marks.flatMap(({ panel, mark }) => [...rowsOf(mark)].map((row) => [panel.title, mark.kind, ...row]));
  return lines([HEAD, ...rows]);
}

function lines(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function cell(value: Cell): string {
  if (value === null) return "";
  if (typeof value === "number") return Number.isNaN(value) ? "nan" : String(value).replace("Infinity", "inf");
  // A spreadsheet would run a text that begins like a formula.
  const safe = /^[=+\-@\t\r]/.test(value) && !/^[-+]?[\d.]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

function* rowsOf(mark: Mark): Generator<Cell[]> {
  if (mark.kind === "bars") yield* barRows(mark);
  else if (mark.kind === "lines") yield* lineRows(mark);
  else if (mark.kind === "heat") yield* heatRows(mark);
  else if (mark.kind === "tiles") yield* tileRows(mark);
  else if (mark.kind === "cloud") yield* cloudRows(mark);
  else if (mark.kind === "surface") yield* surfaceRows(mark);
  else if (mark.kind === "tokens") {
    for (const [place, text] of mark.text.entries()) yield [text, place, null, null, null, mark.values.values[place] ?? null];
  } else if (mark.kind === "table") {
    for (const [row, cells] of mark.rows.entries()) {
      for (const [place, text] of cells.entries()) yield [mark.columns[place] ?? "", place, null, row, null, text];
    }
  } else yield [mark.text, mark.axis === "x" ? mark.at : null, null, mark.axis === "y" ? mark.at : null, null, mark.level];
}

function* barRows(mark: Bars): Generator<Cell[]> {
  for (const [bar, height] of mark.heights.values.entries()) {
    const [left, right] = [mark.edges.values[bar]!, mark.edges.values[bar + 1]!];
    yield [mark.label, left, right, mark.base?.values[bar] ?? 0, null, height];
  }
}

function* lineRows(mark: Lines): Generator<Cell[]> {
  for (const [point, x] of mark.x.values.entries()) {
    const band = [mark.low?.values[point] ?? null, mark.high?.values[point] ?? null];
    yield [mark.label, x, null, mark.y.values[point]!, null, null, ...band];
  }
}

function* heatRows(mark: Heat): Generator<Cell[]> {
  const [rows, columns] = mark.values.shape as [number, number];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = mark.x ? [mark.x.values[column]!, mark.x.values[column + 1]!] : [column, null];
      const y = mark.y ? [mark.y.values[row]!, mark.y.values[row + 1]!] : [row, null];
      yield [mark.label, ...x, ...y, mark.values.values[row * columns + column]!];
    }
  }
}

function* tileRows(mark: Tiles): Generator<Cell[]> {
  const [, rows, columns, channels = 1] = mark.images.shape as [number, number, number, number?];
  for (const [place, value] of mark.images.values.entries()) {
    const pixel = Math.floor(place / channels);
    const tile = Math.floor(pixel / (rows * columns));
    const colour = channels > 1 ? ` ${["red", "green", "blue"][place % channels]}` : "";
    const label = `${mark.titles[tile] ?? tile}${colour}`;
    yield [label, pixel % columns, null, Math.floor(pixel / columns) % rows, null, value];
  }
}

function* cloudRows(mark: Cloud): Generator<Cell[]> {
  const [count, across] = mark.points.shape as [number, number];
  for (let point = 0; point < count; point++) {
    const [x, y, z] = mark.points.values.subarray(point * across, (point + 1) * across);
    const group = mark.group?.values[point];
    yield [group === undefined ? "" : (mark.names[group] ?? String(group)), x!, null, y!, null, z ?? null];
  }
}

function* surfaceRows(mark: Surface): Generator<Cell[]> {
  const [rows, columns] = mark.z.shape as [number, number];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      yield [mark.label, mark.x.values[column]!, null, mark.y.values[row]!, null, mark.z.values[row * columns + column]!];
    }
  }
  for (let point = 0; point < (mark.path?.shape[0] ?? 0); point++) {
    const [x, y, z] = mark.path!.values.subarray(3 * point, 3 * point + 3);
    yield ["path", x!, null, y!, null, z!];
  }
}

/** Returns every array of a figure with a name such as "panel1_bars2_heights", and its texts. */
export function arraysOf(figure: Figure): Named[] {
  const titles = figure.panels.map((panel) => panel.title);
  const found: Named[] = titles.length ? [{ name: "panel_titles", shape: [titles.length], values: titles }] : [];
  figure.panels.forEach((panel, place) => {
    panel.marks.forEach((mark, order) => {
      for (const [field, value] of Object.entries(mark)) {
        const named = namedOf(`panel${place + 1}_${mark.kind}${order + 1}_${field}`, value);
        if (named) found.push(named);
      }
    });
  });
  return found;
}

function namedOf(name: string, value: unknown): Named | null {
  if (isArray(value)) return { name, shape: value.shape, values: value.values };
  if (typeof value === "number") return { name, shape: [], values: Float64Array.of(value) };
  if (typeof value === "string" && name.endsWith("_label") && value) return { name, shape: [], values: [value] };
  if (!Array.isArray(value) || !value.length) return null;
  if (value.every((one) => typeof one === "string")) return { name, shape: [value.length], values: value };
  const rows = value as string[][];
  const across = Math.max(...rows.map((row) => row.length));
  const cells = rows.flatMap((row) => Array.from({ length: across }, (_, column) => row[column] ?? ""));
  return { name, shape: [rows.length, across], values: cells };
}

function isArray(value: unknown): value is NDArray {
  return typeof value === "object" && value !== null && "shape" in value && "values" in value;
}
