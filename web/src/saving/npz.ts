/** Writes .npz, the archive of arrays that numpy.load reads: a zip without compression of .npy files. */

import type { Numbers } from "../types.js";

/** An array, or texts, under a name. */
export interface Named {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Numbers | readonly string[];
}

/**
 * Returns the bytes of an .npz.
 *
 * @param arrays - In the order of the archive; names must differ.
 */
export function npz(arrays: readonly Named[]): Uint8Array<ArrayBuffer> {
  return zip(arrays.map((array) => ({ name: `${array.name}.npy`, content: npy(array) })));
}

/** Returns the bytes of an .npy, version 1.0. */
export function npy({ shape, values }: Named): Uint8Array<ArrayBuffer> {
  const [kind, content] = isNumbers(values) ? [descriptionOf(values), bytesOf(values)] : texts(values);
  const extent = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${kind}', 'fortran_order': False, 'shape': (${extent}), }`;
  // The header ends with a line break at a multiple of 64.
  const padded = text.padEnd(text.length + (63 - ((10 + text.length) % 64))) + "\n";
  return joined([0x93, ...ascii("NUMPY"), 1, 0, ...bytes(2, padded.length)], ascii(padded), content);
}

function isNumbers(values: Named["values"]): values is Numbers {
  return ArrayBuffer.isView(values);
}

function descriptionOf(values: Numbers): string {
  if (values instanceof Float32Array) return "<f4";
  if (values instanceof Float64Array) return "<f8";
  if (values instanceof Uint8Array) return "|u1";
  return values instanceof Uint16Array ? "<u2" : "<i4";
}

function bytesOf(values: Numbers): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** numpy keeps texts as rows of four-byte characters, all as long as the longest. */
function texts(values: readonly string[]): [string, Uint8Array] {
  const points = values.map((text) => Array.from(text, (one) => one.codePointAt(0)!));
  const longest = Math.max(1, ...points.map((one) => one.length));
  const cells = new Uint32Array(values.length * longest);
  points.forEach((one, row) => cells.set(one, row * longest));
  return [`<U${longest}`, new Uint8Array(cells.buffer)];
}

function ascii(text: string): number[] {
  return Array.from(text, (one) => one.charCodeAt(0));
}

/** Returns whole numbers as bytes, the lowest first; `size` bytes each. */
function bytes(size: number, ...values: number[]): number[] {
  return values.flatMap((value) => Array.from({ length: size }, (_, place) => (value / 256 ** place) & 255));
}

function zip(entries: readonly { name: string; content: Uint8Array }[]): Uint8Array<ArrayBuffer> {
  const parts: ArrayLike<number>[] = [];
  const directory: number[] = [];
  let at = 0;
  for (const { name, content } of entries) {
    const letters = new TextEncoder().encode(name);
    // Version 2.0, names in UTF-8, stored, 1 January 1980: the same arrays give the same bytes.
    const both = [...bytes(2, 20, 0x0800, 0, 0, 0x21), ...bytes(4, checksum(content), content.length, content.length), ...bytes(2, letters.length, 0)];
    const local = [...bytes(4, 0x04034b50), ...both, ...letters];
    directory.push(...bytes(4, 0x02014b50), ...bytes(2, 20), ...both, ...bytes(2, 0, 0, 0), ...bytes(4, 0, at), ...letters);
    parts.push(local, content);
    at += local.length + content.length;
  }
  const { length } = entries;
  return joined(...parts, directory, [...bytes(4, 0x06054b50), ...bytes(2, 0, 0, length, length), ...bytes(4, directory.length, at), 0, 0]);
}

function joined(...parts: ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

let table: Uint32Array | null = null;

/** CRC-32 as zip has it. */
function checksum(content: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
  let crc = -1;
  for (const byte of content) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
