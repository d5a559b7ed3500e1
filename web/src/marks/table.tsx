/** Rows of text. */

import type { Table } from "../types.js";
import { plain } from "../words.js";

const MOST_ROWS = 1000;

/** Draws a table; columns of numbers stand at the right. */
export function TableMark({ mark }: { mark: Table }) {
  const rows = mark.rows.slice(0, MOST_ROWS);
  const right = mark.columns.map((_, place) => isNumeric(rows.map((row) => row[place] ?? "")));
  const side = (place: number) => (right[place] ? "right" : "");
  return (
    <div class="rows">
      <table>
        <thead>
          <tr>{mark.columns.map((name, place) => name ? <th scope="col" class={side(place)}>{plain(name)}</th> : <td />)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => <tr>{row.map((cell, place) => <td class={side(place)}>{plain(cell)}</td>)}</tr>)}
        </tbody>
      </table>
      {mark.rows.length > rows.length && <p class="more">{rows.length} of {mark.rows.length} rows shown</p>}
    </div>
  );
}

/** Tells whether every text that says anything begins like a number. */
function isNumeric(texts: readonly string[]): boolean {
  const said = texts.filter((text) => text && !["–", "-", "NaN"].includes(text.trim()));
  return said.length > 0 && said.every((text) => /^[-−+]?[\d.,]+/.test(text.trim()));
}
