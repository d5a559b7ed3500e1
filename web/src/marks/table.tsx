/** Rows of text. */

import { h } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useScene } from "../scene.js";
import type { Table } from "../types.js";
import { plain } from "../words.js";

const MOST_ROWS = 1000;
/** Longer texts are broken into lines. */
const LONG = 24;

/** Draws a table; columns of numbers stand at the right. */
export function TableMark({ mark }: { mark: Table }) {
  const rows = mark.rows.slice(0, MOST_ROWS);
  const looks = mark.columns.map((_, place) => lookOf(rows.map((row) => row[place] ?? "")));
  const home = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  const { width } = useScene();
  // What scrolls must be reached by the keyboard.
  useLayoutEffect(() => setScrolls(home.current!.scrollWidth > home.current!.clientWidth), [mark, width.value]);
  return (
    <div ref={home} class="rows" {...(scrolls && { tabIndex: 0, role: "group", "aria-label": "Table, scrolls sideways" })}>
      <table>
        <thead>
          <tr>{mark.columns.map((name, place) => name ? <th scope="col" class={looks[place]}>{plain(name)}</th> : <td />)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => <tr>{row.map((cell, place) => <td class={looks[place]}>{plain(cell)}</td>)}</tr>)}
        </tbody>
      </table>
      {mark.rows.length > rows.length && <p class="more">{rows.length} of {mark.rows.length} rows shown</p>}
    </div>
  );
}

/** A column of texts that all begin like numbers stands at the right; one with long texts is broken into lines. */
function lookOf(texts: readonly string[]): string {
  const said = texts.map((text) => text.trim()).filter((text) => text && !["–", "-", "NaN"].includes(text));
  if (said.length && said.every((text) => /^[-−+]?[\d.,]+/.test(text))) return "right";
  return said.some((text) => text.length > LONG) ? "long" : "";
}
