/** Frames for tests. */

type Header = Record<string, unknown>;

/** An axis with nothing special. */
export const AXIS = { label: "", unit: "", scale: "linear", threshold: 1, limits: null, categories: [] };

/** Returns the figure part of a header with one panel. */
export function figureWith(...marks: unknown[]): Header {
  const panel = { title: "p", note: "", level: "ok", x: AXIS, y: AXIS, marks };
  return { title: "t", verdict: "", level: "ok", caveat: "", alt: "", columns: 1, panels: [panel] };
}

/** Returns the bytes of a frame. */
export function framed(header: Header | string, data: ArrayBuffer = new ArrayBuffer(0), magic = "PEL1"): ArrayBuffer {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const start = Math.ceil((8 + text.length) / 8) * 8;
  const bytes = new Uint8Array(start + data.byteLength);
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(4, text.length, true);
  bytes.set(text, 8);
  bytes.set(new Uint8Array(data), start);
  return bytes.buffer;
}

/** Returns a header with one line whose x and y are the same array. */
export function lineHeader(array: Header, more: Header = {}): Header {
  const line = {
    kind: "lines", x: { $: 0 }, y: { $: 0 }, low: null, high: null, fill: false, label: "l", tone: "accent",
    style: "solid", dots: false,
  };
  return { frame: 1, view: "v", parameters: { a: 1 }, figure: figureWith(line), arrays: [array], ...more };
}

/** Returns the bytes of a book. */
export function bookOf(...frames: ArrayBuffer[]): ArrayBuffer {
  const start = Math.ceil((8 + 4 * frames.length) / 8) * 8;
  const lengths = frames.map((frame) => Math.ceil(frame.byteLength / 8) * 8);
  const bytes = new Uint8Array(start + lengths.reduce((sum, one) => sum + one, 0));
  bytes.set(new TextEncoder().encode("PELB"));
  new DataView(bytes.buffer).setUint32(4, frames.length, true);
  let at = start;
  frames.forEach((frame, place) => {
    new DataView(bytes.buffer).setUint32(8 + 4 * place, frame.byteLength, true);
    bytes.set(new Uint8Array(frame), at);
    at += lengths[place]!;
  });
  return bytes.buffer;
}
