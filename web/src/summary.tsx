/** The data of a figure in a few words a series, for those who do not see it. */

import { placeWords } from "./scale.js";
import type { Axis, Figure, Mark, Numbers, Panel } from "./types.js";
import { amount, number, plain } from "./words.js";

/** One line of the summary. */
export interface SummaryRow {
  readonly panel: string;
  readonly series: string;
  readonly count: string;
  readonly lowest: string;
  readonly highest: string;
  readonly last: string;
}

/** Returns one line for each series of a figure. */
export function summaryOf(figure: Figure): SummaryRow[] {
  return figure.panels.flatMap((panel, place) =>
    panel.marks.flatMap((mark) => {
      const row = rowOf(mark, panel);
      return row ? [{ ...row, panel: plain(panel.title) || `panel ${place + 1}` }] : [];
    }),
  );
}

function rowOf(mark: Mark, panel: Panel): Omit<SummaryRow, "panel"> | null {
  const nothing = { lowest: "", highest: "", last: "" };
  if (mark.kind === "event") {
    const axis = mark.axis === "x" ? panel.x : panel.y;
    return { ...nothing, series: plain(mark.text), count: `at ${axis.label} ${placeWords(axis, mark.at, number)}` };
  }
  if (mark.kind === "table") return null;
  const [label, values, unit] = contentOf(mark, panel);
  const [low, high] = ends(values.values);
  const axis: Axis = { ...panel.y, unit, categories: [] };
  const write = (value: number) => (Number.isFinite(value) ? placeWords(axis, value, number) : "");
  const last = mark.kind === "lines" ? write(values.values.at(-1) ?? NaN) : "";
  return { series: plain(label), count: values.words, lowest: write(low), highest: write(high), last };
}

type Content = readonly [label: string, values: { values: Numbers; words: string }, unit: string];

function contentOf(mark: Exclude<Mark, { kind: "event" | "table" }>, panel: Panel): Content {
  const { unit } = panel.y;
  if (mark.kind === "bars") return [mark.label || panel.y.label || "bars", counted(mark.heights.values, "bar"), unit];
  if (mark.kind === "lines") return [mark.label || panel.y.label || "curve", counted(mark.y.values, "point"), unit];
  if (mark.kind === "heat") return [mark.label || "matrix", shaped(mark.values.values, mark.values.shape), ""];
  if (mark.kind === "tiles") return [mark.label || "images", shaped(mark.images.values, mark.images.shape), ""];
  if (mark.kind === "cloud") return ["points", { ...shaped(mark.points.values, mark.points.shape) }, ""];
  if (mark.kind === "surface") return [mark.label || "surface", shaped(mark.z.values, mark.z.shape), ""];
  return [mark.label || "tokens", counted(mark.values.values, "token"), ""];
}

function counted(values: Numbers, one: string) {
  return { values, words: amount(values.length, one) };
}

function shaped(values: Numbers, shape: readonly number[]) {
  return { values, words: shape.join(" by ") };
}

function ends(values: Numbers): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low && Number.isFinite(value)) low = value;
    if (value > high && Number.isFinite(value)) high = value;
  }
  return low <= high ? [low, high] : [NaN, NaN];
}

/** Shows the summary to those who hear the page. */
export function Summary({ figure }: { figure: Figure }) {
  const rows = summaryOf(figure);
  if (!rows.length) return null;
  return (
    <div class="unseen"><table>
      <caption>Data of {plain(figure.title)}</caption>
      <thead><tr>{["panel", "series", "size", "lowest", "highest", "last"].map((name) => <th scope="col">{name}</th>)}</tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr><th scope="row">{row.panel}</th><td>{row.series}</td><td>{row.count}</td><td>{row.lowest}</td><td>{row.highest}</td><td>{row.last}</td></tr>
        ))}
      </tbody>
    </table></div>
  );
}
