/** The key as it is seen: swatches that switch their marks off and on, and colour bars. */

import { h } from "preact";
import type { Entry } from "./key.js";
import { litOf } from "./lit.js";
import { DASHES } from "./marks/lines.js";
import { colourTable, css, lineTable, TABLE_SIZE, type Page } from "./raster/colors.js";
import { useScene } from "./scene.js";
import { toggleHidden } from "./state.js";
import { tint, tintColour } from "./theme.js";
import { number } from "./words.js";

/** More entries than this stand in columns that scroll. */
const MANY = 16;

/** Shows the entries of a key. */
export function KeyView({ entries, name }: { entries: readonly Entry[]; name: string }) {
  const { store, root } = useScene();
  if (!entries.length) return null;
  const hidden = store.hidden.value;
  const light = (id: string) => () => (litOf(root).value = id);
  const many = entries.filter((entry) => entry.form !== "ramp").length > 1;
  return (
    <ul class={`key${entries.length > MANY ? " many" : ""}`} tabIndex={entries.length > MANY ? 0 : undefined}>
      {entries.map((entry, place) => (
        <li>
          {entry.form === "ramp" ? <Ramp entry={entry} id={`${name}-${place}`} />
            : many ? (
              <button aria-pressed={!hidden.includes(entry.id)} onClick={() => toggleHidden(store, entry.id)}
                onMouseEnter={light(entry.id)} onMouseLeave={light("")} onFocus={light(entry.id)} onBlur={light("")}
                title={hidden.includes(entry.id) ? "Show" : "Hide"}>
                <Swatch entry={entry} /><span>{entry.label}</span>
              </button>
            ) : <span class="entry"><Swatch entry={entry} /><span>{entry.label}</span></span>}
        </li>
      ))}
    </ul>
  );
}

function Swatch({ entry }: { entry: Entry }) {
  const { form, colour, style } = entry;
  return (
    <svg class="swatch" width={14} height={10} aria-hidden>
      {form === "box" && <rect x={2} y={0.5} width={10} height={9} fill={colour} />}
      {form === "line" && <line x1={0} x2={14} y1={5} y2={5} stroke={colour} stroke-width={2.4} stroke-dasharray={String(DASHES[style])} />}
      {form === "dot" && <circle cx={7} cy={5} r={3.6} fill={colour} />}
    </svg>
  );
}

/** The meaning of a range of colours: its name, its ends, and the colours between them. */
function Ramp({ entry, id }: { entry: Entry; id: string }) {
  const { uid, page } = useScene();
  const name = `${uid}-ramp-${id}`;
  return (
    <span class="ramp">
      {entry.label && <span>{entry.label}</span>}
      <span class="end">{number(entry.ends[0])}</span>
      <svg width={84} height={10} role="presentation">
        <defs>
          <linearGradient id={name}>
            {stopsOf(entry, page.value).map(({ at, colour, opacity }) => (
              <stop offset={at} stop-color={colour} stop-opacity={opacity} />
            ))}
          </linearGradient>
        </defs>
        <rect width={84} height={10} rx={1.5} fill={`url(#${name})`} />
      </svg>
      <span class="end">{number(entry.ends[1])}</span>
    </span>
  );
}

const STOPS = 24;

function stopsOf(entry: Entry, page: Page): { at: number; colour: string; opacity: number }[] {
  const table = entry.lines ? lineTable(page) : colourTable(entry.signed, entry.over);
  return Array.from({ length: STOPS + 1 }, (_, step) => {
    const at = step / STOPS;
    const share = entry.signed ? 2 * at - 1 : at;
    if (entry.tint) return { at, colour: tintColour(share, entry.signed), opacity: tint(share) };
    const pixel = table[Math.round(at * (TABLE_SIZE - 1))]!;
    return { at, colour: css(pixel), opacity: (pixel >>> 24) / 255 };
  });
}
