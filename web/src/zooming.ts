/** What gestures and keys do over a frame with axes: read, zoom, move. */

import type { Signal } from "./signals.js";
import type { FramePlan } from "./layout.js";
import type { Box } from "./overlay.js";
import { limited, panned, windowOf, zoomed, type Plot, type Window } from "./plot.js";
import { arrowOf, type Drag, type Gestures } from "./pointer.js";
import type { Reader } from "./reading.js";
import { readingGestures, type Readings } from "./stage.js";
import { setEntry, type Store } from "./state.js";

/** What the gestures over a frame work on. */
export interface FrameParts extends Readings {
  readonly plot: Plot;
  readonly plan: FramePlan;
  readonly name: string;
  readonly store: Store;
  readonly reader: Reader;
  /** The rectangle that is being drawn. */
  readonly selecting: Signal<Box | null>;
  /** Sets the controls to a place of the frame; null where there are none. */
  readonly choose: ((x: number, y: number) => void) | null;
}

/** A drag thinner than this selects along one axis only, pixels. */
const THIN = 16;

/** Returns what gestures and keys do over a frame. */
export function frameGestures(parts: FrameParts): Gestures {
  const { plot, plan, name, store, reader, reading, selecting, choose } = parts;
  const full = windowOf(plan.extent);
  const now = () => windowOf(plot.extent);
  const show = (window: Window | null) => {
    reading.value = null;
    setEntry(store.windows, name, window);
  };
  const zoom = (factor: number, x: number, y: number) =>
    show(zoomed(now(), full, factor, [plot.placeX(x), plot.placeY(y)], axesOf(plot)));
  const read = readingGestures(reader, parts);
  return {
    ...read,
    hover: (x, y) => (inside(plot, x, y) ? read.hover(x, y) : read.leave()),
    tap: (x, y) => {
      read.tap(x, y);
      if (inside(plot, x, y)) choose?.(x, y);
    },
    drag: (drag) => {
      reading.value = null;
      if (drag.shift) show(moved(plot, full, drag));
      else selecting.value = boxOf(plot, drag);
    },
    drop: () => {
      const box = selecting.peek();
      selecting.value = null;
      if (box && (box.width > 4 || box.height > 4)) show(limited(windowIn(plot, box), full));
    },
    zoom,
    reset: () => show(null),
    key: (event) => keyUsed(event, parts, zoom, show) || read.key(event),
  };
}

function inside(plot: Plot, x: number, y: number): boolean {
  return x >= -2 && x <= plot.width + 2 && y >= -2 && y <= plot.height + 2;
}

/** Curves and bars over a common axis keep their heights when the wheel zooms. */
function axesOf(plot: Plot): "x" | "both" {
  return plot.panel.marks.some((mark) => mark.kind === "heat" || mark.kind === "cloud") ? "both" : "x";
}

function moved(plot: Plot, full: Window, drag: Drag): Window | null {
  const up = (drag.dy / plot.height) * (plot.extent.flipped ? -1 : 1);
  return panned(windowOf(plot.extent), full, -drag.dx / plot.width, up);
}

function boxOf(plot: Plot, drag: Drag): Box {
  const clamp = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  const [x0, x1] = [clamp(drag.fromX, plot.width), clamp(drag.x, plot.width)];
  const [y0, y1] = [clamp(drag.fromY, plot.height), clamp(drag.y, plot.height)];
  const box = { left: Math.min(x0, x1), top: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) };
  if (box.height < THIN && box.width >= box.height) return { ...box, top: 0, height: plot.height };
  if (box.width < THIN) return { ...box, left: 0, width: plot.width };
  return box;
}

function windowIn(plot: Plot, box: Box): Window {
  const ups = [plot.placeY(box.top), plot.placeY(box.top + box.height)];
  return [plot.placeX(box.left), plot.placeX(box.left + box.width), Math.min(...ups), Math.max(...ups)];
}

function keyUsed(
  event: KeyboardEvent, parts: FrameParts, zoom: (factor: number, x: number, y: number) => void,
  show: (window: Window | null) => void,
): boolean {
  const { plot, plan } = parts;
  const from = parts.reading.peek();
  const [x, y] = [from?.x ?? plot.width / 2, from?.y ?? plot.height / 2];
  const arrow = arrowOf(event.key);
  if (arrow && event.shiftKey) {
    const up = -0.1 * arrow[1] * (plot.extent.flipped ? -1 : 1);
    show(panned(windowOf(plot.extent), windowOf(plan.extent), 0.1 * arrow[0], up));
  } else if (event.key === "+" || event.key === "=") zoom(0.7, x, y);
  else if (event.key === "-") zoom(1 / 0.7, x, y);
  else if (event.key === "0") show(null);
  else if (event.key === "Enter" && parts.choose && from) parts.choose(from.x, from.y);
  else return false;
  return true;
}
