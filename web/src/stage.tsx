/** The place where a picture is read and moved: gestures, keys, and what follows them. */

import { h, type ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Cursor, Spoken, Tooltip } from "./overlay.js";
import { arrowOf, useGestures, type Gestures } from "./pointer.js";
import type { Reader, Reading } from "./reading.js";
import type { Signal } from "./signals.js";

/** What is read at a place; `said` is what the keyboard or a press has reached. */
export interface Readings {
  readonly reading: Signal<Reading | null>;
  readonly said: Signal<Reading | null>;
}

interface Props extends Readings {
  /** What it is, in words. */
  readonly kind: string;
  /** What it shows, and what the keys do. */
  readonly label: string;
  /** A click on it sets controls. */
  readonly chooses?: boolean;
  readonly look?: string;
  /** Pixels from the left side to the origin. */
  readonly left?: number;
  readonly width?: number;
  readonly height: number;
  /** Height with what stands below the picture. */
  readonly tall?: number;
  readonly gestures: Gestures;
  /** Drawn over everything, and not saved. */
  readonly over?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** Holds a picture. */
export function Stage({ kind, label, chooses, look, left = 0, width, height, tall = height, gestures, reading, said, over, children }: Props) {
  const home = useRef<HTMLDivElement>(null);
  useGestures(home, left, gestures);
  return (
    <div
      ref={home} class={`stage ${look ?? ""}`} tabIndex={0} role="application" aria-roledescription={kind}
      aria-label={chooses ? `${label} A click sets the place, as the controls do.` : label}
      style={{ width: width && `${width}px`, height: `${tall}px` }}
    >
      {children}
      <svg class="front" width={width} height={height} aria-hidden data-fleeting>
        <g transform={`translate(${left} 0)`}>{over}<Cursor reading={reading} height={height} /></g>
      </svg>
      <Tooltip reading={reading} left={left} />
      <Spoken said={said} />
    </div>
  );
}

/** Reads again what stands at the place that is read, when another picture comes. */
export function useFresh(reader: Reader, reading: Signal<Reading | null>, picture: unknown): void {
  useEffect(() => {
    const now = reading.peek();
    if (now) reading.value = reader.at(now.x, now.y);
  }, [picture]);
}

/** Returns the gestures and keys that read a picture. */
export function readingGestures(reader: Reader, { reading, said }: Readings): Required<Pick<Gestures, "hover" | "leave" | "tap" | "key">> {
  const say = (now: Reading | null) => (reading.value = said.value = now);
  return {
    hover: (x, y) => (reading.value = reader.at(x, y)),
    leave: () => (reading.value = null),
    tap: (x, y) => say(reader.at(x, y)),
    key(event) {
      const arrow = arrowOf(event.key);
      if (arrow) say(reader.move(reading.peek(), ...arrow));
      else if (event.key === "Escape") {
        say(null);
        (event.currentTarget as HTMLElement | null)?.blur();
      } else return false;
      return true;
    },
  };
}
