/** Reads the binary frame that carries a figure. */

import { readFigure } from "./figure.js";
import type { Frame, NDArray, Numbers, Parameter } from "./types.js";

/** A frame that does not keep to the form; the message says what came and what was expected. */
export class FrameError extends Error {
  override name = "FrameError";
}

const MAGIC = "PEL1";
const VERSION = 1;
const WIDTHS: Record<string, number> = { f16: 2, f32: 4, f64: 8, u8: 1, u16: 2, i32: 4 };

type Entry = { dtype: string; shape: number[]; at: number; scale: number };

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
  if (header.frame !== VERSION) {
    throw new FrameError(`This frame has version ${show(header.frame)}, expected ${VERSION}. Reload the page.`);
  }
  const data = 8 + start + (-(8 + start) & 7);
  const arrays = listed(header.arrays).map((entry, place) => arrayOf(buffer, data, checked(entry, place), place));
  return {
    view: typeof header.view === "string" ? header.view : "",
    parameters: parametersOf(header.parameters),
    figure: readFigure(header.figure, arrays, (message) => new FrameError(message)),
  };
}

function headerLength(buffer: ArrayBuffer): number {
  if (buffer.byteLength < 8) {
    throw new FrameError(`This frame has ${buffer.byteLength} bytes, expected at least 8.`);
  }
  const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (magic !== MAGIC) {
    throw new FrameError(`This is no frame: it begins with ${show(magic)}, expected "${MAGIC}".`);
  }
  const length = new DataView(buffer).getUint32(4, true);
  if (8 + length > buffer.byteLength) {
    throw new FrameError(`This frame is cut off: its header ends at byte ${8 + length}, it has ${buffer.byteLength}.`);
  }
  return length;
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new FrameError(`The header of this frame is not JSON: ${(error as Error).message}.`);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new FrameError(`The header of this frame is ${show(header)}, expected an object.`);
  }
  return header as Record<string, unknown>;
}

function listed(arrays: unknown): unknown[] {
  if (!Array.isArray(arrays)) {
    throw new FrameError(`The frame lists its arrays as ${show(arrays)}, expected a list.`);
  }
  return arrays;
}

function checked(entry: unknown, place: number): Entry {
  const { dtype, shape, at, scale } = (entry ?? {}) as Partial<Record<keyof Entry, unknown>>;
  if (typeof dtype !== "string" || !Object.hasOwn(WIDTHS, dtype)) {
    throw new FrameError(`Array ${place} has type ${show(dtype)}, expected one of ${Object.keys(WIDTHS).join(", ")}.`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new FrameError(`Array ${place} has shape ${show(shape)}, expected whole numbers from 0.`);
  }
  if (!isCount(at) || at % 8) {
    throw new FrameError(`Array ${place} begins at ${show(at)}, expected a multiple of 8.`);
  }
  const factor = scale ?? 1;
  if (typeof factor !== "number" || !Number.isFinite(factor)) {
    throw new FrameError(`Array ${place} has scale ${show(scale)}, expected a finite number.`);
  }
  return { dtype, shape, at, scale: factor };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function arrayOf(buffer: ArrayBuffer, data: number, entry: Entry, place: number): NDArray {
  const count = entry.shape.reduce((product, extent) => product * extent, 1);
  const end = data + entry.at + count * WIDTHS[entry.dtype]!;
  if (!Number.isSafeInteger(end) || end > buffer.byteLength) {
    throw new FrameError(
      `Array ${place} of shape [${entry.shape.join(", ")}] ends at byte ${end}, but the frame has ${buffer.byteLength}.`,
    );
  }
  const at = data + entry.at;
  if (entry.dtype === "f16") return new HalfArray(entry.shape, new Uint16Array(buffer, at, count), entry.scale);
  return { shape: entry.shape, values: viewOf(buffer, entry.dtype, at, count) };
}

function viewOf(buffer: ArrayBuffer, dtype: string, at: number, count: number): Numbers {
  if (dtype === "f32") return new Float32Array(buffer, at, count);
  if (dtype === "f64") return new Float64Array(buffer, at, count);
  if (dtype === "u8") return new Uint8Array(buffer, at, count);
  if (dtype === "u16") return new Uint16Array(buffer, at, count);
  return new Int32Array(buffer, at, count);
}

/** A float16 array that is decoded when its values are first asked for. */
class HalfArray implements NDArray {
  readonly shape: readonly number[];
  readonly #stored: Uint16Array;
  readonly #scale: number;
  #values: Float32Array | null = null;

  constructor(shape: readonly number[], stored: Uint16Array, scale: number) {
    this.shape = shape;
    this.#stored = stored;
    this.#scale = scale;
  }

  get values(): Float32Array {
    this.#values ??= decoded(this.#stored, this.#scale);
    return this.#values;
  }
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

function parametersOf(value: unknown): Record<string, Parameter> {
  if (typeof value !== "object" || value === null) return {};
  const kept = Object.entries(value).filter(([, one]) => ["number", "string", "boolean"].includes(typeof one));
  return Object.fromEntries(kept) as Record<string, Parameter>;
}

function show(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
