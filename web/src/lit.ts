/** The entry of the key under the pointer: its marks stand out as long as it is there. */

import { signal, type Signal } from "./signals.js";

const known = new WeakMap<Element, Signal<string>>();

/** Returns which entry of the keys of a picture stands out; "" for none. */
export function litOf(root: Element): Signal<string> {
  const found = known.get(root) ?? signal("");
  known.set(root, found);
  return found;
}
