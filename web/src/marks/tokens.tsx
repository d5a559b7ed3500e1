/** Text shaded by a value a token. */

import { h } from "preact";
import { useSignal } from "../signals.js";
import { useRef } from "preact/hooks";
import { Spoken, Tooltip } from "../overlay.js";
import { useGestures } from "../pointer.js";
import { limitsOf } from "../raster/colors.js";
import { clampIndex, type Reader, type Reading } from "../reading.js";
import { readingGestures } from "../stage.js";
import { tint, tintColour } from "../theme.js";
import type { Tokens } from "../types.js";
import { exact, plain } from "../words.js";

const MOST_TOKENS = 4000;

/** Draws shaded text. */
export function TokensMark({ mark, title }: { mark: Tokens; title: string }) {
  const home = useRef<HTMLDivElement>(null);
  const reading = useSignal<Reading | null>(null);
  const said = useSignal<Reading | null>(null);
  const [low, high] = limitsOf(mark.values.values, mark.signed);
  const shown = mark.text.slice(0, MOST_TOKENS);
  const read = (place: number) => readingOf(mark, place, home.current!);
  const over = (event: PointerEvent) => {
    const place = (event.target as Element).closest<HTMLElement>("[data-token]")?.dataset.token;
    reading.value = place === undefined ? null : read(Number(place));
  };
  const move: Reader["move"] = (from, right, below) => read(clampIndex((from?.index[0] ?? -1) + right + 10 * below, shown.length));
  useGestures(home, 0, { key: readingGestures({ at: () => null, move }, { reading, said }).key });
  return (
    <div
      ref={home} class="tokens" tabIndex={0} role="application" aria-roledescription="shaded text"
      aria-label={`${plain(title) || "Text"}. Arrow keys go from word to word.`} onPointerOver={over} onPointerLeave={() => (reading.value = null)}
    >
      {shown.map((text, place) => (
        <span data-token={place} style={{ background: ground(mark, place, low, high) }}>{visibleText(text)}</span>
      ))}
      {mark.text.length > shown.length && <p class="more">{shown.length} of {mark.text.length} tokens shown</p>}
      <Tooltip reading={reading} left={0} />
      <Spoken said={said} />
    </div>
  );
}

function ground(mark: Tokens, place: number, low: number, high: number): string | undefined {
  const value = mark.values.values[place];
  if (value === undefined || !Number.isFinite(value)) return undefined;
  const share = mark.signed ? value / high : (value - low) / (high - low);
  return `color-mix(in srgb, ${tintColour(share, mark.signed)} ${(100 * tint(share)).toFixed(1)}%, transparent)`;
}

function visibleText(text: string): string {
  return plain(text.replace(/\n/g, "⏎")).trim() || "␣";
}

function readingOf(mark: Tokens, place: number, home: HTMLElement): Reading {
  const element = home.querySelector<HTMLElement>(`[data-token="${place}"]`)!;
  const value = mark.values.values[place];
  const words = value === undefined || Number.isNaN(value) ? "not measured" : exact(value);
  return {
    x: element.offsetLeft + element.offsetWidth / 2, y: element.offsetTop, index: [place, 0],
    title: `token ${place}: ${visibleText(mark.text[place]!)}`,
    rows: [{ label: mark.label || "value", value: words }],
  };
}
