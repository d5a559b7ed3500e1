/** The picture as a widget of a running notebook. */

import { mount } from "./mount.js";
import type { Parameters } from "./types.js";

/** What anywidget gives: messages to the kernel and from it. */
export interface Model {
  send(content: unknown): void;
  on(event: "msg:custom", hear: Hear): void;
  off(event: "msg:custom", hear: Hear): void;
}

type Hear = (message: { readonly id?: number; readonly error?: string }, buffers: readonly DataView[]) => void;
type Answer = { resolve(frame: ArrayBuffer): void; reject(error: Error): void };

/** The widget, in the form that anywidget asks for. */
export const widget = {
  /** Shows the picture; the function that comes back removes it. */
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    const { request, stop } = kernelOf(model);
    const mounted = mount(el, { kind: "live", request });
    return () => {
      stop();
      mounted.destroy();
    };
  },
};

/** Returns requests to the kernel behind a model. */
export function kernelOf(model: Model) {
  const waiting = new Map<number, Answer>();
  let last = 0;
  const hear: Hear = ({ id, error }, buffers) => {
    const answer = waiting.get(id ?? 0);
    waiting.delete(id ?? 0);
    const view = buffers?.[0];
    if (error || !view) answer?.reject(new Error(error || "The kernel sent no picture."));
    // Arrays want their bytes at multiples of 8, which a buffer of a message does not promise.
    else answer?.resolve(new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength).slice().buffer);
  };
  model.on("msg:custom", hear);
  return {
    request: (parameters: Parameters) =>
      new Promise<ArrayBuffer>((resolve, reject) => {
        waiting.set(++last, { resolve, reject });
        model.send({ id: last, parameters });
      }),
    stop: () => model.off("msg:custom", hear),
  };
}
