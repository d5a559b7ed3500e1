/** A pad to draw on: a small picture, by mouse, by touch, or pixel by pixel with the keys. */

import { type ComponentChildren, h, type TargetedPointerEvent } from "preact";
import { useRef, useState } from "preact/hooks";
import { inkAt, inked, type Spot } from "./ink.js";
import { arrowOf } from "./pointer.js";
import type { PadControl } from "./types.js";
import { plain } from "./words.js";

/** Shows a pad; `children` is its help. */
export function Pad({ control, id, value, set, children }: {
  control: PadControl; id: string; value: string; set: (value: string) => void; children: ComponentChildren;
}) {
  const { rows, columns, label } = control;
  const [[column, row], move] = useState<Spot>([columns >> 1, rows >> 1]);
  const [said, say] = useState("");
  // Several moves of the pointer may come between two drawings.
  const pen = useRef<{ text: string; from?: Spot }>({ text: value }).current;
  pen.text = value;
  const ink = (from: Spot, to: Spot) => set((pen.text = inked(control, pen.text, from, to)));
  const draw = (event: TargetedPointerEvent<SVGSVGElement>, begins?: boolean) => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    const to: Spot = [((event.clientX - left) / width) * columns, ((event.clientY - top) / height) * rows];
    ink((!begins && pen.from) || to, (pen.from = to));
    say("");
  };
  const press = (event: KeyboardEvent) => {
    const inks = event.key === " " || event.key === "Enter";
    const arrow = inks ? [0, 0] as const : arrowOf(event.key);
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const x = Math.min(Math.max(column + arrow[0], 0), columns - 1);
    const y = Math.min(Math.max(row + arrow[1], 0), rows - 1);
    const middle: Spot = [x + 0.5, y + 0.5];
    move([x, y]);
    if (inks) ink(middle, middle);
    say(`row ${y}, column ${x}: ${Math.round(inkAt(pen.text, y * columns + x) / 0.15)} %`);
  };
  return (
    <fieldset class="control sketch">
      <legend>{plain(label)}</legend>
      <div>
        <svg
          id={id} viewBox={`0 0 ${columns} ${rows}`} tabindex={0} role="application" aria-roledescription="drawing pad"
          aria-label={`${plain(label)}. Arrow keys move, space inks.`} onKeyDown={press}
          onPointerDown={(event) => {
            if (event.button) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            draw(event, true);
          }}
          onPointerMove={(event) => event.buttons & 1 && draw(event)}
        >
          {[...value].map((one, pixel) => one > "0" && (
            <rect x={pixel % columns} y={Math.floor(pixel / columns)} width={1} height={1} opacity={inkAt(one, 0) / 15} />
          ))}
          {said && <rect class="pen" x={column} y={row} width={1} height={1} />}
        </svg>
        <button onClick={() => set("")}>Clear</button>
      </div>
      <span class="unseen" role="status">{said}</span>
      {children}
    </fieldset>
  );
}
