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
    const watcher = new Watcher(target, () => latest.current);
    const passive = { passive: false };
    const kinds = {
      pointerdown: watcher.down, pointermove: watcher.move, pointerup: watcher.up, pointercancel: watcher.cancel,
      pointerleave: watcher.leave, wheel: watcher.wheel, dblclick: watcher.double, keydown: watcher.key,
    } as unknown as Record<string, EventListener>;
    for (const [kind, listener] of Object.entries(kinds)) target.addEventListener(kind, listener, passive);
    return () => Object.entries(kinds).forEach(([kind, listener]) => target.removeEventListener(kind, listener));
  }, []);
}

class Watcher {
  readonly #target: HTMLElement;
  readonly #latest: () => { gestures: Gestures; left: number };
  #from: { x: number; y: number } | null = null;
  #last = { x: 0, y: 0 };
  #dragging = false;

  constructor(target: HTMLElement, latest: () => { gestures: Gestures; left: number }) {
    this.#target = target;
    this.#latest = latest;
  }

  #place(event: MouseEvent): { x: number; y: number } {
    const box = this.#target.getBoundingClientRect();
    return { x: event.clientX - box.left - this.#latest().left, y: event.clientY - box.top };
  }

  #drag(event: MouseEvent): Drag {
    const { x, y } = this.#place(event);
    const drag = {
      fromX: this.#from!.x, fromY: this.#from!.y, x, y, dx: x - this.#last.x, dy: y - this.#last.y, shift: event.shiftKey,
    };
    this.#last = { x, y };
    return drag;
  }

  down = (event: PointerEvent): void => {
    if (event.button !== 0 || isControl(event.target)) return;
    this.#target.focus({ preventScroll: true });
    this.#from = this.#last = this.#place(event);
    this.#dragging = false;
  };

  move = (event: PointerEvent): void => {
    const { gestures } = this.#latest();
    const { x, y } = this.#place(event);
    if (!this.#from) return gestures.hover?.(x, y);
    const far = Math.hypot(x - this.#from.x, y - this.#from.y) > LEAST_DRAG;
    if (!gestures.drag || (!this.#dragging && !far)) return;
    if (!this.#dragging) this.#target.setPointerCapture(event.pointerId);
    this.#dragging = true;
    gestures.drag(this.#drag(event));
  };

  up = (event: PointerEvent): void => {
    if (!this.#from) return;
    const { gestures } = this.#latest();
    const drag = this.#drag(event);
    if (this.#dragging) gestures.drop?.(drag);
    else gestures.tap?.(drag.x, drag.y);
    this.#from = null;
    this.#dragging = false;
  };

  cancel = (event: PointerEvent): void => {
    if (this.#dragging) this.#latest().gestures.drop?.(this.#drag(event));
    this.#from = null;
    this.#dragging = false;
  };

  leave = (): void => {
    if (!this.#dragging) this.#latest().gestures.leave?.();
  };

  wheel = (event: WheelEvent): void => {
    const { zoom } = this.#latest().gestures;
    const wanted = event.ctrlKey || event.metaKey || document.activeElement === this.#target;
    if (!zoom || !wanted) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    const { x, y } = this.#place(event);
    zoom(Math.exp(Math.min(Math.max(pixels, -200), 200) * 0.0018), x, y);
  };

  double = (event: MouseEvent): void => {
    if (!isControl(event.target)) this.#latest().gestures.reset?.();
  };

  key = (event: KeyboardEvent): void => {
    if (event.target !== this.#target || event.altKey || event.ctrlKey || event.metaKey) return;
    if (this.#latest().gestures.key?.(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
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
