/** What follows the pointer or the keyboard over a picture: outline, dots and the words about a place. */

import { h } from "preact";
import type { ReadonlySignal } from "./signals.js";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { short } from "./marks/lines.js";
import { spoken, type Reading } from "./reading.js";
import { useScene } from "./scene.js";
import { Thumbnail } from "./thumbnail.js";
import { exact } from "./words.js";

/** A rectangle in pixels from the origin of the frame. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Draws the outline, the upright line and the dots of a reading; belongs into an SVG. */
export function Cursor({ reading, height }: { reading: ReadonlySignal<Reading | null>; height: number }) {
  const now = reading.value;
  if (!now) return null;
  const { box, dots = [], upright } = now;
  return (
    <g class="cursor">
      {upright && <line x1={short(now.x)} x2={short(now.x)} y1={0} y2={height} />}
      {box && <rect x={short(box.left)} y={short(box.top)} width={short(box.width)} height={short(box.height)} />}
      {dots.map(({ x, y, colour }) => Number.isFinite(y) && <circle cx={short(x)} cy={short(y)} r={4.5} style={{ fill: colour }} />)}
    </g>
  );
}

/** Shows a rectangle that is being drawn by a drag. */
export function Selecting({ box }: { box: ReadonlySignal<Box | null> }) {
  const now = box.value;
  return now && <rect class="selecting" x={now.left} y={now.top} width={now.width} height={now.height} />;
}

/** The words about a place, beside it and inside the picture. */
export function Tooltip({ reading, left }: { reading: ReadonlySignal<Reading | null>; left: number }) {
  const element = useRef<HTMLDivElement>(null);
  const { root } = useScene();
  const now = useExact(reading.value);
  useLayoutEffect(() => {
    if (now && element.current) settle(element.current, root, now.x + left, now.y);
  }, [now, left]);
  if (!now) return null;
  return (
    <div ref={element} class="tip" aria-hidden>
      {now.image && <Thumbnail {...now.image} />}
      {now.title && <div class="tip-title">{now.title}</div>}
      {now.rows.map((row) => (
        <div class="tip-row">
          {row.colour && <i style={{ background: row.colour }} />}
          {row.label && <span>{row.label}</span>}
          <b>{row.value}</b>
        </div>
      ))}
      {now.rounded && <div class="tip-title">rounded, at most 0.05 % off</div>}
    </div>
  );
}

/**
 * Returns a reading with the exact value in its first row, once it has come, where the frame holds a rounded one;
 * until then, or where nobody can be asked, the reading says that it is rounded.
 */
function useExact(now: Reading | null): (Reading & { rounded?: boolean }) | null {
  const { exact: ask } = useScene();
  const [found, setFound] = useState<{ of: Reading; value: number } | null>(null);
  const rounded = now?.of?.rounded === true;
  useEffect(() => {
    if (now?.of?.at === undefined || !rounded || !ask) return;
    let live = true;
    ask(now.of, now.at ?? now.index).then((value) => live && setFound({ of: now, value }), () => undefined);
    return () => {
      live = false;
    };
  }, [now]);
  if (!now || !rounded) return now;
  const [first, ...others] = now.rows;
  const known = found?.of === now;
  const value = known ? exact(found.value) : `≈ ${first!.value}`;
  return { ...now, rows: [{ ...first!, value }, ...others], rounded: !known };
}

/** Puts the words beside a place, at its left where the right has no room, and never beyond the picture. */
function settle(element: HTMLElement, root: HTMLElement, x: number, y: number): void {
  const home = element.offsetParent?.getBoundingClientRect();
  if (!home) return;
  const bounds = root.getBoundingClientRect();
  const [wide, high] = [element.offsetWidth, element.offsetHeight];
  const right = home.left + x + 14 + wide <= bounds.right;
  const wished = right ? x + 14 : x - 14 - wide;
  const least = bounds.left - home.left;
  const left = Math.min(Math.max(wished, least), Math.max(bounds.right - home.left - wide, least));
  const top = Math.max(y - high - 12, bounds.top - home.top);
  element.style.left = `${left}px`;
  element.style.top = `${top}px`;
}

/** Says what the keyboard has reached, for those who hear it. */
export function Spoken({ said }: { said: ReadonlySignal<Reading | null> }) {
  const now = useExact(said.value);
  return <div class="unseen" role="status" aria-live="polite">{now ? spoken(now) : ""}</div>;
}
