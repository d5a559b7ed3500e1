/** What a picture says about one place. */

import type { NDArray } from "./types.js";
import { exact } from "./words.js";

/** One value with the name of what it belongs to. */
export interface ReadingRow {
  readonly label: string;
  readonly value: string;
  /** CSS colour of the mark. */
  readonly colour?: string;
}

/** What a picture says about one place; pixels count from the upper left corner of the frame. */
export interface Reading {
  readonly x: number;
  readonly y: number;
  readonly title: string;
  readonly rows: readonly ReadingRow[];
  /** Where the keyboard goes on from. */
  readonly index: readonly [number, number];
  /** Outline of the cell or bar. */
  readonly box?: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  /** A line from top to bottom. */
  readonly upright?: boolean;
  /** The array that the first row is a value of. */
  readonly of?: NDArray;
  /** Where in that array; `index` when missing. */
  readonly at?: readonly number[];
  /** Images, and which of them the place stands for. */
  readonly image?: { readonly images: NDArray; readonly place: number };
  /** Dots on curves. */
  readonly dots?: readonly { readonly x: number; readonly y: number; readonly colour: string }[];
}

/** Finds readings. */
export interface Reader {
  /** Returns what is at a place; null where nothing is. */
  at(x: number, y: number): Reading | null;
  /** Returns the reading so many steps further; from null, the first. */
  move(from: Reading | null, across: number, down: number): Reading | null;
}

/** Returns a value of an array in words, with the digits that it has. */
export function valueWords(array: NDArray, value: number): string {
  return Number.isNaN(value) ? "not measured" : exact(array.rounded ? Number(value.toPrecision(4)) : value);
}

/** Returns a reading as one sentence, for those who hear it. */
export function spoken(reading: Reading): string {
  const rows = reading.rows.map((row) => (row.label ? `${row.label} ${row.value}` : row.value));
  return [reading.title, ...rows].filter(Boolean).join("; ");
}

/** Returns an index kept inside 0 .. count - 1. */
export function clampIndex(index: number, count: number): number {
  return Math.min(Math.max(index, 0), Math.max(count - 1, 0));
}
