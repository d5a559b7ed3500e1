/** The data of a figure in a few words a series, for those who do not see it. */

import { h } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { titleOf } from "./parallel.js";
import { placeWords } from "./scale.js";
import type { Axis, Figure, Mark, NDArray, Numbers, Panel, Parallel } from "./types.js";
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
    panel.marks
      .flatMap((mark) => (mark.kind === "parallel" ? axesRows(mark) : rowOf(mark, panel) ?? []))
      .map((row) => ({ ...row, panel: plain(panel.title) || `panel ${place + 1}` })),
  );
}

/** One line for each axis. */
function axesRows(mark: Parallel): Omit<SummaryRow, "panel">[] {
  return mark.axes.map((axis, place) => {
    const values = mark.rows.values.filter((_: number, index: number) => index % mark.axes.length === place);
    const [lowest, highest] = ends(values).map((one) => (Number.isFinite(one) ? placeWords(axis, one, number) : "")) as [string, string];
    return { series: titleOf(axis, place), count: amount(values.length, "line"), lowest, highest, last: "" };
  });
}

function rowOf(mark: Exclude<Mark, Parallel>, panel: Panel): Omit<SummaryRow, "panel"> | null {
  const nothing = { lowest: "", highest: "", last: "" };
  if (mark.kind === "event") {
    const axis = mark.axis === "x" ? panel.x : panel.y;
    return { ...nothing, series: plain(mark.text), count: `at ${axis.label} ${placeWords(axis, mark.at, number)}` };
  }
  if (mark.kind === "table") return null;
  const { label, values, unit, count } = contentOf(mark, panel);
  const [low, high] = ends(values);
  const axis: Axis = { ...panel.y, unit, categories: [] };
  const write = (value: number) => (Number.isFinite(value) ? placeWords(axis, value, number) : "");
  const last = mark.kind === "lines" ? write(values.at(-1) ?? NaN) : "";
  return { series: plain(label), count, lowest: write(low), highest: write(high), last };
}

/** Which array of a mark is summed up, what it is called without a label, and what is counted in it; else its shape. */
const CONTENT = {
  bars: ["heights", "bars", "bar"], lines: ["y", "curve", "point"], heat: ["values", "matrix"], tiles: ["images", "images"],
  cloud: ["points", "points"], surface: ["z", "surface"], tokens: ["values", "tokens", "token"],
} as const;

function contentOf(mark: Exclude<Mark, { kind: "event" | "table" | "parallel" }>, panel: Panel) {
  const [field, name, one] = CONTENT[mark.kind] as readonly [string, string, string?];
  const { values, shape } = (mark as unknown as Record<string, NDArray>)[field]!;
  const onAxis = mark.kind === "bars" || mark.kind === "lines";
  const label = (mark.kind !== "cloud" && mark.label) || (onAxis && panel.y.label) || name;
  return { label, values, unit: onAxis ? panel.y.unit : "", count: one ? amount(values.length, one) : shape.join(" by ") };
}

function ends(values: Numbers): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let place = 0; place < values.length; place++) {
    const value = values[place]!;
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return low <= high ? [low, high] : [NaN, NaN];
}

/** Shows the summary to those who hear the page; while frames follow each other, it waits until they rest. */
export function Summary({ figure: latest }: { figure: Figure }) {
  const [figure, show] = useState(latest);
  useEffect(() => {
    const timer = setTimeout(() => show(latest), 400);
    return () => clearTimeout(timer);
  }, [latest]);
  const rows = useMemo(() => summaryOf(figure), [figure]);
  if (!rows.length) return null;
  return (
    <div class="unseen"><table>
      <caption>Data of {plain(figure.title)}</caption>
      <thead><tr>{["panel", "series", "size", "lowest", "highest", "last"].map((name) => <th scope="col">{name}</th>)}</tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr><th scope="row">{row.panel}</th>{[row.series, row.count, row.lowest, row.highest, row.last].map((words) => <td>{words}</td>)}</tr>
        ))}
      </tbody>
    </table></div>
  );
}
