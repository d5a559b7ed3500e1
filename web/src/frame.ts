/** Reads the binary frame that carries a figure. */

import { readControls } from "./control.js";
import { readFigure } from "./figure.js";
import { count, flag, FrameError, listOf, misfit, number, oneOf, or, record, text } from "./form.js";
import type { Frame, NDArray, Parameter, Parameters } from "./types.js";

const MAGIC = "PEL1";
const BOOK = "PELB";
const VERSION = 1;
/** What holds the stored values of each type; float16 are decoded later. */
const KINDS = { f16: Uint16Array, f32: Float32Array, f64: Float64Array, u8: Uint8Array, u16: Uint16Array, i32: Int32Array };

type Entry = { dtype: keyof typeof KINDS; shape: number[]; at: number; scale: number; offset: number };
const entry = record<Entry>({
  dtype: oneOf(Object.keys(KINDS) as Entry["dtype"][]), shape: listOf(count), at: count, scale: or(number, 1), offset: or(number, 0),
});

/**
 * Reads a frame.
 *
 * @param buffer - The whole frame.
 * @returns The figure with its arrays; float16 ones are decoded when first asked for.
 * @throws FrameError when anything is not as agreed.
 */
export function readFrame(buffer: ArrayBuffer): Frame {
  const start = headerLength(buffer);
  const header = parsed(new Uint8Array(buffer, 8, start));
  if (header.frame !== VERSION) throw misfit("The version of this frame", header.frame, `${VERSION}; reload the page`);
  const arrays = listOf(entry)(header.arrays, "arrays").map((one, place) => arrayOf(buffer, padded(8 + start), one, place));
  return {
    view: text(header.view, ""), parameters: parametersOf(header.parameters), controls: readControls(header.controls),
    append: flag(header.append, ""), figure: readFigure(header.figure, arrays),
  };
}

/**
 * Returns the frames of a book, or the one frame that the bytes are.
 *
 * @param buffer - "PELB", number of frames, their lengths, padding to 8; then the frames, each padded to 8. Or a frame.
 * @returns The bytes of each; the first is the usual one.
 * @throws FrameError when a book is cut off or empty.
 */
export function framesOf(buffer: ArrayBuffer): ArrayBuffer[] {
  if (buffer.byteLength < 8 || magicOf(buffer) !== BOOK) return [buffer];
  const view = new DataView(buffer);
  const [length, frames] = [buffer.byteLength, view.getUint32(4, true)];
  let at = padded(8 + 4 * frames);
  if (at > length) throw cutOff("its list of lengths", at, length);
  if (!frames) throw misfit("The number of frames in this book", 0, "at least 1");
  return Array.from({ length: frames }, (_, place) => {
    const end = at + view.getUint32(8 + 4 * place, true);
    if (end > length) throw cutOff(`number ${place} of its book`, end, length);
    const frame = buffer.slice(at, end);
    at = padded(end);
    return frame;
  });
}

function padded(length: number): number {
  return length + (-length & 7);
}

function magicOf(buffer: ArrayBuffer): string {
  return String.fromCharCode(...new Uint8Array(buffer, 0, 4));
}

function headerLength(buffer: ArrayBuffer): number {
  const length = buffer.byteLength;
  if (length < 8) throw misfit("The length of this frame", length, "at least 8 bytes");
  if (magicOf(buffer) !== MAGIC) throw misfit("The beginning of this frame", magicOf(buffer), `"${MAGIC}"`);
  const header = new DataView(buffer).getUint32(4, true);
  if (8 + header > length) throw cutOff("its header", 8 + header, length);
  return header;
}

function cutOff(what: string, end: number, length: number): FrameError {
  return new FrameError(`This frame is cut off: ${what} ends at byte ${end}, it has ${length}.`);
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) ?? {};
  } catch (error) {
    throw new FrameError(`The header of this frame is not JSON: ${(error as Error).message}.`);
  }
}

function arrayOf(buffer: ArrayBuffer, data: number, entry: Entry, place: number): NDArray {
  const kind = KINDS[entry.dtype];
  const size = entry.shape.reduce((product, extent) => product * extent, 1);
  const end = data + entry.at + size * kind.BYTES_PER_ELEMENT;
  if (entry.at % 8) throw misfit(`arrays[${place}].at`, entry.at, "a multiple of 8");
  if (!(end <= buffer.byteLength)) throw cutOff(`array ${place} of shape [${entry.shape.join(", ")}]`, end, buffer.byteLength);
  const at = data + entry.at;
  const values = new kind(buffer, at, size);
  if (entry.dtype === "f16") return halfArray(place, entry, values as Uint16Array);
  if (entry.dtype !== "u8" || (entry.scale === 1 && !entry.offset)) return { shape: entry.shape, values, at: place };
  // A report that would grow too large keeps its pictures in 256 steps.
  const spread = Float32Array.from(values, (one) => one * entry.scale + entry.offset);
  return { shape: entry.shape, values: spread, at: place, rounded: true };
}

/** Returns a float16 array that is decoded when its values are first asked for. */
function halfArray(at: number, { shape, scale }: Entry, stored: Uint16Array): NDArray {
  let values: Float32Array | null = null;
  return {
    shape, at, rounded: true,
    get values() {
      return (values ??= decoded(stored, scale));
    },
  };
}

function decoded(stored: Uint16Array, scale: number): Float32Array {
  const table = halfTable();
  const values = new Float32Array(stored.length);
  for (let place = 0; place < stored.length; place++) values[place] = table[stored[place]!]! * scale;
  return values;
}

let halves: Float32Array | null = null;

/** Returns the value of each of the 65,536 float16 numbers; made once. */
export function halfTable(): Float32Array {
  if (halves) return halves;
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    let size = (1 + fraction / 1024) * 2 ** (exponent - 15);
    if (exponent === 0) size = (fraction / 1024) * 2 ** -14;
    if (exponent === 31) size = fraction ? NaN : Infinity;
    table[bits] = bits & 32768 ? -size : size;
  }
  halves = table;
  return table;
}

function parametersOf(value: unknown): Parameters {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, one]) => isParameter(one)));
}

/** Tells whether a value can be that of a parameter. */
export function isParameter(value: unknown): value is Parameter {
  if (Array.isArray(value)) return value.every((one) => typeof one === "string");
  return ["number", "string", "boolean"].includes(typeof value);
}
