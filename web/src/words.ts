/** Words and numbers as a figure shows them; the same as core/figure/words.py. */

import type { Level } from "./types.js";

/** One character a level, so that a level can be told without colour. */
export const LEVEL_SYMBOLS: Record<Level, string> = {
  "ok": "✓", "not-measured": "–", "look": "◆", "warn": "▲", "alarm": "✖",
};

/** Returns a level in words. */
export function levelWord(level: Level): string {
  return level.replace("-", " ");
}

/** Returns a name or label in one line, without characters that could steer what stands around it. */
export function plain(text: string): string {
  return text
    .replace(/[\n\r\t\u2028\u2029\u0085]/g, " ")
    .replace(/(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, "\ufffd");
}

/** Returns a number in three figures, as a reader would write it: 0.041, 1,250, 3.2×10⁻⁷. */
export function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 ? "−" : "";
  const size = Math.abs(value);
  if (size === Infinity) return `${sign}∞`;
  if (size === 0) return "0";
  if (size >= 1e-3 && size < 1e5) return sign + decimal(size);
  return sign + scientific(size, 1);
}

/**
 * Returns a value as exactly as a reader can use it: six figures, whole numbers in full.
 *
 * @param value - Any number.
 */
export function exact(value: number): string {
  if (!Number.isFinite(value) || value === 0) return number(value);
  const sign = value < 0 ? "−" : "";
  const size = Math.abs(value);
  if (Number.isInteger(size) && size < 1e15) return sign + grouped(String(size));
  if (size < 1e-4 || size >= 1e9) return sign + scientific(size, 5);
  const text = size.toPrecision(6);
  if (text.includes("e")) return sign + grouped(size.toFixed(0));
  return sign + grouped(text.includes(".") ? trimmed(text) : text);
}

/** Returns "1 layer" or "3 layers". */
export function amount(count: number, one: string, many = `${one}s`): string {
  return `${grouped(String(count))} ${count === 1 ? one : many}`;
}

/** Returns a number with so many decimals and "," between thousands; halves go to the even digit, as in Python. */
export function fixed(value: number, decimals: number): string {
  const sign = value < 0 ? "−" : "";
  return sign + grouped(halfEven(Math.abs(value), decimals));
}

function decimal(size: number): string {
  if (size >= 99.95) return grouped(halfEven(size, 0));
  const decimals = 2 - Math.floor(Math.log10(size));
  let text = halfEven(size, decimals);
  // 9.996 has two decimals by its size, and one once it is rounded to 10.0.
  if (Number(text) >= 10 ** (3 - decimals)) text = halfEven(size, decimals - 1);
  return trimmed(text);
}

function scientific(size: number, decimals: number): string {
  const [digits] = size.toExponential(100).split("e") as [string, string];
  const [rounded, exponent] = size.toExponential(decimals).split("e") as [string, string];
  const mantissa = evenHalf(digits, rounded, decimals);
  const power = "10" + String(Number(exponent)).replace(/[-\d]/g, (one) => SUPERSCRIPTS.at(Number(one === "-" ? -1 : one))!);
  const short = trimmed(mantissa);
  return short === "1" ? power : `${short}×${power}`;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻";

function halfEven(size: number, decimals: number): string {
  return evenHalf(size.toFixed(100), size.toFixed(decimals), decimals);
}

/** JavaScript rounds an exact half away from 0; here it goes to the even digit. `digits` has all the digits. */
function evenHalf(digits: string, rounded: string, decimals: number): string {
  const end = digits.indexOf(".") + 1 + decimals;
  if (!/^50*$/.test(digits.slice(end))) return rounded;
  const cut = digits.slice(0, end).replace(/\.$/, "");
  return Number(cut.at(-1)) % 2 ? rounded : cut;
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

function grouped(text: string): string {
  const [whole, rest] = text.split(".") as [string, string | undefined];
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return rest === undefined ? spaced : `${spaced}.${rest}`;
}
