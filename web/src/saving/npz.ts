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
  const bytes = new Uint8Array(10 + padded.length + content.length);
  bytes.set([0x93, ...ascii("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  bytes.set(ascii(padded), 10);
  bytes.set(content, 10 + padded.length);
  return bytes;
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

type Entry = { name: string; content: Uint8Array };

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

function zip(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const names = entries.map(({ name }) => new TextEncoder().encode(name));
  const size = entries.reduce((sum, { content }, place) => sum + content.length + 2 * names[place]!.length + 76, 22);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const starts: number[] = [];
  let at = 0;
  entries.forEach(({ content }, place) => {
    starts.push(at);
    at = header(view, at, LOCAL, names[place]!, content, 0);
    bytes.set(content, at);
    at += content.length;
  });
  const directory = at;
  entries.forEach(({ content }, place) => {
    at = header(view, at, CENTRAL, names[place]!, content, starts[place]!);
  });
  view.setUint32(at, END, true);
  view.setUint16(at + 8, entries.length, true);
  view.setUint16(at + 10, entries.length, true);
  view.setUint32(at + 12, at - directory, true);
  view.setUint32(at + 16, directory, true);
  return bytes;
}

/** Writes the local or the central header of an entry; returns where it ends. */
function header(view: DataView, at: number, kind: number, name: Uint8Array, content: Uint8Array, start: number): number {
  const central = kind === CENTRAL;
  view.setUint32(at, kind, true);
  if (central) view.setUint16(at + 4, 20, true);
  let place = at + (central ? 6 : 4);
  // Version 2.0, names in UTF-8, stored, 1 January 1980: the same arrays give the same bytes.
  for (const value of [20, 0x0800, 0, 0, 0x21]) {
    view.setUint16(place, value, true);
    place += 2;
  }
  for (const value of [checksum(content), content.length, content.length]) {
    view.setUint32(place, value, true);
    place += 4;
  }
  view.setUint16(place, name.length, true);
  if (central) view.setUint32(at + 42, start, true);
  const end = at + (central ? 46 : 30);
  new Uint8Array(view.buffer).set(name, end);
  return end + name.length;
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
