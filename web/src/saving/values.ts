/** The data of a figure as tables and arrays. */

import type { Figure, Mark, NDArray } from "../types.js";
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
  const rows = marks.flatMap(({ panel, mark }) => ROWS[mark.kind](mark as never).map((row) => [panel.title, mark.kind, ...row]));
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

type Rows = { readonly [Kind in Mark["kind"]]: (mark: Extract<Mark, { kind: Kind }>) => Cell[][] };

/** The rows of each kind of mark, without its panel and its kind. */
const ROWS: Rows = {
  bars: ({ label, edges, heights, base }) =>
    map(heights, (height, bar) => [label, edges.values[bar]!, edges.values[bar + 1]!, base?.values[bar] ?? 0, null, height]),
  lines: ({ label, x, y, low, high }) =>
    map(x, (place, point) => [label, place, null, y.values[point]!, null, null, low?.values[point] ?? null, high?.values[point] ?? null]),
  heat: ({ label, values, x, y }) => cells(values, (row, column, value) => [label, ...side(x, column), ...side(y, row), value]),
  tiles: ({ titles, images }) => {
    const [, rows, columns, channels = 1] = images.shape as [number, number, number, number?];
    return map(images, (value, place) => {
      const pixel = Math.floor(place / channels);
      const tile = Math.floor(pixel / (rows * columns));
      const colour = channels > 1 ? ` ${["red", "green", "blue"][place % channels]}` : "";
      return [`${titles[tile] ?? tile}${colour}`, pixel % columns, null, Math.floor(pixel / columns) % rows, null, value];
    });
  },
  cloud: ({ points: { shape: [count, across], values }, group, names }) => Array.from({ length: count! }, (_, point) => {
    const [x, y, z] = values.subarray(point * across!, (point + 1) * across!);
    const own = group?.values[point];
    return [own === undefined ? "" : (names[own] ?? String(own)), x!, null, y!, null, z ?? null];
  }),
  surface: ({ label, x, y, z, paths, names }) => [
    ...cells(z, (row, column, height) => [label, x.values[column]!, null, y.values[row]!, null, height]),
    ...paths.flatMap(({ shape, values }, place) => Array.from({ length: shape[0]! }, (_, point) => {
      const [across, up, height] = values.subarray(3 * point);
      return [names[place] ?? "path", across!, null, up!, null, height!];
    })),
  ],
  parallel: ({ axes, rows, names }) => cells(rows, (row, place, value) => {
    const { label, categories } = axes[place]!;
    return [names[row] ?? String(row), label || String(place), null, null, null, categories[value] ?? value];
  }),
  tokens: ({ text, values }) => text.map((token, place) => [token, place, null, null, null, values.values[place] ?? null]),
  table: ({ columns, rows }) => rows.flatMap((row, at) => row.map((words, place) => [columns[place] ?? "", place, null, at, null, words])),
  event: ({ text, at, axis, level }) => [[text, axis === "x" ? at : null, null, axis === "y" ? at : null, null, level]],
};

function map({ values }: NDArray, row: (value: number, place: number) => Cell[]): Cell[][] {
  return Array.from(values as ArrayLike<number>, row);
}

/** The cells of a matrix, row by row. */
function cells(matrix: NDArray, cellOf: (row: number, column: number, value: number) => Cell[]): Cell[][] {
  const columns = matrix.shape[1]!;
  return map(matrix, (value, place) => cellOf(Math.floor(place / columns), place % columns, value));
}

function side(edges: NDArray | null, place: number): Cell[] {
  return edges ? [edges.values[place]!, edges.values[place + 1]!] : [place, null];
}

/** Returns every array of a figure with a name such as "panel1_bars2_heights", and its texts. */
export function arraysOf(figure: Figure): Named[] {
  const titles = figure.panels.map((panel) => panel.title);
  const found: Named[] = titles.length ? [{ name: "panel_titles", shape: [titles.length], values: titles }] : [];
  figure.panels.forEach((panel, place) => {
    panel.marks.forEach((mark, order) => {
      for (const [field, value] of Object.entries(mark)) {
        const name = `panel${place + 1}_${mark.kind}${order + 1}_${field}`;
        // Several arrays of one field are counted.
        const several = Array.isArray(value) && isArray(value[0]) ? value.map((one, count) => [`${name}${count + 1}`, one] as const) : [];
        for (const [own, one] of several.length ? several : [[name, labelled(value)] as const]) {
          const named = namedOf(own, one);
          if (named) found.push(named);
        }
      }
    });
  });
  return found;
}

/** Axes are saved by their labels. */
function labelled(value: unknown): unknown {
  const axes = Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "object" && "label" in one);
  return axes ? value.map((one: { label: string }) => one.label) : value;
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
