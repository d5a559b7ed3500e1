/** What a reader has set in a picture, kept in the address of the page so that a link shows exactly the same. */

import { batch, effect, signal, type Signal } from "./signals.js";
import { isParameter } from "./frame.js";
import type { Window } from "./plot.js";
import type { Parameters } from "./types.js";

/** Everything that can be set, as plain data. */
export interface State {
  /** Entries of the key that are switched off. */
  hidden: readonly string[];
  /** Memory of the smoothing; null as the figure has it. */
  smoothing: number | null;
  /** How dense matrices lie over pictures; null as the figure has it. */
  opacity: number | null;
  /** Window of each zoomed panel. */
  windows: Readonly<Record<string, Window>>;
  /** Azimuth, elevation and zoom of each turned picture. */
  cameras: Readonly<Record<string, readonly [number, number, number]>>;
  /** Place on the path of each surface. */
  places: Readonly<Record<string, number>>;
  /** Parameters of the view that were changed. */
  parameters: Parameters;
}

/** Returns a state in which nothing is set. */
export function initialState(): State {
  return { hidden: [], smoothing: null, opacity: null, windows: {}, cameras: {}, places: {}, parameters: {} };
}

const SHORT: Record<keyof State, string> = {
  hidden: "h", smoothing: "s", opacity: "o", windows: "w", cameras: "c", places: "p", parameters: "v",
};
const PARTS = Object.keys(SHORT) as (keyof State)[];

/** The parts of a state as signals. */
export type Store = { readonly [Part in keyof State]: Signal<State[Part]> };

/** Returns a store that begins with a state. */
export function storeOf(state: State): Store {
  return ofParts((part) => signal<unknown>(state[part])) as unknown as Store;
}

function ofParts(make: (part: keyof State) => unknown): Record<string, unknown> {
  return Object.fromEntries(PARTS.map((part) => [part, make(part)]));
}

/** Returns what a store holds now; reading it inside an effect subscribes to every part. */
export function stateOf(store: Store): State {
  return ofParts((part) => store[part].value) as unknown as State;
}

/** Sets one entry of a record in a signal; undefined removes it. */
export function setEntry<Value>(
  part: Signal<Readonly<Record<string, Value>>>, name: string | number, value: Value | null | undefined,
): void {
  const { [String(name)]: _, ...rest } = part.peek();
  part.value = value == null ? rest : { ...rest, [String(name)]: value };
}

/** Switches an entry of the key off or on. */
export function toggleHidden(store: Store, id: string): void {
  const hidden = store.hidden.peek();
  store.hidden.value = hidden.includes(id) ? hidden.filter((one) => one !== id) : [...hidden, id];
}

/** Returns a state as text for an address; "" when nothing is set. */
export function encodeState(state: State): string {
  const set = PARTS
    .filter((part) => typeof state[part] === "number" || Object.keys(state[part] ?? {}).length)
    .map((part) => [SHORT[part], state[part]]);
  return set.length ? encodeURIComponent(JSON.stringify(Object.fromEntries(set))) : "";
}

/** Returns the state that a text stands for; what is damaged or unknown in it is left out. */
export function decodeState(text: string): State {
  const state = initialState();
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(decodeURIComponent(text)) as Record<string, unknown>;
  } catch {
    return state;
  }
  if (typeof raw !== "object" || raw === null) return state;
  const { h, s, o, w, c, p, v } = raw;
  if (Array.isArray(h)) state.hidden = h.filter((one) => typeof one === "string");
  if (typeof s === "number" && s >= 0 && s < 1) state.smoothing = s;
  if (typeof o === "number" && o >= 0 && o <= 1) state.opacity = o;
  state.windows = entriesThat(w, (one) => isNumbers(one, 4)) as State["windows"];
  state.cameras = entriesThat(c, (one) => isNumbers(one, 3)) as State["cameras"];
  state.places = entriesThat(p, (one) => Number.isFinite(one)) as State["places"];
  state.parameters = entriesThat(v, isParameter) as State["parameters"];
  return state;
}

function entriesThat(value: unknown, keep: (one: unknown) => boolean): Record<string, unknown> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, one]) => keep(one)));
}

function isNumbers(value: unknown, length: number): boolean {
  return Array.isArray(value) && value.length === length && value.every(Number.isFinite);
}

/**
 * Returns the part of a hash that belongs to a picture. A hash is "#anchor~id=state~id=state": what precedes the
 * first "~" stays the anchor of the page.
 *
 * @param hash - With or without "#".
 * @param id - Of the picture.
 */
export function fromHash(hash: string, id: string): string {
  const parts = hash.replace(/^#/, "").split("~").slice(1);
  const mine = parts.find((part) => part.startsWith(`${encodeURIComponent(id)}=`));
  return mine ? mine.slice(mine.indexOf("=") + 1) : "";
}

/** Returns a hash with the part of one picture replaced; "" when nothing is left. */
export function intoHash(hash: string, id: string, text: string): string {
  const [anchor = "", ...parts] = hash.replace(/^#/, "").split("~");
  const name = `${encodeURIComponent(id)}=`;
  const others = parts.filter((part) => !part.startsWith(name));
  const all = [anchor, ...others, ...(text ? [name + escaped(text)] : [])].join("~");
  return all ? `#${all}` : "";
}

/** "~" is legal in an address, but separates the parts of ours. */
function escaped(text: string): string {
  return text.replace(/~/g, "%7E");
}

/** Sets every part of a store. */
export function setStore(store: Store, state: State): void {
  batch(() => PARTS.forEach((part) => ((store[part] as Signal<unknown>).value = state[part])));
}

/**
 * Keeps the address of the page up to date with a store, and the store with an address that a reader enters.
 *
 * @param store - What is set.
 * @param id - Of the picture; "" to leave the address alone.
 * @returns A function that stops it.
 */
export function keepInAddress(store: Store, id: string): () => void {
  if (!id) return () => undefined;
  let timer = 0;
  let first = true;
  const stop = effect(() => {
    const text = encodeState(stateOf(store));
    clearTimeout(timer);
    if (!first) timer = window.setTimeout(() => writeAddress(id, text), 200);
    first = false;
  });
  // Our own writing fires no such event.
  const entered = () => setStore(store, decodeState(fromHash(location.hash, id)));
  addEventListener("hashchange", entered);
  return () => {
    clearTimeout(timer);
    removeEventListener("hashchange", entered);
    stop();
  };
}

function writeAddress(id: string, text: string): void {
  const hash = intoHash(location.hash, id, text);
  try {
    history.replaceState(history.state, "", hash || location.pathname + location.search);
  } catch {
    // A sandboxed frame has no address of its own; the picture works without.
  }
}
