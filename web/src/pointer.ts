/** Pointer, wheel and keys over a picture, as a few gestures. */

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** What happens over a picture; places in pixels from its origin. */
export interface Gestures {
  hover?(x: number, y: number): void;
  leave?(): void;
  /** A press without a drag. */
  tap?(x: number, y: number): void;
  /** A drag has moved on; the first call has `first`. */
  drag?(drag: Drag): void;
  drop?(drag: Drag): void;
  /** Below 1 to come closer. */
  zoom?(factor: number, x: number, y: number): void;
  reset?(): void;
  /** Returns whether the key was used. */
  key?(event: KeyboardEvent): boolean;
}

/** A press that moved. */
export interface Drag {
  readonly fromX: number;
  readonly fromY: number;
  readonly x: number;
  readonly y: number;
  /** Since the last call. */
  readonly dx: number;
  readonly dy: number;
  readonly shift: boolean;
}

const LEAST_DRAG = 4;

/**
 * Watches the gestures over an element. The wheel zooms only once the picture has the focus, or with Ctrl, so that a
 * page full of pictures can be scrolled.
 *
 * @param element - What is watched; it must be able to take the focus.
 * @param left - Pixels from the left side of the element to the origin.
 * @param gestures - What to do.
 */
export function useGestures(element: RefObject<HTMLDivElement | null>, left: number, gestures: Gestures): void {
  const latest = useRef({ gestures, left });
  latest.current = { gestures, left };
  useEffect(() => {
    const target = element.current!;
    const heard = Object.entries(listenersOf(target, () => latest.current)) as [string, EventListener][];
    for (const [kind, listener] of heard) target.addEventListener(kind, listener, { passive: false });
    return () => heard.forEach(([kind, listener]) => target.removeEventListener(kind, listener));
  }, []);
}

type Place = { readonly x: number; readonly y: number };

/** Returns what is done at each event of an element. */
function listenersOf(target: HTMLElement, latest: () => { gestures: Gestures; left: number }) {
  let from: Place | null = null;
  let last: Place = { x: 0, y: 0 };
  let dragging = false;
  const placeOf = (event: MouseEvent): Place => {
    const box = target.getBoundingClientRect();
    return { x: event.clientX - box.left - latest().left, y: event.clientY - box.top };
  };
  const dragOf = (event: MouseEvent): Drag => {
    const { x, y } = placeOf(event);
    const drag = { fromX: from!.x, fromY: from!.y, x, y, dx: x - last.x, dy: y - last.y, shift: event.shiftKey };
    last = { x, y };
    return drag;
  };
  const end = (tapped: boolean) => (event: PointerEvent) => {
    if (!from) return;
    const { gestures } = latest();
    const drag = dragOf(event);
    if (dragging) gestures.drop?.(drag);
    else if (tapped) gestures.tap?.(drag.x, drag.y);
    [from, dragging] = [null, false];
  };
  return {
    pointerdown(event: PointerEvent) {
      if (event.button !== 0 || isControl(event.target)) return;
      target.focus({ preventScroll: true });
      from = last = placeOf(event);
    },
    pointermove(event: PointerEvent) {
      const { gestures } = latest();
      const { x, y } = placeOf(event);
      if (!from) return gestures.hover?.(x, y);
      if (!gestures.drag || (!dragging && Math.hypot(x - from.x, y - from.y) <= LEAST_DRAG)) return;
      if (!dragging) target.setPointerCapture(event.pointerId);
      dragging = true;
      gestures.drag(dragOf(event));
    },
    pointerup: end(true),
    pointercancel: end(false),
    pointerleave() {
      if (!dragging) latest().gestures.leave?.();
    },
    wheel(event: WheelEvent) {
      const { zoom } = latest().gestures;
      if (!zoom || !(event.ctrlKey || event.metaKey || document.activeElement === target)) return;
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
      const { x, y } = placeOf(event);
      zoom(Math.exp(Math.min(Math.max(pixels, -200), 200) * 0.0018), x, y);
    },
    dblclick(event: MouseEvent) {
      if (!isControl(event.target)) latest().gestures.reset?.();
    },
    keydown(event: KeyboardEvent) {
      if (event.target !== target || event.altKey || event.ctrlKey || event.metaKey) return;
      if (latest().gestures.key?.(event)) {
        event.preventDefault();
        event.stopPropagation();
      }
    },
  };
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("button, input, summary, a") !== null;
}

/** Returns the direction of an arrow key: steps to the right and downwards; null for another key. */
export function arrowOf(key: string): readonly [number, number] | null {
  const arrows: Record<string, readonly [number, number]> = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    PageUp: [-10, 0], PageDown: [10, 0], Home: [-1e9, 0], End: [1e9, 0],
  };
  return arrows[key] ?? null;
}
